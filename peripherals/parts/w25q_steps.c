/* What a W25Q has begun, step by step, and what becomes of it when the supply goes. Winbond's W25Q16JV data sheet 8.2
 * says no more than that the data of the page, sector or block on which the chip worked may be corrupted.
 *
 * Decided: steps that had ended are done, steps that had not begun are not. Of the one under way each bit that it
 * would have changed has changed with a chance of the time that has gone over the time that it takes, by a stream of
 * the machine's seed: a program has cleared some of the bits, an erase has set some of them. Afterwards every read
 * gives the same: bits between 0 and 1 are not modelled, nor is the pass of programming with which an erase begins. */
#include "peripherals/parts/w25q_steps.h"

#include <stdlib.h>
#include <string.h>

struct w25q_step {
    uint32_t offset, size;
    uint64_t begin_ps, end_ps;
    uint64_t left_ps; /* when it has been suspended; 0: it has not */
    uint8_t *before;  /* the contents */
};

void w25q_be_busy(struct w25q *chip, uint64_t duration_ps, bool is_array) {
    uint64_t now = scheduler_now(chip->desc.env->scheduler);
    uint64_t from = chip->busy_until_ps > now ? chip->busy_until_ps : now;
    chip->busy_until_ps = from + duration_ps;
    chip->busy_is_array = is_array;
}

void w25q_forget_steps(struct w25q *chip) {
    for (unsigned i = 0; i < chip->step_count; i++) {
        free(chip->steps[i].before);
    }
    free(chip->steps);
    chip->steps = NULL;
    chip->step_count = chip->step_room = 0;
}

static struct w25q_step *add_step(struct w25q *chip) {
    if (chip->step_count == chip->step_room) {
        unsigned room = chip->step_room ? 2 * chip->step_room : 16;
        struct w25q_step *steps = realloc(chip->steps, room * sizeof(*steps));
        if (!steps) {
            return NULL;
        }
        chip->steps = steps;
        chip->step_room = room;
    }
    return &chip->steps[chip->step_count++];
}

/* Without memory the step counts as done from its beginning. */
static void keep_contents(struct w25q *chip, const struct w25q_step *wanted) {
    uint8_t *before = malloc(wanted->size);
    struct w25q_step *step = before ? add_step(chip) : NULL;
    if (!step) {
        free(before);
        return;
    }
    *step = *wanted;
    step->before = before;
    memcpy(before, chip->contents + wanted->offset, wanted->size);
}

void w25q_begin_step(struct w25q *chip, uint32_t offset, uint32_t size, uint64_t duration_ps, bool is_array) {
    uint64_t now = scheduler_now(chip->desc.env->scheduler);
    if (chip->busy_until_ps <= now && !chip->suspended) {
        w25q_forget_steps(chip); /* what was before is done */
    }
    w25q_be_busy(chip, duration_ps, is_array);
    const struct w25q_step step = {
        .offset = offset, .size = size, .begin_ps = chip->busy_until_ps - duration_ps, .end_ps = chip->busy_until_ps
    };
    keep_contents(chip, &step);
    if (chip->begun) {
        chip->begun(chip->begun_context, step.begin_ps, step.end_ps);
    }
}

/* The step under way is not always the last one: an erase that was resumed may have a program behind it that is done
 * already. */
void w25q_suspend_step(struct w25q *chip, uint64_t left_ps) {
    uint64_t now = scheduler_now(chip->desc.env->scheduler);
    for (unsigned i = 0; i < chip->step_count; i++) {
        struct w25q_step *step = &chip->steps[i];
        if (step->begin_ps <= now && now < step->end_ps) {
            step->left_ps = left_ps;
        }
    }
}

void w25q_resume_step(struct w25q *chip) {
    for (unsigned i = 0; i < chip->step_count; i++) {
        struct w25q_step *step = &chip->steps[i];
        if (step->left_ps) {
            uint64_t duration = step->end_ps - step->begin_ps;
            step->end_ps = chip->busy_until_ps;
            step->begin_ps = step->end_ps > duration ? step->end_ps - duration : 0;
            step->left_ps = 0;
        }
    }
}

/* ---- The supply goes ---- */

#define DONE 256u

