/* A client of the control protocol in a test: requests to a board with a few parts and a program of a few instructions,
 * and its replies. */
#ifndef TESTS_CONTROL_BENCH_H
#define TESTS_CONTROL_BENCH_H

#include "emulator/control/control.h"
#include "tests/unit/small_session.h"

#include <jansson.h>

#define DIAGRAM                                                                                                        \
    "{\"version\":1,\"parts\":[{\"id\":\"pico\",\"type\":\"wokwi-pi-pico\"},"                                          \
    "{\"id\":\"led1\",\"type\":\"wokwi-led\"},{\"id\":\"btn1\",\"type\":\"wokwi-pushbutton\"},"                        \
    "{\"id\":\"pot1\",\"type\":\"wokwi-potentiometer\"}],"                                                             \
    "\"connections\":[[\"pico:GP3\",\"led1:A\"],[\"led1:C\",\"pico:GND.1\"],[\"btn1:1.l\",\"pico:GP2\"],"              \
    "[\"btn1:2.l\",\"pico:3V3\"],[\"pot1:SIG\",\"pico:GP26\"],[\"pot1:VCC\",\"pico:3V3\"],"                            \
    "[\"pot1:GND\",\"pico:GND.2\"]]}"
#define LINES 64
#define GREETING                                                                                                       \
    "{\"ouroboard\":\"1.2.3\",\"protocol\":1,\"board\":\"raspberry_pi_pico\",\"chip\":\"RP2040\","                     \
    "\"firmware\":\"small.hex\",\"time_ps\":0}"

struct bench {
    struct small_session small;
    struct control *control;
    char *lines[LINES]; /* the latest ones */
    unsigned count;
};

static inline void take_line(void *context, const char *line, size_t size) {
    struct bench *bench = context;
    assert_int_equal(line[size - 1], '\n');
    assert_null(memchr(line, '\n', size - 1));
    char **place = &bench->lines[bench->count++ % LINES];
    free(*place);
    *place = strndup(line, size - 1);
}

/* The line that came `back` lines before the last one. */
static inline const char *line_of(const struct bench *bench, unsigned back) {
    assert_true(back < bench->count && back < LINES);
    return bench->lines[(bench->count - 1 - back) % LINES];
}

static inline void set_up(struct bench *bench) {
    struct error error = { "" };
    *bench = (struct bench){ 0 };
    small_open(&bench->small, DIAGRAM, NULL);
    const struct control_desc desc = {
        .session = bench->small.session, .version = "1.2.3", .send = take_line, .context = bench
    };
    bench->control = control_create(&desc, &error);
    assert_non_null(bench->control);
    control_connect(bench->control);
}

static inline void tear_down(struct bench *bench) {
    control_finish(bench->control);
    small_close(&bench->small);
    control_destroy(bench->control);
    for (unsigned i = 0; i < LINES; i++) {
        free(bench->lines[i]);
    }
}

static inline void give(struct bench *bench, const char *line) {
    control_line(bench->control, line, strlen(line));
}

static inline void run_to_end(struct bench *bench) {
    while (control_is_running(bench->control)) {
        control_run_slice(bench->control);
    }
}

/* Serve a request to its end; its reply, to be freed. */
static inline json_t *ask(struct bench *bench, const char *line) {
    give(bench, line);
    run_to_end(bench);
    json_t *reply = json_loads(line_of(bench, 0), 0, NULL);
    assert_non_null(reply);
    return reply;
}

static inline json_t *ask_well(struct bench *bench, const char *line) {
    json_t *reply = ask(bench, line);
    if (!json_is_true(json_object_get(reply, "ok"))) {
        fail_msg("%s: %s", line, line_of(bench, 0));
    }
    return reply;
}

static inline void do_well(struct bench *bench, const char *line) {
    json_decref(ask_well(bench, line));
}

/* The reply has a member whose JSON is `expected`. */
static inline void tells(struct bench *bench, const char *line, const char *name, const char *expected) {
    json_t *reply = ask_well(bench, line);
    char *text = json_dumps(json_object_get(reply, name), JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    if (!text || strcmp(text, expected) != 0) {
        fail_msg("%s: \"%s\" is %s, not %s: %s", line, name, text ? text : "missing", expected, line_of(bench, 0));
    }
    free(text);
    json_decref(reply);
}

static inline double number_of(struct bench *bench, const char *line, const char *name) {
    json_t *reply = ask_well(bench, line), *member = json_object_get(reply, name);
    assert_true(json_is_number(member));
    double number = json_number_value(member);
    json_decref(reply);
    return number;
}

static inline void fails(struct bench *bench, const char *line, const char *expected) {
    json_t *reply = ask(bench, line);
    const char *error = json_string_value(json_object_get(reply, "error"));
    assert_true(json_is_false(json_object_get(reply, "ok")));
    if (!error || strcmp(error, expected) != 0) {
        fail_msg("%s: says %s, not %s", line, error, expected);
    }
    json_decref(reply);
}

static inline uint64_t now_of(const struct bench *bench) {
    return session_now(bench->small.session);
}

#endif
