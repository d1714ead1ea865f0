/* Start of our own test programs: RP2040 datasheet 2.14 (resets), 2.15 and 2.16 (clocks, crystal), 4.2 (UART). */
#include "rp2040.h"

extern uint32_t bss_begin[];
extern uint32_t bss_end[];

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

static void release(uint32_t blocks) {
    CLR(RESETS_RESET) = blocks;
    while ((REGISTER(RESETS_RESET_DONE) & blocks) != blocks) {
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
    REGISTER(WATCHDOG_TICK) = 1u << 9 | CRYSTAL_HZ / 1000000;
}

void board_start(void) {
    start_clocks();
    release(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER | RESET_UART0);
    REGISTER(UART0_IBRD) = CRYSTAL_HZ / (16 * 115200);
    REGISTER(UART0_FBRD) = CRYSTAL_HZ * 4 / 115200 % 64;
    REGISTER(UART0_LCR_H) = 3 << 5 | 1 << 4; /* 8 bits, FIFO */
    REGISTER(UART0_CR) = 1 << 9 | 1 << 8 | 1;
    REGISTER(IO_BANK0_CTRL(0)) = FUNCTION_UART;
    REGISTER(IO_BANK0_CTRL(1)) = FUNCTION_UART;
}

void put(char character) {
    while (REGISTER(UART0_FR) & 1u << 5) {
    }
    REGISTER(UART0_DR) = (uint8_t)character;
}

void print(const char *text) {
    while (*text) {
        put(*text++);
    }
}

void print_number(uint32_t number) {
    char digits[11];
    char *p = digits + sizeof(digits) - 1;
    *p = '\0';
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    print(p);
}

void sleep_us(uint32_t us) {
    uint32_t begin = REGISTER(TIMER_TIMERAWL);
    while (REGISTER(TIMER_TIMERAWL) - begin < us) {
    }
}
