/* What is in an image.
 *
 * Sources: the pico-sdk's binary information (picotool's format: header 0x7188ebf2 near the start of the image,
 * pointers to typed entries, a table that maps addresses in RAM to their initial contents in flash); banner
 * strings of CircuitPython and MicroPython; boot2 and its checksum (RP2040 datasheet 2.8.1.3.1); the IMAGE_DEF
 * block (RP2350 datasheet 5.9).
 * Not read: binary information about pins and named groups; signatures and other items of IMAGE_DEF. */
#include "firmware-loader/describe.h"
#include "firmware-loader/image_builder.h"

#include <string.h>

#define SEARCH_BYTES 4096u /* of the image's start, for headers */

#define BOOT2_BYTES 256u

#define INFO_MAGIC 0x7188ebf2u
#define INFO_MAGIC_END 0xe71aa390u
#define INFO_ENTRIES_MAX 1024u
#define INFO_MAPPINGS_MAX 32u
#define INFO_TYPE_ID_AND_STRING 6u
#define INFO_TYPE_BLOCK_DEVICE 7u
#define INFO_TAG_PICO_SDK 0x5052u /* "RP" */
#define INFO_PROGRAM_NAME 0x02031c86u
#define INFO_PROGRAM_VERSION 0x11a9bc3au
#define INFO_PROGRAM_DATE 0x9da22254u
#define INFO_PROGRAM_URL 0x1856239au
#define INFO_BUILD_ATTRIBUTE 0x4275f0d3u
#define INFO_SDK_VERSION 0x5360b3abu
#define INFO_PICO_BOARD 0xb63cffbbu

#define BLOCK_MAGIC 0xffffded3u
#define BLOCK_ITEM_IMAGE_TYPE 0x42u

/* ---- Bytes of the image ---- */

static bool word_at(const struct image *image, uint32_t address, uint32_t *ret_word) {
    const uint8_t *bytes = image_at(image, address, 4);
    if (bytes) {
        *ret_word = get32(bytes);
    }
    return bytes != NULL;
}

static void copy_text(char *text, const uint8_t *bytes, size_t size) {
    size_t length = 0;
    while (length < size && length < DESCRIPTION_TEXT - 1 && bytes[length]) {
        text[length] = bytes[length] >= ' ' && bytes[length] != 0x7f ? (char)bytes[length] : '?';
        length++;
    }
    text[length] = '\0';
}

/* A string that ends in NUL or with its range. */
static void text_at(const struct image *image, uint32_t address, char *text) {
    const struct image_range *range = image_range_at(image, address);
    if (range) {
        copy_text(text, range->bytes + (address - range->address), range->size - (address - range->address));
    }
}

/* ---- Binary information ---- */

struct mapping {
    uint32_t from, begin, end; /* [begin, end) at run time is initialised from `from` on */
};

struct info_reader {
    const struct image *image;
    struct description *description;
    struct mapping mappings[INFO_MAPPINGS_MAX];
    unsigned mapping_count;
};

static void read_mappings(struct info_reader *r, uint32_t table) {
    struct mapping m;
    while (r->mapping_count < INFO_MAPPINGS_MAX && word_at(r->image, table, &m.from) && m.from &&
           word_at(r->image, table + 4, &m.begin) && word_at(r->image, table + 8, &m.end)) {
        r->mappings[r->mapping_count++] = m;
        table += 12;
    }
}

/* Where the initial contents of a run-time address are in the image. */
static uint32_t stored_at(const struct info_reader *r, uint32_t address) {
    for (unsigned i = 0; i < r->mapping_count; i++) {
        const struct mapping *m = &r->mappings[i];
        if (address >= m->begin && address < m->end) {
            return address - m->begin + m->from;
        }
    }
    return address;
}

static void take_attribute(struct description *d, const char *text) {
    if (strncmp(text, "BOARD=", 6) == 0) {
        copy_text(d->board_id, (const uint8_t *)text + 6, DESCRIPTION_TEXT);
    }
}

static void take_string(struct info_reader *r, uint32_t id, uint32_t address) {
    struct description *d = r->description;
    const struct {
        uint32_t id;
        char *text;
    } known[] = {
        { INFO_PROGRAM_NAME, d->program }, { INFO_PROGRAM_VERSION, d->version }, { INFO_PROGRAM_DATE, d->date },
        { INFO_PROGRAM_URL, d->url },      { INFO_SDK_VERSION, d->sdk_version }, { INFO_PICO_BOARD, d->board_id },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].id == id) {
            text_at(r->image, stored_at(r, address), known[i].text);
        }
    }
    if (id == INFO_BUILD_ATTRIBUTE) {
        char text[DESCRIPTION_TEXT] = "";
        text_at(r->image, stored_at(r, address), text);
        take_attribute(d, text);
    }
}

/* Address, as an offset in flash (CircuitPython) or as seen by the cores (MicroPython). */
static void take_block_device(struct info_reader *r, uint32_t address) {
    r->description->has_drive = true;
    r->description->drive_offset = address >= CHIP_FLASH_BASE ? address - CHIP_FLASH_BASE : address;
}

