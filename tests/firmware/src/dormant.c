/* The crystal sleeps until the RTC, fed by the ring oscillator, wakes it: RP2040 datasheet 2.11.3, 4.8. The timer, fed
 * by the crystal, must not have seen the time that passed. */
#include "rp2040.h"

#define CLK_RTC_CTRL 0x4000806c
#define CLK_RTC_DIV 0x40008070
#define RESET_RTC (1u << 15)
#define XOSC_DORMANT 0x40024008
#define DORMANT 0x636f6d61
#define RTC_CLKDIV_M1 0x4005c000
#define RTC_SETUP_0 0x4005c004
#define RTC_SETUP_1 0x4005c008
#define RTC_CTRL 0x4005c00c
#define RTC_IRQ_SETUP_0 0x4005c010
#define RTC_IRQ_SETUP_1 0x4005c014
#define RTC_0 0x4005c01c
#define RTC_INTE 0x4005c024
#define ENABLE (1u << 11)
#define FROM_ROSC (2u << 5)

static void start_rtc(void) {
    REGISTER(CLK_RTC_DIV) = 1000 << 8; /* 6.5 MHz / 1000 */
    REGISTER(CLK_RTC_CTRL) = ENABLE | FROM_ROSC;
    CLR(RESETS_RESET) = RESET_RTC;
    while (!(REGISTER(RESETS_RESET_DONE) & RESET_RTC)) {
    }
    REGISTER(RTC_CLKDIV_M1) = 6500 - 1;
    REGISTER(RTC_SETUP_0) = 2024u << 12 | 2u << 8 | 28;
    REGISTER(RTC_SETUP_1) = 3u << 24 | 23u << 16 | 59u << 8 | 57;
    REGISTER(RTC_CTRL) = 1u << 4;
    REGISTER(RTC_CTRL) = 1;
    REGISTER(RTC_IRQ_SETUP_1) = 1u << 28 | 2; /* at second 2 */
    REGISTER(RTC_INTE) = 1;
    SET(RTC_IRQ_SETUP_0) = 1u << 28;
}

int main(void) {
    print("before\r\n");
    start_rtc();
    while (!(REGISTER(UART0_FR) & 1u << 7)) {
    }
    uint32_t before = REGISTER(TIMER_TIMERAWL);
    REGISTER(XOSC_DORMANT) = DORMANT;
    uint32_t passed = REGISTER(TIMER_TIMERAWL) - before;
    while (!(REGISTER(XOSC_STATUS) & 1u << 31)) {
    }
    print("awake at second ");
    print_number(REGISTER(RTC_0) & 0x3f);
    print(passed < 100 ? ", the timer stood still\r\n" : ", the timer ran\r\n");
    return 0;
}
