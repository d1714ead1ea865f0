/* Power manager: RP2350 datasheet 6.4 (registers), 12.10 (AON timer), 8.4 (low-power oscillator), 7.3 (reset causes).
 *
 * Not modelled: accesses to SRAM that is off (they find the noise that it came to hold), regulator and brown-out
 * voltages (registers alone), GPIO as time reference or power output, LPOSC's trim, the time that changes of state
 * take. Decided: a store without the password is lost and sets BADPASSWD, registers without password are SCRATCH and
 * BOOT; VREG takes stores only after VREG_CTRL.UNLOCK; SET_TIME is ignored while the timer runs, ALARM_TIME while the
 * alarm is enabled (the datasheet forbids both); the alarm fires when the time is at or past it, once for an alarm
 * time; USING_LPOSC and USING_XOSC show what is selected, whether the timer runs or not; invalid state requests do what
 * they ask for in powering up; a timer that runs from the crystal goes on from LPOSC when the core domain goes off, as
 * the crystal stands then; a wake-up while a request waits takes the request back. */
#include "peripherals/onchip/powman.h"

#define PASSWORD 0x5afeu
#define LPOSC_HZ 32768
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

/* NULL: the package has no such pin. */
static struct net *source_net(const struct powman *p, unsigned source) {
    static const uint8_t qspi[] = { 3, 4, 5, 6, 7, 2 }; /* SS, SD0 to SD3, SCLK among the pins of the bank */
    if (source < PIN_QSPI) {
        return p->bank0 && source < p->bank0->desc->pins ? &p->bank0->pins[source].net : NULL;
    }
    return p->qspi && source - PIN_QSPI < sizeof(qspi) ? &p->qspi->pins[qspi[source - PIN_QSPI]].net : NULL;
}

static bool pin_level(const struct powman *p, unsigned source) {
    const struct net *net = source_net(p, source);
    return net && net_is_high(net);
}

static bool has_wanted_level(const struct powman *p, uint32_t control) {
    return pin_level(p, control & POWMAN_PWRUP0_SOURCE) == !!(control & POWMAN_PWRUP0_DIRECTION);
}

