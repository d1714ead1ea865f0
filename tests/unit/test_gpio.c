/* IO_BANK0 and PADS: RP2040 datasheet 2.19, RP2350 datasheet 9. */
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/pads.h"
#include "peripherals/onchip/registers/io_bank0.h"
#include "peripherals/onchip/registers/io_qspi.h"
#include "peripherals/onchip/registers/pads_bank0.h"
#include "peripherals/onchip/registers/pads_qspi.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define PAD_IE PADS_BANK0_GPIO0_IE
#define PAD_PDE PADS_BANK0_GPIO0_PDE
#define PAD_PUE PADS_BANK0_GPIO0_PUE
#define FUNCTION 7 /* some function, PIO1 on the chip */
#define CTRL(pin) (IO_BANK0_GPIO0_CTRL + 2 * (pin))
#define STATUS(pin) (IO_BANK0_GPIO0_STATUS + 2 * (pin))
#define PAD(pin) (PADS_BANK0_GPIO0 + (pin))

struct chip {
    struct stage stage;
    struct gpio_bank bank;
    struct block *io;
    struct block *pads;
    unsigned listened;
};

static void make(struct chip *chip, const struct gpio_bank_desc *desc, const struct register_table *io,
                 const struct register_table *pads) {
    stage_init(&chip->stage);
    gpio_bank_init(&chip->bank, &chip->stage.env, desc);
    chip->io = block_create(&io_bank_class, "IO", &chip->stage.env, io);
    chip->pads = block_create(&pads_class, "PADS", &chip->stage.env, pads);
    ((struct io_bank *)chip->io)->gpio = &chip->bank;
    ((struct pads *)chip->pads)->gpio = &chip->bank;
    block_start(chip->io);
    block_start(chip->pads);
}

static int set_up(void **state) {
    struct chip *chip = calloc(1, sizeof(*chip));
    make(chip, &rp2040_gpio_bank0, &rp2040_io_bank0_registers, &rp2040_pads_bank0_registers);
    *state = chip;
    return 0;
}

static int set_up_rp2350(void **state) {
    struct chip *chip = calloc(1, sizeof(*chip));
    make(chip, &rp2350_gpio_bank0, &rp2350_io_bank0_registers, &rp2350_pads_bank0_registers);
    *state = chip;
    return 0;
}

static int set_up_qspi(void **state) {
    struct chip *chip = calloc(1, sizeof(*chip));
    make(chip, &rp2040_gpio_qspi, &rp2040_io_qspi_registers, &rp2040_pads_qspi_registers);
    *state = chip;
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->io);
    block_destroy(chip->pads);
    free(chip);
    return 0;
}

static enum net_level level(struct chip *chip, unsigned pin) {
    return chip->bank.pins[pin].net.level;
}

static void reset_leaves_pins_pulled_down(void **state) {
    struct chip *chip = *state;
    assert_int_equal(rd(chip->pads, PAD(29)), 0x56);
    assert_int_equal(rd(chip->io, CTRL(29)), 0x1f);
    assert_int_equal(level(chip, 29), NET_LEVEL_LOW);
    assert_ptr_equal(gpio_net(&chip->bank, "GP29"), &chip->bank.pins[29].net);
    assert_null(gpio_net(&chip->bank, "GP30"));
}

static void function_select_decides_who_drives(void **state) {
    struct chip *chip = *state;
    gpio_function_output(&chip->bank, 2, FUNCTION, true, true);
    assert_false(net_is_high(&chip->bank.pins[2].net));
    wr(chip->io, CTRL(2), FUNCTION);
    assert_true(net_is_high(&chip->bank.pins[2].net));
    assert_int_equal(rd(chip->io, STATUS(2)) & 0x000a3300, 0x000a3300);
    gpio_function_outputs(&chip->bank, FUNCTION, 0xc, 0x8, 0x4); /* GP2 low, GP3 not driven */
    assert_int_equal(level(chip, 2), NET_LEVEL_LOW);
    wr(chip->io, CTRL(2), FUNCTION + 1);
    assert_int_equal(chip->bank.pins[2].driver.drive, NET_PULL_DOWN);
}

static void overrides_apply(void **state) {
    struct chip *chip = *state;
    wr(chip->io, CTRL(4), 0x1f | 3 << 12); /* OEOVER enable */
    assert_int_equal(chip->bank.pins[4].driver.drive, NET_LOW);
    wr(chip->io, CTRL(4), 0x1f | 3 << 12 | 1 << 8); /* OUTOVER invert */
    assert_int_equal(chip->bank.pins[4].driver.drive, NET_HIGH);
    assert_true(gpio_input(&chip->bank, 4));
    wr(chip->io, CTRL(4), 0x1f | 3 << 12 | 1 << 8 | 1 << 16); /* INOVER invert */
    assert_false(gpio_input(&chip->bank, 4));
    assert_int_equal(rd(chip->io, STATUS(4)) & 0x000a3300, 0x00022200);
}

