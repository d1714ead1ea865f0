/* The drive engine keeps folder and board in step: see drive_board.h. */
#include "tests/unit/drive_board.h"

static void nothing_to_do_writes_nothing(void **state) {
    attach();
    same_on_both();
    for (int i = 0; i < 20; i++) {
        poll();
    }
    assert_int_equal(board.writes, 0);
    assert_int_equal(board.reads, 0);
    assert_string_equal(board.lines, "");
}

static void a_saved_file_reaches_the_board(void **state) {
    attach();
    in_folder("printf 'print(2)' > code.py");
    poll();
    assert_int_equal(board.writes, 0); /* not before it stands still */
    settle();
    assert_string_equal(board_text("code.py"), "print(2)");
    same_on_both();
    assert_string_equal(board.lines, "");
}

/* Data, table, folder, table again: the order in which a stop does no harm. */
static void writes_come_in_a_safe_order(void **state) {
    attach();
    in_folder("printf 'print(2)' > code.py");
    settle();
    assert_int_equal(board.written_count, 4);
    assert_true(board.written[0] >= 1 + 2 + 32); /* data */
    assert_int_equal(board.written[1], 1);
    assert_int_equal(board.written[2], 1 + 2); /* root folder */
    assert_int_equal(board.written[3], 1);
}

static void new_removed_and_moved_files_reach_the_board(void **state) {
    attach();
    in_folder(
        "mkdir -p a/b/c && printf 1 > a/b/c/deep.py && printf 2 > 'A long name.txt' && mv lib library && rm code.py && "
        ": > empty");
    settle();
    assert_string_equal(board_text("a/b/c/deep.py"), "1");
    assert_string_equal(board_text("library/module.py"), "x = 1");
    assert_string_equal(board_text("empty"), "");
    assert_null(board_text("code.py"));
    same_on_both();
    in_folder("rm -r a library && printf 'now a file' > a");
    settle();
    same_on_both();
    in_folder("rm a && mkdir a && printf 'a folder' > a/again");
    settle();
    same_on_both();
    assert_string_equal(board.lines, "");
}

static void touching_a_file_writes_its_date_alone(void **state) {
    attach();
    in_folder("touch -d @1700000000 code.py");
    settle();
    assert_int_equal(board.written_count, 1);
    assert_int_equal(board.written[0], 3);
    same_on_both();
}

/* An editor that writes a temporary file and renames it; the old name is never away for two polls. */
static void editors_do_no_harm(void **state) {
    attach();
    in_folder("printf 'print(3)' > .code.py.swp && printf x > code.py~ && printf y > 4913");
    settle();
    assert_int_equal(board.writes, 0);
    in_folder("mv .code.py.swp code.py && rm 4913 code.py~");
    settle();
    assert_string_equal(board_text("code.py"), "print(3)");
    same_on_both();
}

static void what_the_firmware_writes_appears(void **state) {
    attach();
    assert_int_equal(firmware_write("boot_out.txt", "CircuitPython"), FAT_OK);
    struct fat_volume volume = firmware_volume();
    assert_int_equal(fat_make_directory(&volume, "data", 0x21 << 16), FAT_OK);
    assert_int_equal(firmware_write("data/Log of today.csv", "1,2,3"), FAT_OK);
    assert_int_equal(firmware_write("lib/module.py", "x = 2"), FAT_OK);
    settle();
    assert_string_equal(folder_text("boot_out.txt"), "CircuitPython");
    assert_string_equal(folder_text("data/Log of today.csv"), "1,2,3");
    assert_string_equal(folder_text("lib/module.py"), "x = 2");
    in_folder("[ $(stat -c %%Y boot_out.txt) = 1600000000 ]");
    assert_int_equal(board.writes, 0);
    same_on_both();
    assert_int_equal(firmware_remove("data/Log of today.csv"), FAT_OK);
    assert_int_equal(firmware_remove("data"), FAT_OK);
    settle();
    assert_null(folder_text("data/Log of today.csv"));
    in_folder("[ ! -e data ]");
    same_on_both();
    assert_string_equal(board.lines, "");
}

