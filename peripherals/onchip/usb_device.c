/* USB controller, device mode: RP2040 datasheet 4.1, RP2350 datasheet 12.7.
 *
 * Not modelled: host mode (registers keep what is written, one stub line), direct control of the PHY but for
 * the pull-up of DP, bit errors
 * (CRC, bit stuffing, timeouts never happen on this cable: EP_TX_ERROR and EP_RX_ERROR of the RP2350 stay 0), the state
 * machine watchdog of the RP2350 (never fires).
 * The controller needs no clk_usb here: it answers whenever it is enabled.
 *
 * Ambiguities, and how they are decided:
 * - STALL in the buffer control answers without AVAILABLE; firmware in the field writes STALL alone.
 * - An OUT packet with the wrong PID is acknowledged and dropped (USB 2.0 8.6.4), and raises DATA_SEQ_ERROR.
 * - LENGTH of an OUT buffer does not limit what is received; it is overwritten with the length that came.
 * - With an interrupt per two buffers the status bit comes with buffer 1.
 * - SUSPENDED reads as the present state of the bus; DEV_SUSPEND is raised on entry alone, and writing SUSPENDED
 *   clears it. CONNECTED: attached, and a host has reset the bus since; DEV_CONN_DIS is raised by both changes.
 * - RX_SHORT_PACKET (RP2350): raised by every OUT packet of less than LENGTH; with double buffering the buffer select
 *   then stays where it is, on endpoint 0 only with EP0_STOP_ON_SHORT_PACKET.
 * - Without TO_PHY in USB_MUXING nothing is on the cable, but for a pull-up that USBPHY_DIRECT and its override hold;
 *   nothing is answered then. SOFTCON is not needed.
 * - With TO_DIGITAL_PAD (RP2040) LINE_STATE shows GPIO15 (DP) and GPIO16 (DM) where their function 8 is selected. SDKs
 *   before 1.3 work around erratum RP2040-E5 in this way on every chip: they force J there for a millisecond after a
 *   bus reset. The erratum itself is not there (stepping B2): CONNECTED does not wait for that.
 * - BUS_RESET is raised by the beginning of SE0, not again while it lasts.
 * - EP_ABORT_DONE follows at once: no transaction is ever half way here. */
#include "peripherals/onchip/usb_device.h"

#include <string.h>

/* ---- Registers in DPRAM (tables 395 to 400 of the RP2040 datasheet) ---- */
#define DPRAM_EP_CTRL 0x008     /* endpoint 1 IN, 1 OUT, 2 IN, ... */
#define DPRAM_BUFFER_CTRL 0x080 /* endpoint 0 IN, 0 OUT, 1 IN, ... */
#define DPRAM_BUFFER_CTRL_END 0x100
#define DPRAM_EP0_BUFFER 0x100

#define EP_CTRL_ENABLE 0x80000000u
#define EP_CTRL_DOUBLE_BUF 0x40000000u
#define EP_CTRL_INT_1BUF 0x20000000u
#define EP_CTRL_INT_2BUF 0x10000000u
#define EP_CTRL_TYPE 0x0c000000u
#define EP_CTRL_INT_STALL 0x00020000u
#define EP_CTRL_INT_NAK 0x00010000u
#define EP_CTRL_ADDRESS 0x00000fc0u
#define EP_TYPE_ISOCHRONOUS 1

/* One half of the buffer control: buffer 0 in the low, buffer 1 in the high 16 bits. */
#define BUFFER_FULL 0x8000u
#define BUFFER_LAST 0x4000u
#define BUFFER_PID 0x2000u
#define BUFFER_SELECT_RESET 0x1000u /* low half alone */
#define BUFFER_STALL 0x0800u        /* low half alone */
#define BUFFER_AVAILABLE 0x0400u
#define BUFFER_LENGTH 0x03ffu
#define BUFFER_ISO_OFFSET 0x1800u /* high half alone: buffer 1 is 128 << n bytes after buffer 0 */

