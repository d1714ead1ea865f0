/* DMA sniffer. RP2040 datasheet 2.5.5.2, RP2350 datasheet 12.6.6.2.
 * Decided: an item of 8 or 16 bits feeds just its own bits, most significant first; the reversed modes turn the
 * item's bits round before. Reserved values of CALC leave the sum alone. */
#include "peripherals/onchip/dma_sniffer.h"
#include "peripherals/onchip/registers/dma.h"

enum { CRC32 = 0, CRC32R = 1, CRC16 = 2, CRC16R = 3, EVEN = 14, SUM = 15 };

static uint32_t reverse(uint32_t value, unsigned bits) {
    uint32_t result = 0;
    for (unsigned i = 0; i < bits; i++) {
        result = result << 1 | (value >> i & 1);
    }
    return result;
}

static uint32_t crc(uint32_t sum, uint32_t data, unsigned bits, unsigned width, uint32_t polynomial) {
    for (unsigned i = bits; i-- > 0;) {
        uint32_t carry = (sum >> (width - 1) ^ data >> i) & 1;
        sum = sum << 1 ^ (carry ? polynomial : 0);
    }
    return width == 32 ? sum : sum & ((1u << width) - 1);
}

uint32_t dma_swap_bytes(uint32_t data, unsigned size) {
    if (size == 1) {
        return data;
    }
    return size == 2 ? (data >> 8 & 0xff) | (data & 0xff) << 8 : __builtin_bswap32(data);
}

uint32_t dma_sniff(uint32_t control, uint32_t sum, uint32_t data, unsigned size) {
    unsigned bits = 8 * size;
    if (control & DMA_SNIFF_CTRL_BSWAP) {
        data = dma_swap_bytes(data, size);
    }
    switch (field_get(control, DMA_SNIFF_CTRL_CALC)) {
    case CRC32:
        return crc(sum, data, bits, 32, 0x04c11db7);
    case CRC32R:
        return crc(sum, reverse(data, bits), bits, 32, 0x04c11db7);
    case CRC16:
        return crc(sum, data, bits, 16, 0x1021);
    case CRC16R:
        return crc(sum, reverse(data, bits), bits, 16, 0x1021);
    case EVEN:
        return sum ^ (uint32_t)__builtin_parity(data);
    case SUM:
        return sum + data;
    default:
        return sum;
    }
}

uint32_t dma_sniff_result(uint32_t control, uint32_t sum) {
    sum = control & DMA_SNIFF_CTRL_OUT_REV ? reverse(sum, 32) : sum;
    return control & DMA_SNIFF_CTRL_OUT_INV ? ~sum : sum;
}
