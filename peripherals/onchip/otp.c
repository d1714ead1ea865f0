/* One-time programmable memory: RP2350 datasheet 13.1 (read windows), 13.5 (page locks), 13.6 (error correction),
 * 13.9 (registers), 13.10 (rows).
 *
 * Not modelled: the SBPI serial interface to the fuses (an instruction is done at once and does nothing, with a stub
 * line: firmware programs by the boot ROM's service), access keys (never valid), bus errors of the guarded windows (a
 * refused read gives all ones, a guest line and INTR), self-test, debug switches beyond registers.
 * Decided: of the factory's rows only those that software reads are there: CHIPID, RANDID, oscillator calibrations,
 * NUM_GPIOS, the information's CRC. A page's lock is what two of the three copies in its lock row say. */
#include "peripherals/onchip/otp.h"

#include <string.h>

#define ROW_CHIPID0 0x000u
#define ROW_RANDID0 0x004u
#define ROW_ROSC_CALIB 0x010u
#define ROW_LPOSC_CALIB 0x011u
#define ROW_NUM_GPIOS 0x018u
#define ROW_INFO_CRC0 0x036u
#define ROW_CRIT0 0x038u
#define ROW_CRIT1 0x040u
#define ROW_PAGE0_LOCK1 0xf81u /* every other row */
#define CRITICAL_COPIES 8u
#define CRITICAL_VOTES 3u
#define PAGE_ROWS (OTP_ROWS / OTP_PAGES)
#define LOCK_INACCESSIBLE 2u
#define ROSC_KHZ 11000u
#define LPOSC_HZ 32768u

/* Windows. */
#define RAW 0x4000u
#define ECC_SIZE 0x2000u

/* ---- Error correction: a Hamming code over 16 bits, parity over all, and inversion of the whole row ---- */

#define CODE_BITS 21u
#define PARITY_BIT (1u << 21)
#define INVERTED (3u << 22)

static bool is_power_of_two(unsigned x) {
    return !(x & (x - 1));
}

/* Bit of a row by its place in the code word, 1 to 21: check bits have the places that are powers of two. */
static unsigned bit_at(unsigned place) {
    unsigned before = 32 - (unsigned)__builtin_clz(place); /* check bits up to here */
    return is_power_of_two(place) ? 16 + (unsigned)__builtin_ctz(place) : place - 1 - before;
}

static unsigned syndrome(uint32_t row) {
    unsigned result = 0;
    for (unsigned place = 1; place <= CODE_BITS; place++) {
        result ^= row >> bit_at(place) & 1 ? place : 0;
    }
    return result;
}

uint32_t otp_encode(uint16_t value) {
    uint32_t row = value | syndrome(value) << 16;
    return row | (__builtin_parity(row) ? PARITY_BIT : 0);
}

bool otp_decode(uint32_t row, uint16_t *ret_value) {
    row ^= (row & INVERTED) == INVERTED ? OTP_ROW_BITS : 0;
    uint32_t code = row & (PARITY_BIT | (PARITY_BIT - 1));
    unsigned place = syndrome(code);
    bool odd = __builtin_parity(code);
    if (odd && place && place <= CODE_BITS) {
        code ^= 1u << bit_at(place);
    }
    *ret_value = (uint16_t)code;
    return odd ? place <= CODE_BITS : !place;
}

/* ---- Contents ---- */

