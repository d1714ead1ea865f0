/* Base64 (RFC 4648, section 4), zstd, and the CRC-32 of ISO 3309. */
#include "emulator/session/bytes.h"

#include <stdlib.h>
#include <string.h>

#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define PACK_LEVEL 3

/* ---- Text ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *bytes_to_text(const void *from, size_t size) {
    const uint8_t *bytes = from;
    char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;
    for (size_t i = 0; text && i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < size ? bytes[i + 2] : 0);
        *to++ = letters[group >> 18];
        *to++ = letters[group >> 12 & 63];
        *to++ = i + 1 < size ? letters[group >> 6 & 63] : '=';
        *to++ = i + 2 < size ? letters[group & 63] : '=';
    }
    if (text) {
        *to = 0;
    }
    return text;
}

static int value_of(char letter) {
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? (int)(at - letters) : -1;
}

/* Four letters to up to three bytes; returns how many, 0 when it is no group. */
static unsigned decode_group(const char *text, uint8_t *to) {
    unsigned padding = text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (unsigned i = 0; i < 4 - padding; i++) {
        int value = value_of(text[i]);
        if (value < 0) {
            return 0;
        }
        group |= (uint32_t)value << (18 - 6 * i);
    }
    to[0] = (uint8_t)(group >> 16);
    to[1] = (uint8_t)(group >> 8);
    to[2] = (uint8_t)group;
    return 3 - padding;
}

uint8_t *bytes_from_text(const char *text, size_t *ret_size) {
    size_t length = strlen(text), size = 0;
    uint8_t *bytes = length % 4 == 0 ? malloc(length / 4 * 3 + 1) : NULL;
    for (size_t i = 0; bytes && i < length; i += 4) {
        unsigned more = decode_group(text + i, bytes + size);
        if (!more || (more < 3 && i + 4 < length)) {
            free(bytes);
            return NULL;
        }
        size += more;
    }
    *ret_size = size;
    return bytes;
}

/* ---- Space ---- */

#ifdef HAVE_ZSTD
uint8_t *bytes_pack(const uint8_t *bytes, size_t size, size_t *ret_size, struct error *error) {
    size_t room = ZSTD_compressBound(size);
    uint8_t *packed = malloc(room);
    *ret_size = packed ? ZSTD_compress(packed, room, bytes, size, PACK_LEVEL) : 0;
    if (!packed || ZSTD_isError(*ret_size)) {
        error_set(error, "out of memory");
        free(packed);
        return NULL;
    }
    return packed;
}

uint8_t *bytes_unpack(const uint8_t *packed, size_t size, size_t limit, size_t *ret_size, struct error *error) {
    unsigned long long wanted = ZSTD_getFrameContentSize(packed, size);
    bool sane = wanted != ZSTD_CONTENTSIZE_ERROR && wanted != ZSTD_CONTENTSIZE_UNKNOWN && wanted <= limit;
    uint8_t *bytes = sane ? malloc((size_t)wanted + 1) : NULL;
    *ret_size = bytes ? ZSTD_decompress(bytes, (size_t)wanted, packed, size) : 0;
    if (!bytes || ZSTD_isError(*ret_size) || *ret_size != wanted) {
        error_set(error, sane && !bytes ? "out of memory" : "is damaged");
        free(bytes);
        return NULL;
    }
    return bytes;
}
#else
static uint8_t *cannot(struct error *error) {
    error_set(error, "this program was built without zstd");
    return NULL;
}

uint8_t *bytes_pack(const uint8_t *bytes, size_t size, size_t *ret_size, struct error *error) {
    return cannot(error);
}

uint8_t *bytes_unpack(const uint8_t *packed, size_t size, size_t limit, size_t *ret_size, struct error *error) {
    return cannot(error);
}
#endif

/* ---- Sums ---- */

static const uint32_t *crc_table(void) {
    static uint32_t table[256];
    for (uint32_t i = 0; !table[1] && i < 256; i++) {
        uint32_t crc = 255 - i;
        for (unsigned k = 0; k < 8; k++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
        table[255 - i] = crc;
    }
    return table;
}

uint32_t bytes_crc(const uint8_t *bytes, size_t size) {
    const uint32_t *table = crc_table();
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    }
    return ~crc;
}