static bool pin_requests(const struct powman *p, unsigned number) {
    uint32_t control = p->block.values[POWMAN_PWRUP0 + number];
    if (!(control & POWMAN_PWRUP0_ENABLE) || !source_net(p, control & POWMAN_PWRUP0_SOURCE)) {
        return false;
    }
    return control & POWMAN_PWRUP0_MODE ? p->wakes[number].latched : has_wanted_level(p, control);
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

/* Domains as they are to be; what goes off loses its contents. */
static void set_domains(struct powman *p, uint32_t domains) {
    uint32_t *state = &p->block.values[POWMAN_STATE], before = *state & POWMAN_STATE_CURRENT;
    *state = field_set(*state, POWMAN_STATE_CURRENT, domains);
    if (domains & ~before && p->power_down) {
        p->power_down(p->context, domains & ~before);
    }
}

/* The SRAMs come back as SEQ_CFG says: 0 with the core, 1 as they are. */
static void power_up(struct powman *p, uint32_t requests) {
    uint32_t *v = p->block.values, sequence = v[POWMAN_SEQ_CFG], domains = v[POWMAN_STATE] & POWMAN_STATE_CURRENT;
    domains &= ~(POWMAN_SWCORE | POWMAN_XIP);
    domains &= ~(sequence & POWMAN_SEQ_CFG_HW_PWRUP_SRAM0 ? 0u : POWMAN_SRAM0);
    domains &= ~(sequence & POWMAN_SEQ_CFG_HW_PWRUP_SRAM1 ? 0u : POWMAN_SRAM1);
    v[POWMAN_LAST_SWCORE_PWRUP] = requests;
    clock_set_frequency(&p->lposc, LPOSC_HZ, 1, now_ps(p));
    update_tick(p);
    set_domains(p, domains);
    if (p->power_up) {
        p->power_up(p->context);
    }
}

/* A wake-up may be there: it takes a request back, or powers up. */
static void look_for_wake_up(struct powman *p) {
    uint32_t *state = &p->block.values[POWMAN_STATE], requests = power_up_requests(p);
    if (!requests) {
        return;
    }
    if (*state & POWMAN_STATE_WAITING) {
        *state &= ~POWMAN_STATE_WAITING;
        *state |= POWMAN_STATE_PWRUP_WHILE_WAITING;
    } else if (*state & POWMAN_SWCORE) {
        power_up(p, requests);
    }
}

/* The crystal stands while the core domain is off; LPOSC too, unless RUN_LPOSC_IN_LP. */
static void leave_to_lposc(struct powman *p) {
    uint64_t time = powman_time(p);
    p->from_xosc = false;
    if (!(p->block.values[POWMAN_SEQ_CFG] & POWMAN_SEQ_CFG_RUN_LPOSC_IN_LP)) {
        clock_set_frequency(&p->lposc, 0, 1, now_ps(p));
    }
    update_tick(p);
    p->offset = is_running(p) ? time - ticks(p) : time;
    schedule_alarm(p);
}

void powman_cores_halted(struct powman *p) {
    uint32_t *state = &p->block.values[POWMAN_STATE], request = field_get(*state, POWMAN_STATE_REQ);
    *state &= ~POWMAN_STATE_WAITING;
    leave_to_lposc(p);
    set_domains(p, request);
    look_for_wake_up(p);
    powman_update(p);
}

/* ---- Pins that wake up ---- */

static void wake_pin_changed(struct net_listener *listener, struct net *net) {
    struct powman_wake *wake = listener->owner;
    struct powman *p = wake->powman;
    wake->latched |= has_wanted_level(p, p->block.values[POWMAN_PWRUP0 + (wake - p->wakes)]);
    look_for_wake_up(p);
    powman_update(p);
}

static void stop_listening(struct powman_wake *wake) {
    if (wake->net) {
        net_unlisten(wake->net, &wake->listener);
        wake->net = NULL;
    }
}

/* `net` may be NULL. */
static void listen_to(struct powman_wake *wake, struct net *net) {
    if (net == wake->net) {
        return;
    }
    stop_listening(wake);
    wake->listener = (struct net_listener){ .changed = wake_pin_changed, .owner = wake, .passive = true };
    wake->net = net;
    if (net) {
        net_listen(net, &wake->listener);
    }
}

/* The net that a wake-up is to listen to; NULL: it is disabled, or the package has no such pin. */
static struct net *wake_net(const struct powman *p, unsigned number) {
    uint32_t control = p->block.values[POWMAN_PWRUP0 + number];
    return control & POWMAN_PWRUP0_ENABLE ? source_net(p, control & POWMAN_PWRUP0_SOURCE) : NULL;
}

/* Disabling, or a 1 in STATUS, forgets an edge. */
static void write_power_up(struct powman *p, unsigned number, uint32_t value) {
    struct powman_wake *wake = &p->wakes[number];
    struct net *net = wake_net(p, number);
    bool enabled = p->block.values[POWMAN_PWRUP0 + number] & POWMAN_PWRUP0_ENABLE;
    if (!enabled || value & POWMAN_PWRUP0_STATUS) {
        wake->latched = false;
    }
    listen_to(wake, net);
    look_for_wake_up(p);
}

static void write_state(struct powman *p, uint32_t value) {
    uint32_t *state = &p->block.values[POWMAN_STATE];
    uint32_t now = *state & POWMAN_STATE_CURRENT, request = field_get(value, POWMAN_STATE_REQ);
    bool mixed = (now & ~request) && (request & ~now);
    *state &= ~(POWMAN_STATE_WAITING | POWMAN_STATE_BAD_SW_REQ);
    if (power_up_requests(p)) {
        *state |= POWMAN_STATE_REQ_IGNORED | POWMAN_STATE_PWRUP_WHILE_WAITING;
        return;
    }
    if (mixed || (request & (POWMAN_SWCORE | POWMAN_XIP)) == POWMAN_XIP) {
        *state |= POWMAN_STATE_BAD_SW_REQ;
        request &= now;
    }
    if (request & POWMAN_SWCORE) {
        *state |= POWMAN_STATE_WAITING;
        return;
    }
    set_domains(p, request);
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
        look_for_wake_up(p);
        break;
    case POWMAN_PWRUP0:
    case POWMAN_PWRUP1:
    case POWMAN_PWRUP2:
    case POWMAN_PWRUP3:
        write_power_up(p, reg - POWMAN_PWRUP0, value);
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
    look_for_wake_up(p);
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
    for (unsigned number = 0; number < PWRUPS; number++) {
        stop_listening(&p->wakes[number]);
        p->wakes[number].latched = false;
    }
    p->from_xosc = p->rung = false;
    p->offset = 0;
    clock_set_frequency(&p->lposc, LPOSC_HZ, 1, now_ps(p));
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
    for (unsigned number = 0; number < PWRUPS; number++) {
        p->wakes[number].powman = p;
    }
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
    for (unsigned number = 0; number < PWRUPS; number++) {
        walk_bool(walk, &p->wakes[number].latched);
        listen_to(&p->wakes[number], wake_net(p, number));
    }
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
    .walk_version = 1,
};
