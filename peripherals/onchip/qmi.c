/* QMI: RP2350 datasheet 12.14.
 *
 * Direct mode takes its real time: one event per TX record, DIRECT_CSR.CLKDIV cycles of clk_sys a clock; what has come
 * due is caught up with before any register is looked at. Memory-mapped accesses do not come by here: the cores have
 * the memories mapped, whatever the formats (RFMT, RCMD, WFMT, WCMD), timings and direct mode say, and a chip never
 * sees them; what they take qmi_xip_cycles() tells the cache. A change of address translation is told to the chip
 * table, which maps anew.
 *
 * Chip selects are outputs of the QSPI bank and of bank 0; a memory follows its pin's net, whoever drives it.
 *
 * Not modelled: SCLK and the data lines as levels (SCLK stays low, SD0 to SD3 are not driven), the chip selects of
 * memory-mapped accesses, bus errors of XIP accesses in direct mode, RXDELAY, cooldown (BUSY shows direct transfers
 * alone), the gaps around chip selects, DTR. Decided: a chip select by AUTO_CSnN lasts from the start of a record until
 * the TX FIFO is empty at the end of one; both FIFOs hold 4 records; an ATRANS aperture of SIZE sectors ends before
 * sector SIZE. */
#include "peripherals/onchip/qmi.h"

#include <string.h>

#define CSR_STORED                                                                                                     \
    (QMI_DIRECT_CSR_RXDELAY | QMI_DIRECT_CSR_CLKDIV | QMI_DIRECT_CSR_AUTO_CS1N | QMI_DIRECT_CSR_AUTO_CS0N |            \
     QMI_DIRECT_CSR_ASSERT_CS1N | QMI_DIRECT_CSR_ASSERT_CS0N | QMI_DIRECT_CSR_EN)

/* Pins of bank 0 that carry the second chip select, by function 9 (datasheet 9.4). */
#define CS1N_FUNCTION 9
#define CS1N_PINS (UINT64_C(1) << 0 | UINT64_C(1) << 8 | UINT64_C(1) << 19 | UINT64_C(1) << 47)

/* ---- State ---- */

static void fifo_push(struct qmi_fifo *fifo, uint32_t word) {
    fifo->words[(fifo->first + fifo->level++) % QMI_FIFO] = word;
}

static uint32_t fifo_pop(struct qmi_fifo *fifo) {
    uint32_t word = fifo->words[fifo->first];
    fifo->first = (fifo->first + 1) % QMI_FIFO;
    fifo->level--;
    return word;
}

static bool enabled(const struct qmi *qmi) {
    return qmi->block.values[QMI_DIRECT_CSR] & QMI_DIRECT_CSR_EN;
}

static bool busy(const struct qmi *qmi) {
    return qmi->shifting || (enabled(qmi) && qmi->tx.level);
}

static bool is_selected(const struct qmi *qmi, unsigned window) {
    uint32_t csr = qmi->block.values[QMI_DIRECT_CSR];
    uint32_t automatic = window ? QMI_DIRECT_CSR_AUTO_CS1N : QMI_DIRECT_CSR_AUTO_CS0N;
    uint32_t by_hand = window ? QMI_DIRECT_CSR_ASSERT_CS1N : QMI_DIRECT_CSR_ASSERT_CS0N;
    return csr & by_hand || (csr & automatic && busy(qmi));
}

/* Chip selects, and SCLK as it rests. IO banks and pads make of them what the memories see. */
static void update_pins(struct qmi *qmi) {
    if (qmi->gpio) {
        gpio_function_output(qmi->gpio, RP2350_QSPI_SS, GPIO_FUNCTION_XIP, !is_selected(qmi, 0), true);
        gpio_function_output(qmi->gpio, RP2350_QSPI_SCLK, GPIO_FUNCTION_XIP, false, true);
    }
    if (qmi->bank0) {
        uint64_t levels = is_selected(qmi, 1) ? 0 : CS1N_PINS;
        gpio_function_outputs(qmi->bank0, CS1N_FUNCTION, CS1N_PINS, levels, CS1N_PINS);
    }
}

static void qmi_update(struct qmi *qmi) {
    update_pins(qmi);
    line_set(&qmi->dreq_tx, enabled(qmi) && qmi->tx.level < QMI_FIFO);
    line_set(&qmi->dreq_rx, qmi->rx.level > 0);
}

/* ---- Direct mode ---- */

