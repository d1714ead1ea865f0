/* Polling loops: firmware that waits for a register or a variable runs the same few instructions millions of times.
 * Such a loop is run here, by the interpreter of thumb.c, which knows what every pass depends on; passes that can only
 * be like the last one are skipped, and the cycle count moves on by what they take. The guest cannot tell: registers,
 * memory, cycle counts and the times of all accesses are those of running every instruction (core_desc.exact).
 *
 * When are the passes to come like the last one? When it began and ended with the same registers, flags and memory,
 * stored nothing to registers, and all that it loaded stays as it is:
 * - memory does, because events are what changes it, and the slice ends before the next event;
 * - a register does until bus_holds_until();
 * - a counter of time (bus_counts_until()) does not, but what is decided with it does until it has counted so far
 *   that a flag comes out differently, which the interpreter works out. What a pass leaves behind that is made from
 *   the counter is an exception to `the same`: it must not be used in the next pass, and the last passes before the
 *   end are run, so that it is right when it matters. What is made of the counter by other operations than sums (a
 *   division of the time, say) is followed as ranges that hold for `span` ticks; a decision that they leave open makes
 *   the span shorter, a pass without one makes it longer. If a decision hangs on the counter in a way that is not
 *   followed at all, the loop is skipped from one tick to the next instead.
 * The SIO divider of the RP2040 counts as memory of the core's: what is stored to it and loaded from it is followed.
 *
 * Block boundaries, and with them the times of accesses, are those of the engine: blocks.c remembers them. A block
 * that it does not know, an instruction that thumb.c does not know and anything that faults go back to the engine.
 *
 * Not skipped: loops with floating-point, coprocessor or exclusive instructions, in unprivileged code or under a stack
 * limit. */
#include "emulator/cpu/internal.h"

#include <string.h>

#define VAIN_BLOCKS 4000 /* interpreted blocks without success before the loop is given up */
#define IDLE_BLOCKS 1200 /* the same for a loop that loads no register of a block */
#define HEAD_MOVES 12    /* so many blocks are tried as the head of a loop */
#define HEAD_BLOCKS 256  /* so many are run to find another one */
#define REST 300         /* cycles for every block that was interpreted in vain */
#define NO_HEAD 1        /* no block begins there */
#define FIRST_SPAN 4096  /* ticks; see struct thumb */
#define LONGEST_SPAN (UINT64_C(1) << 30)

/* Nanoseconds of the host, as they are about: of a cycle that the engine runs, of an interpreted block, of a session's
 * beginning and end. */
#define CYCLE_NS 1 / 2
#define BLOCK_NS 40
#define SESSION_NS 1500
#define BALANCE_MOST 50000
#define BALANCE_LEAST (-6000)        /* when slices are too short to find out whether a pass is repeated */
#define BALANCE_LEAST_LONG (-150000) /* when they are not */
#define SHORT_SESSION 100            /* blocks */

enum verdict {
    GOES_ON,
    LEAVE_SLICE,
    LEAVE_COLD, /* the engine is to wait for code that is not in the cache; then it goes on */
    LEAVE_LOOP,
};

/* The SIO divider: registers at 0x00 UDIVIDEND, 0x04 UDIVISOR, 0x08 SDIVIDEND, 0x0c SDIVISOR, 0x10 QUOTIENT, 0x14
 * REMAINDER (RP2040 datasheet 2.3.1.5). */
enum divider_value { DIVIDEND, DIVISOR, QUOTIENT, REMAINDER };
#define DIVIDER_SIZE 0x18u

/* ---- Memory ---- */
static struct polling_word *find_word(struct polling_session *session, uint32_t address) {
    for (unsigned i = 0; i < session->word_count; i++) {
        if (session->words[i].address == (address & ~3u)) {
            return &session->words[i];
        }
    }
    return NULL;
}