/* The digital pads of the RP2040's controller, as the SVD names the functions of these GPIOs. */
#define DIGITAL_PAD_FUNCTION 8
#define DIGITAL_PAD_DP 15
#define DIGITAL_PAD_DM 16

#define SUSPEND_AFTER_PS (3 * PS_PER_MS)

/* What a transaction needs to know of its endpoint. */
struct endpoint {
    uint32_t control;   /* in the layout of EP control, for endpoint 0 made from SIE_CTRL */
    uint32_t bit;       /* in BUFF_STATUS and its like */
    uint32_t buffer_at; /* offset of the buffer control */
    uint32_t data_at;   /* offset of the buffer that is next */
    unsigned shift;     /* 16 when buffer 1 is next */
    uint32_t buffer;    /* its half of the buffer control */
    bool stalled;
};

static struct usb_device *self_of(void *context) {
    return context;
}

static uint32_t dpram_word(const struct usb_device *usb, uint32_t offset) {
    uint32_t value;
    memcpy(&value, &usb->dpram[offset], sizeof(value));
    return value;
}

static void set_dpram_word(struct usb_device *usb, uint32_t offset, uint32_t value) {
    memcpy(&usb->dpram[offset], &value, sizeof(value));
}

/* ---- Outputs ---- */
static bool reaches_phy(const struct usb_device *usb) {
    return usb->block.values[USB_USB_MUXING] & USB_USB_MUXING_TO_PHY;
}

static bool dp_is_pulled_up(const struct usb_device *usb) {
    const uint32_t *values = usb->block.values;
    if (values[USB_USBPHY_DIRECT_OVERRIDE] & USB_USBPHY_DIRECT_OVERRIDE_DP_PULLUP_EN_OVERRIDE_EN) {
        return values[USB_USBPHY_DIRECT] & USB_USBPHY_DIRECT_DP_PULLUP_EN;
    }
    return (values[USB_SIE_CTRL] & USB_SIE_CTRL_PULLUP_EN) && reaches_phy(usb);
}

static bool pulled_up(const struct usb_device *usb) {
    uint32_t main_ctrl = usb->block.values[USB_MAIN_CTRL];
    return !usb->block.in_reset && (main_ctrl & USB_MAIN_CTRL_CONTROLLER_EN) &&
           !(main_ctrl & USB_MAIN_CTRL_HOST_NDEVICE) && !(main_ctrl & USB_MAIN_CTRL_PHY_ISO) && dp_is_pulled_up(usb);
}

static bool vbus_detected(const struct usb_device *usb) {
    uint32_t power = usb->block.values[USB_USB_PWR];
    return power & USB_USB_PWR_VBUS_DETECT_OVERRIDE_EN ? (power & USB_USB_PWR_VBUS_DETECT) != 0 : usb->vbus;
}

static uint32_t interrupts(const struct usb_device *usb) {
    static const struct {
        uint32_t status, interrupt;
    } sources[] = {
        { USB_SIE_STATUS_SETUP_REC, USB_INTR_SETUP_REQ },
        { USB_SIE_STATUS_RESUME, USB_INTR_DEV_RESUME_FROM_HOST },
        { USB_SIE_STATUS_BUS_RESET, USB_INTR_BUS_RESET },
        { USB_SIE_STATUS_TRANS_COMPLETE, USB_INTR_TRANS_COMPLETE },
        { USB_SIE_STATUS_DATA_SEQ_ERROR, USB_INTR_ERROR_DATA_SEQ },
        { USB_SIE_STATUS_RX_SHORT_PACKET, USB_INTR_RX_SHORT_PACKET },
    };
    const uint32_t *values = usb->block.values;
    uint32_t result = usb->latched;
    for (unsigned i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        result |= values[USB_SIE_STATUS] & sources[i].status ? sources[i].interrupt : 0;
    }
    result |= values[USB_BUFF_STATUS] ? USB_INTR_BUFF_STATUS : 0;
    result |= values[USB_EP_ABORT_DONE] ? USB_INTR_ABORT_DONE : 0;
    result |= values[USB_EP_STATUS_STALL_NAK] ? USB_INTR_EP_STALL_NAK : 0;
    return result | (vbus_detected(usb) ? USB_INTR_VBUS_DETECT : 0);
}

