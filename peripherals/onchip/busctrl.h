/* Bus fabric control: RP2040 datasheet 2.1.5, RP2350 datasheet 2.1.6. */
#ifndef ONCHIP_BUSCTRL_H
#define ONCHIP_BUSCTRL_H

#include "emulator/core/block.h"
#include "emulator/core/bus.h"
#include "peripherals/onchip/registers/busctrl.h"

#define BUSCTRL_COUNTERS 4u

struct busctrl {
    struct block block;
    /* Wired by the chip table before block_start(). */
    struct bus *bus;                   /* whose accesses are counted; NULL: none are */
    uint8_t events[BUS_SEGMENTS];      /* PERFSEL of each segment's accesses */
    uint64_t begins[BUSCTRL_COUNTERS]; /* the bus's count when PERFCTR was `counted` */
    uint32_t counted[BUSCTRL_COUNTERS];
};

extern const struct block_class busctrl_class;

#endif
