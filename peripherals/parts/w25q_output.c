/* What a W25Q sends: contents, status, identification, the SFDP table (JEDEC JESD216B); w25q.c says what is followed.
 */
#include "peripherals/parts/w25q_output.h"

uint8_t w25q_out_array(struct w25q *chip, uint32_t at) {
    return chip->contents[(chip->address + at) & (chip->desc.size - 1)];
}

uint8_t w25q_out_array_wrapped(struct w25q *chip, uint32_t at) {
    if (!chip->wrap) {
        return w25q_out_array(chip, at);
    }
    uint32_t low = (chip->address + at) & (chip->wrap - 1);
    return chip->contents[((chip->address & ~(chip->wrap - 1)) | low) & (chip->desc.size - 1)];
}

uint8_t w25q_out_status1(struct w25q *chip, uint32_t at) {
    return (uint8_t)(chip->status[0] | (w25q_busy(chip) ? STATUS1_BUSY : 0) | (chip->write_enabled ? STATUS1_WEL : 0));
}

uint8_t w25q_out_status2(struct w25q *chip, uint32_t at) {
    return (uint8_t)(chip->status[1] | (chip->suspended ? STATUS2_SUS : 0));
}

uint8_t w25q_out_status3(struct w25q *chip, uint32_t at) {
    return chip->status[2];
}

/* The capacity byte: log2 of the size in bytes. */
static uint8_t capacity(const struct w25q *chip) {
    unsigned log2 = 0;
    while (chip->desc.size >> (log2 + 1)) {
        log2++;
    }
    return (uint8_t)log2;
}

uint8_t w25q_out_jedec(struct w25q *chip, uint32_t at) {
    const uint8_t id[] = { 0xef, chip->desc.quad_selectable ? 0x70 : 0x40, capacity(chip) };
    return at < sizeof(id) ? id[at] : 0xff;
}

/* Manufacturer and device in turn; address bit 0 says which comes first. */
uint8_t w25q_out_manufacturer(struct w25q *chip, uint32_t at) {
    return (at + chip->address) & 1 ? (uint8_t)(capacity(chip) - 1) : 0xef;
}

uint8_t w25q_out_device(struct w25q *chip, uint32_t at) {
    return (uint8_t)(capacity(chip) - 1);
}

uint8_t w25q_out_unique(struct w25q *chip, uint32_t at) {
    return at < 8 ? (uint8_t)(chip->desc.unique_id >> (56 - 8 * at)) : 0xff;
}

uint8_t *w25q_security_register(struct w25q *chip) {
    unsigned number = chip->address >> 12 & 0xf;
    return number >= 1 && number <= W25Q_SECURITY_REGISTERS ? chip->security[number - 1] : NULL;
}

uint8_t w25q_out_security(struct w25q *chip, uint32_t at) {
    const uint8_t *bytes = w25q_security_register(chip);
    return bytes ? bytes[(chip->address + at) % W25Q_PAGE] : 0xff;
}

/* JESD216B: one header, a basic flash parameter table of 16 words at 0x80. Words 2 and 11 follow the size. */
static const uint32_t sfdp_header[4] = { 0x50444653, 0xff000106, 0x10010600, 0xff000080 };
static const uint32_t sfdp_basic[16] = {
    0xfff120e5,                         /* 4 KiB erase is 0x20, 1-1-2, 1-2-2, 1-4-4, 1-1-4, 3-byte addresses, no DTR */
    0x00000000,                         /* density */
    0x6b08eb44,                         /* 1-4-4: 0xeb, 2 mode and 4 dummy clocks; 1-1-4: 0x6b, 8 dummy clocks */
    0xbb803b08,                         /* 1-1-2: 0x3b, 8 dummy clocks; 1-2-2: 0xbb, 4 mode clocks */
    0xffffffee,                         /* neither 2-2-2 nor 4-4-4 */
    0xff00ffff, 0xff00ffff, 0x520f200c, /* erase types: 4 KiB 0x20, 32 KiB 0x52 */
    0xff00d810,                         /* 64 KiB 0xd8 */
    0x00a53a26,                         /* typical erase times 48, 128, 160 ms; maximum 14 times that */
    0x8014e683, /* page 256 bytes, 448 us (maximum 8 times); first byte 32 us, further ones 3 us */
    0x330661ec, /* suspend within 20 us */
    0x757a757a, /* suspend 0x75, resume 0x7a */
    0x5cd5a2f7, /* power-down 0xb9, release 0xab within 3 us; BUSY is bit 0 of status 1 */
    0xff5df600, /* 0-4-4 by mode bits; QE is bit 1 of status 2, written by 0x01 with two bytes */
    0x000010e8, /* status registers stored (0x06) or volatile (0x50); reset by 0x66, 0x99 */
};

/* Typical chip erase as the count and unit of word 11: 5, 10, 20, 40 s, rounded up. */
static uint32_t sfdp_chip_erase(const struct w25q *chip) {
    switch (capacity(chip)) {
    case 0x14:
        return 9 | 1 << 5; /* 10 * 256 ms */
    case 0x15:
        return 19 | 1 << 5; /* 20 * 256 ms */
    case 0x16:
        return 2 | 2 << 5; /* 3 * 4 s */
    case 0x17:
        return 4 | 2 << 5; /* 5 * 4 s */
    default:
        return 9 | 2 << 5; /* 10 * 4 s */
    }
}

uint8_t w25q_out_sfdp(struct w25q *chip, uint32_t at) {
    uint32_t offset = (chip->address + at) & 0xff;
    uint32_t word = 0xffffffff;
    if (offset < sizeof(sfdp_header)) {
        word = sfdp_header[offset / 4];
    } else if (offset >= 0x80 && offset < 0x80 + sizeof(sfdp_basic)) {
        unsigned number = (offset - 0x80) / 4 + 1;
        word = sfdp_basic[number - 1];
        word = number == 2 ? chip->desc.size * 8 - 1 : word;
        word |= number == 11 ? sfdp_chip_erase(chip) << 24 : 0;
    }
    return (uint8_t)(word >> offset % 4 * 8);
}