static void update_interrupt(struct usb_device *usb) {
    uint32_t *values = usb->block.values;
    values[USB_INTR] = interrupts(usb);
    values[USB_INTS] = (values[USB_INTR] & values[USB_INTE]) | values[USB_INTF];
    line_set(&usb->block.irq[0], values[USB_INTS] != 0);
}

static void set_connected(struct usb_device *usb, bool connected) {
    if (usb->connected != connected) {
        usb->connected = connected;
        usb->latched |= USB_INTR_DEV_CONN_DIS;
    }
}

static void watch_idle(struct usb_device *usb) {
    struct scheduler *scheduler = usb->block.env->scheduler;
    if (usb->attached && !usb->frames && !usb->in_bus_reset && !usb->suspended) {
        scheduler_add(scheduler, &usb->idle, scheduler_now(scheduler) + SUSPEND_AFTER_PS);
    } else {
        scheduler_cancel(scheduler, &usb->idle);
    }
}

static void update_attachment(struct usb_device *usb) {
    bool attached = pulled_up(usb);
    if (attached == usb->attached) {
        return;
    }
    usb->attached = attached;
    usb->suspended = false;
    if (!attached) {
        set_connected(usb, false);
        usb->frames = usb->in_bus_reset = false;
    }
    watch_idle(usb);
    if (usb->bus.host) {
        usb->bus.host->attach_changed(usb->bus.host_context, attached);
    }
}

static void usb_update(struct usb_device *usb) {
    update_attachment(usb);
    update_interrupt(usb);
}

static void tell_endpoint_changed(struct usb_device *usb, unsigned endpoint, bool in) {
    if (usb->bus.host && usb->attached) {
        usb->bus.host->endpoint_changed(usb->bus.host_context, (uint8_t)endpoint, in);
    }
}

static void tell_endpoints_changed(struct usb_device *usb, uint32_t bits) {
    for (unsigned i = 0; i < 32; i++) {
        if (bits & (1u << i)) {
            tell_endpoint_changed(usb, i / 2, i % 2 == USB_BUFFER_IN);
        }
    }
}

/* Frames may have passed since. */
static void look(const struct usb_device *usb, bool changes) {
    if (usb->bus.host && usb->bus.host->look) {
        usb->bus.host->look(usb->bus.host_context, changes);
    }
}

/* ---- Read ---- */
static bool cable_is_in_j(const struct usb_device *usb) { /* otherwise in SE0 */
    return usb->attached && !usb->in_bus_reset;
}

static bool digital_pad(const struct usb_device *usb, unsigned pin) {
    return usb->gpio && gpio_is_selected(usb->gpio, pin, DIGITAL_PAD_FUNCTION) && gpio_input(usb->gpio, pin);
}

/* J is 1, K is 2, SE0 is 0. */
static uint32_t line_state(const struct usb_device *usb) {
    uint32_t muxing = usb->block.values[USB_USB_MUXING], state = cable_is_in_j(usb);
    if (muxing & USB_USB_MUXING_TO_DIGITAL_PAD) {
        state = digital_pad(usb, DIGITAL_PAD_DP) | (uint32_t)digital_pad(usb, DIGITAL_PAD_DM) << 1;
    }
    return state << USB_SIE_STATUS_LINE_STATE_LSB;
}

static uint32_t read_sie_status(const struct usb_device *usb) {
    return usb->block.values[USB_SIE_STATUS] | (usb->connected ? USB_SIE_STATUS_CONNECTED : 0) |
           (usb->suspended ? USB_SIE_STATUS_SUSPENDED : 0) | line_state(usb) |
           (vbus_detected(usb) ? USB_SIE_STATUS_VBUS_DETECTED : 0);
}

