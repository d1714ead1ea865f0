/* The host against a firmware that drives the controller through its registers. */
#include "tests/unit/unit.h"
#include "tests/unit/usb_firmware.h"

static const uint8_t device_descriptor[18] = { 18,   1,    0x00, 0x02, 0xef, 2, 1, 64, 0x8a,
                                               0x2e, 0x05, 0x00, 0x00, 0x01, 1, 2, 3,  1 };
/* Two CDC ACM functions: EP1 IN interrupt, EP2 bulk; EP3 IN interrupt, EP4 bulk. And a vendor interface. */
#define CDC(first, notify, data)                                                                                       \
    8, 11, first, 2, 2, 2, 0, 0, 9, 4, first, 0, 1, 2, 2, 0, 0, 5, 0x24, 0, 0x20, 1, 5, 0x24, 1, 0, first + 1, 4,      \
        0x24, 2, 2, 5, 0x24, 6, first, first + 1, 7, 5, 0x80 | notify, 3, 16, 0, 16, 9, 4, first + 1, 0, 2, 10, 0, 0,  \
        0, 7, 5, data, 2, 64, 0, 0, 7, 5, 0x80 | data, 2, 64, 0, 0
#define CDC_LENGTH 66
#define TOTAL (9 + 2 * CDC_LENGTH + 9)
static const uint8_t configuration[] = { 9, 2, TOTAL, 0, 5, 1,    0, 0x80, 50, CDC(0, 1, 2), CDC(2, 3, 4),
                                         9, 4, 4,     0, 0, 0xff, 1, 2,    0 };

struct console {
    struct usbhost_listener listener;
    uint8_t line_coding[7];
    unsigned line_state[2], line_states;
    uint8_t receive[2][64];
    uint8_t echo[64];
    uint8_t text[70000];
    size_t length;
    unsigned changed;
    uint8_t out[70000]; /* what the firmware received */
    size_t out_length;
    bool hold; /* the firmware does not take more OUT packets */
    enum usbhost_state states[32];
    unsigned state_count;
};

static void received(void *context, unsigned instance, const uint8_t *data, size_t length) {
    struct console *console = context;
    assert_int_equal(instance, 0);
    assert_true(console->length + length <= sizeof(console->text));
    memcpy(console->text + console->length, data, length);
    console->length += length;
}

static void changed(void *context, unsigned instance) {
    ((struct console *)context)->changed++;
}

static void state_changed(void *context, enum usbhost_state state) {
    struct console *console = context;
    console->states[console->state_count++ % 32] = state;
}

static bool class_request(struct firmware *fw, const uint8_t setup[8]) {
    struct console *console = fw->context;
    if (setup[0] == 0x21 && setup[1] == 0x22) {
        console->line_state[setup[4] / 2] = setup[2];
        console->line_states++;
    }
    return setup[0] == 0x21 && (setup[1] == 0x20 || setup[1] == 0x22);
}

static void class_data(struct firmware *fw, const uint8_t setup[8]) {
    if (setup[1] == 0x20) {
        memcpy(((struct console *)fw->context)->line_coding, fw->control, 7);
    }
}

static void on_configured(struct firmware *fw) {
    struct console *console = fw->context;
    fw_open(fw, 0x81, 3);
    fw_open(fw, 0x02, 2);
    fw_open(fw, 0x82, 2);
    fw_open(fw, 0x83, 3);
    fw_open(fw, 0x04, 2);
    fw_open(fw, 0x84, 2);
    fw_transfer(fw, 0x02, console->receive[0], 64);
    fw_transfer(fw, 0x04, console->receive[1], 64);
}

static void on_complete(struct firmware *fw, uint8_t address, unsigned length) {
    struct console *console = fw->context;
    if (address == 0x02) {
        memcpy(console->out + console->out_length, console->receive[0], length);
        console->out_length += length;
        if (!console->hold) {
            fw_transfer(fw, 0x02, console->receive[0], 64);
        }
    }
}

