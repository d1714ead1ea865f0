/* A small USB device firmware that drives the controller through its registers and DPRAM alone, in the way that device
 * stacks for this chip do: interrupt per buffer or per two buffers, double buffering for IN transfers of more than one
 * packet, EP0 with PIDs kept by software. For tests of the controller and of the host. */
#ifndef TESTS_USB_FIRMWARE_H
#define TESTS_USB_FIRMWARE_H

#include "emulator/usbhost/usbhost.h"
#include "peripherals/onchip/usb_device.h"

#include <stdio.h>
#include <string.h>

#define FW_BUF_FULL 0x8000u
#define FW_BUF_LAST 0x4000u
#define FW_BUF_DATA1 0x2000u
#define FW_BUF_SEL 0x1000u
#define FW_BUF_STALL 0x0800u
#define FW_BUF_AVAIL 0x0400u
#define FW_BUF_LEN 0x03ffu
#define FW_ENABLE 0x80000000u
#define FW_DOUBLE 0x40000000u
#define FW_INT_1BUF 0x20000000u
#define FW_INT_2BUF 0x10000000u

struct fw_endpoint {
    uint8_t *user;
    unsigned remaining, done;
    unsigned buffer_at; /* offset in DPRAM */
    bool active, data1;
    uint8_t type;
};

struct firmware {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct block *usb;
    struct usbhost host;
    struct fw_endpoint endpoint[16][2]; /* [number][in] */
    unsigned next_buffer;
    uint8_t setup[8];
    bool address_pending;
    const uint8_t *device_descriptor, *configuration;
    const char *string[4];
    uint8_t control[512];
    const uint8_t *report_descriptor; /* of a HID interface */
    unsigned report_descriptor_length;
    unsigned resets, setups, suspends, resumes, frames;
    bool configured, hung; /* hung: interrupts are not served */
    /* What the test adds. A class request: return false to stall. */
    bool (*class_request)(struct firmware *fw, const uint8_t setup[8]);
    void (*class_data)(struct firmware *fw, const uint8_t setup[8]); /* the OUT data stage is in fw->control */
    void (*on_configured)(struct firmware *fw);
    void (*on_complete)(struct firmware *fw, uint8_t address, unsigned length);
    void *context;
    char lines[4096]; /* warnings, errors and guest lines of the log */
};

/* ---- Registers ---- */
static inline uint32_t fw_read(struct firmware *fw, unsigned reg) {
    return block_read(fw->usb, rp2040_usb_registers.descs[reg].offset);
}
static inline void fw_write(struct firmware *fw, unsigned reg, uint32_t value, enum bus_alias alias) {
    block_write(fw->usb, rp2040_usb_registers.descs[reg].offset, value, alias);
}
static inline uint32_t fw_ram(struct firmware *fw, uint32_t offset) {
    return usb_device_dpram_read(fw->usb, offset, 4);
}
static inline void fw_set_ram(struct firmware *fw, uint32_t offset, uint32_t value) {
    usb_device_dpram_write(fw->usb, offset, value, 4);
}
static inline uint32_t fw_buffer_at(unsigned number, bool in) {
    return 0x80 + number * 8 + (in ? 0 : 4);
}
static inline uint32_t fw_control_at(unsigned number, bool in) {
    return 0x08 + (number - 1) * 8 + (in ? 0 : 4);
}

/* ---- Transfers ---- */
static inline uint32_t fw_prepare(struct firmware *fw, struct fw_endpoint *ep, bool in, unsigned half) {
    unsigned n = ep->remaining < 64 ? ep->remaining : 64;
    ep->remaining -= n;
    uint32_t ctrl = n | FW_BUF_AVAIL | (ep->data1 ? FW_BUF_DATA1 : 0) | (ep->remaining ? 0 : FW_BUF_LAST);
    ep->data1 = !ep->data1;
    if (in) {
        for (unsigned i = 0; i < n; i++) {
            usb_device_dpram_write(fw->usb, ep->buffer_at + half * 64 + i, ep->user[i], 1);
        }
        ep->user += n;
        ctrl |= FW_BUF_FULL;
    }
    return half ? ctrl << 16 : ctrl;
}

