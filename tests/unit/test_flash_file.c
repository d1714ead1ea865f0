/* The file behind the flash chip: what is in it after the process was killed, at any moment. */
#include "emulator/core/scheduler.h"
#include "firmware-loader/flash_file.h"
#include "firmware-loader/flash_journal.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECTORS 16u
#define SIZE (SECTORS * FLASH_SECTOR)

struct bench {
    char directory[64];
    char path[80];
    char journal[96];
    uint8_t contents[SIZE];
    struct error error;
};

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    strcpy(bench->directory, "/tmp/ouroboard-flash-XXXXXX");
    assert_non_null(mkdtemp(bench->directory));
    snprintf(bench->path, sizeof(bench->path), "%s/flash.bin", bench->directory);
    snprintf(bench->journal, sizeof(bench->journal), "%s.journal", bench->path);
    memset(bench->contents, 0xff, SIZE);
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    unlink(bench->path);
    unlink(bench->journal);
    assert_int_equal(rmdir(bench->directory), 0); /* nothing else has been left there */
    free(bench);
    return 0;
}

static struct flash_file *open_it(struct bench *bench) {
    struct flash_file *file = flash_file_open(bench->path, bench->contents, SIZE, &bench->error);
    if (!file) {
        fail_msg("%s", bench->error.message);
    }
    return file;
}

static void close_it(struct bench *bench, struct flash_file *file) {
    assert_true(flash_file_close(file, &bench->error));
    assert_int_equal(access(bench->journal, F_OK), -1);
}

static void put_file(const char *path, const uint8_t *bytes, size_t length) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

/* The first byte of a sector as it is in the file now. */
static int on_disk(struct bench *bench, unsigned sector) {
    FILE *in = fopen(bench->path, "rb");
    assert_non_null(in);
    fseek(in, (long)(sector * FLASH_SECTOR), SEEK_SET);
    int byte = fgetc(in);
    fclose(in);
    return byte;
}

static void erase(struct flash_file *file, uint8_t *contents, unsigned sector) {
    memset(contents + sector * FLASH_SECTOR, 0xff, FLASH_SECTOR);
    flash_file_changed(file, sector * FLASH_SECTOR, FLASH_SECTOR, true);
}

static void program(struct flash_file *file, uint8_t *contents, unsigned sector, uint8_t byte) {
    memset(contents + sector * FLASH_SECTOR, byte, FLASH_SECTOR);
    flash_file_changed(file, sector * FLASH_SECTOR, FLASH_SECTOR, false);
}

/* ---- Opening ---- */

static void a_new_file_holds_the_contents(void **state) {
    struct bench *bench = *state;
    bench->contents[5] = 0x42;
    struct flash_file *file = open_it(bench);
    assert_true(flash_file_is_new(file));
    close_it(bench, file);
    memset(bench->contents, 0, SIZE);
    file = open_it(bench);
    assert_false(flash_file_is_new(file));
    assert_int_equal(bench->contents[5], 0x42);
    assert_int_equal(bench->contents[6], 0xff);
    close_it(bench, file);
}

static void refused(struct bench *bench, const char *path, const char *reason) {
    assert_null(flash_file_open(path, bench->contents, SIZE, &bench->error));
    if (!strstr(bench->error.message, path) || !strstr(bench->error.message, reason) ||
        strchr(bench->error.message, '\n')) {
        fail_msg("unclear: %s", bench->error.message);
    }
}

static void unusable_files_are_refused_in_a_line(void **state) {
    struct bench *bench = *state;
    put_file(bench->path, bench->contents, SIZE - 1);
    refused(bench, bench->path, "65535 bytes, but this board's flash has 65536");
    put_file(bench->path, bench->contents, 0);
    refused(bench, bench->path, "0 bytes");
    refused(bench, bench->directory, "directory");
    refused(bench, "/dev/null", "not a regular file");
    refused(bench, "/nonexistent/flash.bin", "No such file");
    if (geteuid() != 0) {
        put_file(bench->path, bench->contents, SIZE);
        assert_int_equal(chmod(bench->path, 0), 0);
        refused(bench, bench->path, "Permission denied");
    }
}

