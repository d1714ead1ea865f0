/* SPI (Arm PL022 r1p4). RP2040 datasheet 4.4, RP2350 datasheet 12.3, Arm DDI 0194.
 *
 * Frames are worked off when somebody looks (an access, an interrupt or a data request that depends on it), each
 * with its own end time; a target hears of a frame at most half a FIFO late, never after BSY has been seen low.
 *
 * A frame on watched pins puts an edge at each half bit time; RX is sampled from its net.
 *
 * Not modelled: slave mode, the TI and Microwire frame formats (frames are exchanged in the Motorola format all the
 * same; a stub line says so).
 *
 * Decided: in the Motorola format with SPH = 0 the frame select pulses for one bit time between frames. The data
 * request for transmission rises when the FIFO is half empty and falls when it is full, the one for reception rises
 * when it is half full or nothing more comes, and falls when it is empty: fewer, longer bursts than on the chip, with
 * the same throughput. An SSPDR read from an empty FIFO gives 0. */
#include "peripherals/onchip/spi.h"
#include "emulator/core/serial.h"
#include "peripherals/onchip/registers/spi.h"

#define HALF (SPI_FIFO_DEPTH / 2)
#define TIMEOUT_BITS 32

__extension__ typedef unsigned __int128 wide;

static struct spi *spi_of(struct block *block) {
    return (struct spi *)block;
}

/* ---- FIFOs ---- */
static void push(struct spi_fifo *fifo, uint16_t item) {
    fifo->items[(fifo->first + fifo->count++) % SPI_FIFO_DEPTH] = item;
}

static uint16_t pop(struct spi_fifo *fifo) {
    uint16_t item = fifo->items[fifo->first];
    fifo->first = (fifo->first + 1) % SPI_FIFO_DEPTH;
    fifo->count--;
    return item;
}

/* ---- Outputs ---- */
static uint32_t raw_interrupts(const struct spi *spi) {
    return spi->latched | (spi->tx.count <= HALF ? SPI_SSPRIS_TXRIS : 0) |
           (spi->rx.count >= HALF ? SPI_SSPRIS_RXRIS : 0);
}

static void spi_update(struct spi *spi) {
    const uint32_t *values = spi->block.values;
    uint32_t dma = values[SPI_SSPDMACR];
    unsigned tx_limit = spi->dreq_tx.level ? SPI_FIFO_DEPTH : HALF + 1;
    unsigned rx_limit = spi->dreq_rx.level || !spi->shifting ? 1 : HALF;
    line_set(&spi->block.irq[0], raw_interrupts(spi) & values[SPI_SSPIMSC]);
    line_set(&spi->dreq_tx, dma & SPI_SSPDMACR_TXDMAE && spi->tx.count < tx_limit);
    line_set(&spi->dreq_rx, dma & SPI_SSPDMACR_RXDMAE && spi->rx.count >= rx_limit);
}

/* What the pins show between frames. */
static void update_pins(struct spi *spi) {
    const uint32_t *values = spi->block.values;
    if (!spi->gpio) {
        return;
    }
    uint64_t pins = spi->cs_pins | spi->sck_pins | spi->tx_pins;
    bool sck = spi->sck_active != !!(values[SPI_SSPCR0] & SPI_SSPCR0_SPO);
    uint64_t out =
        (spi->frame_select ? 0 : spi->cs_pins) | (sck ? spi->sck_pins : 0) | (spi->tx_level ? spi->tx_pins : 0);
    gpio_function_outputs(spi->gpio, spi->function, pins, out, pins);
}

static void select_frame(struct spi *spi, bool selected) {
    spi->frame_select = selected;
    if (spi->gpio && spi->cs_pins & spi->gpio->selected[spi->function]) {
        update_pins(spi);
    }
}

