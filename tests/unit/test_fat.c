/* The FAT library against mtools and fsck.fat, both ways, and against broken volumes. */
#include "firmware-loader/fat.h"
#include "tests/unit/fat_tools.h"

#define PICO_SIZE (1024 * 1024)

static char *scratch;
static uint8_t image[16 * 1024 * 1024];
static uint32_t noise = 1;

static uint32_t random_bits(void) {
    noise ^= noise << 13;
    noise ^= noise >> 17;
    noise ^= noise << 5;
    return noise;
}

static void fresh(struct fat_volume *volume, size_t size) {
    memset(image, 0xff, sizeof(image));
    struct fat_device device = fat_memory_device(image, size);
    struct fat_format_options options = { .serial = 0x12345678, .hidden_sectors = 1, .label = "CIRCUITPY" };
    assert_int_equal(fat_format(&device, &options), FAT_OK);
    assert_int_equal(fat_mount(volume, &device), FAT_OK);
}

static void write_text(struct fat_volume *volume, const char *path, const char *text) {
    uint32_t date = fat_time_from_unix(1700000000);
    assert_int_equal(fat_write(volume, path, text, (uint32_t)strlen(text), date, FAT_ARCHIVE), FAT_OK);
}

static void assert_text(struct fat_volume *volume, const char *path, const char *text) {
    struct fat_entry entry;
    char data[4096] = { 0 };
    uint32_t length;
    assert_int_equal(fat_lookup(volume, path, &entry), FAT_OK);
    assert_int_equal(fat_read(volume, &entry, 0, data, sizeof(data) - 1, &length), FAT_OK);
    assert_int_equal(length, strlen(text));
    assert_string_equal(data, text);
}

static void sound(struct fat_volume *volume, size_t size) {
    assert_int_equal(fat_check(volume), FAT_OK);
    fat_tools_check(scratch, image, size);
}

/* The layout of a new Pico's drive, from f_mkfs of CircuitPython for 2048 sectors. */
static void formats_as_circuitpython(void **state) {
    struct fat_volume volume;
    char label[12];
    fresh(&volume, PICO_SIZE);
    assert_int_equal(volume.bits, 12);
    assert_int_equal(volume.cluster_sectors, 1);
    assert_int_equal(volume.fat_copies, 1);
    assert_int_equal(volume.fat_start, 1);
    assert_int_equal(volume.fat_sectors, 7);
    assert_int_equal(volume.root_start, 8);
    assert_int_equal(volume.root_sectors, 32);
    assert_int_equal(volume.clusters, 2048 - 40);
    assert_memory_equal(image,
                        "\xeb\xfe\x90MSDOS5.0\x00\x02\x01\x01\x00\x01\x00\x02\x00\x08\xf8\x07\x00?\x00\xff\x00"
                        "\x01\x00\x00\x00",
                        32);
    assert_int_equal(fat_label(&volume, label), FAT_OK);
    assert_string_equal(label, "CIRCUITPY");
    sound(&volume, PICO_SIZE);
}

static void formats_all_flash_sizes(void **state) {
    static const struct {
        uint32_t kilobytes;
        unsigned bits, cluster_sectors;
    } sizes[] = { { 64, 12, 1 },   { 128, 12, 1 },  { 512, 12, 1 },  { 1024, 12, 1 },
                  { 3072, 12, 2 }, { 7168, 16, 2 }, { 15360, 16, 4 } };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct fat_volume volume;
        fresh(&volume, sizes[i].kilobytes * 1024);
        assert_int_equal(volume.bits, sizes[i].bits);
        assert_int_equal(volume.cluster_sectors, sizes[i].cluster_sectors);
        write_text(&volume, "code.py", "print(1)\n");
        sound(&volume, sizes[i].kilobytes * 1024);
    }
    struct fat_device tiny = fat_memory_device(image, 21 * 512);
    assert_int_equal(fat_format(&tiny, &(struct fat_format_options){ .serial = 1 }), FAT_UNSUPPORTED);
}

