/* The controller by itself: registers and DPRAM on one side, transactions on the other. RP2040 datasheet 4.1. */
#include "peripherals/onchip/usb_device.h"
#include "tests/unit/unit.h"

#include <string.h>

struct fixture {
    struct scheduler scheduler;
    struct log log;
    struct environment env;
    struct block *block;
    const struct register_table *registers;
    bool told_attached;
    unsigned attach_changes, changes;
    uint8_t changed_endpoint;
    bool changed_in;
    unsigned wakeups;
};

static void attach_changed(void *context, bool attached) {
    struct fixture *f = context;
    f->told_attached = attached;
    f->attach_changes++;
}

static void endpoint_changed(void *context, uint8_t endpoint, bool in) {
    struct fixture *f = context;
    f->changes++;
    f->changed_endpoint = endpoint;
    f->changed_in = in;
}

static void remote_wakeup(void *context) {
    ((struct fixture *)context)->wakeups++;
}

static const struct usb_bus_host_class host = { .attach_changed = attach_changed,
                                                .endpoint_changed = endpoint_changed,
                                                .remote_wakeup = remote_wakeup };

static struct usb_bus_device *bus(struct fixture *f) {
    return usb_device_bus(f->block);
}

static void setup_chip(struct fixture *f, const struct register_table *registers) {
    memset(f, 0, sizeof(*f));
    scheduler_init(&f->scheduler);
    log_init(&f->log);
    f->env = (struct environment){ .scheduler = &f->scheduler, .log = &f->log };
    f->registers = registers;
    f->block = block_create(&usb_device_class, "USB", &f->env, registers);
    block_start(f->block);
    bus(f)->host = &host;
    bus(f)->host_context = f;
}

static uint32_t get(struct fixture *f, unsigned reg) {
    return block_read(f->block, f->registers->descs[reg].offset);
}

static void put(struct fixture *f, unsigned reg, uint32_t value) {
    block_write(f->block, f->registers->descs[reg].offset, value, ALIAS_NORMAL);
}

static void ram(struct fixture *f, uint32_t offset, uint32_t value) {
    usb_device_dpram_write(f->block, offset, value, 4);
}

static uint32_t ram_at(struct fixture *f, uint32_t offset) {
    return usb_device_dpram_read(f->block, offset, 4);
}

static void attach(struct fixture *f) {
    put(f, USB_USB_MUXING, USB_USB_MUXING_TO_PHY | USB_USB_MUXING_SOFTCON);
    put(f, USB_MAIN_CTRL, 1);
    put(f, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN | USB_SIE_CTRL_EP0_INT_1BUF);
}

static void setup(struct fixture *f) {
    setup_chip(f, &rp2040_usb_registers);
    attach(f);
}

static enum usb_answer in(struct fixture *f, uint8_t endpoint, uint8_t *data, unsigned *length, bool *data1) {
    return bus(f)->class->in(bus(f)->context, 0, endpoint, data, length, data1);
}

static enum usb_answer out(struct fixture *f, uint8_t endpoint, bool data1, const void *data, unsigned length) {
    return bus(f)->class->out(bus(f)->context, 0, endpoint, data1, data, length);
}

static void pull_up_attaches(void **state) {
    struct fixture f;
    setup_chip(&f, &rp2040_usb_registers);
    put(&f, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN);
    assert_false(f.told_attached); /* the controller is off */
    put(&f, USB_MAIN_CTRL, 1);
    assert_false(f.told_attached); /* and the PHY is nobody's */
    put(&f, USB_USB_MUXING, USB_USB_MUXING_TO_PHY);
    assert_true(f.told_attached);
    assert_true(bus(&f)->class->attached(bus(&f)->context));
    assert_int_equal(field_get(get(&f, USB_SIE_STATUS), USB_SIE_STATUS_LINE_STATE), 1); /* J */
    block_hold_in_reset(f.block, true);
    assert_false(f.told_attached);
    assert_int_equal(f.attach_changes, 2);
    block_destroy(f.block);
}

static void select_pad(struct gpio_bank *bank, unsigned pin, uint32_t inover) {
    gpio_set_control(bank, pin, 8 | inover << 16); /* FUNCSEL, INOVER */
}

