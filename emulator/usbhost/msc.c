/* Mass storage driver: SPC-2 and SBC-2 commands as PCs send them to removable drives.
 *
 * A drive is examined as on a PC (INQUIRY, TEST UNIT READY, REQUEST SENSE, READ CAPACITY(10), MODE SENSE(6) for write
 * protection) and asked TEST UNIT READY every second from then on. After a unit attention, or when it was not ready,
 * everything is asked again.
 *
 * Not modelled: media of more than 2^32 - 1 sectors, 16-byte commands. A mode page that the drive refuses means that it
 * is not write-protected, as PCs decide it. */
#include "emulator/usbhost/msc.h"

#include "emulator/usbhost/private.h"

#include <stdlib.h>
#include <string.h>

#define CLASS_MASS_STORAGE 8
#define SUBCLASS_SCSI 6
#define PROTOCOL_BULK_ONLY 0x50
#define REQUEST_GET_MAX_LUN 0xfe
#define POLL_PS PS_PER_S
#define CONTROL_TIMEOUT_MS 5000
#define TRIES 3
#define ATTENTIONS 5      /* unit attentions in a row before a drive counts as not ready */
#define CHUNK_SECTORS 128 /* of one command */

#define SCSI_TEST_UNIT_READY 0x00
#define SCSI_REQUEST_SENSE 0x03
#define SCSI_INQUIRY 0x12
#define SCSI_MODE_SENSE_6 0x1a
#define SCSI_START_STOP_UNIT 0x1b
#define SCSI_PREVENT_ALLOW 0x1e
#define SCSI_READ_CAPACITY_10 0x25
#define SCSI_READ_10 0x28
#define SCSI_WRITE_10 0x2a
#define SCSI_SYNCHRONIZE_CACHE_10 0x35

#define SENSE_NOT_READY 2
#define SENSE_ILLEGAL_REQUEST 5
#define SENSE_UNIT_ATTENTION 6
#define SENSE_DATA_PROTECT 7

static void msc_next(struct usbhost_msc *msc);

static uint32_t get_big32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct usbhost_msc_lun *active_lun(struct usbhost_msc *msc) {
    return &msc->lun[msc->active];
}

/* ---- Commands ---- */
static void begin(struct usbhost_msc *msc, enum msc_activity activity, const uint8_t *cdb, uint8_t length, bool in,
                  uint8_t *data, uint32_t data_length) {
    struct bot_command command = {
        .lun = (uint8_t)msc->active, .length = length, .in = in, .data = data, .data_length = data_length
    };
    memcpy(command.cdb, cdb, length);
    msc->activity = activity;
    usbhost_bot_begin(&msc->bot, &command);
}

static void begin_sense(struct usbhost_msc *msc, enum msc_activity sense_for) {
    const uint8_t cdb[6] = { SCSI_REQUEST_SENSE, 0, 0, 0, 18, 0 };
    msc->sense_for = sense_for;
    memset(msc->data, 0, 18);
    begin(msc, MSC_SENSE, cdb, sizeof(cdb), true, msc->data, 18);
}

/* ---- Examination ---- */
static void tell_changed(struct usbhost_msc *msc, unsigned lun) {
    USBHOST_NOTIFY(msc->host, msc_changed, lun);
}

static void set_not_ready(struct usbhost_msc *msc, unsigned number) {
    struct usbhost_msc_lun *lun = &msc->lun[number];
    lun->step = MSC_IDLE;
    lun->changed = true;
    lun->tries = 0;
    if (lun->info.state == USBHOST_MSC_READY) {
        lun->info.state = USBHOST_MSC_NOT_READY;
        tell_changed(msc, number);
    }
}

