/* Subsystem resets, power-on state machine, chip reset cause, identification, system configuration. */
#include "peripherals/onchip/busctrl.h"
#include "peripherals/onchip/psm.h"
#include "peripherals/onchip/resets.h"
#include "peripherals/onchip/syscfg.h"
#include "peripherals/onchip/sysinfo.h"
#include "peripherals/onchip/vreg_and_chip_reset.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

struct record {
    struct stage stage;
    uint32_t held;
    uint32_t went_down, came_up; /* bits that changed */
    uint32_t nmi[2];
};

static void hold(void *context, unsigned bit, bool level) {
    struct record *r = context;
    *(level ? &r->went_down : &r->came_up) |= 1u << bit;
    r->held = (r->held & ~(1u << bit)) | (uint32_t)level << bit;
}

static void *make(struct record *r, const struct block_class *class, const struct register_table *registers) {
    *r = (struct record){ 0 };
    stage_init(&r->stage);
    return block_create(class, class->name, &r->stage.env, registers);
}

static void resets_hold_everything_at_first(void **state) {
    struct record r;
    struct resets *resets = make(&r, &resets_class, &rp2040_resets_registers);
    struct block *b = &resets->block;
    resets->hold = hold;
    resets->context = &r;
    block_start(b);
    assert_int_equal(r.held, 0x01ffffff);
    assert_int_equal(rd(b, RESETS_RESET_DONE), 0);
    clear_bits(b, RESETS_RESET, RP2040_RESETS_RESET_UART0 | RESETS_RESET_TIMER);
    assert_int_equal(r.held, 0x01ffffff & ~(RP2040_RESETS_RESET_UART0 | RESETS_RESET_TIMER));
    assert_int_equal(rd(b, RESETS_RESET_DONE), RP2040_RESETS_RESET_UART0 | RESETS_RESET_TIMER);
    wr(b, RESETS_WDSEL, RESETS_RESET_TIMER);
    resets_watchdog(resets);
    assert_int_equal(rd(b, RESETS_RESET_DONE), RP2040_RESETS_RESET_UART0);
    block_destroy(b);
}

static void block_without_its_clock_is_not_done(void **state) {
    struct record r;
    struct clock_domain clk_adc;
    struct resets *resets = make(&r, &resets_class, &rp2350_resets_registers);
    clock_init(&clk_adc, "clk_adc");
    resets->needs[0] = &clk_adc;
    block_start(&resets->block);
    wr(&resets->block, RESETS_RESET, 0);
    assert_int_equal(rd(&resets->block, RESETS_RESET_DONE), 0x1ffffffe);
    clock_set_frequency(&clk_adc, 48000000, 1, 0);
    assert_int_equal(rd(&resets->block, RESETS_RESET_DONE), 0x1fffffff);
    block_destroy(&resets->block);
}

static void psm_resets_core_1(void **state) {
    struct record r;
    struct psm *psm = make(&r, &psm_class, &rp2040_psm_registers);
    struct block *b = &psm->block;
    psm->hold = hold;
    psm->context = &r;
    block_start(b);
    assert_int_equal(rd(b, PSM_DONE), 0x1ffff);
    set_bits(b, PSM_FRCE_OFF, RP2040_PSM_FRCE_OFF_PROC1);
    assert_int_equal(r.held, RP2040_PSM_FRCE_OFF_PROC1);
    assert_int_equal(rd(b, PSM_FRCE_OFF), RP2040_PSM_FRCE_OFF_PROC1);
    clear_bits(b, PSM_FRCE_OFF, RP2040_PSM_FRCE_OFF_PROC1);
    assert_int_equal(r.held, 0);
    set_bits(b, PSM_FRCE_OFF, RP2040_PSM_FRCE_OFF_PROC0);
    assert_int_equal(r.held, RP2040_PSM_FRCE_OFF_PROC0);
    block_destroy(b);
}

