/* The control protocol, line by line: lines, time, serial ports, pins. */
#include "tests/unit/control_bench.h"

/* ---- Lines ---- */

static void a_client_is_greeted(void **state) {
    struct bench bench;
    set_up(&bench);
    assert_int_equal(bench.count, 1);
    assert_string_equal(line_of(&bench, 0), GREETING);
    control_disconnect(bench.control);
    give(&bench, "{\"do\":\"help\"}"); /* nobody is there */
    assert_int_equal(bench.count, 1);
    control_connect(bench.control);
    assert_string_equal(line_of(&bench, 0), GREETING);
    tear_down(&bench);
}

static void replies_have_the_id_of_their_request(void **state) {
    struct bench bench;
    set_up(&bench);
    give(&bench, "{\"id\":{\"a\":[1,\"x\"]},\"do\":\"pause\"}");
    assert_string_equal(line_of(&bench, 0),
                        "{\"id\":{\"a\":[1,\"x\"]},\"ok\":true,\"time_ps\":0,\"was_running\":false}");
    give(&bench, " {\"do\":\"pause\"} \r");
    assert_string_equal(line_of(&bench, 0), "{\"id\":null,\"ok\":true,\"time_ps\":0,\"was_running\":false}");
    give(&bench, "{\"id\":-1,\"do\":\"nonsense\"}");
    assert_string_equal(line_of(&bench, 0), "{\"id\":-1,\"ok\":false,\"time_ps\":0,\"error\":\"there is no request "
                                            "\\\"nonsense\\\"; {\\\"do\\\":\\\"help\\\"} lists them\"}");
    unsigned count = bench.count;
    give(&bench, "");
    give(&bench, " \t\r");
    assert_int_equal(bench.count, count);
    tear_down(&bench);
}

static void wrong_lines_are_told(void **state) {
    struct bench bench;
    set_up(&bench);
    fails(&bench, "x", "this line is no JSON object: '[' or '{' expected near 'x'");
    fails(&bench, "[]", "this line is no JSON object: say {\"id\":1,\"do\":\"help\"}");
    fails(&bench, "{}", "\"do\" is missing: say what is to be done; {\"do\":\"help\"} lists it");
    fails(&bench, "{\"do\":7}", "\"do\" is missing: say what is to be done; {\"do\":\"help\"} lists it");
    fails(&bench, "{\"do\":\"Run\"}", "there is no request \"Run\"; did you mean \"run\"?");
    fails(&bench, "{\"do\":\"pause\",\"x\":1}", "pause: there is no member \"x\"; this request has none");
    fails(&bench, "{\"do\":\"run\",\"untill\":1}", "run: there is no member \"untill\"; did you mean \"until\"?");
    fails(&bench, "{\"do\":\"step\",\"n\":1}", "step: there is no member \"n\"; say one of: cycles");
    control_refuse_line(bench.control, 100);
    assert_non_null(strstr(line_of(&bench, 0), "this line is longer than 100 bytes and has been left out"));
    control_line(bench.control, "{\"do\":\"\0\"}", 10);
    assert_non_null(strstr(line_of(&bench, 0), "this line is no JSON object"));
    assert_int_equal(now_of(&bench), 0);
    tear_down(&bench);
}

static void help_lists_every_request(void **state) {
    struct bench bench;
    set_up(&bench);
    json_t *reply = ask_well(&bench, "{\"do\":\"help\"}"), *list = json_object_get(reply, "requests"), *one;
    size_t index;
    bool has_run = false;
    json_array_foreach(list, index, one) {
        has_run |= strcmp(json_string_value(json_object_get(one, "do")), "run") == 0;
        assert_true(json_string_length(json_object_get(one, "summary")) > 10);
        assert_true(json_is_array(json_object_get(one, "members")));
    }
    assert_true(has_run);
    json_decref(reply);
    tear_down(&bench);
}

/* ---- Time ---- */

