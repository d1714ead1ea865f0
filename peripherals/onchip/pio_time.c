/* Programmable I/O: time. When the machines of a block execute, in which order, and who is told; pio.c has the rules.
 *
 * Each machine has the cycle of its next instruction, in 1/256 of clk_sys (the divider is first-order); delays and
 * divided clocks are one step. A machine that stalls has none until what it waits for changes. Instructions that nobody
 * outside notices (pio_ahead.c) are carried out together, at the time of the next one that somebody does notice or when
 * somebody looks; pins that nobody watches are shown to the bank when it asks. */
#include "peripherals/onchip/pio_private.h"

#define DIRECT_DELAY 2 /* cycles from a level at a pin to the instruction that sees it: registers on both sides */
#define INPUT_DELAY 4  /* with those of the synchronisers */

static unsigned gpio_base(const struct pio *pio) {
    return pio->block.values[PIO_GPIOBASE];
}

/* ---- Outputs ---- */
/* Tell the bank what has changed at these pins. */
void pio_publish_pins(struct pio *pio, uint32_t pins) {
    uint32_t moved = ((pio->pins.out ^ pio->shown.out) | (pio->pins.oe ^ pio->shown.oe)) & pins;
    if (!moved) {
        return;
    }
    pio->shown.out ^= (pio->pins.out ^ pio->shown.out) & moved;
    pio->shown.oe ^= (pio->pins.oe ^ pio->shown.oe) & moved;
    if (pio->gpio) {
        unsigned base = gpio_base(pio);
        gpio_function_outputs(pio->gpio, pio->function, (uint64_t)moved << base, (uint64_t)pio->pins.out << base,
                              (uint64_t)pio->pins.oe << base);
    }
}

/* ---- Inputs ---- */
/* The levels as they were before the first change that is still on its way at this cycle. */
static uint64_t inputs_before(const struct pio *pio, uint64_t cycle, uint64_t now) {
    for (unsigned i = 0; i < pio->change_count; i++) {
        const struct pio_input_change *change = &pio->changes[(pio->first_change + i) % PIO_INPUT_CHANGES];
        if (change->cycle > cycle) {
            return change->before;
        }
    }
    return now;
}

uint32_t pio_inputs(const struct pio *pio, uint64_t cycle) {
    uint64_t heard = pio->pin_listener.pins; /* the others are read by instructions from outside alone */
    uint64_t now = pio->gpio ? (pio->inputs & heard) | (gpio_inputs(pio->gpio) & ~heard) : 0;
    uint64_t seen = inputs_before(pio, cycle, now), direct = now;
    uint32_t bypass = pio->block.values[PIO_INPUT_SYNC_BYPASS];
    if (bypass) {
        direct = inputs_before(pio, cycle + INPUT_DELAY - DIRECT_DELAY, now);
    }
    seen = (seen & heard) | (now & ~heard);
    direct = (direct & heard) | (now & ~heard);
    return ((uint32_t)(seen >> gpio_base(pio)) & ~bypass) | ((uint32_t)(direct >> gpio_base(pio)) & bypass);
}

/* Changes that are through the synchronisers by now, or for which there is no room. */
static void forget_input_changes(struct pio *pio) {
    while (pio->change_count &&
           (pio->changes[pio->first_change].cycle <= pio->cycle || pio->change_count == PIO_INPUT_CHANGES)) {
        pio->first_change = (pio->first_change + 1) % PIO_INPUT_CHANGES;
        pio->change_count--;
    }
}

/* ---- Time of one machine ---- */
static uint64_t cycle_now(const struct pio *pio) {
    return clock_cycles_at(pio->clk_sys, scheduler_due(pio->block.env->scheduler));
}

static bool is_enabled(const struct pio *pio, const struct pio_machine *m) {
    return pio->block.values[PIO_CTRL] >> m->number & 1;
}

/* The machine executes its program, as far as it does not stall. */
bool pio_runs_program(const struct pio *pio, const struct pio_machine *m) {
    return is_enabled(pio, m) && !m->forced;
}

