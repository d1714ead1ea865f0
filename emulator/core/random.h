/* The machine's random bits: seeded, so that a run can be repeated (splitmix64). Every device has a stream of its own,
 * made from the machine's seed and the device's name: what one device takes, or that it is there at all, changes no
 * other's numbers. */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline void random_init(struct random *random, uint64_t seed) {
    random->state = seed;
}

static inline uint64_t random_next(struct random *random) {
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Begin the stream of the device `name` among those of a `kind` ("block", "part"). `seed` is only looked at; NULL is a
 * seed of 0. */
static inline void random_derive(struct random *random, const struct random *seed, const char *kind, const char *name) {
    random->state = seed ? seed->state : 0;
    for (; *kind; kind++) {
        random->state = random_next(random) ^ (uint8_t)*kind;
    }
    random->state = random_next(random); /* between the two words */
    for (; *name; name++) {
        random->state = random_next(random) ^ (uint8_t)*name;
    }
    random->state = random_next(random);
}

#endif