static void setup_chip(struct firmware *fw, struct console *console, const struct register_table *registers) {
    memset(fw, 0, sizeof(*fw));
    memset(console, 0, sizeof(*console));
    fw->device_descriptor = device_descriptor;
    fw->configuration = configuration;
    fw->string[1] = "Maker";
    fw->string[2] = "Board";
    fw->string[3] = "0123";
    fw->class_request = class_request;
    fw->class_data = class_data;
    fw->on_configured = on_configured;
    fw->on_complete = on_complete;
    fw->context = console;
    fw_init(fw, registers);
    console->listener = (struct usbhost_listener){
        .context = console, .state_changed = state_changed, .cdc_received = received, .cdc_changed = changed
    };
    usbhost_listen(&fw->host, &console->listener);
}

static void setup(struct firmware *fw, struct console *console) {
    setup_chip(fw, console, &rp2040_usb_registers);
}

static struct firmware fw;
static struct console console;

static void started(void) {
    setup(&fw, &console);
    fw_start(&fw);
    fw_run(&fw, 500 * PS_PER_MS);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
}

static void enumerates(void **state) {
    setup(&fw, &console);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_DETACHED);
    fw_start(&fw);
    fw_run(&fw, 99 * PS_PER_MS);
    assert_int_equal(fw.resets, 0); /* debounce */
    fw_run(&fw, 30 * PS_PER_MS);
    assert_int_equal(fw.resets, 1);
    assert_int_equal(fw.setups, 0); /* time to recover */
    fw_run(&fw, 400 * PS_PER_MS);
    assert_int_equal(fw.resets, 2);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
    assert_int_equal(usbhost_vendor(&fw.host), 0x2e8a);
    assert_int_equal(usbhost_product(&fw.host), 5);
    assert_string_equal(fw.host.manufacturer, "Maker");
    assert_string_equal(fw.host.product, "Board");
    assert_string_equal(fw.host.serial, "0123");
    assert_int_equal(fw.host.configuration.interface_count, 5);
    assert_null(fw.host.configuration.interface[4].driver);
    assert_int_equal(fw.host.configuration.interface[4].class, 0xff);
    assert_int_equal(fw.host.configuration.interface[3].instance, 1);
    const uint8_t coding[7] = { 0x00, 0xc2, 0x01, 0x00, 0, 0, 8 };
    assert_memory_equal(console.line_coding, coding, 7);
    assert_int_equal(console.line_state[0], 3);
    assert_int_equal(console.line_state[1], 0); /* nobody has opened the second one */
    assert_true(usbhost_cdc_ready(&fw.host, 0));
    assert_int_equal(fw.suspends, 1); /* the bus was idle before the first reset */
    fw_finish(&fw);
    assert_string_equal(fw.lines, "");
}

static void console_both_ways(void **state) {
    started();
    assert_int_equal(usbhost_cdc_write(&fw.host, 0, "print(1)\r", 9), 9);
    fw_run(&fw, 3 * PS_PER_MS);
    assert_int_equal(console.out_length, 9);
    assert_memory_equal(console.out, "print(1)\r", 9);
    memcpy(console.echo, ">>> ", 4);
    fw_transfer(&fw, 0x82, console.echo, 4);
    fw_run(&fw, PS_PER_MS / 10);
    assert_int_equal(console.length, 4);
    assert_memory_equal(console.text, ">>> ", 4);
    fw_finish(&fw);
}

static void same_on_rp2350(void **state) {
    setup_chip(&fw, &console, &rp2350_usb_registers);
    fw_start(&fw);
    fw_run(&fw, 500 * PS_PER_MS);
    assert_int_equal(usbhost_cdc_write(&fw.host, 0, "x", 1), 1);
    fw_run(&fw, 3 * PS_PER_MS);
    assert_int_equal(console.out_length, 1);
    fw_finish(&fw);
    assert_string_equal(fw.lines, "");
}

