/* XIP_CTRL: control of the XIP cache, its counters, and the streaming FIFO. */
#ifndef ONCHIP_XIP_CTRL_H
#define ONCHIP_XIP_CTRL_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/xip_aux.h"
#include "peripherals/onchip/registers/xip_ctrl.h"

#define XIP_SRAM_SIZE 0x4000u
#define XIP_STREAM_FIFO 2u

struct xip_ctrl {
    struct block block;
    /* Wired by the chip table before block_start(). */
    /* The word that XIP has at `address` (any window of it), false where there is none. NULL: no flash at all. */
    bool (*fetch)(void *context, uint32_t address, uint32_t *ret_word);
    void *context;
    struct line dreq_stream;
    /* Other stores to XIP than before are faults (xip_ctrl_refuses()). NULL: nobody cares. */
    void (*control_changed)(void *context);
    void *control_context;

    uint8_t *sram; /* XIP_SRAM_SIZE bytes aligned to 4096, for the chip table to map; owned; NULL: no memory */
    uint32_t fifo[XIP_STREAM_FIFO];
    unsigned level;
};

extern const struct block_class xip_ctrl_class;

/* Is a store to this address of the XIP windows a bus fault, by CTRL? */
bool xip_ctrl_refuses(const struct xip_ctrl *xip, uint32_t address);
/* Take a word from the streaming FIFO; 0 when it is empty. */
uint32_t xip_ctrl_stream_pop(struct xip_ctrl *xip);
/* The same as functions of a bus window: the RP2040's XIP_AUX at 0x50400000. `context`: the struct xip_ctrl. */
uint32_t xip_aux_window_read(void *context, uint32_t offset, unsigned size);
void xip_aux_window_write(void *context, uint32_t offset, uint32_t value, unsigned size);
/* The RP2350's cache maintenance region (0x18000000, any size and offset): invalidate, clean and pin are nothing to do
 * where there is no cache. */
uint32_t xip_maintenance_window_read(void *context, uint32_t offset, unsigned size);
void xip_maintenance_window_write(void *context, uint32_t offset, uint32_t value, unsigned size);
/* For a machine that models the cache: so many accesses more, of which so many hit. Both counters saturate. */
void xip_ctrl_count(struct xip_ctrl *xip, uint32_t accesses, uint32_t hits);

#endif