static uint32_t line_state(struct fixture *f) {
    return field_get(get(f, USB_SIE_STATUS), USB_SIE_STATUS_LINE_STATE);
}

/* What SDKs before 1.3 do about erratum RP2040-E5 after a bus reset. */
static void pull_up_is_held_while_j_is_forced_at_the_digital_pads(void **state) {
    struct fixture f;
    struct gpio_bank bank;
    uint8_t data[64];
    unsigned length;
    bool data1;
    setup(&f);
    gpio_bank_init(&bank, &f.env, &rp2040_gpio_bank0);
    ((struct usb_device *)f.block)->gpio = &bank;
    ram(&f, 0x80, 0x8000 | 0x400); /* endpoint 0 IN: full, available */
    bus(&f)->class->drive_reset(bus(&f)->context, true);
    assert_int_equal(line_state(&f), 0);
    bus(&f)->class->drive_reset(bus(&f)->context, false);
    select_pad(&bank, 15, 3);
    put(&f, USB_USBPHY_DIRECT, USB_USBPHY_DIRECT_DP_PULLUP_EN);
    put(&f, USB_USBPHY_DIRECT_OVERRIDE, USB_USBPHY_DIRECT_OVERRIDE_DP_PULLUP_EN_OVERRIDE_EN);
    put(&f, USB_USB_MUXING, USB_USB_MUXING_TO_DIGITAL_PAD | USB_USB_MUXING_SOFTCON);
    assert_int_equal(line_state(&f), 1); /* J */
    select_pad(&bank, 16, 3);
    assert_int_equal(line_state(&f), 3); /* SE1 */
    gpio_set_control(&bank, 15, 5);
    assert_int_equal(line_state(&f), 2); /* K */
    assert_true(f.told_attached);
    assert_int_equal(in(&f, 0, data, &length, &data1), USB_TIMEOUT);
    assert_true(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_CONNECTED);
    put(&f, USB_USB_MUXING, USB_USB_MUXING_TO_PHY | USB_USB_MUXING_SOFTCON);
    put(&f, USB_USBPHY_DIRECT_OVERRIDE, 0);
    assert_int_equal(line_state(&f), 1);
    assert_int_equal(f.attach_changes, 1);
    assert_int_equal(in(&f, 0, data, &length, &data1), USB_ACK);
    put(&f, USB_USB_MUXING, USB_USB_MUXING_TO_DIGITAL_PAD); /* without the override: off the cable */
    assert_false(f.told_attached);
    assert_int_equal(f.log.count[LOG_STUB], 0);
    block_destroy(f.block);
}

static void rp2350_phy_is_isolated_after_reset(void **state) {
    struct fixture f;
    setup_chip(&f, &rp2350_usb_registers);
    put(&f, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN);
    put(&f, USB_MAIN_CTRL, 1 | USB_MAIN_CTRL_PHY_ISO);
    assert_false(f.told_attached);
    put(&f, USB_MAIN_CTRL, 1);
    assert_true(f.told_attached);
    block_destroy(f.block);
}

static void setup_packet_is_stored_and_raises_interrupt(void **state) {
    struct fixture f;
    setup(&f);
    put(&f, USB_INTE, USB_INTE_SETUP_REQ);
    put(&f, USB_EP_STALL_ARM, 3);
    const uint8_t packet[8] = { 0x80, 6, 0, 1, 0, 0, 64, 0 };
    assert_int_equal(bus(&f)->class->setup(bus(&f)->context, 5, 0, packet), USB_TIMEOUT); /* not our address */
    assert_int_equal(bus(&f)->class->setup(bus(&f)->context, 0, 0, packet), USB_ACK);
    assert_memory_equal(((struct usb_device *)f.block)->dpram, packet, 8);
    assert_true(f.block->irq[0].level);
    assert_int_equal(get(&f, USB_EP_STALL_ARM), 0);
    put(&f, USB_SIE_STATUS, USB_SIE_STATUS_SETUP_REC);
    assert_false(f.block->irq[0].level);
    block_destroy(f.block);
}

