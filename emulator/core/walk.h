/* A walk over the state of a machine, for snapshots: each device lists what it keeps, once, in a function that writes
 * it into a stream of bytes or reads it back from one. Wiring (pointers, names, callbacks) is not listed: a snapshot is
 * read into a machine that was built in the same way.
 *
 * The stream is portable: little-endian, fixed sizes, doubles by their bits. It is cut into named sections, each with a
 * version and a length, so that a snapshot of another machine or another version of a device is told by name.
 *
 * Reading trusts nothing. Whatever indexes or sizes something is read by a function that knows its limit. The first
 * failure is kept as an error line; from then on everything reads as 0, which every limit allows, so that the functions
 * of devices need not ask whether all is well. */
#ifndef CORE_WALK_H
#define CORE_WALK_H

#include "emulator/core/error.h"
#include "emulator/core/scheduler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALK_NAME 64

struct walk_event; /* private */

struct walk {
    bool reads;
    struct scheduler *scheduler; /* whose events are walked; NULL: none are */
    /* Below: of walk.c. */
    bool failed;
    struct error error;
    char section[WALK_NAME]; /* that is open; "": none is */
    size_t section_at;       /* writing: where its contents begin */
    uint8_t *bytes;          /* writing: owned */
    size_t room;
    const uint8_t *from; /* reading: borrowed */
    size_t at;           /* reading: the next byte; writing: bytes so far */
    size_t end;          /* reading: of the open section, or of everything */
    size_t size;         /* reading: of everything */
    struct walk_event *events;
    unsigned event_count, event_room;
};

/* `scheduler` may be NULL. */
void walk_write_begin(struct walk *walk, struct scheduler *scheduler);
/* The bytes are borrowed until walk_finish(). All events of the scheduler are cancelled. */
void walk_read_begin(struct walk *walk, const uint8_t *bytes, size_t size, struct scheduler *scheduler);
/* After the last section: puts the events that were read into the scheduler, in their order; refuses bytes behind the
 * last section, and, when writing, events that nobody has listed. False with an error line when anything has failed. */
bool walk_complete(struct walk *walk, struct error *error);
/* Frees what it holds; the events that were read and not put into the scheduler are not pending. */
void walk_finish(struct walk *walk);

/* The walk has failed: something was read that cannot be. One line, which gets the section's name in front. Of several
 * failures the first one counts. */
void walk_fail(struct walk *walk, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What follows, until walk_section_end(), is the part of `name`. Reading: it must be that part, in that version. */
void walk_section(struct walk *walk, const char *name, unsigned version);
void walk_section_end(struct walk *walk);

void walk_bool(struct walk *walk, bool *value);
void walk_u8(struct walk *walk, uint8_t *value);
void walk_u16(struct walk *walk, uint16_t *value);
void walk_u32(struct walk *walk, uint32_t *value);
void walk_u64(struct walk *walk, uint64_t *value);
void walk_i8(struct walk *walk, int8_t *value);
void walk_i32(struct walk *walk, int32_t *value);
void walk_i64(struct walk *walk, int64_t *value);
void walk_unsigned(struct walk *walk, unsigned *value);
/* Any double, by its bits. */
void walk_double(struct walk *walk, double *value);
/* One from `min` to `max`, which is a number. */
void walk_double_within(struct walk *walk, double *value, double min, double max);
void walk_bytes(struct walk *walk, void *bytes, size_t size);
/* The same of a large memory of which most is `blank`: pages of so many bytes that are all `blank` take no room. `size`
 * is a multiple of `page`. */
void walk_sparse(struct walk *walk, uint8_t *bytes, size_t size, size_t page, uint8_t blank);
void walk_bools(struct walk *walk, bool *values, size_t count);
void walk_u16s(struct walk *walk, uint16_t *values, size_t count);
void walk_u32s(struct walk *walk, uint32_t *values, size_t count);
void walk_u64s(struct walk *walk, uint64_t *values, size_t count);

/* Reading: are there so many bytes more in the section? Before memory is taken for them. */
bool walk_has(const struct walk *walk, size_t size);

/* Less than `limit`, which is at least 1. */
void walk_below(struct walk *walk, unsigned *value, unsigned limit);
void walk_u8_below(struct walk *walk, uint8_t *value, unsigned limit);
void walk_size_below(struct walk *walk, size_t *value, size_t limit);
/* The same for an enum that begins with 0. */
#define WALK_ENUM(walk, value, limit)                                                                                  \
    do {                                                                                                               \
        unsigned walk_enum_ = (unsigned)(value);                                                                       \
        walk_below((walk), &walk_enum_, (limit));                                                                      \
        (value) = walk_enum_;                                                                                          \
    } while (0)
/* One of several choices that a pointer may point to, by its number; NULL is a choice when the table has it. Writing
 * fails when the pointer is none of them. */
void walk_choice(struct walk *walk, const void **value, const void *const *choices, unsigned count);
/* A property of the machine that is no state: reading fails, naming it, unless it is the same here. */
void walk_expect(struct walk *walk, const char *what, uint64_t value);
void walk_expect_text(struct walk *walk, const char *what, const char *text);

/* The section that begins at `*at` of a stream that was written: its name, its contents, and `*at` behind it. False at
 * the end. For who compares streams; the stream is trusted. */
bool walk_next_section(const uint8_t *bytes, size_t size, size_t *at, char ret_name[WALK_NAME],
                       const uint8_t **ret_contents, size_t *ret_size);

/* Is it pending, and when is it due? */
void walk_event(struct walk *walk, struct event *event);

#endif
