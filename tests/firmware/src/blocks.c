/* The RP2040's blocks together, as a program meets them: its datasheet's registers, the boot ROM's functions, both
 * cores. Every line that does not hold is printed; the last one says whether all did. */
#include "rp2040.h"

#define CLK_SYS_CTRL 0x4000803c
#define CLK_SYS_SELECTED 0x40008044
#define RESUS_CTRL 0x40008078
#define RESUS_STATUS 0x4000807c
#define FC0 0x40008080
#define CLOCKS_INTE 0x400080bc
#define SYSCFG_PROC0_NMI_MASK 0x40004000
#define PSM_FRCE_OFF 0x40010004
#define PSM_WDSEL 0x40010008
#define PLL_SYS 0x40028000
#define IO_QSPI_SS_CTRL 0x4001800c
#define UART1 0x40038000
#define TIMER 0x40054000
#define WATCHDOG 0x40058000
#define XIP_CTRL 0x14000000
#define SSI 0x18000000
#define DMA 0x50000000
#define XIP_AUX 0x50400000
#define SIO 0xd0000000
#define NVIC_ISER 0xe000e100
#define NVIC_ICER 0xe000e180
#define VTOR 0xe000ed08
#define RESETS (1u << 2 | 1u << 6 | 1u << 9 | 1u << 12 | 1u << 18 | 1u << 23)
#define IRQ_CLOCKS 17
#define IRQ_UART1 21
#define SP_END 0x20042000u

static uint32_t vectors[48] __attribute__((aligned(256)));
static uint32_t stack1[128];
static uint8_t page[256] __attribute__((aligned(4)));
static uint32_t copy[8];
static volatile uint32_t nmis, clock_irqs, uart_irqs, found[4];
static uint32_t failures;

static void expect(const char *what, uint32_t value, uint32_t wanted) {
    if (value != wanted) {
        failures++;
        print("WRONG ");
        print(what);
        print(": ");
        print_number(value);
        print(", not ");
        print_number(wanted);
        print("\r\n");
    }
}

/* ---- Interrupts ---- */
static void on_nmi(void) {
    nmis++;
    REGISTER(TIMER + 0x34) = 1; /* INTR */
}

static void on_clocks(void) {
    clock_irqs++;
    REGISTER(CLOCKS_INTE) = 0;
}

static void on_uart1(void) {
    uart_irqs++;
    REGISTER(UART1 + 0x44) = 1u << 6; /* ICR: receive timeout */
}

static void set_vectors(void) {
    vectors[2] = (uint32_t)on_nmi;
    vectors[16 + IRQ_CLOCKS] = (uint32_t)on_clocks;
    vectors[16 + IRQ_UART1] = (uint32_t)on_uart1;
    REGISTER(VTOR) = (uint32_t)vectors;
    REGISTER(NVIC_ISER) = 1u << IRQ_CLOCKS | 1u << IRQ_UART1;
}

static void nmi_of_the_timer(void) {
    __asm__ volatile("cpsid i");
    REGISTER(SYSCFG_PROC0_NMI_MASK) = 1;
    REGISTER(TIMER + 0x38) = 1; /* INTE */
    REGISTER(TIMER + 0x10) = REGISTER(TIMER_TIMERAWL) + 20;
    sleep_us(50);
    REGISTER(SYSCFG_PROC0_NMI_MASK) = 0;
    __asm__ volatile("cpsie i");
    expect("NMI in spite of PRIMASK", nmis, 1);
}

/* ---- Flash ---- */
static void boot_button(void) {
    REGISTER(IO_QSPI_SS_CTRL) = 2u << 12; /* OEOVER: do not drive */
    sleep_us(10);
    expect("BOOTSEL is not pressed", REGISTER(SIO + 8) >> 1 & 1, 1);
    REGISTER(IO_QSPI_SS_CTRL) = 0;
}

