/* SSI: RP2040 datasheet 4.10 (DW_apb_ssi, one chip select, FIFOs of 16 words of 32 bits).
 *
 * A transfer takes its real time: one event per frame, clk_sys / BAUDR.SCKDV a bit; what has come due is caught up
 * with before any register is looked at, so that firmware sees each frame end where it should although cores run in
 * blocks. XIP reads do not come by here at all: they are plain memory for the cores, whatever the SSI's state; what
 * they take ssi_xip_cycles() tells the cache. It is the transfer alone that the registers describe, and XIP_OVERHEAD
 * (assumed) for the way from the bus to the pins and back.
 *
 * The chip select is an output of the QSPI bank; the flash follows the pin's net, whoever drives it.
 *
 * Not modelled: SCLK and the data lines as levels (transfers exchange words with the flash; SCLK stays where it rests,
 * SD0 to SD3 are not driven), the chip select of XIP reads, Microwire and SSP frame formats, DDR and RXDS, SSTE, the
 * sampling delays (kept only), chip select set-up gaps, multi-controller contention (MSTICR and DCOL read 0), and that
 * XIP fails while the SSI is set up for commands. Decided: configuration registers do not change while SSIENR is 1, as
 * the databook has it, and a guest line says so. In dual and quad formats a transfer begins when instruction and
 * address are both in the FIFO; a chip select lasts until the TX FIFO is empty at the end of a frame, or until all NDF
 * + 1 frames have come in. */
#include "peripherals/onchip/ssi.h"

enum ssi_phase { SSI_IDLE, SSI_SENDING, SSI_ADDRESSING, SSI_RECEIVING };
enum { TMOD_BOTH, TMOD_SEND, TMOD_RECEIVE, TMOD_EEPROM };

/* ---- State ---- */

static void fifo_push(struct ssi_fifo *fifo, uint32_t word) {
    fifo->words[(fifo->first + fifo->level++) % SSI_FIFO] = word;
}

static uint32_t fifo_pop(struct ssi_fifo *fifo) {
    uint32_t word = fifo->words[fifo->first];
    fifo->first = (fifo->first + 1) % SSI_FIFO;
    fifo->level--;
    return word;
}

static uint32_t field(const struct ssi *ssi, enum ssi_register reg, uint32_t mask) {
    return field_get(ssi->block.values[reg], mask);
}

static bool enabled(const struct ssi *ssi) {
    return ssi->block.values[SSI_SSIENR] & SSI_SSIENR_SSI_EN;
}

static unsigned frame_bits(const struct ssi *ssi) {
    return field(ssi, SSI_CTRLR0, SSI_CTRLR0_DFS_32) + 1;
}

static unsigned mode(const struct ssi *ssi) {
    return field(ssi, SSI_CTRLR0, SSI_CTRLR0_TMOD);
}

/* Data lines: 1, 2 or 4. */
static unsigned width(const struct ssi *ssi) {
    return 1u << field(ssi, SSI_CTRLR0, SSI_CTRLR0_SPI_FRF);
}

static unsigned instruction_bits(const struct ssi *ssi) {
    unsigned length = field(ssi, SSI_SPI_CTRLR0, SSI_SPI_CTRLR0_INST_L);
    return length ? 2u << length : 0;
}

static unsigned address_bits(const struct ssi *ssi) {
    return 4 * field(ssi, SSI_SPI_CTRLR0, SSI_SPI_CTRLR0_ADDR_L);
}

static uint32_t raw_interrupts(const struct ssi *ssi) {
    const uint32_t *values = ssi->block.values;
    uint32_t raw = 0;
    raw |= ssi->tx.level <= values[SSI_TXFTLR] ? SSI_RISR_TXEIR : 0;
    raw |= ssi->rx.level > values[SSI_RXFTLR] ? SSI_RISR_RXFIR : 0;
    raw |= ssi->transmit_overflow ? SSI_RISR_TXOIR : 0;
    raw |= ssi->receive_overflow ? SSI_RISR_RXOIR : 0;
    raw |= ssi->receive_underflow ? SSI_RISR_RXUIR : 0;
    return raw;
}

