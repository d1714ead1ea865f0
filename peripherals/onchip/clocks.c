/* Clock generators: RP2040 datasheet 2.15, RP2350 datasheet 8.1.
 * Not modelled: NUDGE, PHASE and DC50 (edges within a cycle), the time a glitchless multiplexer takes, gating by
 * WAKE_EN and SLEEP_EN (storage; ENABLED shows WAKE_EN), DFTCLK; the pins of GPIN and GPOUT: clocks from GPIN stand,
 * those of GPOUT have their frequency and do not reach the pins.
 * The RP2040's clk_peri has no divider (2.15.3); its SVD names a CLK_PERI_DIV, which keeps what is written and does
 * nothing. Its dividers with a fraction divide by 1 or by 2.0 and more; the RP2350's (8.1.3.3) by any number from 1.0
 * on. Decided: the RP2040 takes 1.x for 1. An auxiliary multiplexer follows AUXSRC at once. RESUS watches for a clk_sys
 * that has stopped altogether. The frequency counter's window is 2^INTERVAL / 1024 ms by FC0_REF_KHZ, in whole cycles
 * of clk_ref; a clock that does not run gives DONE, DIED and a result of 0 instead of waiting for ever. */
#include "peripherals/onchip/clocks.h"

#define AUXSRC_LSB 5
#define AUXSRC_MASK 0xfu
#define SRC_MASK 3u
#define SRC_AUX 1
#define GPOUT_AUX_RP2040(rosc)                                                                                         \
    {                                                                                                                  \
        CLOCK_PLL_SYS, CLOCK_GPIN0, CLOCK_GPIN1, CLOCK_PLL_USB, rosc, CLOCK_XOSC, CLOCK_SYS, CLOCK_USB, CLOCK_ADC,     \
            CLOCK_RTC, CLOCK_REF                                                                                       \
    }
#define GPOUT_AUX_RP2350(rosc)                                                                                         \
    {                                                                                                                  \
        CLOCK_PLL_SYS, CLOCK_GPIN0, CLOCK_GPIN1, CLOCK_PLL_USB, CLOCK_PLL_USB_OPCG, rosc, CLOCK_XOSC, CLOCK_LPOSC,     \
            CLOCK_SYS, CLOCK_USB, CLOCK_ADC, CLOCK_REF, CLOCK_PERI, CLOCK_HSTX, CLOCK_OTP_2FC                          \
    }
#define SYS_AUX                                                                                                        \
    { CLOCK_PLL_SYS, CLOCK_PLL_USB, CLOCK_ROSC, CLOCK_XOSC, CLOCK_GPIN0, CLOCK_GPIN1 }
#define PERI_AUX                                                                                                       \
    { CLOCK_SYS, CLOCK_PLL_SYS, CLOCK_PLL_USB, CLOCK_ROSC_PH, CLOCK_XOSC, CLOCK_GPIN0, CLOCK_GPIN1 }
#define USB_AUX                                                                                                        \
    { CLOCK_PLL_USB, CLOCK_PLL_SYS, CLOCK_ROSC_PH, CLOCK_XOSC, CLOCK_GPIN0, CLOCK_GPIN1 }

static const struct clock_generator rp2040_generators[] = {
    { CLOCK_REF,
      CLOCKS_CLK_REF_CTRL,
      { CLOCK_PLL_USB, CLOCK_GPIN0, CLOCK_GPIN1 },
      true,
      { CLOCK_ROSC_PH, CLOCK_NONE, CLOCK_XOSC } },
    { CLOCK_SYS, CLOCKS_CLK_SYS_CTRL, SYS_AUX, true, { CLOCK_REF } },
    { CLOCK_PERI, CLOCKS_CLK_PERI_CTRL, PERI_AUX, .is_undivided = true },
    { CLOCK_USB, CLOCKS_CLK_USB_CTRL, USB_AUX },
    { CLOCK_ADC, CLOCKS_CLK_ADC_CTRL, USB_AUX },
    { CLOCK_RTC, CLOCKS_CLK_RTC_CTRL, USB_AUX },
    { CLOCK_GPOUT0, CLOCKS_CLK_GPOUT0_CTRL, GPOUT_AUX_RP2040(CLOCK_ROSC) },
    { CLOCK_GPOUT1, CLOCKS_CLK_GPOUT1_CTRL, GPOUT_AUX_RP2040(CLOCK_ROSC) },
    { CLOCK_GPOUT2, CLOCKS_CLK_GPOUT2_CTRL, GPOUT_AUX_RP2040(CLOCK_ROSC_PH) },
    { CLOCK_GPOUT3, CLOCKS_CLK_GPOUT3_CTRL, GPOUT_AUX_RP2040(CLOCK_ROSC_PH) },
};