static void in_buffer_goes_once(void **state) {
    struct fixture f;
    setup(&f);
    uint8_t data[USB_PACKET_MAX];
    unsigned length;
    bool data1;
    assert_int_equal(in(&f, 3, data, &length, &data1), USB_TIMEOUT); /* endpoint not enabled */
    ram(&f, 0x08 + 2 * 8, 0xa0000000 | 2 << 26 | 0x200);             /* EP3 IN: enable, interrupt per buffer, bulk */
    assert_int_equal(in(&f, 3, data, &length, &data1), USB_NAK);
    usb_device_dpram_write(f.block, 0x200, 'h', 1);
    usb_device_dpram_write(f.block, 0x201, 'i', 1);
    ram(&f, 0x80 + 3 * 8, 0x8000 | 0x4000 | 0x2000 | 0x0400 | 2);
    assert_int_equal(f.changed_endpoint, 3);
    assert_true(f.changed_in);
    assert_int_equal(in(&f, 3, data, &length, &data1), USB_ACK);
    assert_int_equal(length, 2);
    assert_true(data1);
    assert_memory_equal(data, "hi", 2);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 1u << 6);
    assert_true(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_TRANS_COMPLETE); /* LAST was set */
    assert_int_equal(ram_at(&f, 0x80 + 3 * 8), 0x4000 | 0x2000 | 2);      /* neither FULL nor AVAILABLE */
    assert_int_equal(in(&f, 3, data, &length, &data1), USB_NAK);
    put(&f, USB_BUFF_STATUS, 1u << 6);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 0);
    block_destroy(f.block);
}

static void out_fills_buffer_and_checks_pid(void **state) {
    struct fixture f;
    setup(&f);
    put(&f, USB_INTE, USB_INTE_BUFF_STATUS);
    ram(&f, 0x0c, 0xa0000000 | 2 << 26 | 0x180); /* EP1 OUT */
    assert_int_equal(out(&f, 1, false, "abc", 3), USB_NAK);
    ram(&f, 0x8c, 0x2000 | 0x0400 | 64);
    assert_int_equal(out(&f, 1, false, "old", 3), USB_ACK); /* a repetition: acknowledged and dropped */
    assert_true(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_DATA_SEQ_ERROR);
    assert_false(f.block->irq[0].level);
    assert_int_equal(out(&f, 1, true, "abc", 3), USB_ACK);
    assert_memory_equal(&((struct usb_device *)f.block)->dpram[0x180], "abc", 3);
    assert_int_equal(ram_at(&f, 0x8c), 0x8000 | 0x2000 | 3);
    assert_true(f.block->irq[0].level);
    assert_int_equal(out(&f, 1, false, "def", 3), USB_NAK);
    block_destroy(f.block);
}

static void double_buffer_with_an_interrupt_per_two(void **state) {
    struct fixture f;
    setup(&f);
    uint8_t data[USB_PACKET_MAX];
    unsigned length;
    bool data1;
    ram(&f, 0x08, 0xd0000000 | 2 << 26 | 0x180);
    usb_device_dpram_write(f.block, 0x180, 'a', 1);
    usb_device_dpram_write(f.block, 0x1c0, 'b', 1);
    ram(&f, 0x88, 0x8000 | 0x1000 | 0x0400 | 64 | (0xc000u | 0x2000 | 0x0400 | 1) << 16);
    assert_int_equal(in(&f, 1, data, &length, &data1), USB_ACK);
    assert_true(data[0] == 'a' && length == 64 && !data1);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 0);
    assert_int_equal(in(&f, 1, data, &length, &data1), USB_ACK);
    assert_true(data[0] == 'b' && length == 1 && data1);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 4);
    assert_int_equal(in(&f, 1, data, &length, &data1), USB_NAK);
    block_destroy(f.block);
}

