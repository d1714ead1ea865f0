/* Looking up boards. The nearest id is the shortest that contains what was given; when none does, the one with the
 * smallest Levenshtein distance. */
#include "firmware-loader/boards.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ID_MAX 64

static size_t smallest(size_t a, size_t b, size_t c) {
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Edits that turn `a` into `b`; only the first ID_MAX characters count. */
static size_t edits(const char *a, const char *b) {
    size_t row[ID_MAX + 1];
    size_t length = strnlen(b, ID_MAX);
    for (size_t i = 0; i <= length; i++) {
        row[i] = i;
    }
    for (size_t y = 1; y <= ID_MAX && a[y - 1]; y++) {
        size_t diagonal = row[0];
        row[0] = y;
        for (size_t x = 1; x <= length; x++) {
            size_t above = row[x];
            row[x] = smallest(above + 1, row[x - 1] + 1, diagonal + (a[y - 1] != b[x - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

const char *board_nearest(const char *id) {
    const char *nearest = boards_table[0].id;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < boards_table_count; i++) {
        /* Any id that contains the text comes before those that do not. */
        bool contains = *id && strstr(boards_table[i].id, id);
        size_t distance = contains ? strlen(boards_table[i].id) : 2 * ID_MAX + edits(id, boards_table[i].id);
        if (distance < least) {
            least = distance;
            nearest = boards_table[i].id;
        }
    }
    return nearest;
}

const struct board *board_find(const char *id, struct error *error) {
    for (size_t i = 0; i < boards_table_count; i++) {
        if (strcmp(boards_table[i].id, id) == 0) {
            return &boards_table[i];
        }
    }
    error_set(error, "no board '%s'; the nearest is '%s' (`ouroboard boards` lists all)", id, board_nearest(id));
    return NULL;
}

const struct board *board_default(enum chip chip) {
    return board_find(chip == CHIP_RP2350 ? "raspberry_pi_pico2" : "raspberry_pi_pico", NULL);
}

int board_pin(const struct board *board, const char *name) {
    for (size_t i = 0; i < board->pin_count; i++) {
        if (strcasecmp(board->pins[i].name, name) == 0) {
            return board->pins[i].gpio;
        }
    }
    int gpio;
    int length = 0;
    if (sscanf(name, "GPIO%2d%n", &gpio, &length) == 1 && !name[length] && gpio >= 0 && gpio < board->gpio_count) {
        return gpio;
    }
    return -1;
}

uint32_t board_drive_offset(const struct board *board) {
    return board->nvm_offset + BOARD_NVM_BYTES + board->saves_bytes;
}

uint32_t board_drive_bytes(const struct board *board) {
    return board->flash_bytes - board_drive_offset(board);
}