/* What we write, mtools reads. */
static void mtools_reads_ours(void **state) {
    struct fat_volume volume;
    static uint8_t big[70000];
    fresh(&volume, PICO_SIZE);
    for (size_t i = 0; i < sizeof(big); i++) {
        big[i] = (uint8_t)random_bits();
    }
    write_text(&volume, "code.py", "print('hi')\n");
    write_text(&volume, "A long name with spaces.txt", "long");
    write_text(&volume, "Grüße-日本.py", "unicode");
    assert_int_equal(fat_make_directory(&volume, "lib", fat_time_from_unix(1700000000)), FAT_OK);
    assert_int_equal(fat_make_directory(&volume, "lib/adafruit_display_text", fat_time_from_unix(1700000000)), FAT_OK);
    write_text(&volume, "lib/adafruit_display_text/__init__.py", "# package\n");
    assert_int_equal(fat_write(&volume, "lib/big.bin", big, sizeof(big), fat_time_from_unix(0), FAT_ARCHIVE), FAT_OK);
    sound(&volume, PICO_SIZE);

    char out[4096];
    static uint8_t back[80000];
    setenv("MTOOLSRC", "/dev/null", 1);
    assert_int_equal(
        fat_tools_run("cd '%s' && LC_ALL=C.UTF-8 mcopy -s -p -m -i check.img ::/ . && mdir -i check.img :: > list",
                      scratch),
        0);
    snprintf(out, sizeof(out), "%s/lib/big.bin", scratch);
    assert_int_equal(fat_tools_load(out, back, sizeof(back)), sizeof(big));
    assert_memory_equal(back, big, sizeof(big));
    snprintf(out, sizeof(out), "%s/Grüße-日本.py", scratch);
    assert_int_equal(fat_tools_load(out, back, sizeof(back)), 7);
    snprintf(out, sizeof(out), "%s/lib/adafruit_display_text/__init__.py", scratch);
    assert_int_equal(fat_tools_load(out, back, sizeof(back)), 10);
    struct stat status;
    snprintf(out, sizeof(out), "%s/code.py", scratch);
    assert_int_equal(stat(out, &status), 0);
    assert_int_equal(status.st_mtime, 1700000000);
    assert_int_equal(fat_tools_run("cd '%s' && grep -q 'code     py' list && grep -q 'A long name' list", scratch), 0);
}

/* What mtools writes on a volume of its own, we read, and change soundly. */
static void reads_mtools(void **state) {
    static const char *const formats[] = { "-T 2048 -h 16 -s 32", "-T 20480 -h 16 -s 63 -c 2", "-T 30720 -h 16 -s 63" };
    setenv("MTOOLSRC", "/dev/null", 1);
    for (int i = 0; i < 3; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/other.img", scratch);
        assert_int_equal(
            fat_tools_run("cd '%s' && rm -f other.img && export LC_ALL=C.UTF-8 && "
                          "mformat -C -i other.img -v CIRCUITPY %s :: && printf alpha > Alpha.txt && "
                          "touch -d @1600000000 Alpha.txt && "
                          "printf 'a long one' > 'Another Long Name.text' && printf x > 'ÄÖ.txt' && "
                          "mmd -i other.img ::/sub ::/sub/deeper && mcopy -m -i other.img Alpha.txt ::/sub && "
                          "mcopy -i other.img 'Another Long Name.text' 'ÄÖ.txt' ::/sub/deeper",
                          scratch, formats[i]),
            0);
        size_t size = fat_tools_load(path, image, sizeof(image));
        struct fat_device device = fat_memory_device(image, size);
        struct fat_volume volume;
        struct fat_entry entry;
        char label[12];
        assert_int_equal(fat_mount(&volume, &device), FAT_OK);
        assert_int_equal(fat_label(&volume, label), FAT_OK);
        assert_string_equal(label, "CIRCUITPY");
        assert_text(&volume, "sub/Alpha.txt", "alpha");
        assert_text(&volume, "SUB/ALPHA.TXT", "alpha");
        assert_text(&volume, "sub/deeper/Another Long Name.text", "a long one");
        assert_text(&volume, "sub/deeper/äö.txt", "x");
        assert_int_equal(fat_lookup(&volume, "sub/alpha.txt", &entry), FAT_OK);
        assert_int_equal(fat_time_to_unix(entry.modified), 1600000000);
        write_text(&volume, "sub/deeper/ours.py", "pass\n");
        write_text(&volume, "sub/Alpha.txt", "changed");
        assert_int_equal(fat_remove(&volume, "sub/deeper/Another Long Name.text"), FAT_OK);
        assert_int_equal(fat_check(&volume), FAT_OK);
        fat_tools_check(scratch, image, size);
        assert_int_equal(fat_tools_run("cd '%s' && [ \"$(mtype -i check.img ::/sub/Alpha.txt)\" = changed ]", scratch),
                         0);
    }
}

