/* Projects: Wokwi's diagram.json version 1 and what is said about mistakes in it. */
#include "emulator/project/font.h"
#include "tests/unit/unit.h"

#include "emulator/machine.h"
#include "emulator/project/project.h"
#include "emulator/project/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lines {
    char text[4096];
};

static void take_line(void *context, enum log_level level, const char *line) {
    struct lines *lines = context;
    size_t used = strlen(lines->text);
    snprintf(lines->text + used, sizeof(lines->text) - used, "%s: %s\n", log_level_name(level), line);
}

/* What lint says, and whether the project is fit. */
static bool check(struct lines *lines, const char *text) {
    struct findings findings = { .file = "d.json", .report = take_line, .context = lines };
    struct project project;
    lines->text[0] = 0;
    bool ok = project_read_text(&project, text, strlen(text), NULL, &findings);
    ok = ok && project_build(&project, NULL, &findings);
    project_finish(&project);
    return ok;
}

static void says(const char *diagram, const char *line) {
    struct lines lines;
    check(&lines, diagram);
    if (!strstr(lines.text, line)) {
        fail_msg("expected \"%s\" in:\n%s", line, lines.text);
    }
}

#define PICO "{\"id\":\"p\",\"type\":\"wokwi-pi-pico\"}"
#define GND "{\"id\":\"g\",\"type\":\"wokwi-gnd\",\"left\":96,\"top\":48,\"rotate\":90}"
#define OLED(id, attrs) "{\"id\":\"" id "\",\"type\":\"board-ssd1306\",\"attrs\":{" attrs "}}"
#define BUS(id) "[\"p:GP4\",\"" id ":SDA\"],[\"" id ":SCL\",\"p:GP5\"]"
#define DIAGRAM(parts, wires) "{\"version\":1,\"parts\":[" parts "],\"connections\":[" wires "]}"

static void accepts_what_is_only_layout(void **state) {
    struct lines lines;
    assert_true(check(&lines, "{\"version\":1,\"author\":\"a\",\"editor\":\"wokwi\",\"parts\":[" PICO
                              ",{\"id\":\"g\",\"type\":\"wokwi-gnd\",\"top\":1.5,\"left\":-3,\"rotate\":-90,"
                              "\"hide\":true,\"attrs\":{\"label\":\"x\"}}],"
                              "\"connections\":[[\"p:GND.1\",\"g:GND\",\"black\",[\"h0\",\"*\",\"v-9.6\"]],"
                              "[\"p:GP0\",\"$serialMonitor:RX\",\"\",[]]],\"dependencies\":{}}"));
    assert_string_equal(lines.text, "");
    assert_true(check(&lines, DIAGRAM(PICO "," GND ",{\"id\":\"j\",\"type\":\"wokwi-junction\"},"
                                           "{\"id\":\"t\",\"type\":\"wokwi-text\",\"attrs\":{\"text\":\"a\\nb\"}},"
                                           "{\"id\":\"s\",\"type\":\"wokwi-slide-potentiometer\",\"attrs\":"
                                           "{\"travelLength\":\"30\"}}",
                                      "[\"p:TP5\",\"j:J\"],[\"j:J\",\"g:GND\"],[\"j:J\",\"s:GND\"]")));
    assert_string_equal(lines.text, "");
    assert_true(check(&lines, "\xef\xbb\xbf" DIAGRAM(PICO, ""))); /* a byte order mark */
}

static void warns(const char *text, const char *wanted) {
    struct lines lines = { 0 };
    assert_true(check(&lines, text));
    if (!strstr(lines.text, wanted)) {
        fail_msg("\"%s\" is not in \"%s\"", wanted, lines.text);
    }
}

/* What is left over from editing, or leads where nothing is modelled, stops nothing. */
static void warns_of_wires_to_nothing(void **state) {
    warns(DIAGRAM(PICO "," GND, "[\"q:GP2\",\"g:GND\"],[\"p:GP2\",\"g:GND\"]"),
          "connections[0]: no part \"q\"; did you mean \"p\"?");
    warns(DIAGRAM("{\"id\":\"p\",\"type\":\"wokwi-pi-pico-w\"}," GND, "[\"p:TP5\",\"g:GND\"]"),
          "connections[0]: p:TP5 leads to the radio chip");
    warns(DIAGRAM(PICO "," GND, "[\"p:GP2\",\"p:GP2\"],[\"p:TP1\",\"g:GND\"],[\"p:TP6\",\"p:TP2\"]"),
          "connections[0]: both ends are p:GP2");
}