/* The first tick of the divider from `cycle` on. */
void pio_align_divider(struct pio_machine *m, uint64_t cycle) {
    uint64_t divider = m->settings.divider;
    if (pio_cycle_of(m->now.due) < cycle) {
        uint64_t behind = ((cycle - 1) << 8) - m->now.due;
        m->now.due += (behind / divider + 1) * divider;
    }
}

/* After `cycle`: `due` becomes the machine's next tick, what is left of its delay behind that is counted. */
void pio_split_delay(struct pio_machine *m, uint64_t cycle) {
    if (m->now.wait) {
        pio_align_divider(m, cycle + 1);
        return;
    }
    uint64_t first = cycle << 8 >= m->first_tick ? (cycle << 8) + 1 : m->first_tick;
    uint64_t ticks = m->now.due > first ? (m->now.due - first) / m->settings.divider : 0;
    m->now.due -= ticks * m->settings.divider;
    m->now.delay += (uint8_t)ticks;
}

void pio_stop_program(struct pio *pio, struct pio_machine *m) {
    pio_split_delay(m, pio->cycle);
    m->now.wait = PIO_RUNS;
    m->is_foreseen = false;
}

void pio_resume_program(struct pio *pio, struct pio_machine *m) {
    pio_align_divider(m, pio->cycle + 1);
    m->now.wait = PIO_RUNS;
    m->is_foreseen = false;
}

void pio_wake_machine(struct pio_machine *m, uint64_t cycle) {
    if (m->now.wait != PIO_RUNS) {
        m->now.wait = PIO_RUNS;
        m->is_foreseen = false;
        if (m->forced) {
            m->forced_at = cycle;
        } else {
            pio_align_divider(m, cycle);
        }
    }
}

void pio_wake_machines(struct pio *pio, enum pio_wait what, uint64_t cycle) {
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        if (pio->machines[n].now.wait == what) {
            pio_wake_machine(&pio->machines[n], cycle);
            pio->moved = true;
        }
    }
}

static void store_pins(struct pio *pio, struct pio_machine *m, uint32_t mask) {
    pio->pins.out ^= (pio->pins.out ^ m->now.pins.out) & mask;
    pio->pins.oe ^= (pio->pins.oe ^ m->now.pins.oe) & mask;
}

void pio_store_own_pins(struct pio *pio, struct pio_machine *m) {
    store_pins(pio, m, m->own);
}

void pio_sync_machine(struct pio *pio, struct pio_machine *m) {
    if (m->is_harmless) {
        pio_feed_machine(pio, m, pio->cycle);
    }
    if (m->is_foreseen && pio_cycle_of(m->now.due) <= pio->cycle) {
        pio_advance(pio, m, &m->now, pio->cycle);
        store_pins(pio, m, m->own);
    }
}

void pio_sync_machines(struct pio *pio) {
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio_sync_machine(pio, &pio->machines[n]);
    }
}

void pio_forget_foresight(struct pio *pio) {
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio->machines[n].is_foreseen = false;
    }
}

/* ---- One cycle ---- */

/* Its side-set, which is asserted in each cycle of a stall, is against that of other machines. */
static bool side_set_competes(const struct pio *pio, const struct pio_machine *m) {
    uint16_t instruction = m->now.has_instruction ? m->now.instruction : pio->memory[m->now.pc];
    return m->settings.sticky || (pio_has_side_set(&m->settings, instruction) && m->settings.side_mask & ~m->own);
}

/* A machine that stalls is left alone until something changes, but not while inputs are on their way to it. */
static void rest_or_retry(const struct pio *pio, struct pio_machine *m) {
    bool expects = m->now.wait == PIO_WAITS_PINS && pio->change_count;
    bool competes = m->now.wait && side_set_competes(pio, m);
    m->retries = competes && !expects ? m->now.wait : PIO_RUNS;
    if (expects || competes) {
        m->now.wait = PIO_RUNS;
    }
}

static bool executes(const struct pio *pio, const struct pio_machine *m) {
    return is_enabled(pio, m) || m->forced;
}

/* Has each machine that is not at rest waited for a word, without moving a pin, since any of them did something? */
static bool stall_for_good(const struct pio *pio) {
    unsigned tried = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        tried |= executes(pio, m) && !m->now.wait ? 1u << n : 0;
    }
    return tried && !(tried & ~pio->futile) && !pio->has_sticky;
}

