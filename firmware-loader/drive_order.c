/* Which files go first onto a drive that is too small for its folder: what CircuitPython starts and reads by itself,
 * then what that imports, then other modules, then the rest; by name within each. A folder goes with the first of its
 * contents.
 *
 * Imports are lines that begin with `import` or `from`, in Python files; what compiled modules (.mpy) import is not
 * looked at, nor what a program imports by other means. Of a package everything counts as imported. */
#include "firmware-loader/drive_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROGRAM_BYTES (1u << 20) /* larger ones are no programs */

enum rank { RANK_STARTED, RANK_IMPORTED, RANK_MODULE, RANK_OTHER };

struct orderer {
    const char *root;
    const struct drive_listing *listing;
    uint8_t *rank; /* of each item */
    size_t *queue; /* items whose imports are to be looked at */
    size_t queued;
};

static bool has_suffix(const char *path, const char *suffix) {
    size_t length = strlen(path), wanted = strlen(suffix);
    return length >= wanted && strcasecmp(path + length - wanted, suffix) == 0;
}

static enum rank rank_by_name(const struct drive_item *item) {
    static const char *const read_at_start[] = { "boot.py", "boot.txt", "settings.toml" };
    for (size_t i = 0; i < sizeof(read_at_start) / sizeof(read_at_start[0]); i++) {
        if (strcasecmp(item->path, read_at_start[i]) == 0) {
            return RANK_STARTED;
        }
    }
    if (drive_starts_by_itself(item)) {
        return RANK_STARTED;
    }
    bool module = has_suffix(item->path, ".py") || has_suffix(item->path, ".mpy");
    return !item->folder && (module || strncmp(item->path, "lib/", 4) == 0) ? RANK_MODULE : RANK_OTHER;
}

static void raise_item(struct orderer *orderer, size_t index, enum rank rank) {
    const struct drive_item *item = &orderer->listing->items[index];
    if (orderer->rank[index] <= rank || item->folder) {
        return;
    }
    orderer->rank[index] = (uint8_t)rank;
    if (has_suffix(item->path, ".py")) {
        orderer->queue[orderer->queued++] = index;
    }
}

/* "NAME.py", "NAME.mpy" or below "NAME/", in the root folder or in lib/. */
static bool is_of_module(const char *path, const char *name, size_t length) {
    path += strncmp(path, "lib/", 4) == 0 ? 4 : 0;
    return strncmp(path, name, length) == 0 &&
           (path[length] == '/' || strcmp(path + length, ".py") == 0 || strcmp(path + length, ".mpy") == 0);
}

static void raise_module(struct orderer *orderer, const char *name, size_t length) {
    for (size_t i = 0; length && i < orderer->listing->count; i++) {
        if (is_of_module(orderer->listing->items[i].path, name, length)) {
            raise_item(orderer, i, RANK_IMPORTED);
        }
    }
}

static size_t name_length(const char *text) {
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_') {
        length++;
    }
    return length;
}

/* "import a, b.c as d" or "from a.b import c" */
static void read_line(struct orderer *orderer, const char *line) {
    line += strspn(line, " \t");
    bool from = strncmp(line, "from ", 5) == 0;
    if (!from && strncmp(line, "import ", 7) != 0) {
        return;
    }
    for (line += from ? 5 : 7; line; line = from ? NULL : strchr(line, ',')) {
        line += strspn(line, ", \t");
        raise_module(orderer, line, name_length(line));
    }
}

static void read_imports(struct orderer *orderer, const struct drive_item *item) {
    uint8_t *data;
    struct drive_signature signature;
    if (drive_host_read(orderer->root, item->path, PROGRAM_BYTES, &data, &signature) != DRIVE_HOST_OK) {
        return;
    }
    data[signature.size] = 0; /* there is room for it */
    char *rest = (char *)data;
    for (char *line = strsep(&rest, "\r\n"); line; line = strsep(&rest, "\r\n")) {
        read_line(orderer, line);
    }
    free(data);
}

/* Folders stand before their contents in the listing. */
static void rank_folders(struct orderer *orderer) {
    const struct drive_item *items = orderer->listing->items;
    for (size_t i = orderer->listing->count; i-- > 0;) {
        size_t length = strlen(items[i].path);
        for (size_t k = i + 1; items[i].folder && k < orderer->listing->count; k++) {
            if (strncmp(items[k].path, items[i].path, length) != 0) {
                break;
            }
            if (items[k].path[length] == '/' && orderer->rank[k] < orderer->rank[i]) {
                orderer->rank[i] = orderer->rank[k];
            }
        }
    }
}

static void rank_all(struct orderer *orderer) {
    for (size_t i = 0; i < orderer->listing->count; i++) {
        orderer->rank[i] = UINT8_MAX;
        enum rank rank = rank_by_name(&orderer->listing->items[i]);
        if (rank == RANK_STARTED) {
            raise_item(orderer, i, rank);
        } else {
            orderer->rank[i] = (uint8_t)rank;
        }
    }
    for (size_t next = 0; next < orderer->queued; next++) {
        read_imports(orderer, &orderer->listing->items[orderer->queue[next]]);
    }
    rank_folders(orderer);
}

static void fill(const struct orderer *orderer, size_t *order) {
    size_t count = 0;
    for (unsigned rank = RANK_STARTED; rank <= RANK_OTHER; rank++) {
        for (size_t i = 0; i < orderer->listing->count; i++) {
            if (orderer->rank[i] == rank) {
                order[count++] = i;
            }
        }
    }
}

size_t *drive_order(const char *root, const struct drive_listing *listing) {
    size_t *order = calloc(listing->count + 1, sizeof(*order));
    struct orderer orderer = {
        .root = root,
        .listing = listing,
        .rank = calloc(listing->count + 1, 1),
        .queue = calloc(listing->count + 1, sizeof(*orderer.queue)),
    };
    if (order && orderer.rank && orderer.queue) {
        rank_all(&orderer);
        fill(&orderer, order);
    } else {
        free(order);
        order = NULL;
    }
    free(orderer.rank);
    free(orderer.queue);
    return order;
}
