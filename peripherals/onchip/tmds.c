/* RP2350 datasheet 3.1.9; the code is that of DVI 1.0, 3.2.2.
 * Decided: a PIX_SHIFT that has no meaning (6, 7) shifts by 32, as 0 shifts by nothing. */
#include "peripherals/onchip/tmds.h"

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/sio.h"

#include <stdbool.h>

#define SYMBOL_BITS 10
#define MOST_BALANCE 100 /* ones or zeros: far beyond what the code lets come */
#define CONTROL_STORED 0x0f9fffffu

/* ---- One symbol ---- */

/* Nine bits with few changes: each is the XOR (XNOR) of the last one and its own. */
static unsigned minimise(unsigned colour) {
    unsigned ones = (unsigned)__builtin_popcount(colour), word = colour & 1;
    bool xnor = ones > 4 || (ones == 4 && !(colour & 1));
    for (unsigned i = 1; i < 8; i++) {
        word |= ((word >> (i - 1) ^ colour >> i ^ xnor) & 1) << i;
    }
    return word | (xnor ? 0 : 0x100);
}

/* The tenth bit tells that the lower eight are inverted, which is what brings the balance back. */
unsigned tmds_encode(unsigned colour, int *balance) {
    unsigned word = minimise(colour), is_xor = word >> 8;
    int excess = 2 * __builtin_popcount(word & 0xff) - 8;
    bool even = !*balance || !excess;
    bool inverts = even ? !is_xor : (*balance > 0) == (excess > 0);
    *balance += inverts ? -excess : excess;
    if (!even) {
        *balance += inverts ? 2 * (int)is_xor : -2 * (int)!is_xor;
    }
    return inverts ? word ^ 0x2ff : word;
}

/* ---- Pixels ---- */

static unsigned shift_of(const struct tmds *tmds) {
    unsigned shift = field_get(tmds->control, SIO_TMDS_CTRL_PIX_SHIFT);
    return shift ? 1u << (shift - 1) : 0;
}

static uint32_t shifted(uint32_t colours, unsigned by) {
    return by < 32 ? colours >> by : 0;
}

static unsigned symbol(struct tmds *tmds, unsigned lane, uint32_t colours) {
    unsigned rotate = tmds->control >> 4 * lane & 15;
    unsigned bits = (tmds->control >> (SIO_TMDS_CTRL_L0_NBITS_LSB + 3 * lane) & 7) + 1;
    uint32_t twice = (colours & 0xffff) | colours << 16;
    return tmds_encode(twice >> rotate & (0xff00u >> bits) & 0xff, &tmds->balance[lane]);
}

/* Two bits of each lane in turn. */
static uint32_t interleave(const unsigned *symbols) {
    uint32_t word = 0;
    for (unsigned i = 0; i < SYMBOL_BITS / 2; i++) {
        for (unsigned lane = 0; lane < TMDS_LANES; lane++) {
            word |= (uint32_t)(symbols[lane] >> 2 * i & 3) << (6 * i + 2 * lane);
        }
    }
    return word;
}

static uint32_t read_single(struct tmds *tmds) {
    unsigned symbols[TMDS_LANES];
    for (unsigned lane = 0; lane < TMDS_LANES; lane++) {
        symbols[lane] = symbol(tmds, lane, tmds->colours);
    }
    if (tmds->control & SIO_TMDS_CTRL_INTERLEAVE) {
        return interleave(symbols);
    }
    return symbols[0] | symbols[1] << SYMBOL_BITS | symbols[2] << 2 * SYMBOL_BITS;
}

static uint32_t read_double(struct tmds *tmds, unsigned lane) {
    bool same = tmds->control & SIO_TMDS_CTRL_PIX2_NOSHIFT;
    uint32_t first = symbol(tmds, lane, tmds->colours);
    return first | symbol(tmds, lane, shifted(tmds->colours, same ? 0 : shift_of(tmds))) << SYMBOL_BITS;
}

static void pop(struct tmds *tmds, bool twice) {
    unsigned by = shift_of(tmds);
    tmds->colours = shifted(tmds->colours, twice && !(tmds->control & SIO_TMDS_CTRL_PIX2_NOSHIFT) ? 2 * by : by);
}

/* ---- Registers ---- */

uint32_t tmds_read(struct tmds *tmds, unsigned reg) {
    if (reg < TMDS_PEEK_SINGLE) {
        return reg == TMDS_CTRL ? tmds->control : 0;
    }
    bool twice = reg >= TMDS_PEEK_DOUBLE;
    uint32_t word = twice ? read_double(tmds, (reg - TMDS_PEEK_DOUBLE) / 2) : read_single(tmds);
    if (reg & 1) { /* the odd ones pop */
        pop(tmds, twice);
    }
    return word;
}

void tmds_write(struct tmds *tmds, unsigned reg, uint32_t value) {
    if (reg == TMDS_WDATA) {
        tmds->colours = value;
    } else if (reg == TMDS_CTRL) {
        tmds->control = value & CONTROL_STORED;
        for (unsigned lane = 0; value & SIO_TMDS_CTRL_CLEAR_BALANCE && lane < TMDS_LANES; lane++) {
            tmds->balance[lane] = 0;
        }
    }
}

void tmds_walk(struct tmds *tmds, struct walk *walk) {
    walk_u32(walk, &tmds->control);
    walk_u32(walk, &tmds->colours);
    for (unsigned lane = 0; lane < TMDS_LANES; lane++) {
        int32_t balance = tmds->balance[lane];
        walk_i32(walk, &balance);
        bool sane = balance >= -MOST_BALANCE && balance <= MOST_BALANCE;
        if (!sane) {
            walk_fail(walk, "a TMDS lane that is out of balance");
        }
        tmds->balance[lane] = sane ? balance : 0;
    }
}