static void take_entry(struct info_reader *r, uint32_t entry) {
    const uint8_t *core = image_at(r->image, entry, 12);
    if (!core) {
        return;
    }
    if (get16(core) == INFO_TYPE_ID_AND_STRING && get16(core + 2) == INFO_TAG_PICO_SDK) {
        take_string(r, get32(core + 4), get32(core + 8));
    } else if (get16(core) == INFO_TYPE_BLOCK_DEVICE) {
        take_block_device(r, get32(core + 8));
    }
}

static bool read_info(struct info_reader *r, uint32_t header) {
    const uint8_t *words = image_at(r->image, header, 20);
    if (!words || get32(words) != INFO_MAGIC || get32(words + 16) != INFO_MAGIC_END) {
        return false;
    }
    uint32_t begin = get32(words + 4);
    uint32_t end = get32(words + 8);
    read_mappings(r, get32(words + 12));
    for (uint32_t i = 0; i < INFO_ENTRIES_MAX && begin < end && i < (end - begin) / 4; i++) {
        uint32_t entry;
        if (word_at(r->image, begin + i * 4, &entry)) {
            take_entry(r, stored_at(r, entry));
        }
    }
    return true;
}

static void find_info(const struct image *image, struct description *d) {
    struct info_reader reader = { .image = image, .description = d };
    for (uint32_t offset = 0; offset < SEARCH_BYTES; offset += 4) {
        if (read_info(&reader, image->ranges[0].address + offset)) {
            d->kind = strcmp(d->program, "CircuitPython") == 0 ? FIRMWARE_CIRCUITPYTHON
                      : strcmp(d->program, "MicroPython") == 0 ? FIRMWARE_MICROPYTHON
                                                               : FIRMWARE_PICO_SDK;
            return;
        }
    }
}

/* ---- Banner ---- */

static const uint8_t *find_bytes(const struct image *image, const char *text, size_t *ret_left) {
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        const uint8_t *found = memmem(range->bytes, range->size, text, strlen(text));
        if (found) {
            *ret_left = range->size - (size_t)(found - range->bytes);
            return found;
        }
    }
    return NULL;
}

/* "PROGRAM VERSION on DATE; BOARD with CHIP": the parts that binary information has not given. */
static void read_banner(struct description *d, const char *start) {
    char parts[3][DESCRIPTION_TEXT] = { "", "", "" };
    char scanned[DESCRIPTION_TEXT];
    memcpy(scanned, d->banner, sizeof(scanned));
    sscanf(scanned + strlen(start), "%127[^ ] on %127[^;]; %127[^\n]", parts[0], parts[1], parts[2]);
    char *with = strstr(parts[2], " with ");
    if (with) {
        *with = '\0';
    }
    if (!d->version[0]) {
        memcpy(d->version, parts[0], sizeof(d->version));
    }
    if (!d->date[0]) {
        memcpy(d->date, parts[1], sizeof(d->date));
    }
    for (size_t i = 0; !d->board_id[0] && i < boards_table_count; i++) {
        if (strcmp(boards_table[i].name, parts[2]) == 0) {
            copy_text(d->board_id, (const uint8_t *)boards_table[i].id, DESCRIPTION_TEXT);
        }
    }
}

static void find_banner(const struct image *image, struct description *d) {
    static const struct {
        const char *start, *program;
        enum firmware_kind kind;
    } banners[] = {
        { "Adafruit CircuitPython ", "CircuitPython", FIRMWARE_CIRCUITPYTHON },
        { "MicroPython v", "MicroPython", FIRMWARE_MICROPYTHON },
    };
    for (size_t i = 0; i < sizeof(banners) / sizeof(banners[0]); i++) {
        size_t left;
        const uint8_t *found = find_bytes(image, banners[i].start, &left);
        if (found && (d->kind == banners[i].kind || d->kind == FIRMWARE_UNKNOWN)) {
            d->kind = banners[i].kind;
            copy_text(d->program, (const uint8_t *)banners[i].program, DESCRIPTION_TEXT);
            copy_text(d->banner, found, left);
            read_banner(d, banners[i].start);
            return;
        }
    }
}

/* ---- What the boot ROM looks at ---- */

/* CRC-32 with polynomial 0x04c11db7, not reflected, as the RP2040's boot ROM computes it. */
static uint32_t boot2_checksum(const uint8_t *bytes) {
    uint32_t crc = 0xffffffff;
    for (unsigned i = 0; i < BOOT2_BYTES - 4; i++) {
        crc ^= (uint32_t)bytes[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 0x80000000 ? crc << 1 ^ 0x04c11db7 : crc << 1;
        }
    }
    return crc;
}

static void check_boot2(const struct image *image, struct description *d) {
    const uint8_t *boot2 = image_at(image, CHIP_FLASH_BASE, BOOT2_BYTES);
    d->has_boot2 = boot2 != NULL;
    d->boot2_ok = boot2 && boot2_checksum(boot2) == get32(boot2 + BOOT2_BYTES - 4);
}