static void files_and_folders_change_places(void **state) {
    attach();
    struct fat_volume volume = firmware_volume();
    assert_int_equal(fat_remove(&volume, "code.py"), FAT_OK);
    assert_int_equal(fat_make_directory(&volume, "code.py", 0x21 << 16), FAT_OK);
    assert_int_equal(firmware_write("code.py/inside", "1"), FAT_OK);
    assert_int_equal(firmware_remove("lib/module.py"), FAT_OK);
    assert_int_equal(firmware_remove("lib"), FAT_OK);
    assert_int_equal(firmware_write("lib", "a file"), FAT_OK);
    settle();
    assert_string_equal(folder_text("code.py/inside"), "1");
    assert_string_equal(folder_text("lib"), "a file");
    same_on_both();
    assert_string_equal(board.lines, "");
}

/* Written over in place: same size, same date, same cluster. */
static void a_change_of_data_alone_is_seen(void **state) {
    attach();
    struct fat_volume volume = firmware_volume();
    struct fat_entry entry;
    uint8_t sector[512];
    assert_int_equal(fat_lookup(&volume, "code.py", &entry), FAT_OK);
    uint32_t number = volume.data_start + (entry.cluster - 2) * volume.cluster_sectors;
    memcpy(sector, board.area + number * 512, 512);
    sector[0] = 'P';
    flash_write(&board, number, sector);
    settle();
    assert_string_equal(folder_text("code.py"), "Print(1)");
    same_on_both();
}

/* The firmware writes a sector that a read under way has taken already: what was read is old. */
static void a_change_during_a_read_is_seen(void **state) {
    attach();
    for (unsigned read = 0; read < 3; read++) {
        char text[32];
        snprintf(text, sizeof(text), "first %u", read);
        assert_int_equal(firmware_write("log.txt", text), FAT_OK);
        for (unsigned i = 0; i < 4 && !board.request; i++) {
            drive_poll(board.drive);
        }
        for (unsigned i = 0; i < read && board.request; i++) {
            complete_one(&board, true);
        }
        struct drive_request *request = board.request;
        assert_non_null(request);
        board.request = NULL;
        assert_true(transfer(&board, request));
        snprintf(text, sizeof(text), "and then %u", read);
        assert_int_equal(firmware_write("log.txt", text), FAT_OK);
        request->done(request, true);
        complete_all(&board);
        settle();
        assert_string_equal(folder_text("log.txt"), text);
        same_on_both();
    }
    assert_string_equal(board.lines, "");
}

static void a_conflict_keeps_both(void **state) {
    attach();
    in_folder("printf 'of the folder' > code.py");
    assert_int_equal(firmware_write("code.py", "of the board"), FAT_OK);
    settle();
    assert_string_equal(folder_text("code.py"), "of the folder");
    assert_string_equal(folder_text("code.py.conflict"), "of the board");
    assert_string_equal(board_text("code.py"), "of the folder");
    assert_null(board_text("code.py.conflict"));
    assert_non_null(strstr(board.lines,
                           "/code.py: changed here and on the drive: this one stays, the drive's is kept as "
                           "code.py.conflict\n"));
    same_on_both();
    in_folder("printf 'same' > lib/module.py");
    assert_int_equal(firmware_write("lib/module.py", "same"), FAT_OK);
    settle();
    assert_null(folder_text("lib/module.py.conflict"));
}

static void a_changed_file_wins_over_a_deleted_one(void **state) {
    attach();
    in_folder("rm code.py && printf 'x = 3' > lib/module.py");
    assert_int_equal(firmware_write("code.py", "of the board"), FAT_OK);
    assert_int_equal(firmware_remove("lib/module.py"), FAT_OK);
    settle();
    assert_string_equal(folder_text("code.py"), "of the board");
    assert_string_equal(board_text("lib/module.py"), "x = 3");
    same_on_both();
}

