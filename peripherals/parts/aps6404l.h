/* AP Memory APS6404L-style serial PSRAM on four data lines (APS1604M, APS3204L and APS6404L: 2, 4 and 8 MB).
 *
 * `contents` is what the cores map as memory: loads and stores through the map cost nothing and do not come by here. */
#ifndef PARTS_APS6404L_H
#define PARTS_APS6404L_H

#include "emulator/core/net.h"
#include "emulator/core/qspi.h"

struct aps6404l_desc {
    const char *name;        /* in log lines, borrowed; NULL: "PSRAM" */
    struct environment *env; /* borrowed */
    uint32_t size;           /* bytes: 2, 4 or 8 MB; the id follows it */
    /* A command has written bytes. May be NULL. */
    void (*changed)(void *context, uint32_t offset, uint32_t size);
    void *context;
};

struct aps6404l_command; /* private */

struct aps6404l {
    struct aps6404l_desc desc;
    struct qspi_target target; /* for the controller that it hangs on */
    uint8_t *contents;         /* desc.size bytes, owned, aligned to 4096 */
    bool quad;                 /* QPI: commands come on four lines as well */
    bool wraps;                /* bursts wrap at 32 bytes */
    bool reset_enabled;        /* 0x66 has been the command before */

    struct net_listener select_pin;

    /* The transaction under way. */
    bool selected;
    const struct aps6404l_command *command;
    unsigned phase;
    unsigned left;  /* bits or clocks left in this phase */
    uint32_t shift; /* bits that came in; in the output phase: bits still to go out */
    uint32_t address;
    uint32_t count; /* data bytes so far */
};

/* A new chip after power-up. False when the size is not supported or memory ran out. */
bool aps6404l_init(struct aps6404l *chip, const struct aps6404l_desc *desc);
void aps6404l_finish(struct aps6404l *chip);

/* The chip-select line; `selected` is its active (low) level. */
void aps6404l_select(struct aps6404l *chip, bool selected);
/* Let it follow a net (borrowed) from now on; a floating one does not select. */
void aps6404l_connect_select(struct aps6404l *chip, struct net *net);
/* One clock, as struct qspi_target has it. */
unsigned aps6404l_clock(struct aps6404l *chip, unsigned lines);
/* Its section of a snapshot. Nobody is told that contents change. */
void aps6404l_walk(struct aps6404l *chip, struct walk *walk);

#endif
