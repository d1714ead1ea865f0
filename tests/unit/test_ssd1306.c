/* SSD1306: what the datasheet says of addressing, row mapping, control bytes and commands, seen on the glass. The
 * pictures are those of a module as it is mounted: A1h with C8h is upright. */
#include "emulator/core/serial.h"
#include "tests/unit/parts.h"

#include <string.h>

static struct net *scl(struct bench *bench) {
    return bench_net(bench, "SCL");
}

static struct net *sda(struct bench *bench) {
    return bench_net(bench, "SDA");
}

static void send(struct bench *bench, const uint8_t *bytes, size_t count) {
    assert_true(i2c_start(scl(bench), sda(bench), 0x3c, false));
    for (size_t i = 0; i < count; i++) {
        assert_true(i2c_write(scl(bench), sda(bench), bytes[i]));
    }
    i2c_stop(scl(bench), sda(bench));
}
#define SEND(bench, ...) send(bench, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* I2C alone: the pins of SPI are left open. */
static void create(struct bench *bench) {
    bench_create(bench, "board-ssd1306");
    bench_attribute(bench, "bus", "i2c");
    bench_drive(bench, "RST", NET_HIGH);
}

static void clear(struct bench *bench) {
    uint8_t zeros[1025] = { 0x40 };
    SEND(bench, 0x00, 0x20, 0, 0x21, 0, 127, 0x22, 0, 7);
    send(bench, zeros, sizeof(zeros));
}

/* Started, upright, cleared, on, pointer at 0, horizontal. */
static void begin(struct bench *bench) {
    create(bench);
    bench_start(bench);
    SEND(bench, 0x00, 0xa1, 0xc8, 0x8d, 0x14, 0xaf);
    clear(bench);
}

static const struct part_view *screen(struct bench *bench) {
    return part_view(bench->part, 0);
}

static bool lit(struct bench *bench, unsigned x, unsigned y) {
    const struct part_view *view = screen(bench);
    return view->screen.pixels[y * view->screen.width + x] != 0;
}

static unsigned count_lit(struct bench *bench) {
    unsigned count = 0;
    for (unsigned i = 0; i < screen(bench)->screen.width * screen(bench)->screen.height; i++) {
        count += lit(bench, i % 128, i / 128);
    }
    return count;
}

/* A byte is eight rows of a column, the least significant bit on top. */
static void bytes_stand_upright(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x40, 0x01, 0x80);
    assert_true(lit(&bench, 0, 0));
    assert_true(lit(&bench, 1, 7));
    assert_int_equal(count_lit(&bench), 2);
    assert_true(screen(&bench)->screen.on);
    bench_finish(&bench);
}

static void horizontal_addressing_wraps_in_its_window(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x00, 0x21, 10, 11, 0x22, 2, 3);
    SEND(&bench, 0x40, 1, 2, 4, 8, 16); /* the fifth one comes to the first's place */
    assert_true(lit(&bench, 10, 20) && lit(&bench, 11, 17) && lit(&bench, 10, 26) && lit(&bench, 11, 27));
    assert_int_equal(count_lit(&bench), 4);
    bench_finish(&bench);
}

static void vertical_addressing_goes_down_first(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x00, 0x20, 1, 0x21, 10, 11, 0x22, 2, 3);
    SEND(&bench, 0x40, 1, 2, 4, 8, 16);
    assert_true(lit(&bench, 10, 20) && lit(&bench, 10, 25) && lit(&bench, 11, 18) && lit(&bench, 11, 27));
    assert_int_equal(count_lit(&bench), 4);
    bench_finish(&bench);
}

static void page_addressing_stays_on_its_page(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x00, 0x20, 2, 0xb5, 0x0e, 0x17);
    SEND(&bench, 0x40, 1, 1, 1);
    assert_true(lit(&bench, 126, 40) && lit(&bench, 127, 40) && lit(&bench, 0, 40));
    assert_int_equal(count_lit(&bench), 3);
    bench_finish(&bench);
}

static void control_bytes_have_four_forms(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x80, 0xb1, 0x80, 0x05, 0xc0, 0x01, 0xc0, 0x02, 0x80, 0xa7, 0x40, 0x04, 0x08);
    assert_int_equal(count_lit(&bench), 8192 - 4);
    SEND(&bench, 0x80, 0x81, 0x80, 0x22); /* a command in two pieces */
    SEND(&bench, 0x00, 0xa6);
    assert_true(lit(&bench, 5, 8) && lit(&bench, 6, 9) && lit(&bench, 7, 10) && lit(&bench, 8, 11));
    assert_float_equal(screen(&bench)->screen.brightness, 0x22 / 255.0, 1e-6);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 0);
    bench_finish(&bench);
}

