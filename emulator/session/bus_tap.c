/* I2C: UM10204 (START, STOP, acknowledgement, 10-bit addresses). SPI: modes by clock polarity and phase; without CS a
 * transaction ends when the clock has stood still for 20 of its periods. UART: a start bit, the data with the least bit
 * first, parity, and a stop bit; sampled in the middle of bits, each frame anew from its falling edge.
 *
 * Not done: high-speed I2C, clocks of SPI slaves that talk without one, RS-485 turn-around. Edges at one time count in
 * the order in which the nets have them. */
#include "emulator/session/bus_tap.h"

#include "emulator/core/scheduler.h"

#include <stdlib.h>
#include <string.h>

#define SPI_PAUSE_PERIODS 20
#define UART_PAUSE_FRAMES 3

struct tap_line {
    struct bus_tap *tap;
    enum bus_line line;
    struct net_listener listener;
};

struct bus_tap {
    struct bus_desc desc;
    struct tap_line lines[BUS_LINES];
    bool levels[BUS_LINES];
    struct bus_transaction *list;
    size_t count, room;
    uint64_t lost;

    struct bus_transaction now; /* under way */
    size_t data_room, miso_room;
    bool is_open;
    unsigned word[2]; /* bits so far, of `data` and `miso` */
    unsigned bits;
    unsigned bytes;          /* BUS_I2C: of address and data so far */
    unsigned ten_bit;        /* BUS_I2C: the latest address of 10 bits */
    uint64_t last_ps;        /* time never goes back */
    uint64_t edge_ps;        /* of the latest bit */
    uint64_t period_ps;      /* BUS_SPI: between the latest two bits */
    uint64_t bit_ps, due_ps; /* BUS_UART: length of a bit; when the next one is sampled */
    bool is_in_frame, is_bad;
};

/* ---- The list ---- */

static bool keep_transaction(struct bus_tap *tap, const struct bus_transaction *transaction) {
    if (tap->count == BUS_TAP_TRANSACTIONS) {
        return false;
    }
    if (tap->count == tap->room) {
        size_t room = tap->room ? 2 * tap->room : 64;
        struct bus_transaction *list = realloc(tap->list, room * sizeof(*list));
        if (!list) {
            return false;
        }
        tap->list = list;
        tap->room = room;
    }
    tap->list[tap->count++] = *transaction;
    return true;
}

static void free_transaction(struct bus_transaction *transaction) {
    free(transaction->data);
    free(transaction->miso);
}

static void begin_transaction(struct bus_tap *tap, uint64_t now_ps) {
    tap->now = (struct bus_transaction){ .begin_ps = now_ps };
    tap->data_room = tap->miso_room = 0;
    tap->is_open = true;
    tap->bits = tap->bytes = tap->word[0] = tap->word[1] = 0;
}

/* One that has been split off just before a pause. */
static bool is_nothing(const struct bus_tap *tap) {
    return tap->desc.kind != BUS_I2C && !tap->desc.nets[BUS_CS] && !tap->now.size && !tap->bits;
}

static void end_transaction(struct bus_tap *tap, uint64_t now_ps) {
    if (!tap->is_open) {
        return;
    }
    tap->is_open = false;
    if (is_nothing(tap)) {
        return;
    }
    tap->now.end_ps = now_ps;
    if (tap->desc.done) {
        tap->desc.done(tap->desc.context, &tap->now);
    }
    if (!keep_transaction(tap, &tap->now)) {
        tap->lost++;
        free_transaction(&tap->now);
    }
    tap->now = (struct bus_transaction){ 0 };
}

/* ---- Bytes ---- */

static bool reserve_byte(uint8_t **bytes, size_t size, size_t *room) {
    if (size < *room) {
        return true;
    }
    size_t more = *room ? 2 * *room : 16;
    uint8_t *grown = realloc(*bytes, more);
    if (grown) {
        *bytes = grown;
        *room = more;
    }
    return grown != NULL;
}

static void add_byte(struct bus_tap *tap, unsigned data, unsigned miso) {
    struct bus_transaction *now = &tap->now;
    bool has_miso = tap->desc.kind == BUS_SPI && tap->desc.nets[BUS_MISO];
    if (!reserve_byte(&now->data, now->size, &tap->data_room) ||
        (has_miso && !reserve_byte(&now->miso, now->size, &tap->miso_room))) {
        tap->lost++;
        return;
    }
    now->data[now->size] = (uint8_t)data;
    if (has_miso) {
        now->miso[now->size] = (uint8_t)miso;
    }
    now->size++;
}

