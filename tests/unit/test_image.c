/* The readers of image formats: what they accept, and what they say of malformed files. */
#include "firmware-loader/image.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define UF2_BLOCK 512

static void put32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> 8 * i);
    }
}

/* One block with 256 bytes of `fill`. */
static void uf2_block(uint8_t *p, uint32_t family, uint32_t address, uint32_t number, uint32_t count, uint8_t fill) {
    memset(p, 0, UF2_BLOCK);
    put32(p, 0x0a324655);
    put32(p + 4, 0x9e5d5157);
    put32(p + 8, 0x2000);
    put32(p + 12, address);
    put32(p + 16, 256);
    put32(p + 20, number);
    put32(p + 24, count);
    put32(p + 28, family);
    memset(p + 32, fill, 256);
    put32(p + 508, 0x0ab16f30);
}

static void parses(struct image *image, const char *name, const void *bytes, size_t size, enum chip chip) {
    struct error error = { "" };
    if (!image_parse(image, name, bytes, size, chip, &error)) {
        fail_msg("%s", error.message);
    }
}

static void refuses(const char *name, const void *bytes, size_t size, enum chip chip, const char *message) {
    struct image image = { 0 };
    struct error error = { "" };
    assert_false(image_parse(&image, name, bytes, size, chip, &error));
    assert_string_equal(error.message, message);
    assert_null(image.ranges);
}

/* ---- UF2 ---- */

static void uf2_out_of_order_with_gap_and_duplicate(void **state) {
    uint8_t file[4 * UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2040, 0x10001000, 2, 3, 0x33);
    uf2_block(file + 512, UF2_FAMILY_RP2040, 0x10000100, 1, 3, 0x22);
    uf2_block(file + 1024, UF2_FAMILY_RP2040, 0x10000000, 0, 3, 0x11);
    uf2_block(file + 1536, UF2_FAMILY_RP2040, 0x10000100, 1, 3, 0x22);
    struct image image;
    parses(&image, "a", file, sizeof(file), CHIP_RP2040);
    assert_int_equal(image.format, IMAGE_UF2);
    assert_int_equal(image.chip, CHIP_RP2040);
    assert_int_equal(image.range_count, 2);
    assert_int_equal(image.ranges[0].address, 0x10000000);
    assert_int_equal(image.ranges[0].size, 512);
    assert_int_equal(image.ranges[0].bytes[255], 0x11);
    assert_int_equal(image.ranges[0].bytes[256], 0x22);
    assert_int_equal(image.ranges[1].address, 0x10001000);
    assert_int_equal(image.total, 768);
    image_finish(&image);
}

static void uf2_contradicting_duplicate(void **state) {
    uint8_t file[2 * UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2040, 0x10000000, 0, 1, 0x11);
    uf2_block(file + 512, UF2_FAMILY_RP2040, 0x10000000, 0, 1, 0x11);
    file[512 + 32 + 5] = 0x12;
    refuses("a", file, sizeof(file), CHIP_RP2040,
            "a: offset 0x200: other contents for address 0x10000005 than elsewhere in the file");
}

static void uf2_leaves_out_what_is_not_for_main_flash(void **state) {
    uint8_t file[2 * UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2040, 0x10000000, 0, 1, 0x11);
    uf2_block(file + 512, UF2_FAMILY_RP2040, 0x10000000, 0, 1, 0x77);
    put32(file + 512 + 8, 0x2001);
    struct image image;
    parses(&image, "a", file, sizeof(file), CHIP_RP2040);
    assert_int_equal(image.total, 256);
    assert_int_equal(image.skipped_blocks, 1);
    image_finish(&image);
    refuses("a", file + 512, 512, CHIP_RP2040, "a: no block is for the main flash");
}

