/* The image of a folder: what firmware finds on its flash at the first boot. */
#ifndef FIRMWARE_LOADER_DRIVE_IMAGE_H
#define FIRMWARE_LOADER_DRIVE_IMAGE_H

#include "emulator/core/error.h"
#include "firmware-loader/drive_folder.h"

/* The serial number of volumes made here, unless another one is asked for ("OURO"). */
#define DRIVE_SERIAL 0x4f55524f

/* Make a volume labelled CIRCUITPY over the `size` bytes at `area` (the file system's part of the flash; a multiple of
 * 512) and copy `folder` into it. The same folder gives the same bytes: names are taken in order, dates are the files'
 * modification times (UTC). What cannot be copied (see drive_folder.c; what does not fit; what cannot be read) is left
 * out with one line through `report`, which may be NULL. What the volume does not use is 0xff, as erased flash is.
 *
 * Only files of the folder are on the volume: what CircuitPython puts on a drive that it formats itself (.fseventsd,
 * .metadata_never_index, .Trashes, settings.toml, a first code.py, lib/) it does not put on one that is formatted
 * already.
 *
 * False, with `error`, when the folder cannot be read or the area cannot be formatted; `area` is then undefined. */
bool drive_build_image(const char *folder, uint8_t *area, size_t size, drive_report *report, void *context,
                       struct error *error);

/* The same with a listing that the caller made, keeping what has been said. `stored` (may be NULL) is called for each
 * item that got onto the volume, with the signature its contents were read under. */
struct drive_image_request {
    const char *folder;
    const struct drive_listing *listing;
    struct drive_reporter *reporter;
    uint8_t *area;
    size_t size;
    uint32_t serial;
    void (*stored)(void *context, const struct drive_item *item);
    void *context;
};
bool drive_fill_image(const struct drive_image_request *request, struct error *error);

#endif
