/* pin.*: levels and volts, what drives a pin from outside, and what a counter would show. Pins have names as of
 * session_pin_net(): "GP4", "led1.A". */
#include "emulator/control/arguments.h"
#include "emulator/control/control_private.h"

#include <stdlib.h>
#include <string.h>

#define MEASURE_PS (100 * PS_PER_MS)
#define EDGES_MAX 100000

const char *pin_level_name(enum net_level level) {
    static const char *const names[] = {
        [NET_LEVEL_LOW] = "low", [NET_LEVEL_HIGH] = "high", [NET_LEVEL_FLOATING] = "floating"
    };
    return names[level];
}

static bool find_pin(struct control *control, json_t *request, const char **ret_pin, struct net **ret_net,
                     struct error *error) {
    *ret_net = NULL;
    if (!argument_is_there(request, "pin", error) || !argument_text(request, "pin", ret_pin, error)) {
        return false;
    }
    *ret_net = session_pin_net(control->session, *ret_pin, error);
    return *ret_net != NULL;
}

/* ---- Reading ---- */

static enum control_outcome handle_read(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const char *pin = NULL;
    struct net *net;
    if (!find_pin(control, request, &pin, &net, error)) {
        return CONTROL_FAILED;
    }
    json_object_set_new(reply, "level", json_string(pin_level_name(net->level)));
    json_object_set_new(reply, "volts", json_real(net_volts(net)));
    json_object_set_new(reply, "contended", json_boolean(net->contended));
    return CONTROL_DONE;
}

/* ---- Driving ---- */

static const char *const drive_names[] = { "release", "low", "high", "pull-down", "pull-up", NULL };

static bool parse_drive(json_t *request, struct input *input, struct error *error) {
    bool has_volts = json_object_get(request, "volts"), has_level = json_object_get(request, "level");
    if (has_volts == has_level) {
        error_set(error, "say \"level\" (low, high, pull-down, pull-up, release) or \"volts\"");
        return false;
    }
    input->index = INPUT_VOLTS;
    return argument_number(request, "volts", &input->value, error) &&
           argument_choice(request, "level", drive_names, &input->index, error);
}

