/* UF2: Microsoft's UF2 file format, with the rules of these chips' boot ROMs (RP2040 datasheet 2.8.4.2, RP2350
 * datasheet 5.5.2): 256 bytes of payload, a family id, pages aligned in flash, every block of the count present.
 *
 * - Blocks may come in any order and more than once; addresses may have gaps.
 * - Blocks that are not for the main flash, and those of families that the chip does not take, are left out.
 * - Erratum RP2350-E10: files for that chip may hold one absolute block "0 of 2", full of 0xef, that only keeps
 *   the boot ROM from erasing too early. It is left out.
 * - A file with programs for several chips gives the one for `chip`; when none is asked for, the first one.
 * Ambiguity: the boot ROM ignores a malformed block and waits for ever; here it is an error.
 * Not modelled: MD5 areas and extension tags (the boot ROMs ignore them), partition tables. */
#include "firmware-loader/image_builder.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 512
#define PAYLOAD_SIZE 256
#define PAYLOAD_MAX 476
#define MAGIC_START0 0x0a324655u
#define MAGIC_START1 0x9e5d5157u
#define MAGIC_END 0x0ab16f30u
#define FLAG_NOT_MAIN_FLASH 0x1u
#define FLAG_FILE_CONTAINER 0x1000u
#define FLAG_FAMILY_ID 0x2000u

struct uf2_block {
    uint32_t magic_start0, magic_start1;
    uint32_t flags;
    uint32_t address;
    uint32_t payload_size;
    uint32_t number, count;
    uint32_t family; /* 0 when the flag is not set */
    const uint8_t *payload;
    uint32_t magic_end;
};

/* What is known of one family while the file is read. */
struct uf2_family {
    uint32_t id;
    uint32_t count;   /* blocks that it says it has */
    uint32_t missing; /* not seen yet */
    uint8_t *seen;    /* a bit each; owned */
    size_t first;     /* offset of its first block */
};

struct uf2_file {
    struct uf2_family families[IMAGE_FAMILIES_MAX];
    size_t family_count;
};

struct family_facts {
    uint32_t id;
    enum chip chip; /* whose boot ROM takes it */
    bool program;   /* for the Arm cores: tells what the file is for */
    const char *name;
};

static const struct family_facts known_families[] = {
    { UF2_FAMILY_RP2040, CHIP_RP2040, true, "RP2040" },
    { UF2_FAMILY_RP2350_ARM_S, CHIP_RP2350, true, "RP2350-ARM-S" },
    { UF2_FAMILY_RP2350_ARM_NS, CHIP_RP2350, true, "RP2350-ARM-NS" },
    { UF2_FAMILY_ABSOLUTE, CHIP_RP2350, false, "absolute" },
    { UF2_FAMILY_DATA, CHIP_RP2350, false, "data" },
    /* Never taken; named so that a wrong file is told at once. */
    { UF2_FAMILY_RP2350_RISCV, CHIP_UNKNOWN, false, "RP2350-RISC-V" },
    { 0x68ed2b88, CHIP_UNKNOWN, false, "SAMD21" },
    { 0x55114460, CHIP_UNKNOWN, false, "SAMD51" },
    { 0xada52840, CHIP_UNKNOWN, false, "nRF52840" },
    { 0xbfdd4eee, CHIP_UNKNOWN, false, "ESP32-S2" },
    { 0xc47e5767, CHIP_UNKNOWN, false, "ESP32-S3" },
    { 0x57755a57, CHIP_UNKNOWN, false, "STM32F4" },
};

static const struct family_facts *facts_of(uint32_t family) {
    for (size_t i = 0; i < sizeof(known_families) / sizeof(known_families[0]); i++) {
        if (known_families[i].id == family) {
            return &known_families[i];
        }
    }
    static const struct family_facts unknown = { 0 };
    return &unknown;
}

const char *uf2_family_name(uint32_t family) {
    return facts_of(family)->name;
}

static bool is_program(uint32_t family) {
    return facts_of(family)->program;
}

static bool chip_takes(enum chip chip, uint32_t family) {
    return facts_of(family)->chip == chip;
}

static struct uf2_block block_at(const uint8_t *p) {
    struct uf2_block block = {
        .magic_start0 = get32(p),
        .magic_start1 = get32(p + 4),
        .flags = get32(p + 8),
        .address = get32(p + 12),
        .payload_size = get32(p + 16),
        .number = get32(p + 20),
        .count = get32(p + 24),
        .payload = p + 32,
        .magic_end = get32(p + BLOCK_SIZE - 4),
    };
    block.family = block.flags & FLAG_FAMILY_ID ? get32(p + 28) : 0;
    return block;
}

