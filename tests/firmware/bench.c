/* How fast the emulator is: virtual time over wall time for real images. Run by scripts/bench. */
#include "tests/firmware/rig.h"

#include "emulator/core/scheduler.h"
#include "peripherals/parts/part.h"
#include "peripherals/parts/w25q.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define BANNER "Press any key to enter the REPL"

static double clock_s(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double wall(void) {
    return clock_s(CLOCK_MONOTONIC);
}

/* What this process has used: on a busy machine the better measure. */
static double used(void) {
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

struct lap {
    double wall_s, used_s;
    uint64_t virtual_ps;
};

static struct lap begin(struct rig *rig) {
    return (struct lap){ wall(), used(), machine_now(rig->machine) };
}

static void report(struct rig *rig, struct lap start, const char *what) {
    double wall_s = wall() - start.wall_s, used_s = used() - start.used_s;
    double virtual_s = (double)(machine_now(rig->machine) - start.virtual_ps) / PS_PER_S;
    printf("%-40s %7.3f s virtual %7.3f s wall %7.2f x real time, %7.2f x by CPU time\n", what, virtual_s, wall_s,
           virtual_s / wall_s, virtual_s / used_s);
}

static void boot(struct rig *rig, const struct rig_desc *desc, const char *what) {
    struct lap lap = { wall(), used(), 0 };
    rig_start(rig, desc);
    RIG_CHECK(rig, rig_expect(rig, BANNER, 20000));
    report(rig, lap, what);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 2000));
}

static void loop(struct rig *rig, const char *line, const char *what) {
    struct lap lap = begin(rig);
    RIG_CHECK(rig, rig_repl(rig, line, 120000) != NULL);
    report(rig, lap, what);
}

static void define(struct rig *rig, const char *line) {
    RIG_EQUAL(rig, rig_repl(rig, line, 1000), "");
}

static void idle(struct rig *rig) {
    struct lap lap = begin(rig);
    rig_run(rig, 10000);
    report(rig, lap, "idle at the prompt");
    printf("%-40s %7.1f %% of a core at --speed real\n", "", (used() - lap.used_s) / 10 * 100);
}

/* An ST7789 of 240x135 at the pins, all of it redrawn through displayio: a palette's colour changes each time. */
static const char *const display_lines[] = {
    "import board,busio,displayio,fourwire,busdisplay as bd; displayio.release_displays()",
    "bus=fourwire.FourWire(busio.SPI(board.GP18,board.GP19),command=board.GP16,chip_select=board.GP17,baudrate="
    "62500000)",
    "d=bd.BusDisplay(bus,b'\\x11\\x80\\x78\\x3a\\x01\\x55\\x21\\x00\\x29\\x00',width=240,height=135,"
    "rowstart=40,colstart=53,rotation=270,auto_refresh=False)",
    "b=displayio.Bitmap(240,135,2); p=displayio.Palette(2); g=displayio.Group(); g.append(displayio.TileGrid(b,"
    "pixel_shader=p)); d.root_group=g",
};
static const char display_loop[] = "exec('for i in range(20):\\n p[0]=i*77777\\n d.refresh()')";

static void attach_display(struct rig *rig, struct part **ret_part) {
    static const struct {
        const char *pin;
        unsigned gpio;
    } pins[] = { { "SCL", 18 }, { "SDA", 19 }, { "DC", 16 }, { "CS", 17 } };
    struct error error = { { 0 } };
    const struct part_class *class = part_class_find("st7789");
    struct part *part = part_create(class, "display", machine_gpio(rig->machine, 0)->env, &error);
    bool ok = part && part_set_attribute(part, "size", "240x135", &error);
    for (size_t i = 0; ok && i < sizeof(pins) / sizeof(pins[0]); i++) {
        ok = part_connect(part, pins[i].pin, machine_gpio(rig->machine, pins[i].gpio), &error);
    }
    if (!ok || !part_start(part, &error)) {
        fprintf(stderr, "FAILED: %s\n", error.message);
        exit(1);
    }
    *ret_part = part;
}

static void display(struct rig *rig) {
    struct part *part;
    attach_display(rig, &part);
    for (size_t i = 0; i < sizeof(display_lines) / sizeof(display_lines[0]); i++) {
        define(rig, display_lines[i]);
    }
    loop(rig, display_loop, "20 full-screen redraws, 240x135 by displayio");
    part_destroy(part);
}

