/* A Wokwi diagram.json, version 1, as plain data: parts and connections as they stand in the file. What they mean is
 * project.h's. */
#ifndef PROJECT_DIAGRAM_H
#define PROJECT_DIAGRAM_H

#include "emulator/project/findings.h"

#include <stdbool.h>
#include <stddef.h>

#define DIAGRAM_PARTS 256
#define DIAGRAM_WIRES 4096
#define DIAGRAM_MOVES 64
#define DIAGRAM_PATH 64
#define DIAGRAM_MM_PER_PIXEL (25.4 / 96) /* lengths in the file are CSS pixels */

/* All texts are valid until diagram_finish(). */
struct diagram_attribute {
    const char *name;
    char *text;
};

struct diagram_part {
    unsigned index; /* in the file's list */
    const char *id, *type;
    double left, top; /* mm */
    double rotate;    /* degrees clockwise, 0 to below 360 */
    bool hide;
    struct diagram_attribute *attributes;
    unsigned attribute_count;
};

/* A piece of a wire's way: along x or y. */
struct diagram_move {
    char axis;     /* 'h' or 'v' */
    double length; /* mm */
};

struct diagram_wire {
    unsigned index;
    char part[2][DIAGRAM_PATH]; /* ids */
    char pin[2][DIAGRAM_PATH];
    const char *colour; /* "" when there is none */
    bool hidden;        /* its colour is an empty text */
    struct diagram_move moves[DIAGRAM_MOVES];
    unsigned move_count;
    unsigned from_start; /* moves before '*': the rest is counted from the far end, as written there */
};

struct diagram {
    void *root;
    struct diagram_part *parts;
    unsigned part_count;
    struct diagram_wire *wires;
    unsigned wire_count;
};

/* False when anything at all is wrong, after an error line for each mistake; the diagram then still is to be
 * finished. The text need not end with NUL. */
bool diagram_parse(struct diagram *diagram, const char *text, size_t size, struct findings *findings);
void diagram_finish(struct diagram *diagram);

#endif