static void takes_resistances_as_they_are_marked(void **state) {
    static const char *const values[] = { "4k7",  "330R",    "1M",  "0R1",    "2K2",
                                          "4.7k", "330 Ohm", "1M5", "10kOhm", "220 \u03a9" };
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[400];
        snprintf(text, sizeof(text),
                 DIAGRAM(PICO ",{\"id\":\"r\",\"type\":\"wokwi-resistor\",\"attrs\":{\"value\":\"%s\"}}",
                         "[\"p:GP2\",\"r:1\"]"),
                 values[i]);
        struct lines lines = { 0 };
        assert_true(check(&lines, text));
        assert_string_equal(lines.text, "");
    }
    says(DIAGRAM(PICO ",{\"id\":\"r\",\"type\":\"wokwi-resistor\",\"attrs\":{\"value\":\"4k7k\"}}",
                 "[\"p:GP2\",\"r:1\"]"),
         "value=\"4k7k\" is not a number");
}

/* One letter a character; accents and signs have their dots, what has none is a box. */
static void letters_outside_ascii(void **state) {
    const char *text = "\u00e4A\u03a9\u4e2d\xff";
    uint8_t letter[FONT_WIDTH];
    assert_int_equal(font_count_letters(text), 5);
    font_take_letter(&text, letter);
    assert_memory_equal(letter, ((uint8_t[]){ 0x20, 0x55, 0x54, 0x55, 0x78 }), FONT_WIDTH); /* a with two dots */
    font_take_letter(&text, letter);
    assert_memory_equal(letter, font_glyph('A'), FONT_WIDTH);
    font_take_letter(&text, letter);
    assert_memory_not_equal(letter, font_glyph(0), FONT_WIDTH);
    for (int i = 0; i < 2; i++) {
        font_take_letter(&text, letter);
        assert_memory_equal(letter, font_glyph(0), FONT_WIDTH);
    }
    assert_int_equal(*text, 0);
}

static void names_what_is_unknown(void **state) {
    says(DIAGRAM(PICO ",{\"id\":\"g\",\"type\":\"wokwi-gmd\"}", ""),
         "d.json: parts[1] \"g\": unknown part type \"wokwi-gmd\"; did you mean \"wokwi-gnd\"?");
    says(DIAGRAM(PICO "," GND, "[\"p:GP2\",\"g:GMD\",\"\",[]]"),
         "d.json: connections[0]: no pin of \"g\" (gnd) \"GMD\"; did you mean \"GND\"?");
    says(DIAGRAM(PICO "," GND, "[\"p:GQ2\",\"g:GND\"]"), "connections[0]: no pin of \"p\" (raspberry_pi_pico) \"GQ2\"");
    says(DIAGRAM(PICO ",{\"id\":\"v\",\"type\":\"vcc\",\"attrs\":{\"volt\":\"3\"}}", ""),
         "parts[1] \"v\" (vcc) has no attribute \"volt\"");
    says(DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico2\"}", ""), "did you mean \"board-pi-pico-2\"?");
    says(DIAGRAM(PICO ",{\"id\":\"a\",\"type\":\"wokwi-dht22\"}", ""), /* "wokwi-" makes it like nothing */
         "unknown part type \"wokwi-dht22\" (`ouroboard parts` lists all");
    says(DIAGRAM(PICO "," OLED("a", "\"pullups\":\"maybe\""), BUS("a")),
         "parts[1]: a: pullups=\"maybe\" is neither 0 nor 1");
    says(DIAGRAM(PICO "," OLED("a", "\"i2cAddress\":\"0x44\""), BUS("a")), "i2cAddress=0x44 is not from 0x3c to 0x3d");
}

