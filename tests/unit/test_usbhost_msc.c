/* Mass storage: the host against a small SCSI drive behind the controller's registers. */
#include "tests/unit/unit.h"
#include "tests/unit/usb_firmware.h"

#define SECTORS 400

static const uint8_t device_descriptor[18] = { 18,   1,    0x00, 0x02, 0,    0, 0, 64, 0x8a,
                                               0x2e, 0x05, 0x00, 0x00, 0x01, 0, 0, 0,  1 };
static const uint8_t configuration[] = { 9,    2, 32, 0, 1, 1, 0,  0x80, 50, 9, 4, 0,    0, 2,  8, 6,
                                         0x50, 0, 7,  5, 1, 2, 64, 0,    0,  7, 5, 0x81, 2, 64, 0, 0 };

struct drive {
    struct usbhost_listener listener;
    uint8_t disk[SECTORS * 512];
    uint8_t cbw[64], csw[13], data[65536], status;
    enum { EXPECT_CBW, DATA_OUT, DATA_IN, SEND_CSW } phase;
    uint32_t residue, length, lba;
    uint8_t key, code; /* pending sense */
    bool medium, write_protected, attention;
    bool stall_reads, stall_csw, bad_csw, mute;
    bool csw_after_clear, data_stalled;
    bool phase_error;
    uint32_t unread; /* of the next read: padding instead of data, told as residue */
    unsigned tests, prevents, resets, commands;
    uint8_t luns;
    unsigned changes;
};

static struct firmware fw;
static struct drive drive;

static void expect_cbw(void) {
    drive.phase = EXPECT_CBW;
    fw_transfer(&fw, 0x01, drive.cbw, 64);
}

static void send_csw(void) {
    memcpy(drive.csw, "USBS", 4);
    memcpy(drive.csw + 4, drive.cbw + 4, 4);
    for (unsigned i = 0; i < 4; i++) {
        drive.csw[8 + i] = (uint8_t)(drive.residue >> 8 * i);
    }
    drive.csw[12] = drive.status;
    drive.phase = SEND_CSW;
    if (drive.bad_csw) {
        drive.bad_csw = false;
        drive.csw[0] = 'X';
    }
    if (drive.phase_error) {
        drive.phase_error = false;
        drive.csw[12] = 2;
    }
    if (drive.stall_csw) {
        drive.stall_csw = false;
        drive.csw_after_clear = true;
        fw_stall(&fw, 0x81);
        return;
    }
    fw_transfer(&fw, 0x81, drive.csw, 13);
}

/* Answer with `n` bytes of `data`; what the host expected beyond is residue, and nothing at all is a stall. */
static void answer(const void *data, uint32_t n, uint8_t status) {
    n = n < drive.length ? n : drive.length;
    drive.residue = drive.length - n;
    drive.status = status;
    if (drive.length == 0) {
        send_csw();
    } else if (n == 0) {
        drive.data_stalled = true;
        fw_stall(&fw, 0x81);
    } else {
        memcpy(drive.data, data, n);
        drive.phase = DATA_IN;
        fw_transfer(&fw, 0x81, drive.data, n);
    }
}

static void refuse(uint8_t key, uint8_t code) {
    drive.key = key;
    drive.code = code;
    answer(NULL, 0, 1);
}

static void command(const uint8_t *cdb) {
    uint8_t reply[36] = { 0 };
    drive.commands++;
    if (drive.mute) {
        return;
    }
    if (drive.attention && cdb[0] != 0x12 && cdb[0] != 0x03) {
        drive.attention = false;
        refuse(6, 0x28);
        return;
    }
    switch (cdb[0]) {
    case 0x00:
        drive.tests++;
        if (drive.medium) {
            answer(NULL, 0, 0);
        } else {
            refuse(2, 0x3a);
        }
        break;
    case 0x03:
        reply[0] = 0x70;
        reply[2] = drive.key;
        reply[7] = 10;
        reply[12] = drive.code;
        answer(reply, 18, 0);
        break;
    case 0x12:
        reply[1] = 0x80;
        memcpy(reply + 8, "Maker   Flash Drive     1.0 ", 28);
        answer(reply, 36, 0);
        break;
    case 0x1a:
        reply[0] = 3;
        reply[2] = drive.write_protected ? 0x80 : 0;
        answer(reply, 4, 0);
        break;
    case 0x1b:
        drive.medium = cdb[4] & 1;
        answer(NULL, 0, 0);
        break;
    case 0x1e:
        drive.prevents += cdb[4];
        answer(NULL, 0, 0);
        break;
    case 0x25:
        reply[2] = (SECTORS - 1) >> 8;
        reply[3] = (SECTORS - 1) & 255;
        reply[6] = 2;
        answer(reply, 8, 0);
        break;
    case 0x28:
        drive.lba = cdb[4] << 8 | cdb[5];
        if (drive.stall_reads) {
            refuse(3, 0x11);
        } else {
            answer(drive.disk + drive.lba * 512, drive.length, 0);
            drive.residue = drive.unread;
        }
        break;
    case 0x2a:
        drive.lba = cdb[4] << 8 | cdb[5];
        drive.residue = 0;
        drive.status = 0;
        drive.phase = DATA_OUT;
        fw_transfer(&fw, 0x01, drive.data, drive.length);
        break;
    default:
        refuse(5, 0x20);
        break;
    }
}

