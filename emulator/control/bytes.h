/* Bytes in JSON: as text where they are UTF-8 without NUL, in base64 or hexadecimal otherwise. */
#ifndef CONTROL_BYTES_H
#define CONTROL_BYTES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Adds the member "text", or "base64" where the bytes are no text. False when memory runs out. */
bool bytes_to_json(json_t *object, const void *data, size_t size);
/* Adds the member "base64", whatever the bytes are. */
bool bytes_to_base64(json_t *object, const char *key, const void *data, size_t size);
bool bytes_to_hex(json_t *object, const char *key, const void *data, size_t size);

/* *ret_data is to be freed. False when the text is none, or memory runs out (*ret_data is NULL then). */
bool bytes_from_base64(const char *text, size_t length, uint8_t **ret_data, size_t *ret_size);
/* Pairs of digits, with or without blanks between them. */
bool bytes_from_hex(const char *text, size_t length, uint8_t **ret_data, size_t *ret_size);

#endif
