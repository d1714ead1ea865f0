/* Sessions: what opening one says of wrong descriptions, the gate and what listeners hear of it, plans, and recordings.
 * The guest is a program of two instructions in RAM: it loops. */
#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"
#include "emulator/session/bytes.h"
#include "emulator/session/session.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEARD 64

static const char diagram[] =
    "{\"version\":1,\"parts\":[{\"type\":\"wokwi-pi-pico\",\"id\":\"pico\"},"
    "{\"type\":\"wokwi-pushbutton\",\"id\":\"btn1\"}],"
    "\"connections\":[[\"btn1:1.l\",\"pico:GP3\",\"\",[]],[\"btn1:2.l\",\"pico:GND.1\",\"\",[]]]}";

struct heard {
    enum input_kind kind;
    uint64_t time_ps;
    double value;
};

struct desk {
    char folder[32], image[64], recording[64];
    struct session_desc desc;
    struct session_listener listener;
    struct session *session;
    struct heard heard[HEARD];
    unsigned count;
    char lines[4096];
};

static void hear_input(void *context, const struct input_moment *moment, const struct input *input) {
    struct desk *desk = context;
    assert_int_equal(moment->answers, 0);
    assert_true(desk->count < HEARD);
    desk->heard[desk->count++] = (struct heard){ input->kind, moment->time_ps, input->value };
}

static void hear_line(void *context, enum log_level level, const char *line) {
    struct desk *desk = context;
    size_t used = strlen(desk->lines);
    snprintf(desk->lines + used, sizeof(desk->lines) - used, "%s\n", line);
}

static void write_file(const char *folder, const char *name, const void *bytes, size_t size) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* UF2, one block for the RP2040: vectors, `nop; b .-2`. */
static void write_image(const char *folder) {
    static const uint32_t head[] = { 0x0a324655, 0x9e5d5157, 0x00002000, 0x20000000, 256, 0, 1, 0xe48bff56 };
    static const uint32_t program[] = { 0x20041000, 0x20000009, 0xe7fdbf00 };
    uint8_t block[512] = { 0 };
    const uint32_t end = 0x0ab16f30;
    memcpy(block, head, sizeof(head));
    memcpy(block + 32, program, sizeof(program));
    memcpy(block + 508, &end, sizeof(end));
    write_file(folder, "loop.uf2", block, sizeof(block));
}

static int set_up(void **state) {
    struct desk *desk = calloc(1, sizeof(*desk));
    snprintf(desk->folder, sizeof(desk->folder), "/tmp/ouroboard-XXXXXX");
    assert_non_null(mkdtemp(desk->folder));
    snprintf(desk->image, sizeof(desk->image), "%s/loop.uf2", desk->folder);
    snprintf(desk->recording, sizeof(desk->recording), "%s/recording", desk->folder);
    write_image(desk->folder);
    write_file(desk->folder, "diagram.json", diagram, strlen(diagram));
    desk->desc = (struct session_desc){ .project = desk->folder, .firmware = desk->image };
    desk->listener = (struct session_listener){ .context = desk, .input = hear_input, .line = hear_line };
    *state = desk;
    return 0;
}

static int tear_down(void **state) {
    static const char *const names[] = { "loop.uf2", "diagram.json", "recording" };
    struct desk *desk = *state;
    char path[128];
    session_close(desk->session);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", desk->folder, names[i]);
        unlink(path);
    }
    rmdir(desk->folder);
    free(desk);
    return 0;
}

static void open_desk(struct desk *desk) {
    struct error error = { "" };
    desk->session = session_open(&desk->desc, &desk->listener, &error);
    assert_string_equal(error.message, "");
    assert_non_null(desk->session);
}

static void assert_refused(struct desk *desk, const char *says) {
    struct error error = { "" };
    assert_null(session_open(&desk->desc, &desk->listener, &error));
    if (!strstr(error.message, says) && !strstr(desk->lines, says)) {
        fail_msg("\"%s\" is said instead of \"%s\"", error.message, says);
    }
    desk->lines[0] = 0;
}

static void assert_apply_fails(struct desk *desk, const struct input *input, const char *says) {
    struct error error = { "" };
    unsigned before = desk->count;
    assert_false(session_apply(desk->session, input, &error));
    if (!strstr(error.message, says)) {
        fail_msg("\"%s\" is said instead of \"%s\"", error.message, says);
    }
    assert_int_equal(desk->count, before);
}

static void apply(struct desk *desk, struct input input) {
    struct error error = { "" };
    bool ok = session_apply(desk->session, &input, &error);
    if (!ok) {
        fail_msg("%s", error.message);
    }
}