static void full_speed_loses_nothing(void **state) {
    static uint8_t data[60000];
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 7 + i / 256);
    }
    started();
    fw_transfer(&fw, 0x82, data, sizeof(data)); /* a transfer ends with a short packet: 60000 = 937 * 64 + 32 */
    size_t sent = 0;
    uint64_t begin = scheduler_now(&fw.scheduler);
    while ((sent < sizeof(data) || console.length < sizeof(data) || console.out_length < sizeof(data)) &&
           scheduler_now(&fw.scheduler) - begin < 500 * PS_PER_MS) {
        sent += usbhost_cdc_write(&fw.host, 0, data + sent, sizeof(data) - sent);
        fw_run(&fw, PS_PER_MS / 2);
    }
    assert_int_equal(console.length, sizeof(data));
    assert_memory_equal(console.text, data, sizeof(data));
    assert_int_equal(console.out_length, sizeof(data));
    assert_memory_equal(console.out, data, sizeof(data));
    /* 19 packets of 64 bytes a frame are what a full-speed bus can carry */
    uint64_t ms = (scheduler_now(&fw.scheduler) - begin) / PS_PER_MS;
    assert_true(ms * 19 * 64 >= 2 * sizeof(data) - 19 * 64);
    assert_true(ms < 160);
    fw_finish(&fw);
}

static void flow_control(void **state) {
    static uint8_t data[8000];
    started();
    console.hold = true;
    size_t sent = usbhost_cdc_write(&fw.host, 0, data, sizeof(data));
    assert_int_equal(sent, USBHOST_CDC_RING);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(console.out_length, 64); /* the one buffer that was there */
    assert_int_equal(usbhost_cdc_room(&fw.host, 0), 64);
    assert_true(console.changed > 0);
    console.hold = false;
    fw_transfer(&fw, 0x02, console.receive[0], 64);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(console.out_length, sent);
    usbhost_cdc_pause(&fw.host, 0, true);
    fw_transfer(&fw, 0x82, data, 1000);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(console.length, 0);
    usbhost_cdc_pause(&fw.host, 0, false);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(console.length, 1000);
    fw_finish(&fw);
}

static void second_port_opens_and_closes(void **state) {
    started();
    assert_false(usbhost_cdc_ready(&fw.host, 1));
    assert_int_equal(usbhost_cdc_write(&fw.host, 1, "x", 1), 0);
    usbhost_cdc_open(&fw.host, 1, true);
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(console.line_state[1], 3);
    assert_int_equal(usbhost_cdc_write(&fw.host, 1, "x", 1), 1);
    usbhost_cdc_open(&fw.host, 0, false);
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(console.line_state[0], 0);
    assert_false(usbhost_cdc_ready(&fw.host, 0));
    usbhost_cdc_set_baud(&fw.host, 0, 1200);
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(console.line_coding[0] | console.line_coding[1] << 8, 1200);
    fw_finish(&fw);
}

static void stalled_endpoint_recovers(void **state) {
    started();
    fw_stall(&fw, 0x82);
    fw_run(&fw, 5 * PS_PER_MS); /* the host clears the halt */
    memcpy(console.echo, "ok", 2);
    fw_transfer(&fw, 0x82, console.echo, 2);
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(console.length, 2);
    fw_finish(&fw);
}

static void comes_back_after_a_reset_of_the_chip(void **state) {
    started();
    usbhost_cdc_write(&fw.host, 0, "lost", 4);
    fw_start(&fw); /* the pull-up goes and comes */
    fw_run(&fw, PS_PER_MS);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_ATTACHED);
    assert_false(usbhost_cdc_ready(&fw.host, 0));
    fw_run(&fw, 500 * PS_PER_MS);
    assert_true(usbhost_cdc_ready(&fw.host, 0));
    assert_int_equal(console.out_length, 0);
    fw_write(&fw, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN, ALIAS_CLR);
    fw_run(&fw, PS_PER_MS);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_DETACHED);
    fw_finish(&fw);
}

static void plug(bool plugged) {
    usbhost_plug(&fw.host, plugged);
    usb_device_set_vbus(fw.usb, plugged);
    usb_device_cable_changed(fw.usb);
}

