/* Distance of names: edits (insert, delete, change; upper and lower case are alike). A name is close when at most a
 * third of it, and one letter of a short one, has to be changed. */
#include "emulator/core/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define NAME_MAX_LENGTH 63

static unsigned least(unsigned a, unsigned b, unsigned c) {
    unsigned low = a < b ? a : b;
    return low < c ? low : c;
}

static unsigned distance(const char *a, const char *b) {
    unsigned row[NAME_MAX_LENGTH + 1];
    size_t width = strlen(b);
    if (strlen(a) > NAME_MAX_LENGTH || width > NAME_MAX_LENGTH) {
        return NAME_MAX_LENGTH;
    }
    for (unsigned i = 0; i <= width; i++) {
        row[i] = i;
    }
    for (unsigned y = 1; *a; a++, y++) {
        unsigned diagonal = row[0];
        row[0] = y;
        for (unsigned x = 1; x <= width; x++) {
            bool same = tolower((unsigned char)*a) == tolower((unsigned char)b[x - 1]);
            unsigned next = least(row[x] + 1, row[x - 1] + 1, diagonal + !same);
            diagonal = row[x];
            row[x] = next;
        }
    }
    return row[width];
}

void nearest_init(struct nearest *nearest, const char *wanted) {
    size_t length = strlen(wanted);
    *nearest = (struct nearest){ .wanted = wanted, .distance = 2 + (unsigned)length / 3 };
}

void nearest_offer(struct nearest *nearest, const char *name) {
    unsigned found = name ? distance(nearest->wanted, name) : NAME_MAX_LENGTH;
    if (found < nearest->distance) {
        nearest->distance = found;
        nearest->name = name;
    }
}