static void psm_stage_takes_later_ones_along(void **state) {
    struct record r;
    struct psm *psm = make(&r, &psm_class, &rp2040_psm_registers);
    struct block *b = &psm->block;
    psm->hold = hold;
    psm->context = &r;
    block_start(b);
    wr(b, PSM_WDSEL, 0x1fffc); /* all but the oscillators: what the SDK selects */
    psm_watchdog(psm);
    assert_int_equal(r.went_down, 0x1fffc);
    assert_int_equal(r.came_up, 0x1fffc);
    assert_int_equal(r.held, 0);
    wr(b, PSM_FRCE_OFF, RP2040_PSM_FRCE_OFF_SIO);
    assert_int_equal(rd(b, PSM_DONE), 0x3fff);
    block_destroy(b);
}

static void chip_reset_tells_the_cause(void **state) {
    struct record r;
    struct vreg_and_chip_reset *v = make(&r, &vreg_and_chip_reset_class, &rp2040_vreg_and_chip_reset_registers);
    struct block *b = &v->block;
    block_start(b);
    assert_int_equal(rd(b, VREG_AND_CHIP_RESET_CHIP_RESET), VREG_AND_CHIP_RESET_CHIP_RESET_HAD_POR);
    assert_int_equal(rd(b, VREG_AND_CHIP_RESET_VREG), 0x10b1);
    assert_true(vreg_voltage(v) > 1.099 && vreg_voltage(v) < 1.101);
    v->cause = VREG_AND_CHIP_RESET_CHIP_RESET_HAD_PSM_RESTART;
    block_reset(b);
    assert_int_equal(rd(b, VREG_AND_CHIP_RESET_CHIP_RESET), 0x01100000);
    wr(b, VREG_AND_CHIP_RESET_CHIP_RESET, VREG_AND_CHIP_RESET_CHIP_RESET_PSM_RESTART_FLAG);
    assert_int_equal(rd(b, VREG_AND_CHIP_RESET_CHIP_RESET), VREG_AND_CHIP_RESET_CHIP_RESET_HAD_PSM_RESTART);
    block_destroy(b);
}

static void nmi_mask(void *context, unsigned core, uint32_t mask) {
    ((struct record *)context)->nmi[core] = mask;
}

static void syscfg_routes_nmi(void **state) {
    struct record r;
    struct syscfg *s = make(&r, &syscfg_class, &rp2040_syscfg_registers);
    s->nmi_mask = nmi_mask;
    s->context = &r;
    block_start(&s->block);
    wr(&s->block, SYSCFG_PROC1_NMI_MASK, 0x20);
    assert_int_equal(r.nmi[0], 0);
    assert_int_equal(r.nmi[1], 0x20);
    block_destroy(&s->block);
}

static void chip_identifies_itself(void **state) {
    struct record r;
    struct sysinfo *s = make(&r, &sysinfo_class, &rp2040_sysinfo_registers);
    s->chip_id = 0x20002927;
    block_start(&s->block);
    assert_int_equal(rd(&s->block, SYSINFO_CHIP_ID), 0x20002927);
    assert_int_equal(rd(&s->block, SYSINFO_PLATFORM), SYSINFO_PLATFORM_ASIC);
    block_destroy(&s->block);
}

static void bus_priority_is_acknowledged(void **state) {
    struct record r;
    struct block *b = make(&r, &busctrl_class, &rp2040_busctrl_registers);
    block_start(b);
    wr(b, BUSCTRL_BUS_PRIORITY, 0x1000);
    assert_int_equal(rd(b, BUSCTRL_BUS_PRIORITY), 0x1000);
    assert_int_equal(rd(b, BUSCTRL_BUS_PRIORITY_ACK), 1);
    assert_int_equal(r.stage.log.count[LOG_STUB], 0);
    rd(b, BUSCTRL_PERFCTR0);
    assert_int_equal(r.stage.log.count[LOG_STUB], 1);
    block_destroy(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resets_hold_everything_at_first),
        cmocka_unit_test(block_without_its_clock_is_not_done),
        cmocka_unit_test(psm_resets_core_1),
        cmocka_unit_test(psm_stage_takes_later_ones_along),
        cmocka_unit_test(chip_reset_tells_the_cause),
        cmocka_unit_test(syscfg_routes_nmi),
        cmocka_unit_test(chip_identifies_itself),
        cmocka_unit_test(bus_priority_is_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
