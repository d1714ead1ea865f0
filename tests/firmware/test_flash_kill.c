/* CircuitPython writes files to a drive that is kept in a flash file, and is killed (SIGKILL) at random moments. What
 * must be there afterwards: a file system without a broken chain, every file that the program had said to be done, and
 * an image that boots and finds them.
 *
 * One boot; each round is a fork of it with a file of its own. OUROBOARD_KILLS (5): number of rounds. */
#include "firmware-loader/drive_image.h"
#include "firmware-loader/fat.h"
#include "firmware-loader/flash_file.h"
#include "peripherals/parts/w25q.h"
#include "tests/firmware/rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IMAGE "adafruit-circuitpython-raspberry_pi_pico-en_US-10.2.1.uf2"
#define FLASH_SIZE (2u << 20)
#define DRIVE_START (1u << 20)
#define LINES 300
#define LINE 10

static const char boot_py[] = "import storage\nstorage.remount('/', readonly=False)\n";
/* Files of 3000 bytes, each written under another name and renamed. */
static const char code_py[] = "import os, supervisor\n"
                              "while not supervisor.runtime.serial_connected:\n"
                              "    pass\n"
                              "n = len([f for f in os.listdir('/') if f[0] == 'k'])\n"
                              "print('have', n)\n"
                              "while n < 200:\n"
                              "    with open('/new', 'w') as f:\n"
                              "        for i in range(300):\n"
                              "            f.write('%04d %04d\\n' % (n, i))\n"
                              "    os.rename('/new', '/k%04d.txt' % n)\n"
                              "    os.sync()\n"
                              "    print('done', n)\n"
                              "    n += 1\n";

struct round {
    struct rig *rig;
    struct flash_file *file;
    int pipe_end;
    pid_t parent;
};

static char directory[] = "/tmp/ouroboard-kill-XXXXXX";
static char flash_path[64];

static void put(const char *name, const char *text) {
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

static void forget(const char *name) {
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    unlink(path);
}

static void boot(struct rig *rig, uint8_t *flash) {
    struct error error;
    put("boot.py", boot_py);
    put("code.py", code_py);
    memset(flash, 0xff, FLASH_SIZE);
    if (!drive_build_image(directory, flash + DRIVE_START, FLASH_SIZE - DRIVE_START, NULL, NULL, &error)) {
        fprintf(stderr, "FAILED: %s\n", error.message);
        exit(1);
    }
    forget("boot.py");
    forget("code.py");
    rig_start(rig, &(struct rig_desc){ .image = IMAGE, .seed = 1, .flash = flash });
    RIG_CHECK(rig, rig_expect(rig, "have 0", 20000));
}

/* ---- The process that is killed ---- */

static void on_console(void *context, enum console_port port, const uint8_t *data, size_t size) {
    const struct round *round = context;
    if (port == CONSOLE_USB && write(round->pipe_end, data, size) != (ssize_t)size) {
        _exit(1);
    }
}

static void on_flash_changed(void *context, uint32_t offset, uint32_t size, bool erased) {
    flash_file_changed(((struct round *)context)->file, offset, size, erased);
}

static void run_until_killed(struct round *round) {
    struct machine *machine = round->rig->machine;
    struct error error;
    round->file = flash_file_open(flash_path, machine_flash(machine)->contents, FLASH_SIZE, &error);
    if (!round->file) {
        fprintf(stderr, "FAILED: %s\n", error.message);
        _exit(1);
    }
    machine_set_events(machine, &(struct machine_events){
                                    .context = round, .console = on_console, .flash_changed = on_flash_changed });
    if (write(round->pipe_end, "\n", 1) != 1) { /* the file is there */
        _exit(1);
    }
    while (getppid() == round->parent) {
        machine_run(machine, machine_now(machine) + 1000000000);
        flash_file_commit(round->file, machine_now(machine), NULL);
    }
    _exit(1);
}

/* ---- What is left ---- */

/* Number of files that the program has said to be done. */
static unsigned told_done(int pipe_end) {
    static char output[65536];
    size_t length = 0;
    ssize_t got;
    while (length < sizeof(output) - 1 && (got = read(pipe_end, output + length, sizeof(output) - 1 - length)) > 0) {
        length += (size_t)got;
    }
    output[length] = 0;
    unsigned done = 0;
    for (const char *at = output; (at = strstr(at, "done ")); at += 5) {
        char *end;
        unsigned number = (unsigned)strtoul(at + 5, &end, 10) + 1;
        done = *end == '\r' ? number : done; /* a whole line */
    }
    return done;
}

/* FatFs renames in two writes when the two names lie in different sectors of the folder: the new name first, then the
 * old one is struck out. Between the two the file has both, here as on a board; nothing else may share a cluster.
 * Strike the old name out. */
static void finish_rename(struct rig *rig, uint8_t *drive, struct fat_volume *volume, unsigned done) {
    struct fat_entry old, new;
    char name[16];
    snprintf(name, sizeof(name), "k%04u.txt", done);
    if (fat_lookup(volume, "new", &old) || fat_lookup(volume, name, &new)) {
        return;
    }
    RIG_CHECK(rig, old.cluster == new.cluster &&old.size == new.size);
    for (unsigned i = 0; i < old.slots; i++) {
        drive[old.place[i].sector * FAT_SECTOR_SIZE + old.place[i].offset] = 0xe5;
    }
}

static void check_volume(struct rig *rig, const uint8_t *flash, unsigned done) {
    static uint8_t drive[FLASH_SIZE - DRIVE_START];
    struct fat_device device = fat_memory_device(drive, sizeof(drive));
    struct fat_volume volume;
    memcpy(drive, flash + DRIVE_START, sizeof(drive));
    RIG_CHECK(rig, fat_mount(&volume, &device) == FAT_OK);
    finish_rename(rig, drive, &volume, done);
    RIG_CHECK(rig, fat_check(&volume) == FAT_OK);
}

static void check_files(struct rig *rig, uint8_t *flash, unsigned done) {
    struct fat_device device = fat_memory_device(flash + DRIVE_START, FLASH_SIZE - DRIVE_START);
    struct fat_volume volume;
    RIG_CHECK(rig, fat_mount(&volume, &device) == FAT_OK);
    for (unsigned number = 0; number < done; number++) {
        char name[16], contents[LINES * LINE], expected[32];
        uint32_t length;
        struct fat_entry entry;
        snprintf(name, sizeof(name), "k%04u.txt", number);
        RIG_CHECK(rig, fat_lookup(&volume, name, &entry) == FAT_OK);
        RIG_CHECK(rig, fat_read(&volume, &entry, 0, contents, sizeof(contents), &length) == FAT_OK);
        RIG_CHECK(rig, length == sizeof(contents) && entry.size == length);
        for (unsigned i = 0; i < LINES; i++) {
            snprintf(expected, sizeof(expected), "%04u %04u\n", number, i);
            RIG_CHECK(rig, memcmp(contents + i * LINE, expected, LINE) == 0);
        }
    }
}

/* A new machine starts from the file. It may find one file more than had been told. */
static void check_boot(uint8_t *flash, unsigned done) {
    struct rig rig;
    rig_start(&rig, &(struct rig_desc){ .image = IMAGE, .seed = 2, .flash = flash });
    RIG_CHECK(&rig, rig_expect(&rig, "have ", 20000));
    size_t at = rig.cursor;
    RIG_CHECK(&rig, rig_expect(&rig, "\r\n", 1000));
    unsigned have = (unsigned)strtoul(rig.output + at, NULL, 10);
    RIG_CHECK(&rig, have == done || have == done + 1);
    RIG_CHECK(&rig, have >= 200 || rig_expect(&rig, "done ", 20000));
    rig_stop(&rig);
}

/* In microseconds of wall time. */
static long now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

/* How long the program takes for twelve files, on this machine and with this build; in a fork, for the rounds begin
 * with none. */
static long time_of_twelve_files(struct rig *rig) {
    int ends[2];
    long us = 0;
    if (pipe(ends) != 0) {
        exit(1);
    }
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        long begin_us = now_us();
        bool done = rig_expect(rig, "done 5", 20000);
        us = 2 * (now_us() - begin_us);
        _exit(!done || write(ends[1], &us, sizeof(us)) != sizeof(us));
    }
    close(ends[1]);
    bool told = read(ends[0], &us, sizeof(us)) == sizeof(us);
    waitpid(child, NULL, 0);
    close(ends[0]);
    RIG_CHECK(rig, told && us > 0);
    return us;
}