static uint32_t read_sof(struct usb_device *usb) {
    usb->latched &= ~USB_INTR_DEV_SOF;
    update_interrupt(usb);
    return usb->block.values[USB_SOF_RD];
}

/* Counter of the 48 MHz clock of the PHY (RP2350). */
static uint32_t timestamp(uint64_t ps) {
    return (uint32_t)(ps / 125000 * 6 + ps % 125000 * 6 / 125000) & USB_SOF_TIMESTAMP_RAW_BITS;
}

static uint32_t usb_read(struct block *block, unsigned reg) {
    struct usb_device *usb = (struct usb_device *)block;
    look(usb, false);
    switch (reg) {
    case USB_SIE_STATUS:
        return read_sie_status(usb);
    case USB_SOF_RD:
        return read_sof(usb);
    case USB_USBPHY_DIRECT:
        return block->values[reg] | (cable_is_in_j(usb) ? USB_USBPHY_DIRECT_RX_DP | USB_USBPHY_DIRECT_RX_DD : 0);
    case USB_SOF_TIMESTAMP_RAW:
        return timestamp(scheduler_now(block->env->scheduler));
    case USB_SOF_TIMESTAMP_LAST:
        return timestamp(usb->last_sof_ps);
    default:
        return block->values[reg];
    }
}

/* ---- Write ---- */
static void write_sie_ctrl(struct usb_device *usb, uint32_t value) {
    if ((value & USB_SIE_CTRL_RESUME) && usb->suspended && usb->bus.host) {
        usb->bus.host->remote_wakeup(usb->bus.host_context);
    }
}

static void write_sie_status(struct usb_device *usb, uint32_t value) {
    usb->latched &= ~((value & USB_SIE_STATUS_SUSPENDED ? USB_INTR_DEV_SUSPEND : 0) |
                      (value & USB_SIE_STATUS_CONNECTED ? USB_INTR_DEV_CONN_DIS : 0));
}

static void write_buff_status(struct usb_device *usb, uint32_t value) {
    uint32_t again = usb->second_done & value;
    usb->second_done &= ~again;
    usb->block.values[USB_BUFF_STATUS] |= again;
    usb->block.values[USB_BUFF_CPU_SHOULD_HANDLE] ^= again;
}

static void write_abort(struct usb_device *usb, uint32_t value, uint32_t old) {
    usb->block.values[USB_EP_ABORT_DONE] |= value;
    tell_endpoints_changed(usb, old & ~value);
}

static void write_main_ctrl(struct usb_device *usb, uint32_t value) {
    if (value & USB_MAIN_CTRL_HOST_NDEVICE) {
        block_report_stub(&usb->block, usb->block.registers->descs[USB_MAIN_CTRL].offset, true);
    }
}

static void usb_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct usb_device *usb = (struct usb_device *)block;
    look(usb, true);
    switch (reg) {
    case USB_MAIN_CTRL:
        write_main_ctrl(usb, value);
        break;
    case USB_SIE_CTRL:
        write_sie_ctrl(usb, value);
        break;
    case USB_SIE_STATUS:
        write_sie_status(usb, value);
        break;
    case USB_BUFF_STATUS:
        write_buff_status(usb, value);
        break;
    case USB_EP_ABORT:
        write_abort(usb, value, old);
        break;
    case USB_EP_STALL_ARM:
        tell_endpoints_changed(usb, value);
        break;
    case USB_USBPHY_DIRECT_OVERRIDE:
        if (value & ~USB_USBPHY_DIRECT_OVERRIDE_DP_PULLUP_EN_OVERRIDE_EN) {
            block_report_stub(block, block->registers->descs[reg].offset, true);
        }
        break;
    default:
        break;
    }
    usb_update(usb);
}

/* ---- Dual-port RAM ---- */
uint32_t usb_device_dpram_read(void *context, uint32_t offset, unsigned size) {
    const struct usb_device *usb = self_of(context);
    uint32_t value = 0;
    memcpy(&value, &usb->dpram[offset % USB_DPRAM_SIZE], size);
    return value;
}