static void says_all_mistakes_at_once(void **state) {
    struct lines lines;
    assert_false(check(&lines, DIAGRAM(PICO ",{\"id\":\"a\",\"type\":\"x\"},{\"id\":\"b\",\"type\":\"y\"}",
                                       "[\"p:QQ\",\"p:GP1\"],[\"p\",\"p:GP1\"]")));
    unsigned count = 0;
    for (const char *at = lines.text; (at = strchr(at, '\n')); at++) {
        count++;
    }
    assert_int_equal(count, 1); /* the shape of the file comes first */
    assert_false(check(
        &lines, DIAGRAM(PICO ",{\"id\":\"a\",\"type\":\"x\"},{\"id\":\"b\",\"type\":\"y\"}", "[\"p:QQ\",\"p:GP1\"]")));
    assert_non_null(strstr(lines.text, "parts[1]"));
    assert_non_null(strstr(lines.text, "parts[2]"));
    assert_non_null(strstr(lines.text, "connections[0]"));
}

static void refuses_what_is_no_diagram(void **state) {
    says("{\"version\":1,", "line 1, column");
    says("[]", "is not a JSON object");
    says("{\"version\":2,\"parts\":[]}", "only version 1");
    says("{\"version\":1}", "parts is not a list");
    says(DIAGRAM(PICO "," PICO, ""), "parts[1]: the id \"p\" is parts[0]'s already");
    says(DIAGRAM(PICO ",{\"id\":\"q\",\"type\":\"board-pimoroni_picosystem\"}", ""), "a second board");
    says(DIAGRAM("{\"id\":\"a:b\",\"type\":\"wokwi-gnd\"}", ""), "parts[0]: needs an id");
    says(DIAGRAM(GND, ""), "no board among the parts");
    says(DIAGRAM("7", ""), "parts[0]: needs an id");
}

static void warns_of_wiring(void **state) {
    says(DIAGRAM(PICO "," GND, ""), "warn: d.json: parts[1] \"g\" (wokwi-gnd) is wired to nothing");
    says(DIAGRAM(PICO, "[\"p:GND.1\",\"p:GP2\"],[\"p:GP2\",\"p:3V3\"]"),
         "error: d.json: connections[1]: p:GP2 to p:3V3 makes a short circuit");
    says(DIAGRAM(PICO, "[\"p:GP2\",\"p:GP3\"],[\"p:GP3\",\"p:VBUS\"]"),
         "warn: d.json: parts[0]: p:GP2 is wired to 5V: a pin of this chip takes 3.3 V");
    says(DIAGRAM(PICO, "[\"p:VBUS\",\"p:3V3\"]"), "connections[0]: p:VBUS to p:3V3 makes a short circuit");
}

static void wires_by_the_names_of_boards(void **state) {
    struct findings findings = { 0 };
    struct project project;
    struct error error;
    const char *text = DIAGRAM("{\"id\":\"b\",\"type\":\"board-adafruit_feather_rp2040\"}",
                               "[\"b:SDA\",\"b:D5\"],[\"b:gnd\",\"b:GP20\"]");
    assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
    assert_string_equal(project.board->id, "adafruit_feather_rp2040");
    assert_true(project_build(&project, NULL, &findings));
    int sda = board_pin(project.board, "SDA"), d5 = board_pin(project.board, "D5");
    struct net *net = project_board_net(&project, "SDA", &error);
    assert_true(net && net_is_joined(net, project_board_net(&project, "D5", &error)));
    assert_true(sda != d5);
    assert_int_equal(project_board_net(&project, "GPIO20", &error)->level, NET_LEVEL_LOW);
    assert_null(project_board_net(&project, "D55", &error));
    assert_non_null(strstr(error.message, "did you mean \"D5\"?"));
    project_finish(&project);
}

/* Schematics: 5 V by 5.6 and 10 kohms; VSYS, a Schottky diode below that, by 200 and 100 kohms. */
static void picos_measure_their_supply(void **state) {
    static const char *const types[] = { "board-pi-pico", "board-pi-pico-2" };
    for (unsigned i = 0; i < 2; i++) {
        struct findings findings = { 0 };
        struct project project;
        struct error error;
        char text[200];
        snprintf(text, sizeof(text), DIAGRAM("{\"id\":\"p\",\"type\":\"%s\"}", ""), types[i]);
        assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
        assert_true(project_build(&project, NULL, &findings));
        struct net *vbus = project_board_net(&project, "VBUS_SENSE", &error);
        struct net *vsys = project_board_net(&project, "VOLTAGE_MONITOR", &error);
        assert_true(net_is_high(vbus));
        assert_true(fabs(net_volts(vbus) - 3.205) < 0.001);
        assert_true(fabs(net_volts(vsys) - 1.6) < 0.05);
        assert_int_equal(project_board_net(&project, "SMPS_MODE", &error)->level, NET_LEVEL_LOW); /* pulled down */
        project_finish(&project);
    }
}

