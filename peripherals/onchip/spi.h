/* SPI0 and SPI1 (Arm PL022). Frames go to the targets (emulator/core/serial.h) on the net of the selected SCK pin;
 * when somebody watches one of the selected pins they play out there edge by edge instead. As a slave it listens to
 * the edges of its pins.
 * Lines: irq[0] the combined interrupt. */
#ifndef ONCHIP_SPI_H
#define ONCHIP_SPI_H

#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/gpio.h"

#define SPI_FIFO_DEPTH 8
#define SPI_FIFO_OFFSET 8 /* of SSPDR */

struct spi_fifo {
    uint16_t items[SPI_FIFO_DEPTH];
    unsigned first;
    unsigned count;
};

enum spi_format { SPI_MOTOROLA, SPI_TI, SPI_MICROWIRE };

/* What SSPCR0, SSPCPSR and the clock amount to. Times in picoseconds, 0 while the prescaler is not set or the clock
 * stands. */
struct spi_settings {
    enum spi_format format;
    unsigned data_bits; /* of a frame */
    unsigned wire_bits; /* clocks of a frame that carry bits */
    bool reads_late, rests_high;
    uint64_t bit_ps, frame_ps, timeout_ps;
};

struct spi {
    struct block block;
    /* Wiring */
    struct clock_domain *clk_peri;
    struct line dreq_tx;
    struct line dreq_rx;
    /* The DMA that serves its requests looks at it itself, also into the future; it is told before and after accesses
     * by others. NULL: there is none. */
    void (*dma_catch_up)(void *context, uint64_t end_ps);
    void (*dma_plan)(void *context);
    void *dma_context;
    struct gpio_bank *gpio; /* NULL: no pins, frames go nowhere */
    unsigned function;      /* FUNCSEL of all its pins */
    uint64_t rx_pins;       /* a bit per pin that can be it */
    uint64_t cs_pins;
    uint64_t sck_pins;
    uint64_t tx_pins;

    struct spi_settings settings;
    struct spi_fifo tx;
    struct spi_fifo rx;
    uint64_t reached_ps; /* all before has happened */
    bool shifting;
    bool frame_select; /* SSPFSSOUT is active */
    uint32_t shifter;  /* the bits on the wire, the last one lowest */
    uint64_t frame_start_ps;
    uint64_t frame_end_ps;
    bool on_wire;   /* the frame is being played out */
    bool unwatched; /* nobody has watched the pins when the frames that are being made up for began */
    unsigned lead;  /* half bit times before its first bit (TI format) */
    unsigned half;  /* half bit times of it that are over */
    uint32_t sampled;
    bool sck_active; /* SCK is not at its resting level */
    bool tx_level;
    uint64_t rx_touched_ps; /* when the receive FIFO was last filled or read */
    uint32_t latched;       /* SSPRORINTR and SSPRTINTR */
    struct event event;
    struct event edge;
    struct clock_listener clock_listener;

    /* As a slave */
    struct gpio_listener pin_listener;
    bool selected; /* by SSPFSSIN */
    bool receives; /* a frame is open for bits */
    bool sck_was;
    unsigned bits; /* of the frame */
};

extern const struct block_class spi_class;

/* Duration of a frame in picoseconds, 0 while the prescaler is not set or the clock stands. */
uint64_t spi_frame_ps(const struct spi *spi);

/* For struct dma_follower; `spi` is the block. */
uint64_t spi_next_request(void *spi);
void spi_run_until(void *spi, uint64_t until_ps);
uint64_t spi_earliest_request(void *spi, bool is_tx, uint32_t transfers);
bool spi_is_calm(void *spi, struct dma_calm *ret_calm);
void spi_put(void *spi, uint32_t word);
uint32_t spi_get(void *spi);
void spi_settle_calm(void *spi, uint64_t now_ps);

#endif