/* The first item of a block that holds an IMAGE_DEF is its type: EXE or DATA, core, chip. */
static void find_image_def_from(const struct image *image, uint32_t base, struct description *d) {
    for (uint32_t offset = 0; offset < SEARCH_BYTES; offset += 4) {
        const uint8_t *block = image_at(image, base + offset, 8);
        if (block && get32(block) == BLOCK_MAGIC && block[4] == BLOCK_ITEM_IMAGE_TYPE) {
            uint32_t flags = get16(block + 6);
            d->has_image_def = true;
            d->riscv = (flags >> 8 & 7) == 1;
            return;
        }
    }
}

/* In flash it lies near the beginning; what is loaded into RAM may begin anywhere. */
static void find_image_def(const struct image *image, struct description *d) {
    size_t count = image_is_ram_only(image) ? image->range_count : 1;
    for (size_t i = 0; i < count && !d->has_image_def; i++) {
        find_image_def_from(image, image->ranges[i].address, d);
    }
}

/* ---- All of it ---- */

/* CircuitPython's id, or the pico-sdk's name of a Raspberry Pi board ("pico_w"). */
static const struct board *board_of(const char *id) {
    char with_prefix[DESCRIPTION_TEXT + 16];
    snprintf(with_prefix, sizeof(with_prefix), "raspberry_pi_%s", id);
    const struct board *board = board_find(id, NULL);
    return board ? board : board_find(with_prefix, NULL);
}

static enum chip chip_of(const struct image *image, const struct description *d) {
    if (image->chip != CHIP_UNKNOWN) {
        return image->chip;
    }
    return d->boot2_ok ? CHIP_RP2040 : d->has_image_def ? CHIP_RP2350 : CHIP_UNKNOWN;
}

void describe_image(const struct image *image, struct description *ret_description) {
    struct description *d = ret_description;
    *d = (struct description){ .kind = FIRMWARE_UNKNOWN };
    find_info(image, d);
    find_banner(image, d);
    check_boot2(image, d);
    find_image_def(image, d);
    d->chip = chip_of(image, d);
    d->board = board_of(d->board_id);
}

/* ---- Printing ---- */

static void print_program(FILE *file, const struct description *d) {
    fprintf(file, "program  %s", d->program[0] ? d->program : "unknown");
    if (d->version[0]) {
        fprintf(file, " %s", d->version);
    }
    if (d->date[0]) {
        fprintf(file, ", built %s", d->date);
    }
    if (d->sdk_version[0]) {
        fprintf(file, ", pico-sdk %s", d->sdk_version);
    }
    fputc('\n', file);
    if (d->banner[0]) {
        fprintf(file, "banner   %s\n", d->banner);
    }
    if (d->url[0]) {
        fprintf(file, "url      %s\n", d->url);
    }
}

static void print_board(FILE *file, const struct description *d) {
    if (d->board) {
        fprintf(file, "board    %s: %s, %u KB of flash\n", d->board->id, d->board->name, d->board->flash_bytes / 1024);
    } else if (d->board_id[0]) {
        fprintf(file, "board    %s (not in the table of boards)\n", d->board_id);
    }
    if (d->has_drive) {
        fprintf(file, "drive    at offset 0x%x of flash\n", d->drive_offset);
    }
}

static void print_boot(FILE *file, const struct description *d) {
    if (d->chip == CHIP_RP2040 && d->has_boot2) {
        fprintf(file, "boot2    checksum %s\n", d->boot2_ok ? "ok" : "wrong: the boot ROM will not start it");
    }
    if (d->chip == CHIP_RP2350) {
        fprintf(file, "boot     %s\n",
                d->has_image_def
                    ? d->riscv ? "IMAGE_DEF for the RISC-V cores, which are not modelled" : "IMAGE_DEF present"
                    : "no IMAGE_DEF: the boot ROM will not start it");
    }
}

static void print_families(FILE *file, const struct image *image) {
    for (size_t i = 0; i < image->family_count; i++) {
        const char *name = uf2_family_name(image->families[i]);
        fprintf(file, "family   0x%08x %s\n", image->families[i], name ? name : "unknown");
    }
    if (image->skipped_blocks) {
        fprintf(file, "skipped  %zu blocks that are not for this chip's memory\n", image->skipped_blocks);
    }
}

void describe_print(FILE *file, const struct image *image, const struct description *d) {
    fprintf(file, "file     %s: %s, %zu bytes for the %s\n", image->name, image_format_name(image->format),
            image->total, chip_name(d->chip));
    print_program(file, d);
    print_board(file, d);
    print_boot(file, d);
    print_families(file, image);
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        fprintf(file, "range    0x%08x-0x%08x %u bytes\n", range->address, range->address + range->size - 1,
                range->size);
    }
    if (image->has_entry) {
        fprintf(file, "entry    0x%08x\n", image->entry);
    }
}
