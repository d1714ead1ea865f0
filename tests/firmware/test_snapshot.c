/* Snapshots of a machine that runs a real image. At odd moments it is saved and loaded into a machine that was built in
 * the same way; then both go on, and so does a third one that was never saved. What they say on the console, the edges
 * at their pins and, in the end, all of their state are the same.
 *
 * usage: test_snapshot IMAGE [MOMENT] */
#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"
#include "peripherals/onchip/dma.h"
#include "peripherals/parts/part.h"
#include "tests/firmware/rig.h"
#include "tests/same_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PINS 48
#define MOST_EDGES 200000
#define MOST_PARTS 16

struct edge {
    uint64_t ps;
    uint32_t pin, level;
};

struct world {
    struct rig rig;
    struct net_listener listeners[PINS];
    struct edge *edges;
    uint32_t edge_count;
    struct part *parts[MOST_PARTS];
    unsigned part_count;
    struct net rails[2];
    struct machine_companion companion;
};

/* A moment to save at, and what is looked at afterwards. */
struct moment {
    const char *name;
    const char *const *lines; /* typed at the REPL one after the other, each to the next prompt; ends with NULL */
    const char *last;         /* typed, but not waited for; NULL: nothing */
    uint64_t boot_us;         /* instead of the REPL: so long after power-on */
    uint64_t us;              /* after all that */
    uint64_t future_ms;
    const char *then; /* typed after the moment; NULL: nothing */
    bool watch;       /* record edges from the moment on */
    bool watched;     /* somebody listens to all pins from power-on on */
    bool exact;       /* load it into a machine without shortcuts in time as well */
    bool dma;         /* the moment is the first one from then on at which a DMA channel is busy, */
    bool both;        /* at which both cores run */
};

static const char *image;

/* ---- A world ---- */
/* A wire of a part: its pin, and a GPIO or, from PINS on, a rail. */
struct wire {
    const char *pin;
    unsigned gpio;
};
enum { GND = PINS, VCC };

static void place(struct world *world, const char *type, const char *id, const struct wire *wires, unsigned count) {
    struct error error = { "" };
    struct part *part = part_create(part_class_find(type), id, machine_gpio(world->rig.machine, 0)->env, &error);
    for (unsigned i = 0; part && i < count; i++) {
        bool rail = wires[i].gpio >= PINS;
        struct net *net = rail ? &world->rails[wires[i].gpio - PINS] : machine_gpio(world->rig.machine, wires[i].gpio);
        rig_check(&world->rig, part_connect(part, wires[i].pin, net, &error), error.message, __FILE__, __LINE__);
    }
    rig_check(&world->rig, part && part_start(part, &error), error.message, __FILE__, __LINE__);
    world->parts[world->part_count++] = part;
}
#define PLACE(world, type, id, ...)                                                                                    \
    place(world, type, id, (const struct wire[]){ __VA_ARGS__ },                                                       \
          sizeof((const struct wire[]){ __VA_ARGS__ }) / sizeof(struct wire))

/* A display on SPI, a sensor and a display on I2C with pull-ups, a light, a button, a knob. */
static void place_parts(struct world *world) {
    static const char *const names[] = { "GND", "3V3" };
    for (unsigned i = 0; i < 2; i++) {
        net_init(&world->rails[i], names[i], machine_gpio(world->rig.machine, 0)->env);
    }
    PLACE(world, "gnd", "gnd", { "GND", GND });
    PLACE(world, "vcc", "vcc", { "VCC", VCC });
    PLACE(world, "st7789", "tft", { "SCL", 18 }, { "SDA", 19 }, { "DC", 16 }, { "CS", 17 }, { "RST", 20 });
    PLACE(world, "resistor", "r1", { "1", VCC }, { "2", 0 });
    PLACE(world, "resistor", "r2", { "1", VCC }, { "2", 1 });
    PLACE(world, "as5600", "sensor", { "SDA", 0 }, { "SCL", 1 }, { "OUT", 22 });
    PLACE(world, "ssd1306", "oled", { "SDA", 0 }, { "SCL", 1 });
    PLACE(world, "led", "led", { "A", 15 }, { "C", GND });
    PLACE(world, "pushbutton", "button", { "1.l", 14 }, { "2.l", GND });
    PLACE(world, "potentiometer", "knob", { "VCC", VCC }, { "SIG", 26 }, { "GND", GND });
}

