/* Levels and volts of wires: drivers, couplers and capacitors resolved, listeners told until all rests. See net.h. */
#include "emulator/core/net.h"

#include <math.h>

#define HIGH_FROM_VOLTS 2.0 /* RP2040 datasheet 5.5.3.4, IOVDD at 3.3 V */
#define LOW_TO_VOLTS 0.8
#define STIFF_OHMS 1.0
#define REACH_MAX 32

void net_init(struct net *net, const char *name, struct environment *env) {
    *net = (struct net){ .name = name, .env = env, .level = NET_LEVEL_FLOATING, .joined = net };
    net->serial = env ? env->nets++ : 0;
}

static void report(struct net *net, const char *what) {
    if (!net->reported && net->env) {
        net->reported = true;
        log_write(net->env->log, LOG_GUEST, net->name, "%s", what);
    }
}

/* A source this stiff is an output: a supply rail. */
static enum net_drive kind_of(const struct net_driver *driver) {
    if (driver->drive == NET_SOURCE && driver->ohms <= STIFF_OHMS) {
        return driver->volts >= HIGH_FROM_VOLTS ? NET_HIGH : NET_LOW;
    }
    return driver->drive;
}

/* What all drivers do together: a bit per enum net_drive. */
static unsigned drives_of(const struct net *net) {
    unsigned drives = 0;
    const struct net *each = net;
    do {
        for (const struct net_driver *driver = each->drivers; driver; driver = driver->next) {
            drives |= 1u << kind_of(driver);
        }
        each = each->joined;
    } while (each != net);
    return drives;
}

static bool has_output(unsigned drives) {
    return drives & (1u << NET_LOW | 1u << NET_HIGH);
}

/* ---- Voltage ---- */

/* Sources side by side: what they make together is volts / conductance behind 1 / conductance. */
struct sources {
    double conductance;
    double current;   /* into a short to ground */
    unsigned *budget; /* nets that may still be looked at: couplers may form rings */
};

/* The nets between the first one and this one, on a way through couplers. */
struct way {
    const struct net *net;
    const struct way *before;
};

static void add_source(struct sources *sources, double volts, double ohms) {
    sources->conductance += 1 / ohms;
    sources->current += volts / ohms;
}

static void add_driver(struct sources *sources, const struct net_driver *driver) {
    switch (driver->drive) {
    case NET_Z:
        return;
    case NET_SOURCE:
        add_source(sources, driver->volts, driver->ohms);
        return;
    case NET_LOW:
    case NET_HIGH:
        add_source(sources, driver->drive == NET_HIGH ? NET_SUPPLY_VOLTS : 0, NET_OUTPUT_OHMS);
        return;
    case NET_PULL_DOWN:
    case NET_PULL_UP:
        add_source(sources, driver->drive == NET_PULL_UP ? NET_SUPPLY_VOLTS : 0, NET_PULL_OHMS);
        return;
    }
}

static bool is_on_way(const struct way *way, const struct net *net) {
    for (; way; way = way->before) {
        if (net_is_joined(way->net, net)) {
            return true;
        }
    }
    return false;
}

static bool conducts(const struct net_link *link) {
    return link->coupler->ohms < INFINITY;
}

static void add_sources_of(struct sources *sources, const struct net *net, const struct way *before);

static void add_link(struct sources *sources, const struct net_link *link, const struct way *way) {
    struct sources behind = { .budget = sources->budget };
    if (!conducts(link) || *sources->budget == 0 || is_on_way(way, link->other)) {
        return;
    }
    --*sources->budget;
    add_sources_of(&behind, link->other, way);
    if (behind.conductance > 0) {
        add_source(sources, behind.current / behind.conductance, link->coupler->ohms + 1 / behind.conductance);
    }
}