static void one_process_at_a_time(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    refused(bench, bench->path, "in use by another process");
    close_it(bench, file);
    close_it(bench, open_it(bench));
}

/* ---- Writing ---- */

static void a_rewritten_sector_is_old_or_new(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    program(file, bench->contents, 3, 0x11);
    assert_int_equal(on_disk(bench, 3), 0x11);
    erase(file, bench->contents, 3);
    assert_true(flash_file_commit(file, 0, &bench->error));
    assert_int_equal(on_disk(bench, 3), 0x11);
    program(file, bench->contents, 3, 0x22);
    assert_int_equal(on_disk(bench, 3), 0x22);
    close_it(bench, file);
}

static void pages_of_an_erased_sector_come_together(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    program(file, bench->contents, 3, 0x11);
    erase(file, bench->contents, 3);
    for (unsigned page = 0; page < 16; page++) {
        assert_int_equal(on_disk(bench, 3), 0x11);
        uint32_t at = 3 * FLASH_SECTOR + page * 256;
        memset(bench->contents + at, 0x22, 256);
        flash_file_changed(file, at, 256, false);
    }
    assert_int_equal(on_disk(bench, 3), 0x22);
    close_it(bench, file);
}

static void sectors_erased_together_come_together(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    program(file, bench->contents, 3, 0x11);
    program(file, bench->contents, 4, 0x11);
    memset(bench->contents + 3 * FLASH_SECTOR, 0xff, 2 * FLASH_SECTOR);
    flash_file_changed(file, 3 * FLASH_SECTOR, 2 * FLASH_SECTOR, true);
    for (unsigned page = 0; page < 32; page++) {
        assert_int_equal(on_disk(bench, 3), 0x11);
        assert_int_equal(on_disk(bench, 4), 0x11);
        uint32_t at = 3 * FLASH_SECTOR + page * 256;
        memset(bench->contents + at, 0x22, 256);
        flash_file_changed(file, at, 256, false);
    }
    assert_int_equal(on_disk(bench, 3), 0x22);
    assert_int_equal(on_disk(bench, 4), 0x22);
    close_it(bench, file);
}

static void a_lone_erase_does_not_wait_for_ever(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    program(file, bench->contents, 1, 0x11);
    erase(file, bench->contents, 1);
    program(file, bench->contents, 2, 0x22); /* firmware has gone on */
    assert_int_equal(on_disk(bench, 1), 0xff);
    assert_int_equal(on_disk(bench, 2), 0x22);
    erase(file, bench->contents, 2);
    assert_true(flash_file_commit(file, PS_PER_S, &bench->error)); /* the wait begins */
    assert_true(flash_file_commit(file, PS_PER_S + 499 * PS_PER_MS, &bench->error));
    assert_int_equal(on_disk(bench, 2), 0x22);
    assert_true(flash_file_commit(file, PS_PER_S + 500 * PS_PER_MS, &bench->error));
    assert_int_equal(on_disk(bench, 2), 0xff);
    program(file, bench->contents, 2, 0x33);
    erase(file, bench->contents, 2);
    close_it(bench, file);
    assert_int_equal(on_disk(bench, 2), 0xff);
}

static void comparing_finds_what_was_loaded(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    bench->contents[7 * FLASH_SECTOR + 9] = 0;
    bench->contents[9 * FLASH_SECTOR] = 0x42;
    flash_file_compare(file);
    assert_true(flash_file_commit(file, 0, &bench->error));
    assert_int_equal(on_disk(bench, 9), 0x42);
    memset(bench->contents, 0, SIZE);
    close_it(bench, file);
    close_it(bench, open_it(bench));
    assert_int_equal(bench->contents[7 * FLASH_SECTOR + 9], 0);
    assert_int_equal(bench->contents[7 * FLASH_SECTOR + 8], 0xff);
}