static uint32_t memory_word(struct polling_session *session, uint32_t address) {
    uint32_t value = 0;
    const uint8_t *host = bus_memory_at(session->core->desc.bus, address & ~3u, 4, false);
    if (host) {
        memcpy(&value, host, 4);
    }
    return value;
}

static void remember_word(struct polling_session *session, uint32_t address, unsigned size,
                          const struct operand *value) {
    struct polling_word *word = find_word(session, address);
    uint8_t origin = value->origin == ORIGIN_COUNT ? ORIGIN_UNKNOWN : value->origin;
    struct range range = size == 4 ? value->range : RANGE_ALL;
    if (word) {
        word->origin = size == 4 || origin > word->origin ? origin : word->origin;
        word->range = range;
    } else if (session->word_count < POLLING_WORDS) {
        session->words[session->word_count++] =
            (struct polling_word){ address & ~3u, memory_word(session, address), origin, range };
    } else {
        session->impure = true;
    }
}

/* The value is there; give it the origin of the word that it is (part of). */
static void take_word(struct polling_session *session, uint32_t address, unsigned size, struct operand *value) {
    const struct polling_word *word = session->word_count ? find_word(session, address) : NULL;
    if (word && word->origin > value->origin) {
        value->origin = word->origin;
        value->range = size == 4 ? word->range : RANGE_ALL;
    }
}

/* What is not aligned may touch two words. */
static void take_from_memory(struct polling_session *session, uint32_t address, unsigned size, struct operand *value) {
    bool aligned = !(address & (size - 1));
    take_word(session, address, aligned ? size : 1, value);
    if (!aligned) {
        take_word(session, address + size - 1, 1, value);
    }
}

static void remember(struct polling_session *session, uint32_t address, unsigned size, const struct operand *value) {
    bool aligned = !(address & (size - 1));
    remember_word(session, address, aligned ? size : 1, value);
    if (!aligned) {
        remember_word(session, address + size - 1, 1, value);
    }
}

/* ---- The divider ---- */
static bool is_divider(const struct polling_session *session, uint32_t address, unsigned size) {
    uint32_t base = session->core->desc.divider;
    return base && address - base < DIVIDER_SIZE && size == 4;
}

static enum divider_value divider_value_at(uint32_t offset) {
    return offset < 0x10 ? (offset & 4 ? DIVISOR : DIVIDEND) : offset == 0x10 ? QUOTIENT : REMAINDER;
}

/* Operands that have been stored before the session. To look at them changes nothing. */
static void look_up_operands(struct polling_session *session) {
    const struct core *core = session->core;
    for (unsigned which = DIVIDEND; which <= DIVISOR; which++) {
        if (!(session->divider.known >> which & 1)) {
            session->divider.values[which] = (struct operand){ 0 };
            bus_read(core->desc.bus, core->desc.divider + 4 * which, 4, &session->divider.values[which].value);
            session->divider.known |= 1u << which;
        }
    }
}

/* The device works it out; here it is done again for the ranges. With signs or by 0 clean operands alone are followed:
 * what comes out is then the same in each pass, and not compared. */
static void divide(struct polling_session *session) {
    struct polling_divider *divider = &session->divider;
    const struct operand *a = &divider->values[DIVIDEND], *b = &divider->values[DIVISOR];
    struct operand quotient = { 0 }, remainder = { 0 };
    bool is_plain = !divider->is_signed && b->value;
    if (is_plain) {
        struct range x = thumb_range(a), y = thumb_range(b);
        quotient = thumb_made_of(&session->thumb, a->value / b->value, a, b, range_quotient(x, y));
        remainder = thumb_made_of(&session->thumb, a->value % b->value, a, b, range_remainder(x, y));
    }
    bool is_followed = is_plain || (a->origin == ORIGIN_CLEAN && b->origin == ORIGIN_CLEAN);
    divider->values[QUOTIENT] = quotient;
    divider->values[REMAINDER] = remainder;
    divider->known = is_followed ? 0xf : 3;
}

