/* The drive engine: medium, copy of the volume, queue of writes, and who is next.
 * The medium is what CircuitPython shows (supervisor/shared/flash.c): a partition table in block 0, the volume from
 * block 1; a medium without a table, whose block 0 is the volume's boot sector, is taken as well.
 *
 * Our copy is trusted where nobody reported a change of the flash; a PC would have to trust its own in the same way.
 * After every attach the boot sector, the table and the root folder are read anew.
 *
 * Not modelled: more than one logical unit or partition; the dirty bit a PC sets while it has a volume mounted (the
 * firmware ignores it); renames (a renamed file is a new one and a deleted one). */
#include "firmware-loader/drive_private.h"

#include "firmware-loader/drive_image.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECTORS_MAX (64 * 1024 * 1024 / FAT_SECTOR_SIZE)
#define BACKOFF_MAX 32
#define LIST_SHARE 10 /* listing a large folder takes at most so much of the host's time: one in ten */

/* The copy of the volume */

static bool cache_read(void *context, uint32_t sector, uint8_t *data) {
    struct drive *drive = context;
    if (!drive->valid[sector]) {
        drive->missing = sector;
        drive->is_missing = true;
        return false;
    }
    memcpy(data, drive->cache + (size_t)sector * FAT_SECTOR_SIZE, FAT_SECTOR_SIZE);
    return true;
}

static struct drive_queued *queued_now(struct drive *drive, uint32_t sector) {
    struct drive_queue *queue = &drive->queue;
    uint32_t at = drive->queued_at[sector];
    bool now = at > queue->phase_start && at <= queue->count && queue->items[at - 1].sector == sector;
    return now ? &queue->items[at - 1] : NULL;
}

static struct drive_queued *enqueue(struct drive *drive, uint32_t sector) {
    struct drive_queue *queue = &drive->queue;
    if (queue->count == queue->room) {
        size_t room = queue->room ? queue->room * 2 : 64;
        struct drive_queued *items = realloc(queue->items, room * sizeof(*items));
        if (!items) {
            return NULL;
        }
        queue->items = items;
        queue->room = room;
    }
    struct drive_queued *item = &queue->items[queue->count++];
    item->sector = sector;
    item->phase = queue->phase;
    drive->queued_at[sector] = (uint32_t)queue->count;
    return item;
}

static bool cache_write(void *context, uint32_t sector, const uint8_t *data) {
    struct drive *drive = context;
    uint8_t *copy = drive->cache + (size_t)sector * FAT_SECTOR_SIZE;
    if (drive->valid[sector] && !memcmp(copy, data, FAT_SECTOR_SIZE)) {
        return true;
    }
    struct drive_queued *item = queued_now(drive, sector);
    item = item ? item : enqueue(drive, sector);
    if (!item) {
        return false;
    }
    memcpy(item->data, data, FAT_SECTOR_SIZE);
    memcpy(copy, data, FAT_SECTOR_SIZE);
    drive->valid[sector] = true;
    return true;
}

static int by_sector(const void *a, const void *b) {
    uint32_t x = ((const struct drive_queued *)a)->sector, y = ((const struct drive_queued *)b)->sector;
    return x < y ? -1 : x > y;
}

static void cache_barrier(void *context) {
    struct drive *drive = context;
    struct drive_queue *queue = &drive->queue;
    size_t count = queue->count - queue->phase_start;
    if (count) {
        qsort(queue->items + queue->phase_start, count, sizeof(*queue->items), by_sector);
    }
    queue->phase_start = queue->count;
    queue->phase++;
}

struct fat_device drive_device(struct drive *drive) {
    return (struct fat_device){ drive, drive->sectors, cache_read, cache_write, cache_barrier };
}

enum fat_result drive_mount(struct drive *drive, struct fat_volume *ret_volume) {
    struct fat_device device = drive_device(drive);
    return fat_mount(ret_volume, &device);
}