static void add_sources_of(struct sources *sources, const struct net *net, const struct way *before) {
    struct way way = { net, before };
    bool passes_on = !before || !has_output(drives_of(net));
    const struct net *each = net;
    do {
        for (const struct net_driver *driver = each->drivers; driver; driver = driver->next) {
            add_driver(sources, driver);
        }
        for (const struct net_link *link = passes_on ? each->links : NULL; link; link = link->next) {
            add_link(sources, link, &way);
        }
        each = each->joined;
    } while (each != net);
}

static bool measure(const struct net *net, double *ret_volts) {
    unsigned budget = 1000;
    struct sources sources = { .budget = &budget };
    add_sources_of(&sources, net, NULL);
    *ret_volts = sources.conductance > 0 ? sources.current / sources.conductance : 0;
    return sources.conductance > 0;
}

double net_volts(struct net *net) {
    double volts;
    measure(net, &volts);
    return volts;
}

/* ---- Level ---- */
static bool is_coupled(const struct net *net) {
    const struct net *each = net;
    do {
        for (const struct net_link *link = each->links; link; link = link->next) {
            if (conducts(link)) {
                return true;
            }
        }
        each = each->joined;
    } while (each != net);
    return false;
}

static enum net_level level_of_volts(const struct net *net) {
    double volts;
    if (!measure(net, &volts)) {
        return NET_LEVEL_FLOATING;
    }
    if (volts >= HIGH_FROM_VOLTS || (volts > LOW_TO_VOLTS && net->level == NET_LEVEL_HIGH)) {
        return NET_LEVEL_HIGH;
    }
    return NET_LEVEL_LOW;
}

static enum net_level resolve(const struct net *net, unsigned drives) {
    if (drives & 1u << NET_LOW) {
        return NET_LEVEL_LOW;
    }
    if (drives & 1u << NET_HIGH) {
        return NET_LEVEL_HIGH;
    }
    if (drives & 1u << NET_SOURCE || is_coupled(net)) {
        return level_of_volts(net);
    }
    if (drives & 1u << NET_PULL_UP) { /* against a pull-down of like strength: taken as high */
        return NET_LEVEL_HIGH;
    }
    return drives & 1u << NET_PULL_DOWN ? NET_LEVEL_LOW : NET_LEVEL_FLOATING;
}

/* An output that cannot bring its net to its level: another output, a rail behind a closed switch. */
static bool is_contended(const struct net *net, unsigned drives) {
    double volts;
    if ((drives & 1u << NET_LOW) && (drives & 1u << NET_HIGH)) {
        return true;
    }
    if (!has_output(drives) || !(drives & 1u << NET_SOURCE || is_coupled(net))) {
        return false;
    }
    measure(net, &volts);
    return drives & 1u << NET_LOW ? volts > LOW_TO_VOLTS : volts < HIGH_FROM_VOLTS;
}

static void tell(struct net *net) {
    struct net *each = net;
    do {
        struct net_listener *next;
        for (struct net_listener *listener = each->listeners; listener; listener = next) {
            next = listener->next;
            listener->changed(listener, each);
        }
        each = each->joined;
    } while (each != net);
}

static void set_level(struct net *net, enum net_level level, bool contended) {
    struct net *each = net;
    do {
        each->level = level;
        each->contended = contended;
        each = each->joined;
    } while (each != net);
}

/* Was `a` made before `b`? Addresses decide only between nets of two environments, which no machine joins. */
static bool is_older(const struct net *a, const struct net *b) {
    return a->serial != b->serial ? a->serial < b->serial : a < b;
}

/* The member of a group of joined nets that keeps `telling` and `again` for all, and is told first: the oldest. */
static struct net *leader(struct net *net) {
    struct net *oldest = net;
    for (struct net *each = net->joined; each != net; each = each->joined) {
        oldest = is_older(each, oldest) ? each : oldest;
    }
    return oldest;
}

static void tell_until_rest(struct net *net) {
    if (net->telling) {
        net->again = true;
        return;
    }
    net->telling = true;
    unsigned rounds = 0;
    do {
        net->again = false;
        tell(net);
    } while (net->again && ++rounds < NET_ROUNDS);
    net->telling = false;
    if (net->again) {
        report(net, "what listens to this net changes it without end");
    }
}