/* Has been stored to the device as well. */
static void store_divider(struct polling_session *session, uint32_t offset, const struct operand *value) {
    struct polling_divider *divider = &session->divider;
    enum divider_value which = divider_value_at(offset);
    divider->values[which] = *value;
    divider->known |= 1u << which;
    divider->dirty = true;
    if (which <= DIVISOR) {
        divider->is_signed = offset >= 8;
        look_up_operands(session);
        divide(session);
    }
}

/* Has been loaded from the device. What has not been seen before is taken as it is; the pass cannot be skipped. */
static struct operand load_divider(struct polling_session *session, uint32_t offset, uint32_t value) {
    struct polling_divider *divider = &session->divider;
    enum divider_value which = divider_value_at(offset);
    if (!(divider->known >> which & 1)) {
        session->impure = true;
        divider->values[which] = (struct operand){ .value = value };
        divider->known |= 1u << which;
    }
    divider->dirty &= which != QUOTIENT;
    struct operand result = divider->values[which];
    result.value = value;
    return result;
}

/* ---- Registers of blocks ---- */
/* The first load of a counter in a pass sets where ranges begin; later ones may have gone on since. */
static struct operand follow_count(struct polling_session *session, uint32_t address, uint32_t value) {
    if (!session->counter) {
        session->counter = address;
        session->counted = value;
    }
    uint64_t last = (uint64_t)session->counted + session->span;
    struct range range = { session->counted, last > value ? (uint32_t)last : value };
    range = last > UINT32_MAX || value < session->counted ? RANGE_ALL : range;
    return (struct operand){ value, ORIGIN_COUNT, 1, range };
}

/* A register of a block was loaded: what is known about its value in the future? */
static struct operand note_load(struct polling_session *session, uint32_t address, unsigned size, uint32_t value) {
    const struct bus *bus = session->core->desc.bus;
    session->loads = true;
    if (is_divider(session, address, size)) {
        return load_divider(session, address - session->core->desc.divider, value);
    }
    bool other = session->counter && session->counter != address;
    if (session->follow_counts && !other && size == 4 && bus_counts_until(bus, address, 1)) {
        return follow_count(session, address, value);
    }
    uint64_t holds = bus_holds_until(bus, address);
    session->impure |= holds == 0;
    session->holds_ps = holds < session->holds_ps ? holds : session->holds_ps;
    return (struct operand){ .value = value };
}

/* SysTick, DWT_CYCCNT */
static bool is_system_counter(uint32_t address) {
    return address - 0xe000e010u < 16 || (address & ~3u) == 0xe0001004u;
}

/* A register is about to be loaded or stored: at its own time. */
static void reach_access(struct polling_session *session) {
    struct core *core = session->core;
    core->cycles = session->began + blocks_offset(core, session->block, session->at) + session->elements++;
    if (core->cycles >= core->slice) {
        core_reached(core);
    }
}

/* It has been served. */
static void pass_access(struct polling_session *session, uint32_t address, bool is_store) {
    session->began += access_waits(session->core, address, is_store);
    session->began -= is_ioport(session->core, address);
}

static bool load(struct thumb *thumb, uint32_t address, unsigned size, struct operand *ret) {
    struct polling_session *session = thumb->context;
    struct core *core = session->core;
    const uint8_t *host = bus_memory_at(core->desc.bus, address, size, false);
    *ret = (struct operand){ .origin = ORIGIN_CLEAN };
    if (host) {
        memcpy(&ret->value, host, size);
        take_from_memory(session, address, size, ret);
        return true;
    }
    if (address & (size - 1)) {
        return false;
    }
    if (address >> 20 == 0xe00) {
        reach_access(session);
        ret->value = scs_read(core, address, size);
        session->impure |= is_system_counter(address);
        return true;
    }
    if (!bus_name_at(core->desc.bus, address)) {
        return false;
    }
    reach_access(session);
    if (!bus_read(core->desc.bus, address, size, &ret->value)) {
        return false;
    }
    pass_access(session, address, false);
    *ret = note_load(session, address, size, ret->value);
    return true;
}

