/* QMI: the RP2350's interface to two QSPI memories, flash and PSRAM. */
#ifndef ONCHIP_QMI_H
#define ONCHIP_QMI_H

#include "emulator/core/block.h"
#include "emulator/core/qspi.h"
#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/qmi.h"
#include "peripherals/onchip/registers/xip_aux.h"
#include "peripherals/onchip/xip_ctrl.h"

#define QMI_FIFO 4u
#define QMI_WINDOWS 2u

struct qmi_fifo {
    uint32_t words[QMI_FIFO];
    unsigned first;
    unsigned level;
};

struct qmi {
    struct block block;
    /* Wired by the chip table before block_start(). */
    struct qspi_target *devices[QMI_WINDOWS]; /* by chip select; NULL: nothing there, lines float high */
    struct gpio_bank *gpio;                   /* the QSPI pins; NULL: none */
    struct gpio_bank *bank0;                  /* has the second chip select; NULL: not there */
    struct clock_domain *clock;               /* clk_sys */
    struct line dreq_tx;
    struct line dreq_rx;
    /* ATRANS<number> has got another value: what the cores have mapped is out of date. May be NULL. */
    void (*remapped)(void *context, unsigned number);
    void *context;

    struct qmi_fifo tx;
    struct qmi_fifo rx;
    uint32_t xip_next; /* bus address behind what XIP has read last, and the cycle in which that ended */
    uint64_t xip_end;

    bool shifting;
    uint32_t frame; /* the TX record under way */
    struct event frame_end;
};

extern const struct block_class qmi_class;

/* Address translation: `offset` into the XIP region, 0 to 0x1ffffff (window 1 begins at 0x1000000). False beyond an
 * ATRANS aperture, where the bus gives an error. */
bool qmi_translate(const struct qmi *qmi, uint32_t offset, unsigned *ret_window, uint32_t *ret_physical);
/* The word that XIP has at a bus address (translated windows); `context`: the struct qmi. For struct xip_ctrl. */
bool qmi_fetch(void *context, uint32_t address, uint32_t *ret_word);

/* Cycles of clk_sys that XIP takes to read `size` bytes (4 or 8) at a bus address from cycle `now` on, by the registers
 * as they are; `context`: the struct qmi. For struct xip_ctrl. */
unsigned qmi_xip_cycles(void *context, uint32_t address, unsigned size, uint64_t now);

/* XIP_AUX of the RP2350: fast ports of the stream and of the direct mode FIFOs. */
struct xip_aux {
    struct block block;
    struct xip_ctrl *xip; /* wired by the chip table */
    struct qmi *qmi;
};

extern const struct block_class xip_aux_class;

#endif
