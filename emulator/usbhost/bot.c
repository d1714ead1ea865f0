/* Bulk-only transport 1.0: 5 (protocol), 5.3.4 and 6.7 (error handling: a stalled data or status phase is cleared and
 * the status read again; everything else is healed by a reset recovery, 5.3.4 last part). */
#include "emulator/usbhost/bot.h"

#include "emulator/usbhost/private.h"

#include <string.h>

#define CBW_LENGTH 31
#define CSW_LENGTH 13
#define CBW_SIGNATURE 0x43425355u
#define CSW_SIGNATURE 0x53425355u
#define REQUEST_RESET 0xff
#define BULK_TIMEOUT_MS 30000
#define CONTROL_TIMEOUT_MS 5000

static void begin_reset(struct usbhost_bot *bot);

static void put32(uint8_t *at, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static uint32_t get32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void submit(struct usbhost_bot *bot, enum bot_phase phase, struct usb_pipe *pipe, uint8_t *data,
                   uint32_t length) {
    bot->phase = phase;
    bot->bulk.data = data;
    bot->bulk.length = length;
    usb_engine_submit(&bot->host->engine, pipe, &bot->bulk);
}

static void request(struct usbhost_bot *bot, enum bot_phase phase, uint8_t type, uint8_t number, uint16_t index) {
    bot->phase = phase;
    usbhost_fill_setup(bot->control.setup, type, number, 0, index, 0);
    bot->control.length = 0;
    usb_engine_submit(&bot->host->engine, usb_engine_control_pipe(&bot->host->engine), &bot->control);
}

static void clear_halt(struct usbhost_bot *bot, enum bot_phase phase, const struct usb_pipe *pipe) {
    request(bot, phase, 0x02, USB_REQUEST_CLEAR_FEATURE, (uint16_t)(pipe->number | (pipe->in ? 0x80 : 0)));
}

static void finish(struct usbhost_bot *bot, enum bot_status status) {
    bot->busy = false;
    bot->done(bot->owner, status, bot->actual);
}

/* ---- The three phases ---- */
static void begin_command(struct usbhost_bot *bot) {
    const struct bot_command *command = &bot->command;
    memset(bot->cbw, 0, sizeof(bot->cbw));
    put32(bot->cbw, CBW_SIGNATURE);
    put32(bot->cbw + 4, ++bot->tag);
    put32(bot->cbw + 8, command->data_length);
    bot->cbw[12] = command->in ? 0x80 : 0;
    bot->cbw[13] = command->lun;
    bot->cbw[14] = command->length;
    memcpy(bot->cbw + 15, command->cdb, command->length);
    submit(bot, BOT_COMMAND, bot->out, bot->cbw, CBW_LENGTH);
}

static void begin_data(struct usbhost_bot *bot) {
    submit(bot, BOT_DATA, bot->command.in ? bot->in : bot->out, bot->command.data, bot->command.data_length);
}

static void begin_status(struct usbhost_bot *bot, enum bot_phase phase) {
    submit(bot, phase, bot->in, bot->csw, sizeof(bot->csw));
}

/* 5.2: what the device has not dealt with does not count, even if as many bytes have gone over the wire. */
static void take_residue(struct usbhost_bot *bot) {
    uint32_t expected = bot->command.data_length, residue = get32(bot->csw + 8);
    uint32_t done = residue < expected ? expected - residue : 0;
    bot->actual = bot->actual < done ? bot->actual : done;
}

static void status_arrived(struct usbhost_bot *bot) {
    bool valid = bot->bulk.actual == CSW_LENGTH && get32(bot->csw) == CSW_SIGNATURE &&
                 get32(bot->csw + 4) == bot->tag && bot->csw[12] <= 1;
    if (valid) {
        take_residue(bot);
        finish(bot, bot->csw[12] ? BOT_CHECK : BOT_GOOD);
    } else {
        begin_reset(bot);
    }
}

static void bulk_ok(struct usbhost_bot *bot) {
    switch (bot->phase) {
    case BOT_COMMAND:
        if (bot->command.data_length) {
            begin_data(bot);
        } else {
            begin_status(bot, BOT_STATUS);
        }
        break;
    case BOT_DATA:
        bot->actual = bot->bulk.actual;
        begin_status(bot, BOT_STATUS);
        break;
    default:
        status_arrived(bot);
        break;
    }
}

static void bulk_stalled(struct usbhost_bot *bot) {
    if (bot->phase == BOT_DATA) {
        bot->actual = bot->bulk.actual;
        clear_halt(bot, BOT_DATA, bot->command.in ? bot->in : bot->out);
    } else if (bot->phase == BOT_STATUS) {
        clear_halt(bot, BOT_STATUS, bot->in);
    } else {
        begin_reset(bot);
    }
}

static void bulk_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_bot *bot = transfer->owner;
    if (result == USB_RESULT_OK) {
        bulk_ok(bot);
    } else if (result == USB_RESULT_STALL) {
        bulk_stalled(bot);
    } else if (result != USB_RESULT_CANCELLED) {
        begin_reset(bot);
    }
}

