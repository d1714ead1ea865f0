/* The drive engine (firmware-loader/drive.h) on the emulated PC's mass storage. */
#include "emulator/drive_link.h"

#include "emulator/core/scheduler.h"
#include "peripherals/parts/w25q.h"

#define POLL_PS (250 * PS_PER_MS) /* of virtual time: two polls see a change */
#define LUN 0                     /* CIRCUITPY */

static void tell_heard(const struct drive_link *link, bool begins) {
    if (link->tap) {
        link->tap->heard(link->tap->context, begins);
    }
}

static void transferred(struct usb_msc_request *transfer, bool ok) {
    struct drive_link *link = transfer->owner;
    tell_heard(link, true);
    link->request->done(link->request, ok);
    tell_heard(link, false);
}

static bool submit(void *context, struct drive_request *request) {
    struct drive_link *link = context;
    link->transfer = (struct usb_msc_request){
        .operation = USB_MSC_TRANSFER,
        .lun = LUN,
        .write = request->write,
        .lba = request->lba,
        .count = request->count,
        .data = request->data,
        .done = transferred,
        .owner = link,
    };
    link->request = request;
    bool taken = usbhost_msc_submit(link->host, &link->transfer);
    if (taken && link->tap) {
        link->tap->asked(link->tap->context, &link->transfer);
    }
    return taken;
}

/* The drive has come, gone, or is another one than before. */
static void look_at_medium(struct drive_link *link) {
    const struct usbhost_msc_info *info = usbhost_msc_info(link->host, LUN);
    bool ready = info->state == USBHOST_MSC_READY && info->sector_size == 512;
    if (!ready) {
        link->generation = 0;
        drive_detach(link->drive);
        return;
    }
    drive_set_write_protected(link->drive, info->write_protected);
    if (info->generation != link->generation) {
        link->generation = info->generation;
        drive_attach(link->drive);
    }
}

static void medium_changed(void *context, unsigned lun) {
    struct drive_link *link = context;
    if (lun == LUN) {
        tell_heard(link, true);
        look_at_medium(link);
        tell_heard(link, false);
    }
}

static void begin(struct drive_link *link, struct machine *machine, uint32_t offset, uint32_t size,
                  drive_report *report, void *context) {
    *link = (struct drive_link){
        .host = machine_usbhost(machine),
        .listener = { .context = link, .msc_changed = medium_changed },
        .offset = offset,
        .size = size,
        .area = machine_flash(machine)->contents + offset,
        .report = report,
        .report_context = context,
    };
}

/* `desc` has what is not the link's. */
static bool open_folder(struct drive_link *link, struct drive_desc *desc, struct error *error) {
    desc->area = link->area;
    desc->area_size = link->size;
    desc->submit = submit;
    desc->submit_context = link;
    desc->report = link->report;
    desc->report_context = link->report_context;
    link->drive = drive_create(desc, error);
    if (!link->drive) {
        return false;
    }
    link->resting = drive_code_is_held(link->drive);
    usbhost_listen(link->host, &link->listener);
    return true;
}

bool drive_link_open(struct drive_link *link, const char *folder, struct machine *machine, uint32_t offset,
                     uint32_t size, unsigned host_ms, bool hold_code, drive_report *report, void *context,
                     struct error *error) {
    struct drive_desc desc = { .folder = folder, .host_ms = host_ms, .hold_code = hold_code };
    begin(link, machine, offset, size, report, context);
    return open_folder(link, &desc, error);
}

bool drive_link_open_mounted(struct drive_link *link, const char *folder, struct machine *machine, uint32_t offset,
                             uint32_t size, unsigned host_ms, drive_report *report, void *context,
                             struct error *error) {
    struct drive_desc desc = { .folder = folder, .host_ms = host_ms, .mounted = true };
    begin(link, machine, offset, size, report, context);
    if (!open_folder(link, &desc, error)) {
        return false;
    }
    medium_changed(link, LUN);
    return true;
}

bool drive_link_open_image(struct drive_link *link, const char *path, struct machine *machine, uint32_t offset,
                           uint32_t size, drive_report *report, void *context, struct error *error) {
    begin(link, machine, offset, size, report, context);
    return drive_file_open(&link->file, path, link->area, size, error);
}

bool drive_link_is_writable(const struct drive_link *link) {
    const struct usbhost_msc_info *info = usbhost_msc_info(link->host, LUN);
    return info->state == USBHOST_MSC_READY && !info->write_protected;
}

void drive_link_release_code(struct drive_link *link) {
    link->resting = false;
    drive_release_code(link->drive);
}

bool drive_link_hold_code(struct drive_link *link) {
    link->resting = link->drive && drive_hold_code(link->drive);
    return link->resting;
}

void drive_link_put_code_back(struct drive_link *link) {
    link->resting = false;
    drive_put_code_back(link->drive);
}

bool drive_link_move(struct drive_link *link, const char *folder) {
    return drive_move(link->drive, folder);
}

void drive_link_abandon(struct drive_link *link) {
    drive_destroy(link->drive);
    link->drive = NULL;
}

void drive_link_flash_changed(struct drive_link *link, uint32_t offset, uint32_t size) {
    uint64_t first = offset > link->offset ? offset : link->offset;
    uint64_t end = (uint64_t)offset + size, limit = (uint64_t)link->offset + link->size;
    end = end < limit ? end : limit;
    if (first >= end) {
        return;
    }
    if (link->drive) {
        drive_flash_changed(link->drive, (size_t)(first - link->offset), (size_t)(end - first));
    }
    if (link->file.path) {
        drive_file_changed(&link->file);
    }
}

/* A failure is told once; the save is tried again. */
static void tell(struct drive_link *link, bool ok, const struct error *error) {
    if (!ok && !link->file_failed && link->report) {
        link->report(link->report_context, LOG_ERROR, error->message);
    }
    link->file_failed = !ok;
}

void drive_link_step(struct drive_link *link, uint64_t now_ps) {
    struct error error;
    if (now_ps < link->next_poll_ps || link->resting) {
        return;
    }
    link->next_poll_ps = now_ps + POLL_PS;
    if (link->drive) {
        drive_poll(link->drive);
    }
    if (link->file.path) {
        tell(link, drive_file_poll(&link->file, &error), &error);
    }
}

uint64_t drive_link_next(const struct drive_link *link) {
    return link->resting || !(link->drive || link->file.path) ? TIME_NEVER : link->next_poll_ps;
}

bool drive_link_close(struct drive_link *link) {
    struct error error;
    bool whole = true;
    if (link->drive) {
        whole = drive_finish(link->drive);
        drive_destroy(link->drive);
        link->drive = NULL;
    }
    if (link->file.path) {
        whole = drive_file_close(&link->file, &error);
        tell(link, whole, &error);
    }
    return whole;
}