static void a_run_has_a_limit(void **state) {
    struct bench bench;
    set_up(&bench);
    tells(&bench, "{\"do\":\"run\",\"for\":\"20ms\"}", "stopped", "\"time\"");
    assert_in_range(now_of(&bench), 20 * PS_PER_MS, 20 * PS_PER_MS + 10 * PS_PER_US);
    tells(&bench, "{\"do\":\"run\",\"for\":1000000}", "stopped", "\"time\"");
    assert_in_range(now_of(&bench), 20 * PS_PER_MS + PS_PER_US, 20 * PS_PER_MS + 20 * PS_PER_US);
    tells(&bench, "{\"do\":\"run\",\"to\":\"0.5s\"}", "stopped", "\"time\"");
    assert_in_range(now_of(&bench), 500 * PS_PER_MS, 500 * PS_PER_MS + 10 * PS_PER_US);
    tells(&bench, "{\"do\":\"run\"}", "stopped", "\"time\"");
    assert_in_range(now_of(&bench), 10500 * PS_PER_MS, 10500 * PS_PER_MS + 20 * PS_PER_US);
    uint64_t before = now_of(&bench);
    tells(&bench, "{\"do\":\"run\",\"for\":0}", "stopped", "\"time\"");
    assert_int_equal(now_of(&bench), before);
    fails(&bench, "{\"do\":\"run\",\"for\":\"1s\",\"to\":\"2s\"}", "run: say one of \"for\" and \"to\"");
    fails(
        &bench, "{\"do\":\"run\",\"for\":\"soon\"}",
        "run: \"for\" is no time: say \"500us\", \"20ms\", \"1.5s\" or a whole number of picoseconds, up to 100 days");
    fails(
        &bench, "{\"do\":\"run\",\"for\":-1}",
        "run: \"for\" is no time: say \"500us\", \"20ms\", \"1.5s\" or a whole number of picoseconds, up to 100 days");
    fails(
        &bench, "{\"do\":\"run\",\"for\":1.5}",
        "run: \"for\" is no time: say \"500us\", \"20ms\", \"1.5s\" or a whole number of picoseconds, up to 100 days");
    assert_int_equal(now_of(&bench), before);
    give(&bench, "{\"do\":\"run\",\"to\":1}");
    assert_non_null(strstr(line_of(&bench, 0), "\\\"to\\\" is past: it is 10500"));
    tear_down(&bench);
}

static void a_pause_ends_the_run_that_is_under_way(void **state) {
    struct bench bench;
    set_up(&bench);
    give(&bench, "{\"id\":1,\"do\":\"run\",\"for\":\"1s\"}");
    give(&bench, "{\"id\":2,\"do\":\"status\"}");
    control_run_slice(bench.control);
    control_run_slice(bench.control);
    assert_true(control_is_running(bench.control));
    assert_int_equal(bench.count, 1); /* the status waits behind the run */
    give(&bench, "{\"id\":3,\"do\":\"pause\"}");
    assert_false(control_is_running(bench.control));
    assert_int_equal(bench.count, 4);
    char expected[120];
    unsigned long long now = now_of(&bench);
    assert_in_range(now, 10 * PS_PER_MS, 10 * PS_PER_MS + 10 * PS_PER_US); /* two slices of 5 ms */
    snprintf(expected, sizeof(expected), "{\"id\":1,\"ok\":true,\"time_ps\":%llu,\"stopped\":\"pause\"}", now);
    assert_string_equal(line_of(&bench, 2), expected);
    snprintf(expected, sizeof(expected), "{\"id\":3,\"ok\":true,\"time_ps\":%llu,\"was_running\":true}", now);
    assert_string_equal(line_of(&bench, 1), expected);
    assert_memory_equal(line_of(&bench, 0), "{\"id\":2,", 8);
    tear_down(&bench);
}