static void set_ready(struct usbhost_msc *msc, unsigned number, bool write_protected) {
    struct usbhost_msc_lun *lun = &msc->lun[number];
    lun->step = MSC_IDLE;
    lun->changed = false;
    lun->tries = 0;
    lun->info.write_protected = write_protected;
    lun->info.state = USBHOST_MSC_READY;
    lun->info.generation++;
    log_write(msc->host->env->log, LOG_INFO, "USB", "drive %u: %u sectors of %u bytes%s", number, lun->info.sectors,
              lun->info.sector_size, write_protected ? ", write-protected" : "");
    tell_changed(msc, number);
}

static void examine(struct usbhost_msc *msc) {
    static const uint8_t inquiry[6] = { SCSI_INQUIRY, 0, 0, 0, 36, 0 };
    static const uint8_t test[6] = { SCSI_TEST_UNIT_READY };
    static const uint8_t capacity[10] = { SCSI_READ_CAPACITY_10 };
    static const uint8_t mode[6] = { SCSI_MODE_SENSE_6, 0, 0x3f /* all pages */, 0, 192, 0 };
    switch (active_lun(msc)->step) {
    case MSC_INQUIRY:
        begin(msc, MSC_EXAMINING, inquiry, sizeof(inquiry), true, msc->data, 36);
        break;
    case MSC_CAPACITY:
        begin(msc, MSC_EXAMINING, capacity, sizeof(capacity), true, msc->data, 8);
        break;
    case MSC_MODE:
        begin(msc, MSC_EXAMINING, mode, sizeof(mode), true, msc->data, 192);
        break;
    default:
        begin(msc, MSC_EXAMINING, test, sizeof(test), false, NULL, 0);
        break;
    }
}

/* Text of a fixed field: printable, without the blanks at its end. */
static void copy_text(char *to, const uint8_t *from, unsigned length) {
    unsigned end = 0;
    for (unsigned i = 0; i < length; i++) {
        to[i] = (char)(from[i] >= 0x20 && from[i] < 0x7f ? from[i] : ' ');
        end = to[i] != ' ' ? i + 1 : end;
    }
    to[end] = '\0';
}

static void take_inquiry(struct usbhost_msc *msc, uint32_t actual) {
    struct usbhost_msc_info *info = &active_lun(msc)->info;
    if (actual >= 36) {
        copy_text(info->vendor, msc->data + 8, 8);
        copy_text(info->product, msc->data + 16, 16);
        copy_text(info->revision, msc->data + 32, 4);
    }
}

static bool take_capacity(struct usbhost_msc *msc, uint32_t actual) {
    struct usbhost_msc_info *info = &active_lun(msc)->info;
    uint32_t last = get_big32(msc->data);
    uint32_t size = get_big32(msc->data + 4);
    if (actual < 8 || last == UINT32_MAX || size < 512 || size > 4096 || (size & (size - 1))) {
        return false;
    }
    info->sectors = last + 1;
    info->sector_size = size;
    return true;
}

static void examined_good(struct usbhost_msc *msc, uint32_t actual) {
    struct usbhost_msc_lun *lun = active_lun(msc);
    switch (lun->step) {
    case MSC_INQUIRY:
        take_inquiry(msc, actual);
        lun->step = MSC_TEST;
        break;
    case MSC_TEST:
        lun->step = lun->info.state != USBHOST_MSC_READY || lun->changed ? MSC_CAPACITY : MSC_IDLE;
        lun->tries = 0;
        break;
    case MSC_CAPACITY:
        if (take_capacity(msc, actual)) {
            lun->step = MSC_MODE;
        } else {
            set_not_ready(msc, msc->active);
        }
        break;
    default:
        set_ready(msc, msc->active, actual >= 4 && (msc->data[2] & 0x80));
        break;
    }
}

static void examined(struct usbhost_msc *msc, enum bot_status status, uint32_t actual) {
    struct usbhost_msc_lun *lun = active_lun(msc);
    if (status == BOT_GOOD) {
        examined_good(msc, actual);
    } else if (status == BOT_CHECK) {
        begin_sense(msc, MSC_EXAMINING);
    } else if (status == BOT_FAILED && ++lun->tries < TRIES) {
        return; /* the same again */
    } else {
        set_not_ready(msc, msc->active);
    }
}

