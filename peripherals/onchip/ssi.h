/* SSI: the controller between XIP and the flash chip of the RP2040 (a Synopsys DW_apb_ssi). */
#ifndef ONCHIP_SSI_H
#define ONCHIP_SSI_H

#include "emulator/core/block.h"
#include "emulator/core/qspi.h"
#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/ssi.h"

#define SSI_FIFO 16u

struct ssi_fifo {
    uint32_t words[SSI_FIFO];
    unsigned first;
    unsigned level;
};

struct ssi {
    struct block block; /* irq[0]: ssi_intr */
    /* Wired by the chip table before block_start(). */
    struct qspi_target *flash;  /* what hangs on the data lines; NULL: nothing, they float high */
    struct gpio_bank *gpio;     /* the QSPI pins; NULL: none */
    struct clock_domain *clock; /* clk_sys */
    struct line dreq_tx;
    struct line dreq_rx;

    struct ssi_fifo tx;
    struct ssi_fifo rx;
    bool transmit_overflow; /* RISR's sticky bits */
    bool receive_overflow;
    bool receive_underflow;

    unsigned phase;         /* of the transfer under way */
    unsigned receives_left; /* frames still to be received in the modes that count them */
    uint32_t frame;         /* what is being sent */
    struct event frame_end;
};

extern const struct block_class ssi_class;

/* Cycles of clk_sys that XIP takes to read a word, by the registers as they are. */
unsigned ssi_xip_cycles(const struct ssi *ssi);
/* Are its registers set up for XIP? Else for commands, or nothing. */
bool ssi_serves_xip(const struct ssi *ssi);
/* The state in which the boot ROM's flash services leave the SSI for plain commands: 8-bit frames both ways, SER set,
 * clk_sys / 6, enabled (RP2040 datasheet 2.8.1.2). For a boot ROM done by services instead of code. */
void ssi_init_serial(struct ssi *ssi);

#endif
