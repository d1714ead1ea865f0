/* Private to the boot ROMs: what the services of both chips are made of. */
#ifndef BOOTROM_PRIVATE_H
#define BOOTROM_PRIVATE_H

#include "emulator/bootrom/bootrom.h"

#define ROM_XIP_BASE 0x10000000u
#define ROM_ALIAS_SET 0x2000u
#define ROM_ALIAS_CLR 0x3000u
#define ROM_VECTOR_MAGIC 0xb007c0d3u /* in a scratch register: what to boot stands in the next three */
#define ROM_CYCLES_TRAP 10
#define ROM_CYCLES_BYTE 48 /* of SPI at the ROM's own clock divider, 6 */

/* A register or a word of memory by its bus address; an address where nothing is gives 0. */
uint32_t rom_load(struct bootrom *rom, uint32_t address);
void rom_store(struct bootrom *rom, uint32_t address, uint32_t value);
/* Guest memory, or registers byte by byte. False when some of it does not exist (it reads as 0, writes are lost). */
bool rom_read_memory(struct bootrom *rom, uint32_t address, void *data, uint32_t size);
bool rom_write_memory(struct bootrom *rom, uint32_t address, const void *data, uint32_t size);
/* 64-bit cycles to what a call may charge. */
uint32_t rom_charge(uint64_t cycles);

/* flash_range_erase() and flash_range_program(): cycles. */
uint32_t rom_range_erase(struct bootrom *rom, uint32_t offset, uint32_t size, uint32_t block, uint8_t command);
uint32_t rom_range_program(struct bootrom *rom, uint32_t offset, uint32_t source, uint32_t size);
/* Say why, and tell the machine. */
void rom_enter_usb_boot(struct bootrom *rom, enum bootrom_usb_reason reason, uint32_t activity_pins, uint32_t disabled);

#endif
