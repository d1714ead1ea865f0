/* SPI (Arm PL022 r1p4). RP2040 datasheet 4.4, RP2350 datasheet 12.3, Arm DDI 0194.
 *
 * Frames are worked off when somebody looks (an access, an interrupt, the end of a DMA channel that depends on it),
 * each with its own end time; a target hears of a frame at most a FIFO of frames late, never after BSY has been seen
 * low. Requests that rise meanwhile, and the transfers that they bring, have their own times too: the DMA follows them
 * (struct dma_follower).
 *
 * A frame on watched pins puts an edge at each half bit time; RX is sampled from its net. The slave is in
 * spi_slave.c.
 *
 * On the wires the TI format is as the Motorola one with SPO = 0 and SPH = 1 after a clock in which the frame select is
 * high, which falls into the last bit of a frame before it; a Microwire frame is as one of mode 0 with eight bits of
 * control, a clock, and the bits that are read.
 *
 * Decided: in the Motorola format with SPH = 0 the frame select pulses for one bit time between frames. The data
 * request for transmission rises when the FIFO is half empty and falls when it is full, the one for reception rises
 * when it is half full or nothing more comes, and falls when it is empty: fewer, longer bursts than on the chip, with
 * the same throughput. An SSPDR read from an empty FIFO gives 0. The receive timeout counts from the last frame, the
 * last read or the last time that it was cleared. */
#include "peripherals/onchip/spi.h"
#include "emulator/core/serial.h"
#include "peripherals/onchip/spi_private.h"

#include <limits.h>

#define HALF (SPI_FIFO_DEPTH / 2)
#define TIMEOUT_BITS 32

static struct spi *spi_of(struct block *block) {
    return (struct spi *)block;
}

/* ---- Time ---- */
/* An access by the DMA has the date of its transfer. */
static uint64_t time_of_access(struct spi *spi) {
    uint64_t due = scheduler_due(spi->block.env->scheduler);
    return due > spi->reached_ps ? due : spi->reached_ps;
}

/* ---- FIFOs ---- */
static void push(struct spi_fifo *fifo, uint16_t item) {
    fifo->items[(fifo->first + fifo->count++) % SPI_FIFO_DEPTH] = item;
}

uint16_t spi_pop(struct spi_fifo *fifo) {
    uint16_t item = fifo->items[fifo->first];
    fifo->first = (fifo->first + 1) % SPI_FIFO_DEPTH;
    fifo->count--;
    return item;
}

/* ---- Settings ---- */
static uint64_t bits_ps(const struct spi *spi, unsigned bits) {
    const uint32_t *values = spi->block.values;
    uint64_t divisor = (values[SPI_SSPCPSR] & 0xfe) * (1 + field_get(values[SPI_SSPCR0], SPI_SSPCR0_SCR));
    return clock_duration(spi->clk_peri, bits * divisor);
}

/* SSPCR0, SSPCPSR or the clock has changed. */
static void take_settings(struct spi *spi) {
    struct spi_settings *settings = &spi->settings;
    uint32_t control = spi->block.values[SPI_SSPCR0];
    uint32_t format = field_get(control, SPI_SSPCR0_FRF);
    settings->format = format <= SPI_MICROWIRE ? (enum spi_format)format : SPI_MOTOROLA;
    bool is_motorola = settings->format == SPI_MOTOROLA;
    settings->data_bits = 1 + field_get(control, SPI_SSPCR0_DSS);
    settings->wire_bits = settings->data_bits + (settings->format == SPI_MICROWIRE ? 9 : 0);
    settings->reads_late = settings->format == SPI_TI || (is_motorola && control & SPI_SSPCR0_SPH);
    settings->rests_high = is_motorola && control & SPI_SSPCR0_SPO;
    settings->bit_ps = bits_ps(spi, 1);
    settings->frame_ps = bits_ps(spi, settings->wire_bits + (is_motorola && !settings->reads_late ? 1 : 0));
    settings->timeout_ps = bits_ps(spi, TIMEOUT_BITS);
}

uint64_t spi_frame_ps(const struct spi *spi) {
    return spi->settings.frame_ps;
}

static uint32_t wire_word(const struct spi *spi, uint16_t item) {
    unsigned bits = spi_data_bits(spi);
    return spi_format(spi) == SPI_MICROWIRE ? (uint32_t)(item & 0xff) << (bits + 1) : item & ((1u << bits) - 1);
}

