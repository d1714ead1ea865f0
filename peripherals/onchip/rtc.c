/* Real-time clock: RP2040 datasheet 4.8.
 * Not modelled: the few clk_rtc cycles that RTC_ACTIVE lags behind RTC_ENABLE, and that LOAD takes.
 * Decided: every year that 4 divides is a leap year unless FORCE_NOTLEAPYEAR (the chip leaves centuries to software);
 * fields count up to their limit and roll over from there, whatever was loaded; the interrupt is a level: it stays
 * while the enabled fields match and MATCH_ENA is set. */
#include "peripherals/onchip/rtc.h"

static bool is_leap_year(const struct rtc *r) {
    return r->now.year % 4 == 0 && !(r->block.values[RTC_CTRL] & RTC_CTRL_FORCE_NOTLEAPYEAR);
}

static unsigned days_in_month(const struct rtc *r) {
    static const uint8_t days[16] = { 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 31, 31 };
    return r->now.month == 2 && is_leap_year(r) ? 29 : days[r->now.month & 15];
}

/* Count up; true when it has rolled over from `last` to `first`. */
static bool advance(unsigned *field, unsigned first, unsigned last) {
    bool over = *field >= last;
    *field = over ? first : *field + 1;
    return over;
}

static void next_second(struct rtc *r) {
    struct rtc_time *now = &r->now;
    if (!advance(&now->second, 0, 59) || !advance(&now->minute, 0, 59) || !advance(&now->hour, 0, 23)) {
        return;
    }
    advance(&now->weekday, 0, 6);
    unsigned last = days_in_month(r);
    if (advance(&now->day, 1, last) && advance(&now->month, 1, 12)) {
        advance(&now->year, 0, 4095);
    }
}

/* A field matches when it is not asked for, or equal. */
static bool matches(uint32_t setup, uint32_t enable, uint32_t mask, unsigned value) {
    return !(setup & enable) || field_get(setup, mask) == value;
}

static bool is_match(const struct rtc *r) {
    uint32_t s0 = r->block.values[RTC_IRQ_SETUP_0], s1 = r->block.values[RTC_IRQ_SETUP_1];
    return (s0 & RTC_IRQ_SETUP_0_MATCH_ENA) &&
           matches(s0, RTC_IRQ_SETUP_0_YEAR_ENA, RTC_IRQ_SETUP_0_YEAR, r->now.year) &&
           matches(s0, RTC_IRQ_SETUP_0_MONTH_ENA, RTC_IRQ_SETUP_0_MONTH, r->now.month) &&
           matches(s0, RTC_IRQ_SETUP_0_DAY_ENA, RTC_IRQ_SETUP_0_DAY, r->now.day) &&
           matches(s1, RTC_IRQ_SETUP_1_DOTW_ENA, RTC_IRQ_SETUP_1_DOTW, r->now.weekday) &&
           matches(s1, RTC_IRQ_SETUP_1_HOUR_ENA, RTC_IRQ_SETUP_1_HOUR, r->now.hour) &&
           matches(s1, RTC_IRQ_SETUP_1_MIN_ENA, RTC_IRQ_SETUP_1_MIN, r->now.minute) &&
           matches(s1, RTC_IRQ_SETUP_1_SEC_ENA, RTC_IRQ_SETUP_1_SEC, r->now.second);
}

static uint32_t interrupt_status(const struct rtc *r) {
    const uint32_t *v = r->block.values;
    return ((is_match(r) ? RTC_INTR_RTC : 0) & v[RTC_INTE]) | v[RTC_INTF];
}

static void rtc_update(struct rtc *r) {
    line_set(&r->block.irq[0], interrupt_status(r) != 0);
    line_set(&r->block.irq[1], interrupt_status(r) != 0);
}

/* The divider and what it divides; then when the next second comes. */
static void update_second(struct rtc *r) {
    struct scheduler *scheduler = r->block.env->scheduler;
    bool enabled = r->block.values[RTC_CTRL] & RTC_CTRL_RTC_ENABLE;
    uint64_t now = scheduler_now(scheduler);
    clock_derive(&r->second, r->clk_rtc, enabled, r->block.values[RTC_CLKDIV_M1] + UINT64_C(1), now);
    scheduler_cancel(scheduler, &r->tick);
    if (clock_is_running(&r->second)) {
        scheduler_add(scheduler, &r->tick, clock_time_of(&r->second, clock_cycles_at(&r->second, now) + 1));
    }
}

