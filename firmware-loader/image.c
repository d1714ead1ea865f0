/* Images: telling the format, collecting pieces, and looking at the result.
 *
 * Two pieces that give the same bytes for an address are accepted (UF2 blocks may come twice), two that give
 * different ones are not: which of them a real loader would keep depends on the loader. */
#include "firmware-loader/image_builder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PIECES_MAX ((size_t)1 << 20)

bool image_error(const struct image_builder *builder, size_t where, struct error *error, const char *format, ...) {
    char place[40];
    char reason[256];
    if (!error) {
        return false;
    }
    if (builder->where_format[0] == 'l') {
        snprintf(place, sizeof(place), "line %zu", where);
    } else {
        snprintf(place, sizeof(place), "offset 0x%zx", where);
    }
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    error_set(error, "%s: %s: %s", builder->source->name, place, reason);
    return false;
}

/* ---- Collecting ---- */

static bool reserve(void **items, size_t *capacity, size_t count, size_t item_size) {
    if (count <= *capacity) {
        return true;
    }
    size_t wanted = *capacity ? *capacity * 2 : 4096 / item_size;
    while (wanted < count) {
        wanted *= 2;
    }
    void *grown = realloc(*items, wanted * item_size);
    if (!grown) {
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

static bool add_piece(struct image_builder *b, uint32_t address, size_t size, size_t where) {
    struct image_piece *last = b->piece_count ? &b->pieces[b->piece_count - 1] : NULL;
    if (last && last->address + last->size == address) {
        last->size += (uint32_t)size;
        return true;
    }
    if (b->piece_count == PIECES_MAX ||
        !reserve((void **)&b->pieces, &b->piece_capacity, b->piece_count + 1, sizeof(*b->pieces))) {
        return false;
    }
    b->pieces[b->piece_count++] =
        (struct image_piece){ .address = address, .size = (uint32_t)size, .data = b->size, .where = where };
    return true;
}

bool image_builder_add(struct image_builder *b, uint32_t address, const uint8_t *bytes, size_t size, size_t where,
                       struct error *error) {
    if (!size) {
        return true;
    }
    if (size > UINT32_MAX - address) {
        return image_error(b, where, error, "%zu bytes at 0x%08x go beyond the address space", size, address);
    }
    if (size > IMAGE_BYTES_MAX - b->size) {
        return image_error(b, where, error, "more than %zu MB of contents", IMAGE_BYTES_MAX >> 20);
    }
    if (!reserve((void **)&b->data, &b->capacity, b->size + size, 1)) {
        return image_error(b, where, error, "out of memory");
    }
    if (!add_piece(b, address, size, where)) {
        return image_error(b, where, error, "contents in too many pieces");
    }
    memcpy(b->data + b->size, bytes, size);
    b->size += size;
    return true;
}

static int by_address(const void *left, const void *right) {
    const struct image_piece *a = left;
    const struct image_piece *b = right;
    if (a->address != b->address) {
        return a->address < b->address ? -1 : 1;
    }
    return a->where < b->where ? -1 : a->where > b->where;
}

/* Lay `piece` at the end of the last range or begin a new one; the part that is there already must be the same. */
static bool place_piece(struct image *image, struct image_builder *b, const struct image_piece *piece,
                        struct error *error) {
    const uint8_t *bytes = b->data + piece->data;
    struct image_range *last = image->range_count ? &image->ranges[image->range_count - 1] : NULL;
    if (!last || last->address + last->size < piece->address) {
        last = &image->ranges[image->range_count++];
        *last = (struct image_range){ .address = piece->address, .bytes = image->bytes + image->total };
    }
    uint32_t start = piece->address - last->address; /* inside the range, or at its end */
    uint32_t known = last->size - start < piece->size ? last->size - start : piece->size;
    for (uint32_t i = 0; i < known; i++) {
        if (last->bytes[start + i] != bytes[i]) {
            return image_error(b, piece->where, error, "other contents for address 0x%08x than elsewhere in the file",
                               piece->address + i);
        }
    }
    memcpy(image->bytes + image->total, bytes + known, piece->size - known);
    image->total += piece->size - known;
    last->size += piece->size - known;
    return true;
}

static bool build(struct image *image, struct image_builder *b, struct error *error) {
    if (!b->piece_count) {
        error_set(error, "%s: holds nothing to load", b->source->name);
        return false;
    }
    qsort(b->pieces, b->piece_count, sizeof(*b->pieces), by_address);
    image->ranges = calloc(b->piece_count, sizeof(*image->ranges));
    image->bytes = malloc(b->size);
    if (!image->ranges || !image->bytes) {
        error_set(error, "%s: out of memory", b->source->name);
        return false;
    }
    for (size_t i = 0; i < b->piece_count; i++) {
        if (!place_piece(image, b, &b->pieces[i], error)) {
            return false;
        }
    }
    return true;
}

/* ---- Formats ---- */

static bool has_suffix(const char *name, const char *suffix) {
    size_t length = strlen(name);
    size_t wanted = strlen(suffix);
    return length >= wanted && strcasecmp(name + length - wanted, suffix) == 0;
}

/* By content first; a file whose beginning is damaged is still told by its name, so that the message fits. */
static bool tell_format(const struct image_source *s, enum image_format *ret_format) {
    static const struct {
        const char *magic;
        const char *suffix;
        enum image_format format;
    } known[] = {
        { "UF2\n", ".uf2", IMAGE_UF2 },
        { "\x7f"
          "ELF",
          ".elf", IMAGE_ELF },
        { ":", ".hex", IMAGE_HEX },
        { NULL, ".bin", IMAGE_RAW },
    };
    for (size_t by_name = 0; by_name < 2; by_name++) {
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            const char *magic = known[i].magic;
            bool same = magic && s->size >= strlen(magic) && memcmp(s->bytes, magic, strlen(magic)) == 0;
            if (by_name ? has_suffix(s->name, known[i].suffix) : same) {
                *ret_format = known[i].format;
                return true;
            }
        }
    }
    return false;
}

static bool read_format(struct image *image, struct image_builder *b, struct error *error) {
    static bool (*const readers[])(struct image *, struct image_builder *, struct error *) = {
        [IMAGE_UF2] = uf2_read,
        [IMAGE_ELF] = elf_read,
        [IMAGE_HEX] = ihex_read,
        [IMAGE_RAW] = raw_read,
    };
    if (!b->source->size) {
        error_set(error, "%s: empty file", b->source->name);
        return false;
    }
    if (!tell_format(b->source, &image->format)) {
        error_set(error, "%s: neither UF2, ELF nor Intel HEX (a raw image needs a name that ends in .bin)",
                  b->source->name);
        return false;
    }
    b->where_format = image->format == IMAGE_HEX ? "line" : "offset";
    return readers[image->format](image, b, error) && build(image, b, error);
}

bool image_parse(struct image *ret_image, const char *name, const uint8_t *bytes, size_t size, enum chip chip,
                 struct error *error) {
    struct image_source source = { .name = name, .bytes = bytes, .size = size, .chip = chip };
    struct image_builder builder = { .source = &source, .where_format = "offset" };
    struct image image = { .name = strdup(name) };
    error_set(error, "%s: out of memory", name);
    bool ok = image.name && read_format(&image, &builder, error);
    free(builder.data);
    free(builder.pieces);
    if (!ok) {
        image_finish(&image);
        return false;
    }
    *ret_image = image;
    return true;
}

/* ---- Files ---- */

/* All of an open file. Works for pipes as well. */
static uint8_t *read_all(FILE *file, const char *path, size_t *ret_size, struct error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    size_t capacity = 0;
    size_t got;
    do {
        if (size == IMAGE_FILE_MAX || !reserve((void **)&bytes, &capacity, size + 65536, 1)) {
            error_set(error, "%s: too large for an image (over %zu MB)", path, IMAGE_FILE_MAX >> 20);
            free(bytes);
            return NULL;
        }
        got = fread(bytes + size, 1, 65536, file);
        size += got;
    } while (got);
    if (ferror(file)) {
        error_set(error, "%s: %s", path, strerror(errno));
        free(bytes);
        return NULL;
    }
    *ret_size = size;
    return bytes;
}

bool image_load(struct image *ret_image, const char *path, enum chip chip, struct error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set(error, "%s: %s", path, strerror(errno));
        return false;
    }
    size_t size = 0;
    uint8_t *bytes = read_all(file, path, &size, error);
    fclose(file);
    bool ok = bytes && image_parse(ret_image, path, bytes, size, chip, error);
    free(bytes);
    return ok;
}

