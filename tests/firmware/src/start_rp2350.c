/* Start of our own test programs for the RP2350: its datasheet 7.5 (resets), 8.1 and 8.2 (clocks, crystal), 12.1
 * (UART), 9.11 (isolation latches). */
#include "rp2350.h"

extern uint32_t bss_begin[];
extern uint32_t bss_end[];

uint32_t failures;

void start(void);

/* The first instruction of the image: the boot ROM enters a RAM image here. */
__attribute__((naked, section(".entry"))) void entry(void);
void entry(void) {
    __asm__ volatile("ldr r0, =stack_top\n"
                     "mov sp, r0\n"
                     "bl start\n");
}

void start(void) {
    for (uint32_t *word = bss_begin; word < bss_end; word++) {
        *word = 0;
    }
    board_start();
    main();
    for (;;) {
        __asm__ volatile("wfi");
    }
}

static void start_clocks(void) {
    REGISTER(XOSC_STARTUP) = (CRYSTAL_HZ / 1000 + 128) / 256; /* 1 ms, in 256 cycles */
    REGISTER(XOSC_CTRL) = 0xfab << 12 | 0xaa0;
    while (!(REGISTER(XOSC_STATUS) & 1u << 31)) {
    }
    REGISTER(CLK_REF_CTRL) = 2; /* crystal; clk_sys comes from clk_ref after reset */
    while (!(REGISTER(CLK_REF_SELECTED) & 1u << 2)) {
    }
    REGISTER(CLK_PERI_CTRL) = 1u << 11;
    REGISTER(TICKS_TIMER0_CYCLES) = CRYSTAL_HZ / 1000000;
    REGISTER(TICKS_TIMER0_CTRL) = 1;
}

void board_start(void) {
    uint32_t blocks = RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER0 | RESET_UART0;
    start_clocks();
    CLR(RESETS_RESET) = blocks;
    while ((REGISTER(RESETS_RESET_DONE) & blocks) != blocks) {
    }
    REGISTER(UART0_IBRD) = CRYSTAL_HZ / (16 * 115200);
    REGISTER(UART0_FBRD) = CRYSTAL_HZ * 4 / 115200 % 64;
    REGISTER(UART0_LCR_H) = 3 << 5 | 1 << 4; /* 8 bits, FIFO */
    REGISTER(UART0_CR) = 1 << 9 | 1 << 8 | 1;
    REGISTER(IO_BANK0_CTRL(0)) = FUNCTION_UART;
    REGISTER(IO_BANK0_CTRL(1)) = FUNCTION_UART;
    CLR(PADS_BANK0(0)) = PAD_ISO;
    CLR(PADS_BANK0(1)) = PAD_ISO;
}

static void put(char character) {
    while (REGISTER(UART0_FR) & 1u << 5) {
    }
    REGISTER(UART0_DR) = (uint8_t)character;
}

void print(const char *text) {
    while (*text) {
        put(*text++);
    }
}

void print_hex(uint32_t number) {
    for (int shift = 28; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[number >> shift & 15]);
    }
}

void expect(const char *what, uint32_t value, uint32_t wanted) {
    if (value != wanted) {
        failures++;
        print("WRONG ");
        print(what);
        print(": ");
        print_hex(value);
        print(", not ");
        print_hex(wanted);
        print("\r\n");
    }
}