static void requests_wait_in_order(void **state) {
    struct bench bench;
    set_up(&bench);
    give(&bench, "{\"id\":1,\"do\":\"run\",\"for\":\"7ms\"}");
    give(&bench, "{\"id\":2,\"do\":\"run\",\"for\":\"7ms\"}");
    give(&bench, "{\"id\":3");
    give(&bench, "{\"id\":4,\"do\":\"run\",\"for\":\"7ms\"}");
    run_to_end(&bench);
    assert_int_equal(bench.count, 5);
    assert_memory_equal(line_of(&bench, 3), "{\"id\":1,", 8);
    assert_memory_equal(line_of(&bench, 2), "{\"id\":2,", 8);
    assert_non_null(strstr(line_of(&bench, 1), "this line is no JSON object"));
    assert_memory_equal(line_of(&bench, 0), "{\"id\":4,", 8);
    give(&bench, "{\"id\":1,\"do\":\"run\"}");
    for (unsigned i = 0; i < CONTROL_WAITING; i++) {
        assert_true(control_takes_lines(bench.control));
        give(&bench, "{\"do\":\"status\"}");
    }
    assert_false(control_takes_lines(bench.control));
    control_disconnect(bench.control); /* the run and what waits behind it are no one's any more */
    assert_false(control_is_running(bench.control));
    assert_true(control_takes_lines(bench.control));
    tear_down(&bench);
}

static void a_step_is_a_block_of_instructions(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    double first = number_of(&bench, "{\"do\":\"step\"}", "cycles");
    assert_true(first >= 1 && first < 30); /* the program's loop has one branch in six instructions */
    double many = number_of(&bench, "{\"do\":\"step\",\"cycles\":1000}", "cycles");
    assert_true(many >= 1000 && many < 1030);
    json_t *reply = ask_well(&bench, "{\"do\":\"step\"}");
    unsigned pc = (unsigned)strtoul(json_string_value(json_object_get(reply, "pc")), NULL, 16);
    assert_in_range(pc, SMALL_BASE + 0x32, SMALL_BASE + 0x46);
    json_decref(reply);
    fails(&bench, "{\"do\":\"step\",\"cycles\":1000001}", "step: \"cycles\" is no whole number from 0 to 1000000");
    fails(&bench, "{\"do\":\"step\",\"cycles\":\"1\"}", "step: \"cycles\" is no whole number from 0 to 1000000");
    tear_down(&bench);
}

/* The same requests, the run cut into pieces or not. */
static void play_in_pieces(unsigned pieces, char **ret_status) {
    struct bench bench;
    char line[100];
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    memset(line, 'A', sizeof(line));
    for (unsigned i = 0; i < 10; i++) { /* more than the console takes at once */
        do_well(&bench, "{\"do\":\"serial.write\",\"text\":\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\"}");
    }
    for (unsigned i = 1; i <= pieces; i++) {
        snprintf(line, sizeof(line), "{\"do\":\"run\",\"to\":%llu}",
                 2 * (unsigned long long)PS_PER_MS + 200 * (unsigned long long)PS_PER_MS / pieces * i);
        do_well(&bench, line);
    }
    json_t *reply = ask_well(&bench, "{\"do\":\"serial.read\"}");
    json_t *status = ask_well(&bench, "{\"do\":\"status\"}");
    assert_int_equal(json_string_length(json_object_get(reply, "text")), 520);
    json_object_update(status, reply);
    *ret_status = json_dumps(status, 0);
    json_decref(reply);
    json_decref(status);
    tear_down(&bench);
}

static void cuts_make_no_difference(void **state) {
    static const unsigned pieces[] = { 7, 40, 1000 };
    char *whole, *cut;
    play_in_pieces(1, &whole);
    for (unsigned i = 0; i < 3; i++) {
        play_in_pieces(pieces[i], &cut);
        assert_string_equal(cut, whole);
        free(cut);
    }
    free(whole);
}

/* ---- Serial ---- */