/* Deep sleep of 300 s with the USB cable plugged in: the firmware pretends, and waits in a loop. */
static const char sleep_program[] = "import alarm, time\n"
                                    "a = alarm.time.TimeAlarm(monotonic_time=time.monotonic() + 350)\n"
                                    "alarm.exit_and_deep_sleep_until_alarms(a)\n";

static void deep_sleep(const char *image) {
    char folder[] = "/tmp/ouroboard-bench-XXXXXX", path[64], command[80];
    struct rig rig;
    bool made = mkdtemp(folder);
    snprintf(path, sizeof(path), "%s/code.py", folder);
    snprintf(command, sizeof(command), "rm -r %s", folder);
    FILE *file = made ? fopen(path, "w") : NULL;
    if (!file || fputs(sleep_program, file) < 0 || fclose(file)) {
        perror(folder);
        exit(1);
    }
    rig_start(&rig, &(struct rig_desc){ .image = image, .drive = folder });
    if (rig_expect(&rig, "Pretending to deep sleep", 20000)) {              /* else it has no such module */
        machine_run(rig.machine, machine_now(rig.machine) + 10 * PS_PER_S); /* first it waits for a while */
        struct lap lap = begin(&rig);
        machine_run(rig.machine, machine_now(rig.machine) + 300 * PS_PER_S);
        report(&rig, lap, "300 s of deep sleep, pretended");
    }
    rig_stop(&rig);
    if (system(command) != 0) {
        fprintf(stderr, "left behind: %s\n", folder);
    }
}

/* For a comparison with another emulator: wall seconds of the boot and of one line typed at the prompt. */
static int compare(const char *image, const char *line) {
    struct rig rig;
    double start = wall();
    rig_start(&rig, &(struct rig_desc){ .image = image });
    RIG_CHECK(&rig, rig_expect(&rig, BANNER, 20000));
    double booted = wall();
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    double typed = wall();
    RIG_CHECK(&rig, rig_repl(&rig, line, 120000) != NULL);
    printf("boot %.3f loop %.3f\n", booted - start, wall() - typed);
    rig_stop(&rig);
    return 0;
}

static void integers(struct rig *rig) {
    define(rig, "exec('def f(n):\\n s=0\\n for i in range(n):\\n  s+=i*i%7\\n return s')");
    loop(rig, "f(200000)", "CPU-bound Python, integers");
}

static void floats(struct rig *rig) {
    define(rig, "exec('def g(n):\\n x=1.0\\n for i in range(n):\\n  x=x*1.0001+0.5\\n return x')");
    loop(rig, "g(100000)", "CPU-bound Python, floats");
}

static void redraws(struct rig *rig) {
    const char *no_display = rig_repl(rig, "import busdisplay", 1000); /* 9.0 and later */
    if (no_display && !*no_display) {
        display(rig);
    }
}

static void memory(struct rig *rig) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%-40s %7.1f MB\n", "peak memory", (double)usage.ru_maxrss / 1024);
}

static const struct row {
    const char *name;
    void (*run)(struct rig *rig); /* from the prompt */
} rows[] = {
    { "ints", integers }, { "floats", floats }, { "redraw", redraws }, { "idle", idle }, { "memory", memory },
};
#define SLEEP "sleep" /* with a machine of its own */

static int usage(void) {
    fprintf(stderr, "usage: bench IMAGE [ROW...]        rows: ints floats redraw idle memory sleep; default: all\n"
                    "       bench IMAGE --compare LINE\n");
    return 2;
}

static bool is_wanted(const char *name, int argc, char **argv) {
    bool wanted = argc == 2;
    for (int i = 2; i < argc; i++) {
        wanted |= strcmp(argv[i], name) == 0;
    }
    return wanted;
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[2], "--compare") == 0) {
        return compare(argv[1], argv[3]);
    }
    if (argc < 2) {
        return usage();
    }
    struct rig rig;
    struct rig_desc desc = { .image = argv[1] };
    printf("%s\n", argv[1]);
    boot(&rig, &desc, "cold first boot to the prompt (formats)");
    static uint8_t flash[16u << 20];
    memcpy(flash, machine_flash(rig.machine)->contents, machine_flash(rig.machine)->desc.size);
    rig_stop(&rig);
    desc.flash = flash;
    boot(&rig, &desc, "cold boot from prepared flash");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (is_wanted(rows[i].name, argc, argv)) {
            rows[i].run(&rig);
        }
    }
    rig_stop(&rig);
    if (is_wanted(SLEEP, argc, argv)) {
        deep_sleep(argv[1]);
    }
    return 0;
}