static void buffer_control_written(struct usb_device *usb, uint32_t offset, uint32_t value, unsigned size) {
    uint32_t written = value << 8 * (offset % 4);
    unsigned index = (offset - DPRAM_BUFFER_CTRL) / 4;
    bool covers_select = offset % 4 <= 1 && offset % 4 + size >= 2;
    if (covers_select && (written & BUFFER_SELECT_RESET)) {
        usb->buffer_one &= ~(1u << index);
    }
    if (written & (BUFFER_STALL | BUFFER_AVAILABLE | BUFFER_AVAILABLE << 16)) {
        tell_endpoint_changed(usb, index / 2, index % 2 == USB_BUFFER_IN);
    }
}

void usb_device_dpram_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct usb_device *usb = self_of(context);
    look(usb, true);
    offset %= USB_DPRAM_SIZE;
    memcpy(&usb->dpram[offset], &value, size);
    if (offset >= DPRAM_BUFFER_CTRL && offset < DPRAM_BUFFER_CTRL_END) {
        buffer_control_written(usb, offset, value, size);
    }
}

/* ---- Transactions ---- */
/* The bits of SIE_CTRL for endpoint 0 stand where EP control has them, but for STALL and NAK. */
static uint32_t endpoint0_control(const struct usb_device *usb) {
    uint32_t sie_ctrl = usb->block.values[USB_SIE_CTRL];
    return EP_CTRL_ENABLE | (sie_ctrl & (EP_CTRL_DOUBLE_BUF | EP_CTRL_INT_1BUF | EP_CTRL_INT_2BUF)) | DPRAM_EP0_BUFFER |
           (sie_ctrl & USB_SIE_CTRL_EP0_INT_STALL ? EP_CTRL_INT_STALL : 0) |
           (sie_ctrl & USB_SIE_CTRL_EP0_INT_NAK ? EP_CTRL_INT_NAK : 0);
}

static bool is_isochronous(const struct endpoint *endpoint) {
    return field_get(endpoint->control, EP_CTRL_TYPE) == EP_TYPE_ISOCHRONOUS;
}

static uint32_t second_buffer_offset(const struct endpoint *endpoint, uint32_t buffer_ctrl) {
    return is_isochronous(endpoint) ? 128u << field_get(buffer_ctrl >> 16, BUFFER_ISO_OFFSET) : 64;
}

/* False when nothing is there that would answer. */
static bool find_endpoint(const struct usb_device *usb, uint8_t address, unsigned number,
                          enum usb_buffer_direction direction, struct endpoint *ret) {
    unsigned index = number * 2 + direction;
    if (!usb->attached || !reaches_phy(usb) || usb->in_bus_reset || number > 15 ||
        address != (usb->block.values[USB_ADDR_ENDP] & USB_ADDR_ENDP_ADDRESS)) {
        return false;
    }
    ret->bit = 1u << index;
    ret->buffer_at = DPRAM_BUFFER_CTRL + 4 * index;
    ret->control = number ? dpram_word(usb, DPRAM_EP_CTRL + 4 * (index - 2)) : endpoint0_control(usb);
    uint32_t buffer_ctrl = dpram_word(usb, ret->buffer_at);
    bool second = (ret->control & EP_CTRL_DOUBLE_BUF) && (usb->buffer_one & ret->bit);
    ret->shift = second ? 16 : 0;
    ret->buffer = buffer_ctrl >> ret->shift & 0xffff;
    ret->data_at = (ret->control & EP_CTRL_ADDRESS) + (second ? second_buffer_offset(ret, buffer_ctrl) : 0);
    ret->stalled = (buffer_ctrl & BUFFER_STALL) && (number || (usb->block.values[USB_EP_STALL_ARM] & ret->bit));
    return ret->control & EP_CTRL_ENABLE;
}

