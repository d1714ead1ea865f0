/* The control protocol, line by line: parts, drive, events, buses, the board. */
#include "tests/unit/control_bench.h"

/* ---- Parts ---- */

static void parts_are_listed(void **state) {
    struct bench bench;
    set_up(&bench);
    json_t *reply = ask_well(&bench, "{\"do\":\"part.list\"}"), *parts = json_object_get(reply, "parts");
    assert_int_equal(json_array_size(parts), 4);
    assert_string_equal(json_string_value(json_object_get(json_array_get(parts, 2), "part")), "btn1");
    assert_true(json_is_true(json_object_get(json_array_get(parts, 0), "board")));
    json_decref(reply);
    tells(&bench, "{\"do\":\"part.describe\",\"part\":\"pot1\"}", "pins", "[\"GND\",\"SIG\",\"VCC\"]");
    assert_non_null(strstr(line_of(&bench, 0), "\"control\":\"position\""));
    tear_down(&bench);
}

static void controls_are_set(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    tells(&bench, "{\"do\":\"part.get\",\"part\":\"btn1\",\"control\":\"pressed\"}", "value", "0.0");
    do_well(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\",\"value\":true}");
    tells(&bench, "{\"do\":\"part.get\",\"part\":\"btn1\",\"control\":\"pressed\"}", "value", "1.0");
    tells(&bench, "{\"do\":\"run\",\"for\":\"100ms\",\"until\":{\"pin\":\"GP3\",\"level\":\"high\"}}", "stopped",
          "\"pin\"");
    do_well(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\",\"value\":0}");
    tells(&bench, "{\"do\":\"run\",\"for\":\"100ms\",\"until\":{\"pin\":\"GP3\",\"level\":\"low\"}}", "stopped",
          "\"pin\"");
    do_well(&bench, "{\"do\":\"part.press\",\"part\":\"btn1\",\"for\":\"30ms\",\"at\":\"300ms\"}");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"299ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP3\"}", "level", "\"low\"");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"329ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP3\"}", "level", "\"high\"");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"350ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP3\"}", "level", "\"low\"");
    tear_down(&bench);
}

static void views_are_shown(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    do_well(&bench, "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"level\":\"high\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"100ms\"}");
    json_t *reply = ask_well(&bench, "{\"do\":\"part.views\",\"part\":\"led1\"}");
    json_t *view = json_array_get(json_object_get(reply, "views"), 0);
    assert_string_equal(json_string_value(json_object_get(view, "kind")), "light");
    assert_true(json_number_value(json_object_get(view, "brightness")) > 0);
    json_decref(reply);
    tear_down(&bench);
}

static void pictures_are_taken(void **state) {
#ifdef HAVE_PNG
    struct bench bench;
    char line[200], path[100];
    set_up(&bench);
    json_t *reply = ask_well(&bench, "{\"do\":\"picture\",\"part\":\"led1\",\"scale\":4}");
    assert_memory_equal(json_string_value(json_object_get(reply, "png")), "iVBORw0KGgo", 11); /* PNG's signature */
    json_decref(reply);
    snprintf(path, sizeof(path), "%s/p.png", bench.small.folder);
    snprintf(line, sizeof(line), "{\"do\":\"picture\",\"file\":\"%s\"}", path);
    do_well(&bench, line);
    assert_int_equal(access(path, R_OK), 0);
    fails(&bench, "{\"do\":\"picture\",\"file\":\"/nowhere/p.png\"}",
          "picture: /nowhere/p.png: No such file or directory");
    fails(&bench, "{\"do\":\"picture\",\"scale\":0}", "picture: \"scale\" is not from 0 to 60 pixels a millimetre");
    fails(&bench, "{\"do\":\"picture\",\"scale\":1e9}", "picture: \"scale\" is not from 0 to 60 pixels a millimetre");
    fails(&bench, "{\"do\":\"picture\",\"part\":\"led9\"}",
          "picture: the project has no part \"led9\"; did you mean \"led1\"?");
    tear_down(&bench);
#endif
}

