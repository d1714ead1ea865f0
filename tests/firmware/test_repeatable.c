/* The same inputs give the same run, and shortcuts in time change nothing: console bytes, edges of a pin with their
 * times, cycle count and flash are compared between two runs, and with a run that executes everything (--exact).
 *
 * usage: test_repeatable IMAGE */
#include "tests/firmware/rig.h"

#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"
#include "peripherals/parts/w25q.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EDGES 64
#define LED 25

struct edge {
    uint64_t ps;
    enum net_level level;
};

struct run {
    struct rig rig;
    struct net_listener listener;
    struct edge edges[MAX_EDGES];
    unsigned edge_count;
};

static void on_edge(struct net_listener *listener, struct net *net) {
    struct run *run = listener->owner;
    if (run->edge_count < MAX_EDGES) {
        run->edges[run->edge_count++] = (struct edge){ machine_now(run->rig.machine), net->level };
    }
}

static void perform(struct run *run, const struct rig_desc *desc) {
    rig_start(&run->rig, desc);
    run->listener = (struct net_listener){ .changed = on_edge, .owner = run };
    net_listen(machine_gpio(run->rig.machine, LED), &run->listener);
    RIG_CHECK(&run->rig, rig_expect(&run->rig, "Press any key to enter the REPL", 10000));
    rig_type(&run->rig, "\r");
    RIG_CHECK(&run->rig, rig_expect(&run->rig, ">>> ", 2000));
    rig_repl(&run->rig, "import board,digitalio,time,random; d=digitalio.DigitalInOut(board.LED); d.switch_to_output()",
             1000);
    rig_repl(&run->rig, "[(setattr(d,'value',i%2), time.sleep(0.0123)) for i in range(10)] and None", 2000);
    rig_repl(&run->rig, "random.random(), time.monotonic_ns(), sum(i*i for i in range(1000))", 1000);
    rig_run(&run->rig, 500);
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
    static struct run first, second, exact;
    if (argc != 2) {
        fprintf(stderr, "usage: test_repeatable IMAGE\n");
        return 2;
    }
    perform(&first, &(struct rig_desc){ .image = argv[1], .seed = 7 });
    perform(&second, &(struct rig_desc){ .image = argv[1], .seed = 7 });
    perform(&exact, &(struct rig_desc){ .image = argv[1], .seed = 7, .exact = true });
    bool again = same(&first, &second, "again");
    bool ok = same(&first, &exact, "exact") && again;
    ok &= first.edge_count >= 9;
    rig_stop(&first.rig);
    rig_stop(&second.rig);
    rig_stop(&exact.rig);
    return !ok;
}
