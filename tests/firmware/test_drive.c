/* A folder as the drive of a Pico with CircuitPython: first boot, save and reload, the firmware's own writes, write
 * protection, reset, and the firmware formatting its drive. One session from the first boot to the last look.
 *
 * usage: test_drive_firmware IMAGE */
#include "firmware-loader/fat.h"
#include "peripherals/parts/w25q.h"
#include "tests/firmware/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT "import supervisor\\nwhile not supervisor.runtime.serial_connected: pass\\n"

static char folder[] = "/tmp/ouroboard-drive-XXXXXX";

static void in_folder(struct rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void in_folder(struct rig *rig, const char *format, ...) {
    char command[2048];
    int used = snprintf(command, sizeof(command), "cd '%s' && ", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
    va_end(args);
    rig_check(rig, system(command) == 0, command, __FILE__, __LINE__);
}

/* Until the engine has nothing more to do. */
static void settle(struct rig *rig) {
    rig_run(rig, 600);
    for (int i = 0; session_drive_is_busy(rig->session); i++) {
        RIG_CHECK(rig, i < 100);
        rig_run(rig, 100);
    }
}

static void repl(struct rig *rig) {
    rig_type(rig, "\x03");
    rig_run(rig, 300);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 3000));
    rig_run(rig, 100);
    rig->cursor = rig->length;
}

static void first_boot(struct rig *rig) {
    RIG_CHECK(rig, rig_expect(rig, "first x = 1", 10000));
    settle(rig);
    in_folder(rig, "grep -q 'Board ID:raspberry_pi_pico' boot_out.txt");
    RIG_CHECK(rig, rig->drive_lines[0] == 0);
}

static unsigned reboots(const struct rig *rig, size_t from) {
    unsigned count = 0;
    for (const char *p = rig->output + from; (p = strstr(p, "soft reboot")); p++) {
        count++;
    }
    return count;
}