/* All memories see the lines; those that are selected answer. */
static unsigned clock_lines(struct qmi *qmi, unsigned lines) {
    unsigned seen = lines;
    for (unsigned window = 0; window < QMI_WINDOWS; window++) {
        struct qspi_target *device = qmi->devices[window];
        unsigned answer = device ? device->clock(device, lines) : lines;
        seen = (seen & ~(answer ^ lines)) | (answer & (answer ^ lines));
    }
    return seen;
}

static unsigned record_width(uint32_t record) {
    unsigned width = 1u << field_get(record, QMI_DIRECT_TX_IWIDTH);
    return width > 4 ? 4 : width;
}

static uint8_t shift_byte(struct qmi *qmi, uint8_t out, uint32_t record) {
    unsigned width = record_width(record), mask = (1u << width) - 1, in = 0;
    bool drive = width == 1 || record & QMI_DIRECT_TX_OE;
    for (unsigned left = 8; left;) {
        left -= width;
        unsigned seen = clock_lines(qmi, drive ? (out >> left & mask) | (0xf & ~mask) : 0xf);
        in = in << width | (width == 1 ? seen >> 1 & 1 : seen & mask);
    }
    return (uint8_t)in;
}

static void begin_record(struct qmi *qmi, uint64_t from_ps) {
    bool pushes = qmi->tx.level && !(qmi->tx.words[qmi->tx.first] & QMI_DIRECT_TX_NOPUSH);
    if (qmi->shifting || !enabled(qmi) || !qmi->tx.level || (pushes && qmi->rx.level == QMI_FIFO)) {
        return;
    }
    qmi->shifting = true;
    qmi->frame = fifo_pop(&qmi->tx);
    uint64_t divider = field_get(qmi->block.values[QMI_DIRECT_CSR], QMI_DIRECT_CSR_CLKDIV);
    uint64_t bits = qmi->frame & QMI_DIRECT_TX_DWIDTH ? 16 : 8;
    uint64_t cycles = bits / record_width(qmi->frame) * (divider ? divider : 256);
    uint64_t end = clock_cycles_at(qmi->clock, from_ps) + cycles;
    scheduler_add(qmi->block.env->scheduler, &qmi->frame_end, clock_time_of(qmi->clock, end));
}

static void end_record(struct qmi *qmi, uint64_t at_ps) {
    uint32_t record = qmi->frame;
    uint32_t in = shift_byte(qmi, (uint8_t)record, record);
    if (record & QMI_DIRECT_TX_DWIDTH) {
        in |= (uint32_t)shift_byte(qmi, (uint8_t)(record >> 8), record) << 8;
    }
    if (!(record & QMI_DIRECT_TX_NOPUSH)) {
        fifo_push(&qmi->rx, in);
    }
    qmi->shifting = false;
    begin_record(qmi, at_ps);
    qmi_update(qmi);
}

static void catch_up(struct qmi *qmi) {
    uint64_t now = qmi->frame_end.pending ? scheduler_now(qmi->block.env->scheduler) : 0;
    while (qmi->frame_end.pending && qmi->frame_end.when_ps <= now) {
        uint64_t at = qmi->frame_end.when_ps;
        scheduler_cancel(qmi->block.env->scheduler, &qmi->frame_end);
        end_record(qmi, at);
    }
}

static uint32_t pop_received(struct qmi *qmi) {
    catch_up(qmi);
    uint32_t word = qmi->rx.level ? fifo_pop(&qmi->rx) : 0;
    begin_record(qmi, scheduler_now(qmi->block.env->scheduler)); /* it may have waited for room */
    qmi_update(qmi);
    return word;
}

static void push_record(struct qmi *qmi, uint32_t record) {
    catch_up(qmi);
    if (qmi->tx.level < QMI_FIFO) {
        fifo_push(&qmi->tx, record);
        begin_record(qmi, scheduler_now(qmi->block.env->scheduler));
    }
    qmi_update(qmi);
}

/* ---- Address translation ---- */

bool qmi_translate(const struct qmi *qmi, uint32_t offset, unsigned *ret_window, uint32_t *ret_physical) {
    unsigned number = offset >> 22 & 7;
    uint32_t translation = qmi->block.values[QMI_ATRANS0 + number];
    uint32_t page = offset >> 12 & 0x3ff;
    *ret_window = number / 4;
    *ret_physical = (((page + field_get(translation, QMI_ATRANS0_BASE)) << 12) | (offset & 0xfff)) & 0xffffff;
    return page < field_get(translation, QMI_ATRANS0_SIZE);
}

