/* What the readers of the image formats share: the file in memory, messages with a place in it, and the
 * collector of pieces. For uf2.c, elf.c, ihex.c, raw.c and image.c only. */
#ifndef LOADER_IMAGE_BUILDER_H
#define LOADER_IMAGE_BUILDER_H

#include "firmware-loader/image.h"

struct image_source {
    const char *name;
    const uint8_t *bytes;
    size_t size;
    enum chip chip;
};

/* Pieces in the order in which the file gives them; a piece that continues the one before is joined to it. */
struct image_piece {
    uint32_t address;
    uint32_t size;
    size_t data;  /* where its bytes are in image_builder.data */
    size_t where; /* offset or line in the file, for messages */
};

struct image_builder {
    const struct image_source *source;
    const char *where_format; /* "offset 0x%zx" or "line %zu" */
    uint8_t *data;
    size_t size;
    size_t capacity;
    struct image_piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
};

/* Give `size` bytes for `address`. False when they wrap around
 * the address space, exceed IMAGE_BYTES_MAX, or memory runs out. */
bool image_builder_add(struct image_builder *builder, uint32_t address, const uint8_t *bytes, size_t size, size_t where,
                       struct error *error);

/* Fill the message "NAME: WHERE: ..." and return false. */
bool image_error(const struct image_builder *builder, size_t where, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* One reader per format: adds pieces and fills image.family.., chip, entry. */
bool uf2_read(struct image *image, struct image_builder *builder, struct error *error);
bool elf_read(struct image *image, struct image_builder *builder, struct error *error);
bool ihex_read(struct image *image, struct image_builder *builder, struct error *error);
bool raw_read(struct image *image, struct image_builder *builder, struct error *error);

static inline uint32_t get16(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8;
}
static inline uint32_t get32(const uint8_t *p) {
    return get16(p) | get16(p + 2) << 16;
}

#endif