static void reading_gives_the_status(void **state) {
    struct bench bench;
    begin(&bench);
    assert_true(i2c_start(scl(&bench), sda(&bench), 0x3c, true));
    assert_int_equal(i2c_read(scl(&bench), sda(&bench)) & 0x40, 0);
    SEND(&bench, 0x00, 0xae);
    assert_true(i2c_start(scl(&bench), sda(&bench), 0x3c, true));
    assert_int_equal(i2c_read(scl(&bench), sda(&bench)) & 0x40, 0x40);
    assert_false(i2c_start(scl(&bench), sda(&bench), 0x3d, false));
    bench_finish(&bench);
}

static void without_remap_it_stands_on_its_head(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x00, 0xa0, 0xc0);
    SEND(&bench, 0x40, 0x01);
    assert_true(lit(&bench, 127, 63));
    SEND(&bench, 0x00, 0xa1); /* for data to come alone */
    assert_true(lit(&bench, 127, 63));
    SEND(&bench, 0x00, 0xc8);
    assert_true(lit(&bench, 127, 0));
    bench_finish(&bench);
}

/* Datasheet table of the RAM rows at ROW0.. for start line, offset and multiplex ratio, in both directions. A line is
 * lit in RAM row 8 alone. */
static void rows_are_mapped(void **state) {
    static const struct {
        uint8_t scan, multiplex, offset, start;
        int com; /* where RAM row 8 comes out; -1: nowhere */
    } table[] = {
        { 0xc0, 63, 0, 0, 8 },  { 0xc0, 63, 8, 0, 0 },  { 0xc0, 63, 0, 8, 0 },   { 0xc0, 55, 0, 0, 8 },
        { 0xc0, 55, 8, 0, 0 },  { 0xc0, 55, 0, 8, 0 },  { 0xc0, 63, 16, 0, 56 }, { 0xc8, 63, 0, 0, 55 },
        { 0xc8, 63, 8, 0, 47 }, { 0xc8, 63, 0, 8, 63 }, { 0xc8, 47, 0, 0, 39 },  { 0xc8, 47, 8, 0, 31 },
        { 0xc8, 47, 0, 8, 47 }, { 0xc0, 47, 0, 9, -1 },
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bench bench;
        begin(&bench);
        SEND(&bench, 0x00, 0x22, 1, 1);
        SEND(&bench, 0x40, 0x01);
        SEND(&bench, 0x00, table[i].scan, 0xa8, table[i].multiplex, 0xd3, table[i].offset, 0x40 | table[i].start);
        assert_int_equal(count_lit(&bench), table[i].com >= 0);
        if (table[i].com >= 0) {
            assert_true(lit(&bench, 0, 63 - (unsigned)table[i].com));
        }
        bench_finish(&bench);
    }
}

static void wrong_com_pins_interleave_rows(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x00, 0xc0, 0xda, 0x02);
    SEND(&bench, 0x40, 0x03);
    assert_true(lit(&bench, 0, 63) && lit(&bench, 0, 61));
    assert_int_equal(count_lit(&bench), 2);
    bench_finish(&bench);
}

static void all_on_inverse_off_and_pump(void **state) {
    struct bench bench;
    begin(&bench);
    uint64_t generation = screen(&bench)->screen.generation;
    assert_int_equal(screen(&bench)->screen.generation, generation);
    SEND(&bench, 0x00, 0xa5);
    assert_true(screen(&bench)->screen.generation > generation);
    assert_int_equal(count_lit(&bench), 8192);
    SEND(&bench, 0x00, 0xa4, 0xa7);
    assert_int_equal(count_lit(&bench), 8192);
    SEND(&bench, 0x00, 0xae);
    assert_false(screen(&bench)->screen.on);
    SEND(&bench, 0x00, 0xaf, 0x8d, 0x10);
    assert_false(screen(&bench)->screen.on);
    bench_finish(&bench);
}

static void a_small_panel(void **state) {
    struct bench bench;
    create(&bench);
    bench_attribute(&bench, "size", "128x32");
    bench_attribute(&bench, "color", "#00ffff");
    bench_start(&bench);
    assert_int_equal(screen(&bench)->screen.height, 32);
    SEND(&bench, 0x00, 0xa8, 31, 0xda, 0x02, 0xa1, 0xc8, 0x8d, 0x14, 0xaf);
    clear(&bench);
    SEND(&bench, 0x40, 0x01);
    SEND(&bench, 0x00, 0x22, 3, 3);
    SEND(&bench, 0x40, 0x80);
    assert_true(lit(&bench, 0, 0) && lit(&bench, 1, 31));
    assert_int_equal(count_lit(&bench), 2);
    assert_int_equal(screen(&bench)->screen.pixels[0], 0x00ffff);
    bench_finish(&bench);
}

