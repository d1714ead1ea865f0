/* The drive engine and what it does not put onto the drive: folders that a drive cannot hold or nobody can read,
 * programs that are held back. See drive_board.h. */
#include "tests/unit/drive_board.h"

static unsigned count_of(const char *text, const char *part) {
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) {
        count++;
    }
    return count;
}

/* A folder with far too many files: a few lines, and what is on the drive is still kept in step. */
static void a_folder_far_too_large_is_told_once(void **state) {
    attach();
    in_folder("mkdir many && for i in $(seq 500); do head -c 2000 /dev/zero > many/$i; done");
    settle();
    assert_int_equal(count_of(board.lines, ": not on the drive: the volume is full\n"), 8);
    assert_int_equal(count_of(board.lines, "/project: more is not on the drive: the volume is full"), 1);
    in_folder("printf 'print(2)' > code.py");
    settle();
    assert_string_equal(board_text("code.py"), "print(2)");
    in_folder("rm -r many && printf last > last.py");
    settle();
    same_on_both();
}

/* A file that became smaller makes room as one that is gone does. */
static void a_smaller_file_makes_room(void **state) {
    attach();
    in_folder("head -c 150000 /dev/zero > one.bin");
    settle();
    in_folder("head -c 150000 /dev/zero > two.bin");
    settle();
    assert_null(board_text("two.bin"));
    in_folder("printf 1 > one.bin");
    settle();
    same_on_both();
}

/* What did not fit at the start waits for room, not for the board. */
static void what_never_fitted_is_no_change(void **state) {
    in_folder("head -c 150000 /dev/zero > one.bin && head -c 150000 /dev/zero > two.bin");
    drive_destroy(board.drive);
    start_drive();
    board.protect = true;
    drive_set_write_protected(board.drive, true);
    attach();
    assert_non_null(strstr(board.lines, ": 1 of them did not fit, the first is two.bin "));
    assert_null(strstr(board.lines, "changes wait"));
    board.protect = false;
    drive_set_write_protected(board.drive, false);
    in_folder("rm one.bin");
    settle();
    same_on_both();
}

/* Root can read everything. Until seteuid() back. */
static void settle_as_nobody(void) {
    if (geteuid() == 0) {
        in_folder("chown -R 65534 .");
        assert_int_equal(seteuid(65534), 0);
    }
    settle();
}

/* A folder that cannot be read keeps what it has on the drive; the rest goes on as ever. */
static void an_unreadable_folder_stops_nothing_else(void **state) {
    attach();
    in_folder("chmod 755 .. && mkdir closed && printf kept > closed/file");
    settle();
    in_folder("chmod 000 closed && rm lib/module.py");
    settle_as_nobody();
    assert_int_equal(seteuid(getuid()), 0);
    in_folder("chmod 755 closed");
    assert_null(board_text("lib/module.py"));
    assert_string_equal(board_text("closed/file"), "kept");
    assert_non_null(strstr(board.lines, "/closed: cannot be read: Permission denied\n"));
}

/* A file that could not be read is taken as soon as it can be. */
static void a_file_made_readable_is_taken(void **state) {
    attach();
    in_folder("chmod 755 .. && printf late > late.py && chmod 000 late.py");
    settle_as_nobody();
    assert_null(board_text("late.py"));
    assert_non_null(strstr(board.lines, "/late.py: "));
    in_folder("chmod 644 late.py");
    settle();
    assert_int_equal(seteuid(getuid()), 0);
    assert_string_equal(board_text("late.py"), "late");
}

static bool is_on_board(const char *path) {
    struct fat_volume volume = firmware_volume();
    struct fat_entry entry;
    return fat_lookup(&volume, path, &entry) == FAT_OK;
}

/* The deepest folders that are taken, with a file in the last one; one more is left out with its line. Both ways go on.
 */