static void jedec_id(void) {
    static const uint8_t wanted[3] = { 0xef, 0x40, 0x15 };
    REGISTER(SSI + 0x08) = 0;
    REGISTER(SSI + 0x14) = 6;
    REGISTER(SSI + 0x00) = 7u << 16;
    REGISTER(SSI + 0x10) = 1;
    REGISTER(SSI + 0x08) = 1;
    REGISTER(IO_QSPI_SS_CTRL) = 2u << 8; /* OUTOVER: low */
    for (uint32_t i = 0; i < 4; i++) {
        REGISTER(SSI + 0x60) = i ? 0 : 0x9f;
    }
    while (REGISTER(SSI + 0x24) < 4) { /* RXFLR */
    }
    (void)REGISTER(SSI + 0x60);
    for (uint32_t i = 0; i < 3; i++) {
        expect("JEDEC id", REGISTER(SSI + 0x60), wanted[i]);
    }
    REGISTER(IO_QSPI_SS_CTRL) = 0;
}

typedef void rom_void(void);
typedef void rom_range_erase(uint32_t offset, uint32_t count, uint32_t block, uint8_t command);
typedef void rom_range_program(uint32_t offset, const uint8_t *data, uint32_t count);

static void *rom_function(char first, char second) {
    typedef void *lookup(uint16_t * functions, uint32_t code);
    static const volatile uint32_t table = 0x14; /* the compiler distrusts pointers to so low an address */
    const uint16_t *pointers = (const uint16_t *)table;
    lookup *find = (lookup *)(uint32_t)pointers[2];
    return find((uint16_t *)(uint32_t)pointers[0], (uint32_t)second << 8 | (uint8_t)first);
}

static void write_flash(void) {
    for (uint32_t i = 0; i < sizeof(page); i++) {
        page[i] = (uint8_t)(i ^ 0x5a);
    }
    ((rom_void *)rom_function('I', 'F'))();
    ((rom_void *)rom_function('E', 'X'))();
    ((rom_range_erase *)rom_function('R', 'E'))(0x1000, 0x1000, 0x10000, 0xd8);
    ((rom_range_program *)rom_function('R', 'P'))(0x1000, page, sizeof(page));
    ((rom_void *)rom_function('F', 'C'))();
    ((rom_void *)rom_function('C', 'X'))();
}

static void read_flash(void) {
    uint32_t word = *(uint32_t *)page;
    for (uint32_t window = 0; window < 4; window++) {
        expect("XIP window", REGISTER(0x10001000 + (window << 24)), word);
        expect("above the flash's size", REGISTER(0x10201000 + (window << 24)), word);
    }
    expect("erased flash", REGISTER(0x10001100), 0xffffffff);
    REGISTER(0x10001000) = 0;
    expect("a store to flash is lost", REGISTER(0x10001000), word);
}

/* Two words by the core, eight by DMA. */
static void stream_flash(void) {
    REGISTER(XIP_CTRL + 0x14) = 0x10001000;
    REGISTER(XIP_CTRL + 0x18) = 10;
    for (uint32_t i = 0; i < 2; i++) {
        while (REGISTER(XIP_CTRL + 0x08) & 2) { /* FIFO_EMPTY */
        }
        expect("streamed word", REGISTER(XIP_CTRL + 0x1c), ((uint32_t *)page)[i]);
    }
    REGISTER(DMA + 0x0) = XIP_AUX;
    REGISTER(DMA + 0x4) = (uint32_t)copy;
    REGISTER(DMA + 0x8) = 8;
    REGISTER(DMA + 0xc) = 37u << 15 | 1u << 5 | 2u << 2 | 1; /* DREQ_XIP_STREAM, INCR_WRITE, words, EN */
    while (REGISTER(DMA + 0xc) & 1u << 24) {
    }
    for (uint32_t i = 0; i < 8; i++) {
        expect("word streamed by DMA", copy[i], ((uint32_t *)page)[i + 2]);
    }
    expect("words left to stream", REGISTER(XIP_CTRL + 0x18), 0);
}

