/* ST7789: what the datasheet says of windows, orientation, colours, modes and read-back, seen on the glass. */
#include "emulator/core/serial.h"
#include "tests/unit/parts.h"

#include <string.h>

static uint8_t transfer(struct bench *bench, bool data, uint8_t byte) {
    bench_drive(bench, "DC", data ? NET_HIGH : NET_LOW);
    return (uint8_t)spi_exchange(bench_net(bench, "SCL"), bench_net(bench, "SDA"), bench_net(bench, "MISO"), byte, 8);
}

static void send(struct bench *bench, uint8_t command, const uint8_t *arguments, size_t count) {
    transfer(bench, false, command);
    for (size_t i = 0; i < count; i++) {
        transfer(bench, true, arguments[i]);
    }
}
#define SEND(bench, command, ...)                                                                                      \
    send(bench, command, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void command(struct bench *bench, uint8_t code) {
    send(bench, code, NULL, 0);
}

static void window(struct bench *bench, unsigned x0, unsigned x1, unsigned y0, unsigned y1) {
    SEND(bench, 0x2a, (uint8_t)(x0 >> 8), (uint8_t)x0, (uint8_t)(x1 >> 8), (uint8_t)x1);
    SEND(bench, 0x2b, (uint8_t)(y0 >> 8), (uint8_t)y0, (uint8_t)(y1 >> 8), (uint8_t)y1);
    command(bench, 0x2c);
}

static void fill(struct bench *bench, unsigned count, unsigned colour) {
    for (unsigned i = 0; i < count; i++) {
        transfer(bench, true, (uint8_t)(colour >> 8));
        transfer(bench, true, (uint8_t)colour);
    }
}

/* Awake, on, 16 bits, the RAM black. */
static void begin(struct bench *bench, const char *size) {
    bench_create(bench, "st7789");
    bench_attribute(bench, "size", size);
    bench_drive(bench, "RST", NET_HIGH);
    bench_drive(bench, "BL", NET_HIGH);
    bench_drive(bench, "CS", NET_LOW);
    bench_start(bench);
    stage_run(&bench->stage, 200 * PS_PER_MS);
    command(bench, 0x11);
    stage_run(&bench->stage, 200 * PS_PER_MS);
    SEND(bench, 0x3a, 0x55);
    command(bench, 0x21);
    command(bench, 0x29);
    window(bench, 0, 239, 0, 319);
    fill(bench, 240 * 320, 0);
    SEND(bench, 0x36, 0xc0);
}

static const struct part_view *screen(struct bench *bench) {
    return part_view(bench->part, 0);
}

static uint32_t at(struct bench *bench, unsigned x, unsigned y) {
    return screen(bench)->screen.pixels[y * screen(bench)->screen.width + x];
}

static unsigned count_of(struct bench *bench, uint32_t colour) {
    unsigned count = 0;
    for (unsigned i = 0; i < screen(bench)->screen.width * screen(bench)->screen.height; i++) {
        count += screen(bench)->screen.pixels[i] == colour;
    }
    return count;
}

static void a_window_is_filled_row_by_row(void **state) {
    struct bench bench;
    begin(&bench, "240x240");
    window(&bench, 10, 11, 100, 101); /* the glass ends at row 239: with MY, 80 rows are above it */
    fill(&bench, 1, 0xf800);
    fill(&bench, 1, 0x07e0);
    fill(&bench, 2, 0x001f);
    fill(&bench, 1, 0xffff); /* once around */
    assert_int_equal(at(&bench, 10, 20), 0xffffff);
    assert_int_equal(at(&bench, 11, 20), 0x00ff00);
    assert_int_equal(at(&bench, 10, 21), 0x0000ff);
    assert_int_equal(at(&bench, 11, 21), 0x0000ff);
    SEND(&bench, 0x2a, 0, 0, 0, 1); /* RAMWR begins at the start of the window, WRMEMC goes on */
    SEND(&bench, 0x2b, 0, 80, 0, 80);
    SEND(&bench, 0x2c, 0xf8, 0x00);
    SEND(&bench, 0x3c, 0x07, 0xe0);
    assert_int_equal(at(&bench, 0, 0), 0xff0000);
    assert_int_equal(at(&bench, 1, 0), 0x00ff00);
    bench_finish(&bench);
}

/* An L, sent alike in every orientation: corner at the window's start, 3 pixels along x, 2 along y. */
static void draw_l(struct bench *bench, unsigned x, unsigned y) {
    window(bench, x, x + 2, y, y);
    fill(bench, 3, 0xf800);
    window(bench, x, x, y, y + 1);
    fill(bench, 2, 0x07e0);
}

static void all_orientations(void **state) {
    static const struct {
        uint8_t madctl;
        int corner_x, corner_y, along_x[2], along_y[2]; /* on the glass, for a L at x 4, y 80 + 6 */
    } table[] = {
        { 0xc0, 4, 6, { 1, 0 }, { 0, 1 } },       { 0x00, 235, 153, { -1, 0 }, { 0, -1 } },
        { 0x40, 4, 153, { 1, 0 }, { 0, -1 } },    { 0x80, 235, 6, { -1, 0 }, { 0, 1 } },
        { 0x20, 153, 235, { 0, -1 }, { -1, 0 } }, { 0x60, 86, 235, { 0, -1 }, { 1, 0 } },
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench bench;
        begin(&bench, "240x240");
        SEND(&bench, 0x36, table[i].madctl);
        draw_l(&bench, 4, 86);
        int x = table[i].corner_x, y = table[i].corner_y;
        assert_int_equal(at(&bench, (unsigned)x, (unsigned)y), 0x00ff00);
        assert_int_equal(at(&bench, (unsigned)(x + 2 * table[i].along_x[0]), (unsigned)(y + 2 * table[i].along_x[1])),
                         0xff0000);
        assert_int_equal(at(&bench, (unsigned)(x + table[i].along_y[0]), (unsigned)(y + table[i].along_y[1])),
                         0x00ff00);
        bench_finish(&bench);
    }
}

/* The two places where drivers of the small panel put it: 52 and 53, by direction. */
static void the_small_panel_lies_in_the_middle(void **state) {
    static const struct {
        uint8_t madctl;
        unsigned x, y, width, height;
    } table[] = {
        { 0x00, 52, 40, 135, 240 }, { 0xc0, 53, 40, 135, 240 }, { 0x60, 40, 53, 240, 135 }, { 0xa0, 40, 52, 240, 135 }
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench bench;
        begin(&bench, i % 2 ? "240x135" : "135x240");
        SEND(&bench, 0x36, table[i].madctl);
        window(&bench, table[i].x, table[i].x + table[i].width - 1, table[i].y, table[i].y + table[i].height - 1);
        fill(&bench, 135 * 240, 0xffe0);
        assert_int_equal(count_of(&bench, 0xffff00), 135 * 240);
        assert_int_equal(screen(&bench)->screen.width, i % 2 ? 240 : 135);
        bench_finish(&bench);
    }
}

static void pixels_outside_the_ram_are_lost(void **state) {
    struct bench bench;
    begin(&bench, "240x320");
    window(&bench, 238, 241, 0, 0);
    fill(&bench, 4, 0xffff);
    assert_int_equal(count_of(&bench, 0xffffff), 2);
    SEND(&bench, 0x2a, 0, 5, 0, 4);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    bench_finish(&bench);
}

static void colours_have_three_formats(void **state) {
    struct bench bench;
    begin(&bench, "240x320");
    window(&bench, 0, 9, 0, 0);
    fill(&bench, 1, 0x8410); /* 16, 32, 16: 33, 32, 33 of 63 */
    SEND(&bench, 0x3a, 0x53);
    SEND(&bench, 0x3c, 0xf0, 0x80, 0x0f);
    SEND(&bench, 0x3a, 0x66);
    SEND(&bench, 0x3c, 0xfc, 0x04, 0x00);
    assert_int_equal(at(&bench, 0, 0), 0x868286);
    assert_int_equal(at(&bench, 1, 0), 0xff008a);
    assert_int_equal(at(&bench, 2, 0), 0x0000ff);
    assert_int_equal(at(&bench, 3, 0), 0xff0400);
    SEND(&bench, 0x36, 0xc8); /* the order of red and blue, of what is shown */
    assert_int_equal(at(&bench, 2, 0), 0xff0000);
    bench_finish(&bench);
}

static void display_modes(void **state) {
    struct bench bench;
    begin(&bench, "240x320");
    window(&bench, 0, 0, 0, 0);
    fill(&bench, 1, 0x9a60); /* red and green above the half */
    assert_true(screen(&bench)->screen.on);
    uint64_t generation = screen(&bench)->screen.generation;
    command(&bench, 0x39);
    assert_int_equal(at(&bench, 0, 0), 0xff0000);
    assert_true(screen(&bench)->screen.generation > generation);
    command(&bench, 0x38);
    command(&bench, 0x20);
    assert_int_equal(at(&bench, 1, 0), 0xffffff); /* an IPS panel without INVON */
    command(&bench, 0x28);
    assert_false(screen(&bench)->screen.on);
    command(&bench, 0x29);
    command(&bench, 0x10);
    assert_false(screen(&bench)->screen.on);
    bench_finish(&bench);
}

static void partial_and_scrolling_areas(void **state) {
    struct bench bench;
    begin(&bench, "240x320");
    SEND(&bench, 0x36, 0x00); /* rows count from below on this glass */
    window(&bench, 0, 0, 100, 101);
    fill(&bench, 1, 0xf800);
    fill(&bench, 1, 0x07e0);
    SEND(&bench, 0x30, 0, 101, 0, 110);
    command(&bench, 0x12);
    assert_int_equal(at(&bench, 239, 319 - 100), 0);
    assert_int_equal(at(&bench, 239, 319 - 101), 0x00ff00);
    command(&bench, 0x13);
    SEND(&bench, 0x33, 0, 50, 0, 200, 0, 70); /* 50 fixed, 200 scrolling, 70 fixed */
    SEND(&bench, 0x37, 0, 60);
    assert_int_equal(at(&bench, 239, 319 - 90), 0xff0000);
    SEND(&bench, 0x37, 0, 249); /* the last row first */
    assert_int_equal(at(&bench, 239, 319 - 101), 0xff0000);
    command(&bench, 0x13);
    assert_int_equal(at(&bench, 239, 319 - 100), 0xff0000);
    SEND(&bench, 0x33, 0, 50, 0, 200, 0, 71);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    bench_finish(&bench);
}

static unsigned read_one(struct bench *bench, uint8_t code) {
    command(bench, code);
    return transfer(bench, true, 0);
}

/* A clock of nothing, then 16 bits. */
static unsigned read_word(struct bench *bench, uint8_t code) {
    uint32_t bits = 0;
    command(bench, code);
    for (unsigned i = 0; i < 3; i++) {
        bits = bits << 8 | transfer(bench, true, 0);
    }
    return bits >> 7 & 0xffff;
}

static void it_can_be_read_back(void **state) {
    struct bench bench;
    begin(&bench, "240x320");
    command(&bench, 0x04); /* one clock, then the identification */
    uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        bits = bits << 8 | transfer(&bench, true, 0);
    }
    assert_int_equal(bits >> 7 & 0xffffff, 0x858552);
    assert_int_equal(read_one(&bench, 0xda), 0x85);
    assert_int_equal(read_one(&bench, 0xdc), 0x52);
    assert_int_equal(read_one(&bench, 0x0a), 0x9c);
    assert_int_equal(read_one(&bench, 0x0b), 0xc0);
    assert_int_equal(read_one(&bench, 0x0c), 0x55);
    SEND(&bench, 0x26, 0x08);
    assert_int_equal(read_one(&bench, 0x0d), 0x23); /* INVON, the fourth gamma curve */
    window(&bench, 3, 4, 7, 7);
    fill(&bench, 1, 0xf81f);
    fill(&bench, 1, 0x07e0);
    static const uint8_t expected[] = { 0, 0xfc, 0, 0xfc, 0, 0xfc, 0 };
    command(&bench, 0x2e);
    for (unsigned i = 0; i < sizeof(expected); i++) {
        assert_int_equal(transfer(&bench, true, 0), expected[i]);
    }
    bench_finish(&bench);
}

