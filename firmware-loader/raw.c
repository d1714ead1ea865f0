/* A raw image: the contents of flash from its first byte on. */
#include "firmware-loader/image_builder.h"

/* Espressif's esptool documentation, "Firmware Image Format": magic, segments, flash mode, flash size and frequency.
 * The image lies at the beginning, or, of a whole flash of an ESP32 or ESP32-S2, at 0x1000 behind erased flash. */
#define ESP_MAGIC 0xe9
#define ESP_SEGMENTS_MAX 16
#define ESP_FLASH_MODES 6
#define ESP_BOOTLOADER 0x1000

static bool is_esp_image(const uint8_t *bytes) {
    return bytes[0] == ESP_MAGIC && bytes[1] && bytes[1] <= ESP_SEGMENTS_MAX && bytes[2] < ESP_FLASH_MODES;
}

static bool is_for_esp(const struct image_source *source) {
    if (source->size < ESP_BOOTLOADER + 8) {
        return source->size >= 8 && is_esp_image(source->bytes);
    }
    return is_esp_image(source->bytes) ||
           (get32(source->bytes) == 0xffffffff && is_esp_image(source->bytes + ESP_BOOTLOADER));
}

bool raw_read(struct image *image, struct image_builder *b, struct error *error) {
    if (is_for_esp(b->source)) {
        return image_error(b, 0, error, "a program for an ESP32 chip: take the image of an RP2040 or RP2350 board");
    }
    return image_builder_add(b, CHIP_FLASH_BASE, b->source->bytes, b->source->size, 0, error);
}