static void pads_pull_gate_and_disable(void **state) {
    struct chip *chip = *state;
    wr(chip->pads, PAD(5), 0x48); /* IE, PUE */
    assert_true(gpio_input(&chip->bank, 5));
    wr(chip->pads, PAD(5), 0x08);
    assert_true(net_is_high(&chip->bank.pins[5].net));
    assert_false(gpio_input(&chip->bank, 5));
    wr(chip->pads, PAD(5), 0x40);
    assert_int_equal(level(chip, 5), NET_LEVEL_FLOATING);
    gpio_function_output(&chip->bank, 5, FUNCTION, true, true);
    wr(chip->io, CTRL(5), FUNCTION);
    wr(chip->pads, PAD(5), 0xc0); /* OD */
    assert_int_equal(level(chip, 5), NET_LEVEL_FLOATING);
}

static void both_pulls_keep_the_level(void **state) {
    struct chip *chip = *state;
    struct net_driver part = { .drive = NET_HIGH };
    wr(chip->pads, PAD(6), 0x4c);
    net_attach(&chip->bank.pins[6].net, &part);
    net_drive(&part, NET_Z);
    assert_int_equal(level(chip, 6), NET_LEVEL_HIGH);
    net_drive(&part, NET_LOW);
    net_drive(&part, NET_Z);
    assert_int_equal(level(chip, 6), NET_LEVEL_LOW);
}

static void edges_latch_and_levels_do_not(void **state) {
    struct chip *chip = *state;
    struct net_driver button = { .drive = NET_LOW };
    net_attach(&chip->bank.pins[10].net, &button);
    wr(chip->io, IO_BANK0_PROC0_INTE1, 0x8 << 8); /* GP10 edge high */
    wr(chip->io, IO_BANK0_PROC1_INTE1, 0x2 << 8); /* GP10 level high */
    net_drive(&button, NET_HIGH);
    assert_true(chip->io->irq[0].level);
    assert_true(chip->io->irq[1].level);
    assert_false(chip->io->irq[2].level);
    net_drive(&button, NET_LOW);
    assert_true(chip->io->irq[0].level);
    assert_false(chip->io->irq[1].level);
    assert_int_equal(rd(chip->io, IO_BANK0_INTR1) & 0xf00, 0xd00);
    assert_int_equal(rd(chip->io, IO_BANK0_PROC0_INTS1), 0x800);
    wr(chip->io, IO_BANK0_INTR1, 0x800);
    assert_false(chip->io->irq[0].level);
    assert_int_equal(rd(chip->io, IO_BANK0_INTR1) & 0xf00, 0x500);
}

static void interrupts_can_be_forced_and_inverted(void **state) {
    struct chip *chip = *state;
    wr(chip->io, IO_BANK0_DORMANT_WAKE_INTF3, 1);
    assert_true(chip->io->irq[2].level);
    assert_int_equal(rd(chip->io, IO_BANK0_DORMANT_WAKE_INTS3), 1);
    wr(chip->io, IO_BANK0_PROC0_INTE0, 0x2); /* GP0 level high */
    assert_false(chip->io->irq[0].level);
    wr(chip->io, CTRL(0), 0x1f | 1 << 28); /* IRQOVER invert */
    assert_true(chip->io->irq[0].level);
    assert_true(rd(chip->io, STATUS(0)) & IO_BANK0_GPIO0_STATUS_IRQTOPROC);
    block_reset(chip->io);
    assert_false(chip->io->irq[0].level);
}

static void count_changes(struct gpio_listener *listener, uint64_t pins) {
    ((struct chip *)listener->owner)->listened++;
}

static void listeners_hear_of_their_pins(void **state) {
    struct chip *chip = *state;
    struct gpio_listener listener = { .changed = count_changes, .owner = chip, .pins = 1u << 7 };
    gpio_listen(&chip->bank, &listener);
    wr(chip->io, CTRL(7), FUNCTION);
    wr(chip->io, CTRL(8), FUNCTION);
    gpio_function_outputs(&chip->bank, FUNCTION, 0x180, 0x180, 0x180);
    gpio_function_outputs(&chip->bank, FUNCTION, 0x180, 0x080, 0x180);
    assert_int_equal(chip->listened, 1);
}

