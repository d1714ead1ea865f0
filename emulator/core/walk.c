/* See walk.h. A section is: the length of its name (a byte), its name, its version (16 bits), the length of its
 * contents (32 bits), its contents. Sections do not nest. An event is: pending or not, and if it is, the time when it
 * is due and its place in the scheduler's list. */
#include "emulator/core/walk.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION_HEAD 7   /* bytes of a section beside its name and its contents */
#define PAST_PS PS_PER_S /* an event is not due longer ago than that */

struct walk_event {
    struct event *event;
    uint64_t when_ps;
    uint32_t place;
};

void walk_write_begin(struct walk *walk, struct scheduler *scheduler) {
    *walk = (struct walk){ .scheduler = scheduler };
}

void walk_read_begin(struct walk *walk, const uint8_t *bytes, size_t size, struct scheduler *scheduler) {
    *walk = (struct walk){ .reads = true, .scheduler = scheduler, .from = bytes, .size = size, .end = size };
    if (scheduler) {
        scheduler_finish(scheduler);
    }
}

void walk_finish(struct walk *walk) {
    free(walk->bytes);
    free(walk->events);
    *walk = (struct walk){ 0 };
}

void walk_fail(struct walk *walk, const char *format, ...) {
    char line[160];
    va_list arguments;
    if (walk->failed) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    error_set(&walk->error, "%s%s%s", walk->section, *walk->section ? ": " : "", line);
    walk->failed = true;
}

/* ---- Bytes ---- */
static void put_bytes(struct walk *walk, const void *bytes, size_t size) {
    if (walk->room - walk->at < size) {
        size_t room = 2 * walk->room + size + 4096;
        uint8_t *larger = realloc(walk->bytes, room);
        if (!larger) {
            walk_fail(walk, "out of memory");
            return;
        }
        walk->bytes = larger;
        walk->room = room;
    }
    memcpy(walk->bytes + walk->at, bytes, size);
    walk->at += size;
}

bool walk_has(const struct walk *walk, size_t size) {
    return !walk->failed && walk->end - walk->at >= size;
}

static void get_bytes(struct walk *walk, void *bytes, size_t size) {
    if (!walk_has(walk, size)) {
        walk_fail(walk, "the snapshot is cut short here");
        memset(bytes, 0, size);
        return;
    }
    memcpy(bytes, walk->from + walk->at, size);
    walk->at += size;
}

void walk_bytes(struct walk *walk, void *bytes, size_t size) {
    if (!size) {
        return;
    }
    if (walk->reads) {
        get_bytes(walk, bytes, size);
    } else if (!walk->failed) {
        put_bytes(walk, bytes, size);
    }
}

/* ---- Numbers ---- */
static uint64_t walk_number(struct walk *walk, uint64_t value, unsigned size) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    walk_bytes(walk, bytes, size);
    value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)bytes[i] << 8 * i;
    }
    return value;
}

void walk_bool(struct walk *walk, bool *value) {
    uint64_t number = walk_number(walk, *value, 1);
    if (number > 1) {
        walk_fail(walk, "%u where yes or no is expected", (unsigned)number);
    }
    *value = number == 1;
}

void walk_u8(struct walk *walk, uint8_t *value) {
    *value = (uint8_t)walk_number(walk, *value, 1);
}

void walk_u16(struct walk *walk, uint16_t *value) {
    *value = (uint16_t)walk_number(walk, *value, 2);
}

void walk_u32(struct walk *walk, uint32_t *value) {
    *value = (uint32_t)walk_number(walk, *value, 4);
}

void walk_u64(struct walk *walk, uint64_t *value) {
    *value = walk_number(walk, *value, 8);
}

void walk_i8(struct walk *walk, int8_t *value) {
    *value = (int8_t)walk_number(walk, (uint8_t)*value, 1);
}

void walk_i32(struct walk *walk, int32_t *value) {
    *value = (int32_t)walk_number(walk, (uint32_t)*value, 4);
}

void walk_i64(struct walk *walk, int64_t *value) {
    *value = (int64_t)walk_number(walk, (uint64_t)*value, 8);
}

void walk_unsigned(struct walk *walk, unsigned *value) {
    *value = (unsigned)walk_number(walk, *value, 4);
}

void walk_double(struct walk *walk, double *value) {
    uint64_t bits;
    memcpy(&bits, value, sizeof(bits));
    bits = walk_number(walk, bits, 8);
    memcpy(value, &bits, sizeof(bits));
}

void walk_double_within(struct walk *walk, double *value, double min, double max) {
    walk_double(walk, value);
    if (walk->reads && !(*value >= min && *value <= max)) {
        walk_fail(walk, "%g where %g to %g is expected", *value, min, max);
        *value = min > 0 ? min : max < 0 ? max : 0;
    }
}

void walk_bools(struct walk *walk, bool *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        walk_bool(walk, &values[i]);
    }
}

void walk_u16s(struct walk *walk, uint16_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        walk_u16(walk, &values[i]);
    }
}