static void add_word(struct bus_tap *tap) {
    if (tap->desc.bits > 8) {
        add_byte(tap, tap->word[0] >> 8, tap->word[1] >> 8);
    }
    add_byte(tap, tap->word[0], tap->word[1]);
}

static void split_long_transaction(struct bus_tap *tap, uint64_t now_ps) {
    if (tap->now.size >= BUS_TAP_BYTES) {
        struct bus_transaction before = tap->now;
        unsigned bytes = tap->bytes;
        end_transaction(tap, now_ps);
        begin_transaction(tap, now_ps);
        tap->bytes = bytes;
        tap->now.address = before.address;
        tap->now.is_ten_bit = before.is_ten_bit;
        tap->now.is_read = before.is_read;
        tap->now.is_acknowledged = before.is_acknowledged;
    }
}

/* ---- I2C ---- */

/* The first byte of a transaction is the address; one that begins with 11110 has a second byte, unless it reads: then
 * the transaction before the repeated START has told it. */
static bool is_ten_bit_prefix(unsigned byte) {
    return (byte & 0xf8) == 0xf0;
}

static void i2c_take_byte(struct bus_tap *tap, unsigned byte, bool acknowledged) {
    struct bus_transaction *now = &tap->now;
    unsigned number = tap->bytes++;
    if (number == 0) {
        now->is_read = byte & 1;
        now->is_ten_bit = is_ten_bit_prefix(byte);
        now->address = now->is_ten_bit ? (byte >> 1 & 3) << 8 : byte >> 1;
        now->is_acknowledged = acknowledged;
        if (now->is_ten_bit && now->is_read && (tap->ten_bit & 0x300) == now->address) {
            now->address = tap->ten_bit;
        }
        return;
    }
    if (number == 1 && now->is_ten_bit && !now->is_read) {
        now->address |= byte;
        tap->ten_bit = now->address;
        now->is_acknowledged &= acknowledged;
        return;
    }
    now->acknowledged += acknowledged && now->acknowledged == now->size;
    add_byte(tap, byte, 0);
}

static void i2c_clock_rises(struct bus_tap *tap, uint64_t now_ps) {
    if (!tap->is_open) {
        return;
    }
    tap->edge_ps = now_ps;
    if (tap->bits < 8) {
        tap->word[0] = tap->word[0] << 1 | tap->levels[BUS_SDA];
        tap->bits++;
        return;
    }
    i2c_take_byte(tap, tap->word[0] & 0xff, !tap->levels[BUS_SDA]);
    tap->bits = tap->word[0] = 0;
    split_long_transaction(tap, now_ps);
}

/* The clock of the STOP or of the repeated START itself has been taken for a bit. */
static void i2c_end(struct bus_tap *tap, uint64_t now_ps, bool restarted) {
    if (tap->is_open) {
        tap->now.is_restarted = restarted;
        tap->now.has_error = tap->bits > 1 || !tap->bytes;
        end_transaction(tap, now_ps);
    }
}

/* A target lets go of SDA as soon as it hears that SCL has fallen, which may be before the tap hears it: that is no
 * STOP. So SCL's level is the wire's. */
static void i2c_change(struct bus_tap *tap, enum bus_line line, uint64_t now_ps) {
    bool clock = net_is_high(tap->desc.nets[BUS_SCL]);
    if (line == BUS_SCL && tap->levels[BUS_SCL]) {
        i2c_clock_rises(tap, now_ps);
    } else if (line == BUS_SDA && clock && tap->levels[BUS_SCL]) {
        bool is_start = !tap->levels[BUS_SDA];
        i2c_end(tap, now_ps, is_start);
        if (is_start) {
            begin_transaction(tap, now_ps);
        }
    }
}

/* ---- SPI ---- */

static bool spi_is_selected(const struct bus_tap *tap) {
    return !tap->desc.nets[BUS_CS] || tap->levels[BUS_CS] == tap->desc.is_cs_high;
}

static void spi_end(struct bus_tap *tap, uint64_t now_ps) {
    if (tap->is_open) {
        tap->now.has_error = tap->bits != 0;
        end_transaction(tap, now_ps);
    }
}

/* Without CS, a clock that stands still ends the transaction. */
static void spi_settle(struct bus_tap *tap, uint64_t now_ps) {
    uint64_t pause_ps = SPI_PAUSE_PERIODS * tap->period_ps;
    if (!tap->desc.nets[BUS_CS] && tap->is_open && tap->period_ps && now_ps - tap->edge_ps > pause_ps) {
        spi_end(tap, tap->edge_ps);
        tap->period_ps = 0;
    }
}

static unsigned spi_add_bit(const struct bus_tap *tap, unsigned word, bool bit) {
    return tap->desc.is_lsb_first ? word | (unsigned)bit << tap->bits : word << 1 | bit;
}