/* ---- Outputs ---- */
static uint32_t raw_interrupts(const struct spi *spi) {
    return spi->latched | (spi->tx.count <= HALF ? SPI_SSPRIS_TXRIS : 0) |
           (spi->rx.count >= HALF ? SPI_SSPRIS_RXRIS : 0);
}

/* A request that changes while the past is made up for has the date of that. */
static void set_request(struct spi *spi, struct line *line, bool level) {
    if (line->level != level) {
        struct scheduler *scheduler = spi->block.env->scheduler;
        struct scheduler_date before = scheduler_date(scheduler, time_of_access(spi));
        line_set(line, level);
        scheduler_undate(scheduler, before);
    }
}

static void spi_update(struct spi *spi) {
    const uint32_t *values = spi->block.values;
    uint32_t dma = values[SPI_SSPDMACR];
    unsigned tx_limit = spi->dreq_tx.level ? SPI_FIFO_DEPTH : HALF + 1;
    unsigned rx_limit = spi->dreq_rx.level || !spi->shifting ? 1 : HALF;
    line_set(&spi->block.irq[0], raw_interrupts(spi) & values[SPI_SSPIMSC]);
    set_request(spi, &spi->dreq_tx, dma & SPI_SSPDMACR_TXDMAE && spi->tx.count < tx_limit);
    set_request(spi, &spi->dreq_rx, dma & SPI_SSPDMACR_RXDMAE && spi->rx.count >= rx_limit);
}

/* What the pins show between frames. */
void spi_update_pins(struct spi *spi) {
    const uint32_t *values = spi->block.values;
    if (!spi->gpio) {
        return;
    }
    uint64_t pins = spi->cs_pins | spi->sck_pins | spi->tx_pins;
    bool sck = spi->sck_active != spi_rests_high(spi);
    bool cs = spi->frame_select == (spi_format(spi) == SPI_TI);
    bool speaks = spi->selected && !(values[SPI_SSPCR1] & SPI_SSPCR1_SOD);
    uint64_t out = (cs ? spi->cs_pins : 0) | (sck ? spi->sck_pins : 0) | (spi->tx_level ? spi->tx_pins : 0);
    uint64_t driven = !(values[SPI_SSPCR1] & SPI_SSPCR1_MS) ? pins : speaks ? spi->tx_pins : 0;
    gpio_function_outputs(spi->gpio, spi->function, pins, out, driven);
}

static void select_frame(struct spi *spi, bool selected) {
    spi->frame_select = selected;
    if (spi->gpio && spi->cs_pins & spi->gpio->selected[spi->function]) {
        spi_update_pins(spi);
    }
}

/* ---- Frames ---- */
static struct net *selected_net(const struct spi *spi, uint64_t pins) {
    uint64_t selected = spi->gpio ? pins & spi->gpio->selected[spi->function] : 0;
    return selected ? &spi->gpio->pins[__builtin_ctzll(selected)].net : NULL;
}

/* The whole frame at once; targets hear of it with the date of the edge that its last bit is read at. */
static uint32_t exchange(struct spi *spi) {
    if (spi->block.values[SPI_SSPCR1] & SPI_SSPCR1_LBM) {
        return spi->shifter;
    }
    struct scheduler *scheduler = spi->block.env->scheduler;
    unsigned halves = spi->lead + 2 * spi->settings.wire_bits - (spi_reads_late(spi) ? 0 : 1);
    struct scheduler_date before = scheduler_date(scheduler, spi->frame_start_ps + halves * (spi->settings.bit_ps / 2));
    uint32_t answer = spi_exchange(selected_net(spi, spi->sck_pins), selected_net(spi, spi->tx_pins),
                                   selected_net(spi, spi->rx_pins), spi->shifter, spi->settings.wire_bits);
    scheduler_undate(scheduler, before);
    return answer;
}

static bool is_watched(const struct spi *spi) {
    uint64_t pins = spi->rx_pins | spi->cs_pins | spi->sck_pins | spi->tx_pins;
    bool inside = spi->block.values[SPI_SSPCR1] & SPI_SSPCR1_LBM;
    if (!spi->gpio || inside) {
        return false;
    }
    return spi_is_misread(selected_net(spi, spi->sck_pins), spi_reads_late(spi) == spi_rests_high(spi)) ||
           gpio_any_watched(spi->gpio, pins & spi->gpio->selected[spi->function]);
}

