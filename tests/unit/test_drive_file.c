/* Raw images: mtools makes them, and reads what is written back. */
#include "firmware-loader/drive_file.h"
#include "firmware-loader/fat.h"
#include "tests/unit/fat_tools.h"

#define SIZE (1024 * 1024)

static char *scratch, path[4096];
static uint8_t area[SIZE];

static int setup(void **state) {
    scratch = fat_tools_scratch();
    snprintf(path, sizeof(path), "%s/drive.img", scratch);
    return 0;
}

static int teardown(void **state) {
    fat_tools_finish(scratch);
    return 0;
}

static void in_scratch(const char *commands) {
    assert_int_equal(fat_tools_run("cd '%s' && export MTOOLSRC=/dev/null && %s", scratch, commands), 0);
}

/* The firmware adds a file; the save comes at the second poll. */
static void change_and_save(struct drive_file *file) {
    struct fat_device device = fat_memory_device(area, SIZE);
    struct fat_volume volume;
    struct error error;
    assert_int_equal(fat_mount(&volume, &device), FAT_OK);
    assert_int_equal(fat_write(&volume, "log.txt", "of the board", 12, 0x21 << 16, 0), FAT_OK);
    drive_file_changed(file);
    assert_true(drive_file_poll(file, &error));
    assert_true(file->changed);
    assert_true(drive_file_poll(file, &error));
    assert_false(file->changed);
}

static void a_plain_volume(void **state) {
    struct drive_file file;
    struct error error;
    in_scratch("mformat -C -i drive.img -v CIRCUITPY -T 1024 -h 16 -s 32 :: && printf 1 > code.py && "
               "mcopy -i drive.img code.py ::");
    assert_true(drive_file_open(&file, path, area, SIZE, &error));
    assert_int_equal(area[1024 * 512], 0xff);
    change_and_save(&file);
    in_scratch("[ \"$(mtype -i drive.img ::/log.txt)\" = 'of the board' ] && [ $(stat -c %s drive.img) = 1048576 ]");
    assert_true(drive_file_close(&file, &error));
    assert_true(drive_file_open(&file, path, area, SIZE, &error));
    assert_true(drive_file_close(&file, &error));
}

static void a_whole_drive_with_its_table(void **state) {
    struct drive_file file;
    struct error error;
    uint8_t table[512] = { 0 };
    memcpy(table + 446, "\0\xff\xff\xff\6\xff\xff\xff\1\0\0\0\0\10\0\0", 16);
    table[510] = 0x55;
    table[511] = 0xaa;
    fat_tools_save(path, table, sizeof(table));
    in_scratch("mformat -C -i volume.img -T 2048 -h 16 -s 32 :: && cat volume.img >> drive.img");
    assert_true(drive_file_open(&file, path, area, SIZE, &error));
    assert_true(file.has_table);
    change_and_save(&file);
    in_scratch("[ \"$(mtype -i drive.img@@512 ::/log.txt)\" = 'of the board' ]");
    assert_true(drive_file_close(&file, &error));
}

static void no_file_yet(void **state) {
    struct drive_file file;
    struct error error;
    struct fat_device device = fat_memory_device(area, SIZE);
    assert_true(drive_file_open(&file, path, area, SIZE, &error));
    assert_int_equal(area[0], 0xff);
    assert_true(drive_file_poll(&file, &error));
    in_scratch("[ ! -e drive.img ]");
    assert_int_equal(fat_format(&device, &(struct fat_format_options){ .serial = 1 }), FAT_OK);
    drive_file_changed(&file);
    assert_true(drive_file_close(&file, &error));
    in_scratch("mdir -i drive.img :: > /dev/null");
}

static void what_is_refused(void **state) {
    struct drive_file file;
    struct error error;
    in_scratch("head -c 100000 /dev/urandom > drive.img");
    assert_false(drive_file_open(&file, path, area, SIZE, &error));
    assert_non_null(strstr(error.message, "/drive.img: not an image of a FAT volume"));
    in_scratch("rm drive.img && mformat -C -i drive.img -T 4096 -h 16 -s 32 ::");
    assert_false(drive_file_open(&file, path, area, SIZE, &error));
    assert_non_null(strstr(error.message, "bytes, but the drive of this board has 1048576"));
    in_scratch("rm drive.img && mkdir drive.img");
    assert_false(drive_file_open(&file, path, area, SIZE, &error));
    assert_false(drive_file_open(&file, "/nonexistent/x/y.img", area, SIZE, &error));
    assert_non_null(strstr(error.message, "/nonexistent/x/y.img: No such file or directory"));
    in_scratch("rmdir drive.img && mformat -C -i drive.img -T 9000 -h 16 -s 32 ::");
    assert_false(drive_file_open(&file, path, area, SIZE, &error));
    assert_non_null(strstr(error.message, ", but the drive of this board has 1048576"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    fat_tools_require();
    const struct CMUnitTest tests[] = {
        TEST(a_plain_volume),
        TEST(a_whole_drive_with_its_table),
        TEST(no_file_yet),
        TEST(what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