/* RP2350: what comes after a short packet waits until firmware has looked at it. */
static void rp2350_stops_after_a_short_packet(void **state) {
    struct fixture f;
    setup_chip(&f, &rp2350_usb_registers);
    put(&f, USB_MAIN_CTRL, 1);
    put(&f, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN | USB_SIE_CTRL_EP0_INT_1BUF);
    put(&f, USB_INTE, USB_INTE_RX_SHORT_PACKET);
    ram(&f, 0x0c, 0xe0000000 | 2 << 26 | 0x180);
    ram(&f, 0x8c, 0x1000 | 0x0400 | 2 | (0x2000u | 0x0400 | 2) << 16);
    assert_int_equal(out(&f, 1, false, "ab", 2), USB_ACK);
    assert_false(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_RX_SHORT_PACKET);
    ram(&f, 0x8c, 0x1000 | 0x0400 | 2 | (0x2000u | 0x0400 | 2) << 16);
    assert_int_equal(out(&f, 1, false, "c", 1), USB_ACK);
    assert_true(f.block->irq[0].level);
    assert_int_equal(out(&f, 1, true, "de", 2), USB_NAK);
    put(&f, USB_SIE_STATUS, USB_SIE_STATUS_RX_SHORT_PACKET);
    assert_false(f.block->irq[0].level);
    ram(&f, 0x8c, 0x1000 | 0x2000 | 0x0400 | 2);
    assert_int_equal(out(&f, 1, true, "de", 2), USB_ACK);
    block_destroy(f.block);
}

/* The RP2040 knows nothing of it. */
static void rp2040_goes_on_after_a_short_packet(void **state) {
    struct fixture f;
    setup(&f);
    ram(&f, 0x0c, 0xe0000000 | 2 << 26 | 0x180);
    ram(&f, 0x8c, 0x1000 | 0x0400 | 64 | (0x2000u | 0x0400 | 64) << 16);
    assert_int_equal(out(&f, 1, false, "c", 1), USB_ACK);
    assert_false(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_RX_SHORT_PACKET);
    assert_int_equal(out(&f, 1, true, "de", 2), USB_ACK);
    block_destroy(f.block);
}

static void two_completed_buffers_are_reported_one_by_one(void **state) {
    struct fixture f;
    setup(&f);
    ram(&f, 0x0c, 0xe0000000 | 2 << 26 | 0x180);
    ram(&f, 0x8c, 0x1000 | 0x0400 | 64 | (0x2000u | 0x0400 | 64) << 16);
    assert_int_equal(out(&f, 1, false, "1", 1), USB_ACK);
    assert_int_equal(out(&f, 1, true, "2", 1), USB_ACK);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 8);
    assert_int_equal(get(&f, USB_BUFF_CPU_SHOULD_HANDLE), 0);
    put(&f, USB_BUFF_STATUS, 8);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 8);
    assert_int_equal(get(&f, USB_BUFF_CPU_SHOULD_HANDLE), 8);
    put(&f, USB_BUFF_STATUS, 8);
    assert_int_equal(get(&f, USB_BUFF_STATUS), 0);
    block_destroy(f.block);
}

static void stall_of_endpoint_0_must_be_armed(void **state) {
    struct fixture f;
    setup(&f);
    uint8_t data[USB_PACKET_MAX];
    unsigned length;
    bool data1;
    put(&f, USB_SIE_CTRL, get(&f, USB_SIE_CTRL) | USB_SIE_CTRL_EP0_INT_STALL);
    ram(&f, 0x80, 0x0800);
    assert_int_equal(in(&f, 0, data, &length, &data1), USB_NAK);
    put(&f, USB_EP_STALL_ARM, 1);
    assert_int_equal(in(&f, 0, data, &length, &data1), USB_STALL);
    assert_int_equal(get(&f, USB_EP_STATUS_STALL_NAK), 1);
    assert_true(get(&f, USB_INTR) & USB_INTR_EP_STALL_NAK);
    put(&f, USB_EP_STATUS_STALL_NAK, 1);
    assert_int_equal(get(&f, USB_EP_STATUS_STALL_NAK), 0);
    block_destroy(f.block);
}

static void abort_answers_nak_and_is_done_at_once(void **state) {
    struct fixture f;
    setup(&f);
    uint8_t data[USB_PACKET_MAX];
    unsigned length;
    bool data1;
    ram(&f, 0x80, 0x8000 | 0x0400 | 1);
    put(&f, USB_EP_ABORT, 1);
    assert_int_equal(get(&f, USB_EP_ABORT_DONE), 1);
    assert_int_equal(in(&f, 0, data, &length, &data1), USB_NAK);
    put(&f, USB_EP_ABORT_DONE, 1);
    put(&f, USB_EP_ABORT, 0);
    assert_int_equal(get(&f, USB_EP_ABORT_DONE), 0);
    assert_int_equal(in(&f, 0, data, &length, &data1), USB_ACK);
    block_destroy(f.block);
}

