/* Images as they are published are read, and give the ranges that their makers put in. */
#include "firmware-loader/image.h"
#include "tests/images.h"

struct expected {
    const char *file;
    enum chip chip;
    uint32_t end;
    size_t skipped;
};

static void reads(const struct expected *expected) {
    char path[4096];
    struct image image;
    struct error error = { "" };
    if (!image_load(&image, test_image(path, sizeof(path), expected->file), CHIP_UNKNOWN, &error)) {
        fail_msg("%s", error.message);
    }
    const struct image_range *last = &image.ranges[image.range_count - 1];
    assert_int_equal(image.chip, expected->chip);
    assert_int_equal(image.ranges[0].address, 0x10000000);
    assert_int_equal(last->address + last->size, expected->end);
    assert_int_equal(image.skipped_blocks, expected->skipped);
    assert_true(image_fits(&image, expected->chip, 2 << 20, NULL));
    image_finish(&image);
}

static void circuitpython(void **state) {
    reads(&(struct expected){ "adafruit-circuitpython-raspberry_pi_pico-en_US-8.2.9.uf2", CHIP_RP2040, 0x100bbc00, 0 });
    reads(
        &(struct expected){ "adafruit-circuitpython-raspberry_pi_pico-en_US-10.2.1.uf2", CHIP_RP2040, 0x100e0200, 0 });
    reads(
        &(struct expected){ "adafruit-circuitpython-raspberry_pi_pico2-en_US-10.2.1.uf2", CHIP_RP2350, 0x100d7600, 0 });
}

static void micropython_with_e10_block(void **state) {
    reads(&(struct expected){ "RPI_PICO-20241129-v1.24.1.uf2", CHIP_RP2040, 0x10051600, 0 });
    reads(&(struct expected){ "RPI_PICO2-20241129-v1.24.1.uf2", CHIP_RP2350, 0x1004f300, 1 });
}

static void wrong_chip(void **state) {
    char path[4096];
    struct image image;
    struct error error = { "" };
    test_image(path, sizeof(path), "adafruit-circuitpython-raspberry_pi_pico2-en_US-10.2.1.uf2");
    assert_false(image_load(&image, path, CHIP_RP2040, &error));
    assert_non_null(strstr(error.message, "offset 0x1c: blocks are for RP2350-ARM-S, not for the RP2040"));
}

/* The same program as UF2 and as Intel HEX. */
static void hex_and_uf2_agree(void **state) {
    char path[4096];
    struct image uf2, hex;
    assert_true(image_load(&uf2, test_image(path, sizeof(path), "pico-examples/rp2350/m33_blink_blink_simple.uf2"),
                           CHIP_RP2350, NULL));
    assert_true(image_load(&hex, test_image(path, sizeof(path), "pico-examples/rp2350/m33_blink_blink_simple.hex"),
                           CHIP_RP2350, NULL));
    for (size_t i = 0; i < hex.range_count; i++) {
        const uint8_t *same = image_at(&uf2, hex.ranges[i].address, hex.ranges[i].size);
        assert_non_null(same);
        assert_memory_equal(same, hex.ranges[i].bytes, hex.ranges[i].size);
    }
    image_finish(&uf2);
    image_finish(&hex);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circuitpython),
        cmocka_unit_test(micropython_with_e10_block),
        cmocka_unit_test(wrong_chip),
        cmocka_unit_test(hex_and_uf2_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
