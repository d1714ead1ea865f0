/* A net: a wire that drivers pull at and listeners watch. Levels resolve as on the board: a push-pull output wins
 * over a pull, two outputs against each other are a contention (logged once per net, the level is low), nobody at
 * all leaves the net floating. PIO inputs, GPIO interrupts, parts, VCD, scenarios and the window all observe nets
 * in this one way.
 *
 * A net also has a voltage, for converters: drivers are sources with a resistance (an output NET_OUTPUT_OHMS, a pull
 * NET_PULL_OHMS), and nets may be coupled by resistors. Where no output drives, the voltage makes the level: high from
 * 2.0 V, low up to 0.8 V, in between what it was. Listeners are told of levels alone.
 *
 * A net has no capacitance unless one is attached (a touch pad): its voltage then moves exponentially, with the
 * resistance of its sources, wherever no output drives it.
 *
 * A listener may drive the net that it is told about: every listener is then told again, until the level rests. A
 * ring of listeners that never rests is cut off after NET_ROUNDS rounds with one `guest` line. */
#ifndef CORE_NET_H
#define CORE_NET_H

#include "emulator/core/block.h"

enum net_drive { NET_Z, NET_PULL_DOWN, NET_PULL_UP, NET_LOW, NET_HIGH, NET_SOURCE };
enum net_level { NET_LEVEL_LOW, NET_LEVEL_HIGH, NET_LEVEL_FLOATING };

#define NET_ROUNDS 64
#define NET_SUPPLY_VOLTS 3.3
#define NET_OUTPUT_OHMS 30.0
#define NET_PULL_OHMS 50e3

struct net;

struct net_driver {
    const char *name; /* who drives, for reports: "GP2", "U1.SDA" */
    enum net_drive drive;
    double volts, ohms; /* NET_SOURCE: use net_drive_volts() */
    struct net *net;    /* below: the net's */
    struct net_driver *next;
};

struct net_listener {
    /* The resolved level has changed; read it from the net. May drive this or other nets. */
    void (*changed)(struct net_listener *listener, struct net *net);
    void *owner;
    bool passive;              /* it can do without the edges of a serial bus's frames: see net_is_watched() */
    struct net_listener *next; /* the net's */
};

/* Somebody at this net who speaks whole frames of a serial bus (serial.h) instead of edges. */
struct net_peer {
    const void *kind; /* tells the buses apart */
    void *owner;
    struct net_peer *next; /* the net's */
};

/* Told before a listener, a driver, a peer or a wire is added to a net or taken off. */
struct net_rewiring {
    void (*rewired)(struct net_rewiring *rewiring);
    void *owner;
};

/* One end of a coupler, in the list of the net it is at. */
struct net_link {
    struct net *other;
    const struct net_coupler *coupler;
    struct net_link *next;
};

/* A resistor or a switch between two nets. */
struct net_coupler {
    double ohms; /* below: the net's */
    struct net *nets[2];
    struct net_link ends[2];
};

/* From a net to ground. */
struct net_capacitor {
    double farads;   /* use net_set_farads() */
    struct net *net; /* below: the net's */
    struct net_capacitor *next;
    double volts; /* at since_ps; from then on towards final_volts */
    uint64_t since_ps;
    double final_volts;
    double seconds; /* the time constant; INFINITY: nothing moves */
    struct event event;
};

struct net {
    const char *name;
    struct environment *env;
    unsigned serial; /* nets of one environment count from 0, in order of net_init() */
    enum net_level level;
    bool contended;
    bool reported;
    struct net_driver *drivers;
    struct net_listener *listeners;
    struct net_peer *peers;
    struct net_link *links;
    struct net_capacitor *capacitors;
    struct net_rewiring *rewiring; /* NULL: nobody is told */
    struct net *joined; /* the next of the nets that wires make one, by age, in a ring; itself when there is no wire */
    bool telling;       /* listeners are being told */
    bool again;         /* and the level has changed meanwhile */
};

