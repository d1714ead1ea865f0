/* Snapshots as files: what is saved is loaded, and whatever is not a whole snapshot of this board is told by a line
 * that names the file and the remedy. */
#include "emulator/core/scheduler.h"
#include "emulator/machine_private.h"
#include "emulator/session/snapshot_file.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOARD "raspberry_pi_pico"
#define SRAM 0x20000000u
#define HEAD 136

static char path[] = "/tmp/ouroboard-snapshot-XXXXXX";
static uint8_t *file_bytes;
static size_t file_size;

static struct machine *create(void) {
    struct error error;
    struct machine_desc desc = { .chip = &chip_rp2040, .flash_size = 2u << 20 };
    struct machine *machine = machine_create(&desc, &error);
    assert_non_null(machine);
    return machine;
}

static void read_file(void) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    file_size = (size_t)ftell(file);
    rewind(file);
    file_bytes = malloc(file_size);
    assert_true(fread(file_bytes, 1, file_size, file) == file_size);
    fclose(file);
}

static void write_file(const uint8_t *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static int set_up(void **state) {
    static const uint8_t code[] = { 1, 2, 3, 4 };
    struct error error;
    int fd = mkstemp(path);
    close(fd);
    struct machine *machine = create();
    machine_load(machine, SRAM, code, sizeof(code), &error);
    machine_power_on(machine, SRAM);
    machine_run(machine, PS_PER_US);
    assert_true(snapshot_file_save(path, BOARD, machine, &error));
    machine_destroy(machine);
    read_file();
    return 0;
}

static int tear_down(void **state) {
    unlink(path);
    free(file_bytes);
    return 0;
}

/* A core in the middle of a turn runs to its end, whatever a run's time is: a stranger's file is not to say when. */
static void a_turn_without_end_is_refused(void **state) {
    uint8_t *bytes;
    size_t size;
    struct error error = { "" };
    struct machine *machine = create(), *other = create();
    machine_power_on(machine, SRAM);
    machine->turn = (struct turn){ .open = true, .together = true, .target = UINT64_MAX / 2 };
    assert_true(machine_save(machine, &bytes, &size, &error));
    assert_false(machine_load_state(other, bytes, size, &error));
    assert_non_null(strstr(error.message, "a turn of its cores that does not end"));
    free(bytes);
    machine_destroy(machine);
    machine_destroy(other);
}

static void expect_refusal(const char *file, const char *board, const char *what, const char *remedy) {
    struct error error = { "" };
    struct machine *machine = create();
    assert_false(snapshot_file_load(file, board, machine, &error));
    machine_destroy(machine);
    if (strncmp(error.message, file, strlen(file)) != 0 || !strstr(error.message, what) ||
        !strstr(error.message, remedy) || strchr(error.message, '\n')) {
        fail_msg("%s", error.message);
    }
}

static void what_is_saved_is_loaded(void **state) {
    struct error error = { "" };
    struct snapshot_head head;
    struct machine *machine = create();
    write_file(file_bytes, file_size);
    assert_true(snapshot_file_look(path, &head, &error));
    assert_string_equal(head.board, BOARD);
    assert_true(head.time_ps >= PS_PER_US);
    assert_true(snapshot_file_load(path, BOARD, machine, &error));
    assert_true(machine_now(machine) == head.time_ps);
    struct error ignored;
    char second[sizeof(path) + 2];
    snprintf(second, sizeof(second), "%s2", path);
    assert_true(snapshot_file_save(second, BOARD, machine, &ignored));
    FILE *file = fopen(second, "rb");
    uint8_t *bytes = malloc(file_size + 1);
    assert_true(fread(bytes, 1, file_size + 1, file) == file_size); /* the same file again */
    assert_memory_equal(bytes, file_bytes, file_size);
    fclose(file);
    free(bytes);
    unlink(second);
    machine_destroy(machine);
}

static void the_head_is_as_described(void **state) {
    static const uint8_t magic[] = { 'O', 'U', 'R', 'O', 0x1a, 'S', 'N', 'P', 2, 0, 0, 0 };
    assert_memory_equal(file_bytes, magic, sizeof(magic));
    assert_string_equal((const char *)file_bytes + HEAD - SNAPSHOT_BOARD, BOARD);
    uint64_t stored = 0;
    for (unsigned i = 0; i < 8; i++) {
        stored |= (uint64_t)file_bytes[24 + i] << 8 * i;
    }
    assert_int_equal(stored, file_size - HEAD);
}

static void files_that_are_none_are_refused(void **state) {
    expect_refusal("/nonexistent/file", BOARD, "No such file", "--save-state");
    expect_refusal("/tmp", BOARD, "is", "--save-state");
    write_file((const uint8_t *)"UF2\n", 4);
    expect_refusal(path, BOARD, "is no snapshot", "--save-state");
    write_file((const uint8_t *)"", 0);
    expect_refusal(path, BOARD, "is no snapshot", "--save-state");
}

static void another_board_is_refused(void **state) {
    write_file(file_bytes, file_size);
    expect_refusal(path, "pimoroni_picosystem", "is of the board " BOARD, "--board " BOARD);
}

static void every_length_but_its_own_is_refused(void **state) {
    for (size_t size = 8; size < file_size; size += size < 2 * HEAD ? 1 : file_size / 50 + 1) {
        write_file(file_bytes, size);
        expect_refusal(path, BOARD, "is cut short", "save it anew");
    }
    uint8_t *longer = calloc(1, file_size + 1);
    memcpy(longer, file_bytes, file_size);
    write_file(longer, file_size + 1);
    expect_refusal(path, BOARD, "goes on behind its end", "save it anew");
    free(longer);
}

static void every_changed_byte_is_noticed(void **state) {
    for (size_t at = 0; at < file_size; at += at < HEAD ? 1 : file_size / 100 + 1) {
        file_bytes[at] ^= 0x40;
        write_file(file_bytes, file_size);
        expect_refusal(path, BOARD, at < 8 ? "is no snapshot" : "", ":");
        file_bytes[at] ^= 0x40;
    }
}

static void another_format_is_refused(void **state) {
    file_bytes[8] = 1;
    write_file(file_bytes, file_size);
    file_bytes[8] = 2;
    expect_refusal(path, BOARD, "is a snapshot of format 1, this release knows format 2", "load it with the one");
}

static void what_cannot_be_written_is_told(void **state) {
    struct error error;
    struct machine *machine = create();
    assert_false(snapshot_file_save(path, BOARD, machine, &error));
    assert_non_null(strstr(error.message, "the machine has not been switched on"));
    machine_power_on(machine, 0);
    assert_false(snapshot_file_save("/nonexistent/file", BOARD, machine, &error));
    assert_string_equal(error.message, "/nonexistent/file: No such file or directory; name a file that can be written");
    machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(the_head_is_as_described),
        cmocka_unit_test(files_that_are_none_are_refused),
        cmocka_unit_test(another_board_is_refused),
        cmocka_unit_test(every_length_but_its_own_is_refused),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(another_format_is_refused),
        cmocka_unit_test(what_cannot_be_written_is_told),
        cmocka_unit_test(a_turn_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