static bool store(struct thumb *thumb, uint32_t address, unsigned size, const struct operand *operand) {
    struct polling_session *session = thumb->context;
    struct core *core = session->core;
    uint32_t value = operand->value;
    uint8_t *host = bus_memory_at(core->desc.bus, address, size, true);
    if (host) {
        remember(session, address, size, operand);
        if (memcmp(host, &value, size) != 0) {
            memcpy(host, &value, size);
            engine_code_changed(core, address, size);
        }
        return true;
    }
    if (bus_memory_at(core->desc.bus, address, size, false)) {
        return !bus_refuses(core->desc.bus, address); /* read-only memory */
    }
    if (address & (size - 1)) {
        return false;
    }
    bool divides = is_divider(session, address, size);
    session->impure |= !divides;
    if (address >> 20 == 0xe00) {
        reach_access(session);
        scs_write(core, address, value, size);
        return true;
    }
    if (!bus_name_at(core->desc.bus, address)) {
        return false;
    }
    reach_access(session);
    if (divides) {
        store_divider(session, address - core->desc.divider, operand);
    }
    bool answered = bus_write(core->desc.bus, address, value, size);
    pass_access(session, address, true);
    return answered;
}

/* ---- Blocks ---- */
static bool polls(struct core *core, struct block_cost *cost, const uint8_t *code) {
    if (!cost->polls) {
        uint32_t size = cost->end - cost->address;
        cost->polls = 1;
        for (uint32_t at = 0; at + 2 <= size;) {
            uint16_t first, second = 0;
            memcpy(&first, code + at, 2);
            if (thumb_is_wide(first) && at + 4 <= size) {
                memcpy(&second, code + at + 2, 2);
            }
            cost->polls = thumb_knows(first, second, core->desc.model == CORE_M33) ? cost->polls : 2;
            at += thumb_is_wide(first) ? 4 : 2;
        }
    }
    return cost->polls == 1;
}

static bool is_interrupted(const struct polling_session *session) {
    const struct core *core = session->core;
    const struct thumb *thumb = &session->thumb;
    if (!core->attention || core->desc.model == CORE_M0PLUS) {
        return core->attention && (!thumb->primask || core->nvic.pending_priority < 0);
    }
    return core->nvic.pending_priority <
           exceptions_priority(core, thumb->primask, thumb->basepri, core->registers.faultmask);
}

/* Run the instructions of a block that has begun. */
static enum verdict run_block(struct polling_session *session, const uint8_t *code, uint32_t address, uint32_t size) {
    struct thumb *thumb = &session->thumb;
    for (uint32_t at = 0; at < size;) {
        uint16_t first, second = 0;
        memcpy(&first, code + at, 2);
        if (thumb_is_wide(first)) {
            memcpy(&second, code + at + 2, 2);
        }
        session->at = address + at;
        session->elements = 0;
        enum thumb_result result = thumb_step(thumb, first, second);
        if (result == THUMB_LEAVE) {
            session->core->cycles = session->began + blocks_split(session->core, session->block, address + at);
            return LEAVE_LOOP;
        }
        if (result == THUMB_BRANCH) {
            break;
        }
        at += thumb_is_wide(first) ? 4 : 2;
    }
    return GOES_ON;
}

/* The block at pc, as the engine would begin and run it; it has been paid up to here. */
static enum verdict next_block(struct polling_session *session) {
    struct core *core = session->core;
    uint32_t pc = session->thumb.r[15];
    struct block_cost *cost = blocks_known(core, pc);
    const uint8_t *code = cost ? bus_code_at(core->desc.bus, pc, cost->end - pc) : NULL;
    if (!code || !polls(core, cost, code)) {
        return LEAVE_LOOP;
    }
    if (cost->watched) {
        return LEAVE_LOOP;
    }
    if (cost->cold) {
        return LEAVE_COLD;
    }
    session->blocks++;
    session->vain_blocks++;
    session->all_blocks++;
    session->block = cost;
    session->began = core->cycles;
    enum verdict verdict = run_block(session, code, pc, cost->end - pc);
    if (verdict == GOES_ON) {
        core->cycles = session->began + blocks_paid(cost, session->thumb.r[15]);
        blocks_finish(core, cost);
    }
    return verdict;
}