static void format_now(void) {
    struct fat_device device = { NULL, SIZE / 512, firmware_read, firmware_write_sector, NULL };
    assert_int_equal(fat_format(&device, &(struct fat_format_options){ .serial = 77, .label = "CIRCUITPY" }), FAT_OK);
}

/* storage.erase_filesystem() */
static void a_formatted_volume_costs_no_file(void **state) {
    attach();
    format_now();
    assert_int_equal(firmware_write("code.py", "print(\"Hello World!\")\n"), FAT_OK);
    assert_int_equal(firmware_write("settings.toml", ""), FAT_OK);
    drive_detach(board.drive);
    attach();
    assert_string_equal(folder_text("code.py"), "print(1)");
    assert_string_equal(folder_text("lib/module.py"), "x = 1");
    assert_string_equal(folder_text("settings.toml"), "");
    assert_string_equal(board_text("code.py"), "print(\"Hello World!\")\n");
    assert_non_null(strstr(board.lines, ": the board has formatted its drive: the folder keeps its files"));
    in_folder("printf 'x = 9' > lib/module.py && printf 'new' > new.py");
    settle();
    assert_string_equal(board_text("lib/module.py"), "x = 9");
    assert_string_equal(board_text("new.py"), "new");
    in_folder("printf 'print(5)' > code.py");
    settle();
    same_on_both();
}

static void an_emptied_volume_costs_no_file(void **state) {
    attach();
    assert_int_equal(firmware_remove("code.py"), FAT_OK);
    assert_int_equal(firmware_remove("lib/module.py"), FAT_OK);
    assert_int_equal(firmware_remove("lib"), FAT_OK);
    settle();
    assert_string_equal(folder_text("code.py"), "print(1)");
    assert_non_null(strstr(board.lines, ": the board has emptied its drive"));
}

static void a_damaged_volume_stops_everything(void **state) {
    uint8_t sector[512], good[512];
    attach();
    memcpy(good, board.area + 3 * 512, 512);
    memcpy(sector, good, 512);
    sector[32 + 26] = 0xee; /* code.py or lib begins far outside */
    sector[32 + 27] = 0xff;
    flash_write(&board, 3, sector);
    in_folder("printf 'print(2)' > code.py");
    settle();
    assert_non_null(strstr(board.lines, ": the volume is damaged: nothing is copied until that is over\n"));
    assert_string_equal(folder_text("lib/module.py"), "x = 1");
    assert_int_equal(board.writes, 0);
    flash_write(&board, 3, good);
    settle();
    assert_string_equal(board_text("code.py"), "print(2)");
    same_on_both();
}

static void changes_wait_while_write_protected(void **state) {
    attach();
    board.protect = true;
    drive_set_write_protected(board.drive, true);
    in_folder("printf 'print(2)' > code.py");
    assert_int_equal(firmware_write("log.txt", "by the board"), FAT_OK);
    settle();
    assert_string_equal(board_text("code.py"), "print(1)");
    assert_string_equal(folder_text("log.txt"), "by the board");
    poll();
    assert_non_null(strstr(board.lines, ": changes wait: the board has write-protected its drive\n"));
    board.protect = false;
    drive_set_write_protected(board.drive, false);
    settle();
    assert_string_equal(board_text("code.py"), "print(2)");
    same_on_both();
}

/* Every write of a save may be the one that fails; in the end the file is there. */
static void failed_writes_are_repeated(void **state) {
    attach();
    for (unsigned fail = 1; fail < 8; fail++) {
        in_folder("head -c %u /dev/zero | tr '\\0' %u > code.py && printf %u > new%u", fail * 700, fail, fail, fail);
        board.fail_after = fail;
        settle();
        for (int i = 0; i < 5; i++) {
            poll();
        }
        settle();
        board.fail_after = 0;
        same_on_both();
    }
    assert_string_equal(board.lines, "");
    board.protect = true; /* and nobody says so */
    in_folder("printf last > code.py");
    for (int i = 0; i < 20; i++) {
        poll();
    }
    assert_non_null(strstr(board.lines, ": the drive could not be written; trying again\n"));
    board.protect = false;
    for (int i = 0; i < 70; i++) {
        poll();
    }
    assert_string_equal(board_text("code.py"), "last");
    same_on_both();
}

