/* The stream that snapshots are made of: what is written is read back, and what is broken is told by name. */
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

/* One of everything. */
struct sample {
    bool yes;
    uint8_t u8;
    uint16_t u16, u16s[3];
    uint32_t u32, u32s[2];
    uint64_t u64;
    int8_t i8;
    int32_t i32;
    int64_t i64;
    double plain, strange;
    char text[5];
    unsigned below;
    size_t size;
    enum { RED, GREEN, BLUE } colour;
};

static const struct sample full = {
    .yes = true,
    .u8 = 0xfe,
    .u16 = 0xfedc,
    .u16s = { 1, 2, 0xffff },
    .u32 = 0xfedcba98,
    .u32s = { 7, 0x80000000 },
    .u64 = 0xfedcba9876543210,
    .i8 = -128,
    .i32 = INT32_MIN,
    .i64 = -5,
    .plain = -0.1,
    .strange = NAN,
    .text = "abcd",
    .below = 9,
    .size = 99,
    .colour = BLUE,
};

static void sample_walk(struct sample *s, struct walk *walk) {
    walk_section(walk, "sample", 3);
    walk_bool(walk, &s->yes);
    walk_u8(walk, &s->u8);
    walk_u16(walk, &s->u16);
    walk_u16s(walk, s->u16s, 3);
    walk_u32(walk, &s->u32);
    walk_u32s(walk, s->u32s, 2);
    walk_u64(walk, &s->u64);
    walk_i8(walk, &s->i8);
    walk_i32(walk, &s->i32);
    walk_i64(walk, &s->i64);
    walk_double_within(walk, &s->plain, -1, 1);
    walk_double(walk, &s->strange);
    walk_bytes(walk, s->text, sizeof(s->text));
    walk_below(walk, &s->below, 10);
    walk_size_below(walk, &s->size, 100);
    WALK_ENUM(walk, s->colour, BLUE + 1);
    walk_section_end(walk);
}

/* A stream of one sample; the caller finishes `ret_walk`. */
static void write_sample(struct walk *ret_walk, const struct sample *from) {
    struct sample copy = *from;
    struct error error;
    walk_write_begin(ret_walk, NULL);
    sample_walk(&copy, ret_walk);
    assert_true(walk_complete(ret_walk, &error));
}

static bool read_sample(const uint8_t *bytes, size_t size, struct sample *ret, struct error *error) {
    struct walk walk;
    *ret = (struct sample){ 0 };
    walk_read_begin(&walk, bytes, size, NULL);
    sample_walk(ret, &walk);
    bool ok = walk_complete(&walk, error);
    walk_finish(&walk);
    return ok;
}

static void what_is_written_is_read(void **state) {
    struct walk walk;
    struct sample back;
    struct error error;
    write_sample(&walk, &full);
    assert_true(read_sample(walk.bytes, walk.at, &back, &error));
    assert_true(back.yes && back.u8 == full.u8 && back.u16 == full.u16 && back.u32 == full.u32);
    assert_memory_equal(back.u16s, full.u16s, sizeof(full.u16s));
    assert_memory_equal(back.u32s, full.u32s, sizeof(full.u32s));
    assert_true(back.u64 == full.u64 && back.i8 == -128 && back.i32 == INT32_MIN && back.i64 == -5);
    assert_true(back.plain == -0.1 && isnan(back.strange));
    assert_string_equal(back.text, "abcd");
    assert_true(back.below == 9 && back.size == 99 && back.colour == BLUE);
    walk_finish(&walk);
}

/* As walk.c says: name with its length in front, version, length of the contents, all little-endian. */
static void the_stream_is_the_same_everywhere(void **state) {
    static const uint8_t expected[] = { 1,    'x',  0x34, 0x12, 12, 0, 0, 0, 0x78, 0x56,
                                        0x34, 0x12, 0,    0,    0,  0, 0, 0, 0xf0, 0x3f };
    struct walk walk;
    struct error error;
    uint32_t word = 0x12345678;
    double one = 1;
    walk_write_begin(&walk, NULL);
    walk_section(&walk, "x", 0x1234);
    walk_u32(&walk, &word);
    walk_double(&walk, &one);
    walk_section_end(&walk);
    assert_true(walk_complete(&walk, &error));
    assert_int_equal(walk.at, sizeof(expected));
    assert_memory_equal(walk.bytes, expected, sizeof(expected));
    walk_finish(&walk);
}