static const uint8_t rp2040_fc0[] = {
    CLOCK_NONE,  CLOCK_PLL_SYS, CLOCK_PLL_USB, CLOCK_ROSC, CLOCK_ROSC_PH, CLOCK_XOSC, CLOCK_GPIN0,
    CLOCK_GPIN1, CLOCK_REF,     CLOCK_SYS,     CLOCK_PERI, CLOCK_USB,     CLOCK_ADC,  CLOCK_RTC,
};

const struct clocks_desc rp2040_clocks = {
    .generators = rp2040_generators,
    .count = sizeof rp2040_generators / sizeof *rp2040_generators,
    .frac_bits = 8,
    .skips_one_to_two = true,
    .zero_divides = 0x10000,
    .fc0 = rp2040_fc0,
    .fc0_count = sizeof rp2040_fc0,
};

static const struct clock_generator rp2350_generators[] = {
    { CLOCK_REF,
      CLOCKS_CLK_REF_CTRL,
      { CLOCK_PLL_USB, CLOCK_GPIN0, CLOCK_GPIN1, CLOCK_PLL_USB_OPCG },
      true,
      { CLOCK_ROSC_PH, CLOCK_NONE, CLOCK_XOSC, CLOCK_LPOSC } },
    { CLOCK_SYS, CLOCKS_CLK_SYS_CTRL, SYS_AUX, true, { CLOCK_REF } },
    { CLOCK_PERI, CLOCKS_CLK_PERI_CTRL, PERI_AUX },
    { CLOCK_HSTX, CLOCKS_CLK_HSTX_CTRL, { CLOCK_SYS, CLOCK_PLL_SYS, CLOCK_PLL_USB, CLOCK_GPIN0, CLOCK_GPIN1 } },
    { CLOCK_USB, CLOCKS_CLK_USB_CTRL, USB_AUX },
    { CLOCK_ADC, CLOCKS_CLK_ADC_CTRL, USB_AUX },
    { CLOCK_GPOUT0, CLOCKS_CLK_GPOUT0_CTRL, GPOUT_AUX_RP2350(CLOCK_ROSC) },
    { CLOCK_GPOUT1, CLOCKS_CLK_GPOUT1_CTRL, GPOUT_AUX_RP2350(CLOCK_ROSC) },
    { CLOCK_GPOUT2, CLOCKS_CLK_GPOUT2_CTRL, GPOUT_AUX_RP2350(CLOCK_ROSC_PH) },
    { CLOCK_GPOUT3, CLOCKS_CLK_GPOUT3_CTRL, GPOUT_AUX_RP2350(CLOCK_ROSC_PH) },
};

static const uint8_t rp2350_fc0[] = {
    CLOCK_NONE,  CLOCK_PLL_SYS, CLOCK_PLL_USB, CLOCK_ROSC,    CLOCK_ROSC_PH, CLOCK_XOSC,
    CLOCK_GPIN0, CLOCK_GPIN1,   CLOCK_REF,     CLOCK_SYS,     CLOCK_PERI,    CLOCK_USB,
    CLOCK_ADC,   CLOCK_HSTX,    CLOCK_LPOSC,   CLOCK_OTP_2FC, CLOCK_PLL_USB,
};

const struct clocks_desc rp2350_clocks = {
    .generators = rp2350_generators,
    .count = sizeof rp2350_generators / sizeof *rp2350_generators,
    .frac_bits = 16,
    .fc0 = rp2350_fc0,
    .fc0_count = sizeof rp2350_fc0,
};