/* ---- Passes ---- */
static void begin_pass(struct polling_session *session) {
    session->head = session->thumb;
    session->head_cycles = session->core->cycles;
    session->head_divider = session->divider;
    session->thumb.span = session->span;
    session->thumb.ticks = UINT64_C(1) << 31;
    session->thumb.spoilt = session->thumb.spoilt_by_old = false;
    session->impure = false;
    session->holds_ps = TIME_NEVER;
    session->counter = 0;
    session->blocks = 0;
    session->rounds = 0;
    session->interrupted = false;
    for (unsigned i = 0; i < session->word_count; i++) {
        session->words[i].before = memory_word(session, session->words[i].address);
    }
}

/* Take everything for clean: what the counter has left behind is just a value again. */
static void forget_origins(struct polling_session *session) {
    memset(session->thumb.origin, 0, sizeof(session->thumb.origin));
    session->thumb.nz = session->thumb.cv = ORIGIN_CLEAN;
    session->word_count = 0;
    for (unsigned i = 0; i < POLLING_DIVIDER_VALUES; i++) {
        session->divider.values[i].origin = ORIGIN_CLEAN;
    }
}

static uint8_t older(uint8_t origin) {
    if (origin == ORIGIN_CLEAN) {
        return ORIGIN_CLEAN;
    }
    return origin >= ORIGIN_OLD ? origin + 1 : ORIGIN_OLD + 1;
}

/* A pass has ended: what it made from the counter is from now on a pass old. Gives the oldest, 0 when there is none. */
static unsigned grow_older(struct polling_session *session) {
    struct thumb *thumb = &session->thumb;
    uint8_t oldest = thumb->nz > thumb->cv ? older(thumb->nz) : older(thumb->cv);
    thumb->nz = older(thumb->nz);
    thumb->cv = older(thumb->cv);
    for (unsigned i = 0; i < 15; i++) {
        thumb->origin[i] = older(thumb->origin[i]);
        oldest = thumb->origin[i] > oldest ? thumb->origin[i] : oldest;
    }
    for (unsigned i = 0; i < POLLING_DIVIDER_VALUES; i++) {
        uint8_t *origin = &session->divider.values[i].origin;
        *origin = older(*origin);
        oldest = *origin > oldest ? *origin : oldest;
    }
    for (unsigned i = 0; i < session->word_count; i++) {
        struct polling_word *word = &session->words[i];
        word->origin = older(word->origin);
        oldest = word->origin > oldest ? word->origin : oldest;
    }
    return oldest ? oldest - ORIGIN_OLD : 0;
}

/* Did the pass leave the registers as they were, but for what comes from the counter? */
static bool is_repeated(const struct polling_session *session) {
    const struct thumb *now = &session->thumb, *head = &session->head;
    bool same = now->primask == head->primask && now->basepri == head->basepri && now->it == head->it &&
                older(now->nz) == head->nz && older(now->cv) == head->cv;
    same = same && (now->nz || (now->n == head->n && now->z == head->z));
    same = same && (now->cv || (now->c == head->c && now->v == head->v));
    for (unsigned i = 0; same && i < 16; i++) {
        same = older(now->origin[i]) == head->origin[i] && (now->origin[i] || now->r[i] == head->r[i]);
    }
    return same;
}