static void expect_failure(const uint8_t *bytes, size_t size, const char *message) {
    struct sample back;
    struct error error = { "" };
    assert_false(read_sample(bytes, size, &back, &error));
    if (!strstr(error.message, message)) {
        fail_msg("\"%s\" instead of \"%s\"", error.message, message);
    }
    assert_true(back.below < 10 && back.size < 100 && back.colour <= BLUE);
}

static void every_shorter_stream_is_cut_short(void **state) {
    struct walk walk;
    write_sample(&walk, &full);
    for (size_t size = 0; size < walk.at; size++) {
        expect_failure(walk.bytes, size, "the snapshot is cut short here");
    }
    walk_finish(&walk);
}

static void a_longer_stream_is_refused(void **state) {
    struct walk walk;
    write_sample(&walk, &full);
    uint8_t zero = 0;
    walk_u8(&walk, &zero);
    expect_failure(walk.bytes, walk.at, "goes on where it should end");
    walk_finish(&walk);
}

/* No byte that is changed does harm: it is read as another value, or refused. */
static void any_byte_may_be_wrong(void **state) {
    struct walk walk;
    struct sample back;
    struct error error;
    write_sample(&walk, &full);
    for (size_t at = 0; at < walk.at; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            walk.bytes[at] ^= (uint8_t)(1u << bit);
            read_sample(walk.bytes, walk.at, &back, &error);
            assert_true(back.below < 10 && back.size < 100 && back.colour <= BLUE);
            assert_true(back.plain >= -1 && back.plain <= 1);
            walk.bytes[at] ^= (uint8_t)(1u << bit);
        }
    }
    walk_finish(&walk);
}

static void another_section_or_version_is_told_by_name(void **state) {
    struct walk walk;
    write_sample(&walk, &full);
    walk.bytes[1] = 'S';
    expect_failure(walk.bytes, walk.at, "sample: the snapshot has \"Sample\" in its place");
    walk.bytes[1] = 's';
    walk.bytes[7] = 2;
    expect_failure(walk.bytes, walk.at, "sample: version 2 in the snapshot, 3 here");
    walk_finish(&walk);
}

static void values_out_of_range_are_told(void **state) {
    struct walk walk;
    struct sample bad = full;
    bad.below = 10;
    write_sample(&walk, &bad);
    expect_failure(walk.bytes, walk.at, "sample: 10 where less than 10 is expected");
    walk_finish(&walk);
    bad = full;
    bad.plain = 1.5;
    write_sample(&walk, &bad);
    expect_failure(walk.bytes, walk.at, "sample: 1.5 where -1 to 1 is expected");
    walk_finish(&walk);
    bad.plain = NAN;
    write_sample(&walk, &bad);
    expect_failure(walk.bytes, walk.at, "where -1 to 1 is expected");
    walk_finish(&walk);
}

/* ---- What must be the same ---- */
static void expect_walk(struct walk *walk, uint64_t pins, const char *chip) {
    walk_section(walk, "part", 0);
    walk_expect(walk, "the number of pins", pins);
    walk_expect_text(walk, "the chip", chip);
    walk_section_end(walk);
}

static void reread(const struct walk *from, uint64_t pins, const char *chip, const char *message) {
    struct walk walk;
    struct error error = { "" };
    walk_read_begin(&walk, from->bytes, from->at, NULL);
    expect_walk(&walk, pins, chip);
    assert_int_equal(walk_complete(&walk, &error), !*message);
    assert_non_null(strstr(error.message, message));
    walk_finish(&walk);
}

static void what_is_no_state_is_compared(void **state) {
    struct walk walk;
    walk_write_begin(&walk, NULL);
    expect_walk(&walk, 30, "rp2040");
    reread(&walk, 30, "rp2040", "");
    reread(&walk, 48, "rp2040", "part: the number of pins is 30 in the snapshot and 48 here");
    reread(&walk, 30, "rp2350", "part: the chip is \"rp2040\" in the snapshot and \"rp2350\" here");
    walk_finish(&walk);
}

static void choices_go_by_number(void **state) {
    static const int a, b, other;
    const void *const choices[] = { NULL, &a, &b };
    const void *value = &b, *stranger = &other;
    struct walk walk, again;
    struct error error;
    walk_write_begin(&walk, NULL);
    walk_choice(&walk, &value, choices, 3);
    value = NULL;
    walk_read_begin(&again, walk.bytes, walk.at, NULL);
    walk_choice(&again, &value, choices, 3);
    assert_ptr_equal(value, &b);
    walk_choice(&walk, &stranger, choices, 3);
    assert_false(walk_complete(&walk, &error));
    walk_finish(&walk);
    walk_finish(&again);
}