bool drive_needs(struct drive *drive, uint32_t first, uint32_t end) {
    for (uint32_t sector = first; sector < end && sector < drive->sectors; sector++) {
        if (!drive->valid[sector]) {
            drive->missing = sector;
            drive->is_missing = true;
            return true;
        }
    }
    return false;
}

void drive_invalidate(struct drive *drive, uint32_t first, uint32_t end) {
    for (uint32_t sector = first; sector < end && sector < drive->sectors; sector++) {
        drive->valid[sector] = false;
    }
}

static void cache_free(struct drive *drive) {
    free(drive->cache);
    free(drive->valid);
    free(drive->altered);
    free(drive->queued_at);
    free(drive->candidates);
}

static bool cache_resize(struct drive *drive, uint32_t sectors) {
    if (sectors == drive->sectors) {
        return true;
    }
    cache_free(drive);
    drive->cache = calloc(sectors, FAT_SECTOR_SIZE);
    drive->valid = calloc(sectors, sizeof(*drive->valid));
    drive->altered = calloc(sectors, sizeof(*drive->altered));
    drive->queued_at = calloc(sectors, sizeof(*drive->queued_at));
    drive->candidates = calloc(sectors / 8 + 1, 1);
    bool ok = drive->cache && drive->valid && drive->altered && drive->queued_at && drive->candidates;
    drive->sectors = ok ? sectors : 0;
    return ok;
}

/* Requests */

static void drive_run(struct drive *drive);

static void queue_drop(struct drive_queue *queue) {
    queue->count = queue->next = queue->phase_start = 0;
}

static void stop_work(struct drive *drive) {
    drive->cut_short |= drive->push.kind != DRIVE_PUSH_NONE;
    queue_drop(&drive->queue);
    drive_push_drop(drive);
    drive_snapshot_finish(&drive->snapshot);
    drive->is_missing = drive->pushing = drive->pulling = drive->looked = false;
    drive->check = true;
    drive->unchanged = 0;
}

/* Our copy may be ahead of the medium: nothing of it counts any more. The first failure in a row is not worth a line:
 * the medium may be about to go. */
static void fail(struct drive *drive, bool write) {
    if (drive->backoff > 1) {
        drive_say(&drive->reporter, LOG_WARN, "%s: the drive could not be %s; trying again", drive->folder,
                  write ? "written" : "read");
    }
    stop_work(drive);
    drive->failed_write = write;
    drive_invalidate(drive, 0, drive->sectors);
    drive->probe = drive->failed = true;
    drive->rest = drive->backoff;
    drive->backoff = drive->backoff < BACKOFF_MAX ? drive->backoff * 2 : BACKOFF_MAX;
}

static void request_done(struct drive_request *request, bool ok) {
    struct drive *drive = request->owner;
    drive->busy = false;
    drive->busy_ok = ok;
    drive_run(drive);
}

static bool send(struct drive *drive, bool write, uint32_t lba, uint32_t count) {
    drive->request = (struct drive_request){
        .write = write,
        .lba = lba,
        .count = count,
        .data = drive->buffer,
        .done = request_done,
        .owner = drive,
    };
    drive->busy = true;
    drive->overtaken = drive->overtaken_end = 0;
    if (!drive->submit(drive->submit_context, &drive->request)) {
        drive->busy = false;
        drive->request.count = 0;
        fail(drive, write);
        return false;
    }
    return true;
}

static bool send_fetch(struct drive *drive) {
    uint32_t count = 1, first = drive->missing;
    while (count < DRIVE_RUN_MAX && first + count < drive->sectors && !drive->valid[first + count]) {
        count++;
    }
    drive->is_missing = false;
    return send(drive, false, drive->start + first, count);
}