static bool is_e10_block(const struct uf2_block *block) {
    if (block->family != UF2_FAMILY_ABSOLUTE || block->number != 0 || block->count != 2) {
        return false;
    }
    for (unsigned i = 0; i < PAYLOAD_SIZE; i++) {
        if (block->payload[i] != 0xef) {
            return false;
        }
    }
    return true;
}

/* Not for memory at all, whatever the chip. */
static bool is_left_out(const struct uf2_block *block) {
    return (block->flags & (FLAG_NOT_MAIN_FLASH | FLAG_FILE_CONTAINER)) || is_e10_block(block);
}

static bool check_magic(const struct image_builder *b, const struct uf2_block *block, size_t offset,
                        struct error *error) {
    if (block->magic_start0 != MAGIC_START0) {
        return image_error(b, offset, error, "first magic number is 0x%08x, not 0x%08x", block->magic_start0,
                           MAGIC_START0);
    }
    if (block->magic_start1 != MAGIC_START1) {
        return image_error(b, offset + 4, error, "second magic number is 0x%08x, not 0x%08x", block->magic_start1,
                           MAGIC_START1);
    }
    if (block->magic_end != MAGIC_END) {
        return image_error(b, offset + BLOCK_SIZE - 4, error, "last magic number is 0x%08x, not 0x%08x",
                           block->magic_end, MAGIC_END);
    }
    return true;
}

/* Rules of every UF2 file. */
static bool check_block(const struct image_builder *b, const struct uf2_block *block, size_t offset,
                        struct error *error) {
    if (!check_magic(b, block, offset, error)) {
        return false;
    }
    if (block->payload_size > PAYLOAD_MAX) {
        return image_error(b, offset + 16, error, "payload of %u bytes; a block holds at most %u", block->payload_size,
                           PAYLOAD_MAX);
    }
    if (block->number >= block->count) {
        return image_error(b, offset + 20, error, "block number %u of %u", block->number, block->count);
    }
    return true;
}

/* Rules of the boot ROM, for blocks that it takes. */
static bool check_taken(const struct image_builder *b, const struct uf2_block *block, size_t offset,
                        struct error *error) {
    if (block->payload_size != PAYLOAD_SIZE) {
        return image_error(b, offset + 16, error, "payload of %u bytes; the boot ROM takes %u", block->payload_size,
                           PAYLOAD_SIZE);
    }
    if (block->address < CHIP_SRAM_BASE && block->address % PAYLOAD_SIZE) {
        return image_error(b, offset + 12, error, "flash address 0x%08x is not a multiple of %u", block->address,
                           PAYLOAD_SIZE);
    }
    return true;
}

static struct uf2_family *family_of(struct uf2_file *file, uint32_t id) {
    for (size_t i = 0; i < file->family_count; i++) {
        if (file->families[i].id == id) {
            return &file->families[i];
        }
    }
    return NULL;
}

static struct uf2_family *add_family(struct uf2_file *file, const struct image_builder *b,
                                     const struct uf2_block *block, size_t offset, struct error *error) {
    if (file->family_count == IMAGE_FAMILIES_MAX) {
        image_error(b, offset + 28, error, "more than %u families in one file", IMAGE_FAMILIES_MAX);
        return NULL;
    }
    if (block->count > b->source->size / BLOCK_SIZE) {
        image_error(b, offset + 24, error, "says it is one of %u blocks; the file holds %zu (cut short?)", block->count,
                    b->source->size / BLOCK_SIZE);
        return NULL;
    }
    uint8_t *seen = calloc(block->count / 8 + 1, 1);
    if (!seen) {
        image_error(b, offset, error, "out of memory");
        return NULL;
    }
    struct uf2_family *family = &file->families[file->family_count++];
    *family = (struct uf2_family){
        .id = block->family, .count = block->count, .missing = block->count, .seen = seen, .first = offset
    };
    return family;
}

static bool count_block(struct uf2_file *file, const struct image_builder *b, const struct uf2_block *block,
                        size_t offset, struct error *error) {
    struct uf2_family *family = family_of(file, block->family);
    if (!family && !(family = add_family(file, b, block, offset, error))) {
        return false;
    }
    if (block->count != family->count) {
        return image_error(b, offset + 24, error, "block count %u, where earlier blocks say %u", block->count,
                           family->count);
    }
    uint8_t mask = (uint8_t)(1u << block->number % 8);
    if (!(family->seen[block->number / 8] & mask)) {
        family->seen[block->number / 8] |= mask;
        family->missing--;
    }
    return true;
}