/* ---- Capacitance ---- */

/* The first capacitor on the wire stands for all. */
static struct net_capacitor *capacitor_of(const struct net *net, double *ret_farads) {
    struct net_capacitor *first = NULL;
    const struct net *each = net;
    *ret_farads = 0;
    do {
        for (struct net_capacitor *capacitor = each->capacitors; capacitor; capacitor = capacitor->next) {
            first = first ? first : capacitor;
            *ret_farads += capacitor->farads;
        }
        each = each->joined;
    } while (each != net);
    return first;
}

static void pass_time(struct net_capacitor *capacitor, uint64_t now) {
    double seconds = (double)(now - capacitor->since_ps) / (double)PS_PER_S;
    double left = capacitor->seconds < INFINITY ? exp(-seconds / capacitor->seconds) : 1;
    capacitor->volts = capacitor->final_volts + (capacitor->volts - capacitor->final_volts) * left;
    capacitor->since_ps = now;
}

static enum net_level level_of_charge(const struct net *net, double volts) {
    if (volts >= HIGH_FROM_VOLTS || (volts > LOW_TO_VOLTS && net->level == NET_LEVEL_HIGH)) {
        return NET_LEVEL_HIGH;
    }
    return NET_LEVEL_LOW;
}

/* When the voltage will have come to the threshold that makes another level, if it ever does. */
static void schedule_crossing(const struct net *net, struct net_capacitor *capacitor, enum net_level level) {
    double threshold = level == NET_LEVEL_HIGH ? LOW_TO_VOLTS : HIGH_FROM_VOLTS;
    double way = (capacitor->volts - capacitor->final_volts) / (threshold - capacitor->final_volts);
    scheduler_cancel(net->env->scheduler, &capacitor->event);
    if (capacitor->seconds < INFINITY && way > 1) {
        double ps = capacitor->seconds * log(way) * (double)PS_PER_S;
        if (ps < (double)(UINT64_MAX / 4)) {
            scheduler_add(net->env->scheduler, &capacitor->event, capacitor->since_ps + (uint64_t)ps + 1);
        }
    }
}

/* What the charge makes of the level that the drivers would make by themselves. */
static enum net_level hold_charge(struct net *net, unsigned drives, enum net_level level) {
    double farads;
    struct net_capacitor *capacitor = capacitor_of(net, &farads);
    if (!capacitor || farads <= 0) {
        return level;
    }
    pass_time(capacitor, scheduler_due(net->env->scheduler));
    unsigned budget = 1000;
    struct sources sources = { .budget = &budget };
    add_sources_of(&sources, net, NULL);
    bool has_source = sources.conductance > 0;
    capacitor->final_volts = has_source ? sources.current / sources.conductance : capacitor->volts;
    capacitor->seconds = has_source ? farads / sources.conductance : INFINITY;
    if (has_output(drives)) {
        capacitor->volts = capacitor->final_volts;
        scheduler_cancel(net->env->scheduler, &capacitor->event);
        return level;
    }
    level = level_of_charge(net, capacitor->volts);
    schedule_crossing(net, capacitor, level);
    return level;
}

/* Bring level and contention up to date; true when the level is a new one. */
static bool update_level(struct net *net, bool was_other) {
    unsigned drives = drives_of(net);
    enum net_level level = hold_charge(net, drives, resolve(net, drives));
    bool contended = is_contended(net, drives);
    bool changed = was_other || level != net->level;
    if (contended) {
        report(net, "two outputs drive this net against each other");
    }
    if (changed || contended != net->contended) {
        set_level(net, level, contended);
    }
    return changed;
}

struct reach {
    struct net *nets[REACH_MAX];
    unsigned count;
};

