/* A flash chip in a test, and commands as they go over its lines (W25Q16JV datasheet). */
#ifndef TESTS_W25Q_BENCH_H
#define TESTS_W25Q_BENCH_H

#include "emulator/core/log.h"
#include "emulator/core/random.h"
#include "emulator/core/walk.h"
#include "peripherals/parts/w25q.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MIB 0x100000u

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct environment env;
    struct w25q chip;
    unsigned changes;
    uint32_t changed_offset;
    uint32_t changed_size;
    enum w25q_change changed_what;
};

static inline void changed(void *context, uint32_t offset, uint32_t size, enum w25q_change what) {
    struct bench *bench = context;
    bench->changes++;
    bench->changed_offset = offset;
    bench->changed_size = size;
    bench->changed_what = what;
}

static inline void bench_init(struct bench *bench, uint32_t size, bool quad_selectable) {
    memset(bench, 0, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    bench->env = (struct environment){ .scheduler = &bench->scheduler, .log = &bench->log };
    struct w25q_desc desc = {
        .env = &bench->env,
        .size = size,
        .quad_selectable = quad_selectable,
        .unique_id = UINT64_C(0x0123456789abcdef),
        .changed = changed,
        .context = bench,
    };
    assert_true(w25q_init(&bench->chip, &desc));
}

static inline int setup(void **state) {
    struct bench *bench = malloc(sizeof(*bench));
    bench_init(bench, 2 * MIB, false);
    *state = bench;
    return 0;
}

static inline int teardown(void **state) {
    struct bench *bench = *state;
    w25q_finish(&bench->chip);
    free(bench);
    return 0;
}

/* One transaction of single-bit SPI. */
static inline void transact(struct w25q *chip, const uint8_t *out, uint8_t *in, unsigned count) {
    w25q_select(chip, true);
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte = w25q_transfer(chip, out[i]);
        if (in) {
            in[i] = byte;
        }
    }
    w25q_select(chip, false);
}

static inline void command(struct w25q *chip, uint8_t code) {
    transact(chip, &code, NULL, 1);
}

static inline void command_at(struct w25q *chip, uint8_t code, uint32_t address) {
    uint8_t out[] = { code, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address };
    transact(chip, out, NULL, 4);
}

static inline uint8_t status(struct w25q *chip, uint8_t code) {
    uint8_t out[2] = { code, 0 }, in[2];
    transact(chip, out, in, 2);
    return in[1];
}

static inline void pass(struct bench *bench, uint64_t ps) {
    scheduler_advance(&bench->scheduler, bench->scheduler.now_ps + ps);
}

static inline void program(struct w25q *chip, uint32_t address, const uint8_t *data, unsigned count) {
    uint8_t out[4 + 600] = { 0x02, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address };
    memcpy(out + 4, data, count);
    command(chip, 0x06);
    transact(chip, out, NULL, 4 + count);
}

#endif