/* A reset in the middle of everything. */
static void a_medium_may_go_at_any_moment(void **state) {
    attach();
    for (int stop = 0; stop < 12; stop++) {
        in_folder("printf 'print(%d) # a longer line' > code.py && printf %d > 'file %d.txt'", stop, stop, stop);
        poll();
        drive_poll(board.drive);
        for (int i = 0; i < stop && board.request; i++) {
            complete_one(&board, true);
        }
        board.present = false;
        drive_detach(board.drive);
        if (board.request) {
            complete_one(&board, false);
        }
        poll();
        attach();
        same_on_both();
        char expected[64];
        snprintf(expected, sizeof(expected), "print(%d) # a longer line", stop);
        assert_string_equal(board_text("code.py"), expected);
    }
}

static void without_mass_storage_the_flash_is_read(void **state) {
    attach();
    board.present = false;
    drive_detach(board.drive);
    assert_int_equal(firmware_write("log.txt", "no USB drive"), FAT_OK);
    for (int i = 0; i < 30; i++) {
        poll();
    }
    assert_string_equal(folder_text("log.txt"), "no USB drive");
    assert_int_equal(firmware_write("log.txt", "the last words"), FAT_OK);
    drive_finish(board.drive);
    assert_string_equal(folder_text("log.txt"), "the last words");
    same_on_both();
}

static void what_does_not_fit_is_named_and_tried_again(void **state) {
    attach();
    in_folder("head -c 150000 /dev/zero > one.bin");
    settle();
    in_folder("head -c 150000 /dev/zero > two.bin && printf ok > small.py && printf 1 > a:b && ln -s code.py link");
    settle();
    assert_non_null(strstr(board.lines, "/two.bin: not on the drive: the volume is full\n"));
    assert_non_null(strstr(board.lines, "/a:b: not on the drive: a FAT volume cannot hold this name\n"));
    assert_non_null(strstr(board.lines, "/link: not on the drive: symbolic links are not followed\n"));
    assert_string_equal(board_text("small.py"), "ok");
    in_folder("rm one.bin a:b link");
    settle();
    same_on_both();
}

static void a_folder_that_is_gone_deletes_nothing(void **state) {
    attach();
    assert_int_equal(fat_tools_run("mv '%s' '%s.away'", folder, folder), 0);
    settle();
    assert_string_equal(board_text("code.py"), "print(1)");
    assert_int_equal(fat_tools_run("mv '%s.away' '%s'", folder, folder), 0);
    settle();
    same_on_both();
    in_folder("mv lib away && ln -s away lib");
    settle();
    assert_string_equal(board_text("lib/module.py"), "x = 1");
}

/* As FatFs leaves a file: without a date of access. */
static void written_by_fatfs(const char *path) {
    struct fat_volume volume = firmware_volume();
    struct fat_entry entry;
    assert_int_equal(fat_lookup(&volume, path, &entry), FAT_OK);
    struct fat_place place = entry.place[entry.slots - 1];
    memset(board.area + place.sector * 512 + place.offset + 18, 0, 2);
}

/* Killed before the folder had them: at the next start they are still there. */
static void an_earlier_session_is_not_lost(void **state) {
    assert_int_equal(firmware_write("data.csv", "1,2"), FAT_OK);
    assert_int_equal(firmware_write("lib/module.py", "by the board"), FAT_OK);
    assert_int_equal(firmware_write("boot_out.txt", "CircuitPython"), FAT_OK);
    assert_int_equal(firmware_write("of another folder.py", "x"), FAT_OK);
    written_by_fatfs("data.csv");
    written_by_fatfs("lib/module.py");
    written_by_fatfs("boot_out.txt");
    drive_destroy(board.drive);
    start_drive();
    assert_string_equal(folder_text("data.csv"), "1,2");
    assert_string_equal(folder_text("lib/module.py"), "x = 1");
    assert_string_equal(folder_text("lib/module.py.conflict"), "by the board");
    assert_null(folder_text("boot_out.txt"));
    assert_null(folder_text("of another folder.py"));
    assert_string_equal(board_text("data.csv"), "1,2");
    assert_non_null(strstr(board.lines, "/data.csv: written by the board and not in the folder: kept as data.csv\n"));
    same_on_both();
}