static void names(void **state) {
    assert_true(fat_name_valid("code.py"));
    assert_true(fat_name_valid(".hidden"));
    assert_true(fat_name_valid("日本"));
    assert_false(fat_name_valid(""));
    assert_false(fat_name_valid("."));
    assert_false(fat_name_valid(".."));
    assert_false(fat_name_valid("a:b"));
    assert_false(fat_name_valid("a\\b"));
    assert_false(fat_name_valid("dot."));
    assert_false(fat_name_valid("blank "));
    assert_false(fat_name_valid("tab\t"));
    assert_false(fat_name_valid("\xc3"));
    assert_false(fat_name_valid("\xff"));
    assert_false(fat_name_valid("\xed\xa0\x80"));
    char name[300];
    memset(name, 'n', 255);
    name[255] = 0;
    assert_true(fat_name_valid(name));
    memset(name, 'n', 256);
    name[256] = 0;
    assert_false(fat_name_valid(name));
    assert_int_equal(fat_name_compare("CODE.py", "code.PY"), 0);
    assert_int_equal(fat_name_compare("ÄÖÜ", "äöü"), 0);
    assert_int_equal(fat_name_compare("ПРИВЕТ", "привет"), 0);
    assert_true(fat_name_compare("a", "b") < 0);
    assert_true(fat_name_compare("ab", "a") > 0);
}

/* Many names that all want the same short name, the longest name, and an alias as a name. */
static void short_names_are_unique(void **state) {
    struct fat_volume volume;
    char name[300], text[32];
    fresh(&volume, PICO_SIZE);
    assert_int_equal(fat_make_directory(&volume, "many", 0x21 << 16), FAT_OK);
    for (int i = 0; i < 120; i++) {
        snprintf(name, sizeof(name), "many/A file with number %d.text", i);
        snprintf(text, sizeof(text), "%d", i);
        write_text(&volume, name, text);
    }
    write_text(&volume, "many/AFILEW~7.TEX", "not the seventh");
    memset(name, 'x', 255);
    name[255] = 0;
    write_text(&volume, name, "longest");
    write_text(&volume, "🐍 beyond the basic plane", "snake");
    assert_text(&volume, "🐍 beyond the basic plane", "snake");
    sound(&volume, PICO_SIZE);
    assert_text(&volume, "many/a file with number 6.text", "6");
    assert_text(&volume, "many/AFILEW~7.TEX", "not the seventh");
    assert_text(&volume, name, "longest");
}

static void lists_in_order(void **state) {
    struct fat_volume volume;
    struct fat_cursor cursor;
    struct fat_entry entry;
    fresh(&volume, PICO_SIZE);
    write_text(&volume, "one.py", "1");
    write_text(&volume, "Two Long.py", "2");
    write_text(&volume, "three.py", "3");
    assert_int_equal(fat_remove(&volume, "one.py"), FAT_OK);
    assert_int_equal(fat_open(&volume, NULL, &cursor), FAT_OK);
    assert_int_equal(fat_next(&volume, &cursor, &entry), FAT_OK);
    assert_string_equal(entry.name, "Two Long.py");
    assert_int_equal(entry.slots, 2);
    assert_int_equal(fat_next(&volume, &cursor, &entry), FAT_OK);
    assert_string_equal(entry.name, "three.py");
    assert_int_equal(entry.slots, 1);
    assert_int_equal(fat_next(&volume, &cursor, &entry), FAT_NOT_FOUND);
    assert_int_equal(fat_next(&volume, &cursor, &entry), FAT_NOT_FOUND);
}