bool qmi_fetch(void *context, uint32_t address, uint32_t *ret_word) {
    struct qmi *qmi = context;
    unsigned window;
    uint32_t physical;
    if (!qmi_translate(qmi, address & 0x1fffffc, &window, &physical) || !qmi->devices[window]) {
        return false;
    }
    const struct qspi_target *device = qmi->devices[window];
    memcpy(ret_word, device->contents + (physical & (device->size - 1)), sizeof(*ret_word));
    return true;
}

/* ---- How long XIP takes ---- */

#define XIP_OVERHEAD 3 /* from the bus to the pins and back: assumed */
#define COOLDOWN_UNIT 64

static uint32_t window_field(const struct qmi *qmi, unsigned window, enum qmi_register reg, uint32_t mask) {
    return field_get(qmi->block.values[reg + window * (QMI_M1_TIMING - QMI_M0_TIMING)], mask);
}
#define WINDOW_FIELD(NAME) window_field(qmi, window, QMI_M0_RFMT, QMI_M0_RFMT_##NAME)
#define TIMING(NAME) window_field(qmi, window, QMI_M0_TIMING, QMI_M0_TIMING_##NAME)

/* SCK periods before the data. In DTR, address, suffix and data have both edges of an SCK of half the rate, which is
 * the same time; prefix and dummy bits have one. */
static unsigned header_clocks(const struct qmi *qmi, unsigned window) {
    unsigned slow = WINDOW_FIELD(DTR) ? 2 : 1;
    unsigned prefix = 8 * WINDOW_FIELD(PREFIX_LEN) >> WINDOW_FIELD(PREFIX_WIDTH);
    unsigned address = 24u >> WINDOW_FIELD(ADDR_WIDTH);
    unsigned suffix = 4 * WINDOW_FIELD(SUFFIX_LEN) >> WINDOW_FIELD(SUFFIX_WIDTH);
    unsigned dummy = 4 * WINDOW_FIELD(DUMMY_LEN) >> WINDOW_FIELD(DUMMY_WIDTH);
    return slow * (prefix + dummy) + address + suffix;
}

/* May the transfer before go on with this address? */
static bool is_chained(const struct qmi *qmi, unsigned window, uint32_t address, uint64_t now) {
    static const uint32_t pages[] = { 0, 256, 1024, 4096 };
    uint32_t page = pages[TIMING(PAGEBREAK)];
    bool crosses_page = page && address % page == 0;
    return address == qmi->xip_next && !crosses_page && now - qmi->xip_end < COOLDOWN_UNIT * TIMING(COOLDOWN);
}

unsigned qmi_xip_cycles(void *context, uint32_t address, unsigned size, uint64_t now) {
    struct qmi *qmi = context;
    unsigned window = address >> 24 & 1;
    unsigned divider = TIMING(CLKDIV) ? TIMING(CLKDIV) : 256, half = (divider + 1) / 2;
    unsigned cycles = (8 * size >> WINDOW_FIELD(DATA_WIDTH)) * divider + TIMING(RXDELAY) / 2 + XIP_OVERHEAD;
    if (!is_chained(qmi, window, address, now)) {
        unsigned deselected = half + TIMING(MIN_DESELECT), select = half + TIMING(SELECT_SETUP);
        cycles += deselected + select + header_clocks(qmi, window) * divider;
    }
    qmi->xip_next = address + size;
    qmi->xip_end = now + cycles;
    return cycles;
}

/* ---- Read, write ---- */

static uint32_t read_csr(struct qmi *qmi) {
    uint32_t csr = qmi->block.values[QMI_DIRECT_CSR] & CSR_STORED;
    csr = field_set(csr, QMI_DIRECT_CSR_RXLEVEL, qmi->rx.level);
    csr = field_set(csr, QMI_DIRECT_CSR_TXLEVEL, qmi->tx.level);
    csr |= qmi->rx.level == QMI_FIFO ? QMI_DIRECT_CSR_RXFULL : 0;
    csr |= qmi->rx.level ? 0 : QMI_DIRECT_CSR_RXEMPTY;
    csr |= qmi->tx.level == QMI_FIFO ? QMI_DIRECT_CSR_TXFULL : 0;
    csr |= qmi->tx.level ? 0 : QMI_DIRECT_CSR_TXEMPTY;
    return csr | (busy(qmi) ? QMI_DIRECT_CSR_BUSY : 0);
}

