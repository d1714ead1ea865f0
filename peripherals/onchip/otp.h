/* One-time programmable memory: RP2350 datasheet 13. */
#ifndef ONCHIP_OTP_H
#define ONCHIP_OTP_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/otp.h"

#define OTP_ROWS 4096u
#define OTP_PAGES 64u
#define OTP_ROW_BITS 0x00ffffffu
#define OTP_WINDOW_SIZE 0x10000u /* ECC, raw, and both guarded */

struct otp {
    struct block block; /* irq[0]: OTP_IRQ */
    /* Wired by the machine. */
    unsigned gpios; /* of the package: 30 or 48 */
    /* A row has been programmed. May be NULL. */
    void (*programmed)(void *context, unsigned row);
    void *context;

    uint32_t rows[OTP_ROWS]; /* 24 bits each; a bit once set stays */
};

extern const struct block_class otp_class;

/* Contents of a new chip: what the factory programs (ids from the machine's seed). block_init() calls it. */
void otp_make_factory_rows(struct otp *otp);
/* Contents kept from an earlier run, OTP_ROWS words; takes effect at the next reset of the block. */
void otp_load(struct otp *otp, const uint32_t *rows);
/* Set the bits of `value` in a row. False when the page is locked against it or there is no such row. */
bool otp_program(struct otp *otp, uint32_t row, uint32_t value);
/* A row of the 16-bit value with its error correction bits. */
uint32_t otp_encode(uint16_t value);
/* The value of a row, with a wrong bit mended. False when more than that is wrong. */
bool otp_decode(uint32_t row, uint16_t *ret_value);

/* The read windows at 0x40130000 as functions of a bus window. `context`: the struct otp. */
uint32_t otp_window_read(void *context, uint32_t offset, unsigned size);
void otp_window_write(void *context, uint32_t offset, uint32_t value, unsigned size);

#endif