static void renames(void **state) {
    struct fat_volume volume;
    struct fat_entry entry;
    fresh(&volume, PICO_SIZE);
    write_text(&volume, "code.py", "1");
    write_text(&volume, "other.py", "2");
    assert_int_equal(fat_make_directory(&volume, "lib", 0x21 << 16), FAT_OK);
    assert_int_equal(fat_make_directory(&volume, "lib/sub", 0x21 << 16), FAT_OK);
    assert_int_equal(fat_rename(&volume, "code.py", "other.py"), FAT_EXISTS);
    assert_int_equal(fat_rename(&volume, "code.py", "lib/Main Program.py"), FAT_OK);
    assert_int_equal(fat_rename(&volume, "other.py", "Other.py"), FAT_OK);
    assert_int_equal(fat_rename(&volume, "lib", "lib/sub/lib"), FAT_WRONG_KIND);
    assert_int_equal(fat_rename(&volume, "lib/sub", "moved"), FAT_OK);
    assert_int_equal(fat_rename(&volume, "nothing", "something"), FAT_NOT_FOUND);
    assert_text(&volume, "lib/Main Program.py", "1");
    assert_int_equal(fat_lookup(&volume, "other.py", &entry), FAT_OK);
    assert_string_equal(entry.name, "Other.py");
    sound(&volume, PICO_SIZE);
}

static void refuses(void **state) {
    struct fat_volume volume;
    uint32_t count, again;
    static uint8_t big[PICO_SIZE];
    fresh(&volume, PICO_SIZE);
    assert_int_equal(fat_make_directory(&volume, "lib", 0x21 << 16), FAT_OK);
    write_text(&volume, "lib/a.py", "1");
    assert_int_equal(fat_free_clusters(&volume, &count), FAT_OK);
    assert_int_equal(fat_write(&volume, "lib", "", 0, 0, 0), FAT_WRONG_KIND);
    assert_int_equal(fat_write(&volume, "lib/a.py/b", "", 0, 0, 0), FAT_WRONG_KIND);
    assert_int_equal(fat_write(&volume, "none/b", "", 0, 0, 0), FAT_NOT_FOUND);
    assert_int_equal(fat_write(&volume, "a:b", "", 0, 0, 0), FAT_BAD_NAME);
    assert_int_equal(fat_make_directory(&volume, "LIB", 0), FAT_EXISTS);
    assert_int_equal(fat_remove(&volume, "lib"), FAT_NOT_EMPTY);
    assert_int_equal(fat_write(&volume, "big", big, sizeof(big), 0, 0), FAT_FULL);
    assert_int_equal(fat_write(&volume, "lib/a.py", big, sizeof(big), 0, 0), FAT_FULL);
    assert_text(&volume, "lib/a.py", "1");
    assert_int_equal(fat_free_clusters(&volume, &again), FAT_OK);
    assert_int_equal(count, again);
    sound(&volume, PICO_SIZE);
}

/* A file nearly as large as the volume can be replaced though there is no room for both. */
static void replaces_without_room_for_both(void **state) {
    struct fat_volume volume;
    static uint8_t big[900 * 1024];
    struct fat_entry entry;
    fresh(&volume, PICO_SIZE);
    assert_int_equal(fat_write(&volume, "big", big, sizeof(big), 0x21 << 16, 0), FAT_OK);
    big[0] = 1;
    assert_int_equal(fat_write(&volume, "big", big, sizeof(big) - 5000, 0x21 << 16, 0), FAT_OK);
    assert_int_equal(fat_lookup(&volume, "big", &entry), FAT_OK);
    assert_int_equal(entry.size, sizeof(big) - 5000);
    sound(&volume, PICO_SIZE);
}

static void fills_the_root(void **state) {
    struct fat_volume volume;
    enum fat_result result = FAT_OK;
    int count = 0;
    fresh(&volume, PICO_SIZE);
    for (; !result && count < 600; count++) {
        char name[32];
        snprintf(name, sizeof(name), "f%d", count);
        result = fat_write(&volume, name, "x", 1, 0x21 << 16, 0);
    }
    assert_int_equal(result, FAT_DIRECTORY_FULL);
    assert_int_equal(count, 512);
    sound(&volume, PICO_SIZE);
}

static void dates(void **state) {
    for (int64_t t = 315532800; t < 4354819198; t += 7919 * 1000) {
        assert_int_equal(fat_time_to_unix(fat_time_from_unix(t)), t & ~INT64_C(1));
    }
    assert_int_equal(fat_time_from_unix(0), 0x0021u << 16);
    assert_int_equal(fat_time_from_unix(951782400), ((2000 - 1980) << 9 | 2 << 5 | 29) << 16);
    assert_int_equal(fat_time_to_unix(fat_time_from_unix(INT64_MAX)), 4354819198);
    assert_int_equal(fat_time_to_unix(0), 315532800);
}

