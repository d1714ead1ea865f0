#include "emulator/core/net.h"

void net_init(struct net *net, const char *name, struct environment *env) {
    *net = (struct net){ .name = name, .env = env, .level = NET_LEVEL_FLOATING, .joined = net };
}

static void report(struct net *net, const char *what) {
    if (!net->reported && net->env) {
        net->reported = true;
        log_write(net->env->log, LOG_GUEST, net->name, "%s", what);
    }
}

/* What all drivers do together: a bit per enum net_drive. */
static unsigned drives_of(const struct net *net) {
    unsigned drives = 0;
    const struct net *each = net;
    do {
        for (const struct net_driver *driver = each->drivers; driver; driver = driver->next) {
            drives |= 1u << driver->drive;
        }
        each = each->joined;
    } while (each != net);
    return drives;
}

static enum net_level resolve(unsigned drives) {
    if (drives & 1u << NET_LOW) {
        return NET_LEVEL_LOW;
    }
    if (drives & 1u << NET_HIGH) {
        return NET_LEVEL_HIGH;
    }
    if (drives & 1u << NET_PULL_UP) { /* against a pull-down of like strength: taken as high */
        return NET_LEVEL_HIGH;
    }
    return drives & 1u << NET_PULL_DOWN ? NET_LEVEL_LOW : NET_LEVEL_FLOATING;
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

/* The member of a group of joined nets that keeps `telling` and `again` for all: the lowest address. */
static struct net *leader(struct net *net) {
    struct net *lowest = net;
    for (struct net *each = net->joined; each != net; each = each->joined) {
        lowest = each < lowest ? each : lowest;
    }
    return lowest;
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

static void net_update(struct net *net, bool was_other) {
    unsigned drives = drives_of(net);
    enum net_level level = resolve(drives);
    bool contended = drives & 1u << NET_LOW && drives & 1u << NET_HIGH;
    bool changed = was_other || level != net->level;
    if (contended) {
        report(net, "two outputs drive this net against each other");
    }
    if (changed || contended != net->contended) {
        set_level(net, level, contended);
    }
    if (changed) {
        tell_until_rest(leader(net));
    }
}

void net_attach(struct net *net, struct net_driver *driver) {
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
    struct net_driver **link = &net->drivers;
    while (*link != driver) {
        link = &(*link)->next;
    }
    *link = driver->next;
    driver->net = NULL;
    net_update(net, false);
}

void net_listen(struct net *net, struct net_listener *listener) {
    listener->next = net->listeners;
    net->listeners = listener;
}

void net_unlisten(struct net *net, struct net_listener *listener) {
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

bool net_is_watched(const struct net *net, const struct net_listener *except) {
    const struct net *each = net;
    do {
        for (const struct net_listener *listener = each->listeners; listener; listener = listener->next) {
            if (!listener->passive && listener != except) {
                return true;
            }
        }
        each = each->joined;
    } while (each != net);
    return false;
}

void net_join(struct net *a, struct net *b) {
    if (net_is_joined(a, b)) {
        return;
    }
    struct net *next = a->joined;
    a->joined = b->joined;
    b->joined = next;
    net_update(a, a->level != b->level);
}

void net_drive(struct net_driver *driver, enum net_drive drive) {
    if (driver->drive != drive) {
        driver->drive = drive;
        if (driver->net) {
            net_update(driver->net, false);
        }
    }
}

void net_add_peer(struct net *net, struct net_peer *peer) {
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
