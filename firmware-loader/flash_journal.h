/* Records of a flash file's journal: sectors that change together or not at all. Pure functions over bytes.
 *
 * A record: "OUROJRN1", then little-endian words: size of the flash, number of sectors, 64-bit checksum (FNV-1a by
 * 64-bit words over size, number and all that follows the checksum), the sectors' numbers (padded to 8 bytes), the
 * sectors' contents. Sector n lies at n * FLASH_SECTOR. */
#ifndef FIRMWARE_LOADER_FLASH_JOURNAL_H
#define FIRMWARE_LOADER_FLASH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLASH_SECTOR 4096u

/* Bytes that a record of `count` sectors takes. */
size_t flash_journal_size(uint32_t count);
/* Put a record of `count` sectors, numbers in `sectors`, contents out of `flash`, into `buffer`
 * (flash_journal_size() bytes). */
void flash_journal_encode(uint8_t *buffer, const uint8_t *flash, uint32_t flash_size, const uint32_t *sectors,
                          uint32_t count);
/* Apply the record at the beginning of `bytes` to `flash` and mark its sectors in `changed` (a byte each, may be
 * NULL). Gives the record's length; 0, having done nothing, when there is no whole and sound record. */
size_t flash_journal_apply(const uint8_t *bytes, size_t length, uint8_t *flash, uint32_t flash_size, uint8_t *changed);

#endif