static void spi_take_bit(struct bus_tap *tap, uint64_t now_ps) {
    if (!tap->is_open) {
        begin_transaction(tap, now_ps);
        tap->edge_ps = now_ps;
    } else if (now_ps > tap->edge_ps) {
        tap->period_ps = now_ps - tap->edge_ps;
        tap->edge_ps = now_ps;
    }
    tap->word[0] = spi_add_bit(tap, tap->word[0], tap->levels[BUS_MOSI]);
    tap->word[1] = spi_add_bit(tap, tap->word[1], tap->levels[BUS_MISO]);
    if (++tap->bits == tap->desc.bits) {
        add_word(tap);
        tap->bits = tap->word[0] = tap->word[1] = 0;
        split_long_transaction(tap, now_ps);
    }
}

static void spi_change(struct bus_tap *tap, enum bus_line line, uint64_t now_ps) {
    if (line == BUS_CS) {
        spi_end(tap, now_ps);
        if (spi_is_selected(tap)) {
            begin_transaction(tap, now_ps);
            tap->edge_ps = now_ps;
        }
        return;
    }
    bool samples_rise = tap->desc.mode == 0 || tap->desc.mode == 3;
    if (line == BUS_SCK && spi_is_selected(tap) && tap->levels[BUS_SCK] == samples_rise) {
        spi_settle(tap, now_ps);
        spi_take_bit(tap, now_ps);
    }
}

/* ---- UART ---- */

static unsigned uart_frame_bits(const struct bus_tap *tap) {
    return tap->desc.bits + (tap->desc.parity != BUS_NO_PARITY) + 1; /* and the stop bit */
}

static bool uart_is_parity_right(const struct bus_tap *tap) {
    unsigned mask = (2u << tap->desc.bits) - 1; /* data and parity bit */
    bool is_odd = __builtin_popcount(tap->word[0] & mask) & 1;
    return tap->desc.parity == BUS_NO_PARITY || is_odd == (tap->desc.parity == BUS_ODD);
}

static void uart_end_frame(struct bus_tap *tap) {
    bool stop = tap->word[0] >> (uart_frame_bits(tap) - 1) & 1;
    tap->now.has_error |= !stop || !uart_is_parity_right(tap);
    add_byte(tap, tap->word[0] & ((1u << tap->desc.bits) - 1), 0);
    tap->is_in_frame = false;
    tap->edge_ps = tap->due_ps;
    split_long_transaction(tap, tap->due_ps);
}

/* The bits whose middle lies before `now_ps`, all of them at the level that the line has had until then. */
static void uart_sample(struct bus_tap *tap, bool level, uint64_t now_ps) {
    while (tap->is_in_frame && tap->due_ps < now_ps) {
        tap->word[0] |= (unsigned)level << tap->bits;
        if (++tap->bits == uart_frame_bits(tap)) {
            uart_end_frame(tap);
        } else {
            tap->due_ps += tap->bit_ps;
        }
    }
}

static void uart_settle(struct bus_tap *tap, bool level, uint64_t now_ps) {
    uart_sample(tap, level, now_ps);
    uint64_t pause_ps = UART_PAUSE_FRAMES * (uart_frame_bits(tap) + 1) * tap->bit_ps;
    if (tap->is_open && !tap->is_in_frame && now_ps > tap->edge_ps + pause_ps) {
        end_transaction(tap, tap->edge_ps);
    }
}

static void uart_change(struct bus_tap *tap, uint64_t now_ps) {
    bool level = tap->levels[BUS_LINE] != tap->desc.is_inverted;
    uart_settle(tap, !level, now_ps);
    if (tap->is_in_frame || level) {
        return;
    }
    if (!tap->is_open) {
        begin_transaction(tap, now_ps);
    }
    tap->is_in_frame = true;
    tap->bits = tap->word[0] = 0;
    tap->due_ps = now_ps + tap->bit_ps + tap->bit_ps / 2;
}

/* ---- Edges ---- */

static uint64_t tap_time(struct bus_tap *tap) {
    uint64_t now_ps = scheduler_due(tap->desc.nets[0]->env->scheduler);
    tap->last_ps = now_ps > tap->last_ps ? now_ps : tap->last_ps;
    return tap->last_ps;
}

static void note_level(struct bus_tap *tap, enum bus_line line) {
    bool level = net_is_high(tap->desc.nets[line]);
    if (level == tap->levels[line]) {
        return;
    }
    tap->levels[line] = level;
    switch (tap->desc.kind) {
    case BUS_I2C:
        i2c_change(tap, line, tap_time(tap));
        break;
    case BUS_SPI:
        spi_change(tap, line, tap_time(tap));
        break;
    case BUS_UART:
        uart_change(tap, tap_time(tap));
        break;
    }
}

