/* The view of a Python program, on memory made by hand (python_memory.h). Encodings: py/bc.h, py/qstr.h, py/nlr.h. */
#include "tests/unit/python_memory.h"
#include "tests/unit/unit.h"

#include <stdio.h>

static struct hand hand;

static struct python *open_hand(bool old) {
    hand_make(&hand, old);
    struct python *python = python_open_memory(&hand.memory);
    assert_non_null(python);
    return python;
}

/* "blink:20 <module>:3" */
static const char *stack_text(struct python *python) {
    static char text[256];
    struct python_frame frames[8];
    unsigned count = python_stack(python, 0, frames, 8);
    *text = 0;
    for (unsigned i = 0; i < count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof(text) - used, "%s%s:%u", i ? " " : "", frames[i].code->function, frames[i].line);
        assert_string_equal(frames[i].code->file, "code.py");
    }
    return text;
}

static void tells_the_frames_of_both_layouts(void **state) {
    for (unsigned old = 0; old < 2; old++) {
        struct python *python = open_hand(old);
        assert_true(python_is_known(python));
        assert_int_equal(python->image.table, HAND_TABLE);
        assert_int_equal(python->image.first_pool, HAND_POOL);
        assert_string_equal(stack_text(python), "blink:20 <module>:3");
        python_close(python);
    }
}

static void tells_interned_strings(void **state) {
    struct python *python = open_hand(false);
    char text[16];
    assert_true(python_is_known(python));
    assert_true(python_string(python, HAND_FILE, text, sizeof(text)));
    assert_string_equal(text, "code.py");
    assert_true(python_string(python, HAND_FILE, text, 5)); /* cut */
    assert_string_equal(text, "code");
    assert_false(python_string(python, HAND_STRINGS, text, sizeof(text)));
    assert_string_equal(text, "?");
    python_close(python);
}

/* A pool in RAM continues the one in flash. */
static void follows_new_strings(void **state) {
    struct python *python = open_hand(false);
    uint32_t pool = HAND_RAM + 0x3000, name = pool + 0x80;
    char text[16];
    assert_true(python_is_known(python));
    hand_put(&hand, pool, HAND_POOL);
    hand_put(&hand, pool + 4, HAND_STRINGS);
    hand_put(&hand, pool + 8, 10);
    hand_put(&hand, pool + 12, 1);
    hand_put(&hand, pool + 16, pool + 0x40);
    hand_put(&hand, pool + 20, pool + 0x50);
    hand_put_byte(&hand, pool + 0x50, 3);
    hand_put(&hand, pool + 24, name);
    memcpy(hand.ram + (name - HAND_RAM), "led", 4);
    hand_put(&hand, HAND_NEWEST, pool);
    assert_true(python_string(python, HAND_STRINGS, text, sizeof(text)));
    assert_string_equal(text, "led");
    assert_true(python_string(python, HAND_FUNCTION, text, sizeof(text)));
    assert_string_equal(text, "blink");
    python_close(python);
}

static void is_unknown_without_its_tables(void **state) {
    for (unsigned missing = 0; missing < 3; missing++) {
        struct python *python = open_hand(false);
        if (missing == 0) {
            hand_put(&hand, HAND_TABLE + 4 * 0x80, HAND_VM | 1); /* small integers are not all the same any more */
        } else if (missing == 1) {
            hand_put(&hand, HAND_POOL + 12, 0); /* an empty pool */
        } else {
            memcpy(hand.flash + 0x3000, hand.flash + 0x1000, 0x400); /* two tables */
        }
        assert_false(python_is_known(python));
        assert_string_equal(stack_text(python), "");
        python_close(python);
    }
}

static void leaves_out_what_is_no_frame(void **state) {
    struct python *python = open_hand(false);
    assert_string_equal(stack_text(python), "blink:20 <module>:3");
    hand_put(&hand, HAND_INNER + HAND_STATE + 12, 4); /* another number of slots than the prelude's */
    assert_string_equal(stack_text(python), "<module>:3");
    hand_put(&hand, HAND_INNER, HAND_INNER - 0x100); /* the chain goes down: it ends */
    assert_string_equal(stack_text(python), "");
    hand_put(&hand, HAND_TOP, 0);
    assert_string_equal(stack_text(python), "");
    python_close(python);
}

/* Each line has its range of instructions. */
static void tells_lines_and_their_ranges(void **state) {
    static const struct {
        uint32_t offset;
        unsigned line;
        uint32_t begin, end;
    } rows[] = { { 0, 1, 0, 4 }, { 3, 1, 0, 4 }, { 4, 3, 4, 10 }, { 9, 3, 4, 10 }, { 10, 20, 10, 0x8000 } };
    for (unsigned old = 0; old < 2; old++) {
        struct python_prelude prelude;
        hand_make(&hand, old);
        assert_true(python_decode_prelude(&hand.memory, !old, HAND_RAM + 0xa00, &prelude));
        assert_int_equal(prelude.states, 3);
        assert_int_equal(prelude.positional, 1);
        for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
            struct python_range range;
            python_find_line(&hand.memory, !old, &prelude, prelude.start + rows[i].offset, &range);
            assert_int_equal(range.line, rows[i].line);
            assert_int_equal(range.begin - prelude.start, rows[i].begin);
            assert_int_equal(range.end - prelude.start, rows[i].end);
        }
    }
}

/* The same function at another place is the same; changed lines make another one. */
static void knows_functions_again(void **state) {
    struct python *python = open_hand(false);
    struct python_frame frames[2], moved[2];
    assert_int_equal(python_stack(python, 0, frames, 2), 2);
    memmove(hand.ram + 0xc00, hand.ram + 0xa00, 0x40);
    hand_put(&hand, HAND_RAM + 0xa00 + 0x80 + 12, HAND_RAM + 0xc00);
    hand_put(&hand, HAND_INNER + HAND_STATE + 4, HAND_RAM + 0xc00 + 7 + 10);
    assert_int_equal(python_stack(python, 0, moved, 2), 2);
    assert_ptr_equal(frames[0].code, moved[0].code);
    hand_put_byte(&hand, HAND_RAM + 0xc00 + 4, 3 << 5 | 4); /* line 4 instead of 3 */
    assert_int_equal(python_stack(python, 0, moved, 2), 2);
    assert_ptr_not_equal(frames[0].code, moved[0].code);
    assert_int_equal(moved[0].line, 21);
    python_close(python);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_frames_of_both_layouts),
        cmocka_unit_test(tells_interned_strings),
        cmocka_unit_test(follows_new_strings),
        cmocka_unit_test(is_unknown_without_its_tables),
        cmocka_unit_test(leaves_out_what_is_no_frame),
        cmocka_unit_test(tells_lines_and_their_ranges),
        cmocka_unit_test(knows_functions_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