static void examination_refused(struct usbhost_msc *msc) {
    struct usbhost_msc_lun *lun = active_lun(msc);
    if (msc->sense_key == SENSE_UNIT_ATTENTION && ++lun->tries < ATTENTIONS) {
        lun->changed = true;
        lun->step = lun->step == MSC_INQUIRY ? MSC_INQUIRY : MSC_TEST;
    } else if (lun->step == MSC_INQUIRY) {
        lun->step = MSC_TEST;
    } else if (lun->step == MSC_MODE && msc->sense_key != SENSE_NOT_READY) {
        set_ready(msc, msc->active, false);
    } else {
        set_not_ready(msc, msc->active);
    }
}

/* ---- Requests ---- */
static void finish_request(struct usbhost_msc *msc, bool ok) {
    struct usb_msc_request *request = msc->first;
    msc->first = request->next;
    request->next = NULL;
    request->queued = false;
    request->done(request, ok);
}

static uint32_t chunk_of(const struct usb_msc_request *request) {
    uint32_t left = request->count - request->moved;
    return left < CHUNK_SECTORS ? left : CHUNK_SECTORS;
}

static void begin_transfer(struct usbhost_msc *msc, struct usb_msc_request *request) {
    uint32_t size = active_lun(msc)->info.sector_size;
    uint32_t lba = request->lba + request->moved;
    uint32_t count = chunk_of(request);
    const uint8_t cdb[10] = {
        request->write ? SCSI_WRITE_10 : SCSI_READ_10,
        0,
        (uint8_t)(lba >> 24),
        (uint8_t)(lba >> 16),
        (uint8_t)(lba >> 8),
        (uint8_t)lba,
        0,
        (uint8_t)(count >> 8),
        (uint8_t)count,
        0,
    };
    begin(msc, MSC_REQUEST, cdb, sizeof(cdb), !request->write, request->data + (size_t)request->moved * size,
          count * size);
}

static void begin_simple(struct usbhost_msc *msc, const struct usb_msc_request *request) {
    uint8_t cdb[10] = { 0 };
    switch (request->operation) {
    case USB_MSC_PREVENT_REMOVAL:
    case USB_MSC_ALLOW_REMOVAL:
        cdb[0] = SCSI_PREVENT_ALLOW;
        cdb[4] = request->operation == USB_MSC_PREVENT_REMOVAL;
        break;
    case USB_MSC_EJECT:
    case USB_MSC_LOAD:
        cdb[0] = SCSI_START_STOP_UNIT;
        cdb[4] = request->operation == USB_MSC_EJECT ? 2 : 3;
        break;
    default:
        cdb[0] = SCSI_SYNCHRONIZE_CACHE_10;
        break;
    }
    begin(msc, MSC_REQUEST, cdb, cdb[0] == SCSI_SYNCHRONIZE_CACHE_10 ? 10 : 6, false, NULL, 0);
}

static bool needs_medium(const struct usb_msc_request *request) {
    return request->operation == USB_MSC_TRANSFER || request->operation == USB_MSC_SYNCHRONIZE;
}

static bool fits(const struct usbhost_msc_info *info, const struct usb_msc_request *request) {
    if (request->operation == USB_MSC_SYNCHRONIZE) {
        return info->state == USBHOST_MSC_READY;
    }
    return info->state == USBHOST_MSC_READY && request->count > 0 && request->lba <= info->sectors &&
           request->count <= info->sectors - request->lba && !(request->write && info->write_protected);
}

