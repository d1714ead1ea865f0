/* Where the user sits: the link of a pseudo-terminal, a TCP client that reads slowly, and RFC 2217. */
#include "emulator/cli/console.h"
#include "emulator/cli/telnet.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char folder[32], path[64], spec[80], target[128];
    struct error error;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->folder, sizeof(f->folder), "/tmp/ouroboard-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/tty", f->folder);
    snprintf(f->spec, sizeof(f->spec), "pty:%s", f->path);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static const char *target_of(struct fixture *f) {
    memset(f->target, 0, sizeof(f->target));
    return readlink(f->path, f->target, sizeof(f->target) - 1) > 0 ? f->target : "";
}

static void link_leads_to_the_terminal(void **state) {
    struct fixture *f = *state;
    struct stat status;
    assert_int_equal(symlink("/dev/pts/left-over", f->path), 0);
    struct console *console = console_open(f->spec, &f->error);
    assert_non_null(console);
    assert_string_equal(target_of(f), console_address(console));
    console_close(console);
    assert_int_equal(lstat(f->path, &status), -1);
}

static void link_does_not_replace_a_file(void **state) {
    struct fixture *f = *state;
    struct stat status;
    close(open(f->path, O_CREAT | O_WRONLY, 0600));
    assert_null(console_open(f->spec, &f->error));
    assert_non_null(strstr(f->error.message, "not a link"));
    assert_int_equal(lstat(f->path, &status), 0);
}

static void link_of_another_run_stays(void **state) {
    struct fixture *f = *state;
    struct console *first = console_open(f->spec, &f->error), *second = console_open(f->spec, &f->error);
    assert_non_null(first);
    assert_non_null(second);
    console_close(first);
    assert_string_equal(target_of(f), console_address(second));
    console_close(second);
}

/* Who waits for a time and for input that nobody takes would not wait at all. */
static void input_nobody_takes_is_not_waited_for(void **state) {
    struct fixture *f = *state;
    struct pollfd fds[CONSOLE_FDS];
    struct console *console = console_open("pty", &f->error);
    assert_non_null(console);
    assert_int_equal(console_poll(console, true, fds), 1);
    assert_int_equal(fds[0].events, POLLIN);
    assert_int_equal(console_poll(console, false, fds), 0);
    console_close(console);
}

static int is_exclusive(int terminal) {
    int exclusive = 0;
    assert_int_equal(ioctl(terminal, TIOCGEXCL, &exclusive), 0);
    return exclusive;
}

/* A program that is killed cannot give back the terminal that it had for itself. */
static void the_next_client_is_let_in(void **state) {
    struct fixture *f = *state;
    uint8_t typed[4];
    struct console *console = console_open("pty", &f->error);
    assert_non_null(console);
    assert_true(console_is_deserted(console));
    int first = open(console_address(console), O_RDWR | O_NOCTTY);
    assert_int_equal(ioctl(first, TIOCEXCL), 0);
    assert_int_equal(console_read(console, typed, sizeof(typed)), 0);
    assert_false(console_is_deserted(console));
    assert_true(is_exclusive(first));
    close(first);
    assert_int_equal(console_read(console, typed, sizeof(typed)), 0);
    assert_true(console_is_deserted(console));
    int second = open(console_address(console), O_RDWR | O_NOCTTY);
    assert_false(is_exclusive(second));
    assert_int_equal(ioctl(second, TIOCEXCL), 0);
    int third = dup(second);
    close(second); /* still somebody's */
    console_read(console, typed, sizeof(typed));
    assert_true(is_exclusive(third) && !console_is_deserted(console));
    close(third);
    console_close(console);
}

static void traffic_counts_both_ways(void **state) {
    struct fixture *f = *state;
    uint8_t typed[4];
    struct console *console = console_open("pty", &f->error);
    assert_non_null(console);
    int client = open(console_address(console), O_RDWR | O_NOCTTY);
    assert_int_equal(console_traffic(console), 0);
    console_write(console, (const uint8_t *)"abc", 3);
    assert_int_equal(console_traffic(console), 3);
    assert_int_equal(write(client, "de", 2), 2);
    while (console_read(console, typed, sizeof(typed)) == 0) {
        usleep(1000); /* the kernel may take a moment */
    }
    assert_int_equal(console_traffic(console), 5);
    close(client);
    console_close(console);
}

static int connect_to(const char *address) {
    struct sockaddr_in there = { .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&there, sizeof(there)), 0);
    return client;
}

/* What a client that reads slowly has not taken is kept, and the sender is told to wait before any of it is lost. */
static void slow_client_loses_nothing(void **state) {
    struct fixture *f = *state;
    struct console *console = console_open("tcp:0", &f->error);
    assert_non_null(console);
    int client = connect_to(console_address(console));
    uint8_t buffer[4096], typed[16];
    size_t sent = 0, got = 0;
    while (console_read(console, typed, sizeof(typed)) == 0 && console_has_room(console) && sent < 1u << 30) {
        memset(buffer, 'x', sizeof(buffer));
        console_write(console, buffer, sizeof(buffer));
        sent += sizeof(buffer);
    }
    assert_false(console_has_room(console));
    fcntl(client, F_SETFL, O_NONBLOCK);
    for (int idle = 0; got < sent && idle < 10000; idle++) {
        for (ssize_t count; (count = read(client, buffer, sizeof(buffer))) > 0; idle = 0) {
            for (ssize_t i = 0; i < count; i++) {
                got += buffer[i] == 'x';
            }
        }
        console_flush(console);
        usleep(1000); /* the kernel may take a moment */
    }
    assert_int_equal(got, sent);
    assert_true(console_has_room(console));
    close(client);
    console_close(console);
}

static bool replied(const struct telnet *telnet, const void *bytes, size_t size) {
    return memmem(telnet->reply, telnet->reply_length, bytes, size) != NULL;
}

/* RFC 2217: pyserial asks for CTS, DSR and CD, and gives up when no report has come. */
static void modem_state_is_reported(void **state) {
    static const uint8_t report[] = { 255, 250, 44, 107, 0xb0, 255, 240 };
    uint8_t will[] = { 255, 251, 44 }, ask[] = { 255, 250, 44, 7, 255, 240 };
    struct telnet telnet;
    telnet_init(&telnet);
    assert_int_equal(telnet_receive(&telnet, will, sizeof(will)), 0);
    assert_true(replied(&telnet, report, sizeof(report)));
    telnet.reply_length = 0;
    assert_int_equal(telnet_receive(&telnet, ask, sizeof(ask)), 0);
    assert_int_equal(telnet.reply_length, sizeof(report));
    assert_true(replied(&telnet, report, sizeof(report)));
}

static void settings_are_answered(void **state) {
    uint8_t bytes[] = { 'a', 255, 250, 44, 1, 0, 1, 0xc2, 0, 255, 240, 255, 255, 'b' };
    static const uint8_t answer[] = { 255, 250, 44, 101, 0, 1, 0xc2, 0, 255, 240 };
    struct telnet telnet;
    telnet_init(&telnet);
    assert_int_equal(telnet_receive(&telnet, bytes, sizeof(bytes)), 3);
    assert_memory_equal(bytes,
                        "a\xff"
                        "b",
                        3);
    assert_true(replied(&telnet, answer, sizeof(answer)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(link_leads_to_the_terminal),
        TEST(link_does_not_replace_a_file),
        TEST(link_of_another_run_stays),
        TEST(the_next_client_is_let_in),
        TEST(traffic_counts_both_ways),
        TEST(slow_client_loses_nothing),
        TEST(modem_state_is_reported),
        TEST(settings_are_answered),
        TEST(input_nobody_takes_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