#define MODEL_FILES 12

/* Random operations against a plain model; the volume stays sound and the contents are the model's. */
static void random_operations(void **state) {
    static const char *const folders[] = { "", "lib/", "Some Folder/", "lib/deep/" };
    static uint8_t data[60000], back[60000];
    struct {
        bool there;
        uint32_t size, seed;
    } model[MODEL_FILES] = { 0 };
    struct fat_volume volume;
    fresh(&volume, 256 * 1024);
    assert_int_equal(fat_make_directory(&volume, "lib", 0x21 << 16), FAT_OK);
    assert_int_equal(fat_make_directory(&volume, "Some Folder", 0x21 << 16), FAT_OK);
    assert_int_equal(fat_make_directory(&volume, "lib/deep", 0x21 << 16), FAT_OK);
    for (int step = 0; step < 600; step++) {
        unsigned number = random_bits() % MODEL_FILES;
        char name[64];
        snprintf(name, sizeof(name), "%s%s%u.py", folders[number % 4], number & 4 ? "Longer name " : "f", number);
        if (random_bits() % 3) {
            uint32_t size = random_bits() % (random_bits() % 4 ? 3000 : sizeof(data)), seed = random_bits();
            memset(data, (int)seed, size);
            enum fat_result result = fat_write(&volume, name, data, size, 0x21 << 16, FAT_ARCHIVE);
            assert_true(result == FAT_OK || result == FAT_FULL);
            if (!result) {
                model[number].there = true;
                model[number].size = size;
                model[number].seed = seed;
            }
        } else {
            assert_int_equal(fat_remove(&volume, name), model[number].there ? FAT_OK : FAT_NOT_FOUND);
            model[number].there = false;
        }
        assert_int_equal(fat_check(&volume), FAT_OK);
        if (step % 100 == 99) {
            fat_tools_check(scratch, image, 256 * 1024);
        }
    }
    for (unsigned number = 0; number < MODEL_FILES; number++) {
        char name[64];
        struct fat_entry entry;
        uint32_t length;
        snprintf(name, sizeof(name), "%s%s%u.py", folders[number % 4], number & 4 ? "Longer name " : "f", number);
        assert_int_equal(fat_lookup(&volume, name, &entry), model[number].there ? FAT_OK : FAT_NOT_FOUND);
        if (model[number].there) {
            memset(data, (int)model[number].seed, model[number].size);
            assert_int_equal(fat_read(&volume, &entry, 0, back, sizeof(back), &length), FAT_OK);
            assert_int_equal(length, model[number].size);
            assert_memory_equal(back, data, length);
        }
    }
}

