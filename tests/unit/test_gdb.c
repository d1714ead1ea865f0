/* The GDB server's protocol, without sockets and without GDB: frames, acknowledgements, escapes, errors, and that what
 * looks changes nothing. What GDB itself does with it is tests/firmware/gdb's. ("Debugging with GDB", appendix E) */
#include "emulator/cpu/core.h"
#include "emulator/debug/gdb.h"
#include "tests/unit/small_session.h"

#define LOOP (SMALL_BASE + 0x32) /* of the small program */
#define UARTDR "40034000"

struct bench {
    struct small_session small;
    struct gdb *gdb;
    char said[GDB_CLIENTS][65536];
    size_t length[GDB_CLIENTS];
};

static void hear(void *context, unsigned client, const void *bytes, size_t size) {
    struct bench *bench = context;
    assert_true(bench->length[client] + size < sizeof(bench->said[client]));
    memcpy(bench->said[client] + bench->length[client], bytes, size);
    bench->length[client] += size;
    bench->said[client][bench->length[client]] = '\0';
}

static void say(struct bench *bench, unsigned client, const char *bytes) {
    bench->length[client] = 0;
    bench->said[client][0] = '\0';
    gdb_receive(bench->gdb, client, bytes, strlen(bytes));
}

/* A packet without acknowledgements: the reply's contents. */
static const char *ask_as(struct bench *bench, unsigned client, const char *packet) {
    static char frame[40000], reply[65536];
    uint8_t sum = 0;
    for (const char *at = packet; *at; at++) {
        sum = (uint8_t)(sum + (uint8_t)*at);
    }
    snprintf(frame, sizeof(frame), "$%s#%02x", packet, sum);
    say(bench, client, frame);
    const char *end = strrchr(bench->said[client], '#');
    if (!end) {
        return "";
    }
    const char *begin = end;
    while (*begin != '$') {
        begin--;
    }
    snprintf(reply, sizeof(reply), "%.*s", (int)(end - begin - 1), begin + 1);
    return reply;
}

static const char *ask(struct bench *bench, const char *packet) {
    return ask_as(bench, 0, packet);
}

static void run(struct bench *bench) {
    while (!gdb_holds(bench->gdb)) {
        session_run(bench->small.session, session_now(bench->small.session) + PS_PER_MS);
        gdb_ran(bench->gdb);
    }
}

/* Lets the board run until it halts: the stop reply. */
static const char *go(struct bench *bench, const char *packet) {
    static char reply[512];
    ask(bench, packet);
    run(bench);
    const char *begin = strrchr(bench->said[0], '$');
    snprintf(reply, sizeof(reply), "%s", begin ? begin + 1 : "");
    return reply;
}

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    struct error error;
    small_open(&bench->small, NULL, NULL);
    const struct gdb_desc desc = { .session = bench->small.session, .send = hear, .context = bench };
    bench->gdb = gdb_create(&desc, &error);
    assert_non_null(bench->gdb);
    session_run(bench->small.session, 2 * PS_PER_MS); /* the program is in its loop */
    gdb_connect(bench->gdb, 0);
    ask(bench, "QStartNoAckMode");
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    gdb_destroy(bench->gdb);
    small_close(&bench->small);
    free(bench);
    return 0;
}

static void test_frames(void **state) {
    struct bench *bench = *state;
    gdb_connect(bench->gdb, 1);
    say(bench, 1, "$qC#b4");
    assert_string_equal(bench->said[1], "+$QC1#c5");
    say(bench, 1, "-"); /* once more */
    assert_string_equal(bench->said[1], "$QC1#c5");
    say(bench, 1, "+$qC#00"); /* a wrong sum */
    assert_string_equal(bench->said[1], "-");
    say(bench, 1, "$broken off$qC#b4");
    assert_string_equal(bench->said[1], "+$QC1#c5");
    say(bench, 1, "+noise$qC#b4");
    assert_string_equal(bench->said[1], "+$QC1#c5");
    say(bench, 1, "$m20000000,2#4d"); /* in pieces */
    say(bench, 1, "$m200");
    say(bench, 1, "00000,2#");
    say(bench, 1, "4");
    assert_string_equal(bench->said[1], "");
    say(bench, 1, "d");
    assert_memory_equal(bench->said[1], "+$", 2);
    gdb_disconnect(bench->gdb, 1);
}

