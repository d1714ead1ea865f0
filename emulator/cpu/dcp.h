/* The double-precision coprocessor of the RP2350 (datasheet 3.6.2): two unpacked numbers X and Y, an adder, tables for
 * first approximations. Firmware uses it in fixed sequences that do the multiplications on the core.
 *
 * A core has two of them, for the Secure and the Non-secure state. Pure computation: the core decodes coprocessor
 * instructions and calls the function of their kind with the fields of the encoding. Each takes one cycle. */
#ifndef CPU_DCP_H
#define CPU_DCP_H

#include <stdbool.h>
#include <stdint.h>

/* Bits of the flags of X and Y, as firmware sees them in the upper bits of a word. */
#define DCP_NEGATIVE 8u
#define DCP_ZERO 4u
#define DCP_INFINITE 2u
#define DCP_NAN 1u
#define DCP_EXPONENTS 0x4000 /* more than any, either way */

struct dcp_number {
    uint64_t mantissa; /* 1.0 is 2^62 */
    int32_t exponent;  /* 14 bits, biased as a double's */
    uint8_t flags;
};

struct dcp {
    struct dcp_number x, y;
    uint8_t shift; /* that aligns the operands of a sum, 0 to 63 */
    int8_t order;  /* of the magnitudes: -1, 0, 1 for X < Y, X = Y, X > Y */
    bool engaged;  /* in the middle of a sequence */
};

void dcp_reset(struct dcp *dcp);

/* All return false for an encoding that is not an instruction of the coprocessor (UsageFault, NOCP).
 * CDP p4, #opc1, c0, c0, CRm, #opc2. */
bool dcp_cdp(struct dcp *dcp, unsigned opc1, unsigned crm, unsigned opc2);
/* MCRR p4, #opc1, low, high, CRm. */
bool dcp_mcrr(struct dcp *dcp, unsigned opc1, unsigned crm, uint32_t low, uint32_t high);
/* MRRC (`peek`: MRRC2) p4, #opc1, low, high, CRm. */
bool dcp_mrrc(struct dcp *dcp, unsigned opc1, unsigned crm, bool peek, uint32_t *ret_low, uint32_t *ret_high);
/* MRC (`peek`: MRC2) p4, #0, value, c0, CRm, #opc2; with APSR_nzcv as its target the core takes bits 31 to 28. */
bool dcp_mrc(struct dcp *dcp, unsigned crm, unsigned opc2, bool peek, uint32_t *ret_value);

#endif