/* ---- Time ---- */
static uint64_t bits_ps(const struct spi *spi, unsigned bits) {
    const struct clock_domain *clk = spi->clk_peri;
    const uint32_t *values = spi->block.values;
    uint64_t cycles =
        (uint64_t)bits * (values[SPI_SSPCPSR] & 0xfe) * (1 + field_get(values[SPI_SSPCR0], SPI_SSPCR0_SCR));
    return clk->period_num ? (uint64_t)((wide)cycles * clk->period_num / clk->period_den) : 0;
}

static unsigned frame_bits(const struct spi *spi) {
    return 1 + field_get(spi->block.values[SPI_SSPCR0], SPI_SSPCR0_DSS);
}

uint64_t spi_frame_ps(const struct spi *spi) {
    uint32_t format = spi->block.values[SPI_SSPCR0] & (SPI_SSPCR0_FRF | SPI_SSPCR0_SPH);
    return bits_ps(spi, frame_bits(spi) + (format == 0 ? 1 : 0));
}

/* ---- Frames ---- */
static struct net *selected_net(const struct spi *spi, uint64_t pins) {
    uint64_t selected = spi->gpio ? pins & spi->gpio->selected[spi->function] : 0;
    return selected ? &spi->gpio->pins[__builtin_ctzll(selected)].net : NULL;
}

static uint32_t exchange(struct spi *spi) {
    if (spi->block.values[SPI_SSPCR1] & SPI_SSPCR1_LBM) {
        return spi->shifter;
    }
    return spi_exchange(selected_net(spi, spi->sck_pins), selected_net(spi, spi->tx_pins),
                        selected_net(spi, spi->rx_pins), spi->shifter, frame_bits(spi));
}

static bool is_watched(const struct spi *spi) {
    uint64_t pins = spi->rx_pins | spi->cs_pins | spi->sck_pins | spi->tx_pins;
    bool inside = spi->block.values[SPI_SSPCR1] & SPI_SSPCR1_LBM;
    return spi->gpio && !inside && gpio_any_watched(spi->gpio, pins & spi->gpio->selected[spi->function]);
}

static void play_frame(struct spi *spi, uint64_t now_ps) {
    spi->on_wire = true;
    spi->half = 0;
    spi->sampled = 0;
    spi->frame_select = true;
    if (!(spi->block.values[SPI_SSPCR0] & SPI_SSPCR0_SPH)) {
        spi->tx_level = spi->shifter >> (frame_bits(spi) - 1) & 1;
    }
    update_pins(spi);
    scheduler_add(spi->block.env->scheduler, &spi->edge, now_ps + bits_ps(spi, 1) / 2);
}

static void start_frame(struct spi *spi, uint64_t now_ps) {
    uint64_t duration = spi_frame_ps(spi);
    if (!spi->tx.count || !(spi->block.values[SPI_SSPCR1] & SPI_SSPCR1_SSE) || !duration) {
        return;
    }
    spi->shifter = pop(&spi->tx) & (uint16_t)((1u << frame_bits(spi)) - 1);
    spi->shifting = true;
    spi->frame_end_ps = now_ps + duration;
    spi->on_wire = is_watched(spi);
    if (spi->on_wire) {
        play_frame(spi, now_ps);
    }
}

static void end_frame(struct spi *spi) {
    select_frame(spi, true);
    uint16_t received = spi->on_wire ? spi->sampled : (uint16_t)exchange(spi);
    select_frame(spi, spi->block.values[SPI_SSPCR0] & SPI_SSPCR0_SPH && spi->tx.count);
    if (spi->rx.count == SPI_FIFO_DEPTH) {
        spi->latched |= SPI_SSPRIS_RORRIS;
    } else {
        push(&spi->rx, received);
    }
    spi->rx_touched_ps = spi->frame_end_ps;
    spi->shifting = false;
    start_frame(spi, spi->frame_end_ps);
}

/* All that has happened until `now_ps`. */
static void run(struct spi *spi, uint64_t now_ps) {
    if (!spi->shifting) {
        start_frame(spi, now_ps);
    }
    while (spi->shifting && spi->frame_end_ps <= now_ps && !spi->on_wire) {
        end_frame(spi);
    }
    uint64_t timeout = bits_ps(spi, TIMEOUT_BITS);
    if (spi->rx.count && timeout && now_ps - spi->rx_touched_ps >= timeout) {
        spi->latched |= SPI_SSPRIS_RTRIS;
    }
}

