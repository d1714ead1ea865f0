/* An on-chip block: registers as data, a class with the side effects, lines that go out of it.
 *
 * Registers are tables generated from the CMSIS-SVD files (peripherals/onchip/registers/). Each register has one
 * number for all chips; a table per chip maps offsets to numbers and gives reset values and masks. Device code
 * speaks in numbers (TIMER_ALARM0), so that one block serves several chips whose offsets differ. */
#ifndef CORE_BLOCK_H
#define CORE_BLOCK_H

#include "emulator/core/clock.h"
#include "emulator/core/log.h"
#include "emulator/core/random.h"
#include "emulator/core/scheduler.h"
#include "emulator/core/walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What every device may use of the machine it is in. Owned by the machine. */
struct environment {
    struct scheduler *scheduler;
    struct log *log;
    const struct random *seed; /* of every random bit: take a stream with random_derive() */
    unsigned core;             /* the core whose access is being served */
    const uint64_t *cycles;    /* of clk_sys, as that core counts them; NULL: it is none that runs */
    unsigned size;             /* bytes of the access being served: 1, 2 or 4; 0: not from a bus */
    unsigned nets;             /* how many have been made: the next one's serial number */
    bool loading;              /* a snapshot is being read: nets take no notice of what is done to them */
    /* Nobody on an I2C bus is to acknowledge this address. NULL: there is none such. */
    bool (*i2c_refuses)(void *context, uint8_t address);
    void *i2c_context;
};

/* ---- Lines: a level that goes from a block to whoever the chip table wired it to (interrupt, DREQ) ---- */
struct line {
    void (*set)(void *context, unsigned index, bool level); /* NULL: goes nowhere */
    void *context;
    unsigned index;
    bool level;
};

/* Tell the other end, if the level is a new one. */
static inline void line_set(struct line *line, bool level) {
    if (line->level != level) {
        line->level = level;
        if (line->set) {
            line->set(line->context, line->index, level);
        }
    }
}

/* Up and down again: a request or event without duration. */
static inline void line_pulse(struct line *line) {
    line_set(line, true);
    line_set(line, false);
}

/* ---- Registers ---- */
struct register_desc {
    const char *name;
    uint16_t offset;
    uint32_t reset;
    uint32_t writable; /* read-write bits */
    uint32_t w1c;      /* bits that a written 1 clears */
    uint32_t trigger;  /* write-only bits: seen by write(), never stored */
    bool read_effect;  /* reading does something: no tool may read it just to look */
};

struct register_table {
    const struct register_desc *descs; /* by number; a number that this chip lacks has no name */
    unsigned count;
    const uint16_t *ids; /* by offset / 4: number + 1, 0 where there is no register */
    unsigned words;
};

struct block;

struct block_class {
    const char *name;
    size_t size; /* of the struct that begins with struct block */
    /* All may be NULL. */
    void (*init)(struct block *block);   /* once, when env, registers and lines are set */
    void (*finish)(struct block *block); /* frees what init took */
    void (*reset)(struct block *block);  /* values already hold the reset contents */
    /* What a load gives. NULL: the stored value. */
    uint32_t (*read)(struct block *block, unsigned reg);
    /* After a store. The stored value is already up to date: read-only bits kept, write-1-to-clear bits cleared.
     * `value`: what the store amounts to (atomic aliases applied to the writable bits; write-1-to-clear and trigger
     * bits as written); `old`: the stored value before. */
    void (*write)(struct block *block, unsigned reg, uint32_t value, uint32_t old);
    /* Until when (picoseconds) a load gives what it gives now, as long as no event is served and nothing is stored
     * to the block; 0: a load has a side effect, or the value is a new one each time. block_holds() where values
     * change with events and stores alone. NULL: not known. */
    uint64_t (*holds_until)(struct block *block, unsigned reg);
    /* For a 32-bit counter that goes up by one at a time: when (picoseconds) it will have counted `ticks` more, under
     * the same conditions; 0: this register is not such a counter. NULL: none is. */
    uint64_t (*counts_until)(struct block *block, unsigned reg, uint64_t ticks);
    /* The state beside registers, interrupt lines and random stream, for snapshots: see walk.h. NULL: there is none. */
    void (*walk)(struct block *block, struct walk *walk);
    unsigned walk_version; /* of what walk() lists: goes up when that changes */
    /* Everything of a snapshot has been read, events and other devices included: derive what follows from it. */
    void (*restored)(struct block *block);
};

#define BLOCK_IRQS 6

