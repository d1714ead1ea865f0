/* RP2350 datasheet 3.6.3.
 *
 * Not modelled: Non-secure access; an interrupt that makes the core abandon a stalled instruction (a stall is for
 * ever at once).
 * Decided: the parity rule is the one of the listed encodings (the ones of opc1 and the parity bit together are odd;
 * the text says even). MCR with opc1 = 6, which the rules allow and no instruction uses, does nothing. A random
 * number is made from the state before it moves on. */
#include "emulator/cpu/rcp.h"

#define TRUE_PATTERN 0xa500a500u
#define FALSE_PATTERN 0x00c300c3u
#define INTEGER_PATTERN 0x96009600u
#define STATE_SHIFT 40

void rcp_reset(struct rcp *rcp) {
    *rcp = (struct rcp){ 0 };
}

void rcp_set_salt(struct rcp *rcp, uint64_t salt) {
    rcp->salt = salt;
    rcp->valid = true;
}

/* ---- Random numbers ---- */
static uint32_t shift_field(uint32_t state, unsigned low, unsigned width, uint32_t taps) {
    uint32_t mask = (1u << width) - 1, field = state >> low & mask;
    uint32_t in = field ? (uint32_t)__builtin_parity(field & taps) : 1;
    return (field << 1 | in) & mask;
}

static uint32_t next_state(uint32_t state) {
    return shift_field(state, 20, 4, 0xc) << 20 | shift_field(state, 15, 5, 0x14) << 15 |
           shift_field(state, 8, 7, 0x60) << 8 | shift_field(state, 0, 8, 0xb4);
}

uint8_t rcp_random(struct rcp *rcp) {
    /* By output bit: six bits that are XORed, three that vote. */
    static const uint8_t taps[8][9] = {
        { 11, 3, 4, 19, 10, 14, 1, 2, 9 },   { 4, 16, 11, 18, 9, 6, 14, 21, 16 }, { 15, 13, 20, 21, 8, 12, 7, 22, 9 },
        { 23, 12, 7, 16, 14, 5, 17, 3, 15 }, { 4, 19, 17, 0, 18, 7, 18, 11, 3 },  { 7, 5, 2, 18, 11, 1, 18, 14, 7 },
        { 14, 21, 19, 6, 16, 13, 4, 14, 6 }, { 7, 17, 6, 16, 13, 8, 9, 12, 21 },
    };
    uint32_t state = (uint32_t)(rcp->salt >> STATE_SHIFT);
    unsigned value = 0;
    for (unsigned bit = 0; bit < 8; bit++) {
        unsigned result = 0, votes = 0;
        for (unsigned i = 0; i < 9; i++) {
            unsigned tap = state >> taps[bit][i] & 1;
            result ^= i < 6 ? tap : 0;
            votes += i < 6 ? 0 : tap;
        }
        value |= (result ^ (votes >= 2)) << bit;
    }
    rcp->salt = (rcp->salt & ((UINT64_C(1) << STATE_SHIFT) - 1)) | (uint64_t)next_state(state) << STATE_SHIFT;
    return (uint8_t)value;
}

/* ---- Checks ---- */
static bool parity_is_right(unsigned opc1, unsigned parity) {
    return (__builtin_popcount(opc1) + (parity & 1)) % 2 == 1;
}

static bool is_boolean(uint32_t value) {
    return value == TRUE_PATTERN || value == FALSE_PATTERN;
}

static uint32_t canary(const struct rcp *rcp, uint8_t tag) {
    uint32_t expanded = (uint32_t)tag | (uint32_t)(uint8_t)~tag << 8 | (uint32_t)tag << 16;
    expanded &= 0xff0000u | ((uint32_t)(rcp->salt >> 24) & 0xffffu);
    return (expanded ^ (uint32_t)rcp->salt) << 8;
}

/* What every instruction but those of the salt needs. */
static enum rcp_result check(struct rcp *rcp, bool holds) {
    if (rcp->faulted) {
        return RCP_STALL;
    }
    if (!rcp->valid || !holds) {
        rcp->faulted = true;
        return RCP_FAULT;
    }
    return RCP_DONE;
}