/* First pass: every block is well formed; which families there are. */
static bool survey(struct uf2_file *file, const struct image_builder *b, struct error *error) {
    size_t size = b->source->size;
    for (size_t offset = 0; offset < size; offset += BLOCK_SIZE) {
        if (size - offset < BLOCK_SIZE) {
            return image_error(b, offset, error, "%zu bytes where a block of %u should be (cut short?)", size - offset,
                               BLOCK_SIZE);
        }
        struct uf2_block block = block_at(b->source->bytes + offset);
        if (!check_block(b, &block, offset, error)) {
            return false;
        }
        if (!is_left_out(&block) && !count_block(file, b, &block, offset, error)) {
            return false;
        }
    }
    return true;
}

/* Which program of the file is wanted: the first that the chip takes, or the first of all. */
static const struct uf2_family *choose(struct image *image, const struct uf2_file *file, enum chip chip) {
    for (size_t i = 0; i < file->family_count; i++) {
        const struct uf2_family *family = &file->families[i];
        if (is_program(family->id) && (chip == CHIP_UNKNOWN || chip_takes(chip, family->id))) {
            image->chip = chip_takes(CHIP_RP2040, family->id) ? CHIP_RP2040 : CHIP_RP2350;
            return family;
        }
    }
    return NULL;
}

/* The file has no program for the chip: say what it has. */
static bool nothing_for_chip(const struct image_builder *b, const struct uf2_file *file, struct error *error) {
    if (!file->family_count) {
        error_set(error, "%s: no block is for the main flash", b->source->name);
        return false;
    }
    const struct uf2_family *family = &file->families[0];
    const char *name = uf2_family_name(family->id);
    const char *wanted = b->source->chip ? chip_name(b->source->chip) : "RP2040 or the Arm cores of the RP2350";
    if (!name) {
        return image_error(b, family->first + 28, error,
                           "blocks are for family 0x%08x, not for the %s: take another image or board", family->id,
                           wanted);
    }
    return image_error(b, family->first + 28, error, "blocks are for %s, not for the %s: take another image or board",
                       name, wanted);
}

static bool is_taken(const struct image *image, const struct uf2_block *block) {
    return !is_left_out(block) && chip_takes(image->chip, block->family) &&
           (block->family == image->family || !is_program(block->family));
}

static bool check_complete(const struct image *image, const struct uf2_file *file, const struct image_builder *b,
                           struct error *error) {
    for (size_t i = 0; i < file->family_count; i++) {
        const struct uf2_family *family = &file->families[i];
        if (!family->missing || !chip_takes(image->chip, family->id)) {
            continue;
        }
        uint32_t number = 0;
        while (family->seen[number / 8] & 1u << number % 8) {
            number++;
        }
        return image_error(b, family->first, error, "%u of %u blocks are missing, the first is number %u",
                           family->missing, family->count, number);
    }
    return true;
}

/* Second pass: the blocks that the chip takes. */
static bool take(struct image *image, struct image_builder *b, struct error *error) {
    for (size_t offset = 0; offset < b->source->size; offset += BLOCK_SIZE) {
        struct uf2_block block = block_at(b->source->bytes + offset);
        if (!is_taken(image, &block)) {
            image->skipped_blocks++;
            continue;
        }
        if (!check_taken(b, &block, offset, error) ||
            !image_builder_add(b, block.address, block.payload, PAYLOAD_SIZE, offset, error)) {
            return false;
        }
    }
    return true;
}

static bool read_file(struct image *image, struct uf2_file *file, struct image_builder *b, struct error *error) {
    if (!survey(file, b, error)) {
        return false;
    }
    for (size_t i = 0; i < file->family_count; i++) {
        image->families[image->family_count++] = file->families[i].id;
    }
    const struct uf2_family *chosen = choose(image, file, b->source->chip);
    if (!chosen) {
        return nothing_for_chip(b, file, error);
    }
    image->family = chosen->id;
    return check_complete(image, file, b, error) && take(image, b, error);
}

bool uf2_read(struct image *image, struct image_builder *b, struct error *error) {
    struct uf2_file file = { .family_count = 0 };
    bool ok = read_file(image, &file, b, error);
    for (size_t i = 0; i < file.family_count; i++) {
        free(file.families[i].seen);
    }
    return ok;
}
