/* What is told of an image: published ones, and small ones made here. */
#include "firmware-loader/describe.h"
#include "tests/images.h"

static void describe_file(const char *name, struct description *d) {
    char path[4096];
    struct image image;
    struct error error = { "" };
    if (!image_load(&image, test_image(path, sizeof(path), name), CHIP_UNKNOWN, &error)) {
        fail_msg("%s", error.message);
    }
    describe_image(&image, d);
    image_finish(&image);
}

static void circuitpython_of_a_pico(void **state) {
    struct description d;
    describe_file("adafruit-circuitpython-raspberry_pi_pico-en_US-8.2.9.uf2", &d);
    assert_int_equal(d.kind, FIRMWARE_CIRCUITPYTHON);
    assert_int_equal(d.chip, CHIP_RP2040);
    assert_string_equal(d.program, "CircuitPython");
    assert_string_equal(d.version, "8.2.9");
    assert_string_equal(d.date, "2023-12-06");
    assert_string_equal(d.board_id, "raspberry_pi_pico");
    assert_string_equal(d.banner, "Adafruit CircuitPython 8.2.9 on 2023-12-06; Raspberry Pi Pico with rp2040");
    assert_ptr_equal(d.board, board_find("raspberry_pi_pico", NULL));
    assert_true(d.boot2_ok);
    assert_false(d.has_image_def);
    assert_true(d.has_drive);
    assert_int_equal(d.drive_offset, board_drive_offset(d.board));
}

static void circuitpython_of_a_pico2(void **state) {
    struct description d;
    describe_file("adafruit-circuitpython-raspberry_pi_pico2-en_US-10.2.1.uf2", &d);
    assert_int_equal(d.chip, CHIP_RP2350);
    assert_string_equal(d.version, "10.2.1");
    assert_string_equal(d.board_id, "raspberry_pi_pico2");
    assert_true(d.has_image_def);
    assert_false(d.riscv);
    assert_false(d.boot2_ok);
}

static void micropython(void **state) {
    struct description d;
    describe_file("RPI_PICO-20241129-v1.24.1.uf2", &d);
    assert_int_equal(d.kind, FIRMWARE_MICROPYTHON);
    assert_string_equal(d.version, "v1.24.1");
    assert_ptr_equal(d.board, board_find("raspberry_pi_pico", NULL));
    assert_int_equal(d.drive_offset, 0xa0000);
}

static void pico_sdk_program(void **state) {
    struct description d;
    describe_file("pico-examples/rp2040/hello_usb.uf2", &d);
    assert_int_equal(d.kind, FIRMWARE_PICO_SDK);
    assert_string_equal(d.program, "hello_usb");
    assert_string_equal(d.sdk_version, "2.2.0");
    assert_false(d.has_drive);
}

static void chip_of_a_hex_file(void **state) {
    struct description d;
    describe_file("pico-examples/rp2350/m33_blink_blink_simple.hex", &d);
    assert_int_equal(d.chip, CHIP_RP2350);
    assert_false(d.riscv);
    describe_file("pico-examples/rp2350/riscv_blink_blink_simple.hex", &d);
    assert_int_equal(d.chip, CHIP_RP2350);
    assert_true(d.riscv);
}

static void describe_bytes(const void *bytes, size_t size, struct description *d) {
    struct image image;
    assert_true(image_parse(&image, "a.bin", bytes, size, CHIP_UNKNOWN, NULL));
    describe_image(&image, d);
    image_finish(&image);
}

static void banner_alone(void **state) {
    static const char bytes[] = "....Adafruit CircuitPython 7.3.3 on 2022-08-29; Raspberry Pi Pico W with rp2040";
    struct description d;
    describe_bytes(bytes, sizeof(bytes), &d);
    assert_int_equal(d.kind, FIRMWARE_CIRCUITPYTHON);
    assert_string_equal(d.version, "7.3.3");
    assert_string_equal(d.date, "2022-08-29");
    assert_string_equal(d.board_id, "raspberry_pi_pico_w");
}

static void nothing_to_tell(void **state) {
    struct description d;
    describe_bytes("x", 1, &d);
    assert_int_equal(d.kind, FIRMWARE_UNKNOWN);
    assert_int_equal(d.chip, CHIP_UNKNOWN);
    assert_string_equal(d.program, "");
    assert_null(d.board);
    assert_false(d.has_boot2);
}

/* Pointers that lead nowhere, and a list as long as the address space, end quietly. */
static void hostile_binary_information(void **state) {
    static const uint32_t words[] = { 0x7188ebf2, 0x10000000, 0xfffffffc, 0x10000004, 0xe71aa390 };
    struct description d;
    describe_bytes(words, sizeof(words), &d);
    assert_int_equal(d.kind, FIRMWARE_PICO_SDK);
    assert_string_equal(d.program, "");
}

static void printed(void **state) {
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct image image;
    struct description d;
    assert_true(image_parse(&image, "a.bin", (const uint8_t *)"xyz", 3, CHIP_UNKNOWN, NULL));
    describe_image(&image, &d);
    describe_print(file, &image, &d);
    fclose(file);
    assert_string_equal(text, "file     a.bin: raw, 3 bytes for the unknown chip\n"
                              "program  unknown\n"
                              "range    0x10000000-0x10000002 3 bytes\n");
    free(text);
    image_finish(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circuitpython_of_a_pico),
        cmocka_unit_test(circuitpython_of_a_pico2),
        cmocka_unit_test(micropython),
        cmocka_unit_test(pico_sdk_program),
        cmocka_unit_test(chip_of_a_hex_file),
        cmocka_unit_test(banner_alone),
        cmocka_unit_test(nothing_to_tell),
        cmocka_unit_test(hostile_binary_information),
        cmocka_unit_test(printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
