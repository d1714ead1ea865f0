/* The board table holds what CircuitPython's board definitions say. */
#include "firmware-loader/boards.h"
#include "tests/unit/unit.h"

#include <string.h>

static void pico(void **state) {
    const struct board *board = board_find("raspberry_pi_pico", NULL);
    assert_non_null(board);
    assert_string_equal(board->name, "Raspberry Pi Pico");
    assert_int_equal(board->chip, CHIP_RP2040);
    assert_int_equal(board->flash_bytes, 2 << 20);
    assert_int_equal(board->nvm_offset, 1020 * 1024);
    assert_int_equal(board_drive_offset(board), 1 << 20);
    assert_int_equal(board_drive_bytes(board), 1 << 20);
    assert_int_equal(board->usb_vid, 0x239a);
    assert_int_equal(board->usb_pid, 0x80f4);
    assert_int_equal(board->led_pin, 25);
    assert_int_equal(board->neopixel_pin, -1);
    assert_int_equal(board->gpio_count, 30);
    assert_int_equal(board_pin(board, "A0"), 26);
    assert_int_equal(board_pin(board, "gp5"), 5);
    assert_int_equal(board_pin(board, "GPIO23"), 23);
    assert_int_equal(board_pin(board, "GPIO30"), -1);
    assert_int_equal(board_pin(board, "GPIO2x"), -1);
    assert_int_equal(board_pin(board, "D13"), -1);
}

static void wireless_board(void **state) {
    const struct board *board = board_find("raspberry_pi_pico2_w", NULL);
    assert_int_equal(board->chip, CHIP_RP2350);
    assert_int_equal(board->flash_bytes, 4 << 20);
    assert_int_equal(board->nvm_offset, 1536 * 1024);
    assert_true(board->wireless);
    assert_int_equal(board_pin(board, "LED"), BOARD_PIN_CYW43);
    assert_int_equal(board->led_pin, BOARD_PIN_CYW43);
}

static void others(void **state) {
    assert_int_equal(board_find("pimoroni_picosystem", NULL)->flash_bytes, 16 << 20);
    assert_int_equal(board_find("adafruit_fruit_jam", NULL)->saves_bytes, 2 << 20);
    assert_int_equal(board_drive_offset(board_find("adafruit_fruit_jam", NULL)), (1024 + 2048) * 1024);
    assert_int_equal(board_find("adafruit_fruit_jam", NULL)->gpio_count, 48);
    assert_int_equal(board_find("adafruit_feather_rp2040", NULL)->neopixel_pin, 16);
}

/* By the boards' schematics: flash, drive, pins of the package, chip select of the PSRAM. */
static void second_chip(void **state) {
    static const struct {
        const char *id;
        unsigned megabytes, gpios;
        int psram_cs, led;
    } expected[] = {
        { "raspberry_pi_pico2", 4, 30, -1, 25 },    { "pimoroni_tiny2350", 4, 30, -1, -1 },
        { "pimoroni_plasma2350", 4, 30, -1, -1 },   { "pimoroni_pico_plus2", 16, 48, 47, 25 },
        { "adafruit_feather_rp2350", 8, 30, 8, 7 },
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct board *board = board_find(expected[i].id, NULL);
        assert_non_null(board);
        assert_int_equal(board->chip, CHIP_RP2350);
        assert_int_equal(board->flash_bytes, expected[i].megabytes << 20);
        assert_int_equal(board_drive_bytes(board), (expected[i].megabytes - 1) << 20);
        assert_int_equal(board->gpio_count, expected[i].gpios);
        assert_int_equal(board->psram_cs_pin, expected[i].psram_cs);
        assert_int_equal(board->led_pin, expected[i].led);
    }
}

static void every_board_is_plausible(void **state) {
    assert_true(boards_table_count >= 158);
    for (size_t i = 0; i < boards_table_count; i++) {
        const struct board *board = &boards_table[i];
        assert_true(board->chip == CHIP_RP2040 || board->chip == CHIP_RP2350);
        assert_true(board->flash_bytes >= 2 << 20 && board->flash_bytes <= 16 << 20);
        assert_true(board_drive_offset(board) + (256u << 10) <= board->flash_bytes);
        assert_true(i == 0 || strcmp(boards_table[i - 1].id, board->id) < 0);
        for (size_t pin = 0; pin < board->pin_count; pin++) {
            assert_true(board->pins[pin].gpio < board->gpio_count || board->wireless);
        }
    }
}

static void names_the_nearest(void **state) {
    struct error error;
    assert_null(board_find("rasberry_pi_pico", &error));
    assert_string_equal(error.message, "no board 'rasberry_pi_pico'; the nearest is 'raspberry_pi_pico' "
                                       "(`ouroboard boards` lists all)");
    assert_string_equal(board_nearest("pimoroni_pico_system"), "pimoroni_picosystem");
    assert_string_equal(board_nearest("rasp"), "raspberry_pi_pico");
    assert_string_equal(board_nearest("picosystem"), "pimoroni_picosystem");
    assert_null(board_nearest("zzzz"));
    assert_null(board_nearest(""));
    assert_null(board_find("zzzz", &error));
    assert_string_equal(error.message, "no board 'zzzz' (`ouroboard boards` lists all)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pico),        cmocka_unit_test(wireless_board),           cmocka_unit_test(others),
        cmocka_unit_test(second_chip), cmocka_unit_test(every_board_is_plausible), cmocka_unit_test(names_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
