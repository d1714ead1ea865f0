/* Which chip a board has. */
#ifndef CHIPS_SELECT_H
#define CHIPS_SELECT_H

#include "firmware-loader/boards.h"

struct chip_desc;

/* The description of the board's chip, in its package; NULL when that chip is not emulated. */
const struct chip_desc *chip_of_board(const struct board *board);

#endif
