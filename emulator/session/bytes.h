/* Bytes as text (base64, RFC 4648 section 4) and in less space (zstd). What is returned is the caller's to free. */
#ifndef SESSION_BYTES_H
#define SESSION_BYTES_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when memory runs out. */
char *bytes_to_text(const void *bytes, size_t size);
/* NULL when the text is not base64 with its padding, or memory runs out. */
uint8_t *bytes_from_text(const char *text, size_t *ret_size);

/* NULL with an error line. */
uint8_t *bytes_pack(const uint8_t *bytes, size_t size, size_t *ret_size, struct error *error);
/* The same for what is damaged, or would be longer than `limit`. */
uint8_t *bytes_unpack(const uint8_t *packed, size_t size, size_t limit, size_t *ret_size, struct error *error);

/* CRC-32 of ISO 3309, as in zip and PNG files. */
uint32_t bytes_crc(const uint8_t *bytes, size_t size);

#endif
