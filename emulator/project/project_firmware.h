/* The firmware that a project brings along: what its wokwi.toml names, or an image beside its diagram. */
#ifndef PROJECT_FIRMWARE_H
#define PROJECT_FIRMWARE_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* *ret_path is "" when there is none. False with an error line when what is named is not there, or when several images
 * lie there and none is named. */
bool project_firmware_find(const char *folder, char *ret_path, size_t size, struct error *error);

#endif
