/* The connections that every chip of the family has; the chip files add their own. */
#ifndef CHIPS_COMMON_H
#define CHIPS_COMMON_H

#include "emulator/cpu/core.h"

#include <stdbool.h>
#include <stdint.h>

struct bootrom;
struct machine;
struct net;

/* Connect clocks, resets, pins, serial ports, DMA, PWM, ADC and USB by the tables of machine->chip. False when out of
 * memory. */
bool chip_wire_common(struct machine *machine);
/* Reset all blocks and cores, as power-on does. */
void chip_reset_blocks(struct machine *machine);
/* Reset what the watchdog resets: what WDSEL of PSM and RESETS names. */
void chip_reset_by_watchdog(struct machine *machine);
/* What SYSRESETREQ of a core resets: that core alone, which begins at the boot ROM again. */
void chip_reset_core(struct machine *machine, unsigned index);
/* Hold all cores in reset. */
void chip_hold_cores(struct machine *machine);
/* What the cores ask how long their code takes to fetch: XIP. */
struct core_cache chip_code_cache(struct machine *machine);
/* All supplies have gone: blocks and cores are reset and stay so, pins are released, memory beside SRAM is lost, what
 * has been sent to the serial ports and not come in as well. */
void chip_power_off(struct machine *machine);
/* The ADC's input at a GPIO's net; -1: there is none. */
int chip_adc_input(struct machine *machine, const struct net *net);
void chip_set_adc_noise(struct machine *machine, unsigned input, double volts);
/* Whether VBUS is on the USB connector. */
void chip_set_vbus(struct machine *machine, bool present);
/* The USB cable has been pulled or put in. */
void chip_cable_changed(struct machine *machine);
/* Start the cores at the boot ROM's vectors. */
void chip_start_cores(struct machine *machine);

/* Connect our boot ROM's services to the machine; the chip adds what it alone has. Puts the user's ROM image in place,
 * if there is one, and gives true then. */
bool chip_wire_bootrom(struct machine *machine, struct bootrom *rom);

#endif
