/* Cycles and picoseconds of a clock by whole numbers, so that a change of frequency never drifts. */
#include "emulator/core/clock.h"

#include "emulator/core/scheduler.h"
#include "emulator/core/walk.h"

#include <stddef.h>

#define SHORTEST_PERIOD_PS 100 /* of a clock in a snapshot */

/* A product of a cycle count and a period does not fit 64 bits: GNU extension, gcc and clang both have it. */
__extension__ typedef unsigned __int128 wide;

static uint64_t gcd(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void clock_init(struct clock_domain *clock, const char *name) {
    *clock = (struct clock_domain){ .name = name, .period_den = 1 };
}

/* Neither the product with the period nor the time since power-on may go over 64 bits. */
static uint64_t plain_cycles(const struct clock_domain *clock) {
    uint64_t room = UINT64_MAX / 2 - clock->epoch_ps;
    if (!clock->period_num || clock->epoch_ps > UINT64_MAX / 2 || clock->period_den > room) {
        return 0;
    }
    return (room - clock->period_den) / clock->period_num;
}

static void set_period(struct clock_domain *clock, uint64_t num, uint64_t den, uint64_t now_ps) {
    if (num == clock->period_num && den == clock->period_den) {
        return;
    }
    clock->epoch_cycles = clock_cycles_at(clock, now_ps);
    clock->epoch_ps = now_ps;
    clock->period_num = num;
    clock->period_den = den;
    clock->plain_cycles = plain_cycles(clock);
    for (struct clock_listener *listener = clock->listeners; listener; listener = listener->next) {
        listener->changed(listener, clock);
    }
}

void clock_set_frequency(struct clock_domain *clock, uint64_t hz_num, uint64_t hz_den, uint64_t now_ps) {
    uint64_t num = 0, den = 1;
    if (hz_num && hz_den) {
        uint64_t common = gcd(hz_num, hz_den);
        hz_num /= common;
        hz_den /= common;
        common = gcd(PS_PER_S, hz_num);
        num = PS_PER_S / common * hz_den;
        den = hz_num / common;
    }
    set_period(clock, num, den, now_ps);
}

void clock_derive(struct clock_domain *clock, const struct clock_domain *parent, uint64_t multiply, uint64_t divide,
                  uint64_t now_ps) {
    if (!parent || !parent->period_num || !multiply || !divide) {
        set_period(clock, 0, 1, now_ps);
        return;
    }
    uint64_t common = gcd(multiply, divide);
    multiply /= common;
    divide /= common;
    uint64_t common_num = gcd(parent->period_num, multiply), common_den = gcd(parent->period_den, divide);
    wide num = (wide)(parent->period_num / common_num) * (divide / common_den);
    wide den = (wide)(parent->period_den / common_den) * (multiply / common_num);
    while (num > UINT64_MAX || den > UINT64_MAX) { /* beyond any chip's dividers: lose the last bits */
        num >>= 1;
        den >>= 1;
    }
    set_period(clock, (uint64_t)num, den ? (uint64_t)den : 1, now_ps);
}

/* value * multiply / divide, rounded down. The product is seldom over 64 bits: a GNU builtin tells. */
static uint64_t scale(uint64_t value, uint64_t multiply, uint64_t divide) {
    uint64_t product;
    if (__builtin_mul_overflow(value, multiply, &product)) {
        return (uint64_t)((wide)value * multiply / divide);
    }
    return divide == 1 ? product : product / divide;
}

uint64_t clock_cycles_at(const struct clock_domain *clock, uint64_t ps) {
    if (!clock->period_num || ps <= clock->epoch_ps) {
        return clock->epoch_cycles;
    }
    return clock->epoch_cycles + scale(ps - clock->epoch_ps, clock->period_den, clock->period_num);
}

uint64_t clock_distant_time_of(const struct clock_domain *clock, uint64_t cycles) {
    if (cycles <= clock->epoch_cycles) {
        return clock->epoch_ps;
    }
    if (!clock->period_num) {
        return TIME_NEVER;
    }
    wide ahead = cycles - clock->epoch_cycles;
    wide ps = (ahead * clock->period_num + clock->period_den - 1) / clock->period_den + clock->epoch_ps;
    return ps < TIME_NEVER ? (uint64_t)ps : TIME_NEVER;
}

uint64_t clock_duration(const struct clock_domain *clock, uint64_t cycles) {
    return clock->period_num ? scale(cycles, clock->period_num, clock->period_den) : 0;
}

uint64_t clock_hz(const struct clock_domain *clock) {
    if (!clock->period_num) {
        return 0;
    }
    return (uint64_t)(((wide)PS_PER_S * clock->period_den + clock->period_num / 2) / clock->period_num);
}

void clock_listen(struct clock_domain *clock, struct clock_listener *listener) {
    listener->next = clock->listeners;
    clock->listeners = listener;
}

void clock_walk(struct clock_domain *clock, struct walk *walk) {
    walk_u64(walk, &clock->epoch_ps);
    walk_u64(walk, &clock->epoch_cycles);
    walk_u64(walk, &clock->period_num);
    walk_u64(walk, &clock->period_den);
    bool runs = clock->period_num;
    if (runs && (!clock->period_den || clock->period_num / clock->period_den < SHORTEST_PERIOD_PS)) {
        walk_fail(walk, "a clock that runs at no possible frequency");
        clock->period_num = 0;
        clock->period_den = 1;
    }
    clock->plain_cycles = plain_cycles(clock);
}