/* ---- Reset recovery ---- */
static void begin_reset(struct usbhost_bot *bot) {
    bot->reset_refused = false;
    request(bot, BOT_RESET, 0x21, REQUEST_RESET, bot->interface);
}

static void reset_over(struct usbhost_bot *bot) {
    bot->broken = bot->reset_refused;
    usb_engine_clear_halt(&bot->host->engine, bot->in);
    usb_engine_clear_halt(&bot->host->engine, bot->out);
    if (!bot->broken && bot->command_waiting) {
        bot->command_waiting = false;
        begin_command(bot);
    } else {
        finish(bot, bot->broken ? BOT_DEAD : BOT_FAILED);
    }
}

static void control_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_bot *bot = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    bot->reset_refused |= result != USB_RESULT_OK;
    switch (bot->phase) {
    case BOT_DATA:
    case BOT_STATUS:
        if (result != USB_RESULT_OK) {
            begin_reset(bot);
            break;
        }
        usb_engine_clear_halt(&bot->host->engine, transfer->setup[4] & 0x80 ? bot->in : bot->out);
        begin_status(bot, bot->phase == BOT_DATA ? BOT_STATUS : BOT_STATUS_AGAIN);
        break;
    case BOT_RESET:
        clear_halt(bot, BOT_RESET_IN, bot->in);
        break;
    case BOT_RESET_IN:
        clear_halt(bot, BOT_RESET_OUT, bot->out);
        break;
    default:
        reset_over(bot);
        break;
    }
}

/* ---- For the driver ---- */
void usbhost_bot_bind(struct usbhost_bot *bot, struct usbhost *host, uint8_t interface, struct usb_pipe *in,
                      struct usb_pipe *out) {
    void (*done)(void *, enum bot_status, uint32_t) = bot->done;
    void *owner = bot->owner;
    *bot = (struct usbhost_bot){ .host = host, .in = in, .out = out, .interface = interface };
    bot->done = done;
    bot->owner = owner;
    bot->bulk = (struct usb_transfer){ .timeout_ms = BULK_TIMEOUT_MS, .done = bulk_done, .owner = bot };
    bot->control = (struct usb_transfer){ .timeout_ms = CONTROL_TIMEOUT_MS, .done = control_done, .owner = bot };
}

void usbhost_bot_begin(struct usbhost_bot *bot, const struct bot_command *command) {
    bot->command = *command;
    bot->actual = 0;
    bot->busy = true;
    bot->command_waiting = bot->broken;
    if (bot->broken) {
        begin_reset(bot);
    } else {
        begin_command(bot);
    }
}

/* ---- Snapshots ---- */
static void command_walk(struct bot_command *command, const struct usb_region *data, unsigned count,
                         struct walk *walk) {
    walk_u8(walk, &command->lun);
    walk_u8_below(walk, &command->length, sizeof(command->cdb) + 1);
    walk_bytes(walk, command->cdb, sizeof(command->cdb));
    walk_bool(walk, &command->in);
    walk_u32(walk, &command->data_length);
    usb_region_walk(&command->data, command->data_length, data, count, walk);
    command->data_length = walk->failed ? 0 : command->data_length;
}

void usbhost_bot_walk(struct usbhost_bot *bot, struct usb_engine *engine, const struct usb_region *data, unsigned count,
                      struct walk *walk) {
    struct usb_region regions[USB_REGIONS] = { { bot->cbw, sizeof(bot->cbw) }, { bot->csw, sizeof(bot->csw) } };
    memcpy(&regions[2], data, count * sizeof(*data));
    usb_engine_pipe_walk(engine, &bot->in, sizeof(bot->csw), walk);
    usb_engine_pipe_walk(engine, &bot->out, sizeof(bot->csw), walk);
    walk_u8(walk, &bot->interface);
    walk_bool(walk, &bot->busy);
    walk_bool(walk, &bot->broken);
    WALK_ENUM(walk, bot->phase, BOT_RESET_OUT + 1);
    walk_u32(walk, &bot->actual);
    walk_bool(walk, &bot->reset_refused);
    walk_bool(walk, &bot->command_waiting);
    walk_u32(walk, &bot->tag);
    walk_bytes(walk, bot->cbw, sizeof(bot->cbw));
    walk_bytes(walk, bot->csw, sizeof(bot->csw));
    struct bot_command command = { 0 };
    command = bot->busy ? bot->command : command; /* its data are the command's alone */
    command_walk(&command, data, count, walk);
    bot->command = walk->reads ? command : bot->command;
    usb_transfer_walk(&bot->bulk, regions, 2 + count, walk);
    usb_transfer_walk(&bot->control, NULL, 0, walk);
}