/* The device sees VBUS go, frames end, and suspends after 3 ms (USB 2.0 7.1.7.6); its pull-up stays. */
static void cable_is_pulled_and_put_back(void **state) {
    started();
    fw_write(&fw, USB_USB_PWR, 0, ALIAS_NORMAL); /* by the pin */
    unsigned suspends = fw.suspends, resets = fw.resets;
    usbhost_cdc_write(&fw.host, 0, "lost", 4);
    plug(false);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_DETACHED);
    assert_false(usbhost_cdc_ready(&fw.host, 0));
    assert_false(fw_read(&fw, USB_SIE_STATUS) & (USB_SIE_STATUS_CONNECTED | USB_SIE_STATUS_VBUS_DETECTED));
    uint32_t frame = fw_read(&fw, USB_SOF_RD);
    fw_run(&fw, 2 * PS_PER_S);
    assert_int_equal(fw_read(&fw, USB_SOF_RD), frame);
    assert_int_equal(fw.suspends, suspends + 1);
    assert_int_equal(fw.resets, resets);
    plug(true);
    assert_true(fw_read(&fw, USB_SIE_STATUS) & USB_SIE_STATUS_VBUS_DETECTED);
    fw_run(&fw, 99 * PS_PER_MS);
    assert_int_equal(fw.resets, resets); /* debounce */
    fw_run(&fw, 400 * PS_PER_MS);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
    assert_true(usbhost_cdc_ready(&fw.host, 0));
    assert_int_equal(console.out_length, 0);
    fw_finish(&fw);
}

/* In the middle of everything: whatever had been queued ends, and nothing is left in the scheduler. */
static void cable_is_pulled_at_any_time(void **state) {
    for (unsigned ms = 0; ms < 320; ms += 7) {
        setup(&fw, &console);
        fw_start(&fw);
        fw_run(&fw, ms * PS_PER_MS);
        plug(false);
        plug(false);
        fw_run(&fw, 50 * PS_PER_MS);
        assert_int_equal(usbhost_state(&fw.host), USBHOST_DETACHED);
        plug(true);
        fw_run(&fw, 500 * PS_PER_MS);
        assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
        fw_finish(&fw);
    }
}

static void dead_device_is_given_up(void **state) {
    setup(&fw, &console);
    fw_start(&fw);
    fw.hung = true;
    fw_run(&fw, 70 * PS_PER_S);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_FAILED);
    fw.hung = false;
    usbhost_reset_port(&fw.host);
    fw_run(&fw, PS_PER_S);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
    fw_finish(&fw);
}

static void hang_while_running_hurts_nobody(void **state) {
    started();
    fw.hung = true;
    usbhost_cdc_write(&fw.host, 0, "hello", 5);
    fw_run(&fw, 20 * PS_PER_S);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
    fw.hung = false;
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(console.out_length, 5);
    fw_finish(&fw);
}

static void suspend_and_resume(void **state) {
    started();
    unsigned before = fw.suspends;
    usbhost_suspend(&fw.host);
    fw_run(&fw, 10 * PS_PER_MS);
    assert_int_equal(fw.suspends, before + 1);
    usbhost_resume(&fw.host);
    fw_run(&fw, 40 * PS_PER_MS);
    assert_int_equal(fw.resumes, 1);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
    usbhost_suspend(&fw.host);
    fw_run(&fw, 10 * PS_PER_MS);
    fw_write(&fw, USB_SIE_CTRL, USB_SIE_CTRL_RESUME, ALIAS_SET);
    fw_run(&fw, 40 * PS_PER_MS);
    assert_int_equal(usbhost_state(&fw.host), USBHOST_CONFIGURED);
    assert_int_equal(usbhost_cdc_write(&fw.host, 0, "x", 1), 1);
    fw_run(&fw, 5 * PS_PER_MS);
    assert_int_equal(console.out_length, 1);
    fw_finish(&fw);
}

