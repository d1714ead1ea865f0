/* From a description to a board that has just been switched on. */
#include "emulator/chips/select.h"
#include "emulator/errata.h"
#include "emulator/session/session_private.h"
#include "emulator/session/snapshot_file.h"
#include "peripherals/parts/w25q.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- The machine ---- */

static bool read_exactly(const char *path, uint8_t *bytes, size_t size, const char *what, struct error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set(error, "%s %s: %s", what, path, strerror(errno));
        return false;
    }
    bool fits = fread(bytes, 1, size, file) == size && fgetc(file) == EOF;
    fclose(file);
    if (!fits) {
        error_set(error, "%s %s: exactly %zu bytes are needed", what, path, size);
    }
    return fits;
}

static bool load_bootrom(struct session *session, const struct chip_desc *chip, struct error *error) {
    const char *path = session->desc.bootrom;
    uint32_t size = machine_rom_size(chip);
    session->bootrom = path ? malloc(size) : NULL;
    return !path || (session->bootrom && read_exactly(path, session->bootrom, size, "--bootrom", error));
}

static void report_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    const struct session *session = context;
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->log) {
            each->log(each->context, level, time_ps, source, line);
        }
    }
}

static void set_up_machine(struct session *session) {
    const struct session_desc *desc = &session->desc;
    struct machine *machine = session->machine;
    memcpy(machine_log(machine)->enabled, desc->log, sizeof(desc->log));
    machine_trace_bus(machine, desc->trace_bus);
    machine_trace_exceptions(machine, desc->trace_exceptions);
    if (machine_usbhost(machine)) {
        usbhost_trace(machine_usbhost(machine), desc->trace_usb);
    }
    session_attach(session);
    halts_begin(session);
}

static bool make_machine(struct session *session, struct error *error) {
    struct machine_desc desc = {
        .chip = chip_of_board(session->board),
        .flash_size = session->board->flash_bytes,
        .psram_size = session->board->psram_bytes,
        .psram_cs_pin = (unsigned)session->board->psram_cs_pin,
        .seed = session->desc.seed,
        .exact = session->desc.exact,
        .log_sink = report_log,
        .log_context = session,
    };
    if (!desc.chip) {
        error_set(error, "the board %s has an %s, which is not emulated yet", session->board->id,
                  chip_name(session->board->chip));
        return false;
    }
    if (!load_bootrom(session, desc.chip, error)) {
        return false;
    }
    desc.bootrom = session->bootrom;
    session->machine = machine_create(&desc, error);
    if (!session->machine) {
        return false;
    }
    set_up_machine(session);
    const char *errata = session->desc.errata;
    if (errata && !errata_choose(session->machine, session->board->chip, errata, error)) {
        return false;
    }
    struct otp *otp = (struct otp *)machine_block(session->machine, "OTP");
    return otp_file_open(&session->otp, session->desc.otp, otp, error);
}

/* ---- The flash ---- */

static bool load_image(struct session *session, struct error *error) {
    const struct image *image = &session->image;
    for (size_t i = 0; session->has_image && i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (!machine_load(session->machine, range->address, range->bytes, range->size, error)) {
            return false;
        }
    }
    return true;
}

/* What the flash holds of an earlier run. */
static void tell_kind(struct session *session) {
    const struct w25q *flash = machine_flash(session->machine);
    struct image_range range = { CHIP_FLASH_BASE, flash->desc.size, flash->contents };
    struct image image = { .format = IMAGE_RAW, .ranges = &range, .range_count = 1, .total = range.size };
    struct description description;
    if (!session->has_image) {
        describe_image(&image, &description);
        session->kind = description.kind;
    }
}

static bool open_flash(struct session *session, struct error *error) {
    struct w25q *flash = machine_flash(session->machine);
    const uint8_t *contents = session->desc.contents;
    if (contents && !machine_load(session->machine, CHIP_FLASH_BASE, contents, flash->desc.size, error)) {
        return false;
    }
    if (session->desc.flash) {
        session->flash_file = flash_file_open(session->desc.flash, flash->contents, flash->desc.size, error);
    }
    if ((session->desc.flash && !session->flash_file) || !load_image(session, error)) {
        return false;
    }
    tell_kind(session);
    return true;
}

/* What has been loaded over the contents of the flash file goes into it. */
static bool keep_loaded(struct session *session, struct error *error) {
    if (session->flash_file) {
        flash_file_compare(session->flash_file);
    }
    return flash_file_commit(session->flash_file, 0, error);
}

/* ---- Together ---- */

static bool join_wires(struct session *session, struct error *error) {
    for (unsigned i = 0; i < session->desc.wire_count; i++) {
        if (!gate_join(session, session->desc.wires[i], error)) {
            return false;
        }
    }
    return true;
}

bool session_make(struct session *session, struct error *error) {
    bool loads = session->desc.load_state != NULL; /* then the drive comes last: session_load() */
    return session_resolve(session, error) && make_machine(session, error) && open_flash(session, error) &&
           (loads || session_open_drive(session, error)) && (loads || keep_loaded(session, error)) &&
           session_build_project(session, error) && join_wires(session, error);
}

/* The console of the run that was saved may have been full. This one is not. */
static void resume_console(struct session *session) {
    if (machine_usbhost(session->machine)->cdc[0].paused) {
        session_apply(session, &(struct input){ .kind = INPUT_USB_PAUSE }, NULL);
    }
}

bool session_load(struct session *session, struct error *error) {
    struct error why;
    if (!snapshot_file_load(session->desc.load_state, session->board->id, session->machine, &why)) {
        error_set(error, "--load-state %s", why.message);
        return false;
    }
    tell_kind(session);
    resume_console(session);
    return keep_loaded(session, error) && session_open_drive(session, error);
}

bool session_save_state(struct session *session, const char *path, struct error *error) {
    return snapshot_file_save(path, session->board->id, session->machine, error);
}
