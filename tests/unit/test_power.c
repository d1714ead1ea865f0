/* A chip loses its supply and gets it back: RP2040 datasheet 2.12, RP2350 datasheet 7.2 and 7.3 (resets and causes).
 * The flash is empty, so that the boot ROM finds nothing to start. */
#include "tests/unit/unit.h"

#include "emulator/machine_private.h"
#include "peripherals/onchip/registers/io_bank0.h"
#include "peripherals/onchip/registers/pads_bank0.h"
#include "peripherals/onchip/registers/powman.h"
#include "peripherals/onchip/registers/resets.h"
#include "peripherals/onchip/registers/sio.h"
#include "peripherals/onchip/registers/usb.h"
#include "peripherals/onchip/registers/vreg_and_chip_reset.h"
#include "peripherals/onchip/registers/watchdog.h"

#include <string.h>

#define SRAM 0x20000000u

static const struct chip_desc *const chips[] = { &chip_rp2040, &chip_rp2350 };
#define CHIPS 2

struct heard {
    char text[200];
};

static void hear_reset(void *context, const char *cause) {
    strcat(((struct heard *)context)->text, cause);
    strcat(((struct heard *)context)->text, ";");
}

static void hear_power(void *context, bool on) {
    strcat(((struct heard *)context)->text, on ? "on;" : "off;");
}

static struct machine *switched_on(const struct chip_desc *chip, struct heard *heard) {
    struct error error;
    struct machine *machine = machine_create(&(struct machine_desc){ .chip = chip }, &error);
    assert_non_null(machine);
    *heard = (struct heard){ "" };
    machine_set_events(machine, &(struct machine_events){ .context = heard, .reset = hear_reset, .power = hear_power });
    machine_power_on(machine, 0);
    return machine;
}

static void set(struct machine *machine, const char *name, unsigned reg, uint32_t value) {
    struct block *block = machine_block(machine, name);
    block_write(block, block->registers->descs[reg].offset, value, ALIAS_NORMAL);
}

static uint32_t get(struct machine *machine, const char *name, unsigned reg) {
    struct block *block = machine_block(machine, name);
    return block_read(block, block->registers->descs[reg].offset);
}

/* GPIO2 is an output of the SIO that is high. */
static void drive_gpio2(struct machine *machine) {
    set(machine, "RESETS", RESETS_RESET, 0);
    set(machine, "PADS_BANK0", PADS_BANK0_GPIO0 + 2, PADS_BANK0_GPIO0_IE);
    set(machine, "IO_BANK0", IO_BANK0_GPIO0_CTRL + 4, 5);
    set(machine, "SIO", SIO_GPIO_OUT, 1 << 2);
    set(machine, "SIO", SIO_GPIO_OE, 1 << 2);
    assert_int_equal(machine_gpio(machine, 2)->level, NET_LEVEL_HIGH);
}

static void time_goes_on_without_a_supply(void **state) {
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        assert_int_equal(machine_run(machine, PS_PER_S), MACHINE_UNBOOTABLE);
        machine_switch_off(machine);
        machine_switch_off(machine);
        assert_false(machine_is_on(machine));
        assert_int_equal(machine_run(machine, 2 * PS_PER_S), MACHINE_OFF);
        assert_true(machine_now(machine) == 2 * PS_PER_S);
        machine_reset(machine); /* the RUN pin of a chip without supply */
        assert_int_equal(machine_run(machine, 3 * PS_PER_S), MACHINE_OFF);
        machine_switch_on(machine);
        machine_switch_on(machine);
        assert_int_equal(machine_run(machine, 4 * PS_PER_S), MACHINE_UNBOOTABLE);
        assert_string_equal(heard.text, "off;on;power-on;");
        machine_destroy(machine);
    }
}

static void pins_are_released(void **state) {
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        drive_gpio2(machine);
        machine_switch_off(machine);
        assert_int_equal(machine_gpio(machine, 2)->level, NET_LEVEL_FLOATING);
        assert_int_equal(machine_gpio(machine, 3)->level, NET_LEVEL_FLOATING); /* not even pulled */
        assert_int_equal(machine->qspi.pins[0].net.level, NET_LEVEL_FLOATING);
        machine_switch_on(machine);
        assert_int_equal(machine_gpio(machine, 2)->level, NET_LEVEL_LOW); /* pulled down after reset */
        machine_destroy(machine);
    }
}

