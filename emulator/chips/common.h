/* The connections that every chip of the family has; the chip files add their own. */
#ifndef CHIPS_COMMON_H
#define CHIPS_COMMON_H

#include <stdbool.h>
#include <stdint.h>

struct machine;

/* Connect clocks, resets, pins, serial ports, DMA, PWM, ADC and USB by the tables of machine->chip. False when out of
 * memory. */
bool chip_wire_common(struct machine *machine);
/* Reset all blocks and cores, as power-on does. */
void chip_reset_blocks(struct machine *machine);
/* Reset what the watchdog resets: what WDSEL of PSM and RESETS names. */
void chip_reset_by_watchdog(struct machine *machine);
/* Start the cores at the boot ROM's vectors. */
void chip_start_cores(struct machine *machine);

/* For boot ROM services; the context is the machine. Both give the time that the flash is busy, in picoseconds. */
uint64_t chip_flash_erase(void *machine, uint32_t offset, uint32_t size);
uint64_t chip_flash_program(void *machine, uint32_t offset, const uint8_t *data, uint32_t size);
void chip_memory_written(void *machine, uint32_t address, uint32_t size);

#endif