static inline void fw_start_buffers(struct firmware *fw, unsigned number, bool in) {
    struct fw_endpoint *ep = &fw->endpoint[number][in];
    uint32_t ctrl = fw_prepare(fw, ep, in, 0) | FW_BUF_SEL;
    bool twice = in && ep->remaining && number;
    if (twice) {
        ctrl |= fw_prepare(fw, ep, in, 1);
    }
    if (number) {
        uint32_t at = fw_control_at(number, in);
        uint32_t old = fw_ram(fw, at) & ~(FW_DOUBLE | FW_INT_1BUF | FW_INT_2BUF);
        fw_set_ram(fw, at, old | (twice ? FW_DOUBLE | FW_INT_2BUF : FW_INT_1BUF));
    }
    fw_set_ram(fw, fw_buffer_at(number, in), ctrl & ~FW_BUF_AVAIL);
    fw_set_ram(fw, fw_buffer_at(number, in), ctrl);
}

static inline void fw_transfer(struct firmware *fw, uint8_t address, void *data, unsigned length) {
    struct fw_endpoint *ep = &fw->endpoint[address & 15][address >> 7];
    ep->user = data;
    ep->remaining = length;
    ep->done = 0;
    ep->active = true;
    fw_start_buffers(fw, address & 15, address >> 7);
}

static inline void fw_stall(struct firmware *fw, uint8_t address) {
    if (!(address & 15)) {
        fw_write(fw, USB_EP_STALL_ARM, address ? 1 : 2, ALIAS_SET);
    }
    fw_set_ram(fw, fw_buffer_at(address & 15, address >> 7), FW_BUF_STALL);
    fw->endpoint[address & 15][address >> 7].active = false;
}

static inline void fw_open(struct firmware *fw, uint8_t address, unsigned type) {
    struct fw_endpoint *ep = &fw->endpoint[address & 15][address >> 7];
    *ep = (struct fw_endpoint){ .buffer_at = fw->next_buffer, .type = (uint8_t)type };
    fw->next_buffer += 128;
    fw_set_ram(fw, fw_buffer_at(address & 15, address >> 7), 0);
    fw_set_ram(fw, fw_control_at(address & 15, address >> 7), FW_ENABLE | type << 26 | ep->buffer_at);
}

static inline void fw_sync(struct firmware *fw, struct fw_endpoint *ep, bool in, uint32_t half_ctrl, unsigned half) {
    unsigned n = half_ctrl & FW_BUF_LEN;
    if (!in) {
        for (unsigned i = 0; i < n; i++) {
            ep->user[i] = (uint8_t)usb_device_dpram_read(fw->usb, ep->buffer_at + half * 64 + i, 1);
        }
        ep->user += n;
    }
    ep->done += n;
    if (n < 64) {
        ep->remaining = 0;
    }
}

/* ---- Control requests ---- */
static inline void fw_answer(struct firmware *fw, const void *data, unsigned length) {
    unsigned wanted = fw->setup[6] | fw->setup[7] << 8;
    length = length < wanted ? length : wanted;
    memcpy(fw->control, data, length);
    fw_transfer(fw, 0x80, fw->control, length);
}

static inline void fw_refuse(struct firmware *fw) {
    fw_stall(fw, 0x00);
    fw_stall(fw, 0x80);
}

static inline void fw_string(struct firmware *fw, unsigned number) {
    uint8_t bytes[128] = { 4, 3, 9, 4 };
    if (number && (number > 3 || !fw->string[number])) {
        fw_refuse(fw);
        return;
    }
    if (number) {
        unsigned n = (unsigned)strlen(fw->string[number]);
        for (unsigned i = 0; i < n; i++) {
            bytes[2 + 2 * i] = (uint8_t)fw->string[number][i];
            bytes[3 + 2 * i] = 0;
        }
        bytes[0] = (uint8_t)(2 + 2 * n);
    }
    fw_answer(fw, bytes, bytes[0]);
}

static inline void fw_get_descriptor(struct firmware *fw) {
    switch (fw->setup[3]) {
    case 1:
        fw_answer(fw, fw->device_descriptor, 18);
        break;
    case 2:
        fw_answer(fw, fw->configuration, fw->configuration[2] | fw->configuration[3] << 8);
        break;
    case 3:
        fw_string(fw, fw->setup[2]);
        break;
    case 0x22:
        fw_answer(fw, fw->report_descriptor, fw->report_descriptor_length);
        break;
    default:
        fw_refuse(fw);
    }
}

static inline void fw_clear_halt(struct firmware *fw, uint8_t address) {
    fw->endpoint[address & 15][address >> 7].data1 = false;
    uint32_t at = fw_buffer_at(address & 15, address >> 7);
    fw_set_ram(fw, at, fw_ram(fw, at) & ~FW_BUF_STALL);
}

