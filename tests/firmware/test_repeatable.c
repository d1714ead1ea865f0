/* The same inputs give the same run, and neither shortcuts in time nor the way the run is cut change anything: console
 * bytes, edges of pins with their times, cycle count and flash are compared between two runs, with a run in odd pieces,
 * with a run in which a debugger stops the cores now and then, and with a run that executes everything (--exact). A
 * MicroPython image runs a thread on the second core.
 *
 * usage: test_repeatable IMAGE */
#include "tests/firmware/rig.h"

#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"
#include "emulator/cpu/core.h"
#include "peripherals/parts/w25q.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EDGES 20000
#define LED 25
#define SRAM 0x20000000u
#define WATCHES 16384u /* the halfwords at the beginning of SRAM, where firmware has its fastest code */
#define STOP_AFTER 1009u

struct edge {
    uint64_t ps;
    enum net_level level;
};

struct run {
    struct rig rig;
    struct net_listener listener;
    struct edge edges[MAX_EDGES];
    unsigned edge_count;
    struct core_watch watches[2][WATCHES];
    unsigned heard, stops;
};

static void on_edge(struct net_listener *listener, struct net *net) {
    struct run *run = listener->owner;
    if (run->edge_count < MAX_EDGES) {
        run->edges[run->edge_count++] = (struct edge){ machine_now(run->rig.machine), net->level };
    }
}

static void blink(struct run *run) {
    struct rig *rig = &run->rig;
    RIG_CHECK(rig, rig_expect(rig, "Press any key to enter the REPL", 10000));
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 2000));
    rig_repl(rig, "import board,digitalio,time,random; d=digitalio.DigitalInOut(board.LED); d.switch_to_output()",
             1000);
    rig_repl(rig, "[(setattr(d,'value',i%2), time.sleep(0.0123)) for i in range(10)] and None", 2000);
    rig_repl(rig, "random.random(), time.monotonic_ns(), sum(i*i for i in range(1000))", 1000);
}

/* Of two cores that run, none is further ahead than by a turn and what a block or an exception takes. */
static bool cores_are_together(struct machine *machine) {
    const struct core *first = machine_core(machine, 0), *second = machine_core(machine, 1);
    uint64_t a = core_cycles(first), b = core_cycles(second);
    bool run = core_state(first) == CORE_RUNNING && core_state(second) == CORE_RUNNING;
    return !run || (a > b ? a - b : b - a) < 1500;
}

/* Both cores toggle a pin, and each prints how often it got to. */
static void blink_on_two_cores(struct run *run) {
    struct rig *rig = &run->rig;
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 10000));
    rig_repl(rig, "import _thread, time, machine; p = machine.Pin(25, machine.Pin.OUT); q = machine.Pin(2, 1)", 1000);
    rig_repl(rig, "f = lambda p, n: [p.toggle() for i in range(n)] and print(n)", 1000);
    rig_repl(rig, "_thread.start_new_thread(f, (q, 5000)); f(p, 3000)", 1000);
    RIG_CHECK(rig, rig_repl(rig, "time.sleep(3)", 5000)); /* the other thread ends */
    rig_repl(rig,
             "exec('@micropython.asm_thumb\\ndef s(r0):\\n label(L)\\n data(2, 0xbf40)\\n sub(r0, r0, 1)\\n bne(L)')",
             1000);
    rig_type(rig, "_thread.start_new_thread(s, (10000000,)); f(p, 20000)\r");
    for (unsigned i = 0; i < 50; i++) { /* the other core does nothing but send events */
        rig_run(rig, 1);
        RIG_CHECK(rig, cores_are_together(run->rig.machine));
    }
    rig_type(rig, "\x03");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 5000));
    rig_repl(rig, "time.ticks_us()", 1000);
}

