/* Thumb instructions as functions, so that a test's program reads as one: Armv6-M Architecture Reference Manual
 * A6.7. Registers are numbers 0 to 15; offsets are in bytes. */
#ifndef TESTS_THUMB_H
#define TESTS_THUMB_H

#include <stdint.h>

#define SP 13
#define LR 14
#define PC 15

#define NOP 0xbf00
#define YIELD 0xbf10
#define WFE 0xbf20
#define WFI 0xbf30
#define SEV 0xbf40
#define CPSID 0xb672
#define CPSIE 0xb662
#define UDF 0xde00
#define BX(m) (0x4700 | (m) << 3)
#define BLX(m) (0x4780 | (m) << 3)
#define SVC(n) (0xdf00 | (n))
#define BKPT(n) (0xbe00 | (n))
#define MOVS(d, imm) (0x2000 | (d) << 8 | (imm))
#define ADDS(d, imm) (0x3000 | (d) << 8 | (imm))
#define SUBS(d, imm) (0x3800 | (d) << 8 | (imm))
#define CMP(n, imm) (0x2800 | (n) << 8 | (imm))
#define LSLS(d, m, imm) (0x0000 | (imm) << 6 | (m) << 3 | (d))
#define ADD_REG(d, n, m) (0x1800 | (m) << 6 | (n) << 3 | (d))
#define MULS(d, n) (0x4340 | (n) << 3 | (d))
#define MOV(d, m) (0x4600 | ((d)&8) << 4 | (m) << 3 | ((d)&7))
#define LDR_LIT(d, offset) (0x4800 | (d) << 8 | (offset) / 4) /* from (pc + 4) & ~3 */
#define LDR(t, n, offset) (0x6800 | (offset) / 4 << 6 | (n) << 3 | (t))
#define STR(t, n, offset) (0x6000 | (offset) / 4 << 6 | (n) << 3 | (t))
#define LDRB(t, n, offset) (0x7800 | (offset) << 6 | (n) << 3 | (t))
#define STRB(t, n, offset) (0x7000 | (offset) << 6 | (n) << 3 | (t))
#define LDRH(t, n, offset) (0x8800 | (offset) / 2 << 6 | (n) << 3 | (t))
#define STRH(t, n, offset) (0x8000 | (offset) / 2 << 6 | (n) << 3 | (t))
#define LDM(n, list) (0xc800 | (n) << 8 | (list))
#define STM(n, list) (0xc000 | (n) << 8 | (list))
#define PUSH(list, lr) (0xb400 | (lr) << 8 | (list))
#define POP(list, pc) (0xbc00 | (pc) << 8 | (list))
#define B(offset) (0xe000 | (((offset) / 2) & 0x7ff)) /* from pc + 4 */
#define BCC(cond, offset) (0xd000 | (cond) << 8 | (((offset) / 2) & 0xff))
#define EQ 0
#define NE 1
#define BL_0(offset) (0xf000 | (((offset) >> 12) & 0x7ff)) /* two halfwords: short forward calls */
#define BL_1(offset) (0xf800 | (((offset) / 2) & 0x7ff))
#define MSR_0(n) (0xf380 | (n))
#define MSR_1(special) (0x8800 | (special))
#define MRS_0 0xf3ef
#define MRS_1(d, special) (0x8000 | (d) << 8 | (special))
#define DSB_0 0xf3bf
#define DSB_1 0x8f4f
#define ISB_0 0xf3bf
#define ISB_1 0x8f6f
/* Coprocessor instructions, two halfwords each. */
#define MCR(p, opc1, rt, crn, crm, opc2)                                                                               \
    (0xee00 | (opc1) << 5 | (crn)), ((rt) << 12 | (p) << 8 | (opc2) << 5 | 0x10 | (crm))
#define MRC(p, opc1, rt, crn, crm, opc2)                                                                               \
    (0xee10 | (opc1) << 5 | (crn)), ((rt) << 12 | (p) << 8 | (opc2) << 5 | 0x10 | (crm))
#define MCRR(p, opc1, rt, rt2, crm) (0xec40 | (rt2)), ((rt) << 12 | (p) << 8 | (opc1) << 4 | (crm))
#define MRRC(p, opc1, rt, rt2, crm) (0xec50 | (rt2)), ((rt) << 12 | (p) << 8 | (opc1) << 4 | (crm))
#define CDP(p, opc1, crd, crn, crm, opc2) (0xee00 | (opc1) << 4 | (crn)), ((crd) << 12 | (p) << 8 | (opc2) << 5 | (crm))
#define SPECIAL_MSP 8
#define SPECIAL_PSP 9
#define SPECIAL_PRIMASK 16
#define SPECIAL_CONTROL 20

#endif