static void frames_come_every_millisecond(void **state) {
    started();
    fw_read(&fw, USB_SOF_RD); /* the last one is still latched */
    fw_write(&fw, USB_INTE, USB_INTE_DEV_SOF, ALIAS_SET);
    fw_run(&fw, PS_PER_S);
    assert_int_equal(fw.frames, 1000);
    fw_finish(&fw);
}

static void idle_costs_no_events(void **state) {
    started();
    uint64_t start = scheduler_now(&fw.scheduler);
    uint32_t frame = fw_read(&fw, USB_SOF_RD);
    scheduler_advance(&fw.scheduler, start + 40 * PS_PER_MS); /* all endpoints have been asked */
    assert_true(scheduler_next(&fw.scheduler) > start + PS_PER_S);
    scheduler_advance(&fw.scheduler, start + 200 * PS_PER_MS);
    assert_true(fw_read(&fw, USB_INTR) & USB_INTR_DEV_SOF);
    assert_int_equal(fw_read(&fw, USB_SOF_RD), (frame + 200) % 2048);
    assert_false(fw_read(&fw, USB_INTR) & USB_INTR_DEV_SOF);
    assert_true(scheduler_next(&fw.scheduler) <= start + 201 * PS_PER_MS); /* until all is quiet again */
    fw_finish(&fw);
}

/* The second one's frames each have an event: its controller does not say whether it hears them. */
static struct firmware twins[2];
static struct console consoles[2];

static void act_on_twin(unsigned i, unsigned action) {
    struct firmware *twin = &twins[i];
    static uint8_t bytes[3] = { 'a', 'b', 'c' };
    switch (action) {
    case 0:
        usbhost_cdc_write(&twin->host, 0, bytes, 3);
        break;
    case 1:
        if (!twin->endpoint[2][1].active) {
            fw_transfer(twin, 0x82, bytes, 3);
        }
        break;
    case 2:
        fw_write(twin, USB_INTE, USB_INTE_DEV_SOF, ALIAS_XOR);
        break;
    case 3:
        usbhost_suspend(&twin->host);
        break;
    case 4:
        usbhost_resume(&twin->host);
        break;
    case 5:
        usbhost_cdc_open(&twin->host, 1, twin->scheduler.now_ps & 1);
        break;
    default: /* just look */
        break;
    }
}

static void compare_twins(bool reads) {
    for (unsigned i = 0; reads && i < 2; i++) {
        fw_read(&twins[i], USB_SOF_RD);
    }
    static const unsigned registers[] = { USB_INTR,  USB_INTS, USB_BUFF_STATUS, USB_SIE_STATUS, USB_EP_STATUS_STALL_NAK,
                                          USB_SOF_RD };
    for (unsigned i = 0; reads && i < sizeof(registers) / sizeof(registers[0]); i++) {
        assert_int_equal(fw_read(&twins[0], registers[i]), fw_read(&twins[1], registers[i]));
    }
    assert_int_equal(consoles[0].length, consoles[1].length);
    assert_int_equal(consoles[0].out_length, consoles[1].out_length);
    assert_int_equal(consoles[0].line_states, consoles[1].line_states);
    assert_int_equal(twins[0].frames, twins[1].frames);
    assert_int_equal(usbhost_state(&twins[0].host), usbhost_state(&twins[1].host));
}

