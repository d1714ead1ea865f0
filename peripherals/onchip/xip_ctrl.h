/* XIP_CTRL: control of the XIP cache, its counters, and the streaming FIFO. */
#ifndef ONCHIP_XIP_CTRL_H
#define ONCHIP_XIP_CTRL_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/xip_aux.h"
#include "peripherals/onchip/registers/xip_ctrl.h"
#include "peripherals/onchip/xip_cache.h"

#define XIP_SRAM_SIZE 0x4000u
#define XIP_STREAM_FIFO 2u

struct xip_ctrl {
    struct block block;
    /* Wired by the chip table before block_start(). */
    /* The word that XIP has at `address` (any window of it), false where there is none. NULL: no flash at all. */
    bool (*fetch)(void *context, uint32_t address, uint32_t *ret_word);
    void *context;
    struct line dreq_stream;
    /* Other stores to XIP than before are faults (xip_ctrl_refuses()), or the cache as memory has come or gone. NULL:
     * nobody cares. */
    void (*control_changed)(void *context);
    void *control_context;
    /* Cycles of clk_sys to read `size` bytes (4 or 8) at a bus address from the flash, beginning in cycle `now`. NULL:
     * none. */
    unsigned (*read_cycles)(void *context, uint32_t address, unsigned size, uint64_t now);
    void *read_context;
    /* What keeps XIP from reading the flash at this moment, in words; NULL: nothing does. `*ret_is_error`: the bus says
     * so; else what is read is not what the chip would read. NULL: nothing ever does. */
    const char *(*obstacle)(void *context, bool *ret_is_error);
    void *obstacle_context;
    /* Any fetch may take other time than before. NULL: nobody cares. */
    void (*all_lost)(void *context);
    void *lost_context;

    uint8_t *sram; /* XIP_SRAM_SIZE bytes aligned to 4096, for the chip table to map; owned; NULL: no memory */
    struct xip_cache cache;
    uint32_t fifo[XIP_STREAM_FIFO];
    unsigned level;
    bool reported; /* the obstacle of this moment is in the log */
};

#define XIP_BUS_ERROR UINT32_MAX

extern const struct block_class xip_ctrl_class;

/* Is a store to this address of the XIP windows a bus fault, by CTRL? */
bool xip_ctrl_refuses(const struct xip_ctrl *xip, uint32_t address);
/* A word of code is fetched from a bus address in XIP, in cycle `now` of clk_sys: cycles that this takes beyond a cache
 * hit, or XIP_BUS_ERROR. `*ret_stays`: from now on it takes none, until cache.lost or all_lost say so. */
unsigned xip_ctrl_fetch(struct xip_ctrl *xip, uint32_t address, uint64_t now, bool *ret_stays);
/* Is the cache's RAM there as memory of its own (RP2040: while the cache is off)? */
bool xip_ctrl_shows_sram(const struct xip_ctrl *xip);
/* Do stores reach the memory at the second chip select? (RP2350; they are faults otherwise.) */
bool xip_ctrl_writes_second(const struct xip_ctrl *xip);
/* Take a word from the streaming FIFO; 0 when it is empty. */
uint32_t xip_ctrl_stream_pop(struct xip_ctrl *xip);
/* The same as functions of a bus window: the RP2040's XIP_AUX at 0x50400000. `context`: the struct xip_ctrl. */
uint32_t xip_aux_window_read(void *context, uint32_t offset, unsigned size);
void xip_aux_window_write(void *context, uint32_t offset, uint32_t value, unsigned size);
/* The RP2350's cache maintenance region (0x18000000, any size): stores invalidate, clean and pin. */
uint32_t xip_maintenance_window_read(void *context, uint32_t offset, unsigned size);
void xip_maintenance_window_write(void *context, uint32_t offset, uint32_t value, unsigned size);
/* So many accesses more, of which so many hit. Both counters saturate. */
void xip_ctrl_count(struct xip_ctrl *xip, uint32_t accesses, uint32_t hits);

#endif