static void text_ends_a_run(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    tells(&bench, "{\"do\":\"serial.write\",\"text\":\"HAL 9000\"}", "bytes", "8");
    tells(&bench, "{\"do\":\"run\",\"until\":{\"text\":\"BM\"}}", "text", "\"IBM\"");
    tells(&bench, "{\"do\":\"run\",\"until\":[{\"text\":\"nope\"},{\"regex\":\"[0-9:]{4}\"}]}", "condition", "1");
    assert_non_null(strstr(line_of(&bench, 0), "\"match\":{\"text\":\":111\"}"));
    assert_non_null(strstr(line_of(&bench, 0), "\"text\":\"!:111\"")); /* what was skipped, too */
    uint64_t before = now_of(&bench);
    do_well(&bench, "{\"do\":\"serial.write\",\"text\":\"abc\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"10ms\"}");
    assert_true(now_of(&bench) > before);
    before = now_of(&bench);
    tells(&bench, "{\"do\":\"run\",\"until\":{\"text\":\"c\"}}", "stopped", "\"text\""); /* it is there already */
    assert_int_equal(now_of(&bench), before);
    tells(&bench, "{\"do\":\"serial.read\"}", "text", "\"d\"");
    tells(&bench, "{\"do\":\"serial.read\"}", "text", "\"\"");
    tells(&bench, "{\"do\":\"run\",\"for\":\"1ms\",\"until\":{\"text\":\"d\"}}", "stopped", "\"time\"");
    tear_down(&bench);
}

/* An expression takes as much as comes in one go. */
static void an_expression_is_not_cut_short(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    do_well(&bench, "{\"do\":\"serial.write\",\"text\":\"0123456\"}");
    tells(&bench, "{\"do\":\"run\",\"until\":{\"regex\":\"[0-9]+\"}}", "text", "\"1234567\"");
    tear_down(&bench);
}

static void bytes_have_three_forms(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    do_well(&bench, "{\"do\":\"serial.write\",\"port\":\"uart0\",\"hex\":\"c1 88 FE 40\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"5ms\"}");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\",\"as\":\"hex\",\"max\":1}", "hex", "\"c2\"");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\",\"as\":\"base64\",\"max\":1}", "base64", "\"iQ==\"");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\"}", "base64", "\"/0E=\""); /* no UTF-8 */
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"console\",\"as\":\"hex\"}", "hex", "\"c289ff41\"");
    do_well(&bench, "{\"do\":\"serial.write\",\"port\":\"uart0\",\"base64\":\"wohAwQ==\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"5ms\"}");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\",\"as\":\"hex\",\"max\":1}", "hex", "\"c3\"");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\",\"as\":\"hex\",\"max\":2}", "hex", "\"8941\"");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\"}", "text", "\"\""); /* the first half of a letter */
    do_well(&bench, "{\"do\":\"serial.write\",\"port\":\"uart0\",\"hex\":\"88\",\"at\":\"20ms\"}");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"19ms\"}");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\"}", "text", "\"\"");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"22ms\"}");
    tells(&bench, "{\"do\":\"serial.read\",\"port\":\"uart0\"}", "text", "\"\xc2\x89\"");
    tear_down(&bench);
}

static void serial_mistakes_are_told(void **state) {
    struct bench bench;
    set_up(&bench);
    fails(&bench, "{\"do\":\"serial.write\"}",
          "serial.write: say the bytes as one of \"text\", \"hex\" and \"base64\"");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":\"a\",\"hex\":\"00\"}",
          "serial.write: say the bytes as one of \"text\", \"hex\" and \"base64\"");
    fails(&bench, "{\"do\":\"serial.write\",\"hex\":\"0\"}", "serial.write: \"hex\" does not hold bytes in that form");
    fails(&bench, "{\"do\":\"serial.write\",\"hex\":\"0 0\"}",
          "serial.write: \"hex\" does not hold bytes in that form");
    fails(&bench, "{\"do\":\"serial.write\",\"base64\":\"AB=C\"}",
          "serial.write: \"base64\" does not hold bytes in that form");
    fails(&bench, "{\"do\":\"serial.write\",\"base64\":\"A===\"}",
          "serial.write: \"base64\" does not hold bytes in that form");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":7}", "serial.write: \"text\" does not hold bytes in that form");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":\"a\",\"port\":\"uart2\"}",
          "serial.write: there is no port \"uart2\"; did you mean \"uart0\"?");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":\"a\",\"script\":1}",
          "serial.write: \"script\" is neither true nor false");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":\"a\",\"at\":\"1s\"}",
          "serial.write: \"at\" is for other ports than \"console\": what is typed goes when the board takes it");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":\"a\",\"port\":\"usb\"}",
          "serial.write: the board has room for 0 of 1 bytes now: let it run, or send less");
    fails(&bench, "{\"do\":\"serial.write\",\"text\":\"a\",\"port\":\"data\"}",
          "serial.write: the board has room for 0 of 1 bytes now: let it run, or send less");
    fails(&bench, "{\"do\":\"serial.read\",\"as\":\"octal\"}",
          "serial.read: there is no as \"octal\"; say one of: text, hex, base64");
    fails(&bench, "{\"do\":\"run\",\"until\":{\"text\":\"\"}}",
          "run: an empty text is found everywhere; say what is to be printed");
    fails(&bench, "{\"do\":\"run\",\"until\":{\"regex\":\"(\"}}", "run: regular expression: Unmatched ( or \\(");
    tear_down(&bench);
}