static void reach_add(struct reach *reach, struct net *net) {
    for (unsigned i = 0; i < reach->count; i++) {
        if (net_is_joined(reach->nets[i], net)) {
            return;
        }
    }
    if (reach->count == REACH_MAX) {
        report(net, "too many resistors in a row");
        return;
    }
    reach->nets[reach->count++] = net;
}

/* Every net whose level may depend on that of `net`. */
static void reach_from(struct reach *reach, struct net *net) {
    reach_add(reach, net);
    for (unsigned i = 0; i < reach->count; i++) {
        struct net *each = reach->nets[i];
        bool passes_on = i == 0 || !has_output(drives_of(each));
        do {
            for (struct net_link *link = passes_on ? each->links : NULL; link; link = link->next) {
                if (conducts(link)) {
                    reach_add(reach, link->other);
                }
            }
            each = each->joined;
        } while (each != reach->nets[i]);
    }
}

static void update_coupled(struct net *net, bool was_other) {
    struct reach reach = { 0 };
    bool changed[REACH_MAX];
    reach_from(&reach, net);
    for (unsigned i = 0; i < reach.count; i++) {
        changed[i] = update_level(reach.nets[i], i == 0 && was_other);
    }
    for (unsigned i = 0; i < reach.count; i++) {
        if (changed[i]) {
            tell_until_rest(leader(reach.nets[i]));
        }
    }
}

static void net_update(struct net *net, bool was_other) {
    if (net->env && net->env->loading) {
        return;
    }
    if (is_coupled(net)) {
        update_coupled(net, was_other);
    } else if (update_level(net, was_other)) {
        tell_until_rest(leader(net));
    }
}

static void tell_rewired(struct net *net) {
    struct net *each = net;
    if (net->env && net->env->loading) {
        return;
    }
    do {
        if (each->rewiring) {
            each->rewiring->rewired(each->rewiring);
        }
        each = each->joined;
    } while (each != net);
}

void net_attach(struct net *net, struct net_driver *driver) {
    tell_rewired(net);
    driver->net = net;
    driver->next = net->drivers;
    net->drivers = driver;
    net_update(net, false);
}

void net_detach(struct net_driver *driver) {
    struct net *net = driver->net;
    if (!net) {
        return;
    }
    tell_rewired(net);
    struct net_driver **link = &net->drivers;
    while (*link != driver) {
        link = &(*link)->next;
    }
    *link = driver->next;
    driver->net = NULL;
    net_update(net, false);
}

void net_listen(struct net *net, struct net_listener *listener) {
    tell_rewired(net);
    struct net_listener **end = &net->listeners; /* in order of adding */
    while (*end) {
        end = &(*end)->next;
    }
    listener->next = NULL;
    *end = listener;
}

void net_unlisten(struct net *net, struct net_listener *listener) {
    tell_rewired(net);
    for (struct net_listener **link = &net->listeners; *link; link = &(*link)->next) {
        if (*link == listener) {
            *link = listener->next;
            return;
        }
    }
}

bool net_is_joined(const struct net *a, const struct net *b) {
    for (const struct net *each = a->joined; each != a; each = each->joined) {
        if (each == b) {
            return true;
        }
    }
    return a == b;
}

static bool has_listener(const struct net *net, const struct net_listener *except, bool passive) {
    const struct net *each = net;
    do {
        for (const struct net_listener *listener = each->listeners; listener; listener = listener->next) {
            if ((passive || !listener->passive) && listener != except) {
                return true;
            }
        }
        each = each->joined;
    } while (each != net);
    return false;
}

bool net_is_watched(const struct net *net, const struct net_listener *except) {
    return has_listener(net, except, false);
}

bool net_is_heard(const struct net *net, const struct net_listener *except) {
    return has_listener(net, except, true);
}

