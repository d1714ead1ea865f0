/* Are two machines the same in memory, word by word? For tests of snapshots: a field that a device does not list in its
 * walk is found here as soon as running has changed it.
 *
 * Words that differ are the same all the same when they are pointers to the same place of the same object in either
 * machine. Left out are: the remains of events that are not pending, and the fields in the table, each with its
 * reason. */
#ifndef TESTS_SAME_STATE_H
#define TESTS_SAME_STATE_H

#include "emulator/cpu/internal.h"
#include "emulator/machine_private.h"
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/timer.h"
#include "peripherals/onchip/xip_ctrl.h"
#include "peripherals/parts/part.h"

#include <stdio.h>
#include <string.h>

struct same_object {
    const char *name;
    const uint8_t *a, *b;
    size_t size;
};

struct same_objects {
    struct same_object object[512];
    unsigned count;
};

static inline void same_add(struct same_objects *objects, const char *name, const void *a, const void *b, size_t size) {
    if (a && b && objects->count < sizeof(objects->object) / sizeof(objects->object[0])) {
        objects->object[objects->count++] = (struct same_object){ name, a, b, size };
    }
}

/* Fields that are not compared, by the class of their block. */
static const struct {
    const struct block_class *class; /* NULL: of any */
    size_t at, size;
} same_exceptions[] = {
    { NULL, offsetof(struct block, stored), sizeof(uint32_t) },           /* of the store that is being served */
    { &timer_class, offsetof(struct timer, held), 3 * sizeof(uint64_t) }, /* derived; counts anew */
};

static inline bool same_is_exception(const struct block_class *class, size_t at) {
    for (size_t i = 0; i < sizeof(same_exceptions) / sizeof(same_exceptions[0]); i++) {
        bool fits = !same_exceptions[i].class || same_exceptions[i].class == class;
        if (fits && at - same_exceptions[i].at < same_exceptions[i].size) {
            return true;
        }
    }
    return false;
}

/* What is left of a target that listens no more is set anew when it does again. */
static inline bool same_is_idle_target(const struct same_object *object, const struct block_class *class, size_t at) {
    return class == &i2c_class && !((const struct i2c *)object->a)->attached &&
           !((const struct i2c *)object->b)->attached && at - offsetof(struct i2c, target) < sizeof(struct i2c_target);
}

static inline uint64_t same_word(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline bool same_are_pointers(const struct same_objects *objects, uint64_t a, uint64_t b) {
    for (unsigned i = 0; i < objects->count; i++) {
        const struct same_object *object = &objects->object[i];
        if (a - (uintptr_t)object->a <= object->size && a - (uintptr_t)object->a == b - (uintptr_t)object->b) {
            return true;
        }
    }
    return false;
}

/* when_ps of an event that is not pending, at `at` of both. */
static inline bool same_is_idle_event(const struct same_object *object, size_t at) {
    size_t offset = offsetof(struct event, when_ps);
    if (at < offset || at - offset + sizeof(struct event) > object->size) {
        return false;
    }
    const struct event *a = (const struct event *)(object->a + at - offset);
    const struct event *b = (const struct event *)(object->b + at - offset);
    /* It may be no event. */
    size_t pending = at - offset + offsetof(struct event, pending);
    return a->callback && a->callback == b->callback && a->name == b->name && !object->a[pending] &&
           !object->b[pending] && !a->next && !b->next;
}

/* The words of an object; prints those that differ. `class` may be NULL. */
static inline bool same_words(const struct same_objects *objects, const struct same_object *object,
                              const struct block_class *class) {
    bool same = true;
    for (size_t at = 0; at + 8 <= object->size; at += 8) {
        uint64_t a = same_word(object->a + at), b = same_word(object->b + at);
        bool excused = a == b || same_are_pointers(objects, a, b) || same_is_idle_event(object, at) ||
                       same_is_idle_target(object, class, at) ||
                       (class && (same_is_exception(class, at) || same_is_exception(class, at + 4)));
        if (!excused) {
            fprintf(stderr, "    %s, byte %zu of %zu: %016llx and %016llx\n", object->name, at, object->size,
                    (unsigned long long)a, (unsigned long long)b);
            same = false;
        }
    }
    return same;
}

static inline void same_list(struct same_objects *objects, const struct machine *a, const struct machine *b) {
    same_add(objects, "machine", a, b, sizeof(*a));
    for (unsigned i = 0; i < a->chip->blocks; i++) {
        same_add(objects, a->blocks[i]->name, a->blocks[i], b->blocks[i], a->blocks[i]->class->size);
    }
    for (unsigned i = 0; i < a->chip->blocks; i++) {
        const struct register_table *table = a->blocks[i]->registers;
        same_add(objects, "registers", a->blocks[i]->values, b->blocks[i]->values, table ? 4 * table->count : 0);
        same_add(objects, "reports", a->blocks[i]->reported, b->blocks[i]->reported, 0);
    }
    const struct xip_ctrl *xip_a = (const struct xip_ctrl *)machine_block((struct machine *)a, "XIP_CTRL");
    const struct xip_ctrl *xip_b = (const struct xip_ctrl *)machine_block((struct machine *)b, "XIP_CTRL");
    same_add(objects, "XIP SRAM", xip_a->sram, xip_b->sram, 0);
    same_add(objects, "chip", a->chip_state, b->chip_state, a->chip->state_size);
    same_add(objects, "ROM", a->rom, b->rom, 0);
    same_add(objects, "SRAM", a->sram, b->sram, a->chip->sram_size);
    same_add(objects, "flash", a->flash.contents, b->flash.contents, a->flash.desc.size);
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        same_add(objects, "core", a->cores[i], b->cores[i], 0);
    }
}