static void begin_request(struct usbhost_msc *msc) {
    struct usb_msc_request *request = msc->first;
    struct usbhost_msc_lun *lun = &msc->lun[request->lun];
    msc->active = request->lun;
    if (needs_medium(request) && !fits(&lun->info, request)) {
        finish_request(msc, false); /* the medium has changed since it was submitted */
        msc_next(msc);
    } else if (request->operation != USB_MSC_TRANSFER) {
        begin_simple(msc, request);
    } else {
        begin_transfer(msc, request);
    }
}

static void look_again(struct usbhost_msc *msc) {
    active_lun(msc)->step = MSC_TEST;
    active_lun(msc)->changed = true;
}

static void request_good(struct usbhost_msc *msc, uint32_t actual) {
    struct usb_msc_request *request = msc->first;
    if (request->operation == USB_MSC_TRANSFER) {
        uint32_t count = chunk_of(request);
        if (actual != count * active_lun(msc)->info.sector_size) {
            finish_request(msc, false);
            return;
        }
        request->moved += count;
        request->tries = 0;
        if (request->moved < request->count) {
            return; /* the rest follows */
        }
    } else if (request->operation == USB_MSC_EJECT || request->operation == USB_MSC_LOAD) {
        look_again(msc);
    }
    finish_request(msc, true);
}

static void requested(struct usbhost_msc *msc, enum bot_status status, uint32_t actual) {
    if (status == BOT_GOOD) {
        request_good(msc, actual);
    } else if (status == BOT_CHECK) {
        begin_sense(msc, MSC_REQUEST);
    } else if (status == BOT_DEAD || ++msc->first->tries >= TRIES) {
        if (status == BOT_DEAD) {
            set_not_ready(msc, msc->active);
        }
        finish_request(msc, false);
    }
}

static void request_refused(struct usbhost_msc *msc) {
    struct usb_msc_request *request = msc->first;
    switch (msc->sense_key) {
    case SENSE_UNIT_ATTENTION:
        look_again(msc);
        if (++request->tries >= ATTENTIONS) {
            finish_request(msc, false);
        }
        break;
    case SENSE_NOT_READY:
    case SENSE_DATA_PROTECT:
        look_again(msc);
        finish_request(msc, false);
        break;
    case SENSE_ILLEGAL_REQUEST:
        finish_request(msc, request->operation == USB_MSC_SYNCHRONIZE ||
                                request->operation == USB_MSC_PREVENT_REMOVAL ||
                                request->operation == USB_MSC_ALLOW_REMOVAL);
        break;
    default:
        if (++request->tries >= TRIES) {
            finish_request(msc, false);
        }
        break;
    }
}

/* ---- What is to be done next ---- */
static void sensed(struct usbhost_msc *msc, enum bot_status status, uint32_t actual) {
    bool good = status == BOT_GOOD && actual >= 13;
    msc->sense_key = good ? msc->data[2] & 15 : SENSE_NOT_READY;
    msc->sense_code = good ? msc->data[12] : 0;
    if (msc->sense_for == MSC_REQUEST) {
        request_refused(msc);
    } else {
        examination_refused(msc);
    }
}

static void bot_done(void *owner, enum bot_status status, uint32_t actual) {
    struct usbhost_msc *msc = owner;
    enum msc_activity activity = msc->activity;
    msc->activity = MSC_NOTHING;
    if (activity == MSC_SENSE) {
        sensed(msc, status, actual);
    } else if (activity == MSC_REQUEST) {
        requested(msc, status, actual);
    } else {
        examined(msc, status, actual);
    }
    msc_next(msc);
}

static void msc_next(struct usbhost_msc *msc) {
    if (!msc->bound || msc->luns == 0 || msc->bot.busy || msc->activity != MSC_NOTHING) {
        return;
    }
    for (unsigned i = 0; i < msc->luns; i++) {
        if (msc->lun[i].step != MSC_IDLE) {
            msc->active = i;
            examine(msc);
            return;
        }
    }
    if (msc->first) {
        begin_request(msc);
    }
}

