/* What the boot ROMs of both chips have in common: access to guest memory and registers, flash commands.
 *
 * Time inside a call stands still and is charged at its end: flash commands by the clocks that they take at the ROM's
 * SPI divider plus the chip's busy time. Not modelled: abort of a flash command. Decided: flash addresses beyond
 * 24 bits end a call, as SPI commands could not carry them; an erase block size that is not a power of two of at
 * least 4096 counts as "sectors only" (on the chip: an endless loop for 0). */
#include "emulator/bootrom/private.h"

#include <string.h>

#define SECTOR 4096u
#define PAGE 256u
#define FLASH_LIMIT 0x1000000u
#define XIP_SIZE 0x04000000u
#define CMD_SECTOR_ERASE 0x20
#define CYCLES_COMMAND 150
#define COMMAND_BYTES 13 /* write enable, command with address, a few polls of the status */

uint32_t rom_load(struct bootrom *rom, uint32_t address) {
    const uint8_t *host = bus_memory_at(rom->bus, address, 4, false);
    uint32_t value;
    if (host) {
        return host[0] | host[1] << 8 | host[2] << 16 | (uint32_t)host[3] << 24;
    }
    bus_read(rom->bus, address, 4, &value);
    return value;
}

void rom_store(struct bootrom *rom, uint32_t address, uint32_t value) {
    uint8_t *host = bus_memory_at(rom->bus, address, 4, true);
    for (unsigned i = 0; host && i < 4; i++) {
        host[i] = (uint8_t)(value >> 8 * i);
    }
    if (!host) {
        bus_write(rom->bus, address, value, 4);
    }
}

bool rom_read_memory(struct bootrom *rom, uint32_t address, void *data, uint32_t size) {
    uint8_t *to = data;
    const uint8_t *host = bus_memory_at(rom->bus, address, size, false);
    bool all = true;
    if (host) {
        memcpy(to, host, size);
        return true;
    }
    for (uint32_t i = 0; i < size; i++) {
        const uint8_t *byte = bus_memory_at(rom->bus, address + i, 1, false);
        uint32_t value = byte ? *byte : 0;
        all &= byte || bus_read(rom->bus, address + i, 1, &value);
        to[i] = (uint8_t)value;
    }
    return all;
}

bool rom_write_memory(struct bootrom *rom, uint32_t address, const void *data, uint32_t size) {
    const uint8_t *from = data;
    bool all = true;
    uint8_t *host = bus_memory_at(rom->bus, address, size, true);
    if (host) {
        memcpy(host, from, size);
    }
    for (uint32_t i = 0; !host && i < size; i++) {
        uint8_t *byte = bus_memory_at(rom->bus, address + i, 1, true);
        if (byte) {
            *byte = from[i];
        } else {
            all &= bus_write(rom->bus, address + i, from[i], 1);
        }
    }
    if (rom->memory_written) {
        rom->memory_written(rom->context, address, size);
    }
    return all;
}

static uint64_t cycles_of(const struct bootrom *rom, uint64_t ps) {
    const struct clock_domain *clock = rom->clk_sys;
    if (!clock || !clock->period_num) {
        return 0;
    }
    /* __int128 (GNU): picoseconds times a denominator may exceed 64 bits. */
    return (uint64_t)((unsigned __int128)ps * clock->period_den / clock->period_num);
}

uint32_t rom_charge(uint64_t cycles) {
    return cycles < UINT32_MAX ? (uint32_t)cycles : UINT32_MAX;
}

/* Bytes that an erase command clears; 0: it is not one. */
static uint32_t erase_size(uint8_t command) {
    switch (command) {
    case CMD_SECTOR_ERASE:
        return SECTOR;
    case 0x52:
        return 0x8000;
    case 0xd8:
        return 0x10000;
    case 0x60:
    case 0xc7:
        return UINT32_MAX;
    default:
        return 0;
    }
}