/* NAK or STALL, and what the firmware wants to hear about it. */
static enum usb_answer refuse(struct usb_device *usb, const struct endpoint *endpoint, enum usb_answer answer) {
    if (is_isochronous(endpoint)) {
        return USB_TIMEOUT;
    }
    if (endpoint->control & (answer == USB_STALL ? EP_CTRL_INT_STALL : EP_CTRL_INT_NAK)) {
        usb->block.values[USB_EP_STATUS_STALL_NAK] |= endpoint->bit;
        usb_update(usb);
    }
    return answer;
}

static void raise_buffer_done(struct usb_device *usb, const struct endpoint *endpoint) {
    uint32_t *values = usb->block.values;
    bool second = endpoint->shift;
    bool raise = (endpoint->control & EP_CTRL_INT_1BUF) || ((endpoint->control & EP_CTRL_INT_2BUF) && second);
    if (!raise) {
        return;
    }
    if (values[USB_BUFF_STATUS] & endpoint->bit) {
        usb->second_done |= endpoint->control & EP_CTRL_DOUBLE_BUF ? endpoint->bit : 0;
        return;
    }
    values[USB_BUFF_STATUS] |= endpoint->bit;
    values[USB_BUFF_CPU_SHOULD_HANDLE] &= ~endpoint->bit;
    values[USB_BUFF_CPU_SHOULD_HANDLE] |= second ? endpoint->bit : 0;
}

/* The status phase: the buffer goes back to the firmware with its half of the buffer control as given. `stops`: the
 * other buffer is not to be used yet. */
static void complete(struct usb_device *usb, const struct endpoint *endpoint, uint32_t half, bool stops) {
    uint32_t whole = dpram_word(usb, endpoint->buffer_at) & ~(0xffffu << endpoint->shift) & ~BUFFER_SELECT_RESET;
    half &= ~(endpoint->shift ? BUFFER_AVAILABLE : BUFFER_AVAILABLE | BUFFER_SELECT_RESET);
    set_dpram_word(usb, endpoint->buffer_at, whole | half << endpoint->shift);
    raise_buffer_done(usb, endpoint);
    if ((endpoint->control & EP_CTRL_DOUBLE_BUF) && !stops) {
        usb->buffer_one ^= endpoint->bit;
    }
    if (half & BUFFER_LAST) {
        usb->block.values[USB_SIE_STATUS] |= USB_SIE_STATUS_TRANS_COMPLETE;
    }
    usb_update(usb);
}

/* Bytes of a buffer that lie inside the DPRAM. */
static unsigned clip(struct usb_device *usb, const struct endpoint *endpoint, unsigned length) {
    if (endpoint->data_at + length <= USB_DPRAM_SIZE) {
        return length;
    }
    log_write(usb->block.env->log, LOG_GUEST, usb->block.name, "buffer at 0x%03x of %u bytes ends outside the DPRAM",
              endpoint->data_at, length);
    return endpoint->data_at < USB_DPRAM_SIZE ? USB_DPRAM_SIZE - endpoint->data_at : 0;
}

static enum usb_answer usb_setup(void *context, uint8_t address, uint8_t number, const uint8_t packet[8]) {
    struct usb_device *usb = self_of(context);
    struct endpoint endpoint;
    if (number || !find_endpoint(usb, address, 0, USB_BUFFER_OUT, &endpoint)) {
        return USB_TIMEOUT;
    }
    memcpy(usb->dpram, packet, 8);
    usb->block.values[USB_EP_STALL_ARM] = 0;
    usb->block.values[USB_SIE_STATUS] |= USB_SIE_STATUS_SETUP_REC;
    usb_update(usb);
    return USB_ACK;
}