static void uf2_chooses_family_by_chip(void **state) {
    uint8_t file[4 * UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_ABSOLUTE, 0x10ffff00, 0, 2, 0xef); /* E10 */
    uf2_block(file + 512, UF2_FAMILY_RP2350_ARM_S, 0x10000000, 0, 1, 0x35);
    uf2_block(file + 1024, UF2_FAMILY_RP2040, 0x10000000, 0, 1, 0x20);
    uf2_block(file + 1536, UF2_FAMILY_RP2350_RISCV, 0x10000000, 0, 1, 0x55);
    static const struct {
        enum chip asked, got;
        uint8_t fill;
    } cases[] = { { CHIP_RP2040, CHIP_RP2040, 0x20 },
                  { CHIP_RP2350, CHIP_RP2350, 0x35 },
                  { CHIP_UNKNOWN, CHIP_RP2350, 0x35 } };
    for (size_t i = 0; i < 3; i++) {
        struct image image;
        parses(&image, "a", file, sizeof(file), cases[i].asked);
        assert_int_equal(image.chip, cases[i].got);
        assert_int_equal(image.total, 256);
        assert_int_equal(image.ranges[0].bytes[0], cases[i].fill);
        assert_int_equal(image.family_count, 3);
        assert_int_equal(image.skipped_blocks, 3);
        image_finish(&image);
    }
}

static void uf2_takes_data_family_beside_the_program(void **state) {
    uint8_t file[2 * UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2350_ARM_S, 0x10000000, 0, 1, 0x35);
    uf2_block(file + 512, UF2_FAMILY_DATA, 0x10100000, 0, 1, 0x58);
    struct image image;
    parses(&image, "a", file, sizeof(file), CHIP_RP2350);
    assert_int_equal(image.range_count, 2);
    assert_int_equal(image.family, UF2_FAMILY_RP2350_ARM_S);
    image_finish(&image);
}

static void uf2_for_another_chip(void **state) {
    uint8_t file[UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2350_ARM_S, 0x10000000, 0, 1, 0);
    refuses("a.uf2", file, sizeof(file), CHIP_RP2040,
            "a.uf2: offset 0x1c: blocks are for RP2350-ARM-S, not for the RP2040: take another image or board");
    uf2_block(file, UF2_FAMILY_RP2350_RISCV, 0x10000000, 0, 1, 0);
    refuses("a.uf2", file, sizeof(file), CHIP_UNKNOWN,
            "a.uf2: offset 0x1c: blocks are for RP2350-RISC-V, not for the RP2040 or the Arm cores of the RP2350: take "
            "another image or board");
    uf2_block(file, 0x12345678, 0x10000000, 0, 1, 0);
    refuses("a.uf2", file, sizeof(file), CHIP_RP2350,
            "a.uf2: offset 0x1c: blocks are for family 0x12345678, not for the RP2350: take another image or board");
}

