/* HID and MIDI: report descriptors by themselves, and the drivers against a firmware with one function of each. */
#include "tests/unit/unit.h"
#include "tests/unit/usb_firmware.h"

/* Report 1: a keyboard with LEDs; 2: a mouse with wheel; 3: consumer control; 4: a gamepad with signed axes and a hat.
 */
static const uint8_t reports[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x85, 0x01, 0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x75,
    0x01, 0x95, 0x08, 0x81, 0x02, 0x95, 0x01, 0x75, 0x08, 0x81, 0x01, 0x95, 0x03, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01,
    0x29, 0x03, 0x91, 0x02, 0x95, 0x01, 0x75, 0x05, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xff, 0x00,
    0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x81, 0x00, 0xc0, /* keyboard */
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, 0x85, 0x02, 0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15,
    0x00, 0x25, 0x01, 0x95, 0x05, 0x75, 0x01, 0x81, 0x02, 0x95, 0x01, 0x75, 0x03, 0x81, 0x01, 0x05, 0x01, 0x09, 0x30,
    0x09, 0x31, 0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06, 0xc0, 0xc0, /* mouse */
    0x05, 0x0c, 0x09, 0x01, 0xa1, 0x01, 0x85, 0x03, 0x75, 0x10, 0x95, 0x01, 0x15, 0x01, 0x26, 0x8c, 0x02, 0x19, 0x01,
    0x2a, 0x8c, 0x02, 0x81, 0x00, 0xc0, /* consumer */
    0x05, 0x01, 0x09, 0x05, 0xa1, 0x01, 0x85, 0x04, 0x15, 0x81, 0x25, 0x7f, 0x09, 0x30, 0x09, 0x31, 0x75, 0x08, 0x95,
    0x02, 0x81, 0x02, 0x15, 0x00, 0x25, 0x07, 0x09, 0x39, 0x75, 0x04, 0x95, 0x01, 0x81, 0x42, 0x75, 0x04, 0x81, 0x03,
    0x05, 0x09, 0x19, 0x01, 0x29, 0x08, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0xc0, /* gamepad */
};

static const uint8_t device_descriptor[18] = { 18,   1,    0x00, 0x02, 0,    0, 0, 64, 0x8a,
                                               0x2e, 0x05, 0x00, 0x00, 0x01, 0, 0, 0,  1 };
#define TOTAL (9 + 9 + 9 + 7 + 7 + 9 + 7 + 7)
/* HID with EP1 IN and OUT, MIDI streaming with EP2. */
static const uint8_t configuration[] = {
    9,    2, TOTAL, 0,    2, 1,  0,    0x80, 50, 9,  4,    0,    0,
    2,    3, 0,     0,    0, 9,  0x21, 0x11, 1,  0,  1,    0x22, sizeof(reports),
    0,    7, 5,     0x81, 3, 64, 0,    8,    7,  5,  0x01, 3,    64,
    0,    8, 9,     4,    1, 0,  2,    1,    3,  0,  0,    7,    5,
    0x82, 2, 64,    0,    0, 7,  5,    0x02, 2,  64, 0,    0,
};

static struct firmware fw;
static struct {
    struct usbhost_listener listener;
    struct usbhost_hid_event event[64];
    unsigned events, idles, midis;
    uint8_t out[64], midi_out[64], midi_out_all[256], in[64];
    unsigned out_length, midi_out_length;
    uint8_t midi[256];
    unsigned midi_length, cable;
} seen;

static void hid_event(void *context, const struct usbhost_hid_event *event) {
    assert_true(seen.events < 64);
    seen.event[seen.events++] = *event;
}

static void midi_received(void *context, unsigned instance, unsigned cable, const uint8_t *bytes, size_t length) {
    memcpy(seen.midi + seen.midi_length, bytes, length);
    seen.midi_length += (unsigned)length;
    seen.cable = cable;
    seen.midis++;
}

static bool class_request(struct firmware *firmware, const uint8_t setup[8]) {
    seen.idles += setup[0] == 0x21 && setup[1] == 10;
    return setup[0] == 0x21 && setup[1] == 10;
}

static void on_configured(struct firmware *firmware) {
    fw_open(firmware, 0x81, 3);
    fw_open(firmware, 0x01, 3);
    fw_open(firmware, 0x82, 2);
    fw_open(firmware, 0x02, 2);
    fw_transfer(firmware, 0x01, seen.out, 64);
    fw_transfer(firmware, 0x02, seen.midi_out, 64);
}