/* How much of the step was done, of DONE. */
static unsigned done_of(const struct w25q_step *step, uint64_t now) {
    uint64_t duration = step->end_ps - step->begin_ps;
    uint64_t gone = now > step->begin_ps ? now - step->begin_ps : 0;
    if (step->left_ps) {
        gone = duration - step->left_ps;
    }
    return gone >= duration ? DONE : (unsigned)(gone / (duration / DONE));
}

/* Eight bits, each 1 with a chance of `done` in DONE. */
static uint8_t changed_bits(struct random *random, unsigned done) {
    uint64_t numbers = random_next(random);
    unsigned bits = 0;
    for (unsigned i = 0; i < 8; i++) {
        bits |= (unsigned)((numbers >> 8 * i & 0xff) < done) << i;
    }
    return (uint8_t)bits;
}

static void tell_changed(struct w25q *chip, uint32_t offset, uint32_t size) {
    if (chip->desc.changed) {
        chip->desc.changed(chip->desc.context, offset, size, W25Q_PROGRAMMED);
    }
}

void w25q_flip_bit(struct w25q *chip, uint32_t offset, unsigned bit) {
    chip->contents[offset & (chip->desc.size - 1)] ^= (uint8_t)(1u << bit % 8);
    tell_changed(chip, offset & (chip->desc.size - 1), 1);
}

static void take_back(struct w25q *chip, const struct w25q_step *step, unsigned done) {
    uint8_t *now = chip->contents + step->offset;
    for (uint32_t i = 0; i < step->size; i++) {
        uint8_t changed = done ? changed_bits(&chip->random, done) : 0;
        now[i] = (uint8_t)((step->before[i] & ~changed) | (now[i] & changed));
    }
    tell_changed(chip, step->offset, step->size);
}

void w25q_power_off(struct w25q *chip) {
    uint64_t now = scheduler_now(chip->desc.env->scheduler);
    for (unsigned i = chip->step_count;
         i-- > 0;) { /* backwards: a later step may have changed what an earlier one has */
        unsigned done = done_of(&chip->steps[i], now);
        if (done < DONE) {
            take_back(chip, &chip->steps[i], done);
        }
    }
    w25q_forget_steps(chip);
    chip->busy_until_ps = 0;
}

/* ---- Snapshots ---- */

static bool step_is_sane(const struct w25q *chip, const struct w25q_step *step) {
    bool fits = step->size && step->offset < chip->desc.size && step->size <= chip->desc.size - step->offset;
    bool takes_time = step->end_ps > step->begin_ps && step->end_ps - step->begin_ps >= DONE;
    return fits && takes_time && step->left_ps <= step->end_ps - step->begin_ps;
}

static void step_walk(struct w25q_step *step, struct walk *walk) {
    walk_u32(walk, &step->offset);
    walk_u32(walk, &step->size);
    walk_u64(walk, &step->begin_ps);
    walk_u64(walk, &step->end_ps);
    walk_u64(walk, &step->left_ps);
}

static void read_step(struct w25q *chip, struct walk *walk) {
    struct w25q_step step = { 0 };
    step_walk(&step, walk);
    if (!step_is_sane(chip, &step) || !walk_has(walk, step.size)) {
        walk_fail(walk, "an erase or program that cannot be under way");
        return;
    }
    unsigned count = chip->step_count;
    keep_contents(chip, &step);
    if (chip->step_count == count) {
        walk_fail(walk, "out of memory");
        return;
    }
    walk_bytes(walk, chip->steps[count].before, step.size);
}

static void read_steps(struct w25q *chip, struct walk *walk) {
    bool more = false;
    w25q_forget_steps(chip);
    for (walk_bool(walk, &more); more && !walk->failed; walk_bool(walk, &more)) {
        read_step(chip, walk);
    }
}

/* Nothing can be taken back of a step that is done. */
static void write_steps(struct w25q *chip, struct walk *walk) {
    uint64_t now = scheduler_now(chip->desc.env->scheduler);
    bool more = true;
    for (unsigned i = 0; i < chip->step_count; i++) {
        struct w25q_step *step = &chip->steps[i];
        if (done_of(step, now) < DONE) {
            walk_bool(walk, &more);
            step_walk(step, walk);
            walk_bytes(walk, step->before, step->size);
        }
    }
    more = false;
    walk_bool(walk, &more);
}

void w25q_steps_walk(struct w25q *chip, struct walk *walk) {
    if (walk->reads) {
        read_steps(chip, walk);
    } else {
        write_steps(chip, walk);
    }
}
