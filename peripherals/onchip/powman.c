/* Power manager: RP2350 datasheet 6.4 (registers), 12.10 (AON timer), 8.4 (low-power oscillator), 7.3 (reset causes).
 *
 * Not modelled: switching the core domain off (the request waits for ever, one stub line says so), what SRAM and XIP
 * cache lose when they are off, regulator and brown-out voltages (registers alone), GPIO as time reference or power
 * output, LPOSC's trim, edges at PWRUP pins (the levels are looked at).
 * Decided: a store without the password is lost and sets BADPASSWD, registers without password are SCRATCH and BOOT;
 * VREG takes stores only after VREG_CTRL.UNLOCK; SET_TIME is ignored while the timer runs, ALARM_TIME while the alarm
 * is enabled (the datasheet forbids both); the alarm fires when the time is at or past it, once for an alarm time;
 * USING_LPOSC and USING_XOSC show what is selected, whether the timer runs or not; invalid state requests do what they
 * ask for in powering up. */
#include "peripherals/onchip/powman.h"

#define PASSWORD 0x5afeu
#define LPOSC_HZ 32768
#define SWCORE 8u /* bits of STATE.CURRENT and REQ; 1: off */
#define XIP_CACHE 4u
#define PWRUPS 4u
#define REQUEST_ALARM (1u << 6) /* of CURRENT_PWRUP_REQ; 1 to 4 are PWRUP0 to PWRUP3 */
#define PIN_QSPI 48u

/* ---- State ---- */

static uint64_t now_ps(const struct powman *p) {
    return scheduler_now(p->block.env->scheduler);
}

static bool is_running(const struct powman *p) {
    return p->block.values[POWMAN_TIMER] & POWMAN_TIMER_RUN;
}

static uint64_t ticks(const struct powman *p) {
    return clock_cycles_at(&p->tick, now_ps(p));
}

uint64_t powman_time(struct powman *p) {
    return is_running(p) ? ticks(p) + p->offset : p->offset;
}

/* Four registers of 16 bits, the upper ones first. */
static uint64_t wide(const struct powman *p, unsigned first) {
    const uint32_t *v = &p->block.values[first];
    return (uint64_t)v[0] << 48 | (uint64_t)v[1] << 32 | (uint64_t)v[2] << 16 | v[3];
}

static bool pin_level(const struct powman *p, unsigned source) {
    static const uint8_t qspi[] = { 3, 4, 5, 6, 7, 2 }; /* SS, SD0 to SD3, SCLK among the pins of the bank */
    if (source < PIN_QSPI) {
        return p->bank0 && net_is_high(&p->bank0->pins[source].net);
    }
    return p->qspi && source - PIN_QSPI < sizeof(qspi) && net_is_high(&p->qspi->pins[qspi[source - PIN_QSPI]].net);
}

static bool pin_requests(const struct powman *p, unsigned number) {
    uint32_t control = p->block.values[POWMAN_PWRUP0 + number];
    bool high = pin_level(p, control & POWMAN_PWRUP0_SOURCE);
    return control & POWMAN_PWRUP0_ENABLE && high == !!(control & POWMAN_PWRUP0_DIRECTION);
}

static uint32_t power_up_requests(const struct powman *p) {
    const uint32_t wakes = POWMAN_TIMER_ALARM | POWMAN_TIMER_PWRUP_ON_ALARM;
    uint32_t requests = (p->block.values[POWMAN_TIMER] & wakes) == wakes ? REQUEST_ALARM : 0;
    for (unsigned i = 0; i < PWRUPS; i++) {
        requests |= pin_requests(p, i) ? 2u << i : 0;
    }
    return requests;
}

static uint32_t raw_interrupts(const struct powman *p) {
    const uint32_t *v = p->block.values;
    uint32_t raw = v[POWMAN_INTR] & POWMAN_INTR_VREG_OUTPUT_LOW;
    raw |= v[POWMAN_TIMER] & POWMAN_TIMER_ALARM ? POWMAN_INTR_TIMER : 0;
    raw |= v[POWMAN_STATE] & POWMAN_STATE_REQ_IGNORED ? POWMAN_INTR_STATE_REQ_IGNORED : 0;
    return raw | (v[POWMAN_STATE] & POWMAN_STATE_PWRUP_WHILE_WAITING ? POWMAN_INTR_PWRUP_WHILE_WAITING : 0);
}

