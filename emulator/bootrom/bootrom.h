/* The boot ROMs of RP2040 and RP2350 by our own code: an image to map at address 0, and the services behind it.
 *
 * The image (bootrom_rp2040_build, bootrom_rp2350_build) holds the documented tables and real Thumb code for what runs
 * often or waits: memory and bit functions, core 1's launch handshake, the reset entry. Its other functions are `svc
 * #n; bx lr`; the core hands such a call to bootrom_<chip>_rom_call(). After a reset a core only has to be started at
 * the image's own vectors (bootrom_start), the boot then happens as on the chip: watchdog scratch registers, BOOTSEL,
 * the flash's second stage with its checksum. A ROM image that a user brings is started in the same way and makes no
 * calls. */
#ifndef BOOTROM_BOOTROM_H
#define BOOTROM_BOOTROM_H

#include "emulator/core/bus.h"
#include "emulator/core/clock.h"

struct core;

#define BOOTROM_RP2040_SIZE 0x4000u
#define BOOTROM_RP2040_VERSIONS 3
#define BOOTROM_RP2350_SIZE 0x8000u

/* The flash chip as the services drive it. Offsets are those of the SPI commands (24 bits). Both return how long the
 * chip is busy, in picoseconds, and drop what was translated from the changed bytes. */
struct bootrom_flash {
    void *context;
    /* `size` 4, 32 or 64 KB, `offset` a multiple of it; or UINT32_MAX for the whole chip. */
    uint64_t (*erase)(void *context, uint32_t offset, uint32_t size);
    /* One page program command of `size` (1 to 256) bytes. */
    uint64_t (*program)(void *context, uint32_t offset, const uint8_t *data, uint32_t size);
    /* The clock pulses that end continuous read mode. May be NULL. */
    void (*exit_continuous_read)(void *context);
    /* Invalidate the XIP cache; for the RP2350, the RP2040 has a register for that. May be NULL. */
    void (*flush_cache)(void *context);
};

enum bootrom_usb_reason { BOOTROM_USB_REQUESTED, BOOTROM_USB_BUTTON, BOOTROM_USB_NO_IMAGE };

struct bootrom {
    struct environment *env;
    struct bus *bus;
    const struct clock_domain *clk_sys; /* turns busy times into cycles */
    struct bootrom_flash flash;
    /* Bytes of RAM were written by a service, code perhaps. May be NULL. */
    void (*memory_written)(void *context, uint32_t address, uint32_t size);
    /* The chip has entered its USB boot mode (the UF2 drive) and waits. `activity_pins`: mask of GPIOs to light on
     * traffic (RP2350: flags and pin number as in reboot()); `disabled`: bit 0 mass storage, bit 1 PICOBOOT. May be
     * NULL. */
    void (*usb_boot)(void *context, enum bootrom_usb_reason reason, uint32_t activity_pins, uint32_t disabled);
    void *context;         /* of the two */
    struct random random;  /* the ROM's stream */
    uint32_t unknown_code; /* that was reported last */
    /* RP2350: program the 24 bits of an OTP row (bits can only be set). May be NULL: then writing is not permitted. */
    bool (*otp_program)(void *context, uint32_t row, uint32_t value);
};

/* A call with its registers: r[0..3] come in and go out. */
struct bootrom_call {
    uint32_t r[4];
};

/* Fill `rom` (BOOTROM_RP2040_SIZE bytes) with the image of ROM version 1 (B0), 2 (B1) or 3 (B2). */
void bootrom_rp2040_build(uint8_t *rom, unsigned version);
/* Serve supervisor call `number` of the image; returns cycles of clk_sys. An unknown number is a guest line. */
uint32_t bootrom_rp2040_serve(struct bootrom *rom, unsigned number, struct bootrom_call *call);
/* The same for core_desc.rom_call: `context` is the struct bootrom. */
uint32_t bootrom_rp2040_rom_call(void *context, struct core *core, unsigned number);
/* Start a core that has been reset at the ROM's vectors; `rom` is the mapped image, ours or a user's. */
void bootrom_start(struct core *core, const uint8_t *rom);
/* Prepare the watchdog's scratch registers so that the next boot enters a RAM image at its lowest address, as the ROM
 * does after it has received one (datasheet 2.8.4.3). To be called after the registers' reset. */
void bootrom_rp2040_enter_ram(struct bootrom *rom, uint32_t entry);

/* The same for the RP2350 (Arm cores, Secure state, ROM of stepping A2). */
void bootrom_rp2350_build(uint8_t *rom);
uint32_t bootrom_rp2350_serve(struct bootrom *rom, unsigned number, struct bootrom_call *call);
uint32_t bootrom_rp2350_rom_call(void *context, struct core *core, unsigned number);
/* Prepare the next boot to start the image in a RAM region, as the ROM does after it has received one; a region
 * without an image definition is entered at its beginning. */
void bootrom_rp2350_enter_ram(struct bootrom *rom, uint32_t base, uint32_t size);

/* Its section of a snapshot. */
void bootrom_walk(struct bootrom *rom, struct walk *walk);

/* CRC-32 of the second stage: polynomial 0x04c11db7, not reflected, seed and result as they are. */
uint32_t bootrom_crc32(const uint8_t *data, uint32_t size, uint32_t seed);

#endif