static void part_mistakes_are_told(void **state) {
    struct bench bench;
    set_up(&bench);
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"btn\",\"control\":\"pressed\",\"value\":1}",
          "part.set: the project has no part \"btn\"; did you mean \"btn1\"?");
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"press\",\"value\":1}",
          "part.set: there is no control \"press\"; did you mean \"pressed\"?");
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"led1\",\"control\":\"on\",\"value\":1}",
          "part.set: a part of type \"led\" has no controls");
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\"}", "part.set: \"value\" is missing");
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\",\"value\":[]}",
          "part.set: \"value\" is no number");
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\",\"value\":2}",
          "part.set: pressed=2 is not from 0 to 1 ");
    fails(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\",\"value\":\"hard\"}",
          "part.set: pressed=\"hard\" is not a number");
    fails(&bench, "{\"do\":\"part.get\",\"part\":\"btn1\"}", "part.get: \"control\" is missing");
    fails(&bench, "{\"do\":\"part.press\",\"part\":\"pot1\"}",
          "part.press: a part of type \"potentiometer\" has 0 buttons; name one as \"control\"");
    fails(&bench, "{\"do\":\"part.press\",\"part\":\"pot1\",\"control\":\"position\"}",
          "part.press: control \"position\" is a knob and no button; part.set sets it");
    fails(&bench, "{\"do\":\"part.views\"}", "part.views: \"part\" is missing");
    fails(&bench, "{\"do\":\"part.describe\",\"part\":\"\"}", "part.describe: the project has no part \"\"");
    tear_down(&bench);
}

/* ---- Drive ---- */

static void drive_files_come_and_go(void **state) {
    struct bench bench;
    set_up(&bench);
    tells(&bench, "{\"do\":\"drive.list\"}", "files", "[]");
    tells(&bench, "{\"do\":\"drive.write\",\"path\":\"lib/a.py\",\"text\":\"x = 'é'\\n\"}", "size", "9");
    tells(&bench, "{\"do\":\"drive.write\",\"path\":\"b.bin\",\"hex\":\"00ff\"}", "size", "2");
    tells(&bench, "{\"do\":\"drive.list\"}", "files",
          "[{\"path\":\"b.bin\",\"folder\":false,\"size\":2},{\"path\":\"lib\",\"folder\":true},"
          "{\"path\":\"lib/a.py\",\"folder\":false,\"size\":9}]");
    tells(&bench, "{\"do\":\"drive.read\",\"path\":\"lib/a.py\"}", "text", "\"x = 'é'\\n\"");
    tells(&bench, "{\"do\":\"drive.read\",\"path\":\"b.bin\"}", "base64", "\"AP8=\"");
    do_well(&bench, "{\"do\":\"drive.delete\",\"path\":\"b.bin\"}");
    fails(&bench, "{\"do\":\"drive.read\",\"path\":\"b.bin\"}",
          "drive.read: b.bin: there is no such file on the drive");
    fails(&bench, "{\"do\":\"drive.delete\",\"path\":\"b.bin\"}",
          "drive.delete: b.bin: there is no such file on the drive");
    fails(&bench, "{\"do\":\"drive.write\",\"path\":\"../b\",\"text\":\"\"}",
          "drive.write: \"../b\" is no path on the drive: say it relative to the drive, such as lib/module.py");
    fails(&bench, "{\"do\":\"drive.write\",\"path\":\"b\"}",
          "drive.write: say the bytes as one of \"text\", \"hex\" and \"base64\"");
    fails(&bench, "{\"do\":\"drive.write\",\"text\":\"b\"}", "drive.write: \"path\" is missing");
    tear_down(&bench);
}

/* ---- Events, board ---- */

static void events_are_sent_to_who_wants_them(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    tells(&bench, "{\"do\":\"subscribe\",\"events\":[\"serial\",\"input\"]}", "events", "[\"serial\",\"input\"]");
    do_well(&bench, "{\"do\":\"serial.write\",\"text\":\"H\"}");
    unsigned count = bench.count;
    do_well(&bench, "{\"do\":\"run\",\"for\":\"5ms\"}");
    assert_int_equal(bench.count, count + 2);
    assert_non_null(strstr(line_of(&bench, 1), "{\"event\":\"serial\",\"time_ps\":"));
    assert_non_null(strstr(line_of(&bench, 1), "\"port\":\"uart0\",\"text\":\"I\"}"));
    do_well(&bench, "{\"do\":\"part.set\",\"part\":\"btn1\",\"control\":\"pressed\",\"value\":1}");
    assert_non_null(strstr(line_of(&bench, 1),
                           "\"kind\":\"control\",\"part\":\"btn1\",\"name\":\"pressed\",\"index\":0,"
                           "\"value\":1.0}"));
    tells(&bench, "{\"do\":\"unsubscribe\",\"events\":[\"input\"]}", "events", "[\"serial\"]");
    control_disconnect(bench.control);
    control_connect(bench.control);
    tells(&bench, "{\"do\":\"subscribe\",\"events\":[\"hid\"]}", "events", "[\"hid\"]");
    fails(&bench, "{\"do\":\"subscribe\"}", "subscribe: \"events\" is a list of names such as [\"serial\",\"log\"]");
    fails(&bench, "{\"do\":\"subscribe\",\"events\":[\"serail\"]}",
          "subscribe: there is no event \"serail\"; did you mean \"serial\"?");
    fails(&bench, "{\"do\":\"subscribe\",\"events\":[3]}", "subscribe: \"event\" is no text");
    tear_down(&bench);
}