static void poll_due(struct event *event, uint64_t late_ps) {
    struct usbhost_msc *msc = event->owner;
    scheduler_add(msc->host->env->scheduler, event, event->when_ps + POLL_PS);
    for (unsigned i = 0; i < msc->luns && !msc->first; i++) {
        if (msc->lun[i].step == MSC_IDLE) {
            msc->lun[i].step = MSC_TEST;
        }
    }
    msc_next(msc);
}

/* ---- Binding ---- */
static void max_lun_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_msc *msc = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    unsigned luns = result == USB_RESULT_OK && transfer->actual == 1 ? msc->max_lun + 1u : 1;
    msc->luns = luns < USBHOST_MSC_LUNS ? luns : USBHOST_MSC_LUNS;
    for (unsigned i = 0; i < msc->luns; i++) {
        unsigned generation = msc->lun[i].info.generation;
        msc->lun[i] = (struct usbhost_msc_lun){ .step = MSC_INQUIRY, .changed = true };
        msc->lun[i].info.generation = generation;
        msc->lun[i].info.state = USBHOST_MSC_NOT_READY;
        tell_changed(msc, i);
    }
    struct scheduler *scheduler = msc->host->env->scheduler;
    scheduler_add(scheduler, &msc->poll, scheduler_now(scheduler) + POLL_PS);
    msc_next(msc);
}

void usbhost_msc_bind(struct usbhost *host, struct usbhost_interface *interface) {
    struct usbhost_msc *msc = &host->msc;
    const struct usbhost_endpoint *in = usbhost_find_endpoint(interface, USB_BULK, true);
    const struct usbhost_endpoint *out = usbhost_find_endpoint(interface, USB_BULK, false);
    if (msc->bound || interface->class != CLASS_MASS_STORAGE || interface->subclass != SUBCLASS_SCSI ||
        interface->protocol != PROTOCOL_BULK_ONLY || !in || !out || in->max_packet > 64) {
        return;
    }
    interface->driver = "mass storage";
    interface->instance = 0;
    msc->bound = true;
    usbhost_bot_bind(&msc->bot, host, interface->number, usbhost_open_pipe(host, in), usbhost_open_pipe(host, out));
    usbhost_fill_setup(msc->control.setup, 0xa1, REQUEST_GET_MAX_LUN, 0, interface->number, 1);
    msc->control.data = &msc->max_lun;
    msc->control.length = 1;
    usb_engine_submit(&host->engine, usb_engine_control_pipe(&host->engine), &msc->control);
}

void usbhost_msc_unbind(struct usbhost *host) {
    struct usbhost_msc *msc = &host->msc;
    if (!msc->bound) {
        return;
    }
    unsigned luns = msc->luns;
    msc->bound = false;
    msc->luns = 0;
    msc->activity = MSC_NOTHING;
    msc->bot.busy = false;
    scheduler_cancel(host->env->scheduler, &msc->poll);
    for (unsigned i = 0; i < luns; i++) {
        msc->lun[i].info.state = USBHOST_MSC_ABSENT;
        tell_changed(msc, i);
    }
    while (msc->first) {
        finish_request(msc, false);
    }
}

void usbhost_msc_init(struct usbhost *host) {
    struct usbhost_msc *msc = &host->msc;
    msc->host = host;
    msc->bot.done = bot_done;
    msc->bot.owner = msc;
    msc->poll = (struct event){ .name = "USB drive poll", .callback = poll_due, .owner = msc };
    msc->control = (struct usb_transfer){ .timeout_ms = CONTROL_TIMEOUT_MS, .done = max_lun_done, .owner = msc };
}

/* ---- What front ends do ---- */
const struct usbhost_msc_info *usbhost_msc_info(const struct usbhost *host, unsigned lun) {
    static const struct usbhost_msc_info absent = { .state = USBHOST_MSC_ABSENT };
    return lun < host->msc.luns ? &host->msc.lun[lun].info : &absent;
}