static enum usb_answer usb_in(void *context, uint8_t address, uint8_t number, uint8_t *data, unsigned *ret_length,
                              bool *ret_data1) {
    struct usb_device *usb = self_of(context);
    struct endpoint endpoint;
    if (!find_endpoint(usb, address, number, USB_BUFFER_IN, &endpoint)) {
        return USB_TIMEOUT;
    }
    bool aborted = usb->block.values[USB_EP_ABORT] & endpoint.bit;
    if (endpoint.stalled && !aborted) {
        return refuse(usb, &endpoint, USB_STALL);
    }
    uint32_t needs = BUFFER_AVAILABLE | BUFFER_FULL;
    if (aborted || (endpoint.buffer & needs) != needs) {
        return refuse(usb, &endpoint, USB_NAK);
    }
    *ret_length = clip(usb, &endpoint, endpoint.buffer & BUFFER_LENGTH);
    *ret_data1 = endpoint.buffer & BUFFER_PID;
    memcpy(data, usb->dpram + (*ret_length ? endpoint.data_at : 0), *ret_length);
    usb->block.values[USB_SIE_STATUS] |= is_isochronous(&endpoint) ? 0 : USB_SIE_STATUS_ACK_REC;
    complete(usb, &endpoint, endpoint.buffer & ~BUFFER_FULL, false);
    return USB_ACK;
}

/* RP2350 alone: the bit is there. True when the endpoint stops. */
static bool take_short_packet(struct usb_device *usb, const struct endpoint *endpoint, unsigned length) {
    uint32_t bit = usb->block.registers->descs[USB_SIE_STATUS].w1c & USB_SIE_STATUS_RX_SHORT_PACKET;
    if (!bit || length >= (endpoint->buffer & BUFFER_LENGTH)) {
        return false;
    }
    usb->block.values[USB_SIE_STATUS] |= bit;
    return endpoint->bit != 1u << USB_BUFFER_OUT ||
           (usb->block.values[USB_SIE_CTRL] & USB_SIE_CTRL_EP0_STOP_ON_SHORT_PACKET);
}

static enum usb_answer usb_out(void *context, uint8_t address, uint8_t number, bool data1, const uint8_t *data,
                               unsigned length) {
    struct usb_device *usb = self_of(context);
    struct endpoint endpoint;
    if (!find_endpoint(usb, address, number, USB_BUFFER_OUT, &endpoint)) {
        return USB_TIMEOUT;
    }
    bool aborted = usb->block.values[USB_EP_ABORT] & endpoint.bit;
    if (endpoint.stalled && !aborted) {
        return refuse(usb, &endpoint, USB_STALL);
    }
    if (aborted || (endpoint.buffer & (BUFFER_AVAILABLE | BUFFER_FULL)) != BUFFER_AVAILABLE) {
        return refuse(usb, &endpoint, USB_NAK);
    }
    if (!is_isochronous(&endpoint) && data1 != !!(endpoint.buffer & BUFFER_PID)) {
        usb->block.values[USB_SIE_STATUS] |= USB_SIE_STATUS_DATA_SEQ_ERROR;
        usb_update(usb);
        return USB_ACK;
    }
    bool stops = take_short_packet(usb, &endpoint, length);
    length = clip(usb, &endpoint, length);
    memcpy(usb->dpram + (length ? endpoint.data_at : 0), data, length);
    complete(usb, &endpoint, (endpoint.buffer & ~BUFFER_LENGTH) | BUFFER_FULL | length, stops);
    return USB_ACK;
}

/* ---- Events on the bus ---- */
static bool usb_attached(void *context) {
    return self_of(context)->attached;
}

static void usb_drive_reset(void *context, bool active) {
    struct usb_device *usb = self_of(context);
    if (!usb->attached || usb->in_bus_reset == active) {
        return;
    }
    usb->in_bus_reset = active;
    if (active) {
        usb->suspended = false;
        usb->block.values[USB_SIE_STATUS] |= USB_SIE_STATUS_BUS_RESET;
        set_connected(usb, true);
    }
    watch_idle(usb);
    usb_update(usb);
}

static void wake(struct usb_device *usb) {
    if (usb->suspended) {
        usb->suspended = false;
        usb->block.values[USB_SIE_STATUS] |= USB_SIE_STATUS_RESUME;
    }
}

static void usb_drive_frames(void *context, bool active) {
    struct usb_device *usb = self_of(context);
    usb->frames = active && usb->attached;
    if (usb->frames) {
        wake(usb);
    }
    watch_idle(usb);
    usb_update(usb);
}