static void events_end_a_run(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    do_well(&bench, "{\"do\":\"part.press\",\"part\":\"btn1\",\"for\":\"2ms\"}");
    tells(&bench,
          "{\"do\":\"run\",\"until\":[{\"event\":\"reset\"},{\"event\":\"input\",\"part\":\"btn1\",\"value\":1.0},"
          "{\"event\":\"input\",\"part\":\"btn1\",\"value\":0.0}]}",
          "condition", "2");
    assert_in_range(now_of(&bench), 3 * PS_PER_MS, 3 * PS_PER_MS + 20 * PS_PER_US);
    do_well(&bench, "{\"do\":\"reset\",\"at\":\"5ms\"}");
    tells(&bench, "{\"do\":\"run\",\"until\":{\"event\":\"reset\"}}", "stopped", "\"event\"");
    assert_non_null(strstr(line_of(&bench, 0), "\"cause\":\"RUN pin\""));
    assert_in_range(now_of(&bench), 5 * PS_PER_MS, 5 * PS_PER_MS + 20 * PS_PER_US);
    fails(&bench, "{\"do\":\"run\",\"until\":{\"event\":\"rest\"}}",
          "run: there is no event \"rest\"; did you mean \"reset\"?");
    tear_down(&bench);
}

static void a_flood_of_events_is_cut_off(void **state) {
    struct bench bench;
    char line[120];
    set_up(&bench);
    do_well(&bench, "{\"do\":\"pin.watch\",\"pin\":\"GP2\"}");
    do_well(&bench, "{\"do\":\"subscribe\",\"events\":[\"pin\"]}");
    for (unsigned i = 0; i < 20010; i++) {
        snprintf(line, sizeof(line), "{\"do\":\"pin.drive\",\"pin\":\"GP2\",\"level\":\"%s\",\"at\":%llu}",
                 i % 2 ? "low" : "high", (unsigned long long)(PS_PER_MS + i * PS_PER_NS));
        give(&bench, line);
    }
    unsigned count = bench.count;
    do_well(&bench, "{\"do\":\"run\",\"for\":\"4ms\"}");
    assert_int_equal(bench.count - count, 20002);
    assert_non_null(strstr(line_of(&bench, 1), "{\"event\":\"lost\",\"time_ps\":4"));
    assert_non_null(strstr(line_of(&bench, 1), "\"count\":10}"));
    tear_down(&bench);
}

