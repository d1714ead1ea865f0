/* The checksum unit of the DMA controller: RP2040 datasheet 2.5.5.2, RP2350 datasheet 12.6.6.2. */
#ifndef ONCHIP_DMA_SNIFFER_H
#define ONCHIP_DMA_SNIFFER_H

#include <stdint.h>

/* The checksum after one more item. `control` is SNIFF_CTRL, `sum` the unit's raw value, `size` 1, 2 or 4 bytes. */
uint32_t dma_sniff(uint32_t control, uint32_t sum, uint32_t data, unsigned size);
/* What SNIFF_DATA shows of the raw value: OUT_REV, OUT_INV. */
uint32_t dma_sniff_result(uint32_t control, uint32_t sum);
uint32_t dma_swap_bytes(uint32_t data, unsigned size);

#endif
