/* CircuitPython's touchio on pads: the readings follow capacitance and resistor, a finger is felt, and what is missing
 * raises as on the board. Also what I2C says without pull-ups. */
#include "emulator/core/net.h"
#include "peripherals/parts/part.h"
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct part *place_pad(struct rig *rig, unsigned gpio) {
    struct error error = { "" };
    struct net *net = machine_gpio(rig->machine, gpio);
    struct part *part = part_create(part_class_find("touch-pad"), "pad", net->env, &error);
    bool ok = part && part_connect(part, "PAD", net, &error) && part_start(part, &error);
    rig_check(rig, ok, error.message, __FILE__, __LINE__);
    return part;
}

/* 1 Mohm from a pin to ground. */
static void pull_down(struct rig *rig, unsigned gpio) {
    static struct net ground;
    static struct net_driver rail = { .name = "ground" };
    static struct net_coupler resistor;
    net_init(&ground, "ground", machine_gpio(rig->machine, gpio)->env);
    net_attach(&ground, &rail);
    net_drive(&rail, NET_LOW);
    net_couple(&resistor, machine_gpio(rig->machine, gpio), &ground, 1e6);
}

static unsigned number_of(struct rig *rig, const char *line) {
    return (unsigned)strtoul(rig_repl(rig, line, 2000), NULL, 10);
}

static void feels_a_finger(struct rig *rig) {
    struct error error;
    struct part *pad = place_pad(rig, 2);
    pull_down(rig, 2);
    RIG_EQUAL(rig, rig_repl(rig, "import board, touchio; t = touchio.TouchIn(board.GP2)", 2000), "");
    unsigned alone = number_of(rig, "t.raw_value");
    RIG_EQUAL(rig, rig_repl(rig, "t.value", 2000), "False\r\n");
    RIG_CHECK(rig, part_set(pad, "touched", 1, &error));
    unsigned touched = number_of(rig, "t.raw_value");
    RIG_EQUAL(rig, rig_repl(rig, "t.value", 2000), "True\r\n");
    /* 15 and 55 pF: the loop's own time apart, as 15 to 55 */
    RIG_CHECK(rig, alone > 200 && touched > 3 * alone && touched < 4 * alone);
    RIG_CHECK(rig, part_set(pad, "touched", 0, &error));
    RIG_EQUAL(rig, rig_repl(rig, "t.value", 2000), "False\r\n");
    part_destroy(pad);
}

static void wants_a_pull_down(struct rig *rig) {
    struct part *pad = place_pad(rig, 2);
    static const char *const pins[] = { "GP2", "GP3" }; /* a pad without a resistor; nothing at all */
    for (unsigned i = 0; i < 2; i++) {
        char line[80];
        snprintf(line, sizeof(line), "import board, touchio; touchio.TouchIn(board.%s)", pins[i]);
        RIG_CHECK(rig, strstr(rig_repl(rig, line, 2000), "No pulldown on pin; 1Mohm recommended") != NULL);
    }
    part_destroy(pad);
}

static void wants_pull_ups(struct rig *rig) {
    const char *said = rig_repl(rig, "import board, busio; busio.I2C(board.GP1, board.GP0)", 2000);
    RIG_CHECK(rig, strstr(said, "No pull up found on SDA or SCL") != NULL);
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 2) {
        fprintf(stderr, "usage: test_touch IMAGE\n");
        return 2;
    }
    rig_start(&rig, &(struct rig_desc){ .image = argv[1] });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 20000));
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    static const struct rig_case cases[] = {
        { "feels a finger", feels_a_finger },
        { "wants a pull-down", wants_a_pull_down },
        { "I2C wants pull-ups", wants_pull_ups },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    return failures != 0;
}