static void play_frame(struct spi *spi, uint64_t now_ps) {
    spi->on_wire = true;
    spi->half = 0;
    spi->sampled = 0;
    spi->frame_select = spi_format(spi) != SPI_TI;
    if (!spi_reads_late(spi)) {
        spi->tx_level = spi->shifter >> (spi->settings.wire_bits - 1) & 1;
    }
    spi_update_pins(spi);
    scheduler_add(spi->block.env->scheduler, &spi->edge, now_ps + spi->settings.bit_ps / 2);
}

static void start_frame(struct spi *spi, uint64_t now_ps, bool follows) {
    uint64_t duration = spi_frame_ps(spi);
    uint32_t control = spi->block.values[SPI_SSPCR1];
    if (!spi->tx.count || !(control & SPI_SSPCR1_SSE) || control & SPI_SSPCR1_MS || !duration) {
        return;
    }
    spi->shifter = wire_word(spi, spi_pop(&spi->tx));
    spi->shifting = true;
    spi->lead = spi_format(spi) == SPI_TI && !follows ? 2 : 0;
    spi->frame_start_ps = now_ps;
    spi->frame_end_ps = now_ps + duration + (spi->lead ? spi->settings.bit_ps : 0);
    spi->on_wire = !(follows && spi->unwatched) && is_watched(spi);
    spi->unwatched = !spi->on_wire;
    if (spi->on_wire) {
        play_frame(spi, now_ps);
    }
}

void spi_received(struct spi *spi, uint16_t data, uint64_t now_ps) {
    if (spi->rx.count == SPI_FIFO_DEPTH) {
        spi->latched |= SPI_SSPRIS_RORRIS;
    } else {
        push(&spi->rx, data);
    }
    spi->latched &= ~SPI_SSPRIS_RTRIS;
    spi->rx_touched_ps = now_ps;
}

/* Frames of the TI format are selected by a pulse, those of Motorola with SPH = 1 and Microwire stay selected. */
static bool stays_selected(const struct spi *spi) {
    enum spi_format format = spi_format(spi);
    return spi->tx.count && (format == SPI_MICROWIRE || (format == SPI_MOTOROLA && spi_reads_late(spi)));
}

static void end_frame(struct spi *spi) {
    uint32_t mask = (1u << spi_data_bits(spi)) - 1;
    if (spi_format(spi) != SPI_TI) {
        select_frame(spi, true);
    }
    uint32_t received = spi->on_wire ? spi->sampled : exchange(spi);
    select_frame(spi, stays_selected(spi));
    spi_received(spi, (uint16_t)(received & mask), spi->frame_end_ps);
    spi->shifting = false;
    start_frame(spi, spi->frame_end_ps, true);
}

/* The receive timeout counts while no frame is under way. */
static void check_timeout(struct spi *spi, uint64_t now_ps) {
    uint64_t timeout = spi->settings.timeout_ps;
    if (!spi->shifting && spi->rx.count && timeout && now_ps >= spi->rx_touched_ps + timeout) {
        spi->latched |= SPI_SSPRIS_RTRIS;
    }
}

/* All that has happened until `now_ps`; edges that are due too, as events come some cycles late. */
static void run(struct spi *spi, uint64_t now_ps) {
    spi->unwatched = false;
    spi->reached_ps = now_ps > spi->reached_ps ? now_ps : spi->reached_ps;
    while (spi->on_wire && spi->edge.pending && spi->edge.when_ps <= now_ps) {
        scheduler_serve(spi->block.env->scheduler, &spi->edge);
    }
    check_timeout(spi, now_ps);
    if (!spi->shifting) {
        start_frame(spi, now_ps, false);
    }
    while (spi->shifting && spi->frame_end_ps <= now_ps && !spi->on_wire) {
        end_frame(spi);
        spi_update(spi); /* a request that rises between two frames stays */
    }
    check_timeout(spi, now_ps);
}

/* ---- The DMA ---- */
/* Before and after somebody else looks: transfers that end before `end_ps` come first. */
static void catch_up_dma(struct spi *spi, uint64_t end_ps) {
    if (spi->dma_catch_up) {
        spi->dma_catch_up(spi->dma_context, end_ps);
    }
}

static void plan_dma(struct spi *spi) {
    if (spi->dma_plan) {
        spi->dma_plan(spi->dma_context);
    }
}