struct block {
    const struct block_class *class;
    const char *name; /* of the instance, as the datasheet's address map prints it: "I2C0" */
    struct environment *env;
    const struct register_table *registers; /* NULL: a stub without a table */
    uint32_t *values;                       /* stored contents by register number; owned */
    uint32_t stored; /* inside write(): the word as the bus brought it, for passwords in bits without a register */
    struct line irq[BLOCK_IRQS];
    struct random random; /* its own stream; a reset does not begin it anew */
    bool in_reset;        /* held by RESETS: loads give 0, stores are lost, one guest line says so */
    bool reported_reset;  /* that line has been written */
    uint8_t *reported;    /* by offset / 4, a bit each: a stub line has been written; owned */
};

/* How a store reaches the register: plain or through one of the atomic aliases (RP2040 datasheet 2.1.2). */
enum bus_alias { ALIAS_NORMAL, ALIAS_XOR, ALIAS_SET, ALIAS_CLR };

/* What a store through an alias makes of the old contents. */
static inline uint32_t alias_apply(uint32_t old, uint32_t value, enum bus_alias alias) {
    switch (alias) {
    case ALIAS_XOR:
        return old ^ value;
    case ALIAS_SET:
        return old | value;
    case ALIAS_CLR:
        return old & ~value;
    default:
        return value;
    }
}

/* Allocate class->size bytes, zeroed, and set the common part. The caller wires lines and the block's own
 * fields, then calls block_start(). `env`, `registers` and `name` are borrowed. NULL when out of memory. */
struct block *block_create(const struct block_class *class, const char *name, struct environment *env,
                           const struct register_table *registers);
/* init() alone, for a machine that resets its blocks later, when all of them are there. */
void block_init(struct block *block);
/* init(), then reset. */
void block_start(struct block *block);
/* NULL is fine. */
void block_destroy(struct block *block);
/* Its section of a snapshot. */
void block_walk(struct block *block, struct walk *walk);
/* Level of a line. */
void line_walk(struct line *line, struct walk *walk);
void random_walk(struct random *random, struct walk *walk);
/* Reset values into all registers, then class->reset(). */
void block_reset(struct block *block);
/* Enter or leave the state that RESETS holds blocks in; entering resets. */
void block_hold_in_reset(struct block *block, bool hold);

/* Word access at an offset (multiple of 4) from the block's base. */
uint32_t block_read(struct block *block, uint32_t offset);
void block_write(struct block *block, uint32_t offset, uint32_t value, enum bus_alias alias);
/* The register at an offset, for block_read_register() and block_write_register(), which skip the way there: false
 * when there is none, or accesses to it are to be reported. */
bool block_find_register(const struct block *block, uint32_t offset, unsigned *ret_reg);
static inline void block_write_register(struct block *block, unsigned reg, uint32_t value, enum bus_alias alias) {
    const struct register_desc *desc = &block->registers->descs[reg];
    uint32_t old = block->values[reg];
    uint32_t combined = alias_apply(old, value, alias);
    uint32_t once = desc->w1c | desc->trigger;
    block->values[reg] = ((old & ~desc->writable) | (combined & desc->writable)) & ~(value & desc->w1c);
    block->stored = value;
    if (block->class->write) {
        block->class->write(block, reg, (combined & ~once) | (value & once), old);
    }
}
static inline uint32_t block_read_register(struct block *block, unsigned reg) {
    return block->class->read ? block->class->read(block, reg) : block->values[reg];
}
/* holds_until() of the register at an offset; 0 when nothing is known about it. */
uint64_t block_holds_until(struct block *block, uint32_t offset);
/* counts_until() of the register at an offset; 0 when it is no counter. */
uint64_t block_counts_until(struct block *block, uint32_t offset, uint64_t ticks);
/* A holds_until() that says: for ever. */
uint64_t block_holds(struct block *block, unsigned reg);
/* One `stub` line per register and run: this is not modelled. */
void block_report_stub(struct block *block, uint32_t offset, bool is_write);

/* Field helpers: `mask` is a generated field mask. */
static inline uint32_t field_get(uint32_t value, uint32_t mask) {
    return (value & mask) / (mask & -mask);
}
static inline uint32_t field_set(uint32_t value, uint32_t mask, uint32_t field) {
    return (value & ~mask) | ((field * (mask & -mask)) & mask);
}

/* A block of which nothing is modelled: keeps what is written, says so once per register. */
extern const struct block_class stub_class;
/* A block that is plain storage by its nature (pads, SYSCFG): no side effects to model. */
extern const struct block_class storage_class;

#endif