/* The same bit by bit: DC rises after the command's last clock. */
static uint8_t play(struct bench *bench, bool data, uint8_t byte) {
    uint8_t in = 0;
    bench_drive(bench, "DC", data ? NET_HIGH : NET_LOW);
    for (unsigned bit = 8; bit-- > 0;) {
        bench_drive(bench, "SDA", byte >> bit & 1 ? NET_HIGH : NET_LOW);
        bench_drive(bench, "SCL", NET_HIGH);
        in = (uint8_t)(in << 1 | net_is_high(bench_net(bench, "MISO")));
        bench_drive(bench, "SCL", NET_LOW);
    }
    return in;
}

static void it_can_be_read_back_on_the_wires(void **state) {
    static const uint8_t expected[] = { 0, 0xfc, 0, 0xfc };
    struct bench bench;
    begin(&bench, "240x320");
    play(&bench, false, 0x0a);
    assert_int_equal(play(&bench, true, 0), 0x9c);
    window(&bench, 3, 4, 7, 7);
    fill(&bench, 1, 0xf81f);
    play(&bench, false, 0x2e);
    for (unsigned i = 0; i < sizeof(expected); i++) {
        assert_int_equal(play(&bench, true, 0), expected[i]);
    }
    play(&bench, false, 0x3c); /* goes on at the second pixel */
    play(&bench, true, 0x07);
    play(&bench, true, 0xe0);
    assert_int_equal(at(&bench, 4, 7), 0x00ff00);
    bench_finish(&bench);
}