/* ---- Generators ---- */

static enum clock_id selected_source(const struct clocks *c, const struct clock_generator *g) {
    uint32_t ctrl = c->block.values[g->ctrl];
    enum clock_id aux = g->aux[ctrl >> AUXSRC_LSB & AUXSRC_MASK];
    if (g->id == CLOCK_SYS && c->resussed) {
        return CLOCK_REF;
    }
    if (g->is_glitchless) {
        return (ctrl & SRC_MASK) == SRC_AUX ? aux : g->source[ctrl & SRC_MASK];
    }
    bool on = (ctrl & CLOCKS_CLK_PERI_CTRL_ENABLE) && !(ctrl & CLOCKS_CLK_PERI_CTRL_KILL);
    return on ? aux : CLOCK_NONE;
}

/* In units of 1 / 2^frac_bits. */
static uint64_t divisor(const struct clocks *c, const struct clock_generator *g) {
    uint32_t div = c->block.values[g->ctrl + 1];
    unsigned bits = c->desc->frac_bits;
    uint64_t zero = c->desc->zero_divides;
    bool is_taken_for_one = c->desc->skips_one_to_two && div >> bits == 1;
    if (g->is_undivided || !c->block.registers->descs[g->ctrl + 1].name || is_taken_for_one) {
        return UINT64_C(1) << bits;
    }
    if (div >> bits) {
        return div;
    }
    if (!zero) {
        zero = (c->block.registers->descs[g->ctrl + 1].writable >> bits) + UINT64_C(1);
    }
    return zero << bits | div;
}

static void update_generator(struct clocks *c, const struct clock_generator *g, uint64_t now) {
    enum clock_id source = selected_source(c, g);
    clock_derive(&c->generated[g->id], c->at[source], UINT64_C(1) << c->desc->frac_bits, divisor(c, g), now);
    if (g->is_glitchless) {
        uint32_t src = g->id == CLOCK_SYS && c->resussed ? 0 : c->block.values[g->ctrl] & SRC_MASK;
        c->block.values[g->ctrl + 2] = 1u << src;
    }
}

static void watch_clk_sys(struct clocks *c) {
    uint32_t ctrl = c->block.values[CLOCKS_CLK_SYS_RESUS_CTRL];
    struct scheduler *scheduler = c->block.env->scheduler;
    const struct clock_domain *ref = &c->generated[CLOCK_REF];
    bool stands = !clock_is_running(&c->generated[CLOCK_SYS]);
    bool force = ctrl & CLOCKS_CLK_SYS_RESUS_CTRL_FRCE;
    if (c->resussed || !(force || ((ctrl & CLOCKS_CLK_SYS_RESUS_CTRL_ENABLE) && stands))) {
        scheduler_cancel(scheduler, &c->resus);
        return;
    }
    if (!c->resus.pending && clock_is_running(ref)) {
        uint64_t timeout = force ? 0 : field_get(ctrl, CLOCKS_CLK_SYS_RESUS_CTRL_TIMEOUT);
        uint64_t cycles = clock_cycles_at(ref, scheduler_now(scheduler)) + timeout;
        scheduler_add(scheduler, &c->resus, clock_time_of(ref, cycles));
    }
}

static uint32_t interrupt_status(const struct clocks *c) {
    const uint32_t *v = c->block.values;
    return (v[CLOCKS_INTR] & v[CLOCKS_INTE]) | v[CLOCKS_INTF];
}

/* A change of one clock may come back here through a listener: then go round once more. */
static void clocks_update(struct clocks *c) {
    c->again = true;
    if (c->updating) {
        return;
    }
    c->updating = true;
    while (c->again) {
        c->again = false;
        for (unsigned i = 0; i < c->desc->count; i++) {
            update_generator(c, &c->desc->generators[i], scheduler_now(c->block.env->scheduler));
        }
    }
    c->updating = false;
    c->block.values[CLOCKS_CLK_SYS_RESUS_STATUS] = c->resussed;
    c->block.values[CLOCKS_INTR] = c->resussed;
    line_set(&c->block.irq[0], interrupt_status(c) != 0);
    watch_clk_sys(c);
}

