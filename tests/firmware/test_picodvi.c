/* CircuitPython's picodvi on a Pico 2: HSTX, its command expander and two chained DMA channels make a picture on a DVI
 * monitor. What is expected follows from the framebuffer's formats alone: RGB565, RGB332, one bit. */
#include "emulator/core/net.h"
#include "peripherals/parts/part.h"
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>

/* The breakout of a Pico 2 (Pico DVI Sock): D0 12 13, CK 14 15, D2 16 17, D1 18 19. CircuitPython calls lane 0 red. */
#define PINS                                                                                                           \
    "clk_dp=board.GP14, clk_dn=board.GP15, red_dp=board.GP12, red_dn=board.GP13, green_dp=board.GP18, "                \
    "green_dn=board.GP19, blue_dp=board.GP16, blue_dn=board.GP17"

static struct part *plug_monitor(struct rig *rig, const char *size) {
    static const struct {
        const char *pin;
        unsigned gpio;
    } wires[] = { { "D0+", 12 }, { "D0-", 13 }, { "CK+", 14 }, { "CK-", 15 },
                  { "D2+", 16 }, { "D2-", 17 }, { "D1+", 18 }, { "D1-", 19 } };
    struct error error = { "" };
    struct part *part = part_create(part_class_find("dvi-monitor"), "tv", machine_gpio(rig->machine, 12)->env, &error);
    bool ok = part && part_set_attribute(part, "size", size, &error);
    for (unsigned i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
        ok = ok && part_connect(part, wires[i].pin, machine_gpio(rig->machine, wires[i].gpio), &error);
    }
    ok = ok && part_start(part, &error);
    rig_check(rig, ok, error.message, __FILE__, __LINE__);
    return part;
}

static void open_framebuffer(struct rig *rig, unsigned width, unsigned height, unsigned depth) {
    char line[512];
    rig_repl(rig, "import board, picodvi, displayio, array; displayio.release_displays()", 2000);
    snprintf(line, sizeof(line), "f = picodvi.Framebuffer(%u, %u, " PINS ", color_depth=%u)", width, height, depth);
    RIG_EQUAL(rig, rig_repl(rig, line, 2000), "");
}

/* Every pixel of the picture; the framebuffer's are `zoom` times as large. */
static void compare(struct rig *rig, struct part *monitor, unsigned zoom, uint32_t (*expected)(unsigned, unsigned)) {
    const struct part_view *view = part_view(monitor, 0);
    unsigned wrong = 0;
    RIG_CHECK(rig, view->screen.on);
    for (unsigned i = 0; i < view->screen.width * view->screen.height; i++) {
        unsigned x = i % view->screen.width, y = i / view->screen.width;
        uint32_t colour = expected(x / zoom, y / zoom);
        if (view->screen.pixels[i] != colour && wrong++ < 5) {
            fprintf(stderr, "    (%u,%u): %06x instead of %06x\n", x, y, view->screen.pixels[i], colour);
        }
    }
    RIG_CHECK(rig, wrong == 0);
}

static uint32_t rgb565(unsigned x, unsigned y) {
    unsigned v = (y * 1031 + x * 61) & 0xffff;
    return (v >> 11) << 19 | (v >> 5 & 63) << 10 | (v & 31) << 3;
}

static void doubled_16_bit(struct rig *rig) {
    struct part *monitor = plug_monitor(rig, "640x480");
    open_framebuffer(rig, 320, 240, 16);
    rig_repl(rig, "m = memoryview(f)", 1000);
    rig_repl(rig,
             "for y in range(240): m[y*320:y*320+320] = array.array('H', "
             "[(y*1031+x*61)&0xffff for x in range(320)])\r",
             10000);
    rig_run(rig, 50);
    compare(rig, monitor, 2, rgb565);
    RIG_EQUAL(rig, part_view(monitor, 1)->text, "640x480 60.0 Hz");
    part_destroy(monitor);
}

static void tall_16_bit(struct rig *rig) {
    struct part *monitor = plug_monitor(rig, "720x400");
    open_framebuffer(rig, 360, 200, 16);
    rig_repl(rig, "m = memoryview(f)", 1000);
    rig_repl(rig,
             "for y in range(200): m[y*360:y*360+360] = array.array('H', "
             "[(y*1031+x*61)&0xffff for x in range(360)])\r",
             10000);
    rig_run(rig, 50);
    compare(rig, monitor, 2, rgb565);
    part_destroy(monitor);
}

static uint32_t rgb332(unsigned x, unsigned y) {
    unsigned v = (y * 7 + x) & 0xff;
    return (v & 0xe0) << 16 | (v << 3 & 0xe0) << 8 | (v << 6 & 0xc0);
}

static void full_8_bit(struct rig *rig) {
    struct part *monitor = plug_monitor(rig, "640x480");
    open_framebuffer(rig, 640, 480, 8);
    rig_repl(rig, "m = memoryview(f).cast('B') if hasattr(memoryview(f), 'cast') else memoryview(f)", 1000);
    rig_repl(rig, "for y in range(480): m[y*640:y*640+640] = bytes((y*7+x)&255 for x in range(640))\r", 20000);
    rig_run(rig, 50);
    compare(rig, monitor, 1, rgb332);
    part_destroy(monitor);
}

static uint32_t one_bit(unsigned x, unsigned y) {
    return ((y * 5 + x / 8) & 0xff) >> x % 8 & 1 ? 0x808080 : 0;
}

static void full_1_bit(struct rig *rig) {
    struct part *monitor = plug_monitor(rig, "640x480");
    open_framebuffer(rig, 640, 480, 1);
    rig_repl(rig, "m = memoryview(f)", 1000);
    rig_repl(rig, "for y in range(480): m[y*80:y*80+80] = bytes((y*5+x)&255 for x in range(80))\r", 10000);
    rig_run(rig, 50);
    compare(rig, monitor, 1, one_bit);
    part_destroy(monitor);
}

/* After deinit() nothing comes any more. */
static void ends(struct rig *rig) {
    struct part *monitor = plug_monitor(rig, "640x480");
    open_framebuffer(rig, 320, 240, 16);
    rig_run(rig, 50);
    RIG_CHECK(rig, part_view(monitor, 0)->screen.on);
    rig_repl(rig, "f.deinit()", 1000);
    rig_run(rig, 150);
    RIG_CHECK(rig, !part_view(monitor, 0)->screen.on);
    part_destroy(monitor);
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 2) {
        fprintf(stderr, "usage: test_picodvi IMAGE\n");
        return 2;
    }
    rig_start(&rig, &(struct rig_desc){ .image = argv[1] });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 20000));
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    static const struct rig_case cases[] = {
        { "320x240, 16 bits", doubled_16_bit },
        { "360x200, 16 bits", tall_16_bit },
        { "640x480, 8 bits", full_8_bit },
        { "640x480, 1 bit", full_1_bit },
        { "ends", ends },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    return failures != 0;
}
