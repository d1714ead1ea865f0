/* Records of whole sectors beside a flash file; a torn one at the end is no record. See flash_file.h. */
#include "firmware-loader/flash_journal.h"

#include <string.h>

#define HEADER 24u

static const uint8_t magic[8] = { 'O', 'U', 'R', 'O', 'J', 'R', 'N', '1' };

static uint32_t get32(const uint8_t *bytes) {
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t get64(const uint8_t *bytes) {
    return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

static void put32(uint8_t *bytes, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
}

static size_t table_size(uint32_t count) {
    return ((size_t)count * 4 + 7) & ~(size_t)7;
}

size_t flash_journal_size(uint32_t count) {
    return HEADER + table_size(count) + (size_t)count * FLASH_SECTOR;
}

/* `length` is a multiple of 8. Any change within one word gives another sum: each step can be undone. */
static uint64_t add_up(uint64_t sum, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i += 8) {
        sum = (sum ^ get64(bytes + i)) * UINT64_C(0x100000001b3);
    }
    return sum;
}

static uint64_t checksum(const uint8_t *record, uint32_t count) {
    uint64_t sum = add_up(UINT64_C(0xcbf29ce484222325), record + 8, 8);
    return add_up(sum, record + HEADER, flash_journal_size(count) - HEADER);
}

void flash_journal_encode(uint8_t *buffer, const uint8_t *flash, uint32_t flash_size, const uint32_t *sectors,
                          uint32_t count) {
    uint8_t *table = buffer + HEADER;
    uint8_t *data = table + table_size(count);
    memcpy(buffer, magic, sizeof(magic));
    put32(buffer + 8, flash_size);
    put32(buffer + 12, count);
    memset(table, 0, table_size(count));
    for (uint32_t i = 0; i < count; i++) {
        put32(table + 4 * (size_t)i, sectors[i]);
        memcpy(data + (size_t)i * FLASH_SECTOR, flash + (size_t)sectors[i] * FLASH_SECTOR, FLASH_SECTOR);
    }
    uint64_t sum = checksum(buffer, count);
    put32(buffer + 16, (uint32_t)sum);
    put32(buffer + 20, (uint32_t)(sum >> 32));
}

static bool is_sound(const uint8_t *bytes, size_t length, uint32_t flash_size) {
    if (length < HEADER || memcmp(bytes, magic, sizeof(magic)) != 0 || get32(bytes + 8) != flash_size) {
        return false;
    }
    uint32_t sectors = flash_size / FLASH_SECTOR, count = get32(bytes + 12);
    if (count > sectors || length < flash_journal_size(count) || get64(bytes + 16) != checksum(bytes, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (get32(bytes + HEADER + 4 * (size_t)i) >= sectors) {
            return false;
        }
    }
    return true;
}

size_t flash_journal_apply(const uint8_t *bytes, size_t length, uint8_t *flash, uint32_t flash_size, uint8_t *changed) {
    if (!is_sound(bytes, length, flash_size)) {
        return 0;
    }
    uint32_t count = get32(bytes + 12);
    const uint8_t *data = bytes + HEADER + table_size(count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sector = get32(bytes + HEADER + 4 * (size_t)i);
        memcpy(flash + (size_t)sector * FLASH_SECTOR, data + (size_t)i * FLASH_SECTOR, FLASH_SECTOR);
        if (changed) {
            changed[sector] = 1;
        }
    }
    return flash_journal_size(count);
}
