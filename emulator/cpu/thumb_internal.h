/* What the two files of the interpreter share: thumb.c has the 16-bit instructions, thumb32.c the 32-bit ones. */
#ifndef CPU_THUMB_INTERNAL_H
#define CPU_THUMB_INTERNAL_H

#include "emulator/cpu/thumb.h"

#define SP 13
#define LR 14
#define PC 15

struct flags {
    bool n, z, c, v;
    uint8_t nz, cv;
};

static inline struct operand from(const struct thumb *t, unsigned reg) {
    return (struct operand){ t->r[reg], t->origin[reg], t->slope[reg], t->range[reg] };
}

static inline struct operand immediate(uint32_t value) {
    return (struct operand){ .value = value };
}

static inline void put(struct thumb *t, unsigned reg, struct operand value) {
    t->r[reg] = value.value;
    t->origin[reg] = value.origin;
    t->slope[reg] = value.slope;
    t->range[reg] = value.range;
}

/* Something made in a way that is not followed. */
static inline void set_from(struct thumb *t, unsigned reg, uint32_t value, uint8_t origin) {
    put(t, reg, (struct operand){ value, origin, 0, RANGE_ALL });
}

static inline void set(struct thumb *t, unsigned reg, uint32_t value) {
    put(t, reg, immediate(value));
}

/* The origin of something made of two values in a way that is not followed. */
static inline uint8_t mixed(uint8_t a, uint8_t b) {
    uint8_t origin = a > b ? a : b;
    return origin == ORIGIN_COUNT ? ORIGIN_UNKNOWN : origin;
}

/* An address or a decision needs a clean value. */
static inline void need(struct thumb *t, uint8_t origin) {
    if (origin >= ORIGIN_OLD) {
        t->spoilt_by_old = true;
    } else if (origin != ORIGIN_CLEAN) {
        t->spoilt = true;
    }
}

static inline struct flags keep_flags(const struct thumb *t) {
    return (struct flags){ t->n, t->z, t->c, t->v, t->nz, t->cv };
}

static inline void put_back_flags(struct thumb *t, struct flags flags) {
    t->n = flags.n, t->z = flags.z, t->c = flags.c, t->v = flags.v;
    t->nz = flags.nz, t->cv = flags.cv;
}

/* What is decided by a range holds no longer than the range. */
static inline void limit_to_span(struct thumb *t) {
    t->ticks = t->span + 1 < t->ticks ? t->span + 1 : t->ticks;
}

/* The origin of flags that come out the same all over a range (`known`), or not. */
static inline uint8_t flag_origin(struct thumb *t, uint8_t origin, bool known) {
    if (origin != ORIGIN_UNKNOWN || !known) {
        return origin;
    }
    limit_to_span(t);
    return ORIGIN_CLEAN;
}

static inline void set_nz(struct thumb *t, struct operand result) {
    bool known = range_agrees(result.range, 31) && (result.range.low || !result.range.high);
    t->n = result.value >> 31;
    t->z = result.value == 0;
    t->nz = flag_origin(t, result.origin, known);
}

/* a + b or a - b with flags. */
struct operand thumb_add(struct thumb *t, struct operand a, struct operand b, bool subtract);
/* The same with the carry. */
struct operand thumb_add_carry(struct thumb *t, struct operand a, struct operand b, bool subtract);
/* A shift (0 LSL, 1 LSR, 2 ASR, 3 ROR) by `amount`; sets C unless that is 0. */
struct operand thumb_shift(struct thumb *t, unsigned kind, struct operand operand, struct operand amount);
/* Memory to a register and back; false: leave. */
bool thumb_load(struct thumb *t, unsigned d, uint32_t address, unsigned size, bool is_signed);
bool thumb_store(struct thumb *t, unsigned s, uint32_t address, unsigned size);
/* The registers of a list to memory, or back; false as soon as an access is refused. */
bool thumb_transfer(struct thumb *t, unsigned list, uint32_t address, bool is_load);
enum thumb_result thumb_branch_exchange(struct thumb *t, uint32_t target, uint8_t origin);
/* A conditional branch by `offset` from the instruction's address + 4. */
enum thumb_result thumb_branch_if(struct thumb *t, unsigned condition, uint32_t offset);

/* ---- thumb32.c ---- */
enum thumb_result thumb32_execute(struct thumb *t, uint16_t first, uint16_t second);
bool thumb32_knows(uint16_t first, uint16_t second, bool mainline);

#endif
