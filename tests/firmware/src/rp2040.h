/* The registers of the RP2040 that our own test programs use, by the datasheet's names, and the least that a program
 * without an SDK needs. */
#ifndef FIRMWARE_RP2040_H
#define FIRMWARE_RP2040_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SET(address) REGISTER((address) + 0x2000)
#define CLR(address) REGISTER((address) + 0x3000)

#define CLK_REF_CTRL 0x40008030
#define CLK_REF_SELECTED 0x40008038
#define CLK_PERI_CTRL 0x40008048
#define RESETS_RESET 0x4000c000
#define RESETS_RESET_DONE 0x4000c008
#define RESET_IO_BANK0 (1u << 5)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_TIMER (1u << 21)
#define RESET_UART0 (1u << 22)
#define IO_BANK0_CTRL(pin) (0x40014004 + 8 * (pin))
#define FUNCTION_UART 2
#define FUNCTION_SIO 5
#define XOSC_CTRL 0x40024000
#define XOSC_STATUS 0x40024004
#define XOSC_STARTUP 0x4002400c
#define UART0_DR 0x40034000
#define UART0_FR 0x40034018
#define UART0_IBRD 0x40034024
#define UART0_FBRD 0x40034028
#define UART0_LCR_H 0x4003402c
#define UART0_CR 0x40034030
#define TIMER_TIMERAWL 0x40054028
#define WATCHDOG_TICK 0x4005802c
#define SIO_CPUID 0xd0000000
#define SIO_GPIO_OUT_SET 0xd0000014
#define SIO_GPIO_OUT_CLR 0xd0000018
#define SIO_GPIO_OE_SET 0xd0000024

#define CRYSTAL_HZ 12000000u

/* Crystal, reference and peripheral clock at 12 MHz, 1 MHz tick, UART0 on GPIO 0 and 1 at 115200 baud. */
void board_start(void);
void put(char character);
void print(const char *text);
void print_number(uint32_t number);
void sleep_us(uint32_t us);

int main(void);

#endif