static enum control_outcome handle_drive(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct input input = { .kind = INPUT_PIN };
    struct net *net;
    bool ok = find_pin(control, request, &input.name, &net, error) && parse_drive(request, &input, error) &&
              control_apply(control, &input, request, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_release(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    struct input input = { .kind = INPUT_PIN, .index = INPUT_RELEASE };
    struct net *net;
    bool ok = find_pin(control, request, &input.name, &net, error) && control_apply(control, &input, request, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_pulse(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct input input = { .kind = INPUT_PIN, .index = INPUT_HIGH };
    struct net *net;
    uint64_t width_ps = 0;
    unsigned then = INPUT_RELEASE;
    if (!argument_is_there(request, "width", error) || !argument_time(request, "width", &width_ps, error) ||
        !find_pin(control, request, &input.name, &net, error) ||
        !argument_choice(request, "level", drive_names, &input.index, error) ||
        !argument_choice(request, "then", drive_names, &then, error) ||
        !control_apply(control, &input, request, error)) {
        return CONTROL_FAILED;
    }
    input.index = then;
    return control_apply_later(control, &input, request, width_ps, error) ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_join(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct input input = { .kind = INPUT_WIRE };
    bool ok = argument_is_there(request, "from", error) && argument_is_there(request, "to", error) &&
              argument_text(request, "from", &input.part, error) && argument_text(request, "to", &input.name, error) &&
              control_apply(control, &input, request, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

/* ---- Measuring ---- */

static void put_time(json_t *object, const char *name, uint64_t ps) {
    json_object_set_new(object, name, json_integer((json_int_t)ps));
}

static void put_pulses(json_t *object, const char *name, const struct probe_pulses *pulses) {
    json_t *put = json_object();
    put_time(put, "count", pulses->count);
    if (pulses->count) {
        put_time(put, "shortest_ps", pulses->shortest_ps);
        put_time(put, "longest_ps", pulses->longest_ps);
        put_time(put, "mean_ps", pulses->total_ps / pulses->count);
        put_time(put, "last_ps", pulses->last_ps);
    }
    json_object_set_new(object, name, put);
}

static void put_edges(json_t *object, const struct probe *probe) {
    json_t *edges = json_array();
    for (unsigned i = 0; i < probe->edge_count; i++) {
        json_t *edge = json_object();
        put_time(edge, "time_ps", probe->edges[i].time_ps);
        json_object_set_new(edge, "level", json_string(pin_level_name(probe->edges[i].level)));
        json_array_append_new(edges, edge);
    }
    json_object_set_new(object, "edges", edges);
}

void pin_put_result(json_t *object, const struct probe *probe) {
    struct probe_result result;
    probe_measure(probe, &result);
    put_time(object, "from_ps", result.from_ps);
    put_time(object, "to_ps", result.to_ps);
    json_object_set_new(object, "level", json_string(pin_level_name(result.level)));
    put_time(object, "rises", result.rises);
    put_time(object, "falls", result.falls);
    json_object_set_new(object, "hz", json_real(result.hertz));
    json_object_set_new(object, "duty", json_real(result.duty));
    put_pulses(object, "high", &result.high);
    put_pulses(object, "low", &result.low);
    if (probe->edge_room) {
        put_edges(object, probe);
    }
}

static bool keep_edges(struct probe *probe, uint64_t count, struct error *error) {
    error_set(error, "out of memory");
    return !count || probe_keep(probe, (unsigned)count);
}

static struct control_watch *find_watch(struct control *control, const char *pin) {
    struct control_watch *each = control->watches;
    while (each && strcmp(each->pin, pin) != 0) {
        each = each->next;
    }
    return each;
}

/* A measurement of its own: the board runs for so long. */
static enum control_outcome measure_run(struct control *control, json_t *request, struct net *net, uint64_t edges,
                                        struct error *error) {
    uint64_t length_ps = MEASURE_PS;
    if (!argument_time(request, "for", &length_ps, error)) {
        return CONTROL_FAILED;
    }
    struct probe *probe = calloc(1, sizeof(*probe));
    if (probe) {
        probe_attach(probe, net);
    }
    if (!probe || !keep_edges(probe, edges, error)) {
        error_set(error, "out of memory");
        free(probe);
        return CONTROL_FAILED;
    }
    run_begin(control, request, session_now(control->session) + length_ps);
    control->run.measured = probe;
    return CONTROL_LATER;
}

static enum control_outcome handle_measure(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    const char *pin = NULL;
    struct net *net;
    uint64_t edges = 0;
    if (!find_pin(control, request, &pin, &net, error) || !argument_whole(request, "edges", EDGES_MAX, &edges, error)) {
        return CONTROL_FAILED;
    }
    struct control_watch *watch = json_object_get(request, "for") ? NULL : find_watch(control, pin);
    if (!watch) {
        return measure_run(control, request, net, edges, error);
    }
    pin_put_result(reply, &watch->probe);
    probe_restart(&watch->probe);
    return CONTROL_DONE;
}

/* ---- Watching ---- */

static void tell_edge(void *context, const struct probe_edge *edge) {
    struct control_watch *watch = context;
    struct control *control = watch->control;
    if (events_are_wanted(control, EVENT_PIN)) {
        json_t *event = event_new(control, EVENT_PIN);
        put_time(event, "time_ps", edge->time_ps);
        json_object_set_new(event, "pin", json_string(watch->pin));
        json_object_set_new(event, "level", json_string(pin_level_name(edge->level)));
        event_send(control, EVENT_PIN, event, control->subscribed[EVENT_PIN]);
    }
}

static struct control_watch *make_watch(struct control *control, const char *pin, struct net *net) {
    struct control_watch *watch = calloc(1, sizeof(*watch));
    char *name = strdup(pin);
    if (!watch || !name) {
        free(watch);
        free(name);
        return NULL;
    }
    *watch = (struct control_watch){ .control = control, .pin = name, .next = control->watches };
    watch->probe.changed = tell_edge;
    watch->probe.context = watch;
    probe_attach(&watch->probe, net);
    control->watches = watch;
    return watch;
}

static enum control_outcome handle_watch(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const char *pin = NULL;
    struct net *net;
    uint64_t edges = 0;
    if (!find_pin(control, request, &pin, &net, error) || !argument_whole(request, "edges", EDGES_MAX, &edges, error)) {
        return CONTROL_FAILED;
    }
    struct control_watch *watch = find_watch(control, pin);
    watch = watch ? watch : make_watch(control, pin, net);
    if (!watch || !keep_edges(&watch->probe, edges, error)) {
        error_set(error, "out of memory");
        return CONTROL_FAILED;
    }
    probe_restart(&watch->probe);
    return CONTROL_DONE;
}

static void forget_watch(struct control *control, struct control_watch *watch) {
    struct control_watch **link = &control->watches;
    while (*link != watch) {
        link = &(*link)->next;
    }
    *link = watch->next;
    probe_close(&watch->probe);
    free(watch->pin);
    free(watch);
}

static enum control_outcome handle_unwatch(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    const char *pin = NULL;
    struct net *net;
    if (!find_pin(control, request, &pin, &net, error)) {
        return CONTROL_FAILED;
    }
    struct control_watch *watch = find_watch(control, pin);
    if (!watch) {
        error_set(error, "\"%s\" is not being watched", pin);
        return CONTROL_FAILED;
    }
    forget_watch(control, watch);
    return CONTROL_DONE;
}

void pin_forget_watches(struct control *control) {
    while (control->watches) {
        forget_watch(control, control->watches);
    }
}

const struct control_request control_pin_requests[] = {
    { "pin.read", handle_read, { "pin", NULL }, "level and volts of a pin" },
    { "pin.drive", handle_drive, { "pin", "level", "volts", "at", NULL }, "drive a pin from outside" },
    { "pin.release", handle_release, { "pin", "at", NULL }, "no longer drive a pin from outside" },
    { "pin.pulse",
      handle_pulse,
      { "pin", "level", "width", "then", "at", NULL },
      "drive a pin for so long, then release it" },
    { "pin.join", handle_join, { "from", "to", "at", NULL }, "a wire between two pins of the board, for good" },
    { "pin.measure",
      handle_measure,
      { "pin", "for", "edges", NULL },
      "frequency, duty, pulses and edges of a pin while the board runs, or since it was watched" },
    { "pin.watch", handle_watch, { "pin", "edges", NULL }, "count at a pin from now on, and send its edges as events" },
    { "pin.unwatch", handle_unwatch, { "pin", NULL }, "stop counting at a pin" },
    { NULL },
};