/* CRC-32 of the value rows, bytes in memory order (reflected, all ones, inverted). */
static uint32_t information_crc(const struct otp *o) {
    uint32_t crc = UINT32_MAX;
    for (unsigned at = 0; at < 2 * ROW_INFO_CRC0; at++) {
        uint16_t value = 0;
        otp_decode(o->rows[at / 2], &value);
        crc ^= value >> 8 * (at & 1) & 0xff;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

static void encode_words(struct otp *o, unsigned row, unsigned words) {
    for (unsigned i = 0; i < words; i += 4) {
        uint64_t bits = random_next(&o->block.random);
        for (unsigned j = 0; j < 4; j++) {
            o->rows[row + i + j] = otp_encode((uint16_t)(bits >> 16 * j));
        }
    }
}

void otp_make_factory_rows(struct otp *o) {
    memset(o->rows, 0, sizeof(o->rows));
    encode_words(o, ROW_CHIPID0, 4);
    encode_words(o, ROW_RANDID0, 8);
    o->rows[ROW_ROSC_CALIB] = otp_encode(ROSC_KHZ);
    o->rows[ROW_LPOSC_CALIB] = otp_encode(LPOSC_HZ);
    o->rows[ROW_NUM_GPIOS] = otp_encode((uint16_t)o->gpios);
    uint32_t crc = information_crc(o);
    o->rows[ROW_INFO_CRC0] = otp_encode((uint16_t)crc);
    o->rows[ROW_INFO_CRC0 + 1] = otp_encode((uint16_t)(crc >> 16));
}

void otp_load(struct otp *o, const uint32_t *rows) {
    for (unsigned i = 0; i < OTP_ROWS; i++) {
        o->rows[i] = rows[i] & OTP_ROW_BITS;
    }
}

static unsigned secure_lock(const struct otp *o, uint32_t row) {
    return o->block.values[OTP_SW_LOCK0 + row / PAGE_ROWS] & 3;
}

bool otp_program(struct otp *o, uint32_t row, uint32_t value) {
    if (row >= OTP_ROWS || secure_lock(o, row)) {
        return false;
    }
    o->rows[row] |= value & OTP_ROW_BITS;
    if (o->programmed) {
        o->programmed(o->context, row);
    }
    return true;
}

/* Bits that at least three of eight copies have. */
static uint32_t vote(const uint32_t *copies) {
    uint32_t result = 0;
    for (unsigned bit = 0; bit < 24; bit++) {
        unsigned votes = 0;
        for (unsigned i = 0; i < CRITICAL_COPIES; i++) {
            votes += copies[i] >> bit & 1;
        }
        result |= votes >= CRITICAL_VOTES ? 1u << bit : 0;
    }
    return result;
}

static uint32_t majority(uint32_t row) {
    uint32_t a = row & 0xff, b = row >> 8 & 0xff, c = row >> 16 & 0xff;
    return (a & b) | (a & c) | (b & c);
}

/* ---- Registers ---- */

static uint32_t interrupt_status(const struct otp *o) {
    return (o->block.values[OTP_INTR] & o->block.values[OTP_INTE]) | o->block.values[OTP_INTF];
}

static void otp_update(struct otp *o) {
    line_set(&o->block.irq[0], interrupt_status(o));
}

static uint32_t otp_read(struct block *b, unsigned reg) {
    switch (reg) {
    case OTP_INTS:
        return interrupt_status((struct otp *)b);
    case OTP_CRT_KEY_W0:
    case OTP_CRT_KEY_W1:
    case OTP_CRT_KEY_W2:
    case OTP_CRT_KEY_W3:
        return 0;
    default:
        return b->values[reg];
    }
}

static void otp_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    uint32_t *v = b->values;
    if (reg <= OTP_SW_LOCK63) {
        v[reg] |= old;
    } else if (reg == OTP_DEBUGEN) {
        v[reg] = (v[reg] & ~v[OTP_DEBUGEN_LOCK]) | (old & v[OTP_DEBUGEN_LOCK]);
    } else if (reg == OTP_DEBUGEN_LOCK) {
        v[reg] |= old;
    } else if (reg == OTP_BOOTDIS) {
        v[reg] |= old & OTP_BOOTDIS_NEXT;
    } else if (reg == OTP_SBPI_INSTR && value & OTP_SBPI_INSTR_EXEC) {
        block_report_stub(b, b->registers->descs[reg].offset, true);
        v[OTP_SBPI_STATUS] |= OTP_SBPI_STATUS_INSTR_DONE;
    }
    otp_update((struct otp *)b);
}

/* ---- Read windows ---- */

static bool may_read(struct otp *o, uint32_t row) {
    uint32_t reason = 0;
    if (!(o->block.values[OTP_USR] & OTP_USR_DCTRL)) {
        reason = OTP_INTR_APB_DCTRL_FAIL;
    } else if (secure_lock(o, row) & LOCK_INACCESSIBLE) {
        reason = OTP_INTR_APB_RD_SEC_FAIL;
    }
    if (reason) {
        log_write(o->block.env->log, LOG_GUEST, o->block.name, "read of row 0x%03x is refused: %s", row,
                  reason == OTP_INTR_APB_DCTRL_FAIL ? "the read interface is off" : "its page is locked");
        o->block.values[OTP_INTR] |= reason;
        otp_update(o);
    }
    return !reason;
}

static uint32_t read_value(struct otp *o, uint32_t row) {
    uint16_t value;
    if (!may_read(o, row)) {
        return UINT16_MAX;
    }
    if (!otp_decode(o->rows[row], &value)) {
        log_write(o->block.env->log, LOG_GUEST, o->block.name, "row 0x%03x holds 0x%06x, which is no valid code", row,
                  o->rows[row]);
    }
    return value;
}

/* A word shows two rows with error correction, or one as it is. */
uint32_t otp_window_read(void *context, uint32_t offset, unsigned size) {
    struct otp *o = context;
    uint32_t at = offset & (RAW - 1), word;
    if (offset & RAW) {
        word = may_read(o, at / 4) ? o->rows[at / 4] : UINT32_MAX;
    } else if (at >= ECC_SIZE) {
        return 0;
    } else if (size == 4) {
        return read_value(o, at / 2) | read_value(o, at / 2 + 1) << 16;
    } else {
        word = read_value(o, at / 2) << 8 * (at & 2);
    }
    word >>= 8 * (offset & 3);
    return size == 4 ? word : word & ((1u << 8 * size) - 1);
}

void otp_window_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct otp *o = context;
    log_write(o->block.env->log, LOG_GUEST, o->block.name, "store to the read window at offset 0x%04x is lost", offset);
}

/* ---- Reset, class ---- */

static void otp_reset(struct block *b) {
    struct otp *o = (struct otp *)b;
    for (unsigned page = 0; page < OTP_PAGES; page++) {
        b->values[OTP_SW_LOCK0 + page] = majority(o->rows[ROW_PAGE0_LOCK1 + 2 * page]) & 0xf;
    }
    uint32_t architecture = vote(&o->rows[ROW_CRIT0]) & 3, flags = vote(&o->rows[ROW_CRIT1]) & 0x7f;
    b->values[OTP_CRITICAL] = flags | architecture << 16;
    b->values[OTP_DBG] = OTP_DBG_ROSC_UP | OTP_DBG_ROSC_UP_SEEN | OTP_DBG_BOOT_DONE | OTP_DBG_PSM_DONE;
    otp_update(o);
}

static void otp_init(struct block *b) {
    otp_make_factory_rows((struct otp *)b);
}

static void otp_walk(struct block *b, struct walk *walk) {
    struct otp *o = (struct otp *)b;
    walk_u32s(walk, o->rows, OTP_ROWS);
    for (unsigned i = 0; i < OTP_ROWS; i++) {
        o->rows[i] &= OTP_ROW_BITS;
    }
}

const struct block_class otp_class = {
    .name = "otp",
    .size = sizeof(struct otp),
    .init = otp_init,
    .reset = otp_reset,
    .read = otp_read,
    .write = otp_write,
    .holds_until = block_holds,
    .walk = otp_walk,
};