/* When something outside could change next without an access. */
static uint64_t next_change(const struct spi *spi) {
    const uint32_t *values = spi->block.values;
    if (spi->on_wire && spi->shifting) {
        return TIME_NEVER; /* its last edge tells */
    }
    if (!spi->shifting) {
        bool waits = spi->rx.count && values[SPI_SSPIMSC] & ~spi->latched & SPI_SSPIMSC_RTIM;
        uint64_t timeout = bits_ps(spi, TIMEOUT_BITS);
        return waits && timeout ? spi->rx_touched_ps + timeout : TIME_NEVER;
    }
    unsigned frames = spi->tx.count;
    if (values[SPI_SSPIMSC]) {
        frames = 0;
    } else if (values[SPI_SSPDMACR]) {
        frames = spi->tx.count > HALF ? spi->tx.count - HALF - 1 : 0;
        unsigned room = spi->rx.count < HALF ? HALF - 1 - spi->rx.count : 0;
        bool rx_waits = values[SPI_SSPDMACR] & SPI_SSPDMACR_RXDMAE && !spi->dreq_rx.level;
        frames = rx_waits && room < frames ? room : frames;
    }
    return spi->frame_end_ps + frames * spi_frame_ps(spi);
}

static void schedule(struct spi *spi) {
    struct scheduler *scheduler = spi->block.env->scheduler;
    uint64_t when = next_change(spi);
    if (when == TIME_NEVER) {
        scheduler_cancel(scheduler, &spi->event);
    } else if (!spi->event.pending || spi->event.when_ps > when) {
        scheduler_add(scheduler, &spi->event, when);
    }
}

static void settle(struct spi *spi) {
    spi_update(spi);
    update_pins(spi);
    schedule(spi);
}

/* ---- Registers ---- */
static uint32_t status(const struct spi *spi) {
    return (spi->tx.count ? 0 : SPI_SSPSR_TFE) | (spi->tx.count < SPI_FIFO_DEPTH ? SPI_SSPSR_TNF : 0) |
           (spi->rx.count ? SPI_SSPSR_RNE : 0) | (spi->rx.count == SPI_FIFO_DEPTH ? SPI_SSPSR_RFF : 0) |
           (spi->shifting || spi->tx.count ? SPI_SSPSR_BSY : 0);
}

static uint32_t read_data(struct spi *spi) {
    if (!spi->rx.count) {
        return 0;
    }
    uint32_t item = pop(&spi->rx);
    spi->rx_touched_ps = scheduler_now(spi->block.env->scheduler);
    if (!spi->rx.count) {
        spi->latched &= ~SPI_SSPRIS_RTRIS;
    }
    return item;
}

static uint32_t spi_read(struct block *block, unsigned reg) {
    struct spi *spi = spi_of(block);
    uint32_t value = block->values[reg];
    if (reg > SPI_SSPMIS) {
        return reg == SPI_SSPICR ? 0 : value;
    }
    run(spi, scheduler_now(block->env->scheduler));
    switch (reg) {
    case SPI_SSPDR:
        value = read_data(spi);
        break;
    case SPI_SSPSR:
        value = status(spi);
        break;
    case SPI_SSPRIS:
        value = raw_interrupts(spi);
        break;
    case SPI_SSPMIS:
        value = raw_interrupts(spi) & block->values[SPI_SSPIMSC];
        break;
    }
    settle(spi);
    return value;
}

static uint64_t spi_holds_until(struct block *block, unsigned reg) {
    struct spi *spi = spi_of(block);
    return spi->shifting ? spi->frame_end_ps : TIME_NEVER;
}

static void write_data(struct spi *spi, uint32_t value) {
    if (spi->tx.count == SPI_FIFO_DEPTH) {
        log_write(spi->block.env->log, LOG_GUEST, spi->block.name, "frame written to a full FIFO is lost");
        return;
    }
    push(&spi->tx, (uint16_t)value);
}