static void walk_parts(void *context, struct walk *walk) {
    struct world *world = context;
    walk_section(walk, "rails", 0);
    net_walk(&world->rails[0], walk);
    net_walk(&world->rails[1], walk);
    walk_section_end(walk);
    for (unsigned i = 0; i < world->part_count; i++) {
        part_walk(world->parts[i], walk);
    }
}

static void watch(struct world *world);

static void start(struct world *world, const struct moment *moment, bool exact) {
    *world = (struct world){ .edge_count = 0 };
    rig_start(&world->rig, &(struct rig_desc){ .image = image, .seed = 11, .exact = exact });
    place_parts(world);
    if (moment->watched) {
        watch(world);
    }
    world->companion = (struct machine_companion){ .walk = walk_parts, .context = world };
    machine_accompany(world->rig.machine, &world->companion);
}

static void end(struct world *world) {
    for (unsigned i = 0; i < world->part_count; i++) {
        part_destroy(world->parts[i]);
    }
    rig_stop(&world->rig); /* its nets tell of their end */
    free(world->edges);
}

static void run_us(struct world *world, uint64_t us) {
    machine_run(world->rig.machine, machine_now(world->rig.machine) + us * PS_PER_US);
}

static bool is_micropython(void) {
    return strstr(image, "RPI_PICO");
}

/* Is what the moment asks for under way? */
static bool is_there(struct machine *machine, const struct moment *moment) {
    const struct dma *dma = (struct dma *)machine_block(machine, "DMA");
    bool both =
        core_state(machine_core(machine, 0)) == CORE_RUNNING && core_state(machine_core(machine, 1)) == CORE_RUNNING;
    return (!moment->dma || dma->busy) && (!moment->both || both);
}

static void go_to(struct world *world, const struct moment *moment) {
    struct rig *rig = &world->rig;
    if (moment->boot_us) {
        run_us(world, moment->boot_us);
        return;
    }
    RIG_CHECK(rig, is_micropython() || rig_expect(rig, "Press any key to enter the REPL", 10000));
    RIG_CHECK(rig, !is_micropython() || rig_expect(rig, "MicroPython", 5000));
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 2000));
    for (const char *const *line = moment->lines; line && *line; line++) {
        RIG_EQUAL(rig, rig_repl(rig, *line, 20000), "");
    }
    if (moment->last) {
        rig_type(rig, moment->last);
        rig_type(rig, "\r");
    }
    run_us(world, moment->us);
    for (unsigned us = 0; !is_there(rig->machine, moment) && us < 50000; us++) {
        run_us(world, 1);
    }
    RIG_CHECK(rig, is_there(rig->machine, moment));
}

/* ---- What comes afterwards ---- */
static void on_edge(struct net_listener *listener, struct net *net) {
    struct world *world = listener->owner;
    if (world->edge_count < MOST_EDGES) {
        uint32_t pin = (uint32_t)(listener - world->listeners);
        world->edges[world->edge_count++] = (struct edge){ machine_now(world->rig.machine), pin, net->level };
    }
}

static void watch(struct world *world) {
    world->edges = calloc(MOST_EDGES, sizeof(*world->edges));
    for (unsigned pin = 0; pin < PINS; pin++) {
        struct net *net = machine_gpio(world->rig.machine, pin);
        if (net) {
            world->listeners[pin] = (struct net_listener){ .changed = on_edge, .owner = world };
            net_listen(net, &world->listeners[pin]);
        }
    }
}

/* A run's future, as bytes: what was said, edges, cycles, all state. */
struct record {
    uint8_t *bytes;
    size_t size;
};

static void add(struct record *record, const void *bytes, size_t size) {
    record->bytes = realloc(record->bytes, record->size + size + 1);
    if (size) {
        memcpy(record->bytes + record->size, bytes, size);
    }
    record->size += size;
}

static void live_on(struct world *world, const struct moment *moment, struct record *ret_record) {
    struct machine *machine = world->rig.machine;
    size_t said = world->rig.length;
    world->edge_count = 0;
    if (moment->watch) {
        watch(world);
    }
    if (moment->then) {
        machine_console_write(machine, CONSOLE_USB, (const uint8_t *)moment->then, strlen(moment->then));
    }
    machine_run(machine, machine_now(machine) + moment->future_ms * PS_PER_MS);
    uint64_t numbers[] = { machine_now(machine), machine_cycles(machine), world->rig.length - said, world->edge_count };
    *ret_record = (struct record){ 0 };
    add(ret_record, numbers, sizeof(numbers));
    add(ret_record, world->rig.output + said, world->rig.length - said);
    add(ret_record, world->edges, world->edge_count * sizeof(struct edge));
    uint8_t *bytes;
    size_t size;
    struct error error;
    rig_check(&world->rig, machine_save(machine, &bytes, &size, &error), error.message, __FILE__, __LINE__);
    add(ret_record, bytes, size);
    free(bytes);
}