static void frames_suspend_and_resume(void **state) {
    struct fixture f;
    setup(&f);
    const struct usb_bus_device_class *class = bus(&f)->class;
    void *device = bus(&f)->context;
    class->drive_reset(device, true);
    assert_true(get(&f, USB_INTR) & USB_INTR_BUS_RESET);
    assert_true(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_CONNECTED);
    class->drive_reset(device, false);
    class->drive_frames(device, true);
    class->sof(device, 77, 0);
    assert_true(get(&f, USB_INTR) & USB_INTR_DEV_SOF);
    assert_int_equal(get(&f, USB_SOF_RD), 77);
    assert_false(get(&f, USB_INTR) & USB_INTR_DEV_SOF);
    class->drive_frames(device, false);
    scheduler_advance(&f.scheduler, 3 * PS_PER_MS - 1);
    assert_false(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_SUSPENDED);
    scheduler_advance(&f.scheduler, 3 * PS_PER_MS);
    assert_true(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_SUSPENDED);
    assert_true(get(&f, USB_INTR) & USB_INTR_DEV_SUSPEND);
    put(&f, USB_SIE_STATUS, USB_SIE_STATUS_SUSPENDED);
    assert_false(get(&f, USB_INTR) & USB_INTR_DEV_SUSPEND);
    assert_true(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_SUSPENDED); /* still so */
    put(&f, USB_SIE_CTRL, get(&f, USB_SIE_CTRL) | USB_SIE_CTRL_RESUME);
    assert_int_equal(f.wakeups, 1);
    class->drive_resume(device);
    assert_false(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_SUSPENDED);
    assert_true(get(&f, USB_INTR) & USB_INTR_DEV_RESUME_FROM_HOST);
    block_destroy(f.block);
}

static void vbus_by_pin_or_override(void **state) {
    struct fixture f;
    setup(&f);
    assert_false(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_VBUS_DETECTED);
    usb_device_set_vbus(f.block, true);
    assert_true(get(&f, USB_INTR) & USB_INTR_VBUS_DETECT);
    put(&f, USB_USB_PWR, USB_USB_PWR_VBUS_DETECT_OVERRIDE_EN);
    assert_false(get(&f, USB_SIE_STATUS) & USB_SIE_STATUS_VBUS_DETECTED);
    put(&f, USB_INTF, USB_INTF_DEV_SOF);
    assert_true(f.block->irq[0].level);
    block_destroy(f.block);
}

static void bad_buffer_address_stays_inside(void **state) {
    struct fixture f;
    setup(&f);
    uint8_t data[64] = { 0 };
    ram(&f, 0x0c, 0xe0000000 | 1 << 26 | 0xfc0); /* isochronous, buffer at the end */
    ram(&f, 0x8c, 0x1000 | 0x0400 | 64 | (0x1800u | 0x0400 | 64) << 16);
    assert_int_equal(out(&f, 1, false, data, 64), USB_ACK);
    assert_int_equal(out(&f, 1, false, data, 64), USB_ACK); /* 1024 bytes past that */
    assert_int_equal(f.log.count[LOG_GUEST], 1);
    block_destroy(f.block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pull_up_attaches),
        cmocka_unit_test(pull_up_is_held_while_j_is_forced_at_the_digital_pads),
        cmocka_unit_test(rp2350_phy_is_isolated_after_reset),
        cmocka_unit_test(setup_packet_is_stored_and_raises_interrupt),
        cmocka_unit_test(in_buffer_goes_once),
        cmocka_unit_test(out_fills_buffer_and_checks_pid),
        cmocka_unit_test(double_buffer_with_an_interrupt_per_two),
        cmocka_unit_test(rp2350_stops_after_a_short_packet),
        cmocka_unit_test(rp2040_goes_on_after_a_short_packet),
        cmocka_unit_test(two_completed_buffers_are_reported_one_by_one),
        cmocka_unit_test(stall_of_endpoint_0_must_be_armed),
        cmocka_unit_test(abort_answers_nak_and_is_done_at_once),
        cmocka_unit_test(frames_suspend_and_resume),
        cmocka_unit_test(vbus_by_pin_or_override),
        cmocka_unit_test(bad_buffer_address_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