/* With a radio (its GPIO0: the LED, GPIO1: the regulator's mode, GPIO2: VBUS) VSYS is there while GPIO25 is high. */
static void radio_boards_measure_their_supply(void **state) {
    static const char *const types[] = { "board-pi-pico-w", "board-pi-pico-2-w" };
    for (unsigned i = 0; i < 2; i++) {
        struct findings findings = { 0 };
        struct project project;
        struct error error;
        char text[200];
        snprintf(text, sizeof(text), DIAGRAM("{\"id\":\"p\",\"type\":\"%s\"}", ""), types[i]);
        assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
        assert_true(project_build(&project, NULL, &findings));
        struct net_driver select = { .name = "test", .drive = NET_LOW }, led = { .name = "radio", .drive = NET_HIGH };
        struct net *vsys = project_board_net(&project, "VOLTAGE_MONITOR", &error);
        assert_true(net_is_high(project_board_net(&project, "VBUS_SENSE", &error)));
        assert_int_equal(project_board_net(&project, "SMPS_MODE", &error)->level, NET_LEVEL_LOW);
        net_attach(project_board_net(&project, "GP25", &error), &select);
        assert_int_equal(vsys->level, NET_LEVEL_FLOATING);
        net_drive(&select, NET_HIGH);
        assert_true(fabs(net_volts(vsys) - 1.6) < 0.05);
        net_drive(&select, NET_LOW);
        assert_int_equal(vsys->level, NET_LEVEL_FLOATING);
        struct net *led_net = project_board_net(&project, "LED", &error);
        net_attach(led_net, &led);
        assert_string_equal(part_view(project.parts[0].part, 0)->name, "led");
        assert_ptr_equal(led_net, project_board_net(&project, "TP5", &error));
        net_detach(&led);
        net_detach(&select);
        project_finish(&project);
    }
}

static double volts_of(const struct project *project, const char *pin) {
    struct error error;
    return net_volts(project_board_net(project, pin, &error));
}

/* Without USB the board lives from the battery at VSYS; without either, nothing has a voltage. */
static void rails_follow_the_supply(void **state) {
    static const char text[] = DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico\"}", "");
    struct findings findings = { 0 };
    struct project project;
    assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
    assert_true(project_build(&project, NULL, &findings));
    assert_true(fabs(volts_of(&project, "VBUS") - 5) < 0.001 && fabs(volts_of(&project, "VSYS") - 4.8) < 0.001);
    project_set_supply(&project, &(struct board_supply){ .on = true });
    assert_true(volts_of(&project, "VBUS") < 0.001 && volts_of(&project, "VBUS_SENSE") < 0.001);
    assert_true(fabs(volts_of(&project, "VSYS") - 3.7) < 0.001);
    assert_true(fabs(volts_of(&project, "VOLTAGE_MONITOR") - 3.7 / 3) < 0.001);
    assert_true(fabs(volts_of(&project, "3V3") - 3.3) < 0.001);
    project_set_supply(&project, &(struct board_supply){ .usb = true });
    assert_true(volts_of(&project, "VSYS") < 0.001 && volts_of(&project, "3V3") < 0.001);
    assert_true(volts_of(&project, "VBUS") < 0.001 && volts_of(&project, "RUN") < 0.001);
    project_finish(&project);
}

static bool is_connected(const struct project *project, const char *a, const char *b) {
    struct error error;
    return net_is_joined(project_board_net(project, a, &error), project_board_net(project, b, &error));
}

