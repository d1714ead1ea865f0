/* Testbench manager (TBMAN): its one register, PLATFORM, of both chips. It says that this is an ASIC; silicon reads
 * just that bit, while the SVD file's reset value has another one set as well. */
#include "peripherals/onchip/tbman.h"

static void tbman_reset(struct block *b) {
    b->values[TBMAN_PLATFORM] = TBMAN_PLATFORM_ASIC;
}

const struct block_class tbman_class = {
    .name = "tbman",
    .size = sizeof(struct block),
    .reset = tbman_reset,
    .holds_until = block_holds,
};