/* Then they need not retry until one of them goes on. */
static void rest_together(struct pio *pio) {
    if (!stall_for_good(pio)) {
        return;
    }
    pio->rests = true;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        if (executes(pio, m) && !m->now.wait) {
            m->now.wait = m->retries;
            m->is_foreseen = false;
        }
    }
}

/* Keep account of attempts to get a word that did nothing. (Those that wait for pins and flags go on trying.) */
static void note_attempt(struct pio *pio, const struct pio_machine *m, struct pio_pins before) {
    bool moved = before.out != pio->pins.out || before.oe != pio->pins.oe;
    bool futile = m->retries == PIO_WAITS_TX && !moved;
    pio->futile = futile ? pio->futile | 1u << m->number : 0;
}

/* One of them goes on: the others are against it again. */
static void end_rest(struct pio *pio) {
    bool goes_on = false;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        goes_on |= executes(pio, m) && m->now.wait == PIO_RUNS;
    }
    if (!pio->rests || !goes_on) {
        return;
    }
    pio->rests = false;
    pio->futile = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio_wake_machine(&pio->machines[n], pio->cycle + 1);
    }
}

static void note_stall(struct pio *pio, const struct pio_machine *m) {
    pio->block.values[PIO_FDEBUG] |= (m->now.debug & 1u) << (PIO_FDEBUG_TXSTALL_LSB + m->number) |
                                     (m->now.debug & 2u) >> 1 << (PIO_FDEBUG_RXSTALL_LSB + m->number);
}

static void execute_program(struct pio *pio, struct pio_machine *m) {
    pio_step(pio, m, &m->now);
    m->is_foreseen = false;
    rest_or_retry(pio, m);
}

static void execute_forced(struct pio *pio, struct pio_machine *m) {
    unsigned ignored_delay;
    m->forced_tried = !pio_execute(pio, m, &m->now, pio->cycle, &ignored_delay);
    m->forced_at = pio->cycle + 1;
    m->forced_is_new = false;
    rest_or_retry(pio, m);
    if (!m->now.has_instruction) {
        m->forced = false;
        pio->is_planned = false;
        pio_resume_program(pio, m);
    }
}

static void execute_machine(struct pio *pio, struct pio_machine *m) {
    bool forced_is_due = m->forced && !m->now.wait && m->forced_at <= pio->cycle;
    bool program_is_due = m->is_foreseen && m->quiet <= pio->cycle;
    if (!forced_is_due && !program_is_due && !m->settings.sticky) {
        return;
    }
    if (program_is_due) {
        m->now = m->ahead;
        store_pins(pio, m, m->own);
    }
    struct pio_pins before = pio->pins;
    m->now.pins = pio->pins;
    if (forced_is_due) {
        execute_forced(pio, m);
    } else if (program_is_due) {
        execute_program(pio, m);
    } else {
        pio_assert_latches(m, &m->now);
    }
    store_pins(pio, m, UINT32_MAX);
    if (forced_is_due || program_is_due) {
        note_stall(pio, m);
        note_attempt(pio, m, before);
        pio->assert_at = pio->has_sticky ? pio->cycle + 1 : TIME_NEVER; /* over what this machine has written */
    }
}

static void execute_block_cycle(struct pio *pio) {
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        execute_machine(pio, &pio->machines[n]);
    }
    rest_together(pio);
}

/* At the end of a cycle. True when a flag has changed. */
static bool commit_flags(struct pio *pio) {
    uint32_t before = pio->block.values[PIO_IRQ];
    uint32_t after = (before & ~pio->flags_cleared) | pio->flags_set;
    pio->block.values[PIO_IRQ] = after;
    pio->last_set = pio->flags_set;
    pio->last_set_at = pio->cycle;
    pio->flags_set = pio->flags_cleared = 0;
    return after != before;
}

/* ---- Blocks that are neighbours ---- */
struct group {
    struct pio *blocks[3];
    unsigned count;
};

static struct group group_of(struct pio *pio) {
    struct group group = { .blocks = { pio }, .count = 1 };
    if (pio->next && pio->next != pio) {
        group.blocks[group.count++] = pio->next;
    }
    if (pio->previous && pio->previous != pio && pio->previous != pio->next) {
        group.blocks[group.count++] = pio->previous;
    }
    return group;
}