static void on_complete(struct firmware *firmware, uint8_t address, unsigned length) {
    if (address == 0x01 && drive.phase == EXPECT_CBW) {
        assert_int_equal(length, 31);
        assert_memory_equal(drive.cbw, "USBC", 4);
        memcpy(&drive.length, drive.cbw + 8, 4);
        command(drive.cbw + 15);
    } else if (address == 0x01) {
        memcpy(drive.disk + drive.lba * 512, drive.data, length);
        send_csw();
    } else if (drive.phase == DATA_IN) {
        send_csw();
    } else {
        expect_cbw();
    }
}

static bool class_request(struct firmware *firmware, const uint8_t setup[8]) {
    if (setup[0] == 0xa1 && setup[1] == 0xfe) {
        if (drive.luns) {
            uint8_t max = (uint8_t)(drive.luns - 1);
            fw_answer(firmware, &max, 1);
        }
        return drive.luns != 0;
    }
    if (setup[0] == 0x21 && setup[1] == 0xff) {
        drive.resets++;
        drive.mute = false;
        fw_set_ram(firmware, fw_buffer_at(1, false), 0); /* revoke what was armed */
        fw_set_ram(firmware, fw_buffer_at(1, true), 0);
        drive.phase = EXPECT_CBW;
        drive.csw_after_clear = drive.data_stalled = false;
        return true;
    }
    return false;
}

/* CLEAR_FEATURE(ENDPOINT_HALT) has been carried out. */
static void class_data(struct firmware *firmware, const uint8_t setup[8]) {
    if (setup[1] != 1) {
        return;
    }
    if (setup[4] == 0x81 && drive.data_stalled) {
        drive.data_stalled = false;
        send_csw();
    } else if (setup[4] == 0x81 && drive.csw_after_clear) {
        drive.csw_after_clear = false;
        fw_transfer(firmware, 0x81, drive.csw, 13);
    } else if (setup[4] == 0x01 && drive.phase == EXPECT_CBW) {
        expect_cbw();
    }
}

static void on_configured(struct firmware *firmware) {
    fw_open(firmware, 0x01, 2);
    fw_open(firmware, 0x81, 2);
    expect_cbw();
}

static void msc_changed(void *context, unsigned lun) {
    drive.changes++;
}

static void setup(void) {
    memset(&fw, 0, sizeof(fw));
    memset(&drive, 0, sizeof(drive));
    drive.medium = true;
    drive.luns = 1;
    for (unsigned i = 0; i < sizeof(drive.disk); i++) {
        drive.disk[i] = (uint8_t)(i / 512 + i % 512 * 3);
    }
    fw.device_descriptor = device_descriptor;
    fw.configuration = configuration;
    fw.class_request = class_request;
    fw.class_data = class_data;
    fw.on_configured = on_configured;
    fw.on_complete = on_complete;
    fw_init(&fw, &rp2040_usb_registers);
    drive.listener = (struct usbhost_listener){ .msc_changed = msc_changed };
    usbhost_listen(&fw.host, &drive.listener);
}

static void started(void) {
    setup();
    fw_start(&fw);
    fw_run(&fw, 400 * PS_PER_MS);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_READY);
}

struct outcome {
    unsigned calls;
    bool ok;
};

static void request_done(struct usb_msc_request *request, bool ok) {
    struct outcome *outcome = request->owner;
    outcome->calls++;
    outcome->ok = ok;
}

static void drive_is_examined(void **state) {
    setup();
    drive.attention = true; /* as after power-on */
    fw_start(&fw);
    fw_run(&fw, 400 * PS_PER_MS);
    const struct usbhost_msc_info *info = usbhost_msc_info(&fw.host, 0);
    assert_int_equal(info->state, USBHOST_MSC_READY);
    assert_int_equal(info->sectors, SECTORS);
    assert_int_equal(info->sector_size, 512);
    assert_false(info->write_protected);
    assert_string_equal(info->vendor, "Maker");
    assert_string_equal(info->product, "Flash Drive");
    assert_string_equal(fw.host.configuration.interface[0].driver, "mass storage");
    assert_int_equal(usbhost_msc_state(&fw.host, 1), USBHOST_MSC_ABSENT);
    unsigned tests = drive.tests;
    fw_run(&fw, 3 * PS_PER_S);
    assert_int_equal(drive.tests, tests + 3);
    assert_int_equal(info->generation, 1);
    fw_finish(&fw);
    assert_string_equal(fw.lines, "");
}