void image_finish(struct image *image) {
    free(image->name);
    free(image->ranges);
    free(image->bytes);
    *image = (struct image){ 0 };
}

/* ---- Looking at it ---- */

size_t image_copy(const struct image *image, uint32_t base, uint8_t *memory, size_t size) {
    size_t copied = 0;
    uint64_t end = (uint64_t)base + size;
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        uint64_t from = range->address > base ? range->address : base;
        uint64_t range_end = (uint64_t)range->address + range->size;
        uint64_t to = range_end < end ? range_end : end;
        if (from < to) {
            memcpy(memory + (from - base), range->bytes + (from - range->address), to - from);
            copied += to - from;
        }
    }
    return copied;
}

const struct image_range *image_range_at(const struct image *image, uint32_t address) {
    size_t low = 0;
    size_t high = image->range_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct image_range *range = &image->ranges[middle];
        if (address < range->address) {
            high = middle;
        } else if (address - range->address >= range->size) {
            low = middle + 1;
        } else {
            return range;
        }
    }
    return NULL;
}

const uint8_t *image_at(const struct image *image, uint32_t address, uint32_t size) {
    const struct image_range *range = image_range_at(image, address);
    if (!range || size > range->size - (address - range->address)) {
        return NULL;
    }
    return range->bytes + (address - range->address);
}