/* ---- Frequency counter 0 ---- */

static const struct clock_domain *fc0_clock(const struct clocks *c) {
    uint32_t src = c->block.values[CLOCKS_FC0_SRC];
    return src < c->desc->fc0_count ? c->at[c->desc->fc0[src]] : NULL;
}

/* Cycles of clk_ref. */
static uint64_t fc0_window(const struct clocks *c) {
    return ((uint64_t)c->block.values[CLOCKS_FC0_REF_KHZ] << c->block.values[CLOCKS_FC0_INTERVAL]) / 1024;
}

static void fc0_start(struct clocks *c) {
    const uint32_t *v = c->block.values;
    struct scheduler *scheduler = c->block.env->scheduler;
    const struct clock_domain *ref = &c->generated[CLOCK_REF], *clock = fc0_clock(c);
    c->block.values[CLOCKS_FC0_RESULT] = 0;
    c->block.values[CLOCKS_FC0_STATUS] = 0;
    scheduler_cancel(scheduler, &c->fc0_done);
    if (!v[CLOCKS_FC0_SRC] || !clock_is_running(ref)) {
        return;
    }
    uint64_t begin = clock_cycles_at(ref, scheduler_now(scheduler)) + v[CLOCKS_FC0_DELAY];
    c->block.values[CLOCKS_FC0_STATUS] = CLOCKS_FC0_STATUS_RUNNING;
    c->fc0_begin = clock ? clock_cycles_at(clock, clock_time_of(ref, begin)) : 0;
    scheduler_add(scheduler, &c->fc0_done, clock_time_of(ref, begin + fc0_window(c)));
}

static uint32_t fc0_verdict(const struct clocks *c, uint32_t khz) {
    bool slow = khz<c->block.values[CLOCKS_FC0_MIN_KHZ], fast = khz> c->block.values[CLOCKS_FC0_MAX_KHZ];
    const struct clock_domain *clock = fc0_clock(c);
    uint32_t status = CLOCKS_FC0_STATUS_DONE;
    status |= slow ? CLOCKS_FC0_STATUS_SLOW : 0;
    status |= fast ? CLOCKS_FC0_STATUS_FAST : 0;
    status |= clock && clock_is_running(clock) ? 0 : CLOCKS_FC0_STATUS_DIED;
    return status | (status == CLOCKS_FC0_STATUS_DONE ? CLOCKS_FC0_STATUS_PASS : CLOCKS_FC0_STATUS_FAIL);
}

/* The result is in kHz with five binary places. */
static void fc0_finish(struct event *event, uint64_t late_ps) {
    struct clocks *c = event->owner;
    const struct clock_domain *clock = fc0_clock(c);
    uint64_t end = clock ? clock_cycles_at(clock, event->when_ps) : 0, window = fc0_window(c);
    uint64_t counted = end > c->fc0_begin ? end - c->fc0_begin : 0;
    uint32_t result = window ? (uint32_t)(counted * 32 * c->block.values[CLOCKS_FC0_REF_KHZ] / window) : 0;
    c->block.values[CLOCKS_FC0_RESULT] = result;
    c->block.values[CLOCKS_FC0_STATUS] = fc0_verdict(c, result >> CLOCKS_FC0_RESULT_KHZ_LSB);
}

/* ---- The block ---- */

static uint32_t clocks_read(struct block *b, unsigned reg) {
    switch (reg) {
    case CLOCKS_INTS:
        return interrupt_status((struct clocks *)b);
    case CLOCKS_ENABLED0:
    case CLOCKS_ENABLED1:
        return b->values[reg - CLOCKS_ENABLED0 + CLOCKS_WAKE_EN0];
    default:
        return b->values[reg];
    }
}

static void report_stopped(struct clocks *c, bool was_running) {
    if (was_running && !clock_is_running(&c->generated[CLOCK_SYS])) {
        log_write(c->block.env->log, LOG_GUEST, c->block.name, "clk_sys is switched to a clock that does not run");
    }
}