/* Two rings, each from its oldest net on in order of age, become one. */
static void merge_rings(struct net *a, struct net *b) {
    struct net *first = is_older(a, b) ? a : b, *last = first;
    struct net *rest[2] = { a, b }, *const end[2] = { a, b };
    rest[first == b] = first->joined == first ? NULL : first->joined;
    while (rest[0] || rest[1]) {
        unsigned side = !rest[0] || (rest[1] && is_older(rest[1], rest[0]));
        struct net *next = rest[side];
        rest[side] = next->joined == end[side] ? NULL : next->joined;
        last->joined = next;
        last = next;
    }
    last->joined = first;
}

void net_join(struct net *a, struct net *b) {
    if (net_is_joined(a, b)) {
        return;
    }
    tell_rewired(a);
    tell_rewired(b);
    bool differ = a->level != b->level;
    merge_rings(leader(a), leader(b));
    net_update(a, differ);
}

void net_leave(struct net *net) {
    tell_rewired(net);
    struct net *before = net;
    while (before->joined != net) {
        before = before->joined;
    }
    before->joined = net->joined;
    net->joined = net;
    net_update(before, false);
    net_update(net, false);
}

static bool is_one_of(const struct net *net, struct net *const *nets, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (nets[i] == net) {
            return true;
        }
    }
    return false;
}

void net_divide(struct net *const *nets, unsigned count) {
    struct net *first = leader(nets[0]), *begin[2] = { NULL, NULL }, *end[2] = { NULL, NULL }, *next;
    struct net *each = first;
    tell_rewired(first);
    do {
        unsigned side = is_one_of(each, nets, count);
        next = each->joined;
        begin[side] = begin[side] ? begin[side] : each;
        if (end[side]) {
            end[side]->joined = each;
        }
        end[side] = each;
        each->joined = begin[side];
        each = next;
    } while (each != first);
    for (unsigned side = 0; side < 2 && begin[0]; side++) {
        net_update(begin[side], false);
    }
}

bool net_is_lonely(const struct net *net, const struct net_driver *driver, const struct net_listener *listener) {
    bool alone = net->joined == net && !net->links && !net->peers && !net->capacitors;
    return alone && net->drivers == driver && !driver->next && net->listeners == listener && !listener->next;
}

void net_drive(struct net_driver *driver, enum net_drive drive) {
    if (driver->drive != drive) {
        driver->drive = drive;
        if (driver->net) {
            net_update(driver->net, false);
        }
    }
}

void net_drive_volts(struct net_driver *driver, double volts, double ohms) {
    if (driver->drive != NET_SOURCE || driver->volts != volts || driver->ohms != ohms) {
        driver->drive = NET_SOURCE;
        driver->volts = volts;
        driver->ohms = ohms;
        if (driver->net) {
            net_update(driver->net, false);
        }
    }
}

void net_couple(struct net_coupler *coupler, struct net *a, struct net *b, double ohms) {
    *coupler = (struct net_coupler){ .ohms = INFINITY, .nets = { a, b } };
    for (unsigned i = 0; i < 2; i++) {
        struct net *net = coupler->nets[i];
        tell_rewired(net);
        coupler->ends[i] = (struct net_link){ .other = coupler->nets[!i], .coupler = coupler, .next = net->links };
        net->links = &coupler->ends[i];
    }
    net_set_ohms(coupler, ohms);
}

void net_set_ohms(struct net_coupler *coupler, double ohms) {
    coupler->ohms = ohms;
    net_update(coupler->nets[0], false);
    net_update(coupler->nets[1], false);
}

void net_uncouple(struct net_coupler *coupler) {
    if (!coupler->nets[0]) {
        return;
    }
    net_set_ohms(coupler, INFINITY);
    for (unsigned i = 0; i < 2; i++) {
        struct net_link **link = &coupler->nets[i]->links;
        while (*link != &coupler->ends[i]) {
            link = &(*link)->next;
        }
        *link = coupler->ends[i].next;
        coupler->nets[i] = NULL;
    }
}

void net_add_peer(struct net *net, struct net_peer *peer) {
    tell_rewired(net);
    struct net_peer **end = &net->peers; /* in order of adding */
    while (*end) {
        end = &(*end)->next;
    }
    peer->next = NULL;
    *end = peer;
}