static uint32_t interrupt_status(const struct powman *p) {
    return (raw_interrupts(p) & p->block.values[POWMAN_INTE]) | p->block.values[POWMAN_INTF];
}

static void powman_update(struct powman *p) {
    uint32_t status = interrupt_status(p);
    line_set(&p->block.irq[0], status & ~POWMAN_INTS_TIMER);
    line_set(&p->block.irq[1], status & POWMAN_INTS_TIMER);
    line_set(&p->block.irq[2], p->block.values[POWMAN_TIMER] & POWMAN_TIMER_ALARM);
}

/* ---- AON timer ---- */

/* A tick is as many cycles of the source as the frequency registers say a millisecond has (16 fractional bits). */
static void update_tick(struct powman *p) {
    const uint32_t *v = p->block.values;
    const struct clock_domain *source = p->from_xosc ? p->xosc : &p->lposc;
    unsigned reg = p->from_xosc ? POWMAN_XOSC_FREQ_KHZ_INT : POWMAN_LPOSC_FREQ_KHZ_INT;
    uint64_t khz = (uint64_t)v[reg] << 16 | v[reg + 1];
    clock_derive(&p->tick, source, is_running(p) ? 1u << 16 : 0, khz, now_ps(p));
}

static void schedule_alarm(struct powman *p) {
    struct scheduler *scheduler = p->block.env->scheduler;
    uint64_t alarm = wide(p, POWMAN_ALARM_TIME_63TO48), time = powman_time(p);
    if (!(p->block.values[POWMAN_TIMER] & POWMAN_TIMER_ALARM_ENAB) || p->rung || !is_running(p)) {
        scheduler_cancel(scheduler, &p->alarm);
        return;
    }
    uint64_t due = alarm <= time ? now_ps(p) : clock_time_of(&p->tick, alarm - p->offset);
    if (due == TIME_NEVER) {
        scheduler_cancel(scheduler, &p->alarm);
    } else {
        scheduler_add(scheduler, &p->alarm, due);
    }
}

static void set_time(struct powman *p, uint64_t time) {
    p->offset = is_running(p) ? time - ticks(p) : time;
    p->rung = false;
    schedule_alarm(p);
}

static void select_source(struct powman *p, uint32_t value) {
    if (value & (POWMAN_TIMER_USE_GPIO_1KHZ | POWMAN_TIMER_USE_GPIO_1HZ)) {
        block_report_stub(&p->block, p->block.registers->descs[POWMAN_TIMER].offset, true);
    }
    if (value & (POWMAN_TIMER_USE_XOSC | POWMAN_TIMER_USE_LPOSC)) {
        p->from_xosc = value & POWMAN_TIMER_USE_XOSC;
    }
}

static void write_timer(struct powman *p, uint32_t value, uint32_t old) {
    uint32_t changed = (p->block.values[POWMAN_TIMER] ^ old) & (POWMAN_TIMER_RUN | POWMAN_TIMER_ALARM_ENAB);
    if (changed & POWMAN_TIMER_RUN) { /* the time goes on from where it stands */
        p->offset = old & POWMAN_TIMER_RUN ? p->offset + ticks(p) : p->offset - ticks(p);
    }
    select_source(p, value);
    update_tick(p);
    p->rung = p->rung && !(changed & POWMAN_TIMER_ALARM_ENAB);
    if (value & POWMAN_TIMER_CLEAR) {
        set_time(p, 0);
    }
    schedule_alarm(p);
}

static uint32_t read_timer(const struct powman *p) {
    uint32_t using = p->from_xosc ? POWMAN_TIMER_USING_XOSC : POWMAN_TIMER_USING_LPOSC;
    return p->block.values[POWMAN_TIMER] | using;
}

/* Not while it is in use. */
static void write_locked(struct powman *p, unsigned reg, uint32_t old, bool locked) {
    if (locked) {
        p->block.values[reg] = old;
        log_write(p->block.env->log, LOG_GUEST, p->block.name, "store of %s is lost: not while it is in use",
                  p->block.registers->descs[reg].name);
    }
}

/* ---- Power states ---- */

