/* Members of a request. A member that is missing leaves *ret as it is; one of the wrong kind is false with an error
 * line. */
#ifndef CONTROL_ARGUMENTS_H
#define CONTROL_ARGUMENTS_H

#include "emulator/core/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A misspelt member would be as good as none: false with an error line when there is one that is not in the list, which
 * ends with NULL. "id" and "do" are fine. */
bool argument_names_are_known(json_t *request, const char *const *names, struct error *error);
/* False with an error line when it is missing. */
bool argument_is_there(json_t *request, const char *name, struct error *error);
/* Borrowed from the request. */
bool argument_text(json_t *request, const char *name, const char **ret_text, struct error *error);
bool argument_flag(json_t *request, const char *name, bool *ret_flag, struct error *error);
bool argument_number(json_t *request, const char *name, double *ret_number, struct error *error);
bool argument_whole(json_t *request, const char *name, uint64_t max, uint64_t *ret_number, struct error *error);
/* "1.5s", "200ms", or a whole number of picoseconds; up to 100 days. */
bool argument_time(json_t *request, const char *name, uint64_t *ret_ps, struct error *error);
/* One of the words of a list that ends with NULL; the error names the nearest. */
bool argument_choice(json_t *request, const char *name, const char *const *words, unsigned *ret_index,
                     struct error *error);
/* The bytes that exactly one of "text", "hex" and "base64" stands for; to be freed. */
bool argument_bytes(json_t *request, uint8_t **ret_data, size_t *ret_size, struct error *error);

/* "; did you mean \"x\"?" about a word of a list, or the list itself. For error lines. */
void say_unknown_word(struct error *error, const char *what, const char *word, const char *const *words);

#endif