/* ---- UART1, its output led to its input ---- */
static void uart_timeout(void) {
    REGISTER(UART1 + 0x24) = CRYSTAL_HZ / (16 * 115200);
    REGISTER(UART1 + 0x28) = CRYSTAL_HZ * 4 / 115200 % 64;
    REGISTER(UART1 + 0x2c) = 3 << 5 | 1 << 4;
    REGISTER(UART1 + 0x30) = 1 << 9 | 1 << 8 | 1 << 7 | 1;
    REGISTER(UART1 + 0x38) = 1u << 6; /* IMSC */
    REGISTER(UART1) = 0x55;
    sleep_us(250); /* a frame and 32 bits take 365 us */
    expect("receive timeout before its time", uart_irqs, 0);
    sleep_us(250);
    expect("receive timeout", uart_irqs, 1);
    expect("what UART1 has received", REGISTER(UART1), 0x55);
}

static void uart_by_dma(void) {
    REGISTER(UART1 + 0x48) = 3; /* DMACR */
    REGISTER(DMA + 0x80) = UART1;
    REGISTER(DMA + 0x84) = (uint32_t)copy;
    REGISTER(DMA + 0x88) = 8;
    REGISTER(DMA + 0x8c) = 23u << 15 | 2u << 11 | 1u << 5 | 1;
    REGISTER(DMA + 0x40) = (uint32_t)page;
    REGISTER(DMA + 0x44) = UART1;
    REGISTER(DMA + 0x48) = 8;
    REGISTER(DMA + 0x4c) = 22u << 15 | 1u << 11 | 1u << 4 | 1;
    sleep_us(1000);
    expect("UART1 by DMA is done", REGISTER(DMA + 0x8c) >> 24 & 1, 0);
    expect("what DMA has received", copy[1], ((uint32_t *)page)[1]);
}

/* ---- Both cores ---- */
static void core1(void) {
    found[0] = REGISTER(SIO_CPUID);
    REGISTER(SIO + 0x80) = 77; /* INTERP0_ACCUM0 */
    REGISTER(SIO + 0x60) = 1000;
    REGISTER(SIO + 0x64) = 7;
    while (!(REGISTER(SIO + 0x78) & 1)) { /* DIV_CSR */
    }
    found[1] = REGISTER(SIO + 0x74);
    found[2] = REGISTER(SIO + 0x70);
    REGISTER(SIO + 0x54) = 0xabcd;
    for (;;) {
        __asm__ volatile("wfe");
    }
}

static uint32_t receive(void) {
    while (!(REGISTER(SIO + 0x50) & 1)) {
    }
    return REGISTER(SIO + 0x58);
}

static void send(uint32_t word) {
    REGISTER(SIO + 0x54) = word;
    __asm__ volatile("sev");
}

/* The boot ROM's handshake: datasheet 2.8.2. */
static void launch(void) {
    uint32_t words[6] = { 0, 0, 1, (uint32_t)vectors, (uint32_t)(stack1 + 128), (uint32_t)core1 };
    for (uint32_t i = 0; i < 6;) {
        while (!words[i] && REGISTER(SIO + 0x50) & 1) {
            (void)REGISTER(SIO + 0x58);
        }
        send(words[i]);
        i = receive() == words[i] ? i + 1 : 0;
    }
    expect("word from core 1", receive(), 0xabcd);
    expect("CPUID of core 1", found[0], 1);
    expect("remainder on core 1", found[1], 6);
    expect("quotient on core 1", found[2], 142);
}

static void second_core(void) {
    REGISTER(SIO + 0x80) = 5;
    launch();
    expect("each core's own interpolator", REGISTER(SIO + 0x80), 5);
    SET(PSM_FRCE_OFF) = 1u << 16;
    found[0] = found[1] = found[2] = 0;
    CLR(PSM_FRCE_OFF) = 1u << 16;
    launch();
}