/* For 50 ms, in the middle of a millisecond; then the board starts again. */
static void lose_power(struct rig *rig) {
    struct error error;
    const struct input input = { .kind = INPUT_FAULT, .name = "power:50ms" };
    uint64_t when = (session_now(rig->session) / PS_PER_MS + 10) * PS_PER_MS + 123456789;
    RIG_CHECK(rig, session_plan(rig->session, when, &input, &error));
    rig_run(rig, 2000);
    RIG_CHECK(rig, rig->resets == 1);
}

static bool stop_sometimes(void *context, struct core *core) {
    struct run *run = context;
    bool stops = ++run->heard % STOP_AFTER == 0;
    run->stops += stops;
    return stops;
}

static void watch_much(struct run *run) {
    for (unsigned i = 0; i < 2 * WATCHES; i++) {
        struct core_watch *watch = &run->watches[i % 2][i / 2];
        *watch = (struct core_watch){
            .address = SRAM + i / 2 * 2, .at_branches = true, .reached = stop_sometimes, .context = run
        };
        core_watch(machine_core(run->rig.machine, i % 2), watch);
    }
}

static void perform(struct run *run, const struct rig_desc *desc, bool watched) {
    rig_start(&run->rig, desc);
    if (watched) {
        watch_much(run);
    }
    run->listener = (struct net_listener){ .changed = on_edge, .owner = run };
    net_listen(machine_gpio(run->rig.machine, LED), &run->listener);
    if (strstr(desc->image, "circuitpython")) {
        blink(run);
    } else {
        blink_on_two_cores(run);
    }
    rig_run(&run->rig, 500);
    lose_power(&run->rig);
}

static bool same(const struct run *a, const struct run *b, const char *what) {
    bool serial = a->rig.length == b->rig.length && memcmp(a->rig.output, b->rig.output, a->rig.length) == 0;
    bool edges = a->edge_count == b->edge_count;
    for (unsigned i = 0; edges && i < a->edge_count; i++) {
        edges = a->edges[i].ps == b->edges[i].ps && a->edges[i].level == b->edges[i].level;
    }
    bool cycles = machine_cycles(a->rig.machine) == machine_cycles(b->rig.machine);
    const struct w25q *flash_a = machine_flash(a->rig.machine), *flash_b = machine_flash(b->rig.machine);
    bool flash = memcmp(flash_a->contents, flash_b->contents, flash_a->desc.size) == 0;
    printf("%s: console %s, %u edges %s, cycles %s, flash %s\n", what, serial ? "same" : "DIFFERS", a->edge_count,
           edges ? "same" : "DIFFER", cycles ? "same" : "DIFFER", flash ? "same" : "DIFFERS");
    return serial && edges && cycles && flash;
}

int main(int argc, char **argv) {
    static struct run first, second, pieces, stopped, exact;
    if (argc != 2) {
        fprintf(stderr, "usage: test_repeatable IMAGE\n");
        return 2;
    }
    perform(&first, &(struct rig_desc){ .image = argv[1], .seed = 7 }, false);
    perform(&second, &(struct rig_desc){ .image = argv[1], .seed = 7 }, false);
    perform(&pieces, &(struct rig_desc){ .image = argv[1], .seed = 7, .slice_ps = 7777777 }, false);
    perform(&stopped, &(struct rig_desc){ .image = argv[1], .seed = 7 }, true);
    perform(&exact, &(struct rig_desc){ .image = argv[1], .seed = 7, .exact = true }, false);
    bool ok = same(&first, &second, "again");
    ok &= same(&first, &pieces, "in pieces");
    ok &= same(&first, &stopped, "stopped");
    printf("stopped: %u times\n", stopped.stops);
    ok &= stopped.stops > 1000;
    ok &= same(&first, &exact, "exact");
    ok &= first.edge_count >= 9;
    rig_stop(&first.rig);
    rig_stop(&second.rig);
    rig_stop(&pieces.rig);
    rig_stop(&stopped.rig);
    rig_stop(&exact.rig);
    return !ok;
}