/* The same, in a process of its own, which takes with it a world that nobody has saved. */
static FILE *live_on_elsewhere(struct world *world, const struct moment *moment) {
    FILE *file = tmpfile();
    fflush(NULL);
    if (fork() == 0) {
        struct record record;
        live_on(world, moment, &record);
        _exit(!file || fwrite(record.bytes, 1, record.size, file) != record.size || fflush(file) != 0);
    }
    return file;
}

static bool read_back(FILE *file, struct record *ret_record) {
    int status;
    if (wait(&status) < 0 || status != 0 || !file || fseek(file, 0, SEEK_END) != 0) {
        return false;
    }
    ret_record->size = (size_t)ftell(file);
    ret_record->bytes = malloc(ret_record->size);
    rewind(file);
    return fread(ret_record->bytes, 1, ret_record->size, file) == ret_record->size;
}

/* In which section of a snapshot a byte is, and where there: sections are described in walk.c. */
static void tell_section(const uint8_t *snapshot, size_t size, size_t at) {
    for (size_t begin = 0; begin + 7 < size;) {
        unsigned length = snapshot[begin];
        const uint8_t *field = snapshot + begin + 1 + length + 2;
        size_t contents = field[0] | (size_t)field[1] << 8 | (size_t)field[2] << 16 | (size_t)field[3] << 24;
        size_t first = begin + 1 + length + 6;
        if (at < first + contents) {
            fprintf(stderr, "    in section \"%.*s\", byte %zd\n", (int)length, (const char *)snapshot + begin + 1,
                    (ssize_t)(at - first));
            return;
        }
        begin = first + contents;
    }
}

static bool same(const struct record *expected, const struct record *actual, const char *what) {
    static const char *const numbers[] = { "time", "cycles", "bytes said", "edges" };
    const uint64_t *a = (const uint64_t *)expected->bytes, *b = (const uint64_t *)actual->bytes;
    if (expected->size == actual->size && !memcmp(expected->bytes, actual->bytes, expected->size)) {
        return true;
    }
    for (unsigned i = 0; i < 4; i++) {
        fprintf(stderr, "    %s: %s %llu, expected %llu\n", what, numbers[i], (unsigned long long)b[i],
                (unsigned long long)a[i]);
    }
    size_t at = 0;
    while (at < expected->size && at < actual->size && expected->bytes[at] == actual->bytes[at]) {
        at++;
    }
    size_t state = 32 + a[2] + a[3] * sizeof(struct edge);
    fprintf(stderr, "    first difference at byte %zu of %zu; state begins at %zu\n", at, expected->size, state);
    if (at >= state) {
        tell_section(expected->bytes + state, expected->size - state, at - state);
    }
    return false;
}

/* Word by word. */
static bool same_memory(struct world *a, struct world *b) {
    static struct same_objects objects;
    objects.count = 0;
    for (unsigned i = 0; i < a->part_count; i++) {
        same_add(&objects, a->parts[i]->id, a->parts[i], b->parts[i], a->parts[i]->class->size);
    }
    same_add(&objects, "rails", a->rails, b->rails, sizeof(a->rails));
    unsigned compared = objects.count;
    for (unsigned i = 0; i < a->part_count; i++) {
        same_add_part(&objects, a->parts[i], b->parts[i]);
    }
    const struct project *of_a = session_project(a->rig.session), *of_b = session_project(b->rig.session);
    for (unsigned i = 0; i < of_a->part_count; i++) {
        same_add_part(&objects, of_a->parts[i].part, of_b->parts[i].part);
    }
    same_add(&objects, "world", a, b, sizeof(*a));
    return same_state(a->rig.machine, b->rig.machine, &objects, compared);
}

/* A new world that goes on from a snapshot. */
static void load(struct world *ret_world, const struct moment *moment, bool exact, const uint8_t *bytes, size_t size) {
    struct error error = { "" };
    start(ret_world, moment, exact);
    bool ok = machine_load_state(ret_world->rig.machine, bytes, size, &error);
    rig_check(&ret_world->rig, ok, error.message, __FILE__, __LINE__);
}