/* The kill comes at most `longest_us` of wall time after the start. */
static unsigned one_round(struct rig *rig, uint8_t *flash, unsigned number, long longest_us) {
    int ends[2];
    if (pipe(ends) != 0) {
        exit(1);
    }
    fflush(NULL);
    struct round round = { .rig = rig, .pipe_end = ends[1], .parent = getpid() };
    pid_t child = fork();
    if (!child) {
        close(ends[0]);
        run_until_killed(&round);
    }
    close(ends[1]);
    char started;
    RIG_CHECK(rig, read(ends[0], &started, 1) == 1);
    long moment_us = rand() % longest_us;
    usleep((useconds_t)moment_us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    unsigned done = told_done(ends[0]);
    close(ends[0]);

    struct error error;
    struct flash_file *file = flash_file_open(flash_path, flash, FLASH_SIZE, &error);
    RIG_CHECK(rig, file != NULL);
    printf("kill %u after %3ld ms: %u files, %u sectors from the journal\n", number, moment_us / 1000, done,
           flash_file_recovered(file));
    check_volume(rig, flash, done);
    check_files(rig, flash, done);
    check_boot(flash, done);
    RIG_CHECK(rig, flash_file_close(file, &error));
    unlink(flash_path);
    return done;
}

int main(void) {
    const char *kills = getenv("OUROBOARD_KILLS");
    unsigned rounds = kills ? (unsigned)strtoul(kills, NULL, 10) : 5;
    uint8_t *flash = malloc(FLASH_SIZE);
    struct rig rig;
    unsigned most = 0;
    rig_image_path(IMAGE); /* ends the test when there is none */
    if (!flash || !mkdtemp(directory)) {
        return 1;
    }
    snprintf(flash_path, sizeof(flash_path), "%s/flash.bin", directory);
    boot(&rig, flash);
    long longest_us = time_of_twelve_files(&rig); /* a slow machine or build gets as far as a fast one */
    srand(1);
    for (unsigned number = 0; number < rounds; number++) {
        unsigned done = one_round(&rig, flash, number, longest_us);
        most = done > most ? done : most;
    }
    RIG_CHECK(&rig, most > 2); /* files have been written at all */
    rig_stop(&rig);
    free(flash);
    rmdir(directory);
    return 0;
}