static uint64_t erase_command(struct bootrom *rom, uint32_t offset, uint8_t command) {
    uint32_t size = erase_size(command);
    if (!size) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_range_erase: 0x%02x is no erase command", command);
        return CYCLES_COMMAND;
    }
    offset = size == UINT32_MAX ? 0 : offset & ~(size - 1); /* the chip ignores the low bits */
    uint64_t busy = rom->flash.erase(rom->flash.context, offset, size);
    return CYCLES_COMMAND + COMMAND_BYTES * ROM_CYCLES_BYTE + cycles_of(rom, busy);
}

uint32_t rom_range_erase(struct bootrom *rom, uint32_t offset, uint32_t size, uint32_t block, uint8_t command) {
    if (offset % SECTOR || size % SECTOR) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_range_erase(0x%08x, 0x%x): not whole sectors", offset,
                  size);
    }
    if (block < SECTOR || (block & (block - 1) && block != UINT32_MAX)) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_range_erase: block size 0x%x is no power of two", block);
    }
    bool sectors_only = block < SECTOR || block & (block - 1);
    uint64_t end = (uint64_t)offset + size, cycles = ROM_CYCLES_TRAP;
    while (offset < end && offset < FLASH_LIMIT) {
        bool whole_block = !sectors_only && !(offset & (block - 1)) && end - offset >= block;
        cycles += erase_command(rom, offset, whole_block ? command : CMD_SECTOR_ERASE);
        offset += whole_block ? block : SECTOR;
    }
    if (offset < end) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_range_erase: 0x%08x is beyond 24 bits", offset);
    }
    return rom_charge(cycles);
}

uint32_t rom_range_program(struct bootrom *rom, uint32_t offset, uint32_t source, uint32_t size) {
    if (offset % PAGE || size % PAGE) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_range_program(0x%08x, 0x%x): not whole pages", offset,
                  size);
    }
    if (source - ROM_XIP_BASE < XIP_SIZE) {
        log_write(rom->env->log, LOG_GUEST, "bootrom",
                  "flash_range_program: its data at 0x%08x are in the flash itself", source);
    }
    uint64_t end = (uint64_t)offset + size, cycles = ROM_CYCLES_TRAP;
    while (offset < end && offset < FLASH_LIMIT) {
        uint8_t page[PAGE];
        rom_read_memory(rom, source, page, PAGE);
        uint64_t busy = rom->flash.program(rom->flash.context, offset, page, PAGE);
        cycles += CYCLES_COMMAND + (PAGE + COMMAND_BYTES - 4) * ROM_CYCLES_BYTE + cycles_of(rom, busy);
        offset += PAGE;
        source += PAGE;
    }
    if (offset < end) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_range_program: 0x%08x is beyond 24 bits", offset);
    }
    return rom_charge(cycles);
}

uint32_t bootrom_crc32(const uint8_t *data, uint32_t size, uint32_t seed) {
    uint32_t crc = seed;
    for (uint32_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 24;
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
        }
    }
    return crc;
}

void rom_enter_usb_boot(struct bootrom *rom, enum bootrom_usb_reason reason, uint32_t activity_pins,
                        uint32_t disabled) {
    static const char *const reasons[] = {
        [BOOTROM_USB_REQUESTED] = "asked for by the program",
        [BOOTROM_USB_BUTTON] = "BOOTSEL is held",
        [BOOTROM_USB_NO_IMAGE] = "the flash holds nothing to boot",
    };
    log_write(rom->env->log, LOG_INFO, "bootrom", "USB boot mode: %s", reasons[reason]);
    if (rom->usb_boot) {
        rom->usb_boot(rom->context, reason, activity_pins, disabled);
    }
}

void bootrom_walk(struct bootrom *rom, struct walk *walk) {
    walk_section(walk, "the boot ROM", 0);
    random_walk(&rom->random, walk);
    walk_u32(walk, &rom->unknown_code);
    walk_section_end(walk);
}