static void resets_take_time(void **state) {
    struct bench bench;
    begin(&bench, "240x320");
    bench_drive(&bench, "RST", NET_LOW); /* too short */
    stage_run(&bench.stage, 2 * PS_PER_US);
    bench_drive(&bench, "RST", NET_HIGH);
    assert_true(screen(&bench)->screen.on);
    bench_drive(&bench, "RST", NET_LOW);
    stage_run(&bench.stage, 20 * PS_PER_US);
    bench_drive(&bench, "RST", NET_HIGH);
    assert_false(screen(&bench)->screen.on);
    stage_run(&bench.stage, 4 * PS_PER_MS);
    command(&bench, 0x29); /* lost */
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    stage_run(&bench.stage, 2 * PS_PER_MS);
    assert_int_equal(read_one(&bench, 0x0a), 0x08);
    command(&bench, 0x11); /* less than 120 ms after a reset that put it to sleep */
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 2);
    assert_int_equal(read_one(&bench, 0x0a), 0x98);
    stage_run(&bench.stage, PS_PER_S);
    SEND(&bench, 0x36, 0x60);
    SEND(&bench, 0x3a, 0x55);
    command(&bench, 0x01); /* by software: MADCTL and COLMOD stay */
    stage_run(&bench.stage, PS_PER_S);
    assert_int_equal(read_one(&bench, 0x0b), 0x60);
    assert_int_equal(read_one(&bench, 0x0c), 0x55);
    bench_drive(&bench, "RST", NET_LOW);
    stage_run(&bench.stage, 20 * PS_PER_US);
    bench_drive(&bench, "RST", NET_HIGH);
    stage_run(&bench.stage, PS_PER_S);
    assert_int_equal(read_one(&bench, 0x0b), 0);
    assert_int_equal(read_one(&bench, 0x0c), 0x66);
    command(&bench, 0x11);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 2);
    bench_finish(&bench);
}