/* And the divider? What is left in it from the counter counts as what is left in registers. */
static bool divider_is_repeated(const struct polling_session *session) {
    const struct polling_divider *now = &session->divider, *head = &session->head_divider;
    bool same = now->known == head->known && now->is_signed == head->is_signed && now->dirty == head->dirty;
    for (unsigned i = 0; same && i < POLLING_DIVIDER_VALUES; i++) {
        const struct operand *value = &now->values[i];
        same =
            older(value->origin) == head->values[i].origin && (value->origin || value->value == head->values[i].value);
    }
    return same;
}

/* And the memory? */
static bool memory_is_repeated(struct polling_session *session) {
    for (unsigned i = 0; i < session->word_count; i++) {
        const struct polling_word *word = &session->words[i];
        if (!word->origin && memory_word(session, word->address) != word->before) {
            return false;
        }
    }
    return true;
}

/* The first cycle at or after a time. */
static uint64_t cycle_at(const struct core *core, uint64_t ps) {
    if (ps == TIME_NEVER) {
        return UINT64_MAX;
    }
    uint64_t cycle = clock_cycles_at(core->desc.clock, ps);
    return clock_time_of(core->desc.clock, cycle) < ps ? cycle + 1 : cycle;
}

/* The first cycle at which something that the last pass depends on may be different. */
static uint64_t first_change(struct polling_session *session) {
    struct core *core = session->core;
    uint64_t holds = cycle_at(core, session->holds_ps), counts = UINT64_MAX;
    if (session->counter) {
        uint32_t now = 0;
        bus_read(core->desc.bus, session->counter, 4, &now);
        uint64_t gone = now - session->counted, ticks = session->thumb.ticks;
        counts = gone < ticks ? cycle_at(core, bus_counts_until(core->desc.bus, session->counter, ticks - gone))
                              : core->cycles;
    }
    uint64_t change = holds < counts ? holds : counts;
    return change < core->slice ? change : core->slice;
}

/* Skip passes like the last one; the last `keep` before the change are to be run. True when some were skipped. */
static bool skip(struct polling_session *session, unsigned keep) {
    struct core *core = session->core;
    uint64_t period = core->cycles - session->head_cycles, change = first_change(session);
    if (!period || change <= core->cycles) {
        return false;
    }
    uint64_t passes = (change - core->cycles) / period;
    if (passes <= keep) {
        return false;
    }
    core->cycles += (passes - keep) * period;
    core->polling.skipped += (passes - keep) * period;
    return true;
}

/* The pass cannot be skipped. If that is because it uses at its start what the last one made from the counter, it may
 * be better to look at the loop from another block on; if that does not help, or something is made from the counter
 * that cannot be followed, the counter is taken as a value that holds for a tick. */
static void give_in(struct polling_session *session) {
    if (session->thumb.spoilt && session->span) {
        session->span /= 8;
    } else if (session->thumb.spoilt || session->head_moves == HEAD_MOVES) {
        session->follow_counts = false;
    } else if (session->thumb.spoilt_by_old) {
        session->head_moves++;
        session->move_head = true;
    }
    forget_origins(session);
}

static void age(struct polling_session *session) {
    if (grow_older(session) > ORIGIN_OLDEST - ORIGIN_OLD) {
        forget_origins(session);
    }
}

/* The head has come round. What has happened since the pass began may be one of several rounds of a pass: an inner
 * loop. So the pass goes on until it is repeated, or begins anew after 1, 2, 4, 8, ... rounds (Brent's way to find a
 * cycle). True when passes were skipped. */
static bool end_round(struct polling_session *session) {
    bool skipped = false;
    const struct thumb *thumb = &session->thumb;
    if (session->interrupted) {
        age(session);
    } else if (session->impure || thumb->spoilt || thumb->spoilt_by_old) {
        give_in(session);
    } else if (is_repeated(session) && memory_is_repeated(session) && divider_is_repeated(session)) {
        unsigned oldest = grow_older(session);
        skipped = skip(session, oldest ? oldest + 1 : 0);
        session->span = session->span < LONGEST_SPAN ? 4 * session->span + 1 : session->span;
    } else if (++session->rounds < session->limit) {
        return false;
    } else {
        session->limit *= 2;
        age(session);
    }
    begin_pass(session);
    return skipped;
}