/* A stub line for a clock that would come in or go out by a pin. */
static void report_pins(struct clocks *c, unsigned reg) {
    for (unsigned i = 0; i < c->desc->count; i++) {
        const struct clock_generator *g = &c->desc->generators[i];
        enum clock_id source = g->ctrl == reg ? selected_source(c, g) : CLOCK_NONE;
        bool in = source == CLOCK_GPIN0 || source == CLOCK_GPIN1;
        bool out = source != CLOCK_NONE && g->id >= CLOCK_GPOUT0 && g->id <= CLOCK_GPOUT3;
        if (in || out) {
            block_report_stub(&c->block, c->block.registers->descs[reg].offset, true);
        }
    }
}

static void clocks_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct clocks *c = (struct clocks *)b;
    bool was_running = clock_is_running(&c->generated[CLOCK_SYS]);
    if (reg == CLOCKS_FC0_SRC) {
        fc0_start(c);
        return;
    }
    if (reg == CLOCKS_CLK_SYS_RESUS_CTRL && (value & CLOCKS_CLK_SYS_RESUS_CTRL_CLEAR)) {
        c->resussed = false;
    }
    clocks_update(c);
    report_stopped(c, was_running);
    report_pins(c, reg);
}

static void clk_sys_resus(struct event *event, uint64_t late_ps) {
    struct clocks *c = event->owner;
    c->resussed = true;
    clocks_update(c);
}

static void source_changed(struct clock_listener *listener, struct clock_domain *clock) {
    clocks_update(listener->owner);
}

static void clocks_reset(struct block *b) {
    struct clocks *c = (struct clocks *)b;
    scheduler_cancel(b->env->scheduler, &c->fc0_done);
    scheduler_cancel(b->env->scheduler, &c->resus);
    c->resussed = false;
    clocks_update(c);
}

static void clocks_init(struct block *b) {
    static const char *const names[CLOCK_IDS] = {
        [CLOCK_REF] = "clk_ref",       [CLOCK_SYS] = "clk_sys",       [CLOCK_PERI] = "clk_peri",
        [CLOCK_HSTX] = "clk_hstx",     [CLOCK_USB] = "clk_usb",       [CLOCK_ADC] = "clk_adc",
        [CLOCK_RTC] = "clk_rtc",       [CLOCK_GPOUT0] = "clk_gpout0", [CLOCK_GPOUT1] = "clk_gpout1",
        [CLOCK_GPOUT2] = "clk_gpout2", [CLOCK_GPOUT3] = "clk_gpout3",
    };
    struct clocks *c = (struct clocks *)b;
    c->resus = (struct event){ .name = "clk_sys resus", .callback = clk_sys_resus, .owner = c };
    c->fc0_done = (struct event){ .name = "frequency counter", .callback = fc0_finish, .owner = c };
    for (unsigned id = CLOCK_REF; id < CLOCK_IDS; id++) {
        c->generated[id].name = names[id];
        c->at[id] = &c->generated[id];
    }
    for (unsigned id = CLOCK_NONE; id < CLOCK_REF; id++) {
        if (c->at[id]) {
            c->listeners[id] = (struct clock_listener){ .changed = source_changed, .owner = c };
            clock_listen(c->at[id], &c->listeners[id]);
        }
    }
}

static void clocks_walk(struct block *b, struct walk *walk) {
    struct clocks *c = (struct clocks *)b;
    for (unsigned id = CLOCK_REF; id < CLOCK_IDS; id++) {
        clock_walk(&c->generated[id], walk);
    }
    walk_bool(walk, &c->resussed);
    walk_u64(walk, &c->fc0_begin);
    walk_event(walk, &c->resus);
    walk_event(walk, &c->fc0_done);
}

const struct block_class clocks_class = {
    .name = "clocks",
    .size = sizeof(struct clocks),
    .init = clocks_init,
    .reset = clocks_reset,
    .read = clocks_read,
    .write = clocks_write,
    .holds_until = block_holds,
    .walk = clocks_walk,
};
