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
 *   end are run, so that it is right when it matters. If a decision hangs on the counter in a way that is not
 *   followed (a division, say), the loop is skipped from one tick to the next instead.
 *
 * Block boundaries, and with them the times of accesses, are those of the engine: blocks.c remembers them. A block
 * that it does not know, an instruction that thumb.c does not know and anything that faults go back to the engine.
 *
 * Not skipped: loops whose pass is longer than a tick and that divide, multiply or shift the time (CircuitPython 8 and
 * 9 for the RP2040 do, in the second of their start in which a button selects safe mode); loops with floating-point,
 * coprocessor or exclusive instructions, in unprivileged code or under a stack limit. */
#include "emulator/cpu/internal.h"

#include <string.h>

#define WORDS 32         /* words of memory that a loop may store to */
#define VAIN_BLOCKS 4000 /* interpreted blocks without success before the loop is given up */
#define IDLE_BLOCKS 1200 /* the same for a loop that loads no register of a block */
#define HEAD_MOVES 12    /* so many blocks are tried as the head of a loop */
#define REST 600         /* cycles for every block that was interpreted in vain */
#define NO_HEAD 1        /* no block begins there */

/* Nanoseconds of the host, as they are about: of a cycle that the engine runs, of an interpreted block, of a session's
 * beginning and end. */
#define CYCLE_NS 1 / 2
#define BLOCK_NS 40
#define SESSION_NS 1500
#define BALANCE_MOST 50000
#define BALANCE_LEAST (-20000)

enum verdict { GOES_ON, LEAVE_SLICE, LEAVE_LOOP };

/* A word of memory that the loop stores to. */
struct written {
    uint32_t address;
    uint32_t before; /* when the pass began */
    uint8_t origin;
};

struct session {
    struct core *core;
    struct thumb thumb;
    struct thumb head; /* when the pass began */
    uint64_t head_cycles;
    struct written words[WORDS];
    unsigned word_count;
    /* Of the block that runs: */
    const struct block_cost *block;
    uint64_t began;     /* core cycles; an access that takes more or less than others moves it */
    uint32_t at;        /* the instruction that runs */
    unsigned elements;  /* that it has loaded or stored */
    bool follow_counts; /* else a counter is a value that holds until its next tick */
    bool move_head;     /* the next block is to be the head */
    unsigned head_moves;
    /* Of this pass: */
    bool impure;       /* it did what cannot be skipped */
    uint64_t holds_ps; /* what it loaded holds until then */
    uint32_t counter;  /* address of the counter that it loaded, 0 when none */
    uint32_t counted;  /* its value at the first load */
    unsigned blocks;
    /* Of the session: */
    bool loads;           /* a register of a block was loaded */
    bool skipped;         /* some pass has been skipped */
    unsigned vain_blocks; /* since passes were skipped last */
    unsigned all_blocks;
};

/* ---- Memory ---- */
static struct written *find_word(struct session *session, uint32_t address) {
    for (unsigned i = 0; i < session->word_count; i++) {
        if (session->words[i].address == (address & ~3u)) {
            return &session->words[i];
        }
    }
    return NULL;
}

static uint32_t memory_word(struct session *session, uint32_t address) {
    uint32_t value = 0;
    const uint8_t *host = bus_memory_at(session->core->desc.bus, address & ~3u, 4, false);
    if (host) {
        memcpy(&value, host, 4);
    }
    return value;
}

static void remember_word(struct session *session, uint32_t address, unsigned size, uint8_t origin) {
    struct written *word = find_word(session, address);
    origin = origin == ORIGIN_COUNT ? ORIGIN_UNKNOWN : origin;
    if (word) {
        word->origin = size == 4 || origin > word->origin ? origin : word->origin;
    } else if (session->word_count < WORDS) {
        session->words[session->word_count++] =
            (struct written){ address & ~3u, memory_word(session, address), origin };
    } else {
        session->impure = true;
    }
}

static uint8_t origin_of_word(struct session *session, uint32_t address) {
    struct written *word = session->word_count ? find_word(session, address) : NULL;
    return word ? word->origin : ORIGIN_CLEAN;
}