static void ssi_update(struct ssi *ssi) {
    const uint32_t *values = ssi->block.values;
    bool on = enabled(ssi);
    line_set(&ssi->block.irq[0], on && raw_interrupts(ssi) & values[SSI_IMR]);
    bool tx = on && values[SSI_DMACR] & SSI_DMACR_TDMAE && ssi->tx.level <= values[SSI_DMATDLR];
    bool rx = on && values[SSI_DMACR] & SSI_DMACR_RDMAE && ssi->rx.level > values[SSI_DMARDLR];
    line_set(&ssi->dreq_tx, tx);
    line_set(&ssi->dreq_rx, rx);
}

/* Chip select, and SCLK as it rests. IO_QSPI and the pads make of them what the flash sees. */
static void update_pins(struct ssi *ssi) {
    bool clock = ssi->block.values[SSI_CTRLR0] & SSI_CTRLR0_SCPOL;
    if (ssi->gpio) {
        gpio_function_output(ssi->gpio, RP2040_QSPI_SS, GPIO_FUNCTION_XIP, ssi->phase == SSI_IDLE, true);
        gpio_function_output(ssi->gpio, RP2040_QSPI_SCLK, GPIO_FUNCTION_XIP, clock, true);
    }
}

/* ---- Transfers ---- */

/* Bits on the lines; gives what came back. */
static uint32_t shift(struct ssi *ssi, uint32_t value, unsigned bits, unsigned lines, bool drive) {
    if (ssi->block.values[SSI_CTRLR0] & SSI_CTRLR0_SRL) {
        return value;
    }
    return ssi->flash ? qspi_shift(ssi->flash, value, bits, lines, drive) : UINT32_MAX >> (32 - bits);
}

/* From `from_ps` on `clocks` of SCLK pass; then frame_end. */
static void schedule(struct ssi *ssi, uint64_t from_ps, unsigned clocks) {
    uint64_t divider = field(ssi, SSI_BAUDR, SSI_BAUDR_SCKDV) & ~1u;
    uint64_t cycles = clock_cycles_at(ssi->clock, from_ps) + clocks * divider;
    scheduler_add(ssi->block.env->scheduler, &ssi->frame_end, clock_time_of(ssi->clock, cycles));
}

static void begin_frame(struct ssi *ssi, uint64_t from_ps, enum ssi_phase phase) {
    unsigned lines = width(ssi);
    ssi->phase = phase;
    ssi->frame = phase == SSI_SENDING ? fifo_pop(&ssi->tx) : 0;
    schedule(ssi, from_ps, (frame_bits(ssi) + lines - 1) / lines);
}

/* FIFO entries that instruction and address take in dual and quad formats. */
static unsigned header_entries(const struct ssi *ssi) {
    return (instruction_bits(ssi) ? 1u : 0) + (address_bits(ssi) + 31) / 32;
}

static unsigned header_clocks(const struct ssi *ssi) {
    unsigned type = field(ssi, SSI_SPI_CTRLR0, SSI_SPI_CTRLR0_TRANS_TYPE);
    unsigned clocks = instruction_bits(ssi) / (type == 2 ? width(ssi) : 1);
    clocks += address_bits(ssi) / (type == 0 ? 1 : width(ssi));
    return mode(ssi) == TMOD_SEND ? clocks : clocks + field(ssi, SSI_SPI_CTRLR0, SSI_SPI_CTRLR0_WAIT_CYCLES);
}

#define XIP_WORD_BITS 32
#define XIP_OVERHEAD 4

unsigned ssi_xip_cycles(const struct ssi *ssi) {
    unsigned lines = width(ssi) > 4 ? 4 : width(ssi), divider = field(ssi, SSI_BAUDR, SSI_BAUDR_SCKDV) & ~1u;
    unsigned clocks = header_clocks(ssi) + XIP_WORD_BITS / lines;
    return clocks * (divider ? divider : 2) + XIP_OVERHEAD;
}