static void load(struct rtc *r) {
    uint32_t s0 = r->block.values[RTC_SETUP_0], s1 = r->block.values[RTC_SETUP_1];
    r->now = (struct rtc_time){
        .year = field_get(s0, RTC_SETUP_0_YEAR),
        .month = field_get(s0, RTC_SETUP_0_MONTH),
        .day = field_get(s0, RTC_SETUP_0_DAY),
        .weekday = field_get(s1, RTC_SETUP_1_DOTW),
        .hour = field_get(s1, RTC_SETUP_1_HOUR),
        .minute = field_get(s1, RTC_SETUP_1_MIN),
        .second = field_get(s1, RTC_SETUP_1_SEC),
    };
}

static uint32_t date(const struct rtc *r) {
    uint32_t value = field_set(0, RTC_RTC_1_YEAR, r->now.year);
    value = field_set(value, RTC_RTC_1_MONTH, r->now.month);
    return field_set(value, RTC_RTC_1_DAY, r->now.day);
}

static uint32_t time_of_day(const struct rtc *r) {
    uint32_t value = field_set(0, RTC_RTC_0_DOTW, r->now.weekday);
    value = field_set(value, RTC_RTC_0_HOUR, r->now.hour);
    value = field_set(value, RTC_RTC_0_MIN, r->now.minute);
    return field_set(value, RTC_RTC_0_SEC, r->now.second);
}

static uint32_t rtc_read(struct block *b, unsigned reg) {
    struct rtc *r = (struct rtc *)b;
    switch (reg) {
    case RTC_CTRL:
        return b->values[reg] | (clock_is_running(&r->second) ? RTC_CTRL_RTC_ACTIVE : 0);
    case RTC_IRQ_SETUP_0:
        return b->values[reg] | (b->values[reg] & RTC_IRQ_SETUP_0_MATCH_ENA ? RTC_IRQ_SETUP_0_MATCH_ACTIVE : 0);
    case RTC_RTC_0:
        r->latched_date = date(r);
        return time_of_day(r);
    case RTC_RTC_1:
        return r->latched_date;
    case RTC_INTR:
        return is_match(r) ? RTC_INTR_RTC : 0;
    case RTC_INTS:
        return interrupt_status(r);
    default:
        return b->values[reg];
    }
}

static void rtc_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct rtc *r = (struct rtc *)b;
    if (reg == RTC_CTRL && (value & RTC_CTRL_LOAD)) {
        load(r);
    }
    if (reg == RTC_CTRL || reg == RTC_CLKDIV_M1) {
        update_second(r);
    }
    rtc_update(r);
}

static void second_passed(struct event *event, uint64_t late_ps) {
    struct rtc *r = event->owner;
    next_second(r);
    rtc_update(r);
    scheduler_add(r->block.env->scheduler, event,
                  clock_time_of(&r->second, clock_cycles_at(&r->second, event->when_ps) + 1));
}

static void clk_rtc_changed(struct clock_listener *listener, struct clock_domain *clock) {
    update_second(listener->owner);
}

static void rtc_reset(struct block *b) {
    struct rtc *r = (struct rtc *)b;
    r->now = (struct rtc_time){ 0 };
    r->latched_date = 0;
    update_second(r);
    rtc_update(r);
}

static void rtc_init(struct block *b) {
    struct rtc *r = (struct rtc *)b;
    r->second.name = "rtc second";
    r->tick = (struct event){ .name = "rtc second", .callback = second_passed, .owner = r };
    r->rtc_listener = (struct clock_listener){ .changed = clk_rtc_changed, .owner = r };
    clock_listen(r->clk_rtc, &r->rtc_listener);
}

static void rtc_walk(struct block *b, struct walk *walk) {
    struct rtc *r = (struct rtc *)b;
    unsigned *fields[] = { &r->now.year, &r->now.month,  &r->now.day,   &r->now.weekday,
                           &r->now.hour, &r->now.minute, &r->now.second };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        walk_unsigned(walk, fields[i]);
    }
    clock_walk(&r->second, walk);
    walk_u32(walk, &r->latched_date);
    walk_event(walk, &r->tick);
}

const struct block_class rtc_class = {
    .name = "rtc",
    .size = sizeof(struct rtc),
    .init = rtc_init,
    .reset = rtc_reset,
    .read = rtc_read,
    .write = rtc_write,
    .holds_until = block_holds,
    .walk = rtc_walk,
};
