/* The programs of pico-examples: what each prints or does, by its source. */
#include "tests/firmware/rig.h"

#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct example {
    const char *name;
    const char *texts[6]; /* must appear in this order */
    uint64_t ms;          /* time for each of them */
};

static const struct example examples[] = {
    { "hello_usb", { "Hello, world!\r\n", "Hello, world!\r\n" }, 2000 },
    { "hello_serial", { "Hello, world!\r\n", "Hello, world!\r\n" }, 2000 },
    { "hello_uart", { "AB Hello, UART!" }, 100 },
    { "hello_timer", { "Hello Timer!", "fired!", "Repeat at", "Repeat at" }, 5000 },
    { "hello_watchdog",
      { "Clean boot", "Updating watchdog 4", "Waiting to be rebooted", "Rebooted by Watchdog!" },
      500 },
    { "hello_reset", { "Hello, reset!" }, 100 },
    { "hello_multicore", { "Hello, multicore!" }, 100 },
    { "multicore_fifo_irqs", { "Hello, multicore_fifo_irqs!", "core 0 got 123, core 1 got 321!" }, 500 },
    { "hello_divider",
      { "Hello, divider!", "123456/-321 = -384 remainder 192", "123456/321 = 384 remainder 192", "inner 123 / 7 = 17" },
      200 },
    { "unique_board_id", { "Unique identifier: e6 60 " }, 100 },
    { "hello_dma", { "Hello, world! (from DMA)" }, 100 },
    { "hello_rtc", { "Hello RTC!", "5 June 15:45:00 2020", "15:45:02 2020" }, 3000 },
    { "timer_lowlevel", { "Timer lowlevel!", "Alarm IRQ fired" }, 3000 },
};

static struct example one;

static void run_example(struct rig *unused) {
    struct rig rig;
    char image[128];
    snprintf(image, sizeof(image), "pico-examples/rp2040/%s.uf2", one.name);
    rig_start(&rig, &(struct rig_desc){ .image = image });
    for (size_t i = 0; i < 6 && one.texts[i]; i++) {
        bool found = rig_expect(&rig, one.texts[i], one.ms);
        if (!found) {
            fprintf(stderr, "    missing: %s\n", one.texts[i]);
        }
        RIG_CHECK(&rig, found);
    }
    RIG_CHECK(&rig, rig.stub_lines == 0);
    rig_stop(&rig);
}

struct edges {
    struct net_listener listener;
    struct machine *machine;
    uint64_t last_ps, shortest_ps, longest_ps;
    unsigned count;
};

static void on_edge(struct net_listener *listener, struct net *net) {
    struct edges *edges = listener->owner;
    uint64_t now = machine_now(edges->machine);
    uint64_t width = now - edges->last_ps;
    if (edges->count > 1) { /* the first level is set up, not blinked */
        edges->shortest_ps = width < edges->shortest_ps ? width : edges->shortest_ps;
        edges->longest_ps = width > edges->longest_ps ? width : edges->longest_ps;
    }
    edges->last_ps = now;
    edges->count++;
}

/* The LED changes every 250 ms (sleep_ms), to a few microseconds. */
static void blink(struct rig *unused) {
    struct rig rig;
    rig_start(&rig, &(struct rig_desc){ .image = "pico-examples/rp2040/blink.uf2" });
    struct edges edges = { .machine = rig.machine, .shortest_ps = TIME_NEVER };
    edges.listener = (struct net_listener){ .changed = on_edge, .owner = &edges };
    net_listen(machine_gpio(rig.machine, 25), &edges.listener);
    rig_run(&rig, 3000);
    RIG_CHECK(&rig, edges.count >= 11 && edges.count <= 13);
    RIG_CHECK(&rig, edges.shortest_ps > 249990 * PS_PER_US && edges.longest_ps < 250010 * PS_PER_US);
    rig_stop(&rig);
}

int main(void) {
    rig_image_path("pico-examples/rp2040/blink.uf2");
    struct rig none = { 0 };
    int failures = 0;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        one = examples[i];
        failures += rig_cases(&none, &(struct rig_case){ one.name, run_example }, 1);
    }
    failures += rig_cases(&none, &(struct rig_case){ "blink", blink }, 1);
    return failures != 0;
}