/* ---- Instructions ---- */
enum rcp_result rcp_operate(struct rcp *rcp, unsigned opc1, unsigned opc2) {
    enum rcp_result result = check(rcp, opc1 == 0 && parity_is_right(opc1, opc2));
    if (result == RCP_DONE) {
        rcp->faulted = true; /* rcp_panic */
        result = RCP_STALL;
    }
    return result;
}

enum rcp_result rcp_write(struct rcp *rcp, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t rt) {
    uint8_t tag = (uint8_t)(crn << 4 | crm);
    bool tagged = opc1 == 0 || opc1 == 4 || opc1 == 5;
    bool holds = parity_is_right(opc1, opc2) && (tagged || !tag);
    switch (opc1) {
    case 0:
        return check(rcp, holds && rt == canary(rcp, tag));
    case 1:
        return check(rcp, holds && is_boolean(rt));
    case 2:
        return check(rcp, holds && rt == TRUE_PATTERN);
    case 3:
        return check(rcp, holds && rt == FALSE_PATTERN);
    case 4: {
        enum rcp_result result = check(rcp, holds);
        rcp->count = result == RCP_DONE ? tag : rcp->count;
        return result;
    }
    case 5:
        return check(rcp, holds && tag == rcp->count++);
    default:
        return check(rcp, holds && opc1 == 6);
    }
}

static enum rcp_result write_salt(struct rcp *rcp, struct rcp *target, bool holds, uint64_t salt) {
    if (rcp->faulted) {
        return RCP_STALL;
    }
    if (!holds || !target || target->valid) {
        rcp->faulted = true;
        return RCP_FAULT;
    }
    rcp_set_salt(target, salt);
    return RCP_DONE;
}

enum rcp_result rcp_write_pair(struct rcp *rcp, struct rcp *peer, unsigned core, unsigned opc1, unsigned crm,
                               uint32_t rt, uint32_t rt2) {
    bool holds = parity_is_right(opc1, crm >> 3);
    uint32_t mixed = rt ^ rt2;
    if (opc1 == 8) {
        return write_salt(rcp, (crm & 7) == core ? rcp : peer, holds && (crm & 7) < 2, (uint64_t)rt2 << 32 | rt);
    }
    holds = holds && !(crm & 7);
    switch (opc1) {
    case 0:
        return check(rcp, holds && is_boolean(rt) && is_boolean(rt2));
    case 1:
        return check(rcp, holds && rt == TRUE_PATTERN && rt2 == TRUE_PATTERN);
    case 2:
        return check(rcp, holds && is_boolean(rt) && is_boolean(rt2) && (rt == TRUE_PATTERN || rt2 == TRUE_PATTERN));
    case 3:
        return check(rcp, holds && is_boolean(mixed));
    case 4:
        return check(rcp, holds && mixed == TRUE_PATTERN);
    case 5:
        return check(rcp, holds && mixed == FALSE_PATTERN);
    case 6:
        return check(rcp, holds && mixed == INTEGER_PATTERN);
    case 7:
        return check(rcp, holds && rt == rt2);
    default:
        return check(rcp, false);
    }
}

enum rcp_result rcp_read(struct rcp *rcp, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t *ret_rt) {
    uint8_t tag = (uint8_t)(crn << 4 | crm);
    bool holds = parity_is_right(opc1, opc2) && (opc1 == 0 || !tag);
    if (opc1 == 1 && holds && !rcp->faulted) {
        *ret_rt = rcp->valid ? TRUE_PATTERN : FALSE_PATTERN;
        return RCP_DONE;
    }
    enum rcp_result result = check(rcp, holds && opc1 <= 2);
    *ret_rt = 0;
    if (result == RCP_DONE) {
        *ret_rt = opc1 == 0 ? canary(rcp, tag) : rcp_random(rcp);
    }
    return result;
}
