/* A raw image: the contents of flash from its first byte on. */
#include "firmware-loader/image_builder.h"

bool raw_read(struct image *image, struct image_builder *b, struct error *error) {
    return image_builder_add(b, CHIP_FLASH_BASE, b->source->bytes, b->source->size, 0, error);
}
