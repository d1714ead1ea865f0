/* Probes at pins. Edges are dated by when they were due, as in a value change dump: an event is served up to a block of
 * instructions late. */
#include "emulator/session/probe.h"

#include "emulator/core/scheduler.h"
#include "peripherals/parts/part_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Names ---- */

static void say_no_pin(const struct project_part *part, const char *pin, const char *nearest, struct error *error) {
    error_set(error, "part \"%s\" (%s) has no pin \"%s\"%s%s%s", part->from->id, part->class->type, pin,
              nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static struct net *part_pin_net(const struct project_part *part, const char *pin, struct error *error) {
    int index = part_pin_find(part->class, pin);
    if (index < 0) {
        say_no_pin(part, pin, part_nearest_pin(part->class, pin), error);
        return NULL;
    }
    if (!part->nets[index]) {
        error_set(error, "pin \"%s\" of part \"%s\" is not wired to anything", pin, part->from->id);
    }
    return part->nets[index];
}

/* Names of parts may have dots: the last one that leaves a part's name counts. Otherwise ret_part is what stands before
 * the first one. */
static const struct project_part *split_name(const struct project *project, const char *name, char *ret_part,
                                             const char **ret_pin) {
    for (size_t at = strlen(name); at-- > 1;) {
        if ((name[at] == '.' || name[at] == ':') && at < DIAGRAM_PATH) {
            snprintf(ret_part, DIAGRAM_PATH, "%.*s", (int)at, name);
            *ret_pin = name + at + 1;
            const struct project_part *part = project_find(project, ret_part, NULL);
            if (part) {
                return part;
            }
        }
    }
    return NULL;
}

struct net *session_pin_net(struct session *session, const char *name, struct error *error) {
    const struct project *project = session_project(session);
    char id[DIAGRAM_PATH] = "";
    const char *pin = NULL;
    const struct project_part *part = split_name(project, name, id, &pin);
    if (part && !part->is_board) {
        return part_pin_net(part, pin, error);
    }
    struct net *net = project_board_net(project, part ? pin : name, error);
    if (!net && !part && pin) {
        project_find(project, id, error);
    }
    return net;
}

/* ---- Edges ---- */

static uint64_t present_ps(const struct probe *probe) {
    uint64_t now_ps = scheduler_due(probe->net->env->scheduler);
    return now_ps > probe->last.time_ps ? now_ps : probe->last.time_ps;
}

static void add_pulse(struct probe_pulses *pulses, uint64_t width_ps) {
    pulses->shortest_ps = pulses->count && pulses->shortest_ps < width_ps ? pulses->shortest_ps : width_ps;
    pulses->longest_ps = pulses->longest_ps > width_ps ? pulses->longest_ps : width_ps;
    pulses->last_ps = width_ps;
    pulses->total_ps += width_ps;
    pulses->count++;
}

static void note_rise(struct probe *probe, uint64_t now_ps) {
    probe->rise_ps[1] = now_ps;
    probe->high_at_rise_ps[1] = probe->high_ps;
    if (!probe->rises++) {
        probe->rise_ps[0] = now_ps;
        probe->high_at_rise_ps[0] = probe->high_ps;
    }
}

static void note_edge(struct probe *probe, bool high, uint64_t now_ps) {
    if (probe->rises + probe->falls) {
        add_pulse(&probe->pulses[!high], now_ps - probe->edge_ps);
    }
    probe->edge_ps = now_ps;
    if (high) {
        note_rise(probe, now_ps);
    } else {
        probe->falls++;
    }
}

static void keep_change(struct probe *probe, struct probe_edge edge) {
    if (probe->edge_count < probe->edge_room) {
        probe->edges[probe->edge_count++] = edge;
    }
}

static void note_change(struct net_listener *listener, struct net *net) {
    struct probe *probe = listener->owner;
    if (net->level == probe->last.level) {
        return;
    }
    const struct probe_edge edge = { present_ps(probe), net->level };
    bool was_high = probe->last.level == NET_LEVEL_HIGH, high = net_is_high(net);
    if (was_high) {
        probe->high_ps += edge.time_ps - probe->last.time_ps;
    }
    if (was_high != high) {
        note_edge(probe, high, edge.time_ps);
    }
    probe->last = edge;
    keep_change(probe, edge);
    if (probe->changed) {
        probe->changed(probe->context, &edge);
    }
}

/* ---- Windows ---- */

void probe_restart(struct probe *probe) {
    probe->last = (struct probe_edge){ scheduler_now(probe->net->env->scheduler), probe->net->level };
    probe->since_ps = probe->last.time_ps;
    probe->first = probe->last.level;
    probe->rises = probe->falls = probe->high_ps = 0;
    probe->edge_count = 0;
    memset(probe->pulses, 0, sizeof(probe->pulses));
}

bool probe_keep(struct probe *probe, unsigned count) {
    struct probe_edge *edges = realloc(probe->edges, (count + 1) * sizeof(*edges));
    if (!edges) {
        return false;
    }
    probe->edges = edges;
    probe->edge_room = count;
    probe->edge_count = probe->edge_count < count ? probe->edge_count : count;
    return true;
}

void probe_measure(const struct probe *probe, struct probe_result *ret_result) {
    uint64_t now_ps = present_ps(probe);
    bool is_high = probe->last.level == NET_LEVEL_HIGH;
    uint64_t high_ps = probe->high_ps + (is_high ? now_ps - probe->last.time_ps : 0);
    uint64_t span_ps = now_ps - probe->since_ps;
    *ret_result = (struct probe_result){ .from_ps = probe->since_ps,
                                         .to_ps = now_ps,
                                         .level = probe->last.level,
                                         .rises = probe->rises,
                                         .falls = probe->falls,
                                         .low = probe->pulses[0],
                                         .high = probe->pulses[1] };
    if (probe->rises > 1) {
        span_ps = probe->rise_ps[1] - probe->rise_ps[0];
        high_ps = probe->high_at_rise_ps[1] - probe->high_at_rise_ps[0];
        ret_result->hertz = span_ps ? (double)(probe->rises - 1) * 1e12 / (double)span_ps : 0;
    }
    ret_result->duty = span_ps ? (double)high_ps / (double)span_ps : is_high;
}

/* ---- Life ---- */

void probe_attach(struct probe *probe, struct net *net) {
    probe->net = net;
    probe->listener = (struct net_listener){ .changed = note_change, .owner = probe };
    net_listen(net, &probe->listener);
    probe_restart(probe);
}

bool probe_open(struct probe *probe, struct session *session, const char *pin, struct error *error) {
    struct net *net = session_pin_net(session, pin, error);
    if (net) {
        probe_attach(probe, net);
    }
    return net != NULL;
}

void probe_close(struct probe *probe) {
    if (probe->net) {
        net_unlisten(probe->net, &probe->listener);
    }
    free(probe->edges);
    probe->edges = NULL;
    probe->edge_count = probe->edge_room = 0;
    probe->net = NULL;
}
