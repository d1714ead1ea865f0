/* The registers of the RP2350 that our own test programs use, by the datasheet's names, and the least that a program
 * without an SDK needs. */
#ifndef FIRMWARE_RP2350_H
#define FIRMWARE_RP2350_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SET(address) REGISTER((address) + 0x2000)
#define CLR(address) REGISTER((address) + 0x3000)

#define CLK_REF_CTRL 0x40010030
#define CLK_REF_SELECTED 0x40010038
#define CLK_PERI_CTRL 0x40010048
#define RESETS_RESET 0x40020000
#define RESETS_RESET_DONE 0x40020008
#define RESET_IO_BANK0 (1u << 6)
#define RESET_PADS_BANK0 (1u << 9)
#define RESET_TIMER0 (1u << 23)
#define RESET_UART0 (1u << 26)
#define IO_BANK0_CTRL(pin) (0x40028004 + 8 * (pin))
#define PADS_BANK0(pin) (0x40038004 + 4 * (pin))
#define PAD_ISO (1u << 8)
#define FUNCTION_UART 2
#define XOSC_CTRL 0x40048000
#define XOSC_STATUS 0x40048004
#define XOSC_STARTUP 0x4004800c
#define UART0_DR 0x40070000
#define UART0_FR 0x40070018
#define UART0_IBRD 0x40070024
#define UART0_FBRD 0x40070028
#define UART0_LCR_H 0x4007002c
#define UART0_CR 0x40070030
#define TIMER0_TIMERAWL 0x400b0028
#define TICKS_TIMER0_CTRL 0x40108018
#define TICKS_TIMER0_CYCLES 0x4010801c

#define CRYSTAL_HZ 12000000u

/* Crystal, reference and peripheral clock at 12 MHz, 1 MHz tick, UART0 on GPIO 0 and 1 at 115200 baud. */
void board_start(void);
void print(const char *text);
void print_hex(uint32_t number);
/* A line for a value that is not the one wanted; `failures` counts them. */
void expect(const char *what, uint32_t value, uint32_t wanted);
extern uint32_t failures;

int main(void);

#endif
