/* Which chip table a board or an image is for. */
#include "emulator/chips/select.h"

#include "emulator/machine.h"

const struct chip_desc *chip_of_board(const struct board *board) {
    switch (board->chip) {
    case CHIP_RP2040:
        return &chip_rp2040;
    case CHIP_RP2350:
        return board->gpio_count > 30 ? &chip_rp2350b : &chip_rp2350;
    default:
        return NULL;
    }
}