/* The UART's bytes as they are on its wire: the rate follows from the program's divider, 3 + 34 / 64. */
static void buses_are_watched(void **state) {
    struct bench bench;
    char line[200];
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    snprintf(line, sizeof(line),
             "{\"do\":\"bus.watch\",\"name\":\"tx\",\"bus\":\"uart\",\"pin\":\"GP0\",\"baud\":%.1f}",
             number_of(&bench, "{\"do\":\"status\"}", "hz") / 16 / (3 + 34.0 / 64));
    do_well(&bench, line);
    do_well(&bench, "{\"do\":\"subscribe\",\"events\":[\"bus\"]}");
    do_well(&bench, "{\"do\":\"serial.write\",\"text\":\"HAL\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"20ms\"}");
    json_t *reply = ask_well(&bench, "{\"do\":\"bus.read\",\"name\":\"tx\"}");
    json_t *list = json_object_get(reply, "transactions"), *first = json_array_get(list, 0);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(json_string_value(json_object_get(first, "hex")), "49424d");
    assert_true(json_is_false(json_object_get(first, "error")));
    json_decref(reply);
    assert_non_null(strstr(line_of(&bench, 1), "{\"event\":\"bus\",\"time_ps\":"));
    assert_non_null(strstr(line_of(&bench, 1), "\"hex\":\"49424d\""));
    tells(&bench, "{\"do\":\"bus.read\",\"name\":\"tx\"}", "transactions", "[]");
    do_well(&bench, "{\"do\":\"bus.watch\",\"name\":\"a\",\"bus\":\"spi\",\"sck\":\"GP5\",\"miso\":\"GP6\"}");
    do_well(&bench, "{\"do\":\"bus.watch\",\"name\":\"b\",\"bus\":\"i2c\",\"sda\":\"GP7\",\"scl\":\"GP8\"}");
    do_well(&bench, "{\"do\":\"bus.unwatch\",\"name\":\"a\"}");
    fails(&bench, "{\"do\":\"bus.read\",\"name\":\"a\"}", "bus.read: no bus \"a\" is being watched");
    fails(&bench, "{\"do\":\"bus.unwatch\",\"name\":\"a\"}", "bus.unwatch: no bus \"a\" is being watched");
    fails(&bench, "{\"do\":\"bus.read\"}", "bus.read: \"name\" is missing");
    fails(&bench, "{\"do\":\"bus.watch\",\"name\":\"b\",\"bus\":\"i2c\",\"sda\":\"GP7\",\"scl\":\"GP8\"}",
          "bus.watch: \"b\" is being watched already; bus.unwatch it before");
    fails(&bench, "{\"do\":\"bus.watch\",\"name\":\"c\",\"bus\":\"i2s\"}",
          "bus.watch: there is no bus \"i2s\"; did you mean \"i2c\"?");
    fails(&bench, "{\"do\":\"bus.watch\",\"name\":\"c\",\"bus\":\"i2c\",\"sda\":\"GP7\"}",
          "bus.watch: an I2C bus has the lines sda and scl");
    fails(&bench, "{\"do\":\"bus.watch\",\"name\":\"c\",\"bus\":\"uart\",\"pin\":\"GP77\"}",
          "bus.watch: the board has no pin \"GP77\" to be wired; did you mean \"GP7\"?");
    fails(&bench, "{\"do\":\"bus.watch\",\"name\":\"c\",\"bus\":\"uart\",\"pin\":\"GP7\",\"parity\":\"odb\"}",
          "bus.watch: there is no parity \"odb\"; did you mean \"odd\"?");
    fails(&bench, "{\"do\":\"bus.watch\",\"name\":\"c\",\"bus\":\"uart\",\"pin\":\"GP7\",\"baud\":0}",
          "bus.watch: the baud rate is from 10 to 100000000");
    tear_down(&bench); /* while a bus is being watched */
}

static void the_board_is_told_of(void **state) {
    struct bench bench;
    set_up(&bench);
    tells(&bench, "{\"do\":\"status\"}", "state", "\"runs\"");
    tells(&bench, "{\"do\":\"status\"}", "usb", "\"detached\"");
    tells(&bench, "{\"do\":\"status\"}", "drive", "true");
    tells(&bench, "{\"do\":\"log\"}", "levels", "[\"error\",\"warn\",\"guest\"]");
    tells(&bench, "{\"do\":\"log\",\"levels\":[\"stub\"]}", "levels", "[\"stub\"]");
    tells(&bench, "{\"do\":\"log\",\"levels\":[]}", "levels", "[]");
    fails(&bench, "{\"do\":\"log\",\"levels\":[\"wran\"]}", "log: there is no level \"wran\"; did you mean \"warn\"?");
    fails(&bench, "{\"do\":\"log\",\"levels\":\"warn\"}",
          "log: \"levels\" is a list of names such as [\"warn\",\"guest\"]");
    do_well(&bench, "{\"do\":\"usb.close\",\"port\":\"usb\"}");
    do_well(&bench, "{\"do\":\"usb.open\",\"port\":\"data\"}");
    do_well(&bench, "{\"do\":\"usb.hold\",\"port\":\"usb\"}");
    do_well(&bench, "{\"do\":\"usb.hold\",\"port\":\"usb\",\"hold\":false}");
    fails(&bench, "{\"do\":\"usb.open\"}", "usb.open: \"port\" is missing");
    fails(&bench, "{\"do\":\"usb.open\",\"port\":\"dat\"}",
          "usb.open: there is no port \"dat\"; did you mean \"data\"?");
    fails(&bench, "{\"do\":\"usb.hold\",\"port\":\"usb\",\"hold\":\"no\"}",
          "usb.hold: \"hold\" is neither true nor false");
    assert_false(control_wants_out(bench.control));
    do_well(&bench, "{\"do\":\"quit\"}");
    assert_true(control_wants_out(bench.control));
    tear_down(&bench);
}

