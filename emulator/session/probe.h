/* A probe at a pin: edges, pulse widths, frequency and duty over a window of virtual time, as a counter on the desk
 * measures them. A level that floats counts as low. While a probe is at a net, serial controllers play their frames out
 * on it edge by edge; firmware sees no difference. */
#ifndef SESSION_PROBE_H
#define SESSION_PROBE_H

#include "emulator/core/net.h"
#include "emulator/session/session.h"

/* The net of a pin by name: of the board ("GP4", "SDA", "LED"), or of any part, the board among them ("led1.A",
 * "pico.GP4"; "led1:A" as in diagrams). NULL with an error line that names the nearest. */
struct net *session_pin_net(struct session *session, const char *name, struct error *error);

/* Whole pulses of one level: both ends lie in the window. */
struct probe_pulses {
    uint64_t count;
    uint64_t shortest_ps, longest_ps, last_ps, total_ps;
};

struct probe_edge {
    uint64_t time_ps;
    enum net_level level; /* from then on */
};

struct probe {
    /* Hears every change of level, as it happens; may be NULL. Same rules as for session listeners. */
    void (*changed)(void *context, const struct probe_edge *edge);
    void *context;

    struct net *net; /* below: the probe's */
    struct net_listener listener;
    uint64_t since_ps;             /* where the window begins */
    enum net_level first;          /* the level there */
    struct probe_edge last;        /* the latest change, or the beginning */
    uint64_t rises, falls;         /* rises: low or floating to high */
    uint64_t rise_ps[2];           /* the first and the latest rise */
    uint64_t edge_ps;              /* the latest rise or fall */
    uint64_t high_ps;              /* time at high up to `last` */
    uint64_t high_at_rise_ps[2];   /* the same up to rise_ps[] */
    struct probe_pulses pulses[2]; /* low, high */
    struct probe_edge *edges;      /* the first ones of the window, where probe_keep() wants them */
    unsigned edge_count, edge_room;
};

/* What a window has shown. */
struct probe_result {
    uint64_t from_ps, to_ps;
    enum net_level level; /* at its end */
    uint64_t rises, falls;
    double hertz; /* over whole periods, from rise to rise; 0 when there was none */
    double duty;  /* share of high over the same periods, else over the window; 0 to 1 */
    struct probe_pulses low, high;
};

/* Put the probe at a net and begin a window. `probe` stays where it is, and is closed before the session. `changed` and
 * `context` are set before or are NULL. */
void probe_attach(struct probe *probe, struct net *net);
/* The same by name; false with an error line. */
bool probe_open(struct probe *probe, struct session *session, const char *pin, struct error *error);
/* Take it off; fine for one that was never attached and is all zeros. */
void probe_close(struct probe *probe);
/* A new window begins now. */
void probe_restart(struct probe *probe);
/* Keep the first `count` changes of level of this window and those to come in probe->edges. False: out of memory. */
bool probe_keep(struct probe *probe, unsigned count);
/* The window so far, up to now; it goes on. */
void probe_measure(const struct probe *probe, struct probe_result *ret_result);

#endif