static uint64_t next_request(const struct spi *spi) {
    uint32_t dma = spi->block.values[SPI_SSPDMACR];
    if (!spi->shifting || spi->on_wire) {
        return TIME_NEVER; /* the last edge of a frame on the wires tells */
    }
    unsigned none = UINT_MAX, tx = none, rx = none;
    if (dma & SPI_SSPDMACR_TXDMAE && !spi->dreq_tx.level) {
        tx = spi->tx.count > HALF ? spi->tx.count - HALF - 1 : 0;
    }
    if (dma & SPI_SSPDMACR_RXDMAE && !spi->dreq_rx.level) {
        rx = spi->rx.count < HALF ? HALF - 1 - spi->rx.count : 0;
        rx = spi->tx.count < rx ? spi->tx.count : rx; /* nothing more comes */
    }
    unsigned frames = tx < rx ? tx : rx;
    return frames == none ? TIME_NEVER : spi->frame_end_ps + frames * spi_frame_ps(spi);
}

uint64_t spi_next_request(void *context) {
    return next_request(context);
}

/* How many frames have to begin (TX) or end (RX) before a request that is low can rise. */
static unsigned frames_to_request(const struct spi *spi, bool is_tx) {
    if (is_tx) {
        return spi->tx.count > HALF ? spi->tx.count - HALF : 1;
    }
    unsigned half = spi->rx.count < HALF ? HALF - spi->rx.count : 1;
    return half < spi->tx.count + 1 ? half : spi->tx.count + 1; /* nothing more comes */
}

uint64_t spi_earliest_request(void *context, bool is_tx, uint32_t transfers) {
    const struct spi *spi = context;
    uint32_t enabled = spi->block.values[SPI_SSPDMACR] & (is_tx ? SPI_SSPDMACR_TXDMAE : SPI_SSPDMACR_RXDMAE);
    unsigned there = is_tx ? SPI_FIFO_DEPTH - spi->tx.count : spi->rx.count;
    uint64_t frames = transfers > there ? transfers - there : 0;
    bool asks = is_tx ? spi->dreq_tx.level : spi->dreq_rx.level;
    if (!enabled || (!spi->shifting && !asks)) {
        return TIME_NEVER;
    }
    bool interrupts = spi->block.values[SPI_SSPIMSC];
    if (!spi->shifting || (interrupts && asks)) {
        return is_tx || frames || interrupts ? 0 : spi->reached_ps;
    }
    frames = interrupts ? 0 : frames;
    uint64_t least = asks ? 0 : frames_to_request(spi, is_tx);
    frames = frames > least ? frames : least;
    return frames ? spi->frame_end_ps + (frames - 1) * spi_frame_ps(spi) : spi->reached_ps;
}

/* When something outside could change next without an access. */
static uint64_t next_change(const struct spi *spi) {
    const uint32_t *values = spi->block.values;
    if (spi->on_wire && spi->shifting) {
        return TIME_NEVER; /* its last edge tells */
    }
    if (!spi->shifting) {
        bool waits = spi->rx.count && values[SPI_SSPIMSC] & ~spi->latched & SPI_SSPIMSC_RTIM;
        uint64_t timeout = spi->settings.timeout_ps;
        return waits && timeout ? spi->rx_touched_ps + timeout : TIME_NEVER;
    }
    uint64_t request = values[SPI_SSPDMACR] && !spi->dma_catch_up ? next_request(spi) : TIME_NEVER;
    uint64_t last = spi->frame_end_ps + (values[SPI_SSPIMSC] ? 0 : spi->tx.count) * spi_frame_ps(spi);
    return request < last ? request : last;
}

static void spi_schedule(struct spi *spi) {
    struct scheduler *scheduler = spi->block.env->scheduler;
    uint64_t when = next_change(spi);
    if (when == TIME_NEVER) {
        scheduler_cancel(scheduler, &spi->event);
    } else if (!spi->event.pending || spi->event.when_ps > when) {
        scheduler_add(scheduler, &spi->event, when);
    }
}

/* An access that leaves the settings alone: frames set the pins themselves. */
static void settle_frames(struct spi *spi) {
    spi_update(spi);
    spi_schedule(spi);
}

void spi_settle(struct spi *spi) {
    spi_update(spi);
    spi_update_pins(spi);
    spi_schedule(spi);
}

void spi_run_until(void *context, uint64_t until_ps) {
    struct spi *spi = context;
    struct scheduler *scheduler = spi->block.env->scheduler;
    struct scheduler_date before = scheduler_date(scheduler, until_ps);
    run(spi, until_ps);
    settle_frames(spi);
    scheduler_undate(scheduler, before);
}