bool ssi_serves_xip(const struct ssi *ssi) {
    return enabled(ssi) && ssi->block.values[SSI_SER] && mode(ssi) == TMOD_EEPROM;
}

/* Begin a transfer when there is one to begin. */
static void start(struct ssi *ssi, uint64_t from_ps) {
    const uint32_t *values = ssi->block.values;
    bool ready = enabled(ssi) && values[SSI_SER] && values[SSI_BAUDR] > 1 && ssi->phase == SSI_IDLE;
    if (!ready || !ssi->tx.level) {
        return;
    }
    ssi->receives_left = field(ssi, SSI_CTRLR1, SSI_CTRLR1_NDF) + 1;
    if (width(ssi) > 1 && header_entries(ssi)) {
        if (ssi->tx.level >= header_entries(ssi)) {
            ssi->phase = SSI_ADDRESSING;
            schedule(ssi, from_ps, header_clocks(ssi));
        }
    } else if (mode(ssi) == TMOD_RECEIVE) {
        fifo_pop(&ssi->tx);
        begin_frame(ssi, from_ps, SSI_RECEIVING);
    } else {
        begin_frame(ssi, from_ps, SSI_SENDING);
    }
    update_pins(ssi);
}

static void receive(struct ssi *ssi, uint32_t word) {
    if (ssi->rx.level == SSI_FIFO) {
        ssi->receive_overflow = true;
    } else {
        fifo_push(&ssi->rx, word);
    }
}

/* Instruction, address and wait cycles of a dual or quad transfer. */
static void end_header(struct ssi *ssi) {
    unsigned type = field(ssi, SSI_SPI_CTRLR0, SSI_SPI_CTRLR0_TRANS_TYPE);
    if (instruction_bits(ssi)) {
        shift(ssi, fifo_pop(&ssi->tx), instruction_bits(ssi), type == 2 ? width(ssi) : 1, true);
    }
    for (unsigned left = address_bits(ssi); left;) {
        unsigned bits = left % 32 ? left % 32 : 32;
        shift(ssi, fifo_pop(&ssi->tx), bits, type == 0 ? 1 : width(ssi), true);
        left -= bits;
    }
    if (mode(ssi) != TMOD_SEND) {
        for (unsigned i = 0; i < field(ssi, SSI_SPI_CTRLR0, SSI_SPI_CTRLR0_WAIT_CYCLES); i++) {
            shift(ssi, 0, 1, 1, false);
        }
    }
}

/* What goes on after the frame that has ended. */
static enum ssi_phase next_phase(const struct ssi *ssi) {
    bool counts = mode(ssi) == TMOD_RECEIVE || mode(ssi) == TMOD_EEPROM || width(ssi) > 1;
    switch (ssi->phase) {
    case SSI_ADDRESSING:
        return mode(ssi) != TMOD_SEND ? SSI_RECEIVING : ssi->tx.level ? SSI_SENDING : SSI_IDLE;
    case SSI_SENDING:
        return ssi->tx.level ? SSI_SENDING : counts && mode(ssi) != TMOD_SEND ? SSI_RECEIVING : SSI_IDLE;
    default:
        return ssi->receives_left ? SSI_RECEIVING : SSI_IDLE;
    }
}

static void end_frame(struct ssi *ssi, uint64_t at_ps) {
    bool sending = ssi->phase == SSI_SENDING;
    if (ssi->phase == SSI_ADDRESSING) {
        end_header(ssi);
    } else {
        bool drive = sending || width(ssi) == 1;
        uint32_t word = shift(ssi, ssi->frame, frame_bits(ssi), width(ssi), drive);
        if (!sending || mode(ssi) == TMOD_BOTH) {
            receive(ssi, word);
        }
        ssi->receives_left -= sending ? 0 : 1;
    }
    ssi->phase = next_phase(ssi);
    if (ssi->phase == SSI_IDLE) {
        update_pins(ssi);
        start(ssi, at_ps);
    } else {
        begin_frame(ssi, at_ps, (enum ssi_phase)ssi->phase);
    }
}