void net_init(struct net *net, const char *name, struct environment *env);
/* Drivers and listeners are owned by the caller and must outlive the net's use, or be taken off before. */
void net_attach(struct net *net, struct net_driver *driver);
/* Listeners are told in the order in which they were added; of nets that wires make one, those of the net that was made
 * first are told first. */
void net_listen(struct net *net, struct net_listener *listener);
/* No effect when not attached. Not from within a listener of the same net, except for itself. */
void net_detach(struct net_driver *driver);
void net_unlisten(struct net *net, struct net_listener *listener);
/* A wire between two nets, for good: one level from now on. Each keeps its name, drivers and listeners. */
void net_join(struct net *a, struct net *b);
/* Of nets that are joined, these (all different) stay with each other, and the others as well. */
void net_divide(struct net *const *nets, unsigned count);
/* Take the net off the wires of net_join(); the others stay joined. Before it goes while they live on. */
void net_leave(struct net *net);
/* True when they are one wire. */
bool net_is_joined(const struct net *a, const struct net *b);
void net_add_peer(struct net *net, struct net_peer *peer);
void net_remove_peer(struct net *net, struct net_peer *peer);
/* The first peer of this kind on the wire, or the one after `previous`; NULL when there is none (left). */
struct net_peer *net_find_peer(const struct net *net, const void *kind, const struct net_peer *previous);
/* Change what a driver does; listeners are told when the level changes. */
void net_drive(struct net_driver *driver, enum net_drive drive);
/* As a source of so many volts behind so many ohms (more than 0). Up to 1 ohm it is a supply rail, which is an output
 * as far as levels are concerned. */
void net_drive_volts(struct net_driver *driver, double volts, double ohms);
/* The voltage against ground; 0 for a net that nobody drives. */
double net_volts(struct net *net);
/* A resistance between two nets. The coupler is owned by the caller; INFINITY ohms is an open switch. Voltages are
 * exact where couplers form a tree between driven nets; where they form rings every way round counts as a way of its
 * own. A net that an output drives passes nothing on from one coupler to the next. */
void net_couple(struct net_coupler *coupler, struct net *a, struct net *b, double ohms);
void net_set_ohms(struct net_coupler *coupler, double ohms);
/* No effect when not coupled. */
void net_uncouple(struct net_coupler *coupler);
/* A capacitance of `farads`, without charge. The capacitor is owned by the caller. Several on one wire add up. */
void net_add_capacitor(struct net *net, struct net_capacitor *capacitor, double farads);
/* The voltage stays. */
void net_set_farads(struct net_capacitor *capacitor, double farads);
/* No effect when not added. */
void net_remove_capacitor(struct net_capacitor *capacitor);
/* Somebody other than `except` (may be NULL) wants every edge: a serial controller then plays its frames out on the
 * wire instead of handing over whole bytes. */
bool net_is_watched(const struct net *net, const struct net_listener *except);
/* Somebody other than `except` listens at all: who hands over no bytes to serial targets has to play its edges. */
bool net_is_heard(const struct net *net, const struct net_listener *except);
/* Nothing is at this net but one driver and one listener. */
bool net_is_lonely(const struct net *net, const struct net_driver *driver, const struct net_listener *listener);
/* The same for nets that wires make one, and no others of their environment; goes by the order in which they came. */
unsigned net_number(const struct net *net);
/* State of a net, a driver, a coupler, a capacitor that has been added, for snapshots. While environment.loading, nets
 * keep their levels and tell nobody, until net_walk() has given each the level that it had. */
void net_walk(struct net *net, struct walk *walk);
void net_driver_walk(struct net_driver *driver, struct walk *walk);
void net_coupler_walk(struct net_coupler *coupler, struct walk *walk);
void net_capacitor_walk(struct net_capacitor *capacitor, struct walk *walk);
/* The level as a digital input sees it; a floating net reads low. */
static inline bool net_is_high(const struct net *net) {
    return net->level == NET_LEVEL_HIGH;
}

#endif