static bool check_loaded(struct world *first, const struct moment *moment, const uint8_t *bytes, size_t size,
                         struct record *ret_loaded) {
    static struct world second;
    load(&second, moment, false, bytes, size);
    bool ok = same_memory(first, &second);
    live_on(&second, moment, ret_loaded);
    printf("%s: snapshot of %zu bytes, then %u edges, %zu bytes said\n", moment->name, size, second.edge_count,
           second.rig.length);
    end(&second);
    return ok;
}

/* Nothing that has been worked out so far is needed. */
static bool check_exact(const struct moment *moment, const uint8_t *bytes, size_t size, const struct record *never) {
    static struct world third;
    struct record exact;
    load(&third, moment, true, bytes, size);
    live_on(&third, moment, &exact);
    bool ok = same(never, &exact, "loaded, every instruction run");
    free(exact.bytes);
    end(&third);
    return ok;
}

static bool check(const struct moment *moment) {
    static struct world first;
    struct record never = { 0 }, saved, loaded;
    struct error error = { "" };
    uint8_t *bytes;
    size_t size;
    start(&first, moment, false);
    go_to(&first, moment);
    FILE *file = live_on_elsewhere(&first, moment);
    rig_check(&first.rig, machine_save(first.rig.machine, &bytes, &size, &error), error.message, __FILE__, __LINE__);
    bool ok = check_loaded(&first, moment, bytes, size, &loaded);
    live_on(&first, moment, &saved);
    ok = read_back(file, &never) && ok;
    ok = ok && same(&never, &saved, "saved, going on");
    ok = ok && same(&never, &loaded, "loaded");
    ok = ok && (!moment->exact || check_exact(moment, bytes, size, &never));
    printf("%s %s\n", ok ? "ok  " : "FAIL", moment->name);
    free(bytes);
    free(saved.bytes);
    free(loaded.bytes);
    free(never.bytes);
    fclose(file);
    end(&first);
    return ok;
}

/* ---- Moments ---- */
#define LINES(...)                                                                                                     \
    (const char *const[]) {                                                                                            \
        __VA_ARGS__, NULL                                                                                              \
    }
#define SHOW                                                                                                           \
    LINES("import board,busio,displayio,fourwire,busdisplay", "spi=busio.SPI(clock=board.GP18,MOSI=board.GP19)",       \
          "bus=fourwire.FourWire(spi,command=board.GP16,chip_select=board.GP17,reset=board.GP20,baudrate=24000000)",   \
          "start=b'\\x01\\x80\\x96\\x11\\x80\\xff\\x3a\\x81\\x55\\x0a\\x36\\x01\\x00\\x21\\x80\\x0a\\x29\\x80\\x0a'",  \
          "d=busdisplay.BusDisplay(bus,start,width=240,height=240,auto_refresh=False)",                                \
          "b=displayio.Bitmap(240,240,2);p=displayio.Palette(2);g=displayio.Group()",                                  \
          "g.append(displayio.TileGrid(b,pixel_shader=p));d.root_group=g")
#define REDRAW "for i in range(9):p[0]=i*399999;d.refresh()"
#define NEOPIXELS                                                                                                      \
    LINES("import board,digitalio,neopixel_write;p=digitalio.DigitalInOut(board.GP28);p.switch_to_output()",           \
          "b=bytearray(range(240))")
#define STATE_MACHINE                                                                                                  \
    LINES("import board,rp2pio,array;b=bytearray(range(200))",                                                         \
          "s=rp2pio.StateMachine(array.array('H',[0x7f01,0x7001]),frequency=2000003,first_out_pin=board.GP2,"          \
          "auto_pull=True,pull_threshold=8)",                                                                          \
          "s.background_write(loop=b)")
#define SENSOR LINES("import board,busio;i=busio.I2C(board.GP1,board.GP0);x=i.try_lock();r=bytearray(2)")
#define READ "for n in range(9999):i.writeto_then_readfrom(54,b'\\x0c',r)\r"
#define PERIPHERALS                                                                                                    \
    LINES("import board,pwmio,analogio,busio,time;p=pwmio.PWMOut(board.GP15,frequency=997,duty_cycle=9999)",           \
          "a=analogio.AnalogIn(board.A0);u=busio.UART(board.GP4,board.GP5,baudrate=19200)")