/* From GP2 to GP3 through a button's first contact, whose pins are one inside, and on to GP4; GP5 by a second way. */
static void wires_come_off_and_on(void **state) {
    static const char text[] = DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico\"},"
                                       "{\"id\":\"b\",\"type\":\"wokwi-pushbutton\"}",
                                       "[\"p:GP2\",\"b:1.l\"],[\"b:1.r\",\"p:GP3\"],[\"p:GP3\",\"p:GP4\"],"
                                       "[\"p:GP4\",\"p:GP5\"],[\"p:GP5\",\"p:GP3\"]");
    struct findings findings = { 0 };
    struct project project;
    struct error error;
    assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
    assert_true(project_build(&project, NULL, &findings));
    struct net *gp2 = project_board_net(&project, "GP2", &error), *gp3 = project_board_net(&project, "GP3", &error);
    struct net *gp4 = project_board_net(&project, "GP4", &error);
    struct net *left = project.parts[1].nets[0], *right = project.parts[1].nets[2];
    assert_true(is_connected(&project, "GP2", "GP5"));
    assert_false(project_has_wire(&project, gp2, gp3));
    assert_true(project_has_wire(&project, left, gp2) && project_has_wire(&project, gp3, gp4));
    assert_true(project_set_wire(&project, gp3, gp4, false)); /* by way of GP5 it is still connected */
    assert_true(is_connected(&project, "GP3", "GP4"));
    assert_true(project_set_wire(&project, gp3, gp4, true));
    assert_true(project_set_wire(&project, right, gp3, false));
    assert_true(net_is_joined(gp2, right) && is_connected(&project, "GP3", "GP5"));
    assert_false(is_connected(&project, "GP2", "GP3"));
    assert_true(project_join(&project, gp2, gp4)); /* somebody puts a wire in */
    assert_true(is_connected(&project, "GP2", "GP3"));
    assert_true(project_set_wire(&project, gp2, left, false));
    assert_true(is_connected(&project, "GP2", "GP3") && !net_is_joined(gp2, right));
    assert_true(project_set_wire(&project, left, gp2, true) && project_set_wire(&project, right, gp3, true));
    assert_true(net_is_joined(right, project_board_net(&project, "GP5", &error)));
    project_finish(&project);
}

/* TP4 and TP5 of a Pico W are at the radio: wires to them lead nowhere, which is said. */
static void test_points_of_radio_boards_lead_nowhere(void **state) {
    warns(DIAGRAM("{\"id\":\"p\",\"type\":\"wokwi-pi-pico-w\"},{\"id\":\"l\",\"type\":\"wokwi-led\"}",
                  "[\"p:TP5\",\"l:A\"],[\"l:C\",\"p:GND.1\"]"),
          "connections[0]: p:TP5 leads to the radio chip");
    warns(DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico-2-w\"},{\"id\":\"l\",\"type\":\"wokwi-led\"}",
                  "[\"p:TP4\",\"l:A\"],[\"l:C\",\"p:GND.1\"]"),
          "connections[0]: p:TP4 leads to the radio chip");
}

static void errata_are_chosen_by_the_board(void **state) {
    struct lines lines;
    assert_true(
        check(&lines, DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico-2\",\"attrs\":{\"errata\":\"rp2350-e9\"}}", "")));
    assert_string_equal(lines.text, "");
    says(DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico\",\"attrs\":{\"errata\":\"rp2350-e9\"}}", ""),
         "error: d.json: the board's errata: \"rp2350-e9\" is not among what an RP2040 can be given: rp2040-e13");
    says(DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico-2\",\"attrs\":{\"errata\":\"e9\"}}", ""),
         "the board's errata: \"e9\" is not");
}