/* ---- Sessions ---- */
static void load_state(struct core *core, struct thumb *thumb) {
    const struct registers *registers = &core->registers;
    memcpy(thumb->r, registers->r, sizeof(thumb->r));
    thumb->r[13] = *registers_sp(&core->registers);
    thumb->n = registers->xpsr >> 31 & 1;
    thumb->z = registers->xpsr >> 30 & 1;
    thumb->c = registers->xpsr >> 29 & 1;
    thumb->v = registers->xpsr >> 28 & 1;
    thumb->primask = registers->primask & 1;
    thumb->ipsr = registers->xpsr & XPSR_IPSR;
    thumb->basepri = registers->basepri;
    thumb->mainline = core->desc.model == CORE_M33;
    thumb->it = (registers->xpsr >> 8 & 0xfc) | (registers->xpsr >> 25 & 3);
    thumb->load = load;
    thumb->store = store;
    thumb->context = &core->polling.session;
}

/* Has the core done nothing since the session left with its slice? */
static bool goes_on(const struct polling_session *session, const struct thumb *now) {
    const struct thumb *then = &session->thumb;
    return session->left_with_slice && session->left_cycles == session->core->cycles &&
           memcmp(now->r, then->r, sizeof(now->r)) == 0 && now->n == then->n && now->z == then->z &&
           now->c == then->c && now->v == then->v && now->it == then->it && now->ipsr == then->ipsr &&
           now->primask == then->primask && now->basepri == then->basepri;
}

/* Begin with the loop at pc, or go on with the one that was being run. */
static void begin_session(struct core *core) {
    struct polling_session *session = &core->polling.session;
    struct thumb now = { 0 };
    load_state(core, &now);
    if (goes_on(session, &now)) {
        session->interrupted = true;
        session->divider.known = 0; /* something may have reset SIO */
        session->skipped = false;
        session->vain_blocks = 0;
        return;
    }
    *session = (struct polling_session){
        .core = core, .thumb = now, .head_pc = now.r[15], .limit = 1, .follow_counts = true, .span = FIRST_SPAN
    };
    begin_pass(session);
}

static void store_state(struct polling_session *session) {
    struct registers *registers = &session->core->registers;
    const struct thumb *thumb = &session->thumb;
    *registers_sp(registers) = thumb->r[13];
    memcpy(registers->r, thumb->r, sizeof(thumb->r));
    uint32_t it = (thumb->it & 0xfcu) << 8 | (thumb->it & 3u) << 25;
    registers->xpsr = (registers->xpsr & ~(0xf0000000u | XPSR_IT)) | it | (uint32_t)thumb->n << 31 |
                      (uint32_t)thumb->z << 30 | (uint32_t)thumb->c << 29 | (uint32_t)thumb->v << 28;
    registers->primask = thumb->primask;
    registers->basepri = thumb->basepri;
}

static bool is_in_vain(const struct polling_session *session) {
    return session->vain_blocks > (session->loads || session->skipped ? VAIN_BLOCKS : IDLE_BLOCKS);
}

/* Unprivileged code has other rules for special registers; a stack limit would have to be watched. */
static bool is_special(struct core *core) {
    const struct registers *registers = &core->registers;
    uint32_t limits[2];
    engine_fetch_limits(core, limits);
    return (registers->control & CONTROL_NPRIV && !(registers->xpsr & XPSR_IPSR)) || limits[0] || limits[1];
}

/* The head is to be another block. It may be that of an inner loop, which comes again for a while; a loop of one block
 * has no other. */
static void move_head(struct polling_session *session, bool at_head) {
    if (at_head && session->blocks < HEAD_BLOCKS) {
        return;
    }
    session->head_moves = at_head ? HEAD_MOVES : session->head_moves;
    session->head_pc = session->thumb.r[15];
    session->move_head = false;
    begin_pass(session);
}