static void wake_for_flags(const struct group *group, uint64_t cycle) {
    for (unsigned i = 0; i < group->count; i++) {
        group->blocks[i]->futile = 0;
        pio_wake_machines(group->blocks[i], PIO_WAITS_IRQ, cycle);
    }
}

/* ---- Foresight ---- */
static uint64_t next_of_machine(struct pio *pio, struct pio_machine *m) {
    if (m->now.wait) {
        return TIME_NEVER;
    }
    if (m->forced) {
        return m->forced_at;
    }
    if (!is_enabled(pio, m)) {
        return TIME_NEVER;
    }
    if (!m->is_foreseen) {
        m->now.pins = pio->pins;
        pio_foresee(pio, m);
    }
    return m->quiet;
}

/* The next cycle in which one of the machines must be carried out. */
static uint64_t next_deadline(struct pio *pio) {
    uint64_t first = pio->assert_at;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        uint64_t next = next_of_machine(pio, m);
        next = m->is_harmless && m->is_foreseen ? pio_fed_until(pio, m) : next;
        first = next < first ? next : first;
    }
    return first;
}

/* The next cycle in which somebody notices one of the machines, as far as can be foreseen. */
static uint64_t next_noticed(struct pio *pio) {
    uint64_t first = pio->assert_at;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        uint64_t next = next_of_machine(pio, &pio->machines[n]);
        first = next < first ? next : first;
    }
    return first;
}

static void listen_to_inputs(struct pio *pio) {
    uint32_t pins = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pins |= pio->machines[n].inputs;
    }
    uint64_t heard = (uint64_t)pins << gpio_base(pio);
    if (pio->gpio && heard != pio->pin_listener.pins) {
        uint64_t added = heard & ~pio->pin_listener.pins;
        pio->pin_listener.pins = heard;
        pio->pin_listener.every_edge = pins;
        gpio_watch_changes(pio->gpio);
        pio->inputs = (pio->inputs & ~added) | (gpio_inputs(pio->gpio) & added);
    }
}

static bool is_hidden(const struct pio *pio, unsigned pin) {
    if (!pio->gpio || pin >= pio->gpio->desc->pins) {
        return true;
    }
    return !gpio_is_selected(pio->gpio, pin, pio->function) || gpio_is_lonely(pio->gpio, pin);
}

static uint32_t written_pins(const struct pio *pio, const struct pio_machine *m) {
    const struct pio_settings *settings = &m->settings;
    bool executes = is_enabled(pio, m) || m->forced;
    return executes ? settings->out_mask | settings->set_mask | settings->side_mask : 0;
}

uint32_t pio_hidden_pins(const struct pio *pio) {
    uint32_t written = 0, hidden = UINT32_MAX;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        written |= written_pins(pio, &pio->machines[n]);
    }
    for (; written; written &= written - 1) {
        unsigned pin = (unsigned)__builtin_ctz(written);
        hidden &= is_hidden(pio, gpio_base(pio) + pin) ? UINT32_MAX : ~(1u << pin);
    }
    return hidden;
}

/* Pins that machines share, or that are asserted over and over, belong to none. */
static void share_out_pins(struct pio *pio) {
    uint32_t once = 0, twice = 0;
    pio->has_sticky = false;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        uint32_t pins = written_pins(pio, &pio->machines[n]);
        twice |= once & pins;
        once |= pins;
        pio->has_sticky |= pio->machines[n].settings.sticky;
    }
    pio->hidden = pio_hidden_pins(pio);
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        m->own = pio->has_sticky ? 0 : written_pins(pio, m) & ~twice;
        if (side_set_competes(pio, m)) {
            pio_wake_machine(m, pio->cycle + 1);
        }
    }
}

/* Which pins are whose, and which are watched, holds until settings, programs or the wiring change. */
static void plan_block(struct pio *pio) {
    pio->is_planned = true; /* before the bank tells of what is done here */
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio_study(pio, &pio->machines[n]);
    }
    listen_to_inputs(pio);
    pio->is_planned = true;
    share_out_pins(pio);
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio_study_feeding(pio, &pio->machines[n]);
    }
    pio_forget_foresight(pio);
}

