/* USB controller of the RP2040 and RP2350 in device mode, with its 4 KB of dual-port RAM. */
#ifndef ONCHIP_USB_DEVICE_H
#define ONCHIP_USB_DEVICE_H

#include "emulator/core/usb_bus.h"
#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/usb.h"

#define USB_DPRAM_SIZE 4096

enum usb_buffer_direction { USB_BUFFER_IN, USB_BUFFER_OUT };

struct usb_device {
    struct block block; /* irq[0] is USBCTRL_IRQ */
    struct usb_bus_device bus;
    struct gpio_bank *gpio; /* RP2040: whose pins are the digital pads; NULL: there are none */
    uint8_t dpram[USB_DPRAM_SIZE];

    struct event idle; /* 3 ms without a frame: suspend */
    bool attached;     /* as the host was last told */
    bool connected;    /* the host has done something since we attached */
    bool suspended;
    bool in_bus_reset;
    bool frames;          /* frames flow */
    bool vbus;            /* level of the VBUS detect pin */
    uint32_t latched;     /* INTR bits without another home: DEV_SOF, DEV_SUSPEND, DEV_CONN_DIS */
    uint32_t buffer_one;  /* by BUFF_STATUS bit: buffer 1 is next */
    uint32_t second_done; /* by BUFF_STATUS bit: the other buffer completed too before the CPU cleared the first */
    uint64_t last_sof_ps;
};

extern const struct block_class usb_device_class;

/* The device's end of the cable; a host plugs itself in there. Owned by the block. */
struct usb_bus_device *usb_device_bus(struct block *block);
/* The host has been plugged in or out (bus.host changed): tells it whether the device is attached. */
void usb_device_cable_changed(struct block *block);
/* Level of the pin that has the VBUS_DETECT function. */
void usb_device_set_vbus(struct block *block, bool level);

/* The dual-port RAM as a bus window of USB_DPRAM_SIZE bytes; `context` is the block. */
uint32_t usb_device_dpram_read(void *context, uint32_t offset, unsigned size);
void usb_device_dpram_write(void *context, uint32_t offset, uint32_t value, unsigned size);

#endif
