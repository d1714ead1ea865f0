/* The monitor against DVI 1.0: every code of every byte, control symbols, frames of several sizes. */
#include "emulator/core/dvi.h"
#include "tests/unit/parts.h"

#include <string.h>

static const uint16_t control_codes[4] = { 0x354, 0x0ab, 0x154, 0x2ab }; /* by C1 C0 */

static struct dvi_target *target_of(struct bench *bench) {
    struct dvi_target *target = dvi_next_target(bench_net(bench, "D0+"), NULL);
    assert_non_null(target);
    return target;
}

static void give(struct bench *bench, uint16_t lane0, uint16_t lane1, uint16_t lane2, uint32_t count) {
    const uint16_t lanes[3] = { lane0, lane1, lane2 };
    struct dvi_target *target = target_of(bench);
    target->symbols(target, lanes, count, bench->stage.scheduler.now_ps, 40 * PS_PER_NS);
    bench->stage.scheduler.now_ps += count * 40 * PS_PER_NS;
}

static void blank(struct bench *bench, bool vsync, bool hsync, uint32_t count) {
    give(bench, control_codes[2 * vsync + hsync], control_codes[0], control_codes[0], count);
}

/* Nine bits by XOR or XNOR, then as they are or inverted: DVI 1.0, figure 3-5, without its choice between them. */
static uint16_t encode(unsigned pixel, bool with_xor, bool inverted) {
    unsigned word = pixel & 1;
    for (unsigned bit = 1; bit < 8; bit++) {
        word |= ((word >> (bit - 1) ^ pixel >> bit ^ !with_xor) & 1) << bit;
    }
    return (uint16_t)((inverted ? ~word & 0xff : word) | (with_xor ? 0x100 : 0) | (inverted ? 0x200 : 0));
}

static bool is_control(uint16_t code) {
    return code == control_codes[0] || code == control_codes[1] || code == control_codes[2] || code == control_codes[3];
}

/* A code of the byte that is not a control symbol. */
static uint16_t plain(unsigned pixel) {
    uint16_t code = encode(pixel, true, false);
    return is_control(code) ? encode(pixel, true, true) : code;
}

static void line_of(struct bench *bench, unsigned columns, uint32_t colour) {
    give(bench, plain(colour & 0xff), plain(colour >> 8 & 0xff), plain(colour >> 16 & 0xff), columns);
    blank(bench, false, false, 16);
    blank(bench, false, true, 96);
    blank(bench, false, false, 48);
}

static void frame_of(struct bench *bench, unsigned columns, unsigned lines, uint32_t colour) {
    for (unsigned line = 0; line < lines; line++) {
        line_of(bench, columns, colour + line);
    }
    for (unsigned line = 0; line < 45; line++) {
        blank(bench, line >= 10 && line < 12, false, columns + 160);
    }
}

static struct part_view screen(struct bench *bench) {
    return *part_view(bench->part, 0);
}

static void make(struct bench *bench, const char *size) {
    bench_create(bench, "dvi-monitor");
    bench_attribute(bench, "size", size);
    bench_start(bench);
}

/* A picture of one pixel, which is shown in the middle of the glass. */
static void give_pixel_frame(struct bench *bench, uint16_t code) {
    give(bench, code, plain(0), code, 1);
    blank(bench, false, false, 1);
    blank(bench, true, false, 1);
    blank(bench, false, false, 1);
}

static void test_every_code_of_every_byte(void **state) {
    struct bench bench;
    make(&bench, "1280x720");
    give_pixel_frame(&bench, plain(0));
    for (unsigned pixel = 0; pixel < 256; pixel++) {
        for (unsigned way = 0; way < 4; way++) {
            uint16_t code = encode(pixel, way & 1, way & 2);
            if (!is_control(code)) {
                give_pixel_frame(&bench, code);
                assert_int_equal(screen(&bench).screen.pixels[1280 * 359 + 639], pixel << 16 | pixel);
            }
        }
    }
    bench_finish(&bench);
}