enum usbhost_msc_state usbhost_msc_state(const struct usbhost *host, unsigned lun) {
    return usbhost_msc_info(host, lun)->state;
}

static size_t size_of_data(const struct usbhost_msc *msc, const struct usb_msc_request *request) {
    bool has_data = request->operation == USB_MSC_TRANSFER;
    return has_data ? (size_t)request->count * msc->lun[request->lun].info.sector_size : 0;
}

bool usbhost_msc_submit(struct usbhost *host, struct usb_msc_request *request) {
    struct usbhost_msc *msc = &host->msc;
    if (request->queued || request->lun >= msc->luns ||
        (needs_medium(request) && !fits(&msc->lun[request->lun].info, request))) {
        return false;
    }
    if (!request->write && request->operation == USB_MSC_TRANSFER) {
        memset(request->data, 0, size_of_data(msc, request)); /* what was there before is no state of ours */
    }
    request->queued = true;
    request->moved = 0;
    request->tries = 0;
    request->next = NULL;
    struct usb_msc_request **at = &msc->first;
    while (*at) {
        at = &(*at)->next;
    }
    *at = request;
    msc_next(msc);
    return true;
}

/* ---- Snapshots ---- */
#define MOST_REQUESTS 16

/* A request of somebody who is not there any more: it goes on to its end, and nobody hears of that. */
struct msc_orphan {
    struct usb_msc_request request;
    uint8_t data[];
};

static void orphan_done(struct usb_msc_request *request, bool ok) {
    free(request->owner);
}

static struct usb_msc_request *new_orphan(size_t size, struct walk *walk) {
    struct msc_orphan *orphan = walk_has(walk, size) ? calloc(1, sizeof(*orphan) + size) : NULL;
    if (!orphan) {
        walk_fail(walk, "a request to a drive that is larger than the snapshot, or than there is memory for");
        return NULL;
    }
    orphan->request = (struct usb_msc_request){ .data = orphan->data, .done = orphan_done, .owner = orphan };
    return &orphan->request;
}

static void request_fields_walk(struct usb_msc_request *request, struct walk *walk) {
    WALK_ENUM(walk, request->operation, USB_MSC_LOAD + 1);
    walk_u8_below(walk, &request->lun, USBHOST_MSC_LUNS);
    walk_bool(walk, &request->write);
    walk_u32(walk, &request->lba);
    walk_u32(walk, &request->count);
    walk_u32(walk, &request->moved);
    walk_unsigned(walk, &request->tries);
    bool transfers = request->operation == USB_MSC_TRANSFER;
    if (transfers ? request->moved >= request->count : request->moved != 0) {
        walk_fail(walk, "a request to a drive that is over");
    }
}

/* `*at` is where the list goes on. */
static void request_walk(struct usbhost_msc *msc, struct usb_msc_request **at, struct walk *walk) {
    struct usb_msc_request fields = { 0 };
    if (!walk->reads) {
        fields = **at;
    }
    request_fields_walk(&fields, walk);
    size_t size = walk->failed ? 0 : size_of_data(msc, &fields);
    if (walk->reads) {
        struct usb_msc_request *request = walk->failed ? NULL : new_orphan(size, walk);
        if (!request) {
            return;
        }
        fields.data = request->data;
        fields.done = request->done;
        fields.owner = request->owner;
        fields.queued = true;
        *request = fields;
        *at = request;
    }
    walk_bytes(walk, (*at)->data, size);
}

static void requests_walk(struct usbhost_msc *msc, struct walk *walk) {
    unsigned count = 0;
    for (const struct usb_msc_request *request = msc->first; !walk->reads && request; request = request->next) {
        count++;
    }
    walk_below(walk, &count, MOST_REQUESTS + 1);
    if (!walk->reads && count > MOST_REQUESTS) {
        walk_fail(walk, "too many requests to drives are under way");
    }
    struct usb_msc_request **at = &msc->first;
    for (; count && !walk->failed; count--) {
        request_walk(msc, at, walk);
        at = *at ? &(*at)->next : at;
    }
}

