/* Glitch detector: RP2350 datasheet 10.9. */
#ifndef ONCHIP_GLITCH_DETECTOR_H
#define ONCHIP_GLITCH_DETECTOR_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/glitch_detector.h"

struct glitch_detector {
    struct block block;
    /* Wired by the machine. */
    /* An armed detector has fired: reset the core domain. From within a store: note it down, reset later. May be NULL.
     */
    void (*fire)(void *context);
    void *context;
};

extern const struct block_class glitch_detector_class;

#endif
