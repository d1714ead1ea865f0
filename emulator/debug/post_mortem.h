/* A traceback that the board prints, once more with the values of each frame's variables. */
#ifndef DEBUG_POST_MORTEM_H
#define DEBUG_POST_MORTEM_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"

struct post_mortem;
/* `tell` gets the text, some lines with newlines, when a traceback has been printed whole. NULL with an error line when
 * the image's interpreter is not known, or cannot be traced. Between runs. */
struct post_mortem *post_mortem_begin(struct python *python, void (*tell)(void *context, const char *text),
                                      void *context, struct error *error);
void post_mortem_end(struct post_mortem *post_mortem); /* NULL is fine */
/* What the console prints. */
void post_mortem_hear(struct post_mortem *post_mortem, const uint8_t *data, size_t size);

#endif
