/* Machine timer: RP2350 datasheet 3.1.8. Both cores share the counter, each has a comparator and its interrupt.
 * Not modelled: DBGPAUSE beyond reading back. */
#include "peripherals/onchip/mtime.h"

#include "peripherals/onchip/registers/sio.h"

#define CONTROL_WRITABLE                                                                                               \
    (SIO_MTIME_CTRL_DBGPAUSE_CORE1 | SIO_MTIME_CTRL_DBGPAUSE_CORE0 | SIO_MTIME_CTRL_FULLSPEED | SIO_MTIME_CTRL_EN)
#define CONTROL_RESET (SIO_MTIME_CTRL_DBGPAUSE_CORE1 | SIO_MTIME_CTRL_DBGPAUSE_CORE0 | SIO_MTIME_CTRL_EN)

static struct clock_domain *counted(const struct mtime *m) {
    return m->control & SIO_MTIME_CTRL_FULLSPEED ? m->clk_sys : m->tick;
}

static uint64_t cycles(const struct mtime *m) {
    return m->control & SIO_MTIME_CTRL_EN ? clock_cycles_at(counted(m), scheduler_now(m->env->scheduler)) : 0;
}

static uint64_t now(const struct mtime *m) {
    return m->offset + cycles(m);
}

static void mtime_update(struct mtime *m) {
    uint64_t time = now(m), next = UINT64_MAX, when = TIME_NEVER;
    for (unsigned core = 0; core < MTIME_CORES; core++) {
        line_set(&m->irq[core], time >= m->compare[core]);
        if (time < m->compare[core] && m->compare[core] < next) {
            next = m->compare[core];
        }
    }
    if (m->control & SIO_MTIME_CTRL_EN && next != UINT64_MAX && next - time < INT64_MAX) {
        when = clock_time_of(counted(m), cycles(m) + (next - time));
    }
    if (when == TIME_NEVER) {
        scheduler_cancel(m->env->scheduler, &m->due);
    } else {
        scheduler_add(m->env->scheduler, &m->due, when);
    }
}

static void set_time(struct mtime *m, uint64_t time) {
    m->offset = time - cycles(m);
}

static void set_half(uint64_t *value, bool high, uint32_t half) {
    unsigned shift = high ? 32 : 0;
    *value = (*value & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)half << shift;
}

uint32_t mtime_read(struct mtime *m, enum mtime_register reg, unsigned core) {
    switch (reg) {
    case MTIME_CTRL:
        return m->control;
    case MTIME_LOW:
        return (uint32_t)now(m);
    case MTIME_HIGH:
        return (uint32_t)(now(m) >> 32);
    case MTIME_COMPARE_LOW:
        return (uint32_t)m->compare[core];
    default:
        return (uint32_t)(m->compare[core] >> 32);
    }
}

void mtime_write(struct mtime *m, enum mtime_register reg, unsigned core, uint32_t value) {
    uint64_t time = now(m);
    switch (reg) {
    case MTIME_CTRL:
        m->control = value & CONTROL_WRITABLE;
        break;
    case MTIME_LOW:
    case MTIME_HIGH:
        set_half(&time, reg == MTIME_HIGH, value);
        break;
    default:
        set_half(&m->compare[core], reg == MTIME_COMPARE_HIGH, value);
        break;
    }
    set_time(m, time);
    mtime_update(m);
}

uint64_t mtime_holds_until(struct mtime *m, enum mtime_register reg) {
    bool counts = (reg == MTIME_LOW || reg == MTIME_HIGH) && m->control & SIO_MTIME_CTRL_EN;
    return counts ? clock_time_of(counted(m), cycles(m) + 1) : TIME_NEVER;
}

static void due(struct event *event, uint64_t late_ps) {
    mtime_update(event->owner);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    mtime_update(listener->owner);
}

void mtime_reset(struct mtime *m) {
    m->control = CONTROL_RESET;
    for (unsigned core = 0; core < MTIME_CORES; core++) {
        m->compare[core] = UINT64_MAX;
    }
    set_time(m, 0);
    mtime_update(m);
}

void mtime_init(struct mtime *m) {
    struct clock_domain *clocks[2] = { m->tick, m->clk_sys };
    m->due = (struct event){ .name = "MTIMECMP", .callback = due, .owner = m };
    for (unsigned i = 0; i < 2; i++) {
        m->listeners[i] = (struct clock_listener){ .changed = clock_changed, .owner = m };
        clock_listen(clocks[i], &m->listeners[i]);
    }
}

void mtime_walk(struct mtime *m, struct walk *walk) {
    walk_u32(walk, &m->control);
    walk_u64(walk, &m->offset);
    walk_u64s(walk, m->compare, MTIME_CORES);
    walk_event(walk, &m->due);
}