static void frees_lost_clusters(void **state) {
    struct fat_volume volume;
    struct fat_entry entry;
    uint32_t count, before, after;
    uint8_t candidates[64];
    fresh(&volume, 128 * 1024);
    write_text(&volume, "code.py", "text");
    assert_int_equal(fat_free_clusters(&volume, &before), FAT_OK);
    write_text(&volume, "lost.py", "text");
    assert_int_equal(fat_lookup(&volume, "lost.py", &entry), FAT_OK);
    image[entry.place[0].sector * 512 + entry.place[0].offset] = 0xe5;
    memset(candidates, 0, sizeof(candidates));
    assert_int_equal(fat_free_lost(&volume, candidates, &count), FAT_OK);
    assert_int_equal(count, 0);
    memset(candidates, 0xff, sizeof(candidates));
    assert_int_equal(fat_free_lost(&volume, candidates, &count), FAT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(fat_free_clusters(&volume, &after), FAT_OK);
    assert_int_equal(before, after);
    assert_text(&volume, "code.py", "text");
    sound(&volume, 128 * 1024);
}

struct stopping {
    uint8_t *image;
    int writes_left;
};

static bool stopping_read(void *context, uint32_t sector, uint8_t *data) {
    struct stopping *stopping = context;
    memcpy(data, stopping->image + sector * 512, 512);
    return true;
}

static bool stopping_write(void *context, uint32_t sector, const uint8_t *data) {
    struct stopping *stopping = context;
    if (stopping->writes_left-- <= 0) {
        return false;
    }
    memcpy(stopping->image + sector * 512, data, 512);
    return true;
}

/* A stop after any write leaves either the old or the new contents, and a volume that can be walked. */
static void stops_anywhere(void **state) {
    static uint8_t before[256 * 1024];
    struct fat_volume volume;
    fresh(&volume, sizeof(before));
    write_text(&volume, "code.py", "old contents");
    memcpy(before, image, sizeof(before));
    char text[3000];
    memset(text, 'n', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    bool finished = false;
    for (int writes = 0; !finished; writes++) {
        memcpy(image, before, sizeof(before));
        struct stopping stopping = { image, writes };
        struct fat_device device = { &stopping, sizeof(before) / 512, stopping_read, stopping_write, NULL };
        assert_int_equal(fat_mount(&volume, &device), FAT_OK);
        finished = fat_write(&volume, "code.py", text, sizeof(text) - 1, 0x21 << 16, 0) == FAT_OK;
        assert_int_equal(fat_check(&volume), FAT_OK);
        struct fat_entry entry;
        assert_int_equal(fat_lookup(&volume, "code.py", &entry), FAT_OK);
        assert_text(&volume, "code.py", entry.size == 12 ? "old contents" : text);
    }
}

/* Walk everything, read everything; results do not matter, coming back does. */
static void touch_all(struct fat_volume *volume, const struct fat_entry *folder, unsigned depth, unsigned *budget) {
    struct fat_cursor cursor;
    struct fat_entry entry;
    static uint8_t data[8192];
    uint32_t length;
    if (depth > 4 || fat_open(volume, folder, &cursor)) {
        return;
    }
    while (*budget && !fat_next(volume, &cursor, &entry)) {
        (*budget)--;
        fat_read(volume, &entry, 100, data, sizeof(data), &length);
        if (entry.attributes & FAT_DIRECTORY) {
            touch_all(volume, &entry, depth + 1, budget);
        }
    }
}

/* Bytes of a good volume changed at random, mostly where structure is. */
static void survives_damage(void **state) {
    static uint8_t good[128 * 1024];
    struct fat_volume volume;
    fresh(&volume, sizeof(good));
    assert_int_equal(fat_make_directory(&volume, "lib", 0x21 << 16), FAT_OK);
    write_text(&volume, "lib/A long name.py", "some text");
    write_text(&volume, "code.py", "some text");
    memcpy(good, image, sizeof(good));
    for (int round = 0; round < 3000; round++) {
        memcpy(image, good, sizeof(good));
        unsigned changes = 1 + random_bits() % 8;
        for (unsigned i = 0; i < changes; i++) {
            uint32_t where = random_bits() % (random_bits() % 3 ? 64 : 12 * 512);
            image[where] = (uint8_t)random_bits();
        }
        struct fat_device device = fat_memory_device(image, sizeof(good));
        if (fat_mount(&volume, &device)) {
            continue;
        }
        unsigned budget = 200;
        fat_check(&volume);
        touch_all(&volume, NULL, 0, &budget);
        fat_write(&volume, "lib/new.py", good, 2000, 0, 0);
        fat_remove(&volume, "code.py");
        fat_rename(&volume, "lib/A long name.py", "moved.py");
        fat_make_directory(&volume, "lib/more", 0);
    }
}

int main(void) {
    fat_tools_require();
    scratch = fat_tools_scratch();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_as_circuitpython),
        cmocka_unit_test(formats_all_flash_sizes),
        cmocka_unit_test(mtools_reads_ours),
        cmocka_unit_test(reads_mtools),
        cmocka_unit_test(names),
        cmocka_unit_test(short_names_are_unique),
        cmocka_unit_test(lists_in_order),
        cmocka_unit_test(renames),
        cmocka_unit_test(refuses),
        cmocka_unit_test(replaces_without_room_for_both),
        cmocka_unit_test(fills_the_root),
        cmocka_unit_test(dates),
        cmocka_unit_test(random_operations),
        cmocka_unit_test(stops_anywhere),
        cmocka_unit_test(frees_lost_clusters),
        cmocka_unit_test(survives_damage),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fat_tools_finish(scratch);
    return failed;
}
