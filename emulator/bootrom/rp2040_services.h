/* Private to the RP2040's ROM: numbers of the supervisor calls. The first four stand in rp2040_code.S as well. */
#ifndef BOOTROM_RP2040_SERVICES_H
#define BOOTROM_RP2040_SERVICES_H

#include <stdint.h>

enum rp2040_service {
    SERVICE_BEGIN,     /* after reset; gives r0 = entry from the watchdog's scratch registers or 0, r1 = its stack */
    SERVICE_BOOT,      /* gives r0 = entry of the second stage in SRAM, or 0 */
    SERVICE_USB_BOOT,  /* r0 = activity pins, r1 = disabled interfaces */
    SERVICE_USB_ENTRY, /* the boot that follows */
    SERVICE_CONNECT_FLASH,
    SERVICE_EXIT_XIP,
    SERVICE_ERASE,   /* r0 = offset, r1 = bytes, r2 = block size, r3 = its erase command */
    SERVICE_PROGRAM, /* r0 = offset, r1 = data, r2 = bytes */
    SERVICE_FLUSH,
    SERVICE_ENTER_XIP,
    SERVICE_ENABLE_CLOCKS, /* version 1 only */
    SERVICE_UNMODELLED,
    SERVICE_FLOAT = 0x40,  /* + index into the float table */
    SERVICE_DOUBLE = 0x80, /* + index into the double table */
};

#define RP2040_FLOAT_ENTRIES 32 /* version 1: 21 */

/* Addresses in the image: the endless wait, and the entry after reset_to_usb_boot(). */
uint32_t bootrom_rp2040_halt(void);
uint32_t bootrom_rp2040_usb_entry(void);

#endif