static void uf2_malformed(void **state) {
    static const struct {
        size_t offset;
        uint32_t value;
        const char *message;
    } cases[] = {
        { 512, 0, "a.uf2: offset 0x200: first magic number is 0x00000000, not 0x0a324655" },
        { 516, 1, "a.uf2: offset 0x204: second magic number is 0x00000001, not 0x9e5d5157" },
        { 1020, 2, "a.uf2: offset 0x3fc: last magic number is 0x00000002, not 0x0ab16f30" },
        { 512 + 16, 477, "a.uf2: offset 0x210: payload of 477 bytes; a block holds at most 476" },
        { 512 + 16, 476, "a.uf2: offset 0x210: payload of 476 bytes; the boot ROM takes 256" },
        { 512 + 12, 0x10000180, "a.uf2: offset 0x20c: flash address 0x10000180 is not a multiple of 256" },
        { 512 + 20, 2, "a.uf2: offset 0x214: block number 2 of 2" },
        { 512 + 20, 0, "a.uf2: offset 0x0: 1 of 2 blocks are missing, the first is number 1" },
        { 512 + 24, 9, "a.uf2: offset 0x218: block count 9, where earlier blocks say 2" },
        { 24, 0xffffffff, "a.uf2: offset 0x18: says it is one of 4294967295 blocks; the file holds 2 (cut short?)" },
        { 0, 0, "a.uf2: offset 0x0: first magic number is 0x00000000, not 0x0a324655" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t file[2 * UF2_BLOCK];
        uf2_block(file, UF2_FAMILY_RP2040, 0x10000000, 0, 2, 0);
        uf2_block(file + 512, UF2_FAMILY_RP2040, 0x10000100, 1, 2, 0);
        put32(file + cases[i].offset, cases[i].value);
        refuses("a.uf2", file, sizeof(file), CHIP_RP2040, cases[i].message);
    }
}

static void uf2_cut_short(void **state) {
    uint8_t file[2 * UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2040, 0x10000000, 0, 2, 0);
    uf2_block(file + 512, UF2_FAMILY_RP2040, 0x10000100, 1, 2, 0);
    refuses("a", file, 1000, CHIP_RP2040, "a: offset 0x18: says it is one of 2 blocks; the file holds 1 (cut short?)");
    put32(file + 24, 1);
    put32(file + 512 + 24, 1);
    refuses("a", file, 1000, CHIP_RP2040, "a: offset 0x200: 488 bytes where a block of 512 should be (cut short?)");
}

static void uf2_at_the_end_of_the_address_space(void **state) {
    uint8_t file[UF2_BLOCK];
    uf2_block(file, UF2_FAMILY_RP2040, 0xffffff80, 0, 1, 0);
    refuses("a", file, sizeof(file), CHIP_RP2040, "a: offset 0x0: 256 bytes at 0xffffff80 go beyond the address space");
}

/* ---- ELF ---- */

/* An executable with one segment of 8 bytes at 0x80. */
static void elf_file(uint8_t *p) {
    memset(p, 0, 0x88);
    memcpy(p,
           "\x7f"
           "ELF\x01\x01\x01",
           7);
    p[16] = 2;
    p[18] = 40;
    put32(p + 24, 0x100001e9);
    put32(p + 28, 52);
    p[42] = 32;
    p[44] = 1;
    put32(p + 52, 1);
    put32(p + 56, 0x80);
    put32(p + 60, 0x20000000);
    put32(p + 64, 0x10000000);
    put32(p + 68, 8);
    put32(p + 72, 16);
    memset(p + 0x80, 0x5a, 8);
}

static void elf_loads_by_physical_address(void **state) {
    uint8_t file[0x88];
    elf_file(file);
    struct image image;
    parses(&image, "a", file, sizeof(file), CHIP_RP2040);
    assert_int_equal(image.format, IMAGE_ELF);
    assert_int_equal(image.range_count, 1);
    assert_int_equal(image.ranges[0].address, 0x10000000);
    assert_int_equal(image.ranges[0].size, 8);
    assert_true(image.has_entry);
    assert_int_equal(image.entry, 0x100001e9);
    image_finish(&image);
}

static void elf_in_ram_begins_at_its_entry(void **state) {
    uint8_t file[0x88];
    elf_file(file);
    put32(file + 24, 0x20000021);
    put32(file + 64, 0x20000000);
    struct image image;
    parses(&image, "a", file, sizeof(file), CHIP_RP2040);
    assert_true(image_is_ram_only(&image));
    assert_int_equal(image_ram_entry(&image), 0x20000021);
    image_finish(&image);
}

static void elf_malformed(void **state) {
    static const struct {
        size_t offset;
        uint32_t value;
        const char *message;
    } cases[] = {
        { 4, 0x00010102, "a.elf: offset 0x4: not a 32-bit file (class 2)" },
        { 4, 0x00010201, "a.elf: offset 0x5: not little-endian (data encoding 2)" },
        { 16, 0x00280001, "a.elf: offset 0x10: not an executable (type 1): link it first" },
        { 16, 0x00f30002, "a.elf: offset 0x12: for RISC-V cores, which are not modelled" },
        { 16, 0x003e0002, "a.elf: offset 0x12: for another processor (machine 62), not Arm" },
        { 28, 0xfffffff0, "a.elf: offset 0x1c: 1 program headers at 0xfffffff0 lie beyond the file's end" },
        { 44, 0x0000ffff, "a.elf: offset 0x1c: 65535 program headers at 0x34 lie beyond the file's end" },
        { 56, 0xfffffffc, "a.elf: offset 0x34: segment of 8 bytes at 0xfffffffc lies beyond the file's end" },
        { 68, 9, "a.elf: offset 0x34: segment of 9 bytes at 0x80 lies beyond the file's end" },
        { 72, 7, "a.elf: offset 0x48: segment of 8 bytes in the file and 7 in memory" },
        { 64, 0xfffffffc, "a.elf: offset 0x34: 8 bytes at 0xfffffffc go beyond the address space" },
        { 52, 0, "a.elf: holds nothing to load" },
        { 0, 0, "a.elf: offset 0x0: magic number is 0x00000000, not 0x464c457f" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t file[0x88];
        elf_file(file);
        put32(file + cases[i].offset, cases[i].value);
        refuses("a.elf", file, sizeof(file), CHIP_RP2040, cases[i].message);
    }
    refuses("a.elf",
            "\x7f"
            "ELF",
            4, CHIP_RP2040, "a.elf: offset 0x4: ends inside the header of 52 bytes");
}

/* ---- Intel HEX ---- */

static void hex_linear_and_segmented(void **state) {
    static const char text[] = ":020000041000EA\r\n"
                               ":0400000001020304F2\r\n"
                               "\r\n"
                               ":02000400aabb95\r\n"
                               ":04000005100001e501\r\n"
                               ":020000022000DC\r\n"
                               ":010000007788\r\n"
                               ":00000001FF\r\n";
    struct image image;
    parses(&image, "a", text, strlen(text), CHIP_UNKNOWN);
    assert_int_equal(image.format, IMAGE_HEX);
    assert_int_equal(image.range_count, 2);
    assert_int_equal(image.ranges[0].address, 0x20000);
    assert_int_equal(image.ranges[0].size, 1);
    assert_int_equal(image.ranges[1].address, 0x10000000);
    assert_memory_equal(image.ranges[1].bytes, "\x01\x02\x03\x04\xaa\xbb", 6);
    assert_true(image.has_entry);
    assert_int_equal(image.entry, 0x100001e5);
    image_finish(&image);
}

static void hex_malformed(void **state) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        { ":020000041000EA\n", "a.hex: line 1: ends without an end record (cut short?)" },
        { ":020000041000EB\n", "a.hex: line 1: checksum is EB, should be EA" },
        { "\n:0200000410\n", "a.hex: line 2: 5 bytes in a record that should have 7" },
        { ":\n", "a.hex: line 1: 0 bytes in a record that should have 5" },
        { ":0g\n", "a.hex: line 1: not a pair of hexadecimal digits at column 2" },
        { ":000\n", "a.hex: line 1: not a pair of hexadecimal digits at column 4" },
        { "00000001FF\n", "a.hex: line 1: does not begin with a colon" },
        { ":00000006FA\n", "a.hex: line 1: unknown record type 06" },
        { ":0100000400FB\n", "a.hex: line 1: record type 04 with 1 bytes of data, should be 2" },
        { ":00000001FF\n:00000001FF\n", "a.hex: line 2: text after the end record" },
        { ":00000001FF\n", "a.hex: holds nothing to load" },
        { ":020000020000FC\n:02FFFF000000 00\n", "a.hex: line 2: not a pair of hexadecimal digits at column 14" },
        { ":020000020000FC\n:02FFFF00000000\n", "a.hex: line 2: data crosses the end of its 64 KB segment" },
        { ":02000004FFFFFC\n:02FFFF00000000\n", "a.hex: line 2: 2 bytes at 0xffffffff go beyond the address space" },
        { ":0100000001FE\n:0100000002FD\n:00000001FF\n",
          "a.hex: line 2: other contents for address 0x00000000 than elsewhere in the file" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        refuses("a.hex", cases[i].text, strlen(cases[i].text), CHIP_UNKNOWN, cases[i].message);
    }
}

/* ---- Raw, and what is none of them ---- */

static void raw_begins_at_flash_base(void **state) {
    struct image image;
    parses(&image, "dir/a.BIN", "abc", 3, CHIP_RP2040);
    assert_int_equal(image.format, IMAGE_RAW);
    assert_int_equal(image.ranges[0].address, 0x10000000);
    image_finish(&image);
}

static void neither(void **state) {
    refuses("a.txt", "abc", 3, CHIP_RP2040,
            "a.txt: neither UF2, ELF nor Intel HEX (a raw image needs a name that ends in .bin)");
    refuses("a.uf2", "", 0, CHIP_RP2040, "a.uf2: empty file");
}

static void missing_file(void **state) {
    struct image image;
    struct error error;
    assert_false(image_load(&image, "/nonexistent/a.uf2", CHIP_UNKNOWN, &error));
    assert_string_equal(error.message, "/nonexistent/a.uf2: No such file or directory");
}

/* ---- Looking at it ---- */

static void copies_the_part_that_is_asked_for(void **state) {
    struct image image;
    parses(&image, "a.bin", "abcdef", 6, CHIP_RP2040);
    uint8_t memory[8];
    memset(memory, '.', sizeof(memory));
    assert_int_equal(image_copy(&image, 0x10000000 - 4, memory, 8), 4);
    assert_memory_equal(memory, "....abcd", 8);
    assert_int_equal(image_copy(&image, 0x10000004, memory, 8), 2);
    assert_memory_equal(memory, "ef..abcd", 8);
    assert_ptr_equal(image_at(&image, 0x10000002, 4), image.ranges[0].bytes + 2);
    assert_null(image_at(&image, 0x10000003, 4));
    assert_null(image_at(&image, 0x0fffffff, 1));
    image_finish(&image);
}

static void fits_memory(void **state) {
    uint8_t file[2 * UF2_BLOCK];
    struct image image;
    struct error error;
    uf2_block(file, UF2_FAMILY_RP2040, 0x15000000, 0, 2, 0);
    uf2_block(file + 512, UF2_FAMILY_RP2040, 0x20041f00, 1, 2, 0);
    parses(&image, "a", file, sizeof(file), CHIP_RP2040);
    assert_true(image_fits(&image, CHIP_RP2040, 0x200000, &error));
    assert_true(image_is_ram_only(&image));
    assert_int_equal(image_ram_entry(&image), 0x20041f00);
    image_finish(&image);
    uf2_block(file, UF2_FAMILY_RP2040, 0x101fff00, 0, 2, 0);
    uf2_block(file + 512, UF2_FAMILY_RP2040, 0x10200000, 1, 2, 0);
    parses(&image, "a", file, sizeof(file), CHIP_RP2040);
    assert_true(image_fits(&image, CHIP_RP2040, 0x400000, &error));
    assert_false(image_is_ram_only(&image));
    assert_false(image_fits(&image, CHIP_RP2040, 0x200000, &error));
    assert_string_equal(error.message,
                        "a: 512 bytes at 0x101fff00 fit neither the 2048 KB of flash nor the RAM of the RP2040");
    image_finish(&image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uf2_out_of_order_with_gap_and_duplicate),
        cmocka_unit_test(uf2_contradicting_duplicate),
        cmocka_unit_test(uf2_leaves_out_what_is_not_for_main_flash),
        cmocka_unit_test(uf2_chooses_family_by_chip),
        cmocka_unit_test(uf2_takes_data_family_beside_the_program),
        cmocka_unit_test(uf2_for_another_chip),
        cmocka_unit_test(uf2_malformed),
        cmocka_unit_test(uf2_cut_short),
        cmocka_unit_test(uf2_at_the_end_of_the_address_space),
        cmocka_unit_test(elf_loads_by_physical_address),
        cmocka_unit_test(elf_in_ram_begins_at_its_entry),
        cmocka_unit_test(elf_malformed),
        cmocka_unit_test(hex_linear_and_segmented),
        cmocka_unit_test(hex_malformed),
        cmocka_unit_test(raw_begins_at_flash_base),
        cmocka_unit_test(neither),
        cmocka_unit_test(missing_file),
        cmocka_unit_test(copies_the_part_that_is_asked_for),
        cmocka_unit_test(fits_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