/* The firmware has been stopped in the middle of a rename: a file with two names. */
static void stop_in_a_rename(void) {
    struct fat_entry entry, twin;
    assert_int_equal(firmware_write("data.csv", "1,2"), FAT_OK);
    assert_int_equal(firmware_write("k1.csv", "3,4"), FAT_OK);
    assert_int_equal(firmware_write("new.csv", "3,4"), FAT_OK);
    written_by_fatfs("data.csv");
    written_by_fatfs("k1.csv");
    written_by_fatfs("new.csv");
    struct fat_volume volume = firmware_volume();
    assert_int_equal(fat_lookup(&volume, "k1.csv", &entry), FAT_OK);
    assert_int_equal(fat_lookup(&volume, "new.csv", &twin), FAT_OK);
    struct fat_place place = twin.place[twin.slots - 1];
    board.area[place.sector * 512 + place.offset + 26] = entry.cluster & 255;
    volume = firmware_volume();
    assert_int_equal(fat_check(&volume), FAT_CORRUPT);
}

static void an_unsound_volume_costs_no_file_at_the_start(void **state) {
    stop_in_a_rename();
    drive_destroy(board.drive);
    start_drive();
    assert_string_equal(folder_text("data.csv"), "1,2");
    assert_string_equal(folder_text("k1.csv"), "3,4");
    same_on_both();
}

static void an_unsound_volume_costs_no_file_at_the_end(void **state) {
    attach();
    stop_in_a_rename();
    drive_flash_changed(board.drive, 0, SIZE);
    drive_finish(board.drive);
    assert_string_equal(folder_text("data.csv"), "1,2");
    assert_string_equal(folder_text("k1.csv"), "3,4");
    assert_string_equal(folder_text("lib/module.py"), "x = 1");
}

/* A volume that was there before, with files on both sides. */
static void an_unknown_volume_is_merged(void **state) {
    struct error error;
    assert_int_equal(firmware_write("only_board.py", "b"), FAT_OK);
    assert_int_equal(firmware_write("code.py", "of the board"), FAT_OK);
    in_folder("printf h > only_folder.py");
    drive_destroy(board.drive);
    struct drive_desc desc = {
        .folder = folder, .submit = submit, .submit_context = &board, .report = collect, .report_context = &board
    };
    board.drive = drive_create(&desc, &error);
    assert_non_null(board.drive);
    attach();
    assert_string_equal(folder_text("only_board.py"), "b");
    assert_string_equal(board_text("only_folder.py"), "h");
    assert_string_equal(folder_text("code.py"), "print(1)");
    assert_string_equal(folder_text("code.py.conflict"), "of the board");
    same_on_both();
}

static uint32_t noise = 7;

static uint32_t random_below(uint32_t limit) {
    noise ^= noise << 13;
    noise ^= noise >> 17;
    noise ^= noise << 5;
    return noise % limit;
}

static const char *const random_names[] = { "code.py",    "boot.py",   "lib/module.py", "lib/Another Module.py",
                                            "data/a.txt", "data/b.txt" };
#define NAMES 6
#define RANDOM_STEPS 25

/* What a side has already got from the other one, it may change or delete for good. */
static void random_host(char texts[NAMES][32], char others[NAMES][32], unsigned step) {
    unsigned name = random_below(NAMES);
    const char *there = folder_text(random_names[name]);
    if (there && !strcmp(there, others[name])) {
        others[name][0] = 0;
    }
    if (random_below(4) == 0) {
        in_folder("rm -f '%s'", random_names[name]);
        texts[name][0] = 0;
    } else {
        snprintf(texts[name], 32, "folder %u", step);
        in_folder("mkdir -p lib data && printf '%s' > '%s'", texts[name], random_names[name]);
    }
}

