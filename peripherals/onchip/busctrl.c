/* Bus fabric control: RP2040 datasheet 2.1.5, RP2350 datasheet 2.1.6.
 * Not modelled: arbitration (BUS_PRIORITY reads back and is acknowledged at once) and the performance counters, which
 * read 0 and say so in the log. */
#include "peripherals/onchip/busctrl.h"

static bool is_counter(unsigned reg) {
    return reg >= BUSCTRL_PERFCTR0 && reg <= BUSCTRL_PERFSEL3 && (reg - BUSCTRL_PERFCTR0) % 2 == 0;
}

static uint32_t busctrl_read(struct block *b, unsigned reg) {
    if (is_counter(reg)) {
        block_report_stub(b, b->registers->descs[reg].offset, false);
    }
    return reg == BUSCTRL_BUS_PRIORITY_ACK ? 1 : b->values[reg];
}

const struct block_class busctrl_class = {
    .name = "busctrl",
    .size = sizeof(struct block),
    .read = busctrl_read,
    .holds_until = block_holds,
};