void walk_u32s(struct walk *walk, uint32_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        walk_u32(walk, &values[i]);
    }
}

void walk_u64s(struct walk *walk, uint64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        walk_u64(walk, &values[i]);
    }
}

/* ---- Numbers with a limit ---- */
static uint64_t walk_limited(struct walk *walk, uint64_t value, unsigned size, uint64_t limit) {
    value = walk_number(walk, value, size);
    if (walk->reads && value >= limit) {
        walk_fail(walk, "%llu where less than %llu is expected", (unsigned long long)value, (unsigned long long)limit);
        return 0;
    }
    return value;
}

void walk_below(struct walk *walk, unsigned *value, unsigned limit) {
    *value = (unsigned)walk_limited(walk, *value, 4, limit);
}

void walk_u8_below(struct walk *walk, uint8_t *value, unsigned limit) {
    *value = (uint8_t)walk_limited(walk, *value, 1, limit);
}

void walk_size_below(struct walk *walk, size_t *value, size_t limit) {
    *value = (size_t)walk_limited(walk, *value, 8, limit);
}

void walk_choice(struct walk *walk, const void **value, const void *const *choices, unsigned count) {
    unsigned index = 0;
    while (!walk->reads && index < count && choices[index] != *value) {
        index++;
    }
    if (index == count) {
        walk_fail(walk, "something that a snapshot cannot name is under way");
        return;
    }
    walk_below(walk, &index, count);
    *value = choices[index];
}

/* ---- Memory that is mostly blank ---- */
static bool is_blank(const uint8_t *bytes, size_t size, uint8_t blank) {
    return bytes[0] == blank && !memcmp(bytes, bytes + 1, size - 1);
}

/* The pages that are not blank, each with its number in front; the number of all pages ends them. */
void walk_sparse(struct walk *walk, uint8_t *bytes, size_t size, size_t page, uint8_t blank) {
    unsigned pages = (unsigned)(size / page), next = 0;
    if (walk->reads) {
        memset(bytes, blank, size);
    }
    for (;;) {
        while (!walk->reads && next < pages && is_blank(bytes + next * page, page, blank)) {
            next++;
        }
        unsigned number = next;
        walk_below(walk, &number, pages + 1);
        if (number < next) {
            walk_fail(walk, "pages of memory that are not in order");
        }
        if (number == pages || walk->failed) {
            return;
        }
        walk_bytes(walk, bytes + number * page, page);
        next = number + 1;
    }
}

/* ---- What must be the same ---- */
void walk_expect(struct walk *walk, const char *what, uint64_t value) {
    uint64_t there = walk_number(walk, value, 8);
    if (!walk->failed && there != value) {
        walk_fail(walk, "%s is %llu in the snapshot and %llu here", what, (unsigned long long)there,
                  (unsigned long long)value);
    }
}

void walk_expect_text(struct walk *walk, const char *what, const char *text) {
    char there[WALK_NAME] = "";
    size_t length = strnlen(text, WALK_NAME - 1);
    memcpy(there, text, length);
    uint8_t size = (uint8_t)length;
    walk_u8_below(walk, &size, WALK_NAME);
    walk_bytes(walk, there, size);
    there[size] = '\0';
    if (!walk->failed && strncmp(there, text, WALK_NAME - 1)) {
        walk_fail(walk, "%s is \"%s\" in the snapshot and \"%s\" here", what, there, text);
    }
}

/* ---- Sections ---- */
static void read_section(struct walk *walk, const char *name, unsigned version) {
    char there[WALK_NAME] = "";
    uint8_t length = 0;
    walk->section[0] = '\0';
    walk_u8_below(walk, &length, WALK_NAME);
    walk_bytes(walk, there, length);
    unsigned there_version = (unsigned)walk_number(walk, 0, 2);
    size_t size = (size_t)walk_number(walk, 0, 4);
    snprintf(walk->section, sizeof(walk->section), "%s", name);
    if (!walk->failed && strcmp(there, name)) {
        walk_fail(walk, "the snapshot has \"%s\" in its place: it is of another board, project or release", there);
    } else if (!walk->failed && there_version != version) {
        walk_fail(walk, "version %u in the snapshot, %u here: load it with the release that saved it", there_version,
                  version);
    } else if (!walk->failed && size > walk->size - walk->at) {
        walk_fail(walk, "the snapshot is cut short here");
    }
    walk->end = walk->failed ? walk->at : walk->at + size;
}

static void write_section(struct walk *walk, const char *name, unsigned version) {
    snprintf(walk->section, sizeof(walk->section), "%s", name);
    uint8_t length = (uint8_t)strlen(walk->section);
    walk_u8(walk, &length);
    walk_bytes(walk, walk->section, length);
    walk_number(walk, version, 2);
    walk_number(walk, 0, 4);
    walk->section_at = walk->at;
}

void walk_section(struct walk *walk, const char *name, unsigned version) {
    if (walk->reads) {
        read_section(walk, name, version);
    } else {
        write_section(walk, name, version);
    }
}