static void text_walk(char *text, size_t size, struct walk *walk) {
    walk_bytes(walk, text, size);
    text[size - 1] = '\0';
}

static void lun_walk(struct usbhost_msc_lun *lun, struct walk *walk) {
    struct usbhost_msc_info *info = &lun->info;
    WALK_ENUM(walk, info->state, USBHOST_MSC_READY + 1);
    walk_u32(walk, &info->sectors);
    walk_u32(walk, &info->sector_size);
    walk_bool(walk, &info->write_protected);
    walk_unsigned(walk, &info->generation);
    text_walk(info->vendor, sizeof(info->vendor), walk);
    text_walk(info->product, sizeof(info->product), walk);
    text_walk(info->revision, sizeof(info->revision), walk);
    WALK_ENUM(walk, lun->step, MSC_MODE + 1);
    walk_unsigned(walk, &lun->tries);
    walk_bool(walk, &lun->changed);
    uint32_t size = info->sector_size;
    if (size & (size - 1) || size > 4096 || (info->state == USBHOST_MSC_READY && size < 512)) {
        walk_fail(walk, "a drive with sectors of %u bytes", size);
        info->sector_size = 0;
        info->state = USBHOST_MSC_NOT_READY;
    }
}

static void activity_walk(struct usbhost_msc *msc, struct walk *walk) {
    WALK_ENUM(walk, msc->activity, MSC_SENSE + 1);
    WALK_ENUM(walk, msc->sense_for, MSC_SENSE + 1);
    bool for_request = msc->activity == MSC_REQUEST || (msc->activity == MSC_SENSE && msc->sense_for == MSC_REQUEST);
    if ((for_request && !msc->first) || (msc->bot.busy != (msc->activity != MSC_NOTHING))) {
        walk_fail(walk, "a drive that does something for nobody");
        msc->activity = MSC_NOTHING;
        msc->bot.busy = false;
    }
}

void usbhost_msc_walk(struct usbhost *host, struct walk *walk) {
    struct usbhost_msc *msc = &host->msc;
    const struct usb_region max_lun[] = { { &msc->max_lun, 1 } };
    walk_bool(walk, &msc->bound);
    walk_below(walk, &msc->luns, USBHOST_MSC_LUNS + 1);
    walk_below(walk, &msc->active, USBHOST_MSC_LUNS);
    for (unsigned i = 0; i < USBHOST_MSC_LUNS; i++) {
        lun_walk(&msc->lun[i], walk);
    }
    walk_bytes(walk, msc->data, sizeof(msc->data));
    walk_u8(walk, &msc->max_lun);
    walk_u8(walk, &msc->sense_key);
    walk_u8(walk, &msc->sense_code);
    walk_event(walk, &msc->poll);
    usb_transfer_walk(&msc->control, max_lun, 1, walk);
    requests_walk(msc, walk);
    const struct usb_region data[] = {
        { msc->data, sizeof(msc->data) },
        { msc->first ? msc->first->data : NULL, msc->first ? size_of_data(msc, msc->first) : 0, .lent = true },
    };
    if (walk->reads) { /* callbacks and owners */
        usbhost_bot_bind(&msc->bot, host, 0, NULL, NULL);
    }
    usbhost_bot_walk(&msc->bot, &host->engine, data, 2, walk);
    activity_walk(msc, walk);
    bool needs_pipes = msc->bound || msc->bot.busy || msc->bot.bulk.queued || msc->bot.control.queued;
    if (needs_pipes && (!msc->bot.in || !msc->bot.out)) {
        walk_fail(walk, "a drive without pipes");
        msc->bound = msc->bot.busy = msc->bot.bulk.queued = msc->bot.control.queued = false;
    }
}