/* A wire from 3.3 V that is opened, at a pin with a pull-down. */
static void a_chosen_erratum_reaches_the_pads(void **state) {
    static const char *const errata[] = { "", "rp2350-e9" };
    const char *format = DIAGRAM("{\"id\":\"p\",\"type\":\"board-pi-pico-2\",\"attrs\":{\"errata\":\"%s\"}},"
                                 "{\"id\":\"b\",\"type\":\"wokwi-pushbutton\",\"attrs\":{\"bounce\":\"0\"}}",
                                 "[\"p:GP2\",\"b:1.l\"],[\"b:2.l\",\"p:3V3\"]");
    for (unsigned chosen = 0; chosen < 2; chosen++) {
        struct findings findings = { 0 };
        struct project project;
        struct error error;
        char text[512];
        struct machine *machine = machine_create(&(struct machine_desc){ .chip = &chip_rp2350 }, &error);
        snprintf(text, sizeof(text), format, errata[chosen]);
        assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
        assert_true(project_build(&project, machine, &findings));
        block_write(machine_block(machine, "PADS_BANK0"), 0x0c, 1 << 6 | 1 << 2, ALIAS_NORMAL); /* GPIO2: IE, PDE */
        for (unsigned pressed = 2; pressed-- > 0;) {
            assert_true(part_set(project.parts[1].part, "pressed", pressed, &error));
            assert_int_equal(net_is_high(machine_gpio(machine, 2)), pressed || chosen);
        }
        project_finish(&project);
        machine_destroy(machine);
    }
}

static void tells_targets_with_one_address(void **state) {
    const char *both = DIAGRAM(PICO "," OLED("a", "") "," OLED("b", ""), BUS("a") "," BUS("b"));
    says(both, "warn: d.json: parts[1] \"a\" and parts[2] \"b\" have the same address 0x3c on one I2C bus");
    struct lines lines;
    assert_true(
        check(&lines, DIAGRAM(PICO "," OLED("a", "") "," OLED("b", "\"i2cAddress\":\"0x3d\""), BUS("a") "," BUS("b"))));
    assert_null(strstr(lines.text, "warn"));
}

/* The level of SDA on a bus with one display. */
static enum net_level sda_level(struct lines *lines, const char *text) {
    struct findings findings = { .file = "d.json", .report = take_line, .context = lines };
    struct project project;
    struct error error;
    lines->text[0] = 0;
    assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
    assert_true(project_build(&project, NULL, &findings));
    enum net_level level = project_board_net(&project, "GP4", &error)->level;
    project_finish(&project);
    return level;
}

static void pulls_up_as_modules_do(void **state) {
    struct lines lines;
    assert_int_equal(sda_level(&lines, DIAGRAM(PICO "," OLED("a", ""), BUS("a"))), NET_LEVEL_HIGH);
    assert_non_null(strstr(lines.text, "info: d.json: parts[1] \"a\": no pull-ups are wired to its I2C bus"));
    assert_int_equal(sda_level(&lines, DIAGRAM(PICO "," OLED("a", "\"pullups\":\"0\""), BUS("a"))), NET_LEVEL_FLOATING);
    assert_string_equal(lines.text, "");
    assert_int_equal(sda_level(&lines, DIAGRAM(PICO "," OLED("a", "\"pullups\":0") ",{\"id\":\"r\",\"type\":"
                                                                                   "\"wokwi-resistor\"}",
                                               BUS("a") ",[\"p:GP4\",\"r:1\"],[\"r:2\",\"p:3V3\"]")),
                     NET_LEVEL_HIGH);
}

static void count_reset(void *context, const char *cause) {
    ++*(unsigned *)context;
}

/* Its contact bounces, the chip starts once: two resets in a row would lead CircuitPython into the boot loader. */
static void a_button_at_run_resets_once(void **state) {
    const char *text =
        DIAGRAM(PICO ",{\"id\":\"b\",\"type\":\"wokwi-pushbutton\"}", "[\"p:RUN\",\"b:1.l\"],[\"b:2.l\",\"p:GND.1\"]");
    unsigned resets = 0;
    struct findings findings = { 0 };
    struct project project;
    struct error error;
    struct machine *machine = machine_create(&(struct machine_desc){ .chip = &chip_rp2040 }, &error);
    machine_set_events(machine, &(struct machine_events){ .context = &resets, .reset = count_reset });
    assert_true(machine_load(machine, 0x20000000, (const uint8_t *)"\xfe\xe7", 2, &error)); /* b . */
    assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
    assert_true(project_build(&project, machine, &findings));
    machine_power_on(machine, 0x20000000);
    for (unsigned pressed = 2; pressed-- > 0;) {
        machine_run(machine, machine_now(machine) + 20 * PS_PER_MS);
        assert_int_equal(resets, 0);
        assert_true(part_set(project.parts[1].part, "pressed", pressed, &error));
    }
    machine_run(machine, machine_now(machine) + 20 * PS_PER_MS);
    assert_int_equal(resets, 1);
    project_finish(&project);
    machine_destroy(machine);
}