static const struct moment moments[] = {
    { .name = "boot, 3 ms", .boot_us = 3000, .future_ms = 100, .watch = true },
    { .name = "boot, 137.5 ms", .boot_us = 137531, .future_ms = 300 },
    { .name = "enumeration", .boot_us = 700003, .future_ms = 300, .watch = true },
    { .name = "REPL, idle", .us = 20123, .future_ms = 200, .then = "1+1\r", .exact = true },
    { .name = "a loop", .last = "sum(i*i for i in range(100000))", .us = 30011, .future_ms = 300, .exact = true },
    { .name = "refresh, 1", .lines = SHOW, .last = REDRAW "\r", .dma = true, .us = 41003, .future_ms = 150 },
    { .name = "refresh, 2", .lines = SHOW, .last = REDRAW "\r", .dma = true, .us = 77777, .future_ms = 150 },
    { .name = "refresh, watched",
      .lines = SHOW,
      .last = REDRAW "\r",
      .dma = true,
      .us = 63001,
      .future_ms = 20,
      .watch = true },
    { .name = "refresh, watched before",
      .lines = SHOW,
      .last = REDRAW "\r",
      .dma = true,
      .us = 52007,
      .future_ms = 20,
      .watched = true },
    { .name = "NeoPixels",
      .lines = NEOPIXELS,
      .last = "for i in range(99):neopixel_write.neopixel_write(p,b)\r",
      .us = 31009,
      .future_ms = 100,
      .watch = true },
    { .name = "state machine fed by DMA", .lines = STATE_MACHINE, .dma = true, .us = 5003, .future_ms = 100 },
    { .name = "state machine, watched",
      .lines = STATE_MACHINE,
      .dma = true,
      .us = 5009,
      .future_ms = 50,
      .watch = true },
    { .name = "I2C", .lines = SENSOR, .last = READ, .us = 31013, .future_ms = 100 },
    { .name = "I2C, watched before", .lines = SENSOR, .last = READ, .us = 31037, .future_ms = 50, .watched = true },
    { .name = "I2C, watched", .lines = SENSOR, .last = READ, .us = 31019, .future_ms = 100, .watch = true },
    { .name = "PWM, ADC, UART",
      .lines = PERIPHERALS,
      .last = "for i in range(99):x=u.write(bytes(50)),a.value\r",
      .us = 21023,
      .future_ms = 100,
      .watch = true },
    { .name = "sleep",
      .lines = LINES("import time"),
      .last = "time.sleep(0.3);9+8",
      .us = 40031,
      .future_ms = 500,
      .exact = true },
    { .name = "flash",
      .lines = LINES("import microcontroller"),
      .last = "for i in range(9):microcontroller.nvm[0:9]=bytes([i]*9)\r",
      .us = 30037,
      .future_ms = 300 },
};

/* Both cores, which share an interpreter by spin locks (exclusive accesses on the RP2350). */
#define THREAD(body)                                                                                                   \
    LINES("import _thread", "exec('def f(n):\\n x=0\\n while True:" body "')", "t=_thread.start_new_thread(f,(3,))")

static const struct moment micropython_moments[] = {
    { .name = "threads, 1",
      .lines = THREAD("x+=n"),
      .last = "sum(range(90000))",
      .both = true,
      .us = 20011,
      .future_ms = 200 },
    { .name = "threads, 2",
      .lines = THREAD("x=[n]*9"),
      .last = "for i in range(9999):x=[i]*9\r",
      .both = true,
      .us = 31013,
      .future_ms = 200 },
    { .name = "threads, 3",
      .lines = THREAD("x=[n]*9"),
      .last = "for i in range(9999):x=[i]*9\r",
      .both = true,
      .us = 37017,
      .future_ms = 50,
      .exact = true },
};

int main(int argc, char **argv) {
    bool ok = true;
    if (argc < 2) {
        fprintf(stderr, "usage: test_snapshot IMAGE [MOMENT]\n");
        return 2;
    }
    image = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool micropython = is_micropython();
    const struct moment *list = micropython ? micropython_moments : moments;
    size_t count =
        micropython ? sizeof(micropython_moments) / sizeof(moments[0]) : sizeof(moments) / sizeof(moments[0]);
    for (size_t i = 0; i < count; i++) {
        if (argc < 3 || strstr(list[i].name, argv[2])) {
            ok = check(&list[i]) && ok;
        }
    }
    return !ok;
}