static void get_max_lun_may_stall(void **state) {
    setup();
    drive.luns = 0;
    fw_start(&fw);
    fw_run(&fw, 400 * PS_PER_MS);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_READY);
    fw_finish(&fw);
}

static void reads_and_writes(void **state) {
    static uint8_t data[300 * 512], back[300 * 512];
    struct outcome outcome = { 0 };
    started();
    struct usb_msc_request read = { .lba = 50, .count = 300, .data = back, .done = request_done, .owner = &outcome };
    assert_true(usbhost_msc_submit(&fw.host, &read));
    assert_false(usbhost_msc_submit(&fw.host, &read));
    fw_run(&fw, 200 * PS_PER_MS);
    assert_true(outcome.calls == 1 && outcome.ok);
    assert_memory_equal(back, drive.disk + 50 * 512, sizeof(back));
    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 13 + i / 700);
    }
    struct usb_msc_request write = read;
    write.write = true;
    write.lba = 99;
    write.data = data;
    assert_true(usbhost_msc_submit(&fw.host, &write));
    fw_run(&fw, 200 * PS_PER_MS);
    assert_true(outcome.calls == 2 && outcome.ok);
    assert_memory_equal(drive.disk + 99 * 512, data, sizeof(data));
    read.lba = 101;
    assert_false(usbhost_msc_submit(&fw.host, &read)); /* beyond the end */
    read.lba = UINT32_MAX;
    assert_false(usbhost_msc_submit(&fw.host, &read));
    fw_finish(&fw);
}

static void other_operations(void **state) {
    struct outcome outcome = { 0 };
    started();
    struct usb_msc_request request = { .operation = USB_MSC_SYNCHRONIZE, .done = request_done, .owner = &outcome };
    usbhost_msc_submit(&fw.host, &request); /* the drive does not know it */
    fw_run(&fw, 20 * PS_PER_MS);
    assert_true(outcome.calls == 1 && outcome.ok);
    request.operation = USB_MSC_PREVENT_REMOVAL;
    usbhost_msc_submit(&fw.host, &request);
    fw_run(&fw, 20 * PS_PER_MS);
    assert_int_equal(drive.prevents, 1);
    request.operation = USB_MSC_EJECT;
    usbhost_msc_submit(&fw.host, &request);
    fw_run(&fw, 20 * PS_PER_MS);
    assert_int_equal(outcome.calls, 3);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_NOT_READY);
    request.operation = USB_MSC_LOAD;
    usbhost_msc_submit(&fw.host, &request);
    fw_run(&fw, 20 * PS_PER_MS);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_READY);
    assert_int_equal(usbhost_msc_info(&fw.host, 0)->generation, 2);
    fw_finish(&fw);
}

static void write_protection_is_seen_after_the_medium_went(void **state) {
    uint8_t sector[512];
    struct outcome outcome = { 0 };
    started();
    drive.medium = false;
    fw_run(&fw, 1100 * PS_PER_MS);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_NOT_READY);
    drive.medium = drive.write_protected = true;
    fw_run(&fw, 1100 * PS_PER_MS);
    assert_true(usbhost_msc_info(&fw.host, 0)->write_protected);
    struct usb_msc_request write = {
        .write = true, .count = 1, .data = sector, .done = request_done, .owner = &outcome
    };
    assert_false(usbhost_msc_submit(&fw.host, &write));
    drive.write_protected = false;
    drive.attention = true; /* medium changed */
    fw_run(&fw, 1100 * PS_PER_MS);
    assert_false(usbhost_msc_info(&fw.host, 0)->write_protected);
    assert_int_equal(usbhost_msc_info(&fw.host, 0)->generation, 3);
    fw_finish(&fw);
}

static void attention_in_the_way_of_a_request(void **state) {
    static uint8_t back[512];
    struct outcome outcome = { 0 };
    started();
    drive.attention = true;
    struct usb_msc_request read = { .lba = 7, .count = 1, .data = back, .done = request_done, .owner = &outcome };
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_true(outcome.calls == 1 && outcome.ok);
    assert_memory_equal(back, drive.disk + 7 * 512, 512);
    assert_int_equal(usbhost_msc_info(&fw.host, 0)->generation, 2);
    fw_finish(&fw);
}