static inline void fw_setup(struct firmware *fw) {
    fw->setups++;
    for (unsigned i = 0; i < 8; i++) {
        fw->setup[i] = (uint8_t)usb_device_dpram_read(fw->usb, i, 1);
    }
    for (unsigned in = 0; in < 2; in++) {
        if (fw->endpoint[0][in].active) {
            fw_write(fw, USB_EP_ABORT, in ? 1 : 2, ALIAS_SET);
            fw_set_ram(fw, fw_buffer_at(0, in), FW_BUF_DATA1 | FW_BUF_SEL);
            fw->endpoint[0][in].active = false;
            fw_write(fw, USB_EP_ABORT_DONE, in ? 1 : 2, ALIAS_CLR);
            fw_write(fw, USB_EP_ABORT, in ? 1 : 2, ALIAS_CLR);
        }
        fw->endpoint[0][in].data1 = true;
    }
    fw_write(fw, USB_SIE_STATUS, USB_SIE_STATUS_SETUP_REC, ALIAS_CLR);
    unsigned length = fw->setup[6] | fw->setup[7] << 8;
    if (fw->setup[0] & 0x60) {
        if (!fw->class_request || !fw->class_request(fw, fw->setup)) {
            fw_refuse(fw);
        } else if (!(fw->setup[0] & 0x80)) {
            fw_transfer(fw, length ? 0x00 : 0x80, fw->control, length);
        }
        return;
    }
    switch (fw->setup[1]) {
    case 5:
        fw->address_pending = true;
        fw_transfer(fw, 0x80, fw->control, 0);
        break;
    case 6:
        fw_get_descriptor(fw);
        break;
    case 9:
        fw->configured = true;
        fw_transfer(fw, 0x80, fw->control, 0);
        if (fw->on_configured) {
            fw->on_configured(fw);
        }
        break;
    case 1:
        fw_clear_halt(fw, fw->setup[4]);
        fw_transfer(fw, 0x80, fw->control, 0);
        if (fw->class_data) {
            fw->class_data(fw, fw->setup);
        }
        break;
    default:
        fw_refuse(fw);
    }
}

static inline void fw_control_complete(struct firmware *fw, bool in) {
    bool request_in = fw->setup[0] & 0x80;
    unsigned length = fw->setup[6] | fw->setup[7] << 8;
    struct fw_endpoint *other = &fw->endpoint[0][!in];
    other->data1 = true;
    if (in == request_in && length) { /* the data stage is over */
        if (!in && fw->class_data) {
            fw->class_data(fw, fw->setup);
        }
        fw_transfer(fw, in ? 0x00 : 0x80, fw->control, 0);
    } else if (fw->address_pending) {
        fw->address_pending = false;
        fw_write(fw, USB_ADDR_ENDP, fw->setup[2], ALIAS_NORMAL);
    }
}

static inline void fw_buffers(struct firmware *fw) {
    uint32_t status = fw_read(fw, USB_BUFF_STATUS);
    for (unsigned i = 0; i < 32; i++) {
        if (!(status & 1u << i)) {
            continue;
        }
        fw_write(fw, USB_BUFF_STATUS, 1u << i, ALIAS_CLR);
        unsigned number = i / 2;
        bool in = i % 2 == 0;
        struct fw_endpoint *ep = &fw->endpoint[number][in];
        uint32_t ctrl = fw_ram(fw, fw_buffer_at(number, in));
        fw_sync(fw, ep, in, ctrl & 0xffff, 0);
        if (number && (fw_ram(fw, fw_control_at(number, in)) & FW_DOUBLE)) {
            fw_sync(fw, ep, in, ctrl >> 16, 1);
        }
        if (ep->remaining) {
            fw_start_buffers(fw, number, in);
            continue;
        }
        ep->active = false;
        if (number == 0) {
            fw_control_complete(fw, in);
        } else if (fw->on_complete) {
            fw->on_complete(fw, (uint8_t)(number | (in ? 0x80 : 0)), ep->done);
        }
    }
}

static inline void fw_bus_reset(struct firmware *fw) {
    fw->resets++;
    fw->configured = fw->address_pending = false;
    fw_write(fw, USB_ADDR_ENDP, 0, ALIAS_NORMAL);
    for (unsigned number = 1; number < 16; number++) {
        fw_set_ram(fw, fw_control_at(number, true), 0);
        fw_set_ram(fw, fw_control_at(number, false), 0);
    }
    fw->next_buffer = 0x180;
    fw_write(fw, USB_SIE_STATUS, USB_SIE_STATUS_BUS_RESET, ALIAS_CLR);
}