/* Each packet waits until the one before has been acknowledged. */
static void test_acknowledgements(void **state) {
    struct bench *bench = *state;
    gdb_connect(bench->gdb, 1);
    say(bench, 1, "+$qRcmd,74696d65#02"); /* monitor time */
    assert_memory_equal(bench->said[1], "+$O", 3);
    assert_null(strstr(bench->said[1], "$OK"));
    say(bench, 1, "+");
    assert_string_equal(bench->said[1], "$OK#9a");
    say(bench, 1, "+");
    assert_string_equal(bench->said[1], "");
    gdb_disconnect(bench->gdb, 1);
}

static void test_wrong_packets(void **state) {
    struct bench *bench = *state;
    static const char *const refused[] = {
        "m",
        "m20000000",
        "mx,4",
        "m20000000,",
        "m123456789,4",
        "M20000000,4:00",
        "M20000000",
        "X20000000,4:",
        "Z0",
        "Z9,20000000,2",
        "Z2,20000000,0",
        "Z2,20000000,ffffffff",
        "z7,0,0",
        "P",
        "P10",
        "Pff=00000000",
        "pff",
        "p",
        "Hg3",
        "Hgx",
        "T3",
        "vCont;x",
        "vCont;r",
        "vCont;s:9",
        "G",
        "G00",
        "vCont;C",
        "qXfer:threads:read::x",
        "qXfer:nothing:read::0,10",
        "qXfer:threads:read::ffffff,10",
        "vFlashErase:10000001,1000",
        "vFlashWrite:",
        "qThreadExtraInfo,7",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *reply = ask(bench, refused[i]);
        if (reply[0] != 'E') {
            fail_msg("%s: %s", refused[i], reply);
        }
        if (!gdb_holds(bench->gdb)) {
            fail_msg("%s lets the board run", refused[i]);
        }
    }
    static const char *const unknown[] = { "", "y", "vUnknown", "qUnknown", "QUnknown", "vMustReplyEmpty", "i", "A" };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_string_equal(ask(bench, unknown[i]), "");
    }
}

static void test_long_packet(void **state) {
    struct bench *bench = *state;
    char packet[20001];
    memset(packet, 'm', sizeof(packet) - 1);
    packet[sizeof(packet) - 1] = '\0';
    assert_int_equal(ask(bench, packet)[0], 'E');
    assert_string_equal(ask(bench, "qC"), "QC1");
}

static void test_registers_and_memory(void **state) {
    struct bench *bench = *state;
    assert_string_equal(ask(bench, "P5=78563412"), "OK");
    assert_string_equal(ask(bench, "p5"), "78563412");
    assert_string_equal(ask(bench, "p19"), ask(bench, "p19"));
    assert_int_equal(strlen(ask(bench, "g")), 8 * 21); /* r0 to pc, xpsr, msp, psp, primask, control */
    assert_string_equal(ask(bench, "M20001000,4:01020304"), "OK");
    assert_string_equal(ask(bench, "m20001001,3"), "020304");
    assert_string_equal(ask(bench, "X20001000,3:a}]b"), "OK"); /* 'a', '}', 'b' */
    assert_string_equal(ask(bench, "m20001000,4"), "617d6204");
    assert_string_equal(ask(bench, "M50000000,4:00000000"), "OK"); /* a register: DMA's */
    assert_int_equal(ask(bench, "m90000000,4")[0], 'E');
    assert_int_equal(ask(bench, "M00000000,4:00000000")[0], 'E');
    assert_int_equal(ask(bench, "M90000000,4:00000000")[0], 'E');
    assert_string_equal(ask(bench, "m20041ffc,8"), "00000000"); /* as far as there is something */
}

/* Loading UARTDR takes a byte out of the FIFO: it is refused, and the byte stays for the program. */
static void test_looking_has_no_effect(void **state) {
    struct bench *bench = *state;
    struct error error;
    const struct input byte = { .kind = INPUT_SERIAL, .index = CONSOLE_UART0, .data = "H", .size = 1 };
    assert_int_equal(ask(bench, "m" UARTDR ",4")[0], 'E');
    assert_int_equal(ask(bench, "md0000058,4")[0], 'E'); /* FIFO_RD */
    assert_int_equal(ask(bench, "md0000100,4")[0], 'E'); /* SPINLOCK0 */
    assert_int_equal(strlen(ask(bench, "m40034018,4")), 8);
    assert_true(session_apply(bench->small.session, &byte, &error));
    assert_memory_equal(go(bench, "vCont;c"), "", 0);
}

static int set_up_and_break(void **state) {
    set_up(state);
    struct bench *bench = *state;
    assert_string_equal(ask(bench, "Z0,20000036,2"), "OK");
    return 0;
}