static void usb_drive_resume(void *context) {
    struct usb_device *usb = self_of(context);
    usb->frames = usb->attached; /* K is no idle state; frames follow */
    wake(usb);
    watch_idle(usb);
    usb_update(usb);
}

static bool usb_hears_frames(void *context) {
    return self_of(context)->block.values[USB_INTE] & USB_INTE_DEV_SOF;
}

static void usb_sof(void *context, uint16_t frame, uint64_t start_ps) {
    struct usb_device *usb = self_of(context);
    usb->block.values[USB_SOF_RD] = frame & USB_SOF_RD_COUNT;
    usb->last_sof_ps = start_ps;
    usb->latched |= USB_INTR_DEV_SOF;
    update_interrupt(usb);
}

static void idle_due(struct event *event, uint64_t late_ps) {
    struct usb_device *usb = event->owner;
    usb->suspended = true;
    usb->latched |= USB_INTR_DEV_SUSPEND;
    usb_update(usb);
}

static const struct usb_bus_device_class bus_class = {
    .attached = usb_attached,
    .drive_reset = usb_drive_reset,
    .drive_frames = usb_drive_frames,
    .drive_resume = usb_drive_resume,
    .sof = usb_sof,
    .hears_frames = usb_hears_frames,
    .setup = usb_setup,
    .in = usb_in,
    .out = usb_out,
};

/* ---- The world outside ---- */
struct usb_bus_device *usb_device_bus(struct block *block) {
    return &((struct usb_device *)block)->bus;
}

void usb_device_cable_changed(struct block *block) {
    struct usb_device *usb = (struct usb_device *)block;
    if (!usb->bus.host) {
        usb->frames = usb->in_bus_reset = false;
        set_connected(usb, false);
        watch_idle(usb);
        usb_update(usb);
    } else if (usb->attached) {
        usb->bus.host->attach_changed(usb->bus.host_context, true);
    }
}

void usb_device_set_vbus(struct block *block, bool level) {
    struct usb_device *usb = (struct usb_device *)block;
    look(usb, true);
    usb->vbus = level;
    usb_update(usb);
}

/* ---- Life ---- */
static void usb_reset(struct block *block) {
    struct usb_device *usb = (struct usb_device *)block;
    look(usb, true);
    usb->latched = usb->buffer_one = usb->second_done = 0;
    usb_update(usb);
    usb->latched = 0; /* DEV_CONN_DIS of the detachment just now is lost in the reset */
    update_interrupt(usb);
}

static void usb_init(struct block *block) {
    struct usb_device *usb = (struct usb_device *)block;
    usb->bus.class = &bus_class;
    usb->bus.context = usb;
    usb->idle = (struct event){ .name = "USB suspend", .callback = idle_due, .owner = usb };
}

static void usb_finish(struct block *block) {
    scheduler_cancel(block->env->scheduler, &((struct usb_device *)block)->idle);
}

/* ---- Snapshots ---- */
static void usb_walk(struct block *block, struct walk *walk) {
    struct usb_device *usb = (struct usb_device *)block;
    walk_bytes(walk, usb->dpram, USB_DPRAM_SIZE);
    walk_bool(walk, &usb->attached);
    walk_bool(walk, &usb->connected);
    walk_bool(walk, &usb->suspended);
    walk_bool(walk, &usb->in_bus_reset);
    walk_bool(walk, &usb->frames);
    walk_bool(walk, &usb->vbus);
    walk_u32(walk, &usb->latched);
    walk_u32(walk, &usb->buffer_one);
    walk_u32(walk, &usb->second_done);
    walk_u64(walk, &usb->last_sof_ps);
    walk_event(walk, &usb->idle);
}

const struct block_class usb_device_class = {
    .name = "usb_device",
    .size = sizeof(struct usb_device),
    .init = usb_init,
    .finish = usb_finish,
    .reset = usb_reset,
    .read = usb_read,
    .write = usb_write,
    .walk = usb_walk,
};