/* ---- Events ---- */
#define EVENTS 6
struct timetable {
    struct stage stage;
    struct event events[EVENTS];
    char called[EVENTS + 1];
    unsigned calls;
};

static void called(struct event *event, uint64_t late_ps) {
    struct timetable *table = event->owner;
    table->called[table->calls++] = (char)('a' + (event - table->events));
}

static void timetable_init(struct timetable *table) {
    stage_init(&table->stage);
    table->calls = 0;
    memset(table->called, 0, sizeof(table->called));
    for (unsigned i = 0; i < EVENTS; i++) {
        table->events[i] = (struct event){ .name = "e", .callback = called, .owner = table, .priority = i == 1 };
    }
}

/* b has a lower priority than the others. */
static void timetable_fill(struct timetable *table) {
    static const struct {
        unsigned event;
        uint64_t when_ps;
    } entries[] = { { 4, 20 }, { 1, 10 }, { 2, 10 }, { 0, 10 }, { 5, 5 } };
    for (unsigned i = 0; i < 5; i++) {
        scheduler_add(&table->stage.scheduler, &table->events[entries[i].event], entries[i].when_ps);
    }
}

static void timetable_walk(struct timetable *table, struct walk *walk) {
    walk_section(walk, "table", 0);
    for (unsigned i = 0; i < EVENTS; i++) {
        walk_event(walk, &table->events[i]);
    }
    walk_section_end(walk);
}

static void events_keep_their_order(void **state) {
    struct timetable first, second;
    struct walk walk, again;
    struct error error;
    timetable_init(&first);
    timetable_fill(&first);
    walk_write_begin(&walk, &first.stage.scheduler);
    timetable_walk(&first, &walk);
    assert_true(walk_complete(&walk, &error));
    timetable_init(&second);
    scheduler_add(&second.stage.scheduler, &second.events[3], 1); /* is not pending in the snapshot */
    walk_read_begin(&again, walk.bytes, walk.at, &second.stage.scheduler);
    timetable_walk(&second, &again);
    assert_true(walk_complete(&again, &error));
    stage_run(&first.stage, 100);
    stage_run(&second.stage, 100);
    assert_string_equal(first.called, "fcabe");
    assert_string_equal(second.called, "fcabe");
    walk_finish(&walk);
    walk_finish(&again);
}

static void an_event_that_nobody_lists_is_told(void **state) {
    struct timetable table;
    struct walk walk;
    struct error error;
    timetable_init(&table);
    timetable_fill(&table);
    walk_write_begin(&walk, &table.stage.scheduler);
    walk_event(&walk, &table.events[0]);
    assert_false(walk_complete(&walk, &error));
    assert_string_equal(error.message, "the event \"e\" has no place in a snapshot");
    walk_finish(&walk);
    scheduler_finish(&table.stage.scheduler);
}

/* Each byte in turn: the order of events holds together, or the stream is refused and nothing is pending. */
static void events_in_no_order_are_refused(void **state) {
    struct timetable table;
    struct walk walk, again;
    struct error error;
    unsigned refused = 0;
    timetable_init(&table);
    timetable_fill(&table);
    walk_write_begin(&walk, &table.stage.scheduler);
    timetable_walk(&table, &walk);
    for (size_t at = 12; at < walk.at; at++) {
        walk.bytes[at] ^= 1;
        walk_read_begin(&again, walk.bytes, walk.at, &table.stage.scheduler);
        timetable_walk(&table, &again);
        bool ok = walk_complete(&again, &error);
        refused += !ok;
        assert_true(ok || !table.stage.scheduler.first);
        for (const struct event *event = table.stage.scheduler.first; event && event->next; event = event->next) {
            assert_true(event->when_ps <= event->next->when_ps);
        }
        walk_finish(&again);
        walk.bytes[at] ^= 1;
    }
    assert_true(refused > 20);
    walk_finish(&walk);
    scheduler_finish(&table.stage.scheduler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_stream_is_the_same_everywhere),
        cmocka_unit_test(every_shorter_stream_is_cut_short),
        cmocka_unit_test(a_longer_stream_is_refused),
        cmocka_unit_test(any_byte_may_be_wrong),
        cmocka_unit_test(another_section_or_version_is_told_by_name),
        cmocka_unit_test(values_out_of_range_are_told),
        cmocka_unit_test(what_is_no_state_is_compared),
        cmocka_unit_test(choices_go_by_number),
        cmocka_unit_test(events_keep_their_order),
        cmocka_unit_test(an_event_that_nobody_lists_is_told),
        cmocka_unit_test(events_in_no_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