/* The frame that is under way sets anew when the receive FIFO was touched last, by which the timeout goes. */
bool spi_is_calm(void *context, struct dma_calm *ret_calm) {
    const struct spi *spi = context;
    *ret_calm = (struct dma_calm){ .until_ps = spi->frame_end_ps,
                                   .puts = spi->dreq_tx.level ? SPI_FIFO_DEPTH - spi->tx.count : 0,
                                   .gets = spi->dreq_rx.level ? spi->rx.count : 0 };
    return spi->shifting && !spi->on_wire && !spi->block.in_reset && !spi->block.values[SPI_SSPIMSC];
}

void spi_put(void *context, uint32_t word) {
    struct spi *spi = context;
    push(&spi->tx, (uint16_t)word);
}

uint32_t spi_get(void *context) {
    struct spi *spi = context;
    return spi_pop(&spi->rx);
}

void spi_settle_calm(void *context, uint64_t now_ps) {
    struct spi *spi = context;
    spi->reached_ps = now_ps > spi->reached_ps ? now_ps : spi->reached_ps;
    spi->latched &= spi->rx.count ? UINT32_MAX : ~SPI_SSPRIS_RTRIS;
    spi_update(spi);
}

/* ---- Registers ---- */
static uint32_t status(const struct spi *spi) {
    return (spi->tx.count ? 0 : SPI_SSPSR_TFE) | (spi->tx.count < SPI_FIFO_DEPTH ? SPI_SSPSR_TNF : 0) |
           (spi->rx.count ? SPI_SSPSR_RNE : 0) | (spi->rx.count == SPI_FIFO_DEPTH ? SPI_SSPSR_RFF : 0) |
           (spi->shifting || spi->tx.count || spi->receives ? SPI_SSPSR_BSY : 0);
}

static uint32_t read_data(struct spi *spi) {
    if (!spi->rx.count) {
        return 0;
    }
    uint32_t item = spi_pop(&spi->rx);
    spi->rx_touched_ps = time_of_access(spi);
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
    catch_up_dma(spi, time_of_access(spi) + 1);
    run(spi, time_of_access(spi));
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
    settle_frames(spi);
    plan_dma(spi);
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

static void spi_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct spi *spi = spi_of(block);
    uint32_t written = block->values[reg];
    block->values[reg] = old; /* up to now the old setting holds */
    catch_up_dma(spi, time_of_access(spi) + 1);
    uint64_t now = time_of_access(spi);
    run(spi, now);
    block->values[reg] = written;
    if (reg == SPI_SSPCR0 || reg == SPI_SSPCPSR) {
        take_settings(spi);
    }
    switch (reg) {
    case SPI_SSPDR:
        write_data(spi, value);
        break;
    case SPI_SSPCR0:
    case SPI_SSPCR1:
        spi_slave_update(spi);
        break;
    case SPI_SSPICR:
        spi->latched &= ~value;
        spi->rx_touched_ps = value & SPI_SSPICR_RTIC ? now : spi->rx_touched_ps;
        break;
    }
    if (!spi->shifting) {
        start_frame(spi, now, false);
    }
    if (reg == SPI_SSPDR) {
        settle_frames(spi);
    } else {
        spi_settle(spi);
    }
    plan_dma(spi);
}

/* ---- Events ---- */
static void spi_due(struct event *event, uint64_t late_ps) {
    struct spi *spi = event->owner;
    uint64_t due = event->when_ps; /* catching up adds it again */
    catch_up_dma(spi, due + 1);
    run(spi, due);
    spi_settle(spi);
    plan_dma(spi);
}

/* The clock before the first bit of the TI format, and the same in the last bit when another frame follows. */
static void play_pulse(struct spi *spi) {
    bool last = spi->half + 1 >= spi->lead + 2 * spi->settings.wire_bits;
    if (spi_format(spi) == SPI_TI && spi->half % 2) {
        spi->frame_select = spi->half <= spi->lead || (last && spi->tx.count);
    }
}

/* Odd halves begin with the leading edge of SCK, even ones with the trailing edge. */
static void play_edge(struct spi *spi) {
    bool leading = spi->half % 2;
    spi->sck_active = leading;
    play_pulse(spi);
    if (spi->half > spi->lead) {
        unsigned bit = spi->settings.wire_bits - 1 - (spi->half - spi->lead - 1) / 2;
        bool samples = leading != spi_reads_late(spi);
        if (samples) {
            const struct net *rx = selected_net(spi, spi->rx_pins);
            spi->sampled = spi->sampled << 1 | (rx && net_is_high(rx));
        } else if (leading || bit) {
            spi->tx_level = spi->shifter >> (leading ? bit : bit - 1) & 1;
        }
    }
    spi_update_pins(spi);
}