static void one_board_for_another(void **state) {
    struct findings findings = { 0 };
    struct project project;
    assert_true(
        project_read_text(&project, DIAGRAM(PICO, ""), strlen(DIAGRAM(PICO, "")), "raspberry_pi_pico2", &findings));
    assert_string_equal(project.board->id, "raspberry_pi_pico2");
    project_finish(&project);
}

/* Wokwi: left and top in CSS pixels (96 an inch), turned about the middle. */
static void places_parts(void **state) {
    struct findings findings = { 0 };
    struct project project;
    const char *text = DIAGRAM(PICO "," GND, "[\"p:GP0\",\"g:GND\",\"red\",[\"h-9.6\",\"*\",\"v9.6\"]],"
                                             "[\"p:GP1\",\"g:GND\",\"\",[]]");
    assert_true(project_read_text(&project, text, strlen(text), NULL, &findings));
    const struct project_part *gnd = &project.parts[1];
    struct scene_point middle = scene_place(gnd, gnd->class->face.width / 2, gnd->class->face.height / 2);
    assert_true(fabs(middle.x - 25.4 - gnd->class->face.width / 2) < 1e-9);
    assert_true(fabs(middle.y - 12.7 - gnd->class->face.height / 2) < 1e-9);
    struct scene_point corner = scene_place(gnd, 0, 0);
    assert_true(corner.x > middle.x && corner.y < middle.y);
    struct scene_point way[SCENE_WAY];
    unsigned count = scene_way(&project, &project.wires[0], way);
    assert_int_equal(count, 5);
    assert_true(fabs(way[1].x - (way[0].x - 2.54)) < 1e-9 && way[1].y == way[0].y);
    assert_true(fabs(way[3].y - (way[4].y + 2.54)) < 1e-9 && way[3].x == way[4].x);
    assert_true(way[2].x == way[3].x && way[2].y == way[1].y);
    assert_int_equal(scene_way(&project, &project.wires[1], way), 0); /* without a colour it is hidden */
    project_finish(&project);
}

/* A folder that is named by "." has a name all the same. */
static void a_project_is_called_by_its_folder(void **state) {
    static const struct {
        const char *folder, *name;
    } cases[] = {
        { "/usr/bin", "bin" }, { "/usr/bin/.", "bin" }, { "/usr/bin/../bin/", "bin" }, { "/", "/" }, { "", "" }
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct project project = { 0 };
        char name[64];
        snprintf(project.folder, sizeof(project.folder), "%s", cases[i].folder);
        project_name(&project, name, sizeof(name));
        assert_string_equal(name, cases[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_project_is_called_by_its_folder),
        cmocka_unit_test(warns_of_wires_to_nothing),
        cmocka_unit_test(takes_resistances_as_they_are_marked),
        cmocka_unit_test(letters_outside_ascii),
        cmocka_unit_test(accepts_what_is_only_layout),
        cmocka_unit_test(names_what_is_unknown),
        cmocka_unit_test(says_all_mistakes_at_once),
        cmocka_unit_test(refuses_what_is_no_diagram),
        cmocka_unit_test(warns_of_wiring),
        cmocka_unit_test(wires_by_the_names_of_boards),
        cmocka_unit_test(picos_measure_their_supply),
        cmocka_unit_test(rails_follow_the_supply),
        cmocka_unit_test(wires_come_off_and_on),
        cmocka_unit_test(radio_boards_measure_their_supply),
        cmocka_unit_test(test_points_of_radio_boards_lead_nowhere),
        cmocka_unit_test(errata_are_chosen_by_the_board),
        cmocka_unit_test(a_chosen_erratum_reaches_the_pads),
        cmocka_unit_test(tells_targets_with_one_address),
        cmocka_unit_test(pulls_up_as_modules_do),
        cmocka_unit_test(a_button_at_run_resets_once),
        cmocka_unit_test(one_board_for_another),
        cmocka_unit_test(places_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
