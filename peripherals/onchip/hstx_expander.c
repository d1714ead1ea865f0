/* The command expander of HSTX: RP2350 datasheet 12.11.5 (commands), 12.11.6 (EXPAND_SHIFT, EXPAND_TMDS). TMDS symbols
 * are those of tmds.c.
 *
 * Decided: commands take no time of their own; a data word's rest is thrown away at the end of its command; repeats
 * take one data word and do not shift it; the balance of the TMDS lanes begins anew with every command that sends raw
 * words, as DVI 1.0 3.2.2 has it for blanking; an operation without a meaning is a NOP, and a guest line says so. */
#include "peripherals/onchip/hstx.h"
#include "peripherals/onchip/tmds.h"

#include <stdlib.h>

enum hstx_command { RAW, RAW_REPEAT, TMDS, TMDS_REPEAT, NOP = 15 };

#define COMMAND_OPERATION 0xf000u
#define COMMAND_LENGTH HSTX_MOST_WORDS
#define PIXELS 256

static uint32_t rotate_right(uint32_t word, unsigned by) {
    by &= 31;
    return by ? word >> by | word << (32 - by) : word;
}

void hstx_expander_reset(struct hstx_expander *expander) {
    *expander = (struct hstx_expander){ .command = NOP };
}

/* ---- TMDS ---- */

static void make_codes(struct hstx *hstx) {
    hstx->codes = calloc(HSTX_BALANCES * PIXELS, sizeof(*hstx->codes));
    for (int i = 0; hstx->codes && i < HSTX_BALANCES; i++) {
        for (unsigned pixel = 0; pixel < PIXELS; pixel++) {
            int balance = 2 * (i - HSTX_BALANCES / 2);
            struct hstx_code *code = &hstx->codes[i * PIXELS + (int)pixel];
            code->symbol = (uint16_t)tmds_encode(pixel, &balance);
            code->balance = (int8_t)(balance / 2);
        }
    }
}

static unsigned lane_symbol(struct hstx *hstx, unsigned lane) {
    static const unsigned shifts[DVI_LANES] = { HSTX_CTRL_EXPAND_TMDS_L0_ROT_LSB, HSTX_CTRL_EXPAND_TMDS_L1_ROT_LSB,
                                                HSTX_CTRL_EXPAND_TMDS_L2_ROT_LSB };
    struct hstx_expander *expander = &hstx->expander;
    uint32_t field = hstx->block.values[HSTX_CTRL_EXPAND_TMDS] >> shifts[lane];
    unsigned bits = (field >> 5 & 7) + 1;
    unsigned pixel = rotate_right(expander->data, field & 31) & (0xff00u >> bits) & 0xff;
    unsigned index = (unsigned)(expander->balance[lane] + HSTX_BALANCES / 2) % HSTX_BALANCES;
    const struct hstx_code *code = &hstx->codes[index * PIXELS + pixel];
    expander->balance[lane] = code->balance;
    return code->symbol;
}

static uint32_t encode_pixel(struct hstx *hstx) {
    uint32_t word = 0;
    for (unsigned lane = 0; lane < DVI_LANES; lane++) {
        word |= (uint32_t)lane_symbol(hstx, lane) << DVI_SYMBOL_BITS * lane;
    }
    return word;
}

/* ---- Commands ---- */

static bool repeats(const struct hstx_expander *expander) {
    return expander->command & 1;
}

static bool encodes(const struct hstx_expander *expander) {
    return expander->command >= TMDS;
}

static unsigned shifts_of(const struct hstx *hstx) {
    uint32_t settings = hstx->block.values[HSTX_CTRL_EXPAND_SHIFT];
    bool tmds = encodes(&hstx->expander);
    unsigned shifts =
        field_get(settings, tmds ? HSTX_CTRL_EXPAND_SHIFT_ENC_N_SHIFTS : HSTX_CTRL_EXPAND_SHIFT_RAW_N_SHIFTS);
    return shifts ? shifts : 32;
}

static unsigned shift_by(const struct hstx *hstx) {
    uint32_t settings = hstx->block.values[HSTX_CTRL_EXPAND_SHIFT];
    bool tmds = encodes(&hstx->expander);
    return field_get(settings, tmds ? HSTX_CTRL_EXPAND_SHIFT_ENC_SHIFT : HSTX_CTRL_EXPAND_SHIFT_RAW_SHIFT);
}

static void begin_command(struct hstx *hstx, uint32_t word) {
    struct hstx_expander *expander = &hstx->expander;
    unsigned command = (word & COMMAND_OPERATION) >> 12;
    if (command > TMDS_REPEAT) {
        if (command != NOP) {
            log_write(hstx->block.env->log, LOG_GUEST, hstx->block.name, "no command 0x%x in 0x%08x", command, word);
        }
        return;
    }
    expander->command = command;
    expander->left = word & COMMAND_LENGTH;
    expander->endless = !expander->left;
    expander->has_data = false;
    for (unsigned lane = 0; !encodes(expander) && lane < DVI_LANES; lane++) {
        expander->balance[lane] = 0;
    }
}

static bool is_busy(const struct hstx_expander *expander) {
    return expander->left || expander->endless;
}

/* There are a command and data for it. */
static bool load_expander(struct hstx *hstx) {
    struct hstx_expander *expander = &hstx->expander;
    uint32_t word;
    while (!is_busy(expander)) {
        if (!hstx_pop(hstx, &word)) {
            return false;
        }
        begin_command(hstx, word);
    }
    if (!expander->has_data) {
        if (!hstx_pop(hstx, &expander->data)) {
            return false;
        }
        expander->has_data = true;
        expander->shifts_left = shifts_of(hstx);
    }
    return true;
}

static void count_words(struct hstx_expander *expander, uint32_t words) {
    expander->left -= expander->endless ? 0 : words;
    expander->has_data &= is_busy(expander);
}

static void shift_data(struct hstx *hstx) {
    struct hstx_expander *expander = &hstx->expander;
    expander->data = rotate_right(expander->data, shift_by(hstx));
    expander->has_data = --expander->shifts_left;
}

uint32_t hstx_next_word(struct hstx *hstx, uint32_t most, uint32_t *ret_word) {
    struct hstx_expander *expander = &hstx->expander;
    if (!(hstx->block.values[HSTX_CTRL_CSR] & HSTX_CTRL_CSR_EXPAND_EN)) {
        return hstx_pop(hstx, ret_word);
    }
    if (!load_expander(hstx)) {
        return 0;
    }
    if (encodes(expander) && !hstx->codes) {
        make_codes(hstx);
    }
    *ret_word = encodes(expander) && hstx->codes ? encode_pixel(hstx) : expander->data;
    uint32_t words = 1;
    if (!repeats(expander)) {
        shift_data(hstx);
    } else if (!encodes(expander)) {
        words = expander->endless || expander->left > most ? most : expander->left;
    }
    count_words(expander, words);
    return words;
}

uint32_t hstx_words_until(const struct hstx *hstx, unsigned pops) {
    const struct hstx_expander *expander = &hstx->expander;
    bool expands = hstx->block.values[HSTX_CTRL_CSR] & HSTX_CTRL_CSR_EXPAND_EN;
    if (!expands || !is_busy(expander)) {
        return expands ? 1 : pops;
    }
    uint32_t ends = expander->endless ? UINT32_MAX : expander->left;
    if (repeats(expander)) {
        return ends;
    }
    uint32_t words = (expander->has_data ? expander->shifts_left : 0) + (pops ? pops - 1 : 0) * shifts_of(hstx);
    words = words ? words : 1;
    return words < ends ? words : ends;
}