static void edge_due(struct event *event, uint64_t late_ps) {
    struct spi *spi = event->owner;
    unsigned halves = spi->lead + 2 * spi->settings.wire_bits;
    uint64_t now = event->when_ps;
    catch_up_dma(spi, now);
    spi->reached_ps = now > spi->reached_ps ? now : spi->reached_ps;
    if (spi->half < halves) {
        spi->half++;
        play_edge(spi);
    }
    if (now >= spi->frame_end_ps) {
        end_frame(spi);
        spi_settle(spi);
        plan_dma(spi);
        return;
    }
    uint64_t next = spi->half < halves ? now + spi->settings.bit_ps / 2 : spi->frame_end_ps;
    scheduler_add(spi->block.env->scheduler, event, next < spi->frame_end_ps ? next : spi->frame_end_ps);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct spi *spi = listener->owner;
    take_settings(spi);
    if (spi->tx.count || spi->shifting) {
        catch_up_dma(spi, time_of_access(spi) + 1);
        run(spi, time_of_access(spi));
        spi_settle(spi);
        plan_dma(spi);
    }
}

static void spi_reset(struct block *block) {
    struct spi *spi = spi_of(block);
    take_settings(spi);
    spi->tx = spi->rx = (struct spi_fifo){ 0 };
    spi->shifting = false;
    spi->frame_select = spi->on_wire = spi->sck_active = spi->tx_level = false;
    scheduler_cancel(block->env->scheduler, &spi->edge);
    spi->latched = 0;
    spi_slave_update(spi);
    spi_settle(spi);
}

static void spi_init(struct block *block) {
    struct spi *spi = spi_of(block);
    spi->event = (struct event){ .name = "spi", .callback = spi_due, .owner = spi };
    spi->edge = (struct event){ .name = "spi edge", .callback = edge_due, .owner = spi };
    spi->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = spi };
    clock_listen(spi->clk_peri, &spi->clock_listener);
    spi_slave_init(spi);
}

/* ---- Snapshots ---- */
#define MOST_HALF_BITS 64 /* more than any frame has */

static void spi_fifo_walk(struct spi_fifo *fifo, struct walk *walk) {
    walk_u16s(walk, fifo->items, SPI_FIFO_DEPTH);
    walk_below(walk, &fifo->first, SPI_FIFO_DEPTH);
    walk_below(walk, &fifo->count, SPI_FIFO_DEPTH + 1);
}

static void spi_frame_walk(struct spi *spi, struct walk *walk) {
    walk_bool(walk, &spi->shifting);
    walk_bool(walk, &spi->frame_select);
    walk_u32(walk, &spi->shifter);
    walk_u64(walk, &spi->frame_start_ps);
    walk_u64(walk, &spi->frame_end_ps);
    walk_bool(walk, &spi->on_wire);
    walk_bool(walk, &spi->unwatched);
    walk_below(walk, &spi->lead, MOST_HALF_BITS);
    walk_below(walk, &spi->half, MOST_HALF_BITS);
    walk_u32(walk, &spi->sampled);
    walk_bool(walk, &spi->sck_active);
    walk_bool(walk, &spi->tx_level);
}

static void spi_walk(struct block *block, struct walk *walk) {
    struct spi *spi = spi_of(block);
    spi_fifo_walk(&spi->tx, walk);
    spi_fifo_walk(&spi->rx, walk);
    line_walk(&spi->dreq_tx, walk);
    line_walk(&spi->dreq_rx, walk);
    walk_u64(walk, &spi->reached_ps);
    spi_frame_walk(spi, walk);
    walk_u64(walk, &spi->rx_touched_ps);
    walk_u32(walk, &spi->latched);
    walk_event(walk, &spi->event);
    walk_event(walk, &spi->edge);
    gpio_listener_walk(&spi->pin_listener, walk);
    walk_bool(walk, &spi->selected);
    walk_bool(walk, &spi->receives);
    walk_bool(walk, &spi->sck_was);
    walk_below(walk, &spi->bits, MOST_HALF_BITS);
}

/* What the registers and the clock amount to. */
static void spi_restored(struct block *block) {
    take_settings(spi_of(block));
}

const struct block_class spi_class = {
    .name = "spi",
    .size = sizeof(struct spi),
    .init = spi_init,
    .reset = spi_reset,
    .read = spi_read,
    .write = spi_write,
    .holds_until = spi_holds_until,
    .walk = spi_walk,
    .restored = spi_restored,
};