static void test_a_frame(void **state) {
    struct bench bench;
    make(&bench, "640x480");
    assert_false(screen(&bench).screen.on);
    assert_string_equal(part_view(bench.part, 1)->text, "no signal");
    frame_of(&bench, 640, 480, 0x400000);
    frame_of(&bench, 640, 480, 0x400000);
    struct part_view view = screen(&bench);
    assert_true(view.screen.on);
    assert_int_equal(view.screen.width, 640);
    assert_int_equal(view.screen.height, 480);
    for (unsigned y = 0; y < 480; y++) {
        assert_int_equal(view.screen.pixels[640 * y], 0x400000 + y);
        assert_int_equal(view.screen.pixels[640 * y + 639], 0x400000 + y);
    }
    assert_string_equal(part_view(bench.part, 1)->text, "640x480 59.5 Hz"); /* 25 MHz / (800 * 525) */
    bench_finish(&bench);
}

/* In the middle of the glass, the rest of it black; nothing is scaled. */
static void test_a_smaller_picture(void **state) {
    struct bench bench;
    make(&bench, "800x600");
    frame_of(&bench, 640, 480, 0x000001);
    frame_of(&bench, 640, 480, 0x000001);
    const uint32_t *pixels = screen(&bench).screen.pixels;
    assert_int_equal(pixels[800 * 60 + 80], 1);
    assert_int_equal(pixels[800 * 539 + 719], 480);
    assert_int_equal(pixels[0], 0);
    assert_int_equal(pixels[800 * 60 + 79], 0);
    assert_int_equal(pixels[800 * 539 + 720], 0);
    bench_finish(&bench);
}

static void test_a_larger_picture_is_cut_off(void **state) {
    struct bench bench;
    make(&bench, "640x480");
    frame_of(&bench, 720, 500, 1);
    frame_of(&bench, 720, 500, 1);
    const uint32_t *pixels = screen(&bench).screen.pixels;
    assert_int_equal(pixels[0], 11); /* 10 lines are above */
    assert_int_equal(pixels[640 * 479 + 639], 490);
    assert_string_equal(part_view(bench.part, 1)->text, "720x500 52.1 Hz");
    bench_finish(&bench);
}

static void test_no_signal_any_more(void **state) {
    struct bench bench;
    make(&bench, "640x480");
    frame_of(&bench, 640, 480, 1);
    assert_true(screen(&bench).screen.on);
    uint64_t generation = screen(&bench).screen.generation;
    stage_run(&bench.stage, 101 * PS_PER_MS);
    assert_false(screen(&bench).screen.on);
    assert_true(screen(&bench).screen.generation > generation);
    assert_string_equal(part_view(bench.part, 1)->text, "no signal");
    bench_finish(&bench);
}

/* Symbols without any order neither crash nor write beside the glass (the sanitizers watch). */
static void test_noise(void **state) {
    struct bench bench;
    make(&bench, "640x480");
    struct random random;
    random_init(&random, 7);
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t bits = random_next(&random);
        uint32_t count = bits >> 40 & 1 ? 1 : (uint32_t)(bits >> 41 & 0xffff);
        give(&bench, bits & 0x3ff, bits >> 10 & 0x3ff, bits >> 20 & 0x3ff, count);
    }
    give(&bench, plain(0), plain(0), plain(0), UINT32_MAX);
    give(&bench, plain(0), plain(0), plain(0), UINT32_MAX);
    part_reset(bench.part);
    assert_int_equal(screen(&bench).screen.pixels[0], 0);
    bench_finish(&bench);
}

static void test_it_wants_all_pairs(void **state) {
    struct bench bench;
    stage_init(&bench.stage);
    bench.part = part_create(part_class_find("dvi-monitor"), "tv", &bench.stage.env, &bench.error);
    net_init(&bench.nets[0], "net", &bench.stage.env);
    assert_true(part_connect(bench.part, "D0P", &bench.nets[0], &bench.error));
    assert_false(part_start(bench.part, &bench.error));
    assert_non_null(strstr(bench.error.message, "it needs D0+, D1+, D2+ and CK+"));
    bench_finish(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_of_every_byte), cmocka_unit_test(test_a_frame),
        cmocka_unit_test(test_a_smaller_picture),        cmocka_unit_test(test_a_larger_picture_is_cut_off),
        cmocka_unit_test(test_no_signal_any_more),       cmocka_unit_test(test_noise),
        cmocka_unit_test(test_it_wants_all_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