void pio_drop_plan(struct pio *pio) {
    pio_sync_machines(pio);
    pio_publish_pins(pio, UINT32_MAX);
    pio_forget_foresight(pio);
    pio_forget_feeding(pio);
    pio->is_planned = false;
}

/* ---- Time of the block ---- */
static bool moves_hidden_pins(const struct pio *pio) {
    uint32_t pins = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        pins |= m->is_foreseen ? m->own & pio->hidden : 0;
    }
    return pins;
}

static void pio_schedule(struct pio *pio) {
    struct scheduler *scheduler = pio->block.env->scheduler;
    uint64_t cycle = pio->next_cycle = next_deadline(pio);
    pio->laggard.lags = pio->gpio && moves_hidden_pins(pio);
    uint64_t when = cycle == TIME_NEVER ? cycle : clock_time_of(pio->clk_sys, cycle);
    if (when == TIME_NEVER) {
        scheduler_cancel(scheduler, &pio->event);
    } else if (!pio->event.pending || pio->event.when_ps != when) {
        scheduler_add(scheduler, &pio->event, when);
    }
}

/* After a change: tell everybody, and plan anew. */
void pio_settle(struct pio *pio) {
    if (pio->running) {
        return;
    }
    if (!pio->is_planned) {
        plan_block(pio);
    }
    pio_publish_pins(pio, ~pio->hidden);
    pio_update(pio);
    end_rest(pio);
    pio_schedule(pio);
    pio->moved = false;
}

static uint32_t visible_pins(const struct pio *pio) {
    return pio->is_planned ? ~pio->hidden : UINT32_MAX;
}

static bool group_pins_moved(const struct group *group) {
    uint32_t moved = 0;
    for (unsigned i = 0; i < group->count; i++) {
        const struct pio *pio = group->blocks[i];
        moved |= ((pio->pins.out ^ pio->shown.out) | (pio->pins.oe ^ pio->shown.oe)) & visible_pins(pio);
    }
    return moved;
}

/* Pins change at the time of the cycle, however late it is carried out. */
static void publish_group_pins(const struct group *group, uint64_t cycle) {
    struct scheduler *scheduler = group->blocks[0]->block.env->scheduler;
    if (!group_pins_moved(group)) {
        return;
    }
    struct scheduler_date before = scheduler_date(scheduler, clock_time_of(group->blocks[0]->clk_sys, cycle));
    for (unsigned i = 0; i < group->count; i++) {
        pio_publish_pins(group->blocks[i], visible_pins(group->blocks[i]));
    }
    scheduler_undate(scheduler, before);
}

static void run_group_cycle(const struct group *group, uint64_t cycle) {
    bool flags_changed = false;
    for (unsigned i = 0; i < group->count; i++) {
        struct pio *pio = group->blocks[i];
        pio->cycle = cycle;
        if (pio->next_cycle <= cycle) {
            pio->assert_at = TIME_NEVER;
            pio->moved = true;
            execute_block_cycle(pio);
        }
    }
    for (unsigned i = 0; i < group->count; i++) {
        struct pio *pio = group->blocks[i];
        if (pio->flags_set | pio->flags_cleared) {
            pio->moved = true;
            flags_changed |= commit_flags(pio);
        }
    }
    if (flags_changed) {
        wake_for_flags(group, cycle + 1);
    }
    publish_group_pins(group, cycle);
}

static uint64_t next_of_group(const struct group *group) {
    uint64_t first = TIME_NEVER;
    for (unsigned i = 0; i < group->count; i++) {
        struct pio *pio = group->blocks[i];
        if (!pio->is_planned) {
            plan_block(pio);
        }
        end_rest(pio);
        pio->next_cycle = next_noticed(pio);
        first = pio->next_cycle < first ? pio->next_cycle : first;
    }
    return first;
}

static void move_to_cycle(struct pio *pio, uint64_t cycle) {
    if (pio && pio->cycle < cycle) {
        pio->cycle = cycle;
    }
}