static void stalls_and_bad_status_are_healed(void **state) {
    static uint8_t back[512];
    struct outcome outcome = { 0 };
    struct usb_msc_request read = { .lba = 7, .count = 1, .data = back, .done = request_done, .owner = &outcome };
    started();
    drive.stall_reads = true;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_true(outcome.calls == 1 && !outcome.ok);
    drive.stall_reads = false;
    drive.stall_csw = true;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_true(outcome.calls == 2 && outcome.ok);
    assert_int_equal(drive.resets, 0);
    drive.bad_csw = true;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(drive.resets, 1);
    assert_true(outcome.calls == 3 && outcome.ok);
    drive.phase_error = true;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_int_equal(drive.resets, 2);
    assert_true(outcome.calls == 4 && outcome.ok);
    fw_finish(&fw);
}

static void padding_is_not_taken_for_data(void **state) {
    static uint8_t back[512];
    struct outcome outcome = { 0 };
    struct usb_msc_request read = { .lba = 7, .count = 1, .data = back, .done = request_done, .owner = &outcome };
    started();
    drive.unread = 200;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 50 * PS_PER_MS);
    assert_true(outcome.calls == 1 && !outcome.ok);
    fw_finish(&fw);
}

static void silent_drive_is_reset_after_30_seconds(void **state) {
    static uint8_t back[512];
    struct outcome outcome = { 0 };
    struct usb_msc_request read = { .lba = 7, .count = 1, .data = back, .done = request_done, .owner = &outcome };
    started();
    drive.mute = true;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 29 * PS_PER_S);
    assert_int_equal(outcome.calls, 0);
    fw_run(&fw, 2 * PS_PER_S);
    assert_int_equal(drive.resets, 1);
    assert_true(outcome.calls == 1 && outcome.ok);
    fw_finish(&fw);
}

static void dead_firmware_and_detachment(void **state) {
    static uint8_t back[512];
    struct outcome outcome = { 0 };
    struct usb_msc_request read = { .lba = 7, .count = 1, .data = back, .done = request_done, .owner = &outcome };
    started();
    fw.hung = true;
    usbhost_msc_submit(&fw.host, &read);
    fw_run(&fw, 60 * PS_PER_S);
    assert_true(outcome.calls == 1 && !outcome.ok);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_NOT_READY);
    memset(&drive.cbw, 0, sizeof(drive.cbw));
    fw_start(&fw);
    fw_run(&fw, 400 * PS_PER_MS);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_READY);
    usbhost_msc_submit(&fw.host, &read);
    fw_write(&fw, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN, ALIAS_CLR);
    fw_run(&fw, PS_PER_MS);
    assert_true(outcome.calls == 2 && !outcome.ok);
    assert_int_equal(usbhost_msc_state(&fw.host, 0), USBHOST_MSC_ABSENT);
    fw_finish(&fw);
}

/* The machine goes while a transfer is under way: its owner may be gone already. */
static void pulled_plug_calls_nobody(void **state) {
    static uint8_t data[300 * 512];
    struct outcome outcome = { 0 };
    started();
    struct usb_msc_request read = { .lba = 50, .count = 300, .data = data, .done = request_done, .owner = &outcome };
    assert_true(usbhost_msc_submit(&fw.host, &read));
    fw_run(&fw, 2 * PS_PER_MS);
    fw_finish(&fw);
    assert_int_equal(outcome.calls, 0);
}

static void two_drives(void **state) {
    static uint8_t back[512];
    struct outcome outcome = { 0 };
    setup();
    drive.luns = 2;
    fw_start(&fw);
    fw_run(&fw, 400 * PS_PER_MS);
    assert_int_equal(usbhost_msc_state(&fw.host, 1), USBHOST_MSC_READY);
    struct usb_msc_request read = { .lun = 1, .count = 1, .data = back, .done = request_done, .owner = &outcome };
    assert_true(usbhost_msc_submit(&fw.host, &read));
    fw_run(&fw, 20 * PS_PER_MS);
    assert_true(outcome.ok);
    assert_int_equal(drive.cbw[13], 1);
    fw_finish(&fw);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drive_is_examined),
        cmocka_unit_test(get_max_lun_may_stall),
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(other_operations),
        cmocka_unit_test(write_protection_is_seen_after_the_medium_went),
        cmocka_unit_test(attention_in_the_way_of_a_request),
        cmocka_unit_test(stalls_and_bad_status_are_healed),
        cmocka_unit_test(padding_is_not_taken_for_data),
        cmocka_unit_test(silent_drive_is_reset_after_30_seconds),
        cmocka_unit_test(dead_firmware_and_detachment),
        cmocka_unit_test(pulled_plug_calls_nobody),
        cmocka_unit_test(two_drives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