static void folders_nested_as_deep_as_allowed(void **state) {
    in_folder(
        "d=1; for i in $(seq 2 32); do d=$d/$i; done; mkdir -p $d/33 && printf deep > $d/x && printf no > $d/33/x");
    drive_destroy(board.drive);
    start_drive();
    attach();
    settle();
    assert_non_null(strstr(board.lines, "/33: not on the drive: too deep\n"));
    assert_null(strstr(board.lines, "damaged"));
    firmware_write("log.txt", "written by the board");
    settle();
    in_folder("[ -s log.txt ] && printf 'print(2)' > code.py");
    settle();
    assert_string_equal(board_text("code.py"), "print(2)");
    in_folder("[ -s 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33/x ]");
}

/* Every name that CircuitPython starts by itself, and none besides, stays off the drive until it is released. */
static void held_programs_come_later(void **state) {
    static const char *const programs[] = { "code.py",     "main.py",     "CODE.TXT",   "main.txt",
                                            "code.txt.py", "main.py.txt", "code.py.py", "main.txt.txt" };
    static const char *const others[] = { "boot.py", "code.pyc", "decode.py", "lib/code.py", "code", "main.py.bak" };
    in_folder("touch main.py main.txt code.txt.py main.py.txt code.py.py main.txt.txt CODE.TXT "
              "boot.py code.pyc decode.py lib/code.py code main.py.bak");
    drive_destroy(board.drive);
    board.hold_code = true;
    start_drive();
    attach();
    assert_true(drive_code_is_held(board.drive));
    for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        assert_false(is_on_board(programs[i]));
    }
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_true(is_on_board(others[i]));
    }
    drive_release_code(board.drive);
    assert_false(drive_code_is_written(board.drive));
    poll();
    poll();
    assert_true(drive_code_is_written(board.drive));
    same_on_both();
    assert_string_equal(board.lines, "");
}

/* They are not taken for deleted, whatever happens meanwhile. */
static void held_programs_are_not_lost(void **state) {
    drive_destroy(board.drive);
    board.hold_code = true;
    start_drive();
    attach();
    settle();
    firmware_write("log.txt", "written by the board");
    settle();
    in_folder("[ -s code.py ] && [ -s log.txt ]");
    drive_finish(board.drive);
    in_folder("[ -s code.py ]");
}

/* After a reset of the chip: off the volume, in the folder, and back again; or put back at once. */
static void programs_are_held_again_after_a_reset(void **state) {
    attach();
    settle();
    for (int put_back = 0; put_back < 2; put_back++) {
        drive_detach(board.drive);
        assert_true(drive_hold_code(board.drive));
        assert_false(is_on_board("code.py"));
        assert_true(is_on_board("lib/module.py"));
        if (put_back) {
            drive_put_code_back(board.drive);
            assert_string_equal(board_text("code.py"), "print(1)");
        }
        attach();
        if (!put_back) {
            drive_release_code(board.drive);
        }
        settle();
        assert_true(drive_code_is_written(board.drive));
        in_folder("[ -s code.py ] && [ ! -e code.py.conflict ]");
        same_on_both();
    }
    assert_string_equal(board.lines, "");
}

/* What the board has written into its program and nobody has copied yet must not be lost. */
static void changed_programs_are_not_held(void **state) {
    attach();
    settle();
    firmware_write("code.py", "written by the board");
    assert_false(drive_hold_code(board.drive));
    assert_string_equal(board_text("code.py"), "written by the board");
    settle();
    in_folder("grep -q board code.py");
    assert_true(drive_hold_code(board.drive));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    fat_tools_require();
    const struct CMUnitTest tests[] = {
        TEST(a_folder_far_too_large_is_told_once),
        TEST(a_smaller_file_makes_room),
        TEST(what_never_fitted_is_no_change),
        TEST(an_unreadable_folder_stops_nothing_else),
        TEST(a_file_made_readable_is_taken),
        TEST(held_programs_come_later),
        TEST(held_programs_are_not_lost),
        TEST(folders_nested_as_deep_as_allowed),
        TEST(programs_are_held_again_after_a_reset),
        TEST(changed_programs_are_not_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