static enum verdict run_loop(struct polling_session *session) {
    struct core *core = session->core;
    if (is_special(core)) {
        return LEAVE_LOOP;
    }
    for (;;) {
        if (core->cycles >= core->slice) {
            return LEAVE_SLICE;
        }
        if (is_interrupted(session) || is_in_vain(session)) {
            return LEAVE_LOOP;
        }
        bool at_head = session->thumb.r[15] == session->head_pc;
        if (session->move_head) {
            move_head(session, at_head);
        } else if (session->blocks && at_head && end_round(session)) {
            session->skipped = true;
            session->vain_blocks = 0;
            session->limit = 1;
            continue;
        }
        enum verdict verdict = next_block(session);
        if (verdict != GOES_ON) {
            return verdict;
        }
    }
}

/* Keep account of loops that are not worth it, and let the engine run for a while after one. Where waiting was worth
 * it the next time begins at once. */
static void note_outcome(struct core *core, uint32_t head, bool good, unsigned blocks) {
    struct block_cost *block = blocks_known(core, head);
    if (block) {
        blocks_set_loops(block, good);
    }
    if (!good) {
        core->polling.head = NO_HEAD;
        core->polling.rest_until = core->cycles + REST * blocks;
    }
    unsigned slot = (head >> 1) % POLLING_FAILURES;
    uint32_t failures = core->polling.failed[slot].head == head ? core->polling.failed[slot].failures : 0;
    failures = good ? 0 : failures < 12 ? failures + 1 : failures;
    core->polling.failed[slot].head = head;
    core->polling.failed[slot].failures = failures;
    core->polling.failed[slot].wait = failures ? 1u << failures : 0;
}

bool polling_wants(struct core *core, uint32_t head) {
    struct polling *polling = &core->polling;
    unsigned slot = (head >> 1) % POLLING_FAILURES;
    if (core->desc.exact || core->desc.bus->sees_all || !core->desc.clock || core->halt.data_count) {
        return false;
    }
    if (polling->failed[slot].head == head && polling->failed[slot].wait) {
        polling->failed[slot].wait--;
        return false;
    }
    return true;
}

/* What a slice of a session has saved, less what it has cost, in nanoseconds of the host, about: it decides how long
 * sessions of the same wait follow each other. What the guest sees does not depend on it. */
static int balance_of(uint64_t skipped, unsigned blocks) {
    uint64_t saved = skipped * CYCLE_NS;
    int gain = saved < BALANCE_MOST ? (int)saved : BALANCE_MOST;
    return gain - SESSION_NS - (int)blocks * BLOCK_NS;
}

/* May the wait go on with the next slice? */
static bool is_worth_more(struct polling *polling, uint64_t skipped, unsigned blocks) {
    int balance = polling->balance + balance_of(skipped, blocks);
    polling->balance = balance < BALANCE_MOST ? balance : BALANCE_MOST;
    return balance > (blocks < SHORT_SESSION ? BALANCE_LEAST : BALANCE_LEAST_LONG);
}

void polling_run(struct core *core) {
    struct polling *polling = &core->polling;
    struct polling_session *session = &polling->session;
    uint32_t head = core->registers.r[15];
    unsigned generation = core->generation;
    uint64_t skipped = polling->skipped;
    begin_session(core);
    session->all_blocks = 0;
    enum verdict verdict = run_loop(session);
    bool worth = is_worth_more(polling, polling->skipped - skipped, session->all_blocks);
    session->left_with_slice = verdict == LEAVE_SLICE && core->generation == generation;
    session->left_cycles = core->cycles;
    polling->resume = verdict == LEAVE_SLICE && worth && core->generation == generation;
    if (core->generation == generation) {
        store_state(session);
        polling->resume_pc = session->thumb.r[15];
    }
    if (!polling->resume && verdict != LEAVE_COLD) {
        note_outcome(core, head, polling->balance > 0, session->vain_blocks);
        polling->balance = 0;
    }
}