/* Frames that have ended by now although their events have not been called yet. */
static void catch_up(struct ssi *ssi) {
    uint64_t now = ssi->frame_end.pending ? scheduler_now(ssi->block.env->scheduler) : 0;
    while (ssi->frame_end.pending && ssi->frame_end.when_ps <= now) {
        uint64_t at = ssi->frame_end.when_ps;
        scheduler_cancel(ssi->block.env->scheduler, &ssi->frame_end);
        end_frame(ssi, at);
    }
}

static void stop(struct ssi *ssi) {
    scheduler_cancel(ssi->block.env->scheduler, &ssi->frame_end);
    ssi->phase = SSI_IDLE;
    ssi->tx = (struct ssi_fifo){ 0 };
    ssi->rx = (struct ssi_fifo){ 0 };
    update_pins(ssi);
}

/* ---- Read ---- */

static uint32_t read_status(const struct ssi *ssi) {
    uint32_t status = ssi->phase != SSI_IDLE ? SSI_SR_BUSY : 0;
    status |= ssi->tx.level < SSI_FIFO ? SSI_SR_TFNF : 0;
    status |= ssi->tx.level ? 0 : SSI_SR_TFE;
    status |= ssi->rx.level ? SSI_SR_RFNE : 0;
    status |= ssi->rx.level == SSI_FIFO ? SSI_SR_RFF : 0;
    return status;
}

static uint32_t read_data(struct ssi *ssi) {
    if (!ssi->rx.level) {
        ssi->receive_underflow = true;
        return 0;
    }
    return fifo_pop(&ssi->rx);
}

/* Reading an interrupt-clear register gives the bits it clears. */
static uint32_t clear(struct ssi *ssi, bool transmit_overflow, bool receive_overflow, bool receive_underflow) {
    bool any = (transmit_overflow && ssi->transmit_overflow) || (receive_overflow && ssi->receive_overflow) ||
               (receive_underflow && ssi->receive_underflow);
    ssi->transmit_overflow &= !transmit_overflow;
    ssi->receive_overflow &= !receive_overflow;
    ssi->receive_underflow &= !receive_underflow;
    return any;
}

static uint32_t read_register(struct ssi *ssi, unsigned reg) {
    switch (reg) {
    case SSI_TXFLR:
        return ssi->tx.level;
    case SSI_RXFLR:
        return ssi->rx.level;
    case SSI_SR:
        return read_status(ssi);
    case SSI_RISR:
        return raw_interrupts(ssi);
    case SSI_ISR:
        return raw_interrupts(ssi) & ssi->block.values[SSI_IMR];
    case SSI_DR0:
        return read_data(ssi);
    case SSI_TXOICR:
        return clear(ssi, true, false, false);
    case SSI_RXOICR:
        return clear(ssi, false, true, false);
    case SSI_RXUICR:
        return clear(ssi, false, false, true);
    case SSI_ICR:
        return clear(ssi, true, true, true);
    default:
        return ssi->block.values[reg];
    }
}

static uint32_t ssi_read(struct block *block, unsigned reg) {
    struct ssi *ssi = (struct ssi *)block;
    catch_up(ssi);
    uint32_t value = read_register(ssi, reg);
    ssi_update(ssi);
    return value;
}

/* ---- Write ---- */

static void write_data(struct ssi *ssi, uint32_t value) {
    if (!enabled(ssi)) {
        return;
    }
    if (ssi->tx.level == SSI_FIFO) {
        ssi->transmit_overflow = true;
        return;
    }
    fifo_push(&ssi->tx, value);
    start(ssi, scheduler_now(ssi->block.env->scheduler));
}

