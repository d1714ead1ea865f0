/* Any bytes as the journal beside a flash file. */
#include "firmware-loader/flash_journal.h"
#include "tests/fuzz/fuzz.h"

#define SIZE (8 * FLASH_SECTOR)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static uint8_t flash[SIZE], changed[SIZE / FLASH_SECTOR];
    for (size_t at = 0, step; (step = flash_journal_apply(bytes + at, size - at, flash, SIZE, changed)); at += step) {
        if (step > size - at) {
            __builtin_trap();
        }
    }
    return 0;
}