static void a_forked_child_leaves_the_file_alone(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    program(file, bench->contents, 0, 0x11);
    pid_t child = fork();
    if (!child) {
        program(file, bench->contents, 0, 0x00);
        _exit(flash_file_close(file, NULL) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(on_disk(bench, 0), 0x11);
    refused(bench, bench->path, "in use");
    close_it(bench, file);
}

static void failed_writes_are_told_and_tried_again(void **state) {
    struct bench *bench = *state;
    struct flash_file *file = open_it(bench);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, none;
    getrlimit(RLIMIT_FSIZE, &before);
    /* First no room for the journal, then for the journal but not for the last sectors of the file. */
    static const rlim_t limits[] = { 100, 2 * FLASH_SECTOR };
    for (unsigned i = 0; i < 2; i++) {
        none = (struct rlimit){ .rlim_cur = limits[i], .rlim_max = before.rlim_max };
        setrlimit(RLIMIT_FSIZE, &none);
        program(file, bench->contents, 15, (uint8_t)(0x10 + i));
        bench->error.message[0] = '\0';
        assert_false(flash_file_commit(file, 0, &bench->error));
        assert_non_null(strstr(bench->error.message, "File too large"));
        setrlimit(RLIMIT_FSIZE, &before);
        assert_true(flash_file_commit(file, 0, &bench->error));
        assert_int_equal(on_disk(bench, 15), 0x10 + i);
    }
    close_it(bench, file);
}

/* ---- The journal ---- */

/* Two records: sectors 1 and 2 become 0x11, then 2 becomes 0x22. */
static size_t two_records(uint8_t *journal) {
    uint8_t flash[SIZE];
    static const uint32_t first[] = { 2, 1 }, second[] = { 2 };
    memset(flash, 0x11, SIZE);
    flash_journal_encode(journal, flash, SIZE, first, 2);
    memset(flash, 0x22, SIZE);
    flash_journal_encode(journal + flash_journal_size(2), flash, SIZE, second, 1);
    return flash_journal_size(2) + flash_journal_size(1);
}

static void torn_tails_are_nothing(void **state) {
    uint8_t *journal = malloc(4 * FLASH_SECTOR), *flash = malloc(SIZE);
    size_t length = two_records(journal), first = flash_journal_size(2);
    for (size_t cut = 0; cut < first; cut++) {
        assert_int_equal(flash_journal_apply(journal, cut, flash, SIZE, NULL), 0);
    }
    assert_int_equal(flash_journal_apply(journal, first, flash, SIZE, NULL), first);
    for (size_t cut = first; cut < length; cut++) {
        assert_int_equal(flash_journal_apply(journal + first, cut - first, flash, SIZE, NULL), 0);
    }
    assert_int_equal(flash_journal_apply(journal + first, length - first, flash, SIZE, NULL), length - first);
    assert_int_equal(flash[FLASH_SECTOR], 0x11);
    assert_int_equal(flash[2 * FLASH_SECTOR], 0x22);
    assert_int_equal(flash_journal_apply(journal, first, flash, SIZE / 2, NULL), 0); /* of another flash */
    free(journal);
    free(flash);
}

static void changed_bytes_are_found(void **state) {
    uint8_t *journal = malloc(4 * FLASH_SECTOR), *flash = malloc(SIZE);
    two_records(journal);
    size_t length = flash_journal_size(2);
    for (size_t at = 0; at < length; at++) {
        journal[at] ^= 0x80;
        assert_int_equal(flash_journal_apply(journal, length, flash, SIZE, NULL), 0);
        journal[at] ^= 0x80;
    }
    free(journal);
    free(flash);
}

/* Every cut of a journal, found at start: the file is in the state before or after a record. */
static void a_journal_is_applied_at_start(void **state) {
    struct bench *bench = *state;
    uint8_t *journal = malloc(4 * FLASH_SECTOR);
    uint8_t erased[SIZE];
    memset(erased, 0xff, SIZE);
    size_t length = two_records(journal), first = flash_journal_size(2);
    for (size_t cut = 0; cut <= length; cut += cut + 97 > length && cut < length ? length - cut : 97) {
        put_file(bench->path, erased, SIZE);
        put_file(bench->journal, journal, cut);
        struct flash_file *file = open_it(bench);
        assert_int_equal(flash_file_recovered(file), cut < first ? 0 : 2);
        assert_int_equal(bench->contents[FLASH_SECTOR], cut < first ? 0xff : 0x11);
        assert_int_equal(bench->contents[2 * FLASH_SECTOR], cut < first ? 0xff : cut < length ? 0x11 : 0x22);
        assert_int_equal(on_disk(bench, 1), bench->contents[FLASH_SECTOR]);
        assert_int_equal(on_disk(bench, 2), bench->contents[2 * FLASH_SECTOR]);
        close_it(bench, file);
    }
    free(journal);
}

static void a_new_file_ignores_an_old_journal(void **state) {
    struct bench *bench = *state;
    uint8_t *journal = malloc(4 * FLASH_SECTOR);
    put_file(bench->journal, journal, two_records(journal));
    struct flash_file *file = open_it(bench);
    assert_int_equal(flash_file_recovered(file), 0);
    assert_int_equal(bench->contents[FLASH_SECTOR], 0xff);
    close_it(bench, file);
    free(journal);
}

/* ---- Kill ---- */

/* Rewrites sector after sector with a running number and tells each that is done. */
static void write_until_killed(struct bench *bench, int pipe_end) {
    struct flash_file *file = open_it(bench);
    uint32_t number = 0;
    for (unsigned sector = 0; sector < SECTORS; sector++) {
        uint32_t found;
        memcpy(&found, bench->contents + sector * FLASH_SECTOR, 4);
        number = found != UINT32_MAX && found > number ? found : number;
    }
    for (;;) {
        number++;
        unsigned sector = number % SECTORS;
        erase(file, bench->contents, sector);
        for (uint32_t at = 0; at < FLASH_SECTOR; at += 4) {
            memcpy(bench->contents + sector * FLASH_SECTOR + at, &number, 4);
        }
        flash_file_changed(file, sector * FLASH_SECTOR, FLASH_SECTOR, false);
        if (write(pipe_end, &number, 4) != 4) {
            _exit(1);
        }
    }
}

/* Whole sectors, and what was written later is not there without what was written before. Gives the last number. */
static uint32_t check_numbers(const uint8_t *contents) {
    uint32_t last = 0;
    for (unsigned sector = 0; sector < SECTORS; sector++) {
        uint32_t number, other;
        memcpy(&number, contents + sector * FLASH_SECTOR, 4);
        for (uint32_t at = 4; at < FLASH_SECTOR; at += 4) {
            memcpy(&other, contents + sector * FLASH_SECTOR + at, 4);
            assert_int_equal(other, number);
        }
        last = number != UINT32_MAX && number > last ? number : last;
    }
    for (unsigned sector = 0; sector < SECTORS; sector++) {
        uint32_t number, back = (last + SECTORS - sector) % SECTORS;
        memcpy(&number, contents + sector * FLASH_SECTOR, 4);
        assert_int_equal(number, last >= back && last != back ? last - back : UINT32_MAX);
    }
    return last;
}

static void kills_leave_whole_sectors_in_order(void **state) {
    struct bench *bench = *state;
    srand(1);
    uint32_t last = 0;
    for (unsigned round = 0; round < 60; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (!child) {
            close(ends[0]);
            write_until_killed(bench, ends[1]);
        }
        close(ends[1]);
        struct timespec moment = { .tv_nsec = rand() % 4000000 };
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint32_t told = last, number;
        while (read(ends[0], &number, 4) == 4) {
            told = number;
        }
        close(ends[0]);
        struct flash_file *file = open_it(bench);
        last = check_numbers(bench->contents);
        assert_in_range(last, told, told + 1);
        close_it(bench, file);
    }
    assert_true(last > 100);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_holds_the_contents),
        TEST(unusable_files_are_refused_in_a_line),
        TEST(one_process_at_a_time),
        TEST(a_rewritten_sector_is_old_or_new),
        TEST(pages_of_an_erased_sector_come_together),
        TEST(sectors_erased_together_come_together),
        TEST(a_lone_erase_does_not_wait_for_ever),
        TEST(comparing_finds_what_was_loaded),
        TEST(a_forked_child_leaves_the_file_alone),
        TEST(failed_writes_are_told_and_tried_again),
        TEST(torn_tails_are_nothing),
        TEST(changed_bytes_are_found),
        TEST(a_journal_is_applied_at_start),
        TEST(a_new_file_ignores_an_old_journal),
        TEST(kills_leave_whole_sectors_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