static unsigned count_listeners(const struct bench *bench, unsigned gpio) {
    unsigned count = 0;
    struct net *net = machine_gpio(session_machine(bench->small.session), gpio);
    for (const struct net_listener *each = net->listeners; each; each = each->next) {
        count++;
    }
    return count;
}

static void supply_and_cable_come_and_go(void **state) {
    struct bench bench;
    set_up(&bench);
    do_well(&bench, "{\"do\":\"run\",\"for\":\"1ms\"}");
    do_well(&bench, "{\"do\":\"subscribe\",\"events\":[\"power\"]}");
    do_well(&bench, "{\"do\":\"power\",\"on\":false}");
    assert_non_null(strstr(line_of(&bench, 1), "{\"event\":\"power\",\"time_ps\":"));
    assert_non_null(strstr(line_of(&bench, 1), "\"on\":false}"));
    tells(&bench, "{\"do\":\"status\"}", "power", "false");
    do_well(&bench, "{\"do\":\"power\",\"on\":true,\"at\":\"5ms\"}");
    tells(&bench, "{\"do\":\"run\",\"until\":{\"event\":\"power\"}}", "stopped", "\"event\"");
    tells(&bench, "{\"do\":\"status\"}", "power", "true");
    do_well(&bench, "{\"do\":\"usb.unplug\"}");
    do_well(&bench, "{\"do\":\"usb.plug\",\"at\":\"6ms\"}");
    do_well(&bench, "{\"do\":\"run\",\"to\":\"7ms\"}");
    do_well(&bench, "{\"do\":\"fault\",\"fault\":\"stuck:btn1.pressed=1\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"50ms\"}");
    tells(&bench, "{\"do\":\"pin.read\",\"pin\":\"GP2\"}", "level", "\"high\"");
    do_well(&bench, "{\"do\":\"fault\",\"fault\":\"stuck:btn1.pressed:off\"}");
    fails(&bench, "{\"do\":\"power\"}", "power: \"on\" is missing");
    fails(&bench, "{\"do\":\"power\",\"on\":0}", "power: \"on\" is neither true nor false");
    fails(&bench, "{\"do\":\"fault\"}", "fault: \"fault\" is missing");
    give(&bench, "{\"do\":\"fault\",\"fault\":\"stuk:btn1.pressed\",\"at\":\"1s\"}");
    assert_non_null(strstr(line_of(&bench, 0), "did you mean \\\"stuck\\\""));
    tear_down(&bench);
}

/* Here is nobody who could make a process; what has to be said is checked all the same. */
static void forks_are_asked_for(void **state) {
    struct bench bench;
    set_up(&bench);
    fails(&bench, "{\"do\":\"fork\"}", "fork: \"socket\" is missing");
    fails(&bench, "{\"do\":\"fork\",\"socket\":\"a\"}",
          "fork: \"drive\" is missing: name a folder that is to be made for the other board's drive");
    fails(&bench, "{\"do\":\"fork\",\"socket\":\"a\",\"drive\":3}", "fork: \"drive\" is no text");
    fails(&bench, "{\"do\":\"fork\",\"socket\":\"a\",\"drive\":\"b\"}", "fork: this emulator is one process for good");
    assert_null(control_wanted_fork(bench.control));
    tear_down(&bench);
    struct error error = { "no more processes" };
    set_up(&bench);
    const struct control_desc desc = {
        .session = bench.small.session, .version = "1", .send = take_line, .context = &bench, .can_fork = true
    };
    struct control *control = control_create(&desc, &error);
    control_connect(control);
    for (unsigned i = 0; i < 2; i++) {
        unsigned count = bench.count;
        const char *line = "{\"id\":5,\"do\":\"fork\",\"socket\":\"a\",\"drive\":\"b\"}";
        control_line(control, line, strlen(line));
        control_line(control, "{\"do\":\"status\"}", 15);
        assert_int_equal(bench.count, count); /* it waits */
        assert_string_equal(control_wanted_fork(control)->socket, "a");
        assert_string_equal(control_wanted_fork(control)->drive, "b");
        control_forked(control, i ? NULL : &error);
        assert_null(control_wanted_fork(control));
        assert_int_equal(bench.count, count + 2);
        assert_string_equal(line_of(&bench, 1),
                            i ? "{\"id\":5,\"ok\":true,\"time_ps\":0}"
                              : "{\"id\":5,\"ok\":false,\"time_ps\":0,\"error\":\"fork: no more processes\"}");
    }
    struct bench other = { 0 };
    control_become(control, &other);
    control_line(control, "{\"do\":\"status\"}", 15);
    assert_int_equal(other.count, 0);
    control_connect(control);
    assert_int_equal(other.count, 1);
    free(other.lines[0]);
    control_finish(control);
    tear_down(&bench);
    control_destroy(control);
}