static void write_control(struct spi *spi, unsigned reg) {
    const uint32_t *values = spi->block.values;
    bool is_on = values[SPI_SSPCR1] & SPI_SSPCR1_SSE;
    if (is_on && (values[SPI_SSPCR1] & SPI_SSPCR1_MS || values[SPI_SSPCR0] & SPI_SSPCR0_FRF)) {
        block_report_stub(&spi->block, spi->block.registers->descs[reg].offset, true);
    }
}

static void spi_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct spi *spi = spi_of(block);
    uint64_t now = scheduler_now(block->env->scheduler);
    uint32_t written = block->values[reg];
    block->values[reg] = old; /* up to now the old setting holds */
    run(spi, now);
    block->values[reg] = written;
    switch (reg) {
    case SPI_SSPDR:
        write_data(spi, value);
        break;
    case SPI_SSPCR0:
    case SPI_SSPCR1:
        write_control(spi, reg);
        break;
    case SPI_SSPICR:
        spi->latched &= ~value;
        break;
    }
    if (!spi->shifting) {
        start_frame(spi, now);
    }
    settle(spi);
}

/* ---- Events ---- */
static void spi_due(struct event *event, uint64_t late_ps) {
    struct spi *spi = event->owner;
    run(spi, event->when_ps + late_ps);
    settle(spi);
}

/* Odd halves begin with the leading edge of SCK, even ones with the trailing edge; SPH tells which one samples. */
static void play_edge(struct spi *spi) {
    unsigned bit = frame_bits(spi) - 1 - (spi->half - 1) / 2;
    bool leading = spi->half % 2;
    bool samples = leading != !!(spi->block.values[SPI_SSPCR0] & SPI_SSPCR0_SPH);
    if (samples) {
        const struct net *rx = selected_net(spi, spi->rx_pins);
        spi->sampled = (uint16_t)(spi->sampled << 1 | (rx && net_is_high(rx)));
    } else if (leading || bit) {
        spi->tx_level = spi->shifter >> (leading ? bit : bit - 1) & 1;
    }
    spi->sck_active = leading;
    update_pins(spi);
}

static void edge_due(struct event *event, uint64_t late_ps) {
    struct spi *spi = event->owner;
    unsigned halves = 2 * frame_bits(spi);
    uint64_t now = event->when_ps;
    if (spi->half < halves) {
        spi->half++;
        play_edge(spi);
    }
    if (now >= spi->frame_end_ps) {
        end_frame(spi);
        settle(spi);
        return;
    }
    uint64_t next = spi->half < halves ? now + bits_ps(spi, 1) / 2 : spi->frame_end_ps;
    scheduler_add(spi->block.env->scheduler, event, next < spi->frame_end_ps ? next : spi->frame_end_ps);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct spi *spi = listener->owner;
    if (spi->tx.count || spi->shifting) {
        run(spi, scheduler_now(spi->block.env->scheduler));
        settle(spi);
    }
}

static void spi_reset(struct block *block) {
    struct spi *spi = spi_of(block);
    spi->tx = spi->rx = (struct spi_fifo){ 0 };
    spi->shifting = false;
    spi->frame_select = spi->on_wire = spi->sck_active = spi->tx_level = false;
    scheduler_cancel(block->env->scheduler, &spi->edge);
    spi->latched = 0;
    settle(spi);
}

static void spi_init(struct block *block) {
    struct spi *spi = spi_of(block);
    spi->event = (struct event){ .name = "spi", .callback = spi_due, .owner = spi };
    spi->edge = (struct event){ .name = "spi edge", .callback = edge_due, .owner = spi };
    spi->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = spi };
    clock_listen(spi->clk_peri, &spi->clock_listener);
}

const struct block_class spi_class = {
    .name = "spi",
    .size = sizeof(struct spi),
    .init = spi_init,
    .reset = spi_reset,
    .read = spi_read,
    .write = spi_write,
    .holds_until = spi_holds_until,
};