static void write_section_length(struct walk *walk) {
    size_t end = walk->at;
    if (end - walk->section_at > UINT32_MAX) {
        walk_fail(walk, "too large");
        return;
    }
    walk->at = walk->section_at - 4;
    walk_number(walk, end - walk->section_at, 4);
    walk->at = end;
}

void walk_section_end(struct walk *walk) {
    if (walk->reads) {
        if (!walk->failed && walk->at != walk->end) {
            walk_fail(walk, "%zu bytes in the snapshot that have no meaning here", walk->end - walk->at);
        }
        walk->end = walk->size;
    } else if (!walk->failed) {
        write_section_length(walk);
    }
    walk->section[0] = '\0';
}

bool walk_next_section(const uint8_t *bytes, size_t size, size_t *at, char ret_name[WALK_NAME],
                       const uint8_t **ret_contents, size_t *ret_size) {
    if (*at + SECTION_HEAD > size) {
        return false;
    }
    size_t length = bytes[*at];
    const uint8_t *field = bytes + *at + 1 + length + 2;
    snprintf(ret_name, WALK_NAME, "%.*s", (int)length, (const char *)bytes + *at + 1);
    *ret_size = field[0] | (size_t)field[1] << 8 | (size_t)field[2] << 16 | (size_t)field[3] << 24;
    *ret_contents = field + 4;
    *at += SECTION_HEAD + length + *ret_size;
    return true;
}

/* ---- Events ---- */
static uint32_t place_of(const struct scheduler *scheduler, const struct event *event) {
    uint32_t place = 0;
    for (const struct event *each = scheduler->first; each != event; each = each->next) {
        place++;
    }
    return place;
}

static void note_event(struct walk *walk, const struct walk_event *event) {
    if (walk->event_count == walk->event_room) {
        unsigned room = 2 * walk->event_room + 64;
        struct walk_event *larger = realloc(walk->events, room * sizeof(*larger));
        if (!larger) {
            walk_fail(walk, "out of memory");
            return;
        }
        walk->events = larger;
        walk->event_room = room;
    }
    walk->events[walk->event_count++] = *event;
}

static void check_time(struct walk *walk, uint64_t when_ps) {
    if (walk->reads && when_ps < walk->scheduler->now_ps && walk->scheduler->now_ps - when_ps > PAST_PS) {
        walk_fail(walk, "an event that was due long before the time of the snapshot");
    }
}

void walk_event(struct walk *walk, struct event *event) {
    bool pending = event->pending;
    walk_bool(walk, &pending);
    if (!pending || !walk->scheduler) {
        return;
    }
    struct walk_event noted = { .event = event, .when_ps = event->when_ps };
    noted.place = walk->reads ? 0 : place_of(walk->scheduler, event);
    walk_u64(walk, &noted.when_ps);
    walk_u32(walk, &noted.place);
    check_time(walk, noted.when_ps);
    if (!walk->failed) {
        note_event(walk, &noted);
    }
}

static int compare_places(const void *a, const void *b) {
    const struct walk_event *left = a, *right = b;
    return left->place < right->place ? -1 : left->place > right->place;
}

/* The list as it was: places count from 0, and times and priorities rise with them. */
static bool events_are_in_order(const struct walk *walk) {
    for (unsigned i = 0; i < walk->event_count; i++) {
        const struct walk_event *now = &walk->events[i], *before = i ? now - 1 : NULL;
        bool rises = !before || before->when_ps < now->when_ps ||
                     (before->when_ps == now->when_ps && before->event->priority <= now->event->priority);
        if (now->place != i || !rises) {
            return false;
        }
    }
    return true;
}

static void restore_events(struct walk *walk) {
    if (walk->event_count) {
        qsort(walk->events, walk->event_count, sizeof(*walk->events), compare_places);
    }
    if (!events_are_in_order(walk)) {
        walk_fail(walk, "the events of the snapshot do not make one order");
        return;
    }
    for (unsigned i = 0; i < walk->event_count; i++) {
        scheduler_add(walk->scheduler, walk->events[i].event, walk->events[i].when_ps);
    }
}

/* Nobody has listed one of the scheduler's events: what it is for would be lost. */
static void check_all_events(struct walk *walk) {
    for (const struct event *event = walk->scheduler->first; event; event = event->next) {
        bool known = false;
        for (unsigned i = 0; i < walk->event_count; i++) {
            known = known || walk->events[i].event == event;
        }
        if (!known) {
            walk_fail(walk, "the event \"%s\" has no place in a snapshot", event->name);
        }
    }
}

bool walk_complete(struct walk *walk, struct error *error) {
    walk->section[0] = '\0';
    if (walk->reads && !walk->failed && walk->at != walk->size) {
        walk_fail(walk, "the snapshot goes on where it should end: it is of another board, project or release");
    }
    if (walk->scheduler && !walk->failed) {
        if (walk->reads) {
            restore_events(walk);
        } else {
            check_all_events(walk);
        }
    }
    if (walk->failed) {
        error_set(error, "%s", walk->error.message);
    }
    return !walk->failed;
}