static void random_firmware(char texts[NAMES][32], char others[NAMES][32], unsigned step) {
    struct fat_volume volume = firmware_volume();
    unsigned name = random_below(NAMES);
    const char *there = board_text(random_names[name]);
    if (there && !strcmp(there, others[name])) {
        others[name][0] = 0;
    }
    fat_make_directory(&volume, "lib", 0x21 << 16);
    fat_make_directory(&volume, "data", 0x21 << 16);
    if (random_below(4) == 0) {
        firmware_remove(random_names[name]);
        texts[name][0] = 0;
    } else {
        snprintf(texts[name], 32, "board %u", step);
        assert_int_equal(firmware_write(random_names[name], texts[name]), FAT_OK);
    }
}

static bool somewhere(const char *text) {
    return fat_tools_run("grep -rqFx '%s' '%s'", text, folder) == 0;
}

/* Some requests complete, then perhaps the medium goes and comes back. */
static void random_progress(void) {
    drive_poll(board.drive);
    for (uint32_t i = random_below(6); i > 0 && board.request; i--) {
        complete_one(&board, true);
    }
    if (random_below(4) == 0) {
        drive_detach(board.drive);
        if (board.request) {
            complete_one(&board, false);
        }
        drive_attach(board.drive);
    }
}

/* Both sides change at random while requests are under way: the firmware only while it has the drive write-protected,
 * as it is with storage.remount(). Afterwards both hold the same, and nothing that was written last on a side is lost.
 */
static void random_changes_on_both_sides(void **state) {
    attach();
    for (unsigned step = 0; step < RANDOM_STEPS; step++) {
        char host[NAMES][32] = { 0 }, firmware[NAMES][32] = { 0 };
        bool protect = random_below(2);
        board.protect = protect;
        drive_set_write_protected(board.drive, protect);
        for (uint32_t i = random_below(6); i > 0; i--) {
            if (protect && random_below(2)) {
                random_firmware(firmware, host, step * 10 + i);
            } else if (random_below(2)) {
                random_host(host, firmware, step * 10 + i);
            }
            random_progress();
        }
        complete_all(&board);
        settle();
        board.protect = false;
        drive_set_write_protected(board.drive, false);
        settle();
        same_on_both();
        for (unsigned name = 0; name < NAMES; name++) {
            assert_true(!host[name][0] || somewhere(host[name]));
            assert_true(!firmware[name][0] || somewhere(firmware[name]));
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    fat_tools_require();
    const struct CMUnitTest tests[] = {
        TEST(nothing_to_do_writes_nothing),
        TEST(a_saved_file_reaches_the_board),
        TEST(writes_come_in_a_safe_order),
        TEST(new_removed_and_moved_files_reach_the_board),
        TEST(touching_a_file_writes_its_date_alone),
        TEST(editors_do_no_harm),
        TEST(what_the_firmware_writes_appears),
        TEST(files_and_folders_change_places),
        TEST(a_change_of_data_alone_is_seen),
        TEST(a_change_during_a_read_is_seen),
        TEST(a_conflict_keeps_both),
        TEST(a_changed_file_wins_over_a_deleted_one),
        TEST(a_formatted_volume_costs_no_file),
        TEST(an_emptied_volume_costs_no_file),
        TEST(a_damaged_volume_stops_everything),
        TEST(changes_wait_while_write_protected),
        TEST(failed_writes_are_repeated),
        TEST(a_medium_may_go_at_any_moment),
        TEST(without_mass_storage_the_flash_is_read),
        TEST(what_does_not_fit_is_named_and_tried_again),
        TEST(a_folder_that_is_gone_deletes_nothing),
        TEST(an_earlier_session_is_not_lost),
        TEST(an_unsound_volume_costs_no_file_at_the_start),
        TEST(an_unsound_volume_costs_no_file_at_the_end),
        TEST(an_unknown_volume_is_merged),
        TEST(random_changes_on_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
