/* The drive engine between a folder and a board in memory: requests complete later, the "firmware" changes the volume
 * with the FAT library, fsck.fat and a comparison of both sides judge. One per test program. */
#ifndef TESTS_UNIT_DRIVE_BOARD_H
#define TESTS_UNIT_DRIVE_BOARD_H

#include "firmware-loader/drive.h"
#include "firmware-loader/fat.h"
#include "tests/unit/fat_tools.h"

#define SIZE (256 * 1024)

struct board {
    uint8_t area[SIZE];
    struct drive *drive;
    struct drive_request *request; /* under way */
    bool present, protect;
    bool hold_code;      /* of the next start_drive() */
    unsigned fail_after; /* writes; 0: never */
    unsigned reads, writes;
    uint32_t written[4096]; /* the blocks, in order */
    size_t written_count;
    char lines[16384];
};

static struct board board;
static char *scratch, folder[4096];

static inline void collect(void *context, enum log_level level, const char *line) {
    struct board *b = context;
    if (level != LOG_TRACE && strlen(b->lines) + strlen(line) + 2 < sizeof(b->lines)) {
        strcat(b->lines, line);
        strcat(b->lines, "\n");
    }
}

static inline bool submit(void *context, struct drive_request *request) {
    struct board *b = context;
    assert_null(b->request);
    assert_true(request->count > 0);
    if (b->present) {
        b->request = request;
    }
    return b->present;
}

/* CircuitPython's flash is erased and programmed in 4 KB. */
static inline void flash_write(struct board *b, uint32_t sector, const uint8_t *data) {
    memcpy(b->area + sector * 512, data, 512);
    if (b->drive) {
        drive_flash_changed(b->drive, sector * 512 / 4096 * 4096, 4096);
    }
}

static inline void fill_table(uint8_t *block) {
    memset(block, 0, 512);
    memcpy(block + 446, "\0\xff\xff\xff\6\xff\xff\xff\1\0\0\0", 12);
    block[458] = SIZE / 512 & 0xff;
    block[459] = SIZE / 512 >> 8;
    block[510] = 0x55;
    block[511] = 0xaa;
}

static inline bool transfer(struct board *b, struct drive_request *request) {
    for (uint32_t i = 0; i < request->count; i++) {
        uint32_t block = request->lba + i;
        uint8_t *data = request->data + i * 512;
        if (block > SIZE / 512 || (request->write && b->protect)) {
            return false;
        }
        if (request->write) {
            if (b->fail_after && --b->fail_after == 0) {
                return false;
            }
            if (b->written_count < 4096) {
                b->written[b->written_count++] = block - 1;
            }
            flash_write(b, block - 1, data);
        } else if (block == 0) {
            fill_table(data);
        } else {
            memcpy(data, b->area + (block - 1) * 512, 512);
        }
    }
    b->reads += !request->write;
    b->writes += request->write;
    return true;
}

static inline void complete_one(struct board *b, bool allowed) {
    struct drive_request *request = b->request;
    b->request = NULL;
    request->done(request, allowed && transfer(b, request));
}

static inline void complete_all(struct board *b) {
    for (int i = 0; b->request; i++) {
        assert_true(i < 5000);
        complete_one(b, true);
    }
}

static inline void poll(void) {
    drive_poll(board.drive);
    complete_all(&board);
}

/* Until nothing is left to do; the first two polls see the folder twice. */
static inline void settle(void) {
    poll();
    poll();
    for (int i = 0; drive_busy(board.drive); i++) {
        assert_true(i < 200);
        poll();
    }
}

static inline bool firmware_read(void *context, uint32_t sector, uint8_t *data) {
    memcpy(data, board.area + sector * 512, 512);
    return true;
}

static inline bool firmware_write_sector(void *context, uint32_t sector, const uint8_t *data) {
    flash_write(&board, sector, data);
    return true;
}

static inline struct fat_volume firmware_volume(void) {
    struct fat_device device = { NULL, SIZE / 512, firmware_read, firmware_write_sector, NULL };
    struct fat_volume volume;
    assert_int_equal(fat_mount(&volume, &device), FAT_OK);
    return volume;
}

static inline enum fat_result firmware_write(const char *path, const char *text) {
    struct fat_volume volume = firmware_volume();
    return fat_write(&volume, path, text, (uint32_t)strlen(text), fat_time_from_unix(1600000000), FAT_ARCHIVE);
}

static inline enum fat_result firmware_remove(const char *path) {
    struct fat_volume volume = firmware_volume();
    return fat_remove(&volume, path);
}

static inline char *board_text(const char *path) {
    static char text[SIZE];
    struct fat_volume volume = firmware_volume();
    struct fat_entry entry;
    uint32_t length;
    if (fat_lookup(&volume, path, &entry) || fat_read(&volume, &entry, 0, text, sizeof(text) - 1, &length)) {
        return NULL;
    }
    text[length] = 0;
    return text;
}

static inline void in_folder(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void in_folder(const char *format, ...) {
    char commands[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(commands, sizeof(commands), format, args);
    va_end(args);
    assert_int_equal(fat_tools_run("cd '%s' && %s", folder, commands), 0);
}

static inline char *folder_text(const char *path) {
    static char text[SIZE];
    char full[8192];
    snprintf(full, sizeof(full), "%s/%s", folder, path);
    if (access(full, R_OK)) {
        return NULL;
    }
    text[fat_tools_load(full, text, sizeof(text) - 1)] = 0;
    return text;
}

/* Both sides hold the same but for what stays off the drive. The volume walks well; it may have lost clusters. */
static inline void same_files_on_both(void) {
    char path[4096];
    struct fat_volume volume = firmware_volume();
    assert_int_equal(fat_check(&volume), FAT_OK);
    snprintf(path, sizeof(path), "%s/check.img", scratch);
    fat_tools_save(path, board.area, SIZE);
    assert_int_equal(
        fat_tools_run("cd '%s' && rm -rf back && mkdir back && LC_ALL=C.UTF-8 MTOOLSRC=/dev/null "
                      "sh -c '[ -z \"$(mdir -b -a -i check.img ::)\" ] || mcopy -s -p -m -i check.img ::/* back' "
                      "&& diff -r -x '*.conflict*' project back",
                      scratch),
        0);
}

static inline void same_on_both(void) {
    same_files_on_both();
    fat_tools_check(scratch, board.area, SIZE);
}

static inline void start_drive(void) {
    struct error error = { "" };
    struct drive_desc desc = {
        .folder = folder,
        .area = board.area,
        .area_size = SIZE,
        .hold_code = board.hold_code,
        .submit = submit,
        .submit_context = &board,
        .report = collect,
        .report_context = &board,
    };
    board.drive = drive_create(&desc, &error);
    assert_string_equal(error.message, "");
    assert_non_null(board.drive);
    board.present = true;
}

static inline void attach(void) {
    board.present = true;
    drive_attach(board.drive);
    settle();
    board.reads = board.writes = 0;
    board.written_count = 0;
}

static inline int setup(void **state) {
    memset(&board, 0, sizeof(board));
    scratch = fat_tools_scratch();
    snprintf(folder, sizeof(folder), "%s/project", scratch);
    if (mkdir(folder, 0777)) {
        return -1;
    }
    in_folder("mkdir lib && printf 'print(1)' > code.py && printf 'x = 1' > lib/module.py");
    start_drive();
    return 0;
}

static inline int teardown(void **state) {
    drive_destroy(board.drive);
    fat_tools_finish(scratch);
    return 0;
}

#endif