static void write_state(struct powman *p, uint32_t value) {
    uint32_t *state = &p->block.values[POWMAN_STATE];
    uint32_t now = *state & POWMAN_STATE_CURRENT, request = field_get(value, POWMAN_STATE_REQ);
    bool mixed = (now & ~request) && (request & ~now);
    *state &= ~(POWMAN_STATE_WAITING | POWMAN_STATE_BAD_SW_REQ);
    if (power_up_requests(p)) {
        *state |= POWMAN_STATE_REQ_IGNORED | POWMAN_STATE_PWRUP_WHILE_WAITING;
        return;
    }
    if (mixed || (request & (SWCORE | XIP_CACHE)) == XIP_CACHE) {
        *state |= POWMAN_STATE_BAD_SW_REQ;
        request &= now;
    }
    if (request & SWCORE) {
        *state |= POWMAN_STATE_WAITING;
        block_report_stub(&p->block, p->block.registers->descs[POWMAN_STATE].offset, true);
        return;
    }
    *state = field_set(*state, POWMAN_STATE_CURRENT, request);
}

static uint32_t read_power_up(const struct powman *p, unsigned reg) {
    uint32_t control = p->block.values[reg];
    bool high = control & POWMAN_PWRUP0_ENABLE && pin_level(p, control & POWMAN_PWRUP0_SOURCE);
    uint32_t status = pin_requests(p, reg - POWMAN_PWRUP0) ? POWMAN_PWRUP0_STATUS : 0;
    return control | status | (high ? POWMAN_PWRUP0_RAW_STATUS : 0);
}

/* ---- Read, write ---- */

static uint32_t powman_read(struct block *b, unsigned reg) {
    struct powman *p = (struct powman *)b;
    switch (reg) {
    case POWMAN_READ_TIME_UPPER:
        return (uint32_t)(powman_time(p) >> 32);
    case POWMAN_READ_TIME_LOWER:
        return (uint32_t)powman_time(p);
    case POWMAN_TIMER:
        return read_timer(p);
    case POWMAN_PWRUP0:
    case POWMAN_PWRUP1:
    case POWMAN_PWRUP2:
    case POWMAN_PWRUP3:
        return read_power_up(p, reg);
    case POWMAN_CURRENT_PWRUP_REQ:
        return power_up_requests(p);
    case POWMAN_INTR:
        return raw_interrupts(p);
    case POWMAN_INTS:
        return interrupt_status(p);
    default:
        return b->values[reg];
    }
}

static uint64_t powman_holds_until(struct block *b, unsigned reg) {
    struct powman *p = (struct powman *)b;
    bool counts = reg == POWMAN_READ_TIME_UPPER || reg == POWMAN_READ_TIME_LOWER;
    return counts && is_running(p) ? clock_time_of(&p->tick, ticks(p) + 1) : TIME_NEVER;
}

static bool has_password(const struct block *b, unsigned reg) {
    bool needs = reg < POWMAN_SCRATCH0 || reg > POWMAN_BOOT3;
    return !needs || b->stored >> 16 == PASSWORD;
}

static void refuse(struct block *b, unsigned reg, uint32_t old) {
    b->values[reg] = old;
    b->values[POWMAN_BADPASSWD] = POWMAN_BADPASSWD_BITS;
    log_write(b->env->log, LOG_GUEST, b->name, "store of 0x%08x to %s without the password is lost", b->stored,
              b->registers->descs[reg].name);
}