static void what_is_typed_waits_for_room(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    char *line = malloc(70000);
    strcpy(line, "{\"do\":\"serial.write\",\"text\":\"");
    size_t head = strlen(line);
    memset(line + head, 'A', 60000);
    strcpy(line + head + 60000, "\"}");
    tells(&bench, line, "bytes", "60000");
    assert_true(number_of(&bench, "{\"do\":\"serial.write\",\"text\":\"Z\"}", "waiting") > 59000);
    tells(&bench, "{\"do\":\"run\",\"until\":{\"text\":\"[\"}}", "stopped", "\"text\""); /* the answer to Z */
    json_t *reply = json_loads(line_of(&bench, 0), 0, NULL);
    assert_int_equal(json_string_length(json_object_get(reply, "text")), 60001);
    json_decref(reply);
    free(line);
    tear_down(&bench);
}

/* ---- Pins ---- */

static void pins_are_read_and_driven(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP3\"}", "level", "\"low\"");
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"level\":\"high\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"led1.A\"}", "level", "\"high\"");
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"pico.GP2\",\"volts\":0.5}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP2\"}", "level", "\"low\"");
    assert_true(number_of(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP2\"}", "volts") < 0.6);
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP5\",\"level\":\"low\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP5\"}", "level", "\"low\"");
    do_well(&bench, "{\"do\":\"pin.join\",\"from\":\"GP5\",\"to\":\"GP6\"}");
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP5\",\"level\":\"high\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP6\"}", "level", "\"high\"");
    do_well(&bench, "{\"do\":\"pin.release\",\"pin\":\"GP5\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP6\"}", "level", "\"low\""); /* the pad's pull-down */
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP6\",\"level\":\"pull-up\",\"at\":\"3ms\"}");
    tells(&bench, "{\"do\":\"status\"}", "planned_ps", "3000000000");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP6\"}", "level", "\"low\"");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"4ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP6\"}", "level", "\"high\"");
    tear_down(&bench);
}

static void pins_end_a_run(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"level\":\"high\",\"at\":\"3ms\"}");
    tells(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP3\",\"level\":\"high\"}}", "stopped", "\"pin\"");
    assert_in_range(now_of(&bench), 3 * PS_PER_MS, 3 * PS_PER_MS + 20 * PS_PER_US);
    uint64_t before = now_of(&bench);
    tells(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP3\",\"level\":\"high\"}}", "level", "\"high\"");
    assert_int_equal(now_of(&bench), before); /* it is high already */
    do_well(&bench, "{\"do\":\"pin.pulse\",\"pin\":\"GP2\",\"level\":\"low\",\"width\":\"1ms\",\"then\":\"high\","
                    "\"at\":\"5ms\"}");
    tells(&bench, "{\"do\":\"run\",\"until\":[{\"text\":\"x\"},{\"pin\":\"GP3\",\"edge\":\"rise\"}]}", "condition",
          "1");
    assert_in_range(now_of(&bench), 6 * PS_PER_MS, 6 * PS_PER_MS + 20 * PS_PER_US);
    do_well(&bench, "{\"do\":\"pin.pulse\",\"pin\":\"GP2\",\"level\":\"low\",\"width\":\"1ms\",\"at\":\"8ms\"}");
    tells(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP3\",\"edge\":\"change\"}}", "level", "\"low\"");
    tells(&bench, "{\"do\":\"run\",\"for\":\"3ms\",\"until\":{\"pin\":\"GP3\",\"edge\":\"rise\"}}", "stopped",
          "\"time\""); /* released: the pull-down holds it */
    tear_down(&bench);
}

