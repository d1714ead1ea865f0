/* Where tests find real firmware images: the directories of OUROBOARD_FIRMWARE_PATH, else ../shared/firmware
 * beside the checkout. Without the image a test is skipped; in CI (CI is set) it fails. */
#ifndef TESTS_IMAGES_H
#define TESTS_IMAGES_H

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The directories searched, separated by colons. */
static inline const char *test_image_directories(void) {
    const char *path = getenv("OUROBOARD_FIRMWARE_PATH");
    return path && *path ? path : TEST_SOURCE_ROOT "/../shared/firmware";
}

/* Path of the image file `name` (may have a folder in it) in `buffer`; ends the test when there is none. */
static inline const char *test_image(char *buffer, size_t size, const char *name) {
    const char *directory = test_image_directories();
    while (*directory) {
        size_t length = strcspn(directory, ":");
        snprintf(buffer, size, "%.*s/%s", (int)length, directory, name);
        if (access(buffer, R_OK) == 0) {
            return buffer;
        }
        directory += length + (directory[length] == ':');
    }
    if (getenv("CI")) {
        fail_msg("no %s in %s (OUROBOARD_FIRMWARE_PATH names the directories)", name, test_image_directories());
    }
    skip();
    return NULL;
}

#endif