static void the_backlight_follows_its_pin(void **state) {
    struct bench bench;
    begin(&bench, "240x240");
    assert_true(screen(&bench)->screen.brightness == 1);
    for (unsigned i = 0; i < 50; i++) {
        bench_drive(&bench, "BL", NET_HIGH);
        stage_run(&bench.stage, 300 * PS_PER_US);
        bench_drive(&bench, "BL", NET_LOW);
        stage_run(&bench.stage, 700 * PS_PER_US);
    }
    assert_float_equal(screen(&bench)->screen.brightness, 0.3, 1e-6);
    bench_finish(&bench);
}

static void the_tearing_signal_comes_with_every_frame(void **state) {
    struct bench bench;
    begin(&bench, "240x240");
    SEND(&bench, 0x35, 0);
    unsigned rises = 0;
    bool was = false;
    for (unsigned i = 0; i < 10000; i++) {
        stage_run(&bench.stage, 100 * PS_PER_US);
        bool high = net_is_high(bench_net(&bench, "TE"));
        rises += high && !was;
        was = high;
    }
    assert_in_range(rises, 59, 60);
    unsigned expected[] = { 0, 100 };
    for (unsigned i = 0; i < 2; i++) { /* STE: it rises at that line, GSCAN tells which one it is */
        SEND(&bench, 0x44, 0, (uint8_t)expected[i]);
        while (!net_is_high(bench_net(&bench, "TE"))) {
            stage_run(&bench.stage, PS_PER_US);
        }
        assert_int_equal(read_word(&bench, 0x45), expected[i]);
    }
    command(&bench, 0x34);
    stage_run(&bench.stage, PS_PER_S);
    assert_false(net_is_high(bench_net(&bench, "TE")));
    bench_finish(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_filled_row_by_row),
        cmocka_unit_test(all_orientations),
        cmocka_unit_test(the_small_panel_lies_in_the_middle),
        cmocka_unit_test(pixels_outside_the_ram_are_lost),
        cmocka_unit_test(colours_have_three_formats),
        cmocka_unit_test(display_modes),
        cmocka_unit_test(partial_and_scrolling_areas),
        cmocka_unit_test(it_can_be_read_back),
        cmocka_unit_test(it_can_be_read_back_on_the_wires),
        cmocka_unit_test(resets_take_time),
        cmocka_unit_test(the_backlight_follows_its_pin),
        cmocka_unit_test(the_tearing_signal_comes_with_every_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