static void pins_are_measured(void **state) {
    struct bench bench;
    char line[150];
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    for (unsigned i = 0; i < 10; i++) {
        snprintf(line, sizeof(line), "{\"do\":\"pin.pulse\",\"pin\":\"GP2\",\"width\":\"250us\",\"at\":\"%ums\"}",
                 2 + i);
        do_well(&bench, line);
    }
    json_t *reply = ask_well(&bench, "{\"do\":\"pin.measure\",\"pin\":\"GP3\",\"for\":\"15ms\",\"edges\":2}");
    double hz = json_number_value(json_object_get(reply, "hz"));
    double duty = json_number_value(json_object_get(reply, "duty"));
    assert_true(hz > 995 && hz < 1005 && duty > 0.245 && duty < 0.255);
    assert_int_equal(json_integer_value(json_object_get(reply, "rises")), 10);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(reply, "high"), "count")), 10);
    assert_int_equal(json_array_size(json_object_get(reply, "edges")), 2);
    json_decref(reply);
    do_well(&bench, "{\"do\":\"pin.watch\",\"pin\":\"GP3\"}");
    do_well(&bench, "{\"do\":\"subscribe\",\"events\":[\"pin\"]}");
    do_well(&bench, "{\"do\":\"pin.pulse\",\"pin\":\"GP2\",\"width\":\"1ms\"}");
    unsigned count = bench.count;
    do_well(&bench, "{\"do\":\"run\",\"for\":\"2ms\"}");
    assert_int_equal(bench.count, count + 3);
    assert_non_null(strstr(line_of(&bench, 2), "{\"event\":\"pin\",\"time_ps\":16"));
    assert_non_null(strstr(line_of(&bench, 2), "\"pin\":\"GP3\",\"level\":\"high\"}"));
    tells(&bench, "{\"do\":\"pin.measure\",\"pin\":\"GP3\"}", "rises", "1");
    tells(&bench, "{\"do\":\"pin.measure\",\"pin\":\"GP3\"}", "rises", "0"); /* a new window */
    do_well(&bench, "{\"do\":\"pin.unwatch\",\"pin\":\"GP3\"}");
    fails(&bench, "{\"do\":\"pin.unwatch\",\"pin\":\"GP3\"}", "pin.unwatch: \"GP3\" is not being watched");
    tear_down(&bench);
}