static bool send_queued(struct drive *drive) {
    struct drive_queue *queue = &drive->queue;
    const struct drive_queued *first = &queue->items[queue->next];
    uint32_t count = 0;
    while (count < DRIVE_RUN_MAX && queue->next + count < queue->count && first[count].phase == first->phase &&
           first[count].sector == first->sector + count) {
        memcpy(drive->buffer + count * FAT_SECTOR_SIZE, first[count].data, FAT_SECTOR_SIZE);
        count++;
    }
    return send(drive, true, drive->start + first->sector, count);
}

static void written(struct drive *drive) {
    struct drive_queue *queue = &drive->queue;
    queue->next += drive->request.count;
    if (queue->next >= queue->count) {
        queue_drop(queue);
    }
}

/* What was read of a sector that changed meanwhile may be from before. */
static bool is_overtaken(const struct drive *drive, uint32_t sector) {
    return sector >= drive->overtaken && sector < drive->overtaken_end;
}

static void overtake(struct drive *drive, uint32_t first, uint32_t end) {
    bool none = drive->overtaken == drive->overtaken_end;
    drive->overtaken = none || first < drive->overtaken ? first : drive->overtaken;
    drive->overtaken_end = none || end > drive->overtaken_end ? end : drive->overtaken_end;
}

static void fetched(struct drive *drive) {
    uint32_t first = drive->request.lba - drive->start;
    for (uint32_t i = 0; i < drive->request.count && first + i < drive->sectors; i++) {
        uint8_t *copy = drive->cache + (size_t)(first + i) * FAT_SECTOR_SIZE;
        const uint8_t *data = drive->buffer + i * FAT_SECTOR_SIZE;
        if (memcmp(copy, data, FAT_SECTOR_SIZE)) {
            memcpy(copy, data, FAT_SECTOR_SIZE);
            drive->altered[first + i] = true;
        }
        drive->valid[first + i] = !is_overtaken(drive, first + i);
    }
}

