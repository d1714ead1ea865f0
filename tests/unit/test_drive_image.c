/* A folder as a volume: mtools and fsck.fat see the folder's files, and what is left out has its line. */
#include "firmware-loader/drive_image.h"
#include "firmware-loader/fat.h"
#include "tests/unit/fat_tools.h"

#define SIZE (1024 * 1024)

static char *scratch, folder[4096];
static uint8_t area[SIZE];
static char lines[16384];

static void collect(void *context, enum log_level level, const char *line) {
    if (level != LOG_TRACE) {
        assert_true(strlen(lines) + strlen(line) + 2 < sizeof(lines));
        strcat(lines, line);
        strcat(lines, "\n");
    }
}

static int setup(void **state) {
    scratch = fat_tools_scratch();
    snprintf(folder, sizeof(folder), "%s/project", scratch);
    lines[0] = 0;
    return mkdir(folder, 0777);
}

static int teardown(void **state) {
    fat_tools_finish(scratch);
    return 0;
}

static void build(void) {
    struct error error;
    assert_true(drive_build_image(folder, area, SIZE, collect, NULL, &error));
    fat_tools_check(scratch, area, SIZE);
}

static void in_folder(const char *commands) {
    assert_int_equal(fat_tools_run("cd '%s' && %s", folder, commands), 0);
}

static void an_empty_folder_is_an_empty_drive(void **state) {
    build();
    assert_string_equal(lines, "");
    assert_int_equal(area[SIZE - 1], 0xff);
}

static void mtools_gets_the_folder_back(void **state) {
    in_folder("mkdir -p lib/adafruit_bus_device empty && printf 'print(1)\\n' > code.py && : > empty.txt && "
              "head -c 100000 /dev/urandom > 'A large file.bin' && printf x > lib/adafruit_bus_device/__init__.py && "
              "printf y > 'Grüße.py' && find . -type f -exec touch -d @1690000000 {} +");
    build();
    assert_string_equal(lines, "");
    assert_int_equal(fat_tools_run("cd '%s' && mkdir back && LC_ALL=C.UTF-8 MTOOLSRC=/dev/null "
                                   "mcopy -s -p -m -i check.img ::/ back && diff -r project back && "
                                   "[ \"$(stat -c %%Y back/code.py)\" = 1690000000 ]",
                                   scratch),
                     0);
}

static void the_same_folder_gives_the_same_bytes(void **state) {
    static uint8_t again[SIZE];
    in_folder("mkdir lib && for i in 5 3 9 1; do echo $i > lib/$i.py; done && "
              "find . -exec touch -d @1690000000 {} +");
    build();
    memcpy(again, area, SIZE);
    assert_int_equal(fat_tools_run("cd '%s' && mkdir other && cd other && mkdir lib && for i in 9 1 3 5; do "
                                   "echo $i > lib/$i.py; done && find . -exec touch -d @1690000000 {} + && "
                                   "cd .. && rm -r project && mv other project",
                                   scratch),
                     0);
    build();
    assert_memory_equal(again, area, SIZE);
}

static void what_is_left_out_has_a_line(void **state) {
    in_folder(
        "printf 1 > a:b && printf 2 > 'dot.' && printf 3 > Same.py && printf 4 > same.py && ln -s same.py link.py && "
        "mkfifo pipe && head -c 2000000 /dev/zero > huge.bin && printf '5' > \"$(printf 'bad\\377name')\" && "
        "printf 6 > \"$(printf 'line\\nbreak')\" && mkdir 'bad?' && printf 7 > 'bad?/inside' && printf 8 > code.py");
    build();
    assert_non_null(strstr(lines, "/a:b: not on the drive: a FAT volume cannot hold this name\n"));
    assert_non_null(strstr(lines, "/dot.: not on the drive: a FAT volume cannot hold this name\n"));
    assert_non_null(strstr(lines, "/same.py: not on the drive: differs from Same.py only in case\n"));
    assert_non_null(strstr(lines, "/link.py: not on the drive: symbolic links are not followed\n"));
    assert_non_null(strstr(lines, "/pipe: not on the drive: neither a file nor a folder\n"));
    assert_non_null(strstr(lines, "/huge.bin: not on the drive: larger than the whole volume\n"));
    assert_non_null(strstr(lines, "/bad?: not on the drive"));
    assert_non_null(strstr(lines, "/line?break: not on the drive"));
    assert_null(strstr(lines, "inside"));
    int count = 0;
    for (const char *p = lines; (p = strchr(p, '\n')); p++) {
        count++;
    }
    assert_int_equal(count, 9);
    assert_int_equal(
        fat_tools_run("cd '%s' && [ \"$(mtype -i check.img ::/code.py; mtype -i check.img ::/Same.py)\" = 83 ]",
                      scratch),
        0);
}