static void sram_banks(void) {
    volatile uint32_t *bank2 = (volatile uint32_t *)0x21020000;
    uint32_t word = bank2[0x3ff0];
    REGISTER(0x20000000 + 16 * 0x3ff0 + 8) = 0x13572468;
    expect("a bank of SRAM", bank2[0x3ff0], 0x13572468);
    bank2[0x3ff0] = word;
}

/* ---- Clocks ---- */
static uint32_t frequency_khz(uint32_t source) {
    REGISTER(FC0 + 0x00) = CRYSTAL_HZ / 1000;
    REGISTER(FC0 + 0x10) = 10;
    REGISTER(FC0 + 0x14) = source;
    while (!(REGISTER(FC0 + 0x18) & 1u << 4)) {
    }
    return (REGISTER(FC0 + 0x1c) + 16) >> 5;
}

static void clk_sys_from_pll(void) {
    REGISTER(PLL_SYS + 8) = 125; /* FBDIV: 1500 MHz, divided by 6 and 2 */
    CLR(PLL_SYS + 4) = 1u << 5 | 1;
    while (!(REGISTER(PLL_SYS) >> 31)) {
    }
    REGISTER(PLL_SYS + 0xc) = 6u << 16 | 2u << 12;
    CLR(PLL_SYS + 4) = 1u << 3;
    REGISTER(CLK_SYS_CTRL) = 1;
    while (!(REGISTER(CLK_SYS_SELECTED) & 2)) {
    }
    expect("clk_ref in kHz", frequency_khz(8), CRYSTAL_HZ / 1000);
    expect("clk_sys in kHz", frequency_khz(9), 125000);
}

static void clk_sys_is_lost(void) {
    REGISTER(RESUS_CTRL) = 1u << 8 | 0xff;
    REGISTER(CLOCKS_INTE) = 1;
    SET(PLL_SYS + 4) = 1; /* PD */
    sleep_us(5);
    expect("resuscitated", REGISTER(RESUS_STATUS), 1);
    expect("interrupt by resuscitation", clock_irqs, 1);
    expect("clk_sys in kHz by clk_ref", frequency_khz(9), CRYSTAL_HZ / 1000);
    REGISTER(CLK_SYS_CTRL) = 0;
    REGISTER(RESUS_CTRL) = 1u << 16;
    REGISTER(RESUS_CTRL) = 0;
    expect("resuscitation is over", REGISTER(RESUS_STATUS), 0);
}

/* ---- The watchdog, by way of the boot ROM back to `entry` ---- */
void entry(void);

static void wait_for_watchdog(void) {
    uint32_t again = (uint32_t)entry | 1, magic = 0xb007c0d3;
    REGISTER(WATCHDOG + 0x0c) = failures;
    REGISTER(WATCHDOG + 0x1c) = magic;
    REGISTER(WATCHDOG + 0x20) = again ^ -magic;
    REGISTER(WATCHDOG + 0x24) = SP_END;
    REGISTER(WATCHDOG + 0x28) = again;
    REGISTER(PSM_WDSEL) = 0x1fffc;
    REGISTER(WATCHDOG + 0x04) = 2 * 1000; /* counts twice a microsecond: erratum RP2040-E1 */
    REGISTER(WATCHDOG + 0x00) = 1u << 30;
    for (;;) {
    }
}

int main(void) {
    if (REGISTER(WATCHDOG + 0x08)) {
        failures = REGISTER(WATCHDOG + 0x0c);
        expect("reason of the reset", REGISTER(WATCHDOG + 0x08), 1);
        print(failures ? "Not all is right.\r\n" : "All is right.\r\n");
        return 0;
    }
    CLR(RESETS_RESET) = RESETS;
    while ((REGISTER(RESETS_RESET_DONE) & RESETS) != RESETS) {
    }
    set_vectors();
    nmi_of_the_timer();
    boot_button();
    jedec_id();
    write_flash();
    read_flash();
    stream_flash();
    uart_timeout();
    uart_by_dma();
    second_core();
    sram_banks();
    clk_sys_from_pll();
    clk_sys_is_lost();
    wait_for_watchdog();
    return 0;
}