/* What a part owns may be pointed to. */
static inline void same_add_part(struct same_objects *objects, const struct part *a, const struct part *b) {
    same_add(objects, a->id, a, b, a->class->size);
    same_add(objects, "id", a->id, b->id, 0);
    same_add(objects, "nets", a->nets, b->nets, 0);
    same_add(objects, "values", a->values, b->values, 0);
    same_add(objects, "settings", a->settings, b->settings, part_control_count(a->class) * sizeof(double));
    for (unsigned i = 0; i < part_attribute_count(a->class); i++) {
        same_add(objects, "value", a->values[i].text, b->values[i].text, 0);
    }
}

/* Cycles that a core is still stalled for; when a stall was over does not matter afterwards. */
static inline uint64_t same_stall(const struct core *core) {
    return core->stall_until > core->cycles ? core->stall_until - core->cycles : 0;
}

/* Of a core: what it is in the middle of, interrupts, SysTick and its system registers, without the rest of the last
 * slice and the guesses about its code. */
static inline bool same_core(const struct core *a, const struct core *b) {
#define RANGE(first, last)                                                                                             \
    {                                                                                                                  \
#first " to " #last, offsetof(struct core, first),                                                             \
            offsetof(struct core, last) + sizeof(((struct core *)NULL)->last) - offsetof(struct core, first)           \
    }
    /* Without padding, which may be anything. */
    static const struct {
        const char *name;
        size_t at, size;
    } ranges[] = {
        RANGE(state, state),
        RANGE(cycles, cycles),
        RANGE(nvic.irqs, nvic.group_mask),
        RANGE(nvic.enabled, nvic.nmi_level),
        RANGE(nvic.priority, nvic.priority),
        RANGE(nvic.active_priority, nvic.pending_exception),
        RANGE(systick.control, systick.value),
        RANGE(systick.epoch, systick.expired),
        RANGE(systick.expiry, systick.expiry),
        RANGE(attention, mpu),
        RANGE(mainline.aircr, mainline.cyccnt),
        RANGE(mainline.cyccnt_epoch, mainline.limits_used),
        RANGE(mainline.reported, mainline.reported),
        RANGE(dcp[0].x.mantissa, dcp[0].x.flags),
        RANGE(dcp[0].y.mantissa, dcp[0].y.flags),
        RANGE(dcp[0].shift, dcp[0].engaged),
        RANGE(dcp[1].x.mantissa, dcp[1].x.flags),
        RANGE(dcp[1].y.mantissa, dcp[1].y.flags),
        RANGE(dcp[1].shift, dcp[1].engaged),
        RANGE(rcp.salt, rcp.count),
        RANGE(fault_address, rom_size),
    };
#undef RANGE
    bool same = same_stall(a) == same_stall(b);
    if (!same) {
        fprintf(stderr, "    core %u: stalls differ\n", a->desc.index);
    }
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        size_t at = ranges[i].at;
        if (memcmp((const uint8_t *)a + at, (const uint8_t *)b + at, ranges[i].size) != 0) {
            fprintf(stderr, "    core %u: %s differ\n", a->desc.index, ranges[i].name);
            same = false;
        }
    }
    return same;
}

/* Blocks, pins, UART feeds, cores and memory of two machines of one kind. `objects` holds what else may be pointed to,
 * of which the first `count` are compared as well. */
static inline bool same_state(const struct machine *a, const struct machine *b, struct same_objects *known,
                              unsigned count) {
    struct same_objects objects = *known;
    bool same = true;
    same_list(&objects, a, b);
    for (unsigned i = 0; i < count; i++) {
        same = same_words(&objects, &objects.object[i], NULL) && same;
    }
    for (unsigned i = 0; i < a->chip->blocks; i++) {
        const struct block *block = a->blocks[i];
        struct same_object whole = { block->name, (const uint8_t *)block, (const uint8_t *)b->blocks[i],
                                     block->class->size };
        size_t registers = block->registers ? 4 * block->registers->count : 0;
        same = same_words(&objects, &whole, block->class) && same;
        if (memcmp(block->values, b->blocks[i]->values, registers) != 0) {
            fprintf(stderr, "    %s: registers differ\n", block->name);
            same = false;
        }
    }
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        same = same_core(a->cores[i], b->cores[i]) && same;
    }
    const struct same_object others[] = {
        { "bank 0", (const uint8_t *)&a->bank0, (const uint8_t *)&b->bank0, sizeof(a->bank0) },
        { "QSPI bank", (const uint8_t *)&a->qspi, (const uint8_t *)&b->qspi, sizeof(a->qspi) },
        { "SRAM", a->sram, b->sram, a->chip->sram_size },
        { "flash contents", a->flash.contents, b->flash.contents, a->flash.desc.size },
        { "UART feeds", (const uint8_t *)a->uart_feed, (const uint8_t *)b->uart_feed, sizeof(a->uart_feed) },
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        same = same_words(&objects, &others[i], NULL) && same;
    }
    return same;
}

#endif
