/* How a DVI serialiser finds the monitors at its wires. */
#include "emulator/core/dvi.h"

static const char dvi_kind;

void dvi_target_attach(struct dvi_target *target) {
    target->peer = (struct net_peer){ .kind = &dvi_kind, .owner = target };
    net_add_peer(target->data[0][0], &target->peer);
}

void dvi_target_detach(struct dvi_target *target) {
    net_remove_peer(target->data[0][0], &target->peer);
}

struct dvi_target *dvi_next_target(const struct net *wire, const struct dvi_target *previous) {
    struct net_peer *peer = net_find_peer(wire, &dvi_kind, previous ? &previous->peer : NULL);
    return peer ? peer->owner : NULL;
}