static struct net *pin(struct desk *desk, unsigned gpio) {
    return machine_gpio(session_machine(desk->session), gpio);
}

/* ---- Opening ---- */

static void wrong_descriptions_are_told(void **state) {
    struct desk *desk = *state;
    const struct session_desc good = desk->desc;
    desk->desc.firmware = "/nonexistent.uf2";
    assert_refused(desk, "/nonexistent.uf2");
    desk->desc = good;
    desk->desc.board = "raspberry_pi_pick";
    assert_refused(desk, "raspberry_pi_pico");
    desk->desc = good;
    desk->desc.board = "raspberry_pi_pico2";
    assert_refused(desk, "blocks are for RP2040");
    desk->desc = good;
    desk->desc.project = "/nonexistent";
    assert_refused(desk, "/nonexistent");
    desk->desc = good;
    desk->desc.flash = desk->folder;
    assert_refused(desk, desk->folder);
    desk->desc = good;
    desk->desc.bootrom = desk->image;
    assert_refused(desk, "exactly 16384 bytes");
    desk->desc = good;
    desk->desc.otp = desk->recording;
    assert_refused(desk, "has no such memory");
    desk->desc = good;
    desk->desc.errata = "rp2350-e9";
    assert_refused(desk, "rp2040-e13");
    desk->desc = good;
    desk->desc.console_first = SESSION_CONSOLE_FIRST;
    assert_refused(desk, "this firmware is none");
    desk->desc = good;
    desk->desc.replay = desk->image;
    assert_refused(desk, "line 1");
}

static void wrong_wires_are_told(void **state) {
    struct desk *desk = *state;
    static const struct {
        const char *wire, *says;
    } wrong[] = { { "GP2", "say pin=pin" },      { "=GP2", "say pin=pin" },       { "GP2=", "say pin=pin" },
                  { "GP2=GP2", "the same pin" }, { "GP2=GPX", "no pin \"GPX\"" }, { "GND=3V3", "short circuit" } };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        desk->desc.wires = &wrong[i].wire;
        desk->desc.wire_count = 1;
        assert_refused(desk, wrong[i].says);
    }
}

static void what_there_is(void **state) {
    struct desk *desk = *state;
    open_desk(desk);
    assert_string_equal(session_board(desk->session)->id, "raspberry_pi_pico");
    assert_string_equal(session_folder(desk->session), desk->folder);
    assert_string_equal(session_firmware(desk->session), desk->image);
    assert_false(session_drive_is_busy(desk->session));
    assert_false(session_is_early(desk->session));
    assert_int_equal(session_now(desk->session), 0);
}

/* ---- The gate ---- */

static void pins_are_driven_from_outside(void **state) {
    struct desk *desk = *state;
    open_desk(desk);
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_HIGH });
    assert_int_equal(pin(desk, 2)->level, NET_LEVEL_HIGH);
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_LOW });
    assert_int_equal(pin(desk, 2)->level, NET_LEVEL_LOW);
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_VOLTS, .value = 1.5 });
    assert_true(net_volts(pin(desk, 2)) > 1.49 && net_volts(pin(desk, 2)) < 1.51);
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_PULL_UP });
    assert_int_equal(pin(desk, 2)->level, NET_LEVEL_HIGH);
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_RELEASE });
    assert_int_not_equal(pin(desk, 2)->level, NET_LEVEL_HIGH);
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_PIN, .name = "GP99" }, "GP99");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_PIN, .name = "GP2", .index = 77 }, "say release");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_VOLTS, .value = 1e9 },
                       "volts from");
    assert_int_equal(desk->count, 5);
}

static void controls_and_wires(void **state) {
    struct desk *desk = *state;
    open_desk(desk);
    apply(desk, (struct input){ .kind = INPUT_WIRE, .part = "GP3", .name = "GP4" });
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP4", .index = INPUT_PULL_UP });
    assert_int_equal(pin(desk, 3)->level, NET_LEVEL_HIGH);
    apply(desk, (struct input){ .kind = INPUT_CONTROL, .part = "btn1", .name = "pressed", .value = 1 });
    assert_int_equal(pin(desk, 4)->level, NET_LEVEL_LOW);
    apply(desk, (struct input){ .kind = INPUT_CONTROL, .part = "btn1", .name = "pressed", .value = 0 });
    session_run(desk->session, 100 * PS_PER_MS); /* it bounces */
    assert_int_equal(pin(desk, 4)->level, NET_LEVEL_HIGH);
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_CONTROL, .part = "btn2", .name = "pressed" }, "btn1");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_CONTROL, .part = "btn1", .name = "push" }, "push");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_CONTROL, .part = "btn1", .name = "pressed", .value = 7 },
                       "7");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_WIRE, .part = "GP1", .name = "GP1" }, "the same pin");
}

