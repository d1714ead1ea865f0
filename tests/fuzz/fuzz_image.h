/* The body of the image fuzz mains: read the input as the format that the name tells, and use the result. */
#ifndef TESTS_FUZZ_IMAGE_H
#define TESTS_FUZZ_IMAGE_H

#include "firmware-loader/describe.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static inline void use_image(const struct image *image) {
    static uint8_t flash[1 << 20];
    size_t total = 0;
    uint64_t end = 0;
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (!range->size || (i && range->address <= end) ||
            image_at(image, range->address, range->size) != range->bytes) {
            abort();
        }
        end = (uint64_t)range->address + range->size;
        total += range->size;
    }
    if (!total || total != image->total) {
        abort();
    }
    image_copy(image, CHIP_FLASH_BASE, flash, sizeof(flash));
    image_fits(image, CHIP_RP2040, sizeof(flash), NULL);
    struct description description;
    describe_image(image, &description);
}

static inline int fuzz_image(const char *name, const uint8_t *bytes, size_t size) {
    for (enum chip chip = CHIP_UNKNOWN; chip <= CHIP_RP2350; chip++) {
        struct image image = { 0 };
        struct error error = { "" };
        if (image_parse(&image, name, bytes, size, chip, &error)) {
            use_image(&image);
            image_finish(&image);
        } else if (!error.message[0]) {
            abort(); /* every refusal says why */
        }
    }
    return 0;
}

#endif