static uint32_t qmi_read(struct block *block, unsigned reg) {
    struct qmi *qmi = (struct qmi *)block;
    switch (reg) {
    case QMI_DIRECT_CSR:
        catch_up(qmi);
        return read_csr(qmi);
    case QMI_DIRECT_RX:
        return pop_received(qmi);
    default:
        return block->values[reg];
    }
}

static void write_csr(struct qmi *qmi, uint32_t old) {
    uint32_t csr = qmi->block.values[QMI_DIRECT_CSR];
    qmi->block.values[QMI_DIRECT_CSR] = old; /* records that have ended did so under the old setting */
    catch_up(qmi);
    qmi->block.values[QMI_DIRECT_CSR] = csr;
    begin_record(qmi, scheduler_now(qmi->block.env->scheduler));
    qmi_update(qmi);
}

static void qmi_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct qmi *qmi = (struct qmi *)block;
    if (reg == QMI_DIRECT_CSR) {
        write_csr(qmi, old);
    } else if (reg == QMI_DIRECT_TX) {
        push_record(qmi, value);
    } else if (reg >= QMI_ATRANS0 && reg <= QMI_ATRANS7 && block->values[reg] != old && qmi->remapped) {
        qmi->remapped(qmi->context, reg - QMI_ATRANS0);
    }
}

/* ---- Events, reset, class ---- */

static void frame_end_due(struct event *event, uint64_t late_ps) {
    end_record(event->owner, event->when_ps);
}

static void qmi_reset(struct block *block) {
    struct qmi *qmi = (struct qmi *)block;
    scheduler_cancel(block->env->scheduler, &qmi->frame_end);
    qmi->tx = (struct qmi_fifo){ 0 };
    qmi->rx = (struct qmi_fifo){ 0 };
    qmi->shifting = false;
    qmi_update(qmi);
    for (unsigned number = 0; qmi->remapped && number < 8; number++) {
        qmi->remapped(qmi->context, number);
    }
}

static void qmi_init(struct block *block) {
    struct qmi *qmi = (struct qmi *)block;
    qmi->frame_end = (struct event){ .name = "QMI frame", .callback = frame_end_due, .owner = qmi };
}

static void qmi_fifo_walk(struct qmi_fifo *fifo, struct walk *walk) {
    walk_u32s(walk, fifo->words, QMI_FIFO);
    walk_below(walk, &fifo->first, QMI_FIFO);
    walk_below(walk, &fifo->level, QMI_FIFO + 1);
}

static void qmi_walk(struct block *block, struct walk *walk) {
    struct qmi *qmi = (struct qmi *)block;
    qmi_fifo_walk(&qmi->tx, walk);
    qmi_fifo_walk(&qmi->rx, walk);
    line_walk(&qmi->dreq_tx, walk);
    line_walk(&qmi->dreq_rx, walk);
    walk_u32(walk, &qmi->xip_next);
    walk_u64(walk, &qmi->xip_end);
    walk_bool(walk, &qmi->shifting);
    walk_u32(walk, &qmi->frame);
    walk_event(walk, &qmi->frame_end);
}

/* The cores map memory by the registers. */
static void qmi_restored(struct block *block) {
    struct qmi *qmi = (struct qmi *)block;
    for (unsigned number = 0; qmi->remapped && number < 8; number++) {
        qmi->remapped(qmi->context, number);
    }
}

const struct block_class qmi_class = {
    .name = "qmi",
    .size = sizeof(struct qmi),
    .init = qmi_init,
    .reset = qmi_reset,
    .read = qmi_read,
    .write = qmi_write,
    .walk = qmi_walk,
    .restored = qmi_restored,
};

/* ---- XIP_AUX ---- */

static uint32_t xip_aux_read(struct block *block, unsigned reg) {
    struct xip_aux *aux = (struct xip_aux *)block;
    switch (reg) {
    case XIP_AUX_STREAM:
        return xip_ctrl_stream_pop(aux->xip);
    case XIP_AUX_QMI_DIRECT_RX:
        return pop_received(aux->qmi);
    default:
        return 0;
    }
}

static void xip_aux_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    if (reg == XIP_AUX_QMI_DIRECT_TX) {
        push_record(((struct xip_aux *)block)->qmi, value);
    }
}

const struct block_class xip_aux_class = {
    .name = "xip_aux",
    .size = sizeof(struct xip_aux),
    .read = xip_aux_read,
    .write = xip_aux_write,
};