/* Frame: 370 kHz / (1 * 54 * 64) = 107 Hz. */
static void scrolling_moves_columns(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x40, 0x01);
    SEND(&bench, 0x00, 0x26, 0, 0, 7, 0, 0, 0xff, 0x2f); /* right, every 2 frames, page 0 */
    stage_run(&bench.stage, 10 * 2 * PS_PER_S / 107 + PS_PER_MS);
    assert_true(lit(&bench, 10, 0));
    SEND(&bench, 0x00, 0x2e);
    stage_run(&bench.stage, PS_PER_S);
    assert_true(lit(&bench, 10, 0));
    assert_int_equal(count_lit(&bench), 1);
    SEND(&bench, 0x00, 0x2a, 0, 0, 7, 7, 1, 0x2f); /* left and up by a row */
    stage_run(&bench.stage, 3 * 2 * PS_PER_S / 107 + PS_PER_MS);
    assert_true(lit(&bench, 7, 61));
    bench_finish(&bench);
}

static void reset_pin_and_power(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x40, 0xff);
    bench_drive(&bench, "RST", NET_LOW);
    assert_false(i2c_start(scl(&bench), sda(&bench), 0x3c, false));
    bench_drive(&bench, "RST", NET_HIGH);
    assert_false(screen(&bench)->screen.on);
    SEND(&bench, 0x00, 0xc8, 0x8d, 0x14, 0xaf);
    assert_int_equal(count_lit(&bench), 8); /* the RAM is as it was */
    part_reset(bench.part);
    assert_true(count_lit(&bench) > 2000); /* now it is noise */
    bench_finish(&bench);
}

static void unknown_commands_are_told(void **state) {
    struct bench bench;
    begin(&bench);
    SEND(&bench, 0x00, 0xfe);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    SEND(&bench, 0x00, 0xd6, 0x01);
    assert_int_equal(bench.stage.log.count[LOG_STUB], 1);
    bench_finish(&bench);
}

/* ---- SPI ---- */
static void spi(struct bench *bench, bool data, uint8_t byte) {
    bench_drive(bench, "DC", data ? NET_HIGH : NET_LOW);
    spi_exchange(scl(bench), sda(bench), NULL, byte, 8);
}

static void spi_takes_commands_and_data_by_dc(void **state) {
    static const uint8_t set_up[] = { 0xa1, 0xc8, 0x8d, 0x14, 0x20, 0, 0xaf };
    struct bench bench;
    bench_create(&bench, "ssd1306");
    bench_start(&bench);
    bench_drive(&bench, "RST", NET_HIGH);
    bench_drive(&bench, "CS", NET_LOW);
    for (unsigned i = 0; i < sizeof(set_up); i++) {
        spi(&bench, false, set_up[i]);
    }
    for (unsigned i = 0; i < 1024; i++) {
        spi(&bench, true, i == 129);
    }
    assert_true(screen(&bench)->screen.on);
    assert_int_equal(count_lit(&bench), 1);
    assert_true(lit(&bench, 1, 8));
    bench_drive(&bench, "CS", NET_HIGH);
    spi(&bench, false, 0xae);
    assert_true(screen(&bench)->screen.on);
    bench_finish(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_stand_upright),
        cmocka_unit_test(horizontal_addressing_wraps_in_its_window),
        cmocka_unit_test(vertical_addressing_goes_down_first),
        cmocka_unit_test(page_addressing_stays_on_its_page),
        cmocka_unit_test(control_bytes_have_four_forms),
        cmocka_unit_test(reading_gives_the_status),
        cmocka_unit_test(without_remap_it_stands_on_its_head),
        cmocka_unit_test(rows_are_mapped),
        cmocka_unit_test(wrong_com_pins_interleave_rows),
        cmocka_unit_test(all_on_inverse_off_and_pump),
        cmocka_unit_test(a_small_panel),
        cmocka_unit_test(scrolling_moves_columns),
        cmocka_unit_test(reset_pin_and_power),
        cmocka_unit_test(unknown_commands_are_told),
        cmocka_unit_test(spi_takes_commands_and_data_by_dc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