/* What is not aligned may touch two words. */
static uint8_t origin_of_memory(struct session *session, uint32_t address, unsigned size) {
    uint8_t first = origin_of_word(session, address);
    if (!(address & (size - 1))) {
        return first;
    }
    uint8_t second = origin_of_word(session, address + size - 1);
    return first > second ? first : second;
}

static void remember(struct session *session, uint32_t address, unsigned size, uint8_t origin) {
    bool aligned = !(address & (size - 1));
    remember_word(session, address, aligned ? size : 1, origin);
    if (!aligned) {
        remember_word(session, address + size - 1, 1, origin);
    }
}

/* A register is about to be loaded or stored: at its own time. */
static void reach_access(struct session *session) {
    struct core *core = session->core;
    core->cycles = session->began + blocks_offset(core, session->block, session->at) + session->elements++;
    if (core->cycles >= core->slice) {
        core_reached(core);
    }
}

/* It has been served. */
static void pass_access(struct session *session, uint32_t address, bool is_store) {
    session->began += access_waits(session->core, address, is_store);
    session->began -= is_ioport(session->core, address);
}

/* A register of a block was loaded: what is known about its value in the future? */
static uint8_t note_load(struct session *session, uint32_t address, unsigned size, uint32_t value) {
    const struct bus *bus = session->core->desc.bus;
    session->loads = true;
    bool other = session->counter && session->counter != address;
    if (session->follow_counts && !other && size == 4 && bus_counts_until(bus, address, 1)) {
        if (!session->counter) {
            session->counter = address;
            session->counted = value;
        }
        return ORIGIN_COUNT;
    }
    uint64_t holds = bus_holds_until(bus, address);
    session->impure |= holds == 0;
    session->holds_ps = holds < session->holds_ps ? holds : session->holds_ps;
    return ORIGIN_CLEAN;
}

/* SysTick, DWT_CYCCNT */
static bool is_system_counter(uint32_t address) {
    return address - 0xe000e010u < 16 || (address & ~3u) == 0xe0001004u;
}

static bool load(struct thumb *thumb, uint32_t address, unsigned size, uint32_t *ret_value, uint8_t *ret_origin) {
    struct session *session = thumb->context;
    struct core *core = session->core;
    const uint8_t *host = bus_memory_at(core->desc.bus, address, size, false);
    *ret_origin = ORIGIN_CLEAN;
    *ret_value = 0;
    if (host) {
        memcpy(ret_value, host, size);
        *ret_origin = origin_of_memory(session, address, size);
        return true;
    }
    if (address & (size - 1)) {
        return false;
    }
    if (address >> 20 == 0xe00) {
        reach_access(session);
        *ret_value = scs_read(core, address, size);
        session->impure |= is_system_counter(address);
        return true;
    }
    if (!bus_name_at(core->desc.bus, address)) {
        return false;
    }
    reach_access(session);
    if (!bus_read(core->desc.bus, address, size, ret_value)) {
        return false;
    }
    pass_access(session, address, false);
    *ret_origin = note_load(session, address, size, *ret_value);
    return true;
}