void net_remove_peer(struct net *net, struct net_peer *peer) {
    for (struct net_peer **link = &net->peers; *link; link = &(*link)->next) {
        if (*link == peer) {
            *link = peer->next;
            return;
        }
    }
}

struct net_peer *net_find_peer(const struct net *net, const void *kind, const struct net_peer *previous) {
    bool past = !previous;
    const struct net *each = net;
    do {
        for (struct net_peer *peer = each->peers; peer; peer = peer->next) {
            if (past && peer->kind == kind) {
                return peer;
            }
            past |= peer == previous;
        }
        each = each->joined;
    } while (each != net);
    return NULL;
}

/* ---- Capacitors ---- */

static void crossing_due(struct event *event, uint64_t late_ps) {
    net_update(((struct net_capacitor *)event->owner)->net, false);
}

void net_add_capacitor(struct net *net, struct net_capacitor *capacitor, double farads) {
    tell_rewired(net);
    *capacitor = (struct net_capacitor){ .farads = farads, .net = net, .next = net->capacitors, .seconds = INFINITY };
    capacitor->since_ps = scheduler_due(net->env->scheduler);
    capacitor->event = (struct event){ .name = "charge", .callback = crossing_due, .owner = capacitor };
    net->capacitors = capacitor;
    net_update(net, false);
}

void net_set_farads(struct net_capacitor *capacitor, double farads) {
    double all;
    struct net_capacitor *first = capacitor_of(capacitor->net, &all);
    pass_time(first, scheduler_due(capacitor->net->env->scheduler));
    capacitor->farads = farads;
    net_update(capacitor->net, false);
}

void net_remove_capacitor(struct net_capacitor *capacitor) {
    struct net *net = capacitor->net;
    if (!net) {
        return;
    }
    tell_rewired(net);
    for (struct net_capacitor **at = &net->capacitors; *at; at = &(*at)->next) {
        if (*at == capacitor) {
            *at = capacitor->next;
            break;
        }
    }
    scheduler_cancel(net->env->scheduler, &capacitor->event);
    capacitor->net = NULL;
    net_update(net, false);
}

/* ---- Snapshots ---- */
#define MOST_VOLTS 1e3
#define LEAST_OHMS 1e-6
#define MOST_OHMS 1e12
#define MOST_FARADS 1.0

unsigned net_number(const struct net *net) {
    return leader((struct net *)net)->serial;
}

void net_walk(struct net *net, struct walk *walk) {
    WALK_ENUM(walk, net->level, NET_LEVEL_FLOATING + 1);
    walk_bool(walk, &net->contended);
    walk_bool(walk, &net->reported);
}

void net_driver_walk(struct net_driver *driver, struct walk *walk) {
    WALK_ENUM(walk, driver->drive, NET_SOURCE + 1);
    walk_double_within(walk, &driver->volts, -MOST_VOLTS, MOST_VOLTS);
    walk_double_within(walk, &driver->ohms, driver->drive == NET_SOURCE ? LEAST_OHMS : 0, MOST_OHMS);
}

void net_capacitor_walk(struct net_capacitor *capacitor, struct walk *walk) {
    walk_double_within(walk, &capacitor->farads, 0, MOST_FARADS);
    walk_double_within(walk, &capacitor->volts, -MOST_VOLTS, MOST_VOLTS);
    walk_u64(walk, &capacitor->since_ps);
    walk_double_within(walk, &capacitor->final_volts, -MOST_VOLTS, MOST_VOLTS);
    walk_double_within(walk, &capacitor->seconds, 0, INFINITY);
    walk_event(walk, &capacitor->event);
}

void net_coupler_walk(struct net_coupler *coupler, struct walk *walk) {
    walk_double_within(walk, &coupler->ohms, coupler->nets[0] ? LEAST_OHMS : 0, INFINITY);
}