static bool is_configuration(unsigned reg) {
    return reg == SSI_CTRLR0 || reg == SSI_CTRLR1 || reg == SSI_BAUDR || reg == SSI_SPI_CTRLR0 ||
           reg == SSI_RX_SAMPLE_DLY || reg == SSI_TXD_DRIVE_EDGE;
}

static void report_format(struct ssi *ssi) {
    uint32_t control = ssi->block.values[SSI_CTRLR0];
    if (field_get(control, SSI_CTRLR0_FRF) || field_get(control, SSI_CTRLR0_SPI_FRF) > 2) {
        block_report_stub(&ssi->block, 0, true);
    }
}

static void ssi_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct ssi *ssi = (struct ssi *)block;
    if (is_configuration(reg) && enabled(ssi)) {
        if (block->values[reg] != old) {
            log_write(block->env->log, LOG_GUEST, block->name, "%s written while enabled, ignored",
                      block->registers->descs[reg].name);
        }
        block->values[reg] = old;
        return;
    }
    catch_up(ssi);
    switch (reg) {
    case SSI_CTRLR0:
        report_format(ssi);
        update_pins(ssi);
        break;
    case SSI_SSIENR:
        if (!enabled(ssi)) {
            stop(ssi);
        }
        break;
    case SSI_SER:
        start(ssi, scheduler_now(block->env->scheduler));
        break;
    case SSI_DR0:
        write_data(ssi, value);
        break;
    default:
        break;
    }
    ssi_update(ssi);
}

/* ---- Events, reset, class ---- */

static void frame_end_due(struct event *event, uint64_t late_ps) {
    struct ssi *ssi = event->owner;
    end_frame(ssi, event->when_ps);
    ssi_update(ssi);
}

void ssi_init_serial(struct ssi *ssi) {
    uint32_t *values = ssi->block.values;
    stop(ssi);
    values[SSI_CTRLR0] = 7u << SSI_CTRLR0_DFS_32_LSB;
    values[SSI_BAUDR] = 6;
    values[SSI_SER] = 1;
    values[SSI_SSIENR] = 1;
    ssi_update(ssi);
}

static void ssi_reset(struct block *block) {
    struct ssi *ssi = (struct ssi *)block;
    ssi->transmit_overflow = false;
    ssi->receive_overflow = false;
    ssi->receive_underflow = false;
    stop(ssi);
    ssi_update(ssi);
}

static void ssi_init(struct block *block) {
    struct ssi *ssi = (struct ssi *)block;
    ssi->frame_end = (struct event){ .name = "SSI frame", .callback = frame_end_due, .owner = ssi };
}

static void ssi_fifo_walk(struct ssi_fifo *fifo, struct walk *walk) {
    walk_u32s(walk, fifo->words, SSI_FIFO);
    walk_below(walk, &fifo->first, SSI_FIFO);
    walk_below(walk, &fifo->level, SSI_FIFO + 1);
}

static void ssi_walk(struct block *block, struct walk *walk) {
    struct ssi *ssi = (struct ssi *)block;
    ssi_fifo_walk(&ssi->tx, walk);
    ssi_fifo_walk(&ssi->rx, walk);
    line_walk(&ssi->dreq_tx, walk);
    line_walk(&ssi->dreq_rx, walk);
    walk_bool(walk, &ssi->transmit_overflow);
    walk_bool(walk, &ssi->receive_overflow);
    walk_bool(walk, &ssi->receive_underflow);
    walk_below(walk, &ssi->phase, SSI_RECEIVING + 1);
    walk_unsigned(walk, &ssi->receives_left);
    walk_u32(walk, &ssi->frame);
    walk_event(walk, &ssi->frame_end);
}

const struct block_class ssi_class = {
    .name = "ssi",
    .size = sizeof(struct ssi),
    .init = ssi_init,
    .reset = ssi_reset,
    .read = ssi_read,
    .write = ssi_write,
    .walk = ssi_walk,
};