static void write_register(struct powman *p, unsigned reg, uint32_t value, uint32_t old) {
    uint32_t *v = p->block.values;
    switch (reg) {
    case POWMAN_VREG_CTRL:
        v[reg] |= old & POWMAN_VREG_CTRL_UNLOCK;
        break;
    case POWMAN_VREG:
        write_locked(p, reg, old, !(v[POWMAN_VREG_CTRL] & POWMAN_VREG_CTRL_UNLOCK));
        break;
    case POWMAN_STATE:
        write_state(p, value);
        break;
    case POWMAN_LPOSC_FREQ_KHZ_INT:
    case POWMAN_LPOSC_FREQ_KHZ_FRAC:
    case POWMAN_XOSC_FREQ_KHZ_INT:
    case POWMAN_XOSC_FREQ_KHZ_FRAC:
        update_tick(p);
        schedule_alarm(p);
        break;
    case POWMAN_SET_TIME_63TO48:
    case POWMAN_SET_TIME_47TO32:
    case POWMAN_SET_TIME_31TO16:
    case POWMAN_SET_TIME_15TO0:
        write_locked(p, reg, old, is_running(p));
        if (!is_running(p)) {
            set_time(p, wide(p, POWMAN_SET_TIME_63TO48));
        }
        break;
    case POWMAN_ALARM_TIME_63TO48:
    case POWMAN_ALARM_TIME_47TO32:
    case POWMAN_ALARM_TIME_31TO16:
    case POWMAN_ALARM_TIME_15TO0:
        write_locked(p, reg, old, v[POWMAN_TIMER] & POWMAN_TIMER_ALARM_ENAB);
        break;
    case POWMAN_TIMER:
        write_timer(p, value, old);
        break;
    case POWMAN_BOOTDIS:
        v[reg] |= old & POWMAN_BOOTDIS_NEXT;
        break;
    default:
        break;
    }
}

static void powman_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct powman *p = (struct powman *)b;
    if (has_password(b, reg)) {
        write_register(p, reg, value, old);
    } else {
        refuse(b, reg, old);
    }
    powman_update(p);
}

/* ---- Events, reset, class ---- */

static void alarm_due(struct event *event, uint64_t late_ps) {
    struct powman *p = event->owner;
    p->rung = true;
    p->block.values[POWMAN_TIMER] |= POWMAN_TIMER_ALARM;
    powman_update(p);
}

static void xosc_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct powman *p = listener->owner;
    update_tick(p);
    schedule_alarm(p);
}

static void powman_reset(struct block *b) {
    struct powman *p = (struct powman *)b;
    b->values[POWMAN_VREG_STS] = POWMAN_VREG_STS_VOUT_OK;
    b->values[POWMAN_STATE] = 0; /* the power-up sequence has run */
    b->values[POWMAN_LAST_SWCORE_PWRUP] = 1;
    p->from_xosc = p->rung = false;
    p->offset = 0;
    update_tick(p);
    schedule_alarm(p);
    powman_update(p);
}

void powman_had_reset(struct powman *p, uint32_t cause) {
    const uint32_t flags = POWMAN_CHIP_RESET_DOUBLE_TAP | POWMAN_CHIP_RESET_RESCUE_FLAG;
    uint32_t *v = p->block.values;
    v[POWMAN_CHIP_RESET] = (v[POWMAN_CHIP_RESET] & flags) | cause;
    v[POWMAN_BOOTDIS] = v[POWMAN_BOOTDIS] & (POWMAN_BOOTDIS_NEXT | POWMAN_BOOTDIS_NOW) ? POWMAN_BOOTDIS_NOW : 0;
}

double powman_brown_out_volts(const struct powman *p) {
    uint32_t bod = p->block.values[POWMAN_BOD];
    return bod & POWMAN_BOD_EN ? 0.473 + 0.043 * field_get(bod, POWMAN_BOD_VSEL) : 0;
}

static void powman_init(struct block *b) {
    struct powman *p = (struct powman *)b;
    p->alarm = (struct event){ .name = "AON alarm", .callback = alarm_due, .owner = p };
    p->xosc_listener = (struct clock_listener){ .changed = xosc_changed, .owner = p };
    clock_listen(p->xosc, &p->xosc_listener);
    p->lposc.name = "lposc";
    p->tick.name = "aon_tick";
    clock_set_frequency(&p->lposc, LPOSC_HZ, 1, now_ps(p));
}

static void powman_walk(struct block *b, struct walk *walk) {
    struct powman *p = (struct powman *)b;
    clock_walk(&p->lposc, walk);
    clock_walk(&p->tick, walk);
    walk_u64(walk, &p->offset);
    walk_bool(walk, &p->from_xosc);
    walk_bool(walk, &p->rung);
    walk_event(walk, &p->alarm);
}

const struct block_class powman_class = {
    .name = "powman",
    .size = sizeof(struct powman),
    .init = powman_init,
    .reset = powman_reset,
    .read = powman_read,
    .write = powman_write,
    .holds_until = powman_holds_until,
    .walk = powman_walk,
};