static void memory_is_lost(void **state) {
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        uint32_t value;
        struct error error;
        assert_true(machine_load(machine, SRAM, (const uint8_t *)"lost", 4, &error));
        assert_true(bus_write(&machine->bus, 0x50100200, 0x12345678, 4)); /* USB's */
        set(machine, "WATCHDOG", WATCHDOG_SCRATCH0, 0x12345678);
        machine_switch_off(machine);
        machine_switch_on(machine);
        assert_memory_equal(machine->sram, "\0\0\0\0", 4);
        assert_true(bus_read(&machine->bus, 0x50100200, 4, &value));
        assert_int_equal(value, 0);
        assert_int_equal(get(machine, "WATCHDOG", WATCHDOG_SCRATCH0), 0);
        machine_destroy(machine);
    }
}

static uint32_t cause_of(struct machine *machine) {
    return machine->chip == &chip_rp2040 ? get(machine, "VREG_AND_CHIP_RESET", VREG_AND_CHIP_RESET_CHIP_RESET)
                                         : get(machine, "POWMAN", POWMAN_CHIP_RESET);
}

static void the_cause_is_power_on(void **state) {
    static const uint32_t por[] = { VREG_AND_CHIP_RESET_CHIP_RESET_HAD_POR, POWMAN_CHIP_RESET_HAD_POR };
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        machine_reset(machine);
        machine_run(machine, PS_PER_MS);
        assert_int_not_equal(cause_of(machine), por[i]);
        machine_switch_off(machine);
        machine_switch_on(machine);
        assert_int_equal(cause_of(machine), por[i]);
        machine_destroy(machine);
    }
}

/* The bit of the pin, where firmware lets the pin say it. */
static bool has_vbus(struct machine *machine) {
    set(machine, "RESETS", RESETS_RESET, 0);
    set(machine, "USBCTRL", USB_USB_PWR, 0);
    return get(machine, "USBCTRL", USB_SIE_STATUS) & USB_SIE_STATUS_VBUS_DETECTED;
}

static void vbus_needs_cable_and_supply(void **state) {
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        assert_true(has_vbus(machine));
        machine_plug_usb(machine, false);
        assert_false(has_vbus(machine));
        machine_switch_off(machine);
        machine_plug_usb(machine, true);
        machine_switch_on(machine);
        assert_true(has_vbus(machine));
        machine_destroy(machine);
    }
}

/* Thresholds as VSEL of BOD lists them: 0.860 V after reset on the RP2040, 0.946 V on the RP2350. */
static void a_brown_out_resets_where_the_detector_is_on(void **state) {
    static const double thresholds[] = { 0.860, 0.946 };
    static const uint32_t causes[] = { VREG_AND_CHIP_RESET_CHIP_RESET_HAD_POR, POWMAN_CHIP_RESET_HAD_BOR };
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        machine_reset(machine);
        machine_run(machine, PS_PER_MS);
        machine_brown_out(machine, thresholds[i] + 0.001);
        machine_run(machine, 2 * PS_PER_MS);
        assert_int_not_equal(cause_of(machine), causes[i]);
        machine_brown_out(machine, thresholds[i] - 0.001);
        machine_run(machine, 3 * PS_PER_MS);
        assert_int_equal(cause_of(machine), causes[i]);
        assert_string_equal(heard.text, "RUN pin;brown-out;");
        machine_destroy(machine);
    }
}

static void a_detector_that_is_off_or_set_lower_does_nothing(void **state) {
    for (unsigned i = 0; i < CHIPS; i++) {
        struct heard heard;
        struct machine *machine = switched_on(chips[i], &heard);
        const char *name = i ? "POWMAN" : "VREG_AND_CHIP_RESET";
        unsigned reg = i ? POWMAN_BOD : VREG_AND_CHIP_RESET_BOD;
        uint32_t password = i ? 0x5afe0000 : 0;
        set(machine, name, reg, password | 0x01); /* on, 0.473 V */
        machine_brown_out(machine, 0.48);
        set(machine, name, reg, password | 0x90); /* off */
        machine_brown_out(machine, 0.1);
        machine_run(machine, PS_PER_MS);
        assert_string_equal(heard.text, "");
        machine_destroy(machine);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_goes_on_without_a_supply),
        cmocka_unit_test(pins_are_released),
        cmocka_unit_test(memory_is_lost),
        cmocka_unit_test(the_cause_is_power_on),
        cmocka_unit_test(a_brown_out_resets_where_the_detector_is_on),
        cmocka_unit_test(a_detector_that_is_off_or_set_lower_does_nothing),
        cmocka_unit_test(vbus_needs_cable_and_supply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