static void pin_mistakes_are_told(void **state) {
    static const char no_pin[] = "the board has no pin \"GP33\" to be wired; did you mean \"GP3\"?";
    static const char *const requests[] = { "pin.read", "pin.release", "pin.measure", "pin.watch", "pin.unwatch" };
    struct bench bench;
    char line[100], expected[120];
    set_up(&bench);
    for (unsigned i = 0; i < 5; i++) {
        snprintf(line, sizeof(line), "{\"do\":\"%s\",\"pin\":\"GP33\"}", requests[i]);
        snprintf(expected, sizeof(expected), "%s: %s", requests[i], no_pin);
        fails(&bench, line, expected);
        snprintf(line, sizeof(line), "{\"do\":\"%s\"}", requests[i]);
        snprintf(expected, sizeof(expected), "%s: \"pin\" is missing", requests[i]);
        fails(&bench, line, expected);
        snprintf(line, sizeof(line), "{\"do\":\"%s\",\"pin\":3}", requests[i]);
        snprintf(expected, sizeof(expected), "%s: \"pin\" is no text", requests[i]);
        fails(&bench, line, expected);
    }
    fails(&bench, "{\"do\":\"pin.read\",\"pin\":\"led2.A\"}",
          "pin.read: the project has no part \"led2\"; did you mean \"led1\"?");
    fails(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\"}",
          "pin.drive: say \"level\" (low, high, pull-down, pull-up, release) or \"volts\"");
    fails(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"level\":\"hgih\"}",
          "pin.drive: there is no level \"hgih\"; did you mean \"high\"?");
    fails(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"volts\":\"3\"}", "pin.drive: \"volts\" is no number");
    fails(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"volts\":51}",
          "pin.drive: pin GP2: say release, low, high, pull-down, pull-up or volts from -50 to 50");
    fails(&bench, "{\"do\":\"pin.pulse\",\"pin\":\"GP2\"}", "pin.pulse: \"width\" is missing");
    fails(&bench, "{\"do\":\"pin.pulse\",\"pin\":\"GP2\",\"width\":\"1ms\",\"then\":\"up\"}",
          "pin.pulse: there is no then \"up\"; say one of: release, low, high, pull-down, pull-up");
    fails(&bench, "{\"do\":\"pin.join\",\"from\":\"GP2\"}", "pin.join: \"to\" is missing");
    fails(&bench, "{\"do\":\"pin.join\",\"from\":\"GP2\",\"to\":\"GP2\"}",
          "pin.join: both names are the same pin; say two different ones");
    fails(&bench, "{\"do\":\"pin.join\",\"from\":\"GND.1\",\"to\":\"3V3\"}",
          "pin.join: makes a short circuit of a supply");
    fails(&bench, "{\"do\":\"pin.measure\",\"pin\":\"GP2\",\"edges\":100001}",
          "pin.measure: \"edges\" is no whole number from 0 to 100000");
    fails(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP2\"}}",
          "run: say \"level\" (low, high, floating) or \"edge\" (rise, fall, change) of the pin");
    fails(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP2\",\"level\":\"up\"}}",
          "run: there is no level \"up\"; say one of: low, high, floating");
    fails(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP2\",\"text\":\"a\"}}",
          "run: say one of \"text\", \"regex\", \"pin\", \"line\" and \"event\" in a condition");
    fails(&bench, "{\"do\":\"run\",\"until\":{\"pni\":\"GP2\"}}",
          "run: there is no member \"pni\"; did you mean \"pin\"?");
    fails(&bench, "{\"do\":\"run\",\"until\":\"x\"}",
          "run: a condition is an object such as {\"text\":\"done\"} or {\"pin\":\"GP4\",\"level\":\"high\"}");
    fails(&bench,
          "{\"do\":\"run\",\"until\":[{\"text\":\"1\"},{\"text\":\"2\"},{\"text\":\"3\"},{\"text\":\"4\"},"
          "{\"text\":\"5\"},{\"text\":\"6\"},{\"text\":\"7\"},{\"text\":\"8\"},{\"text\":\"9\"}]}",
          "run: at most 8 conditions");
    tear_down(&bench);
}

static void past_is_past(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    give(&bench, "{\"do\":\"pin.release\",\"pin\":\"GP2\",\"at\":1}");
    assert_non_null(strstr(line_of(&bench, 0), "pin.release: \\\"at\\\" is past: it is 1000"));
    fails(
        &bench, "{\"do\":\"reset\",\"at\":\"yesterday\"}",
        "reset: \"at\" is no time: say \"500us\", \"20ms\", \"1.5s\" or a whole number of picoseconds, up to 100 days");
    tear_down(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_greeted),
        cmocka_unit_test(replies_have_the_id_of_their_request),
        cmocka_unit_test(wrong_lines_are_told),
        cmocka_unit_test(help_lists_every_request),
        cmocka_unit_test(a_run_has_a_limit),
        cmocka_unit_test(a_pause_ends_the_run_that_is_under_way),
        cmocka_unit_test(requests_wait_in_order),
        cmocka_unit_test(a_step_is_a_block_of_instructions),
        cmocka_unit_test(cuts_make_no_difference),
        cmocka_unit_test(text_ends_a_run),
        cmocka_unit_test(an_expression_is_not_cut_short),
        cmocka_unit_test(bytes_have_three_forms),
        cmocka_unit_test(serial_mistakes_are_told),
        cmocka_unit_test(what_is_typed_waits_for_room),
        cmocka_unit_test(pins_are_read_and_driven),
        cmocka_unit_test(pins_end_a_run),
        cmocka_unit_test(pins_are_measured),
        cmocka_unit_test(pin_mistakes_are_told),
        cmocka_unit_test(past_is_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
