/* The parser of scenarios: what it makes of good ones, and the line, the column and the words of every mistake. */
#include "emulator/scenario/scenario.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "name: a\nversion: 1\nsteps:\n" /* the first step is in line 4 */

static char lines[4000];

static void keep_line(void *context, enum log_level level, const char *line) {
    size_t used = strlen(lines);
    snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

static bool parse(struct scenario *scenario, const char *text) {
    struct findings findings = { .report = keep_line };
    lines[0] = 0;
    return scenario_read_text(scenario, "demo/a.yaml", text, strlen(text), &findings);
}

/* The text is a scenario. */
static struct scenario good(const char *text) {
    struct scenario scenario;
    if (!parse(&scenario, text)) {
        fail_msg("%s", lines);
    }
    return scenario;
}

static const struct scenario_step *first(const struct scenario *scenario) {
    assert_true(scenario->case_count >= 1 && scenario->cases[0].list.count >= 1);
    return &scenario->cases[0].list.steps[0];
}

static void wokwis_steps_in_both_spellings(void **state) {
    struct scenario scenario = good("name: 'Push button'\n"
                                    "version: 1\n"
                                    "author: 'A. Writer'\n"
                                    "\n"
                                    "steps:\n"
                                    "  - delay: 500ms\n"
                                    "  - wait-serial: 'Ready'\n"
                                    "  - set-control:\n"
                                    "      part-id: btn1\n"
                                    "      control: pressed\n"
                                    "      value: 1\n"
                                    "  - set-control: {part-id: btn1, name: pressed, value: 0}\n"
                                    "  - expect-pin: {part-id: pico, pin: GP1, value: 1}\n"
                                    "  - expect-pin: {part-id: pico, name: GP1, expected: 0}\n"
                                    "  - write-serial: \"help\\n\"\n"
                                    "  - write-serial: [3, 0x04, 0]\n"
                                    "  - take-screenshot: {part-id: tft1, save-to: a.png, compare-with: gold/a.png}\n"
                                    "  - name: a finger\n"
                                    "    touch: {part-id: tft1, x: 10, y: 20, duration: 50ms, wait: true}\n");
    const struct scenario_step *steps = first(&scenario);
    assert_string_equal(scenario.folder, "demo");
    assert_string_equal(scenario.author, "A. Writer");
    assert_int_equal(scenario.cases[0].list.count, 10);
    assert_int_equal(steps[0].time_ps, 500 * UINT64_C(1000000000));
    assert_string_equal(steps[1].text.bytes, "Ready");
    assert_string_equal(steps[3].control, "pressed");
    assert_string_equal(steps[4].pin, "GP1");
    assert_string_equal(steps[5].pin, "GP1");
    assert_true(steps[5].has_value && steps[5].value == 0);
    assert_memory_equal(steps[7].text.bytes, "\3\4\0", 3);
    assert_int_equal(steps[7].text.length, 3);
    assert_string_equal(steps[8].compare_with, "gold/a.png");
    assert_string_equal(steps[9].title, "a finger");
    assert_int_equal(steps[9].mark.line, 19);
    scenario_finish(&scenario);
}

static void measures_have_units_and_tolerances(void **state) {
    struct scenario scenario = good(HEAD "- expect-pin:\n"
                                         "    pin: GP3\n"
                                         "    frequency: {value: 1.5kHz, tolerance: 2%}\n"
                                         "    duty: {value: 25%, tolerance: 1%}\n"
                                         "    high: 250us\n"
                                         "    low: {min: 1ms, max: 3ms}\n"
                                         "    volts: {value: 1.65V, tolerance: 50mV}\n"
                                         "    tolerance: 5%\n"
                                         "    for: 20ms\n");
    const struct scenario_step *step = first(&scenario);
    assert_float_equal(step->frequency.value, 1500, 0);
    assert_float_equal(step->frequency.tolerance, 30, 1e-9);
    assert_float_equal(step->duty.tolerance, 0.01, 1e-9);
    assert_float_equal(step->high.value, 250e-6, 1e-12);
    assert_true(step->high.tolerance < 0); /* the step's own */
    assert_float_equal(step->tolerance, 0.05, 1e-9);
    assert_float_equal(step->low.value, 2e-3, 1e-12);
    assert_float_equal(step->low.tolerance, 1e-3, 1e-12);
    assert_float_equal(step->volts.tolerance, 0.05, 1e-9);
    assert_int_equal(step->time_ps, 20 * UINT64_C(1000000000));
    scenario_finish(&scenario);
}

static void cases_matrix_and_steps_in_steps(void **state) {
    struct scenario scenario = good("version: 1\n"
                                    "name: many\n"
                                    "boards: [raspberry_pi_pico, raspberry_pi_pico2]\n"
                                    "firmware: 10.2.1\n"
                                    "before:\n"
                                    "- wait-serial: Ready\n"
                                    "cases:\n"
                                    "- name: one\n"
                                    "  steps:\n"
                                    "  - set: {pot1.position: 0.5, btn1.pressed: true}\n"
                                    "  - repeat:\n"
                                    "      count: 3\n"
                                    "      steps: [{delay: 1ms}, reset]\n"
                                    "- name: two\n"
                                    "  steps:\n"
                                    "  - parallel:\n"
                                    "    - - wait-serial: a\n"
                                    "    - - wait-serial: {regex: '[0-9]+$', timeout: 3s}\n"
                                    "      - wire: GP2=GP3\n"
                                    "timeout: 2s\n");
    assert_int_equal(scenario.board_count, 2);
    assert_string_equal(scenario.firmware[0], "10.2.1");
    assert_int_equal(scenario.before.count, 1);
    assert_int_equal(scenario.before.steps[0].timeout_ps, 2000 * UINT64_C(1000000000));
    assert_int_equal(scenario.case_count, 2);
    const struct scenario_step *steps = first(&scenario);
    assert_string_equal(steps[1].part, "btn1");
    assert_string_equal(steps[1].control, "pressed");
    assert_float_equal(steps[1].value, 1, 0);
    assert_int_equal(steps[2].branches[0].count, 2);
    const struct scenario_step *parallel = scenario.cases[1].list.steps;
    assert_int_equal(parallel->branch_count, 2);
    assert_string_equal(parallel->branches[1].steps[1].other_pin, "GP3");
    assert_int_equal(parallel->branches[1].steps[0].timeout_ps, 3000 * UINT64_C(1000000000));
    scenario_finish(&scenario);
}

/* Lists of steps: many, so that the memory of a list has moved. */
static void long_lists_stay_whole(void **state) {
    char *text = calloc(1, 100000);
    strcpy(text, HEAD);
    for (unsigned i = 0; i < 1000; i++) {
        sprintf(text + strlen(text), "- wait-serial: line %u\n", i);
    }
    struct scenario scenario = good(text);
    assert_int_equal(scenario.cases[0].list.count, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        char wanted[20];
        sprintf(wanted, "line %u", i);
        assert_string_equal(scenario.cases[0].list.steps[i].text.bytes, wanted);
    }
    scenario_finish(&scenario);
    free(text);
}

static const struct {
    const char *text, *line;
} mistakes[] = {
    { "", "demo/a.yaml:1:1: is empty" },
    { "- delay: 1s\n", "1:1: a scenario is expected" },
    { "name: [\n", "demo/a.yaml:2:1: while parsing a flow" },
    { "name: a\n\tversion: 1\n", "demo/a.yaml:2:1: " },
    { "name: \xff\n", "scenarios are UTF-8 text" },
    { "version: 1\nsteps: []\n---\nversion: 1\n", "4:1: a second document" },
    { "version: 2\nsteps: []\n", "1:10: version: \"2\" is not a whole number from 1 to 1" },
    { "name: a\nsteps: []\n", "1:1: version is missing" },
    { "version: 1\n", "1:1: steps are missing" },
    { "version: 1\nsteps: []\ncases: [{name: a, steps: []}]\n", "1:1: steps and cases: one of them" },
    { "version: 1\nsteps: []\nstpes: []\n", "3:1: no key \"stpes\"; did you mean \"steps\"?" },
    { "version: 1\nsteps: []\nsteps: []\n", "3:1: \"steps\" stands here twice" },
    { "version: 1\nname: a\nname: b\nsteps: []\n", "3:1: \"name\" stands here twice" },
    { "version: 1\nsteps: 5\n", "2:8: a list of steps is expected" },
    { "version: 1\ncases: []\n", "2:8: cases: a list of cases is expected" },
    { "version: 1\ncases:\n- steps: []\n", "3:3: a case without name" },
    { "version: 1\ncases:\n- name: a\n  stps: []\n", "4:3: a case has no key \"stps\"; did you mean \"steps\"?" },
    { "version: 1\ndiagram: ../diagram.json\nsteps: []\n", "2:10: diagram: \"../diagram.json\" leaves" },
    { "version: 1\ndrive: /etc\nsteps: []\n", "2:8: drive: \"/etc\" leaves" },
    { "version: 1\nfirmware: ../x.uf2\nsteps: []\n", "2:11: firmware: \"../x.uf2\": say a version" },
    { "version: 1\nboards: []\nsteps: []\n", "2:9: boards: 1 to 32" },
    { "version: 1\ntimeout: 5\nsteps: []\n", "2:10: timeout: \"5\" is no time" },
    { "version: 1\nseed: -1\nsteps: []\n", "2:7: seed: \"-1\" is not a whole number" },
    { HEAD "- wait-seral: x\n", "4:3: no step \"wait-seral\"; did you mean \"wait-serial\"?" },
    { HEAD "- flub: x\n", "4:3: no step \"flub\"; docs/scenarios.md lists them" },
    { HEAD "- delay: 5 parsecs\n", "4:10: time: \"5 parsecs\" is no time" },
    { HEAD "- delay: 1s\n  reset:\n", "5:3: a second step in one item" },
    { HEAD "- name: x\n", "4:3: a name without a step" },
    { HEAD "- delay: 1s\n  delay: 2s\n", "5:3: \"delay\" stands here twice" },
    { HEAD "- wait-serial: {txt: x}\n", "4:17: wait-serial: no key \"txt\"; did you mean \"text\"?" },
    { HEAD "- wait-serial: {text: x, text: y}\n", "4:26: wait-serial: text stands here twice" },
    { HEAD "- wait-serial: {timeout: 1s}\n", "4:3: wait-serial: one of these is missing: text, regex" },
    { HEAD "- wait-serial: {regex: '[a'}\n", "4:24: regex: regular expression: " },
    { HEAD "- wait-serial: {text: x, port: uart2}\n", "4:32: port: \"uart2\": did you mean \"uart0\"?" },
    { HEAD "- set-control: {part-id: a, value: 1}\n", "4:3: set-control: control is missing" },
    { HEAD "- set-control: {part-id: a, control: b, value: x}\n", "4:48: value: \"x\" is not a number" },
    { HEAD "- set-control: 5\n", "4:16: set-control: keys with values are expected" },
    { HEAD "- set: {angle: 5}\n", "4:9: set: \"angle\": say part.control" },
    { HEAD "- set: {a.angle: up}\n", "4:18: value: \"up\" is not a number" },
    { HEAD "- press: ''\n", "4:10: part-id: is empty" },
    { HEAD "- expect-pin: {pin: GP1}\n", "4:3: expect-pin: one of these is missing: value" },
    { HEAD "- expect-pin: {pin: GP1, frequency: fast}\n", "4:37: frequency: \"fast\": say 440Hz" },
    { HEAD "- expect-pin: {pin: GP1, duty: {min: 9%, max: 1%}}\n", "4:32: duty: say value and tolerance" },
    { HEAD "- expect-pin: {pin: GP1, duty: {vale: 9%}}\n", "4:33: duty: no key \"vale\"" },
    { HEAD "- expect-pin: {pin: GP1, high: {value: 1ms, tolerance: x}}\n", "4:56: tolerance: \"x\"" },
    { HEAD "- set-pin: {pin: GP1, value: hgih}\n", "did you mean \"high\"?" },
    { HEAD "- set-pin: {pin: GP1, value: 99V}\n", "4:30: value" },
    { HEAD "- wire: GP2\n", "4:9: wire: \"GP2\": say GP2=GP3" },
    { HEAD "- reset: now\n", "4:10: reset: has no value" },
    { HEAD "- delay\n", "4:3: delay: needs a value" },
    { HEAD "- usb: opn\n", "4:8: state: \"opn\": did you mean \"open\"?" },
    { HEAD "- write-file: {file: ../../etc/passwd, text: x}\n", "4:22: file: \"../../etc/passwd\" leaves" },
    { HEAD "- write-file: {file: a/../../b, text: x}\n", "leaves the scenario's folder" },
    { HEAD "- write-file: {file: a.txt}\n", "4:3: write-file: one of these is missing: text, source" },
    { HEAD "- write-serial: [1, 256]\n", "4:21: text: \"256\" is not a whole number from 0 to 255" },
    { HEAD "- expect-view: {part-id: a, colour: rouge}\n", "4:37: colour: \"rouge\": say \"#ff8800\"" },
    { HEAD "- expect-view: {part-id: a, on: maybe}\n", "4:33: on: \"maybe\" is neither true nor false" },
    { HEAD "- take-screenshot: {part-id: a}\n", "4:3: take-screenshot: one of these is missing" },
    { HEAD "- take-screenshot: {part-id: a, save-to: /tmp/x.png}\n", "leaves the scenario's folder" },
    { HEAD "- take-screenshot: {part-id: a, save-to: a.png, tolerance: 300}\n", "4:60: tolerance: \"300\"" },
    { HEAD "- expect-bus: {bus: i3c, data: x}\n", "4:21: bus: \"i3c\": did you mean \"i2c\"?" },
    { HEAD "- expect-bus: {bus: i2c, sda: GP4, scl: GP5, address: 0x400}\n",
      "4:55: address: \"0x400\" is not a whole" },
    { HEAD "- expect-bus: {bus: i2c, sda: GP4, scl: GP5}\n", "4:3: expect-bus: one of these is missing: address" },
    { HEAD "- expect-line: {file: code.py}\n", "4:3: expect-line: line is missing" },
    { HEAD "- expect-line: {file: ../code.py, line: 1}\n", "4:23: file: \"../code.py\" leaves" },
    { HEAD "- expect-stack: {function: main}\n",
      "4:18: expect-stack: no key \"function\"; did you mean \"functions\"?" },
    { HEAD "- expect-bus: {bus: i2c, adress: 1}\n", "4:26: expect-bus: no key \"adress\"; did you mean \"address\"?" },
    { HEAD "- fault: i2c-nak:0x36\n", "4:10: fault: " },
    { HEAD "- power: out\n", "4:10: state: \"out\"" },
    { HEAD "- usb: unplugg\n", "4:8: state: \"unplugg\": did you mean \"unplug\"?" },
    { HEAD "- repeat: {count: 0, steps: []}\n", "4:19: count: \"0\" is not a whole number from 1" },
    { HEAD "- repeat: {count: 2, steps: [{dlay: 1s}]}\n", "4:31: no step \"dlay\"; did you mean \"delay\"?" },
    { HEAD "- parallel: 5\n", "4:13: parallel: lists of steps are expected" },
    { HEAD "- parallel: [5]\n", "4:14: a list of steps is expected" },
    { HEAD "- &a {repeat: {count: 2, steps: [*a]}}\n", "at most 8 levels" },
    { HEAD "- [delay]\n", "4:3: a word is expected here" },
    { HEAD "- wait-serial: \"a\\0b\"\n- press: \"a\\0b\"\n", "5:10: part-id: has a NUL character" },
};

static void every_mistake_has_its_place(void **state) {
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct scenario scenario;
        bool ok = parse(&scenario, mistakes[i].text);
        scenario_finish(&scenario);
        if (ok || !strstr(lines, mistakes[i].line)) {
            fail_msg("%s\nsays: %s\ninstead of: %s", mistakes[i].text, lines, mistakes[i].line);
        }
    }
}

/* One mistake does not hide the next. */
static void all_mistakes_are_told(void **state) {
    struct scenario scenario;
    assert_false(parse(&scenario, HEAD "- dlay: 1s\n- wait-serial: {txt: x}\n- delay: 1\n"));
    assert_non_null(strstr(lines, "4:3: "));
    assert_non_null(strstr(lines, "5:17: "));
    assert_non_null(strstr(lines, "6:10: "));
    scenario_finish(&scenario);
}

static void a_missing_file_is_a_mistake(void **state) {
    struct findings findings = { .report = keep_line };
    struct scenario scenario;
    lines[0] = 0;
    assert_false(scenario_read(&scenario, "/nonexistent/scenario.yaml", &findings));
    assert_non_null(strstr(lines, "/nonexistent/scenario.yaml:1:1: No such file"));
    scenario_finish(&scenario);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wokwis_steps_in_both_spellings),  cmocka_unit_test(measures_have_units_and_tolerances),
        cmocka_unit_test(cases_matrix_and_steps_in_steps), cmocka_unit_test(long_lists_stay_whole),
        cmocka_unit_test(every_mistake_has_its_place),     cmocka_unit_test(all_mistakes_are_told),
        cmocka_unit_test(a_missing_file_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