/* Several files saved together: one reload, after all of them are there. */
static void save_and_reload(struct rig *rig) {
    size_t from = rig->length;
    in_folder(rig,
              "mkdir -p lib/pkg && printf 'x = 2\\n' > lib/helper.py && printf 'y = 3\\n' > lib/pkg/__init__.py && "
              "printf '" WAIT "import helper, pkg\\nprint(\"second\", helper.x, pkg.y)\\n' > code.py");
    RIG_CHECK(rig, rig_expect(rig, "second 2 3", 5000));
    rig_run(rig, 3000);
    RIG_CHECK(rig, reboots(rig, from) == 1);
    in_folder(rig, "rm -r lib/pkg && printf 'import sys\\n' > 'a name with blanks.py'");
    settle(rig);
    repl(rig);
    RIG_EQUAL(rig, rig_repl(rig, "import os; sorted(os.listdir('/'))", 2000),
              "['a name with blanks.py', 'boot_out.txt', 'code.py', 'lib']\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "os.listdir('/lib')", 2000), "['helper.py']\r\n");
}

static void reset(struct rig *rig) {
    unsigned resets = rig->resets;
    rig_type(rig, "import microcontroller; microcontroller.reset()\r");
    rig_run(rig, 1000);
    RIG_CHECK(rig, rig->resets == resets + 1);
    RIG_CHECK(rig, rig_expect(rig, "Press any key to enter the REPL", 10000) || rig_expect(rig, "second", 10000));
    settle(rig);
    repl(rig);
}

static void firmware_writes(struct rig *rig) {
    in_folder(rig, "printf 'import storage\\nstorage.remount(\"/\", readonly=False)\\n' > boot.py");
    settle(rig);
    reset(rig);
    rig_repl(rig, "import os; f = open('/log of the board.txt', 'w'); f.write('21.5 C\\n' * 1000); f.close()", 5000);
    rig_repl(rig, "os.remove('/a name with blanks.py'); os.mkdir('/data'); open('/data/x', 'w').close()", 5000);
    rig_run(rig, 2000);
    settle(rig);
    in_folder(rig, "[ $(wc -l < 'log of the board.txt') = 1000 ] && [ ! -e 'a name with blanks.py' ] && [ -e data/x ]");
    RIG_CHECK(rig, rig->drive_lines[0] == 0);
}

static void changes_wait(struct rig *rig) {
    in_folder(rig, "printf '" WAIT "print(\"third\")\\n' > code.py");
    rig_run(rig, 3000);
    RIG_CHECK(rig, strstr(rig->drive_lines, "changes wait: the board has write-protected its drive\n"));
    rig_repl(rig, "os.remove('/boot.py')", 3000);
    rig_run(rig, 2000);
    settle(rig);
    in_folder(rig, "[ ! -e boot.py ]");
    rig_type(rig, "import microcontroller; microcontroller.reset()\r");
    RIG_CHECK(rig, rig_expect(rig, "third", 15000));
    settle(rig);
}

static const uint8_t *drive_area(const struct rig *rig) {
    return machine_flash(rig->machine)->contents + board_drive_offset(rig->board);
}

/* fsck.fat has nothing to say, and mtools reads what the folder holds. */
static void both_sides_agree(struct rig *rig) {
    char path[256];
    snprintf(path, sizeof(path), "%s.img", folder);
    FILE *file = fopen(path, "wb");
    size_t size = board_drive_bytes(rig->board);
    RIG_CHECK(rig, file && fwrite(drive_area(rig), 1, size, file) == size && fclose(file) == 0);
    if (system("PATH=$PATH:/usr/sbin; command -v fsck.fat mcopy > /dev/null") == 0) {
        in_folder(rig,
                  "PATH=$PATH:/usr/sbin && fsck.fat -n %s && mkdir %s.back && mcopy -s -i %s '::/*' %s.back && "
                  "diff -r . %s.back",
                  path, folder, path, folder, folder);
    }
}

/* drive_rescue.c tells by the date of last access who has written a file. */
static void fatfs_leaves_its_mark(struct rig *rig) {
    struct fat_device device = fat_memory_device((uint8_t *)drive_area(rig), board_drive_bytes(rig->board));
    struct fat_volume volume;
    struct fat_entry entry;
    RIG_CHECK(rig, fat_mount(&volume, &device) == FAT_OK);
    RIG_CHECK(rig, fat_lookup(&volume, "log of the board.txt", &entry) == FAT_OK && entry.accessed == 0);
    RIG_CHECK(rig, fat_lookup(&volume, "code.py", &entry) == FAT_OK && entry.accessed != 0);
}

static void firmware_formats(struct rig *rig) {
    repl(rig);
    rig_type(rig, "import storage; storage.erase_filesystem()\r");
    rig_run(rig, 6000);
    settle(rig);
    RIG_CHECK(rig, strstr(rig->drive_lines, ": the board has formatted its drive: the folder keeps its files"));
    in_folder(rig, "grep -q third code.py && [ -e lib/helper.py ] && [ -e settings.toml ]");
}

/* What f_mkfs of the firmware makes is what fat_format() makes, but for the serial number and the label. */
static void formats_alike(struct rig *rig) {
    static uint8_t ours[2 * 1024 * 1024];
    const uint8_t *area = drive_area(rig);
    struct fat_device device = fat_memory_device(ours, board_drive_bytes(rig->board));
    struct fat_format_options options = { .hidden_sectors = 1, .label = "CIRCUITPY" };
    RIG_CHECK(rig, fat_format(&device, &options) == FAT_OK);
    RIG_CHECK(rig, memcmp(area, ours, 39) == 0);
    RIG_CHECK(rig, memcmp(area + 54, ours + 54, 512 - 54) == 0);
    RIG_CHECK(rig, memcmp(area + 512, ours + 512, 3) == 0);
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 2 || !mkdtemp(folder)) {
        fprintf(stderr, "usage: test_drive_firmware IMAGE\n");
        return 2;
    }
    in_folder(&rig, "mkdir lib && printf 'x = 1\\n' > lib/helper.py && "
                    "printf '" WAIT "import helper\\nprint(\"first x =\", helper.x)\\n' > code.py");
    rig_start(&rig, &(struct rig_desc){ .image = argv[1], .drive = folder });
    first_boot(&rig);
    save_and_reload(&rig);
    firmware_writes(&rig);
    changes_wait(&rig);
    both_sides_agree(&rig);
    fatfs_leaves_its_mark(&rig);
    firmware_formats(&rig);
    formats_alike(&rig);
    rig_stop(&rig);
    in_folder(&rig, "rm -rf %s %s.back %s.img", folder, folder, folder);
    return 0;
}