static void bytes_that_nobody_takes(void **state) {
    struct desk *desk = *state;
    open_desk(desk);
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_SERIAL, .index = 9, .data = "x", .size = 1 }, "port 9");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_SERIAL, .data = "x", .size = 1 }, "room for 0 of 1 bytes");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_USB_CDC, .index = 1, .data = "xy", .size = 2 },
                       "room for 0 of 2");
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_USB_OPEN, .index = 99, .value = 1 }, "port 99");
    assert_apply_fails(desk, &(struct input){ .kind = (enum input_kind)99 }, "kind 99");
    static const char long_line[5000]; /* more than a UART's queue holds: nothing of it is taken */
    assert_apply_fails(desk,
                       &(struct input){ .kind = INPUT_SERIAL, .index = CONSOLE_UART0, .data = long_line, .size = 5000 },
                       "room for 4096 of 5000 bytes");
    apply(desk, (struct input){ .kind = INPUT_SERIAL, .index = CONSOLE_UART0, .data = long_line, .size = 4096 });
    assert_apply_fails(desk, &(struct input){ .kind = INPUT_SERIAL, .index = CONSOLE_UART0, .data = "x", .size = 1 },
                       "room for 0 of 1 bytes");
    assert_int_equal(session_type(desk->session, "hello", 5, false), 5);
    assert_int_equal(session_typing_room(desk->session), SESSION_TYPING - 5);
    char many[2 * SESSION_TYPING] = { 0 };
    assert_int_equal(session_type(desk->session, many, sizeof(many), true), SESSION_TYPING - 5);
    assert_int_equal(session_typing_room(desk->session), 0);
}

/* ---- Plans ---- */

static void plans_come_in_order_of_times_then_of_calls(void **state) {
    struct desk *desk = *state;
    struct error error = { "" };
    open_desk(desk);
    static const struct {
        unsigned ms;
        double value;
    } plan[] = { { 5, 0.5 }, { 2, 0.2 }, { 9, 0.9 }, { 5, 0.6 }, { 0, 0.1 }, { 2, 0.3 } };
    for (unsigned i = 0; i < 6; i++) {
        const struct input input = { .kind = INPUT_PIN, .name = "GP5", .index = INPUT_VOLTS, .value = plan[i].value };
        assert_true(session_plan(desk->session, plan[i].ms * PS_PER_MS, &input, &error));
    }
    assert_int_equal(session_planned(desk->session), 2 * PS_PER_MS);
    assert_int_equal(session_next(desk->session, PS_PER_MS), PS_PER_MS);
    assert_int_equal(session_run(desk->session, 20 * PS_PER_MS), SESSION_RUNS);
    static const double values[] = { 0.1, 0.2, 0.3, 0.5, 0.6, 0.9 };
    static const unsigned times[] = { 0, 2, 2, 5, 5, 9 };
    assert_int_equal(desk->count, 6);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(desk->heard[i].value == values[i]);
        assert_true(desk->heard[i].time_ps >= times[i] * PS_PER_MS);
        assert_true(desk->heard[i].time_ps < times[i] * PS_PER_MS + 10 * PS_PER_US);
    }
    assert_int_equal(session_planned(desk->session), TIME_NEVER);
}

static void a_plan_that_fails_is_a_line(void **state) {
    struct desk *desk = *state;
    open_desk(desk);
    assert_true(session_plan(desk->session, PS_PER_MS, &(struct input){ .kind = INPUT_PIN, .name = "GP77" }, NULL));
    session_run(desk->session, 2 * PS_PER_MS);
    assert_non_null(strstr(desk->lines, "GP77"));
}

static void how_a_run_is_cut_makes_no_difference(void **state) {
    struct desk *desk = *state;
    open_desk(desk);
    session_run(desk->session, 10 * PS_PER_MS);
    uint64_t cycles = machine_cycles(session_machine(desk->session)), now = session_now(desk->session);
    session_close(desk->session);
    open_desk(desk);
    for (uint64_t at = 0; at < 10 * PS_PER_MS; at += 123457000) {
        session_run(desk->session, at);
    }
    session_run(desk->session, 10 * PS_PER_MS);
    assert_int_equal(session_now(desk->session), now);
    assert_int_equal(machine_cycles(session_machine(desk->session)), cycles);
}

/* ---- Recordings ---- */

