/* The TMDS encoder of each core in the RP2350's SIO: RP2350 datasheet 3.1.9. The code itself is HSTX's as well. */
#ifndef ONCHIP_TMDS_H
#define ONCHIP_TMDS_H

#include "emulator/core/walk.h"

#include <stdint.h>

#define TMDS_LANES 3

/* Its registers, in the order in which SIO has them: two for single pixels, two for each lane of two pixels. */
enum tmds_register {
    TMDS_CTRL,
    TMDS_WDATA,
    TMDS_PEEK_SINGLE,
    TMDS_POP_SINGLE,
    TMDS_PEEK_DOUBLE,
    TMDS_REGISTERS = TMDS_PEEK_DOUBLE + 2 * TMDS_LANES
};

struct tmds {
    uint32_t control;
    uint32_t colours;        /* of several pixels, the next one lowest */
    int balance[TMDS_LANES]; /* ones sent more than zeros */
};

/* The symbol of ten bits for a colour of eight, the first bit on the wire lowest; `balance`: ones sent more than
 * zeros. */
unsigned tmds_encode(unsigned colour, int *balance);
/* Reads of symbols move the balance, and the colours when they pop. */
uint32_t tmds_read(struct tmds *tmds, unsigned reg);
void tmds_write(struct tmds *tmds, unsigned reg, uint32_t value);
/* Its state, for snapshots. */
void tmds_walk(struct tmds *tmds, struct walk *walk);

#endif
