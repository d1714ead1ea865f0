/* Three lanes and a clock of DVI (TMDS): what a serialiser on the chip knows of the monitor at its pins.
 *
 * The serialiser hands over whole symbols of 10 bits, so that nobody has to play their edges; the wires carry those
 * only for others who watch them. */
#ifndef CORE_DVI_H
#define CORE_DVI_H

#include "emulator/core/net.h"

#define DVI_LANES 3
#define DVI_SYMBOL_BITS 10

struct dvi_target {
    /* By lane: the positive wire and the negative one. A negative wire may be NULL: not connected. */
    struct net *data[DVI_LANES][2];
    struct net *clock[2];
    /* The same symbol of each lane `count` times in a row, the first bit on the wire lowest. The first one began at
     * `time_ps`, each takes `symbol_ps`. */
    void (*symbols)(struct dvi_target *target, const uint16_t *lanes, uint32_t count, uint64_t time_ps,
                    uint64_t symbol_ps);
    void *owner;

    struct net_peer peer; /* below: of dvi.c */
};

/* All positive wires are connected. Nets are borrowed. */
void dvi_target_attach(struct dvi_target *target);
void dvi_target_detach(struct dvi_target *target);
/* The target after `previous` (NULL: the first one) whose positive wire of lane 0 is this one; NULL: none is left. */
struct dvi_target *dvi_next_target(const struct net *wire, const struct dvi_target *previous);

#endif