static bool inside(const struct image_range *range, uint32_t base, uint32_t size) {
    return range->address >= base && range->address - base <= size && range->size <= size - (range->address - base);
}

bool image_fits(const struct image *image, enum chip chip, uint32_t flash_bytes, struct error *error) {
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (!inside(range, CHIP_FLASH_BASE, flash_bytes) && !inside(range, CHIP_SRAM_BASE, chip_sram_bytes(chip)) &&
            !inside(range, chip_xip_sram_base(chip), chip_xip_sram_bytes(chip))) {
            error_set(error, "%s: %u bytes at 0x%08x fit neither the %u KB of flash nor the RAM of the %s", image->name,
                      range->size, range->address, flash_bytes / 1024, chip_name(chip));
            return false;
        }
    }
    return true;
}

static bool in_flash(const struct image_range *range) {
    return range->address >= CHIP_FLASH_BASE && range->address < CHIP_FLASH_BASE + 0x02000000;
}

bool image_is_ram_only(const struct image *image) {
    for (size_t i = 0; i < image->range_count; i++) {
        if (in_flash(&image->ranges[i])) {
            return false;
        }
    }
    return true;
}

uint32_t image_ram_entry(const struct image *image) {
    if (image->has_entry) {
        return image->entry;
    }
    for (size_t i = 0; i < image->range_count; i++) {
        if (image->ranges[i].address >= CHIP_SRAM_BASE) {
            return image->ranges[i].address;
        }
    }
    return image->ranges[0].address;
}

const char *image_format_name(enum image_format format) {
    static const char *const names[] = {
        [IMAGE_UF2] = "UF2", [IMAGE_ELF] = "ELF", [IMAGE_HEX] = "Intel HEX", [IMAGE_RAW] = "raw"
    };
    return names[format];
}