static void quiet_frames_are_like_frames_one_by_one(void **state) {
    struct random random;
    random_init(&random, 3);
    for (unsigned i = 0; i < 2; i++) {
        setup(&twins[i], &consoles[i]);
    }
    struct usb_bus_device_class each_frame = *usb_device_bus(twins[1].usb)->class;
    each_frame.hears_frames = NULL;
    usb_device_bus(twins[1].usb)->class = &each_frame;
    for (unsigned i = 0; i < 2; i++) {
        fw_start(&twins[i]);
    }
    unsigned quiet = 0;
    for (unsigned step = 0; step < 5000; step++) {
        uint64_t bits = random_next(&random), ps = bits % ((1 + (bits >> 40) % 30) * PS_PER_MS);
        for (unsigned i = 0; i < 2; i++) {
            fw_run(&twins[i], ps);
            act_on_twin(i, step < 100 ? 9 : bits >> 48 & 15);
        }
        quiet += twins[0].host.engine.quiet;
        assert_false(twins[1].host.engine.quiet);
        compare_twins(bits >> 60 & 1);
    }
    assert_true(quiet > 500);
    assert_true(consoles[0].length > 100 && consoles[0].out_length > 100 && twins[0].frames > 100);
    for (unsigned i = 0; i < 2; i++) {
        fw_finish(&twins[i]);
    }
}

static void broken_descriptors_are_refused(void **state) {
    static uint8_t broken[TOTAL];
    for (unsigned at = 9; at < TOTAL; at += 3) {
        memcpy(broken, configuration, TOTAL);
        broken[at] = 0;
        setup(&fw, &console);
        fw.configuration = broken;
        fw_start(&fw);
        fw_run(&fw, 400 * PS_PER_MS);
        fw_finish(&fw); /* no crash, whatever came of it */
    }
}

static struct {
    uint8_t bytes[60000];
    size_t length;
} captured;

static void write_capture(void *context, const void *bytes, size_t length) {
    assert_true(captured.length + length <= sizeof(captured.bytes));
    memcpy(captured.bytes + captured.length, bytes, length);
    captured.length += length;
}

static uint32_t captured_word(size_t at) {
    uint32_t word;
    assert_true(at + 4 <= captured.length);
    memcpy(&word, captured.bytes + at, 4);
    return word;
}

static void capture_is_pcap_of_usbmon(void **state) {
    setup(&fw, &console);
    captured.length = 0;
    usbhost_capture(&fw.host, write_capture, NULL);
    fw_start(&fw);
    fw_run(&fw, 500 * PS_PER_MS);
    assert_int_equal(captured_word(0), 0xa1b2c3d4);
    assert_int_equal(captured_word(20), 220);
    const uint8_t *first = captured.bytes + 24 + 16; /* GET_DESCRIPTOR is submitted */
    static const uint8_t request[8] = { 0x80, 6, 0, 1, 0, 0, 64, 0 };
    assert_true(first[8] == 'S' && first[9] == 2 && first[10] == 0x80 && first[14] == 0);
    assert_memory_equal(first + 40, request, 8);
    size_t second = 24 + 16 + captured_word(24 + 8);
    assert_int_equal(captured_word(second + 8), 64 + 18);
    assert_true(captured.bytes[second + 16 + 8] == 'C');
    assert_memory_equal(captured.bytes + second + 16 + 64, device_descriptor, 18);
    unsigned records = 0;
    for (size_t at = 24; at < captured.length; at += 16 + captured_word(at + 8)) {
        records++;
    }
    assert_true(records > 20);
    fw_finish(&fw);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enumerates),
        cmocka_unit_test(console_both_ways),
        cmocka_unit_test(same_on_rp2350),
        cmocka_unit_test(full_speed_loses_nothing),
        cmocka_unit_test(flow_control),
        cmocka_unit_test(second_port_opens_and_closes),
        cmocka_unit_test(stalled_endpoint_recovers),
        cmocka_unit_test(comes_back_after_a_reset_of_the_chip),
        cmocka_unit_test(cable_is_pulled_and_put_back),
        cmocka_unit_test(cable_is_pulled_at_any_time),
        cmocka_unit_test(dead_device_is_given_up),
        cmocka_unit_test(hang_while_running_hurts_nobody),
        cmocka_unit_test(suspend_and_resume),
        cmocka_unit_test(frames_come_every_millisecond),
        cmocka_unit_test(idle_costs_no_events),
        cmocka_unit_test(quiet_frames_are_like_frames_one_by_one),
        cmocka_unit_test(capture_is_pcap_of_usbmon),
        cmocka_unit_test(broken_descriptors_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