static void on_complete(struct firmware *firmware, uint8_t address, unsigned length) {
    if (address == 0x01) {
        seen.out_length = length;
        fw_transfer(firmware, 0x01, seen.out, 64);
    } else if (address == 0x02) {
        memcpy(seen.midi_out_all + seen.midi_out_length, seen.midi_out, length);
        seen.midi_out_length += length;
        fw_transfer(firmware, 0x02, seen.midi_out, 64);
    }
}

static void started(void) {
    memset(&fw, 0, sizeof(fw));
    memset(&seen, 0, sizeof(seen));
    fw.device_descriptor = device_descriptor;
    fw.configuration = configuration;
    fw.report_descriptor = reports;
    fw.report_descriptor_length = sizeof(reports);
    fw.class_request = class_request;
    fw.on_configured = on_configured;
    fw.on_complete = on_complete;
    fw_init(&fw, &rp2040_usb_registers);
    seen.listener = (struct usbhost_listener){ .hid_event = hid_event, .midi_received = midi_received };
    usbhost_listen(&fw.host, &seen.listener);
    fw_start(&fw);
    fw_run(&fw, 400 * PS_PER_MS);
    assert_true(usbhost_hid_ready(&fw.host, 0));
    assert_true(usbhost_midi_ready(&fw.host, 0));
}

static void report(const void *bytes, unsigned length) {
    memcpy(seen.in, bytes, length);
    seen.events = 0;
    fw_transfer(&fw, 0x81, seen.in, length);
    fw_run(&fw, 20 * PS_PER_MS);
}

static void assert_event(unsigned i, uint32_t application, uint32_t usage, int32_t value) {
    assert_true(i < seen.events);
    assert_int_equal(seen.event[i].application, application);
    assert_int_equal(seen.event[i].usage, usage);
    assert_int_equal(seen.event[i].value, value);
}

static void report_descriptor(void **state) {
    static struct hid_descriptor d;
    assert_true(hid_parse(reports, sizeof(reports), &d));
    assert_true(d.has_ids);
    assert_int_equal(d.report_count, 4);
    assert_int_equal(d.report[0].input_bits, 64);
    assert_int_equal(d.report[0].output_bits, 8);
    assert_int_equal(d.report[1].input_bits, 32);
    assert_int_equal(d.report[2].input_bits, 16);
    assert_int_equal(d.report[3].input_bits, 32);
    assert_int_equal(hid_find_report(&d, 3), 2);
    assert_int_equal(hid_find_report(&d, 9), -1);
}

static void report_descriptor_cut_anywhere(void **state) {
    static struct hid_descriptor d;
    for (unsigned n = 0; n < sizeof(reports); n++) {
        hid_parse(reports, n, &d); /* whatever it says, it must not fall over */
    }
    static const uint8_t huge[] = { 0x75, 0x20, 0x96, 0xff, 0xff, 0x09, 0x30, 0x81, 0x02 };
    assert_false(hid_parse(huge, sizeof(huge), &d));
    static const uint8_t push_only[] = { 0xa4, 0xa4, 0xa4, 0xa4, 0xa4, 0xa4 };
    assert_false(hid_parse(push_only, sizeof(push_only), &d));
}

static void keyboard(void **state) {
    started();
    assert_int_equal(seen.idles, 1);
    report("\x01\x02\x00\x04\x05\x00\x00\x00\x00", 9);
    assert_int_equal(seen.events, 3);
    assert_event(0, 0x10006, 0x700e1, 1);
    assert_event(1, 0x10006, 0x70004, 1);
    assert_event(2, 0x10006, 0x70005, 1);
    report("\x01\x00\x00\x05\x00\x00\x00\x00\x00", 9);
    assert_int_equal(seen.events, 2);
    assert_event(0, 0x10006, 0x700e1, 0);
    assert_event(1, 0x10006, 0x70004, 0);
    report("\x01\x00\x00\x05\x00\x00\x00\x00\x00", 9);
    assert_int_equal(seen.events, 0);
    report("\x01\x00\x00\x01\x01\x01\x01\x01\x01", 9); /* roll-over is no key */
    assert_int_equal(seen.events, 1);
    assert_event(0, 0x10006, 0x70005, 0);
    fw_finish(&fw);
    assert_string_equal(fw.lines, "");
}

static void leds(void **state) {
    started();
    assert_true(usbhost_hid_set(&fw.host, 0, 0x80002, 1));
    assert_false(usbhost_hid_set(&fw.host, 0, 0x80009, 1));
    fw_run(&fw, 20 * PS_PER_MS);
    assert_int_equal(seen.out_length, 2);
    assert_memory_equal(seen.out, "\x01\x02", 2);
    assert_true(usbhost_hid_set(&fw.host, 0, 0x80001, 1));
    fw_run(&fw, 20 * PS_PER_MS);
    assert_memory_equal(seen.out, "\x01\x03", 2);
    fw_finish(&fw);
}