static void temporary_files_and_version_control_stay_off(void **state) {
    in_folder("mkdir .git __pycache__ && printf 1 > .git/config && printf 2 > code.py~ && printf 3 > .code.py.swp && "
              "printf 4 > '.#code.py' && printf 5 > 4913 && printf 6 > __pycache__/x.pyc && printf 7 > .hidden");
    build();
    assert_string_equal(lines, "");
    assert_int_equal(fat_tools_run("cd '%s' && [ \"$(mdir -b -a -i check.img ::)\" = ::/.hidden ]", scratch), 0);
}

/* A folder that is too large has one line with both sizes and what is missing first; the other files are there. 4 x 293
 * clusters of 1 KB and one, of a volume of 1 MB. */
static void too_much_is_named(void **state) {
    in_folder("for i in 1 2 3 4; do head -c 300000 /dev/zero > $i.bin; done; printf x > last.py");
    build();
    assert_non_null(strstr(lines, "/project: 5 files need 1173 KB and the drive has "));
    assert_non_null(strstr(lines, ": 1 of them did not fit, the first is 4.bin "));
    assert_ptr_equal(strchr(lines, '\n'), lines + strlen(lines) - 1);
    assert_int_equal(fat_tools_run("cd '%s' && mtype -i check.img ::/last.py > /dev/null", scratch), 0);
}

/* Of a folder that is too large: what is started, what that imports, other modules, the rest. */
static void the_most_useful_files_come_first(void **state) {
    in_folder(
        "mkdir -p a/b lib/pkg lib/unused && head -c 900000 /dev/zero > a/b/0.bin && "
        "printf 'import zz1, lib2 as l\n  from pkg.deep import x\n#import unused\n' > code.py && "
        "printf 'import zz3' > zz1.py && head -c 30000 /dev/zero > zz3.mpy && printf 'a = 1' > settings.toml && "
        "head -c 30000 /dev/zero > lib/pkg/deep.py && printf x > lib/pkg/__init__.py && printf x > lib/lib2.py && "
        "head -c 100000 /dev/zero > lib/unused/big.py && head -c 30000 /dev/zero > aaa.txt && printf x > zzz.txt");
    build();
    assert_int_equal(
        fat_tools_run("cd '%s' && for f in code.py zz1.py zz3.mpy settings.toml lib/pkg/deep.py lib/pkg/__init__.py "
                      "lib/lib2.py lib/unused/big.py aaa.txt zzz.txt; do mtype -i check.img ::/$f > "
                      "/dev/null || exit 1; done",
                      scratch),
        0);
    assert_non_null(strstr(lines, ": 1 of them did not fit, the first is a/b/0.bin "));
}

static void no_folder_no_drive(void **state) {
    struct error error;
    assert_false(drive_build_image("/nonexistent/folder", area, SIZE, NULL, NULL, &error));
    assert_string_equal(error.message, "/nonexistent/folder: cannot be read");
    assert_false(drive_build_image(folder, area, 4096, NULL, NULL, &error));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    fat_tools_require();
    const struct CMUnitTest tests[] = {
        TEST(an_empty_folder_is_an_empty_drive),
        TEST(mtools_gets_the_folder_back),
        TEST(the_same_folder_gives_the_same_bytes),
        TEST(what_is_left_out_has_a_line),
        TEST(temporary_files_and_version_control_stay_off),
        TEST(too_much_is_named),
        TEST(the_most_useful_files_come_first),
        TEST(no_folder_no_drive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
