/* Looking up boards. */
#include "firmware-loader/boards.h"

#include "emulator/core/nearest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The shortest id with the text in it. */
static const char *shortest_with(const char *text) {
    const char *shortest = NULL;
    for (size_t i = 0; *text && i < boards_table_count; i++) {
        const char *id = boards_table[i].id;
        if (strstr(id, text) && (!shortest || strlen(id) < strlen(shortest))) {
            shortest = id;
        }
    }
    return shortest;
}

const char *board_nearest(const char *id) {
    struct nearest nearest;
    const char *with = shortest_with(id);
    nearest_init(&nearest, id);
    for (size_t i = 0; i < boards_table_count; i++) {
        nearest_offer(&nearest, boards_table[i].id);
    }
    return with ? with : nearest.name;
}

const struct board *board_find(const char *id, struct error *error) {
    for (size_t i = 0; i < boards_table_count; i++) {
        if (strcmp(boards_table[i].id, id) == 0) {
            return &boards_table[i];
        }
    }
    const char *nearest = board_nearest(id);
    if (nearest) {
        error_set(error, "no board '%s'; the nearest is '%s' (`ouroboard boards` lists all)", id, nearest);
    } else {
        error_set(error, "no board '%s' (`ouroboard boards` lists all)", id);
    }
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
