/* The redundancy coprocessor of the RP2350: datasheet 3.6.3. Hardware-checked assertions for the boot ROM: canaries,
 * booleans and integers kept twice, a sequence counter, panic. One instance per core. */
#ifndef CPU_RCP_H
#define CPU_RCP_H

#include <stdbool.h>
#include <stdint.h>

struct rcp {
    uint64_t salt; /* bits 63 to 40 change with each random number */
    bool valid;    /* the salt has been written */
    bool faulted;  /* NMI is asserted, and the next instruction stalls for ever */
    uint8_t count;
};

enum rcp_result {
    RCP_DONE,
    RCP_FAULT,
    RCP_STALL, /* for ever */
};

void rcp_reset(struct rcp *rcp);
void rcp_set_salt(struct rcp *rcp, uint64_t salt);
/* Fields as in the encodings; `peer` is the other core's instance or NULL, `core` says whose this one is. */
enum rcp_result rcp_operate(struct rcp *rcp, unsigned opc1, unsigned opc2); /* CDP */
enum rcp_result rcp_write(struct rcp *rcp, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t rt);
enum rcp_result rcp_write_pair(struct rcp *rcp, struct rcp *peer, unsigned core, unsigned opc1, unsigned crm,
                               uint32_t rt, uint32_t rt2);
enum rcp_result rcp_read(struct rcp *rcp, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, uint32_t *ret_rt);
/* The next random byte; its bits 6 to 0 are the delay of an instruction in cycles. */
uint8_t rcp_random(struct rcp *rcp);

#endif