static bool store(struct thumb *thumb, uint32_t address, unsigned size, uint32_t value, uint8_t origin) {
    struct session *session = thumb->context;
    struct core *core = session->core;
    uint8_t *host = bus_memory_at(core->desc.bus, address, size, true);
    if (host) {
        remember(session, address, size, origin);
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
    session->impure = true;
    if (address >> 20 == 0xe00) {
        reach_access(session);
        scs_write(core, address, value, size);
        return true;
    }
    if (!bus_name_at(core->desc.bus, address)) {
        return false;
    }
    reach_access(session);
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

static bool is_interrupted(const struct session *session) {
    const struct core *core = session->core;
    const struct thumb *thumb = &session->thumb;
    if (!core->attention || core->desc.model == CORE_M0PLUS) {
        return core->attention && (!thumb->primask || core->nvic.pending_priority < 0);
    }
    return core->nvic.pending_priority <
           exceptions_priority(core, thumb->primask, thumb->basepri, core->registers.faultmask);
}

/* Run the instructions of a block that has begun. */
static enum verdict run_block(struct session *session, const uint8_t *code, uint32_t address, uint32_t size) {
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
static enum verdict next_block(struct session *session) {
    struct core *core = session->core;
    uint32_t pc = session->thumb.r[15];
    struct block_cost *cost = blocks_known(core, pc);
    const uint8_t *code = cost ? bus_memory_at(core->desc.bus, pc, cost->end - pc, false) : NULL;
    if (!code || cost->cold || !polls(core, cost, code)) {
        return LEAVE_LOOP;
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
static void begin_pass(struct session *session) {
    session->head = session->thumb;
    session->head_cycles = session->core->cycles;
    session->thumb.ticks = UINT64_C(1) << 31;
    session->thumb.spoilt = session->thumb.spoilt_by_old = false;
    session->impure = false;
    session->holds_ps = TIME_NEVER;
    session->counter = 0;
    session->blocks = 0;
    for (unsigned i = 0; i < session->word_count; i++) {
        session->words[i].before = memory_word(session, session->words[i].address);
    }
}

/* Take everything for clean: what the counter has left behind is just a value again. */
static void forget_origins(struct session *session) {
    memset(session->thumb.origin, 0, sizeof(session->thumb.origin));
    session->thumb.nz = session->thumb.cv = ORIGIN_CLEAN;
    session->word_count = 0;
}

static uint8_t older(uint8_t origin) {
    if (origin == ORIGIN_CLEAN) {
        return ORIGIN_CLEAN;
    }
    return origin >= ORIGIN_OLD ? origin + 1 : ORIGIN_OLD + 1;
}

/* A pass has ended: what it made from the counter is from now on a pass old. Gives the oldest, 0 when there is none. */
static unsigned grow_older(struct session *session) {
    struct thumb *thumb = &session->thumb;
    uint8_t oldest = thumb->nz > thumb->cv ? older(thumb->nz) : older(thumb->cv);
    thumb->nz = older(thumb->nz);
    thumb->cv = older(thumb->cv);
    for (unsigned i = 0; i < 15; i++) {
        thumb->origin[i] = older(thumb->origin[i]);
        oldest = thumb->origin[i] > oldest ? thumb->origin[i] : oldest;
    }
    for (unsigned i = 0; i < session->word_count; i++) {
        struct written *word = &session->words[i];
        word->origin = older(word->origin);
        oldest = word->origin > oldest ? word->origin : oldest;
    }
    return oldest ? oldest - ORIGIN_OLD : 0;
}

/* Did the pass leave the registers as they were, but for what comes from the counter? */
static bool is_repeated(const struct session *session) {
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

/* And the memory? */
static bool memory_is_repeated(struct session *session) {
    for (unsigned i = 0; i < session->word_count; i++) {
        const struct written *word = &session->words[i];
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
static uint64_t first_change(struct session *session) {
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
static bool skip(struct session *session, unsigned keep) {
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
static void give_in(struct session *session) {
    if (session->thumb.spoilt || session->head_moves == HEAD_MOVES) {
        session->follow_counts = false;
    } else if (session->thumb.spoilt_by_old) {
        session->head_moves++;
        session->move_head = true;
    }
    forget_origins(session);
}

/* The head has come round. What has happened since the pass began may be one of several rounds of a pass: an inner
 * loop. So the pass goes on until it is repeated, or begins anew after 1, 2, 4, 8, ... rounds (Brent's way to find a
 * cycle). True when passes were skipped. */
static bool end_round(struct session *session, unsigned *rounds, unsigned *limit) {
    bool skipped = false;
    const struct thumb *thumb = &session->thumb;
    if (session->impure || thumb->spoilt || thumb->spoilt_by_old) {
        give_in(session);
    } else if (is_repeated(session) && memory_is_repeated(session)) {
        unsigned oldest = grow_older(session);
        skipped = skip(session, oldest ? oldest + 1 : 0);
    } else if (++*rounds < *limit) {
        return false;
    } else {
        *limit *= 2;
        if (grow_older(session) > ORIGIN_OLDEST - ORIGIN_OLD) {
            forget_origins(session);
        }
    }
    *rounds = 0;
    begin_pass(session);
    return skipped;
}

/* ---- Sessions ---- */
static void load_state(struct session *session) {
    struct registers *registers = &session->core->registers;
    struct thumb *thumb = &session->thumb;
    memcpy(thumb->r, registers->r, sizeof(thumb->r));
    thumb->r[13] = *registers_sp(registers);
    thumb->n = registers->xpsr >> 31 & 1;
    thumb->z = registers->xpsr >> 30 & 1;
    thumb->c = registers->xpsr >> 29 & 1;
    thumb->v = registers->xpsr >> 28 & 1;
    thumb->primask = registers->primask & 1;
    thumb->ipsr = registers->xpsr & XPSR_IPSR;
    thumb->basepri = registers->basepri;
    thumb->mainline = session->core->desc.model == CORE_M33;
    thumb->it = (registers->xpsr >> 8 & 0xfc) | (registers->xpsr >> 25 & 3);
    thumb->load = load;
    thumb->store = store;
    thumb->context = session;
}

static void store_state(struct session *session) {
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

static bool is_in_vain(const struct session *session) {
    return session->vain_blocks > (session->loads || session->skipped ? VAIN_BLOCKS : IDLE_BLOCKS);
}

/* Unprivileged code has other rules for special registers; a stack limit would have to be watched. */
static bool is_special(struct core *core) {
    const struct registers *registers = &core->registers;
    uint32_t limits[2];
    engine_fetch_limits(core, limits);
    return (registers->control & CONTROL_NPRIV && !(registers->xpsr & XPSR_IPSR)) || limits[0] || limits[1];
}

static enum verdict run_loop(struct session *session) {
    struct core *core = session->core;
    if (is_special(core)) {
        return LEAVE_LOOP;
    }
    uint32_t head = session->thumb.r[15];
    unsigned rounds = 0, limit = 1;
    begin_pass(session);
    for (;;) {
        if (core->cycles >= core->slice) {
            return LEAVE_SLICE;
        }
        if (is_interrupted(session) || is_in_vain(session)) {
            return LEAVE_LOOP;
        }
        if (session->blocks && session->thumb.r[15] == head && end_round(session, &rounds, &limit)) {
            session->skipped = true;
            session->vain_blocks = 0;
            limit = 1;
            continue;
        }
        enum verdict verdict = next_block(session);
        if (verdict != GOES_ON) {
            return verdict;
        }
        if (session->move_head) {
            session->move_head = false;
            head = session->thumb.r[15];
            begin_pass(session);
        }
    }
}

/* Keep account of loops that are not worth it, and let the engine run for a while after one. Where waiting was worth
 * it the next time begins at once. */
static void note_outcome(struct core *core, uint32_t head, bool good, unsigned blocks) {
    struct block_cost *block = blocks_known(core, head);
    if (block) {
        blocks_watch(block, good);
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
    if (core->desc.exact || core->desc.bus->trace || !core->desc.clock) {
        return false;
    }
    if (polling->failed[slot].head == head && polling->failed[slot].wait) {
        polling->failed[slot].wait--;
        return false;
    }
    return true;
}

/* What a session has saved, less what it has cost, in nanoseconds of the host, about: it decides how long sessions of
 * the same wait follow each other. What the guest sees does not depend on it. */
static int balance_of(const struct session *session, uint64_t skipped) {
    uint64_t saved = skipped * CYCLE_NS;
    int gain = saved < BALANCE_MOST ? (int)saved : BALANCE_MOST;
    return gain - SESSION_NS - (int)session->all_blocks * BLOCK_NS;
}

void polling_run(struct core *core) {
    struct session session = { .core = core, .follow_counts = true };
    struct polling *polling = &core->polling;
    uint32_t head = core->registers.r[15];
    unsigned generation = core->generation;
    uint64_t skipped_before = polling->skipped;
    load_state(&session);
    enum verdict verdict = run_loop(&session);
    int balance = polling->balance + balance_of(&session, polling->skipped - skipped_before);
    polling->balance = balance < BALANCE_MOST ? balance : BALANCE_MOST;
    if (core->generation == generation) {
        store_state(&session);
        polling->resume = verdict == LEAVE_SLICE && balance > BALANCE_LEAST;
        polling->resume_pc = session.thumb.r[15];
    }
    if (!polling->resume) {
        note_outcome(core, head, balance > 0, session.vain_blocks);
        polling->balance = 0;
    }
}