static void record(struct desk *desk) {
    struct error error = { "" };
    open_desk(desk);
    assert_true(session_record(desk->session, desk->recording, &error));
    assert_false(session_record(desk->session, desk->recording, &error));
    assert_non_null(strstr(error.message, "recorded already"));
    session_run(desk->session, 700 * PS_PER_MS);
    apply(desk, (struct input){ .kind = INPUT_CONTROL, .part = "btn1", .name = "pressed", .value = 1 });
    session_run(desk->session, 1700 * PS_PER_MS);
    apply(desk, (struct input){ .kind = INPUT_PIN, .name = "GP4", .index = INPUT_VOLTS, .value = 1.25 });
    apply(desk, (struct input){ .kind = INPUT_RESET });
    session_run(desk->session, 2500 * PS_PER_MS);
    assert_true(session_end_record(desk->session, &error));
    assert_true(session_end_record(desk->session, &error));
}

static void a_recording_is_replayed(void **state) {
    struct desk *desk = *state;
    record(desk);
    uint64_t cycles = machine_cycles(session_machine(desk->session)), now = session_now(desk->session);
    session_close(desk->session);
    unsigned count = desk->count;
    struct heard before[HEARD];
    memcpy(before, desk->heard, sizeof(before));
    desk->count = 0;
    desk->desc = (struct session_desc){ .replay = desk->recording };
    open_desk(desk);
    assert_int_equal(session_run(desk->session, 60 * PS_PER_S), SESSION_REPLAYED);
    assert_int_equal(session_now(desk->session), now);
    assert_int_equal(machine_cycles(session_machine(desk->session)), cycles);
    assert_int_equal(desk->count, count);
    assert_memory_equal(desk->heard, before, sizeof(before));
    assert_true(net_volts(pin(desk, 4)) > 1.2);
}

static void recordings_cannot_be_everywhere(void **state) {
    struct desk *desk = *state;
    struct error error = { "" };
    open_desk(desk);
    assert_false(session_record(desk->session, "/nonexistent/recording", &error));
    assert_non_null(strstr(error.message, "/nonexistent/recording"));
    assert_true(session_record(desk->session, "/dev/full", &error));
    assert_false(session_end_record(desk->session, &error));
    assert_non_null(strstr(error.message, "disk full"));
}

/* ---- Bytes ---- */

/* RFC 4648, section 10. */
static void text_of_bytes(void **state) {
    static const struct {
        const char *bytes, *text;
    } vectors[] = { { "", "" },
                    { "f", "Zg==" },
                    { "fo", "Zm8=" },
                    { "foo", "Zm9v" },
                    { "foob", "Zm9vYg==" },
                    { "fooba", "Zm9vYmE=" },
                    { "foobar", "Zm9vYmFy" } };
    static const char *const wrong[] = { "Z", "Zg=", "Zg==Zg==", "Zm9*", "=m9v", "Z===", "Zm9v\n" };
    size_t size;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char *text = bytes_to_text(vectors[i].bytes, strlen(vectors[i].bytes));
        assert_string_equal(text, vectors[i].text);
        uint8_t *bytes = bytes_from_text(text, &size);
        assert_int_equal(size, strlen(vectors[i].bytes));
        assert_memory_equal(bytes, vectors[i].bytes, size);
        free(text);
        free(bytes);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(bytes_from_text(wrong[i], &size));
    }
}

static void packed_bytes(void **state) {
    static uint8_t many[100000];
    struct error error = { "" };
    size_t packed_size, size;
    assert_int_equal(bytes_crc((const uint8_t *)"123456789", 9), 0xcbf43926); /* the usual check value */
    many[777] = 7;
    uint8_t *packed = bytes_pack(many, sizeof(many), &packed_size, &error);
    assert_true(packed && packed_size < 1000);
    uint8_t *bytes = bytes_unpack(packed, packed_size, sizeof(many), &size, &error);
    assert_int_equal(size, sizeof(many));
    assert_memory_equal(bytes, many, size);
    assert_null(bytes_unpack(packed, packed_size, sizeof(many) - 1, &size, &error));
    assert_null(bytes_unpack(packed, packed_size - 1, sizeof(many), &size, &error));
    assert_null(bytes_unpack((const uint8_t *)"stranger", 8, sizeof(many), &size, &error));
    free(packed);
    free(bytes);
}

#define DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        DESK(wrong_descriptions_are_told),
        DESK(wrong_wires_are_told),
        DESK(what_there_is),
        DESK(pins_are_driven_from_outside),
        DESK(controls_and_wires),
        DESK(bytes_that_nobody_takes),
        DESK(plans_come_in_order_of_times_then_of_calls),
        DESK(a_plan_that_fails_is_a_line),
        DESK(how_a_run_is_cut_makes_no_difference),
        DESK(a_recording_is_replayed),
        DESK(recordings_cannot_be_everywhere),
        cmocka_unit_test(text_of_bytes),
        cmocka_unit_test(packed_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