static uint32_t word_at(const uint8_t *data) {
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

/* Where the volume is, from block 0: a partition table, or the volume's own boot sector. */
static bool find_volume(const uint8_t *block, uint32_t *ret_start, uint32_t *ret_sectors) {
    const uint8_t *entry = block + 446;
    struct fat_device device = fat_memory_device((uint8_t *)block, FAT_SECTOR_SIZE);
    struct fat_volume volume;
    device.sectors = SECTORS_MAX;
    if (fat_mount(&volume, &device) == FAT_OK) {
        uint32_t few = block[19] | (uint32_t)block[20] << 8;
        *ret_start = 0;
        *ret_sectors = few ? few : word_at(block + 32);
        return true;
    }
    *ret_start = word_at(entry + 8);
    *ret_sectors = word_at(entry + 12);
    bool table = block[510] == 0x55 && block[511] == 0xaa && entry[4];
    return table && *ret_start && *ret_sectors && *ret_sectors <= SECTORS_MAX;
}

/* The boot sector, the table and the root folder count as unread after every attach. */
static void probed(struct drive *drive) {
    uint32_t sectors;
    struct fat_volume volume;
    drive->probe = false;
    if (!find_volume(drive->buffer, &drive->start, &sectors) || !cache_resize(drive, sectors)) {
        drive_say(&drive->reporter, LOG_WARN, "%s: the board shows no drive that can be used", drive->folder);
        drive->online = false;
        return;
    }
    if (drive_mount(drive, &volume) == FAT_OK) {
        drive_invalidate(drive, 0, volume.data_start);
    }
    drive->is_missing = false;
}

/* What the completed request means. */
static void settle(struct drive *drive) {
    bool write = drive->request.write;
    if (!drive->online) {
        drive->request.count = 0;
        return;
    }
    if (!drive->busy_ok) {
        fail(drive, write);
    } else if (write) {
        written(drive);
    } else if (drive->probe) {
        probed(drive);
    } else {
        fetched(drive);
    }
    if (drive->busy_ok && (write || !drive->failed_write)) {
        drive->backoff = 1;
    }
    drive->request.count = 0;
}

static bool is_calm(const struct drive *drive) {
    return !drive->unquiet || drive->restless;
}

static bool can_push(struct drive *drive) {
    return drive->online && !drive->write_protected && !drive->broken && !drive->check && is_calm(drive) &&
           !drive->host_written;
}

/* One thing; false when there is nothing to do now, or a request is under way. */
static bool advance(struct drive *drive) {
    if (drive->busy || !drive->online || drive->failed) {
        return false;
    }
    if (drive->probe) {
        return send(drive, false, 0, 1);
    }
    if (drive->is_missing) {
        return send_fetch(drive);
    }
    if (drive->queue.next < drive->queue.count) {
        return send_queued(drive);
    }
    if (drive->push.kind) {
        drive_push_complete(drive);
        return true;
    }
    if (drive->pulling) {
        drive_pull_step(drive);
        drive->pushing = !drive->pulling && can_push(drive) && drive_push_wanted(drive);
        return true;
    }
    if (drive->pushing) {
        drive->pushing = drive_push_step(drive);
        return true;
    }
    return false;
}

/* A request may complete inside submit: the loop goes on with what it means. */
static void drive_run(struct drive *drive) {
    if (drive->running) {
        return;
    }
    drive->running = true;
    do {
        if (!drive->busy && drive->request.count) {
            settle(drive);
        }
    } while (advance(drive) && !drive->busy);
    drive->running = false;
}

/* What the front end calls */

void drive_attach(struct drive *drive) {
    drive_detach(drive);
    drive->online = drive->probe = drive->check = true;
    drive->failed = drive->failed_write = false;
    drive->backoff = 1;
    drive->offline_polls = 0;
    drive_run(drive);
}

/* What was under way may have reached the medium or not. */
void drive_detach(struct drive *drive) {
    if (drive->busy || drive->queue.count) {
        drive_invalidate(drive, 0, drive->sectors);
    }
    drive->online = false;
    stop_work(drive);
}

void drive_set_write_protected(struct drive *drive, bool write_protected) {
    drive->write_protected = write_protected;
}

void drive_flash_changed(struct drive *drive, size_t offset, size_t length) {
    if (length) {
        uint32_t first = (uint32_t)(offset / FAT_SECTOR_SIZE);
        uint32_t end = (uint32_t)((offset + length + FAT_SECTOR_SIZE - 1) / FAT_SECTOR_SIZE);
        drive_invalidate(drive, first, end);
        overtake(drive, first, end);
        drive->touched = drive->restart = true;
    }
}

/* The flash was quiet from the last poll to this one, or never is: then a look is due all the same. */
static void watch_flash(struct drive *drive) {
    drive->restless = false;
    if (!drive->touched) {
        drive->check |= drive->unquiet;
        drive->unquiet = false;
        drive->restless_polls = 0;
        return;
    }
    drive->touched = false;
    drive->unquiet = true;
    if (++drive->restless_polls >= DRIVE_RESTLESS_POLLS) {
        drive->restless_polls = 0;
        drive->check = drive->restless = true;
    }
}

static uint64_t host_now_ms(void) {
    struct timespec now = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool list(struct drive *drive) {
    bool whole = drive_list(drive->folder, &drive->listing, &drive->reporter);
    drive->held = drive->hold ? drive_hold_back(&drive->listing) : 0;
    return whole;
}

/* A listing from before we wrote in the folder says nothing about what is missing. */
static void list_folder(struct drive *drive) {
    uint64_t now_ms = host_now_ms();
    if (drive->host_ms && now_ms < drive->list_ms && !drive->releasing) {
        return;
    }
    drive->unchanged = 0;
    drive_listing_finish(&drive->previous);
    drive->previous = drive->listing;
    drive->previous_whole = drive->listing_whole && !drive->host_written;
    drive->host_written = false;
    drive->listing_whole = list(drive);
    uint64_t took_ms = host_now_ms() - now_ms;
    drive->list_ms = now_ms + drive->host_ms + took_ms * LIST_SHARE;
}

/* Our copy becomes the area as it is. */
static void take_area(struct drive *drive) {
    if (!cache_resize(drive, (uint32_t)(drive->area_size / FAT_SECTOR_SIZE))) {
        return;
    }
    for (uint32_t sector = 0; sector < drive->sectors; sector++) {
        uint8_t *copy = drive->cache + (size_t)sector * FAT_SECTOR_SIZE;
        const uint8_t *data = drive->area + (size_t)sector * FAT_SECTOR_SIZE;
        if (memcmp(copy, data, FAT_SECTOR_SIZE)) {
            memcpy(copy, data, FAT_SECTOR_SIZE);
            drive->altered[sector] = true;
        }
        drive->valid[sector] = true;
    }
}

static void pull_area(struct drive *drive) {
    if (drive->area && !drive->busy) {
        stop_work(drive);
        take_area(drive);
        drive->pulling = true;
        drive_pull_step(drive);
        drive->pulling = false;
    }
}

static void poll_offline(struct drive *drive) {
    if (drive->offline_polls < DRIVE_OFFLINE_POLLS) {
        drive->offline_polls++;
    } else if (drive->check && is_calm(drive)) {
        pull_area(drive);
    }
}

static void poll_online(struct drive *drive) {
    if (drive->failed) {
        drive->failed = drive->rest-- > 0;
    }
    if (drive->check && is_calm(drive) && !drive->pulling && !drive->pushing && !drive->push.kind) {
        drive->pulling = true;
        drive->restarts = 0;
    } else if (!drive->pulling && !drive->pushing && drive_push_wanted(drive)) {
        drive->pushing = can_push(drive);
        if (drive->write_protected) {
            drive_say(&drive->reporter, LOG_WARN, "%s: changes wait: the board has write-protected its drive",
                      drive->folder);
        }
    }
    drive_run(drive);
}

void drive_poll(struct drive *drive) {
    list_folder(drive);
    watch_flash(drive);
    if (drive->online) {
        poll_online(drive);
    } else {
        poll_offline(drive);
    }
}

bool drive_busy(const struct drive *drive) {
    struct drive *look = (struct drive *)drive;
    bool work = drive->busy || drive->queue.count || drive->pulling || drive->pushing;
    bool listing = drive->host_written || (drive->listing_whole && !drive->previous_whole);
    bool later = listing || drive->touched || drive->unquiet || (drive->check && !drive->failed);
    bool push = !drive->write_protected && !drive->broken && drive_push_wanted(look);
    return work || (drive->online && (later || push));
}

bool drive_move(struct drive *drive, const char *folder) {
    char *copy = strdup(folder);
    if (!copy) {
        return false;
    }
    free(drive->folder);
    drive->folder = copy;
    return true;
}

bool drive_finish(struct drive *drive) {
    bool whole = true;
    drive->unwritten = false;
    drive->busy = false;
    drive->request.count = 0;
    drive->online = false;
    pull_area(drive);
    if (drive->broken && drive->area) {
        whole = drive_rescue(drive->folder, drive->area, drive->area_size, &drive->reporter);
    }
    return whole && !drive->unwritten;
}

struct drive_record *drive_need_record(struct drive *drive, const char *path) {
    struct drive_record *record = drive_records_need(&drive->records, path);
    if (!record) {
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: out of memory: it will be compared with the drive's anew",
                  drive->folder, path);
    }
    return record;
}

static void remember(void *context, const struct drive_item *item) {
    struct drive *drive = context;
    struct drive_record *record = drive_need_record(drive, item->path);
    if (record) {
        record->folder = item->folder;
        record->on_host = record->on_volume = true;
        record->signature = item->signature;
    }
}

/* What the volume says of the records that the image was made from. */
static void remember_volume(struct drive *drive, struct fat_volume *volume, struct drive_record *record) {
    struct fat_entry entry;
    uint32_t length;
    if (fat_lookup(volume, record->path, &entry)) {
        return;
    }
    record->size = entry.size;
    record->modified = entry.modified;
    record->cluster = entry.cluster;
    uint8_t *data = malloc((size_t)entry.size + 1);
    if (data && !record->folder && !fat_read(volume, &entry, 0, data, entry.size, &length)) {
        record->hash = drive_hash(data, entry.size);
    }
    free(data);
}

/* What did not get onto the volume has been named; it is no change of the folder. */
static void remember_refused(struct drive *drive) {
    for (size_t i = 0; i < drive->listing.count; i++) {
        const struct drive_item *item = &drive->listing.items[i];
        if (drive_records_find(&drive->records, item->path)) {
            continue;
        }
        struct drive_record *record = drive_need_record(drive, item->path);
        if (record) {
            record->folder = item->folder;
            record->refused = true;
            record->signature = item->signature;
        }
    }
}

static bool build(struct drive *drive, uint32_t serial, struct error *error) {
    struct drive_image_request request = {
        .folder = drive->folder,
        .listing = &drive->listing,
        .reporter = &drive->reporter,
        .area = drive->area,
        .size = drive->area_size,
        .serial = serial,
        .stored = remember,
        .context = drive,
    };
    struct fat_volume volume;
    if (!drive_fill_image(&request, error)) {
        return false;
    }
    take_area(drive);
    if (drive_mount(drive, &volume)) {
        error_set(error, "%s: out of memory", drive->folder);
        return false;
    }
    memset(drive->altered, 0, drive->sectors * sizeof(*drive->altered));
    for (size_t i = 0; i < drive->records.count; i++) {
        remember_volume(drive, &volume, &drive->records.items[i]);
    }
    remember_refused(drive);
    drive->serial = serial;
    drive->serial_known = true;
    return true;
}

static bool begin(struct drive *drive, const struct drive_desc *desc, struct error *error) {
    uint32_t serial = desc->serial ? desc->serial : DRIVE_SERIAL;
    bool builds = drive->area && !desc->mounted;
    if (builds && !drive_rescue(drive->folder, drive->area, drive->area_size, &drive->reporter)) {
        error_set(error, "%s: cannot take what the board has written: make room in it, or run without --drive",
                  drive->folder);
        return false;
    }
    drive->listing_whole = list(drive);
    if (!drive->listing_whole && !drive->listing.count) {
        error_set(error, "%s: cannot be read", drive->folder);
        return false;
    }
    return !builds || build(drive, serial, error);
}

struct drive *drive_create(const struct drive_desc *desc, struct error *error) {
    struct drive *drive = calloc(1, sizeof(*drive));
    if (!drive) {
        error_set(error, "%s: out of memory", desc->folder);
        return NULL;
    }
    drive->folder = strdup(desc->folder);
    if (!drive->folder) {
        error_set(error, "%s: out of memory", desc->folder);
        free(drive);
        return NULL;
    }
    drive->area = desc->area;
    drive->area_size = desc->area_size;
    drive->host_ms = desc->host_ms;
    drive->hold = desc->hold_code;
    drive->submit = desc->submit;
    drive->submit_context = desc->submit_context;
    drive->reporter = (struct drive_reporter){ .report = desc->report, .context = desc->report_context };
    drive->backoff = 1;
    if (!begin(drive, desc, error)) {
        drive_destroy(drive);
        return NULL;
    }
    return drive;
}

void drive_destroy(struct drive *drive) {
    if (!drive) {
        return;
    }
    drive_push_drop(drive);
    drive_snapshot_finish(&drive->snapshot);
    drive_listing_finish(&drive->listing);
    drive_listing_finish(&drive->previous);
    drive_records_finish(&drive->records);
    drive_reporter_finish(&drive->reporter);
    cache_free(drive);
    free(drive->queue.items);
    free(drive->folder);
    free(drive);
}