static void mouse_consumer_and_gamepad(void **state) {
    started();
    report("\x02\x01\x05\xfb\xff", 5);
    assert_int_equal(seen.events, 4);
    assert_event(0, 0x10002, 0x90001, 1);
    assert_event(1, 0x10002, 0x10030, 5);
    assert_event(2, 0x10002, 0x10031, -5);
    assert_event(3, 0x10002, 0x10038, -1);
    assert_true(seen.event[1].relative);
    report("\x02\x01\x05\x00\x00", 5);
    assert_int_equal(seen.events, 1); /* the same movement again is a movement */
    report("\x03\xe9\x00", 3);
    assert_event(0, 0xc0001, 0xc00e9, 1);
    report("\x03\x00\x00", 3);
    assert_event(0, 0xc0001, 0xc00e9, 0);
    report("\x04\x81\x7f\x03\x82", 5);
    assert_int_equal(seen.events, 5);
    assert_event(0, 0x10005, 0x10030, -127);
    assert_event(1, 0x10005, 0x10031, 127);
    assert_event(2, 0x10005, 0x10039, 3);
    assert_event(3, 0x10005, 0x90002, 1);
    assert_event(4, 0x10005, 0x90008, 1);
    report("\x09\x01", 2); /* unknown report */
    assert_int_equal(seen.events, 0);
    fw_finish(&fw);
}

static void names(void **state) {
    static const struct {
        uint32_t usage;
        const char *name;
    } expected[] = {
        { 0x70004, "A" },          { 0x7001e, "1" },
        { 0x70027, "0" },          { 0x7003a, "F1" },
        { 0x70028, "ENTER" },      { 0x10030, "X" },
        { 0x90003, "BUTTON_3" },   { 0xc00e9, "VOLUME_INCREMENT" },
        { 0x700e1, "LEFT_SHIFT" }, { 0x12345678, "1234:5678" },
    };
    for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        char text[32];
        usbhost_hid_usage_name(expected[i].usage, text, sizeof(text));
        assert_string_equal(text, expected[i].name);
    }
}

static void midi_in(void **state) {
    started();
    memcpy(seen.in, "\x09\x90\x3c\x7f\x14\xf0\x01\x02\x16\x03\xf7\x00\x00\x55\x55\x55", 16);
    fw_transfer(&fw, 0x82, seen.in, 16);
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(seen.midis, 3);
    assert_int_equal(seen.midi_length, 8);
    assert_memory_equal(seen.midi, "\x90\x3c\x7f\xf0\x01\x02\x03\xf7", 8);
    assert_int_equal(seen.cable, 1);
    fw_finish(&fw);
}

static void midi_out(void **state) {
    started();
    /* note on, running status, program change, system exclusive with a clock inside, song position, tune request */
    static const char stream[] = "\x90\x3c\x40\x3e\x41\xc1\x05\xf0\x7d\xf8\x01\x02\x03\xf7\xf2\x01\x02\xf6";
    assert_int_equal(usbhost_midi_write(&fw.host, 0, 2, stream, sizeof(stream) - 1), sizeof(stream) - 1);
    fw_run(&fw, 5 * PS_PER_MS);
    static const uint8_t packets[] = {
        0x29, 0x90, 0x3c, 0x40, 0x29, 0x90, 0x3e, 0x41, 0x2c, 0xc1, 0x05, 0,    0x2f, 0xf8, 0, 0,
        0x24, 0xf0, 0x7d, 0x01, 0x27, 0x02, 0x03, 0xf7, 0x23, 0xf2, 0x01, 0x02, 0x25, 0xf6, 0, 0,
    };
    assert_int_equal(seen.midi_out_length, sizeof(packets));
    assert_memory_equal(seen.midi_out_all, packets, sizeof(packets));
    assert_int_equal(usbhost_midi_write(&fw.host, 1, 0, stream, 3), 0);
    assert_int_equal(usbhost_midi_write(&fw.host, 0, 16, stream, 3), 0);
    fw_finish(&fw);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_descriptor),
        cmocka_unit_test(report_descriptor_cut_anywhere),
        cmocka_unit_test(keyboard),
        cmocka_unit_test(leds),
        cmocka_unit_test(names),
        cmocka_unit_test(mouse_consumer_and_gamepad),
        cmocka_unit_test(midi_in),
        cmocka_unit_test(midi_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
