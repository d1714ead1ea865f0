/* The RP2350 sleeps with its core domain off (datasheet 6.2, 6.5): SRAM0 kept and SRAM1 lost, woken by the AON timer
 * into the boot vector. What is kept, what is lost and what the registers tell afterwards; then a request that a pin's
 * level forbids. */
#include "rp2350.h"

#define POWMAN 0x40100000u
#define PASSWORD 0x5afe0000u
#define CHIP_RESET (POWMAN + 0x2c)
#define SEQ_CFG (POWMAN + 0x34)
#define STATE (POWMAN + 0x38)
#define SET_TIME_15TO0 (POWMAN + 0x6c)
#define READ_TIME_LOWER (POWMAN + 0x74)
#define ALARM_TIME_15TO0 (POWMAN + 0x84)
#define TIMER (POWMAN + 0x88)
#define PWRUP0 (POWMAN + 0x8c)
#define LAST_SWCORE_PWRUP (POWMAN + 0xa0)
#define SCRATCH0 (POWMAN + 0xb0)
#define BOOT0 (POWMAN + 0xd0)
#define HAD_SWCORE_PD (1u << 25)
#define TIMER_RUN 2u
#define TIMER_ALARM_ENAB (1u << 4)
#define TIMER_PWRUP_ON_ALARM (1u << 5)
#define TIMER_ALARM (1u << 6)
#define VECTOR_MAGIC 0xb007c0d3u
#define SIO_OUT_SET 0xd0000018u
#define SIO_OE_SET 0xd0000038u
#define SIO_IN 0xd0000004u
#define FUNCTION_SIO 5
#define KEPT 0x20030000u
#define LOST 0x20050000u
#define STACK 0x20038000u
#define WATCHDOG_SCRATCH0 0x400d800cu

static void second_life(void);

static void set(uint32_t address, uint32_t value) {
    REGISTER(address) = PASSWORD | value;
}

/* The boot ROM goes on at `entry` when the core domain is back. */
static void set_boot_vector(void (*entry)(void)) {
    uint32_t at = (uint32_t)entry | 1;
    REGISTER(BOOT0) = VECTOR_MAGIC;
    REGISTER(BOOT0 + 4) = at ^ (0u - VECTOR_MAGIC);
    REGISTER(BOOT0 + 8) = STACK;
    REGISTER(BOOT0 + 12) = at;
}

/* P1 with XIP and SRAM1 off. */
static void sleep(void) {
    set(STATE, (8 | 4 | 1) << 4);
    while (REGISTER(STATE) & 1u << 12) {
        __asm__ volatile("wfi");
    }
}

int main(void) {
    REGISTER(KEPT) = 0x11112222;
    REGISTER(LOST) = 0x33334444;
    REGISTER(SCRATCH0) = 0x5555;
    REGISTER(WATCHDOG_SCRATCH0) = 0x6666;
    REGISTER(IO_BANK0_CTRL(5)) = FUNCTION_SIO; /* GPIO5 stays high all the time */
    CLR(PADS_BANK0(5)) = PAD_ISO;
    REGISTER(SIO_OUT_SET) = 1u << 5;
    REGISTER(SIO_OE_SET) = 1u << 5;
    set(SEQ_CFG, (REGISTER(SEQ_CFG) & 0xffff) & ~3u); /* both SRAMs come back with the core */
    set(SET_TIME_15TO0, 1000);
    set(ALARM_TIME_15TO0, 1250);
    set(TIMER, TIMER_RUN | TIMER_ALARM_ENAB | TIMER_PWRUP_ON_ALARM);
    set_boot_vector(second_life);
    print("off\r\n");
    while (REGISTER(UART0_FR) & 8) {
    }
    sleep();
    print("Not all is right: it did not go off.\r\n");
    return 0;
}

__attribute__((used)) static void check_second_life(void) {
    board_start();
    print("second life\r\n");
    expect("SRAM0", REGISTER(KEPT), 0x11112222);
    expect("SRAM1 is noise", REGISTER(LOST) == 0x33334444, 0);
    expect("POWMAN scratch", REGISTER(SCRATCH0), 0x5555);
    expect("watchdog scratch", REGISTER(WATCHDOG_SCRATCH0), 0);
    expect("CHIP_RESET", REGISTER(CHIP_RESET) & 0x1fff0000, HAD_SWCORE_PD);
    expect("LAST_SWCORE_PWRUP", REGISTER(LAST_SWCORE_PWRUP), 1u << 6);
    expect("STATE", REGISTER(STATE) & 15, 0);
    expect("time", REGISTER(READ_TIME_LOWER) - 1250 < 5, 1);
    SET(PADS_BANK0(5)) = 1u << 6; /* IE; the pad is isolated still */
    expect("GPIO5", REGISTER(SIO_IN) >> 5 & 1, 1);
    set(TIMER, TIMER_ALARM);            /* all of it off */
    set(PWRUP0, 5 | 1u << 7 | 1u << 6); /* GPIO5 high: it is, so that there is no sleep at all */
    set(STATE, (8 | 4 | 1) << 4);
    expect("REQ_IGNORED", REGISTER(STATE) >> 8 & 3, 3);
    expect("WAITING", REGISTER(STATE) >> 12 & 1, 0);
    set(STATE, 0x300);
    print(failures ? "Not all is right.\r\n" : "All is right.\r\n");
}

__attribute__((naked)) static void second_life(void) {
    __asm__ volatile("bl check_second_life\n"
                     "b .\n");
}