static void test_points_and_steps(void **state) {
    struct bench *bench = *state;
    struct core *core = machine_core(session_machine(bench->small.session), 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_memory_equal(go(bench, "vCont;c"), "T05", 3);
        assert_int_equal(core_register(core, CORE_PC), LOOP + 4);
    }
    uint64_t cycles = core_cycles(core);
    for (unsigned i = 0; i < 4; i++) {
        assert_memory_equal(go(bench, "vCont;s:1;c"), "T05", 3);
    }
    assert_int_equal(core_register(core, CORE_PC), LOOP);
    assert_in_range(core_cycles(core) - cycles, 4, 12);
    assert_memory_equal(go(bench, "vCont;r20000032,20000040:1;c"), "T05", 3); /* the breakpoint within the range */
    assert_int_equal(core_register(core, CORE_PC), LOOP + 4);
    assert_string_equal(ask(bench, "z0,20000036,2"), "OK");
    assert_string_equal(ask(bench, "Z2,d0000010,4"), "OK"); /* stores to GPIO_OUT */
    assert_non_null(strstr(go(bench, "vCont;c"), "watch:d0000010;"));
    assert_int_equal(core_register(core, CORE_PC), LOOP + 4);
    assert_string_equal(ask(bench, "z2,d0000010,4"), "OK");
}

static void test_second_client(void **state) {
    struct bench *bench = *state;
    gdb_connect(bench->gdb, 1);
    ask_as(bench, 1, "QStartNoAckMode");
    assert_memory_equal(ask_as(bench, 1, "?"), "T05", 3);
    assert_int_equal(ask_as(bench, 1, "vCont;c")[0], 'E');
    assert_int_equal(ask_as(bench, 1, "M20000000,1:00")[0], 'E');
    assert_int_equal(ask_as(bench, 1, "bs")[0], 'E');
    say(bench, 1, "\x03");
    assert_true(gdb_holds(bench->gdb));
    ask(bench, "vCont;c");
    assert_false(gdb_holds(bench->gdb));
    assert_int_equal(strlen(ask_as(bench, 1, "m20000000,4")), 8);
    say(bench, 0, "\x03");
    assert_memory_equal(bench->said[0], "$T02", 4);
    gdb_disconnect(bench->gdb, 0); /* the board goes on, until the other one wants it */
    assert_false(gdb_holds(bench->gdb));
    assert_string_equal(ask_as(bench, 1, "M20001000,1:00"), "OK");
    assert_true(gdb_holds(bench->gdb));
    assert_string_equal(ask_as(bench, 1, "D"), "OK");
    assert_false(gdb_is_attached(bench->gdb));
}

/* Two steps back and two forward, and to the end of what there is. */
static void test_going_back(void **state) {
    struct bench *bench = *state;
    uint32_t pc[5];
    for (unsigned i = 0; i < 5; i++) {
        assert_memory_equal(go(bench, "vCont;s:1;c"), "T05", 3);
        pc[i] = core_register(machine_core(session_machine(bench->small.session), 0), CORE_PC);
    }
    for (int i = 3; i >= 0; i--) {
        char wanted[9];
        snprintf(wanted, sizeof(wanted), "%02x%02x%02x%02x", pc[i] & 0xff, pc[i] >> 8 & 0xff, pc[i] >> 16 & 0xff,
                 pc[i] >> 24);
        assert_memory_equal(ask(bench, "bs"), "T05", 3);
        assert_string_equal(ask(bench, "pf"), wanted);
    }
    assert_int_equal(ask(bench, "P0=00000000")[0], 'E'); /* the past stays as it was */
    assert_int_equal(ask(bench, "M20001000,1:00")[0], 'E');
    assert_memory_equal(ask(bench, "bc"), "T05", 3);
    assert_non_null(strstr(bench->said[0], "replaylog:begin"));
    ask(bench, "vCont;c");
    assert_non_null(strstr(bench->said[0], "replaylog:end"));
    assert_int_equal(core_register(machine_core(session_machine(bench->small.session), 0), CORE_PC), pc[4]);
    assert_string_equal(ask(bench, "P0=00000000"), "OK");
}

#define GDB_TEST(name, begin) cmocka_unit_test_setup_teardown(name, begin, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        GDB_TEST(test_frames, set_up),
        GDB_TEST(test_acknowledgements, set_up),
        GDB_TEST(test_wrong_packets, set_up),
        GDB_TEST(test_long_packet, set_up),
        GDB_TEST(test_registers_and_memory, set_up),
        GDB_TEST(test_looking_has_no_effect, set_up_and_break),
        GDB_TEST(test_points_and_steps, set_up_and_break),
        GDB_TEST(test_second_client, set_up),
        GDB_TEST(test_going_back, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
