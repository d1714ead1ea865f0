/* The file of --otp: 4096 little-endian words of 24 bits, as OTP_DATA_RAW shows the rows; old or new, never a part. */
#include "emulator/session/otp_file.h"
#include "peripherals/onchip/otp.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE 16384

struct fixture {
    struct stage stage;
    struct otp *otp;
    struct otp_file file;
    char folder[32], path[64], beside[80];
    struct error error;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    f->otp = (struct otp *)block_create(&otp_class, "OTP", &f->stage.env, &rp2350_otp_registers);
    f->otp->gpios = 30;
    block_start(&f->otp->block);
    snprintf(f->folder, sizeof(f->folder), "/tmp/ouroboard-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/fuses", f->folder);
    snprintf(f->beside, sizeof(f->beside), "%s.new", f->path);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    chmod(f->folder, 0700);
    unlink(f->path);
    rmdir(f->path);
    assert_int_equal(access(f->beside, F_OK), -1);
    assert_int_equal(rmdir(f->folder), 0);
    block_destroy(&f->otp->block);
    free(f);
    return 0;
}

static void put_file(const struct fixture *f, const uint8_t *bytes, size_t size) {
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static uint32_t row_in_file(const struct fixture *f, unsigned row) {
    uint8_t bytes[FILE_SIZE + 1];
    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof(bytes), file), FILE_SIZE);
    fclose(file);
    return bytes[4 * row] | bytes[4 * row + 1] << 8 | bytes[4 * row + 2] << 16 | (uint32_t)bytes[4 * row + 3] << 24;
}

static void no_path_is_no_file(void **state) {
    struct fixture *f = *state;
    assert_true(otp_file_open(&f->file, NULL, f->otp, &f->error));
    assert_true(otp_file_close(&f->file, &f->error));
    assert_true(otp_file_open(&f->file, NULL, NULL, &f->error));
}

static void chip_without_fuses(void **state) {
    struct fixture *f = *state;
    assert_false(otp_file_open(&f->file, f->path, NULL, &f->error));
    assert_non_null(strstr(f->error.message, "has no such memory"));
    assert_int_equal(access(f->path, F_OK), -1);
}

static void missing_file_is_made(void **state) {
    struct fixture *f = *state;
    assert_true(otp_file_open(&f->file, f->path, f->otp, &f->error));
    for (unsigned row = 0; row < OTP_ROWS; row += 61) {
        assert_int_equal(row_in_file(f, row), f->otp->rows[row]);
    }
}

static void rows_come_from_the_file(void **state) {
    struct fixture *f = *state;
    uint8_t bytes[FILE_SIZE] = { 0 };
    memcpy(&bytes[4 * 0x123], "\x56\x34\x12", 3);
    bytes[FILE_SIZE - 2] = 0x80; /* row 4095 */
    put_file(f, bytes, sizeof(bytes));
    assert_true(otp_file_open(&f->file, f->path, f->otp, &f->error));
    assert_int_equal(f->otp->rows[0x123], 0x123456);
    assert_int_equal(f->otp->rows[4095], 0x800000);
    assert_int_equal(f->otp->rows[0], 0);
}

static void only_what_was_programmed_is_written(void **state) {
    struct fixture *f = *state;
    struct stat before, after;
    assert_true(otp_file_open(&f->file, f->path, f->otp, &f->error));
    assert_int_equal(stat(f->path, &before), 0);
    assert_true(otp_file_close(&f->file, &f->error));
    assert_int_equal(stat(f->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);

    assert_true(otp_file_open(&f->file, f->path, f->otp, &f->error));
    assert_true(otp_program(f->otp, 0x200, 0x00abcd));
    assert_true(otp_file_close(&f->file, &f->error));
    assert_int_equal(row_in_file(f, 0x200), 0x00abcd);
}

static void other_sizes_are_refused(void **state) {
    static const size_t sizes[] = { 0, 1, FILE_SIZE - 1, FILE_SIZE + 1 };
    struct fixture *f = *state;
    uint8_t bytes[FILE_SIZE + 1] = { 0 };
    for (unsigned i = 0; i < 4; i++) {
        put_file(f, bytes, sizes[i]);
        assert_false(otp_file_open(&f->file, f->path, f->otp, &f->error));
        assert_non_null(strstr(f->error.message, "16384 bytes are needed"));
    }
}

static void a_folder_is_no_file(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_false(otp_file_open(&f->file, f->path, f->otp, &f->error));
    assert_non_null(strstr(f->error.message, "Is a directory"));
}

static void what_cannot_be_kept_is_told(void **state) {
    struct fixture *f = *state;
    char far[96];
    snprintf(far, sizeof(far), "%s/none/fuses", f->folder);
    assert_false(otp_file_open(&f->file, far, f->otp, &f->error));
    assert_non_null(strstr(f->error.message, "No such file"));

    assert_true(otp_file_open(&f->file, f->path, f->otp, &f->error));
    assert_true(otp_program(f->otp, 0x200, 0x1));
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0); /* a file cannot take its place */
    assert_false(otp_file_close(&f->file, &f->error));
    assert_non_null(strstr(f->error.message, "--otp"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_path_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(chip_without_fuses, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_file_is_made, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_come_from_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_was_programmed_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(other_sizes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
