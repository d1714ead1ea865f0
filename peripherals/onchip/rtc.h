/* Real-time clock: RP2040 datasheet 4.8. */
#ifndef ONCHIP_RTC_H
#define ONCHIP_RTC_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/rtc.h"

struct rtc_time {
    unsigned year, month, day, weekday, hour, minute, second; /* as the registers hold them: 0 is Sunday */
};

struct rtc {
    struct block block;           /* irq[0]: RTC_IRQ; irq[1]: the same, to wake the oscillators from dormant */
    struct clock_domain *clk_rtc; /* wired by the machine */

    struct rtc_time now;
    struct clock_domain second; /* clk_rtc / (CLKDIV_M1 + 1), while enabled */
    struct clock_listener rtc_listener;
    struct event tick;
    uint32_t latched_date;
};

extern const struct block_class rtc_class;

#endif