static void runs_are_recorded(void **state) {
    struct bench bench;
    char line[200], path[100];
    set_up(&bench);
    snprintf(path, sizeof(path), "%s/run.jsonl", bench.small.folder);
    snprintf(line, sizeof(line), "{\"do\":\"record.start\",\"file\":\"%s\"}", path);
    do_well(&bench, line);
    give(&bench, line);
    assert_non_null(strstr(line_of(&bench, 0), "the run is recorded already"));
    fails(&bench, "{\"do\":\"fork\",\"socket\":\"a\",\"drive\":\"b\"}",
          "fork: the run is being recorded, and two boards cannot write one recording: record.end before");
    do_well(&bench, "{\"do\":\"part.press\",\"part\":\"btn1\"}");
    do_well(&bench, "{\"do\":\"run\",\"for\":\"200ms\"}");
    do_well(&bench, "{\"do\":\"record.end\"}");
    assert_int_equal(access(path, R_OK), 0);
    fails(&bench, "{\"do\":\"record.start\"}", "record.start: \"file\" is missing");
    tear_down(&bench);
}

/* A run, its conditions and a measurement are let go of when the client leaves in the middle. */
static void a_client_may_leave_at_any_time(void **state) {
    struct bench bench;
    set_up(&bench);
    unsigned before = count_listeners(&bench, 2) + count_listeners(&bench, 3);
    do_well(&bench, "{\"do\":\"pin.watch\",\"pin\":\"GP2\",\"edges\":10}");
    give(&bench, "{\"do\":\"pin.measure\",\"pin\":\"GP3\",\"for\":\"1s\",\"edges\":10}");
    control_run_slice(bench.control);
    control_disconnect(bench.control);
    control_connect(bench.control);
    give(&bench, "{\"do\":\"run\",\"until\":[{\"pin\":\"GP3\",\"level\":\"high\"},{\"text\":\"x\"},{\"regex\":\"y\"},"
                 "{\"event\":\"log\"}]}");
    control_run_slice(bench.control);
    control_disconnect(bench.control);
    assert_int_equal(count_listeners(&bench, 2) + count_listeners(&bench, 3), before);
    control_connect(bench.control);
    fails(&bench, "{\"do\":\"pin.unwatch\",\"pin\":\"GP2\"}", "pin.unwatch: \"GP2\" is not being watched");
    give(&bench, "{\"do\":\"run\",\"until\":{\"pin\":\"GP3\",\"level\":\"high\"}}");
    tear_down(&bench); /* with a run under way */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_listed),
        cmocka_unit_test(controls_are_set),
        cmocka_unit_test(views_are_shown),
        cmocka_unit_test(pictures_are_taken),
        cmocka_unit_test(part_mistakes_are_told),
        cmocka_unit_test(drive_files_come_and_go),
        cmocka_unit_test(events_are_sent_to_who_wants_them),
        cmocka_unit_test(events_end_a_run),
        cmocka_unit_test(a_flood_of_events_is_cut_off),
        cmocka_unit_test(buses_are_watched),
        cmocka_unit_test(the_board_is_told_of),
        cmocka_unit_test(supply_and_cable_come_and_go),
        cmocka_unit_test(forks_are_asked_for),
        cmocka_unit_test(runs_are_recorded),
        cmocka_unit_test(a_client_may_leave_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