void pio_catch_up_to(struct pio *pio, uint64_t until) {
    struct group group = group_of(pio);
    for (unsigned i = 0; i < group.count; i++) {
        group.blocks[i]->running = true;
    }
    for (unsigned i = 0; i < group.count; i++) {
        pio_feed_machines(group.blocks[i], until);
    }
    for (uint64_t cycle; (cycle = next_of_group(&group)) <= until;) {
        run_group_cycle(&group, cycle);
    }
    for (unsigned i = 0; i < group.count; i++) {
        struct pio *each = group.blocks[i];
        each->running = false;
        move_to_cycle(each, until);
    }
    for (unsigned i = 0; i < group.count; i++) {
        if (group.blocks[i]->moved) {
            pio_settle(group.blocks[i]);
        }
    }
}

/* Nobody notices any of the machines up to this cycle. */
static bool block_is_quiet(const struct pio *pio, uint64_t until) {
    return !pio || (pio->is_planned && until < pio->next_cycle);
}

void pio_catch_up(struct pio *pio) {
    if (pio->running) {
        return;
    }
    pio_bring_up_to_date(pio);
    pio->futile = 0; /* something is about to change */
}

void pio_bring_up_to_date(struct pio *pio) {
    uint64_t now = cycle_now(pio);
    if (!block_is_quiet(pio, now) || !block_is_quiet(pio->next, now) || !block_is_quiet(pio->previous, now)) {
        pio_catch_up_to(pio, now);
    }
    move_to_cycle(pio, now);
    move_to_cycle(pio->next, now);
    move_to_cycle(pio->previous, now);
    forget_input_changes(pio);
}

void pio_flags_changed(struct pio *pio) {
    struct group group = group_of(pio);
    wake_for_flags(&group, pio->cycle + 1);
    for (unsigned i = 1; i < group.count; i++) {
        pio_settle(group.blocks[i]);
    }
}

/* ---- Pins from outside ---- */
void pio_pins_changed(struct gpio_listener *listener, uint64_t pins) {
    struct pio *pio = listener->owner;
    pio_catch_up(pio);
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        if (pio->machines[n].inputs) {
            pio_sync_machine(pio, &pio->machines[n]);
            pio->machines[n].is_foreseen = false;
        }
    }
    forget_input_changes(pio);
    unsigned last = (pio->first_change + pio->change_count++) % PIO_INPUT_CHANGES;
    pio->changes[last] = (struct pio_input_change){ pio->cycle + INPUT_DELAY, pio->inputs };
    pio->inputs = gpio_inputs(pio->gpio);
    bool direct = pio->block.values[PIO_INPUT_SYNC_BYPASS];
    pio_wake_machines(pio, PIO_WAITS_PINS, pio->cycle + (direct ? DIRECT_DELAY : INPUT_DELAY));
    pio_settle(pio);
}

void pio_pin_selected(struct gpio_listener *listener, unsigned pin) {
    struct pio *pio = listener->owner;
    if (pio->is_planned && !pio->running) {
        pio_catch_up(pio);
        pio_drop_plan(pio);
    }
}

void pio_show_pins(struct gpio_laggard *laggard) {
    struct pio *pio = laggard->owner;
    if (!pio->is_planned || pio->running) {
        return;
    }
    if (laggard->lags) {
        pio_catch_up(pio);
        pio_sync_machines(pio);
        pio_settle(pio);
    }
    pio_publish_pins(pio, UINT32_MAX);
}

static void drop_plan_for_now(struct pio *pio) {
    struct scheduler *scheduler = pio->block.env->scheduler;
    if (pio->is_planned) {
        pio_drop_plan(pio);
        if (!pio->running) {
            scheduler_add(scheduler, &pio->event, scheduler_due(scheduler));
        }
    }
}

/* The wiring is about to change: from the present time on everything is looked at anew. The plans of neighbours go
 * together: catching up with one makes those that are missing, which must not happen before the wiring has changed. */
void pio_watch_changes(struct gpio_laggard *laggard) {
    struct pio *pio = laggard->owner;
    struct group group = group_of(pio);
    if (!pio->is_planned) {
        return;
    }
    if (!pio->running) {
        pio_catch_up(pio);
    }
    for (unsigned i = 0; i < group.count; i++) {
        drop_plan_for_now(group.blocks[i]);
    }
}