/* A part that answers an edge of SCL at once has changed SDA before this tap hears of that edge. */
static void note_change(struct net_listener *listener, struct net *net) {
    struct tap_line *line = listener->owner;
    if (line->tap->desc.kind == BUS_I2C && line->line == BUS_SDA) {
        note_level(line->tap, BUS_SCL);
    }
    note_level(line->tap, line->line);
}

/* ---- Opening ---- */

static bool has_lines(const struct bus_desc *desc, struct error *error) {
    struct net *const *nets = desc->nets;
    switch (desc->kind) {
    case BUS_I2C:
        error_set(error, "an I2C bus has the lines sda and scl");
        return nets[BUS_SDA] && nets[BUS_SCL];
    case BUS_SPI:
        error_set(error, "an SPI bus has the line sck, and mosi or miso or both");
        return nets[BUS_SCK] && (nets[BUS_MOSI] || nets[BUS_MISO]);
    case BUS_UART:
        error_set(error, "a UART has one line");
        return nets[BUS_LINE];
    }
    error_set(error, "there is no bus of kind %d", (int)desc->kind);
    return false;
}

static bool has_numbers(const struct bus_desc *desc, struct error *error) {
    unsigned least = desc->kind == BUS_SPI ? 4 : 5, most = desc->kind == BUS_SPI ? 16 : 8;
    if (desc->kind != BUS_I2C && (desc->bits < least || desc->bits > most)) {
        error_set(error, "words have %u to %u bits", least, most);
        return false;
    }
    if (desc->kind == BUS_UART && !(desc->baud >= 10 && desc->baud <= 1e8)) {
        error_set(error, "the baud rate is from 10 to 100000000");
        return false;
    }
    error_set(error, "the mode of an SPI bus is from 0 to 3");
    return desc->kind != BUS_SPI || desc->mode <= 3;
}

static void listen_to_lines(struct bus_tap *tap) {
    for (enum bus_line line = 0; line < BUS_LINES; line++) {
        struct net *net = tap->desc.nets[line];
        struct tap_line *each = &tap->lines[line];
        if (net) {
            *each =
                (struct tap_line){ .tap = tap, .line = line, .listener = { .changed = note_change, .owner = each } };
            tap->levels[line] = net_is_high(net);
            net_listen(net, &each->listener);
        }
    }
}

struct bus_tap *bus_tap_open(const struct bus_desc *desc, struct error *error) {
    struct bus_desc wanted = *desc;
    wanted.bits = wanted.bits ? wanted.bits : 8;
    if (!has_lines(&wanted, error) || !has_numbers(&wanted, error)) {
        return NULL;
    }
    struct bus_tap *tap = calloc(1, sizeof(*tap));
    if (!tap) {
        error_set(error, "out of memory");
        return NULL;
    }
    tap->desc = wanted;
    tap->bit_ps = wanted.kind == BUS_UART ? (uint64_t)(1e12 / wanted.baud + 0.5) : 0;
    listen_to_lines(tap);
    if (wanted.kind == BUS_SPI && wanted.nets[BUS_CS] && spi_is_selected(tap)) {
        begin_transaction(tap, tap_time(tap));
    }
    return tap;
}

void bus_tap_forget(struct bus_tap *tap) {
    for (size_t i = 0; i < tap->count; i++) {
        free_transaction(&tap->list[i]);
    }
    tap->count = 0;
    tap->lost = 0;
}

void bus_tap_close(struct bus_tap *tap) {
    if (!tap) {
        return;
    }
    for (enum bus_line line = 0; line < BUS_LINES; line++) {
        if (tap->desc.nets[line]) {
            net_unlisten(tap->desc.nets[line], &tap->lines[line].listener);
        }
    }
    bus_tap_forget(tap);
    free_transaction(&tap->now);
    free(tap->list);
    free(tap);
}

/* ---- Reading ---- */

size_t bus_tap_count(struct bus_tap *tap) {
    if (tap->desc.kind == BUS_SPI) {
        spi_settle(tap, tap_time(tap));
    } else if (tap->desc.kind == BUS_UART) {
        uart_settle(tap, tap->levels[BUS_LINE] != tap->desc.is_inverted, tap_time(tap));
    }
    return tap->count;
}

const struct bus_transaction *bus_tap_get(const struct bus_tap *tap, size_t index) {
    return index < tap->count ? &tap->list[index] : NULL;
}

uint64_t bus_tap_lost(const struct bus_tap *tap) {
    return tap->lost;
}