static void qspi_pins_have_their_own_order(void **state) {
    struct chip *chip = *state;
    struct net *select = gpio_net(&chip->bank, "QSPI_SS");
    assert_true(net_is_high(select)); /* pulled up at reset */
    wr(chip->io, IO_QSPI_GPIO_QSPI_SS_CTRL, 0x1f | 3 << 12 | 2 << 8);
    assert_false(net_is_high(select));
    wr(chip->pads, PADS_QSPI_GPIO_QSPI_SD3, 0x48);
    assert_true(gpio_input(&chip->bank, 5));
    assert_int_equal(rd(chip->io, IO_QSPI_INTR) & 0xf00000, 0xa00000);
}

static void isolated_pads_hold_their_state(void **state) {
    struct chip *chip = *state;
    assert_int_equal(rd(chip->pads, PAD(47)), 0x116);
    assert_int_equal(level(chip, 47), NET_LEVEL_LOW);
    gpio_function_output(&chip->bank, 47, FUNCTION, true, true);
    wr(chip->io, CTRL(47), FUNCTION);
    assert_int_equal(level(chip, 47), NET_LEVEL_LOW);
    wr(chip->pads, PAD(47), 0x56);
    assert_true(gpio_input(&chip->bank, 47));
    assert_int_equal(rd(chip->io, IO_BANK0_INTR5) >> 28, 0xa);
    wr(chip->io, IO_BANK0_PROC1_INTE5, 0x20000000);
    assert_int_equal(rd(chip->io, IO_BANK0_IRQSUMMARY_PROC1_SECURE1), 0x8000);
}

/* The level of an input that a button has tied to 3.3 V for a while, with `ohms` to ground (0: none). */
static bool is_high_after_button(struct chip *chip, unsigned pin, uint32_t pad, double ohms) {
    struct net_driver button = { .name = "button" }, resistor = { .name = "R" };
    struct net *net = &chip->bank.pins[pin].net;
    wr(chip->pads, PAD(pin), pad);
    net_attach(net, &button);
    net_attach(net, &resistor);
    if (ohms > 0) {
        net_drive_volts(&resistor, 0, ohms);
    }
    assert_false(gpio_input(&chip->bank, pin));
    net_drive(&button, NET_HIGH);
    assert_true(gpio_input(&chip->bank, pin));
    net_drive(&button, NET_Z);
    bool high = gpio_input(&chip->bank, pin);
    net_detach(&button);
    net_detach(&resistor);
    return high;
}

static void inputs_stay_high_by_leakage(void **state) {
    struct chip *chip = *state;
    assert_false(is_high_after_button(chip, 2, PAD_IE | PAD_PDE, 0)); /* as on a chip without the erratum */
    gpio_set_leaks(&chip->bank, true);
    assert_true(is_high_after_button(chip, 3, PAD_IE | PAD_PDE, 0));
    assert_true(net_volts(&chip->bank.pins[3].net) > 1.5);
    assert_true(is_high_after_button(chip, 4, PAD_IE, 100e3));
    assert_false(is_high_after_button(chip, 5, PAD_IE, 8200));
    assert_false(is_high_after_button(chip, 6, PAD_IE | PAD_PDE, 8200));
    wr(chip->pads, PAD(3), PAD_PDE); /* without its input buffer the pad lets go */
    assert_true(net_volts(&chip->bank.pins[3].net) == 0);
    wr(chip->pads, PAD(3), PAD_IE | PAD_PDE);
    assert_false(gpio_input(&chip->bank, 3));
    gpio_function_output(&chip->bank, 3, FUNCTION, true, true);
    wr(chip->io, CTRL(3), FUNCTION);
    gpio_function_output(&chip->bank, 3, FUNCTION, true, false);
    assert_true(gpio_input(&chip->bank, 3)); /* driven high last */
    gpio_function_output(&chip->bank, 3, FUNCTION, false, true);
    gpio_function_output(&chip->bank, 3, FUNCTION, false, false);
    assert_false(gpio_input(&chip->bank, 3)); /* driven low last */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reset_leaves_pins_pulled_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(function_select_decides_who_drives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overrides_apply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pads_pull_gate_and_disable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(both_pulls_keep_the_level, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edges_latch_and_levels_do_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupts_can_be_forced_and_inverted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(listeners_hear_of_their_pins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(qspi_pins_have_their_own_order, set_up_qspi, tear_down),
        cmocka_unit_test_setup_teardown(isolated_pads_hold_their_state, set_up_rp2350, tear_down),
        cmocka_unit_test_setup_teardown(inputs_stay_high_by_leakage, set_up_rp2350, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
