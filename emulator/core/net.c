#include "emulator/core/net.h"

void net_init(struct net *net, const char *name, struct environment *env) {
    *net = (struct net){ .name = name, .env = env, .level = NET_LEVEL_FLOATING };
}

static void report_contention(struct net *net) {
    if (net->contended && !net->reported) {
        net->reported = true;
        log_write(net->env->log, LOG_GUEST, net->name, "two outputs drive this net against each other");
    }
}

static enum net_level resolve(struct net *net) {
    unsigned drives[NET_HIGH + 1] = { 0 };
    for (const struct net_driver *driver = net->drivers; driver; driver = driver->next) {
        drives[driver->drive]++;
    }
    net->contended = drives[NET_LOW] && drives[NET_HIGH];
    if (drives[NET_LOW]) {
        return NET_LEVEL_LOW;
    }
    if (drives[NET_HIGH]) {
        return NET_LEVEL_HIGH;
    }
    if (drives[NET_PULL_UP]) { /* against a pull-down of like strength: taken as high */
        return NET_LEVEL_HIGH;
    }
    return drives[NET_PULL_DOWN] ? NET_LEVEL_LOW : NET_LEVEL_FLOATING;
}

static void net_update(struct net *net) {
    enum net_level level = resolve(net);
    report_contention(net);
    if (level == net->level) {
        return;
    }
    net->level = level;
    for (struct net_listener *listener = net->listeners; listener; listener = listener->next) {
        listener->changed(listener, net);
    }
}

void net_attach(struct net *net, struct net_driver *driver) {
    driver->net = net;
    driver->next = net->drivers;
    net->drivers = driver;
    net_update(net);
}

void net_listen(struct net *net, struct net_listener *listener) {
    listener->next = net->listeners;
    net->listeners = listener;
}

void net_drive(struct net_driver *driver, enum net_drive drive) {
    if (driver->drive != drive) {
        driver->drive = drive;
        if (driver->net) {
            net_update(driver->net);
        }
    }
}
