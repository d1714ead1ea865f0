/* The second view of striped SRAM: RP2040 datasheet 2.6.2. Words of the striped view go to the banks in turn. */
#include "emulator/core/banks.h"

#include <string.h>

uint32_t banks_striped(const struct banks *banks, uint32_t offset) {
    uint32_t bank_size = banks->size / BANKS, bank = offset / bank_size, word = offset % bank_size / 4;
    return (word * BANKS + bank) * 4 + offset % 4;
}

static void copy_words(struct banks *banks, uint32_t offset, uint32_t end) {
    for (; offset < end; offset += 4) {
        memcpy(banks->code + offset, banks->striped + banks_striped(banks, offset), 4);
    }
}

void banks_fetch(struct banks *banks, uint32_t address) {
    uint32_t page = (address - banks->base) / BANKS_PAGE;
    if (!banks->fetched[page]) {
        banks->fetched[page] = true;
        copy_words(banks, page * BANKS_PAGE, (page + 1) * BANKS_PAGE);
        banks->page_fetched(banks->context);
    }
}

const uint8_t *banks_code_at(const struct banks *banks, uint32_t address, uint32_t size) {
    uint32_t offset = address - banks->base;
    if (offset >= banks->size || size > banks->size - offset) {
        return NULL;
    }
    for (uint32_t page = offset / BANKS_PAGE; page * BANKS_PAGE < offset + size; page++) {
        if (!banks->fetched[page]) {
            return NULL;
        }
    }
    return banks->code + offset;
}

/* The part of a bank, as offsets of the view, that bytes of striped memory lie in. A bank has one word in BANKS. */
static bool find_part(const struct banks *banks, unsigned bank, const uint8_t *host, uint32_t size, uint32_t *ret_first,
                      uint32_t *ret_end) {
    uintptr_t at = (uintptr_t)host - (uintptr_t)banks->striped;
    if (at >= banks->size || !size) {
        return false;
    }
    uint32_t rest = banks->size - (uint32_t)at, last = (uint32_t)at + (size < rest ? size : rest) - 1;
    uint32_t first_word = ((uint32_t)at / 4 + BANKS - 1 - bank) / BANKS; /* the first that is not before it */
    uint32_t end_word = (last / 4 + BANKS - bank) / BANKS;
    uint32_t start = bank * (banks->size / BANKS);
    *ret_first = start + 4 * first_word;
    *ret_end = start + 4 * end_word;
    return first_word < end_word;
}

static bool is_fetched(const struct banks *banks, uint32_t first, uint32_t end) {
    for (uint32_t page = first / BANKS_PAGE; page * BANKS_PAGE < end; page++) {
        if (banks->fetched[page]) {
            return true;
        }
    }
    return false;
}

bool banks_had_code(const struct banks *banks, const uint8_t *host, uint32_t size) {
    uint32_t first, end;
    for (unsigned bank = 0; bank < BANKS; bank++) {
        if (find_part(banks, bank, host, size, &first, &end) && is_fetched(banks, first, end)) {
            return true;
        }
    }
    return false;
}

bool banks_follow(struct banks *banks, unsigned bank, const uint8_t *host, uint32_t size, uint32_t *ret_address,
                  uint32_t *ret_size) {
    uint32_t first, end;
    if (!find_part(banks, bank, host, size, &first, &end) || !is_fetched(banks, first, end)) {
        return false;
    }
    copy_words(banks, first, end);
    *ret_address = banks->base + first;
    *ret_size = end - first;
    return true;
}
