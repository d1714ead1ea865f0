/* A firmware image: which bytes go to which addresses. Read from UF2, ELF32, Intel HEX or a raw file.
 *
 * The format is told by the content; only a raw image, which has no mark of its own, is told by its name
 * (`.bin`). A malformed file is refused as a whole, with one line: file, offset (or line), reason. */
#ifndef LOADER_IMAGE_H
#define LOADER_IMAGE_H

#include "emulator/core/error.h"
#include "firmware-loader/chip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_FILE_MAX ((size_t)256 << 20) /* bytes of a file that is read at all */
#define IMAGE_BYTES_MAX ((size_t)32 << 20) /* bytes that an image may hold */
#define IMAGE_FAMILIES_MAX 8               /* different UF2 families in one file */

enum image_format { IMAGE_UF2, IMAGE_ELF, IMAGE_HEX, IMAGE_RAW };

/* UF2 family ids of these chips (0: none). */
#define UF2_FAMILY_RP2040 0xe48bff56u
#define UF2_FAMILY_ABSOLUTE 0xe48bff57u
#define UF2_FAMILY_DATA 0xe48bff58u
#define UF2_FAMILY_RP2350_ARM_S 0xe48bff59u
#define UF2_FAMILY_RP2350_RISCV 0xe48bff5au
#define UF2_FAMILY_RP2350_ARM_NS 0xe48bff5bu

struct image_range {
    uint32_t address;
    uint32_t size;        /* never 0; address + size does not wrap */
    const uint8_t *bytes; /* inside image.bytes */
};

struct image {
    char *name; /* of the file, for messages */
    enum image_format format;
    enum chip chip;                        /* what the UF2 family says; CHIP_UNKNOWN for the other formats */
    struct image_range *ranges;            /* ascending, apart from each other by at least one byte */
    size_t range_count;                    /* at least 1 */
    size_t total;                          /* bytes in all ranges */
    uint32_t family;                       /* UF2: whose blocks these are; 0 otherwise */
    uint32_t families[IMAGE_FAMILIES_MAX]; /* UF2: all that the file holds, in file order */
    size_t family_count;
    size_t skipped_blocks; /* UF2: not for the main flash, of other families, or the E10 block */
    bool has_entry;        /* ELF and HEX may say where execution begins */
    uint32_t entry;
    uint8_t *bytes;
};

/* Read `path`. `chip` chooses among the families of a UF2 file: blocks that this chip's boot ROM would not take
 * are left out, and a file without any for it is an error; CHIP_UNKNOWN takes what the first program in the file
 * is for. On success *ret_image is owned by the caller until image_finish(); on failure nothing is kept. */
bool image_load(struct image *ret_image, const char *path, enum chip chip, struct error *error);
/* The same from memory; `name` is used for messages and for telling a raw image. */
bool image_parse(struct image *ret_image, const char *name, const uint8_t *bytes, size_t size, enum chip chip,
                 struct error *error);
void image_finish(struct image *image); /* a zeroed image is fine */

/* Copy what the image holds of [base, base + size) to its place in `memory`; the rest stays as it is.
 * Returns the number of bytes copied. */
size_t image_copy(const struct image *image, uint32_t base, uint8_t *memory, size_t size);
/* The range that holds `address`; NULL when none does. */
const struct image_range *image_range_at(const struct image *image, uint32_t address);
/* Bytes at `address`, if a single range holds all `size` of them; NULL otherwise. */
const uint8_t *image_at(const struct image *image, uint32_t address, uint32_t size);
/* Does every range lie in memory that the chip can be loaded into: `flash_bytes` of flash, SRAM, the XIP cache
 * as SRAM? The message names the first range that does not. */
bool image_fits(const struct image *image, enum chip chip, uint32_t flash_bytes, struct error *error);
/* Nothing in flash: the boot ROM would run it from SRAM. */
bool image_is_ram_only(const struct image *image);
/* Where a RAM-only image is entered: where the file says (ELF and HEX, bit 0 set for Thumb), as a debugger would;
 * else as the boot ROM does at its lowest address in main SRAM, or in the XIP cache when it has none there. */
uint32_t image_ram_entry(const struct image *image);

/* "UF2", "ELF", ... */
const char *image_format_name(enum image_format format);
/* "RP2040", "RP2350-ARM-S", ...; NULL for an id that is not known. */
const char *uf2_family_name(uint32_t family);

#endif