static inline void fw_interrupt(struct firmware *fw) {
    uint32_t status = fw_read(fw, USB_INTS);
    if (status & USB_INTS_DEV_SOF) {
        fw->frames++;
        fw_read(fw, USB_SOF_RD);
    }
    if (status & USB_INTS_BUFF_STATUS) {
        fw_buffers(fw);
    }
    if (status & USB_INTS_SETUP_REQ) {
        fw_setup(fw);
    }
    if (status & USB_INTS_BUS_RESET) {
        fw_bus_reset(fw);
    }
    if (status & USB_INTS_DEV_SUSPEND) {
        fw->suspends++;
        fw_write(fw, USB_SIE_STATUS, USB_SIE_STATUS_SUSPENDED, ALIAS_CLR);
    }
    if (status & USB_INTS_DEV_RESUME_FROM_HOST) {
        fw->resumes++;
        fw_write(fw, USB_SIE_STATUS, USB_SIE_STATUS_RESUME, ALIAS_CLR);
    }
}

/* ---- Life ---- */
static inline void fw_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    struct firmware *fw = context;
    if (level <= LOG_STUB) {
        size_t used = strlen(fw->lines);
        snprintf(fw->lines + used, sizeof(fw->lines) - used, "%s %s: %s\n", log_level_name(level), source, line);
    }
}

/* Bring the controller up as after a reset of the chip, and attach. */
static inline void fw_start(struct firmware *fw) {
    block_hold_in_reset(fw->usb, true);
    block_hold_in_reset(fw->usb, false);
    for (uint32_t at = 0; at < USB_DPRAM_SIZE; at += 4) {
        fw_set_ram(fw, at, 0);
    }
    memset(fw->endpoint, 0, sizeof(fw->endpoint));
    fw->endpoint[0][0].buffer_at = fw->endpoint[0][1].buffer_at = 0x100;
    fw->next_buffer = 0x180;
    fw->configured = fw->address_pending = fw->hung = false;
    fw_write(fw, USB_USB_MUXING, USB_USB_MUXING_TO_PHY | USB_USB_MUXING_SOFTCON, ALIAS_NORMAL);
    fw_write(fw, USB_USB_PWR, USB_USB_PWR_VBUS_DETECT | USB_USB_PWR_VBUS_DETECT_OVERRIDE_EN, ALIAS_NORMAL);
    fw_write(fw, USB_MAIN_CTRL, USB_MAIN_CTRL_CONTROLLER_EN, ALIAS_NORMAL);
    fw_write(fw, USB_SIE_CTRL, USB_SIE_CTRL_EP0_INT_1BUF, ALIAS_NORMAL);
    fw_write(fw, USB_INTE,
             USB_INTE_BUFF_STATUS | USB_INTE_BUS_RESET | USB_INTE_SETUP_REQ | USB_INTE_DEV_SUSPEND |
                 USB_INTE_DEV_RESUME_FROM_HOST,
             ALIAS_NORMAL);
    fw_write(fw, USB_SIE_CTRL, USB_SIE_CTRL_PULLUP_EN, ALIAS_SET);
}

/* `fw` zeroed but for descriptors and callbacks. The chip is made, with the host plugged in; nothing runs yet. */
static inline void fw_init(struct firmware *fw, const struct register_table *registers) {
    scheduler_init(&fw->scheduler);
    log_init(&fw->log);
    fw->log.sink = fw_log;
    fw->log.context = fw;
    fw->env = (struct environment){ .scheduler = &fw->scheduler, .log = &fw->log, .seed = &fw->random };
    fw->usb = block_create(&usb_device_class, "USB", &fw->env, registers);
    block_start(fw->usb);
    usbhost_init(&fw->host, &fw->env, usb_device_bus(fw->usb));
}

static inline void fw_finish(struct firmware *fw) {
    usbhost_finish(&fw->host);
    block_destroy(fw->usb);
    if (fw->lines[0]) {
        printf("%s", fw->lines);
    }
}

/* Let time pass; interrupts are served 3 us after they were raised. */
static inline void fw_run(struct firmware *fw, uint64_t ps) {
    uint64_t end = scheduler_now(&fw->scheduler) + ps;
    while (scheduler_now(&fw->scheduler) < end) {
        uint64_t next = scheduler_next(&fw->scheduler);
        bool serve = fw->usb->irq[0].level && !fw->hung;
        uint64_t limit = serve ? scheduler_now(&fw->scheduler) + 3 * PS_PER_US : end;
        next = next < limit ? next : limit;
        scheduler_advance(&fw->scheduler, next < end ? next : end);
        if (serve && scheduler_now(&fw->scheduler) >= limit) {
            fw_interrupt(fw);
        }
    }
}

#endif
