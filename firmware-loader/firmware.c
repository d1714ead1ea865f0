/* Finding firmware images. Names are those of the download site:
 * adafruit-circuitpython-BOARD-LANGUAGE-VERSION.uf2 */
#include "firmware-loader/firmware.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "adafruit-circuitpython-"
#define SUFFIX ".uf2"
#define NAME_PART 64

struct search {
    const char *board;
    const char *version; /* NULL: any */
    char best_name[NAME_MAX + 1];
    char best_version[NAME_PART]; /* "" while nothing is found */
    bool best_english;
};

int firmware_compare_versions(const char *a, const char *b) {
    char base_a[NAME_PART];
    char base_b[NAME_PART];
    const char *rest_a = strchrnul(a, '-');
    const char *rest_b = strchrnul(b, '-');
    snprintf(base_a, sizeof(base_a), "%.*s", (int)(rest_a - a), a);
    snprintf(base_b, sizeof(base_b), "%.*s", (int)(rest_b - b), b);
    int order = strverscmp(base_a, base_b);
    if (order) {
        return order;
    }
    if (!*rest_a || !*rest_b) {
        return !*rest_a - !*rest_b;
    }
    return strverscmp(rest_a, rest_b);
}

/* Take `name` apart if it is an image of the board. */
static bool parse_name(const char *name, const char *board, char *language, char *version) {
    size_t board_length = strlen(board);
    size_t length = strlen(name);
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || length < strlen(SUFFIX) ||
        strcmp(name + length - strlen(SUFFIX), SUFFIX) != 0) {
        return false;
    }
    name += strlen(PREFIX);
    if (strncmp(name, board, board_length) != 0 || name[board_length] != '-') {
        return false;
    }
    if (sscanf(name + board_length + 1, "%63[^-]-%63s", language, version) != 2 || strlen(version) <= strlen(SUFFIX)) {
        return false;
    }
    version[strlen(version) - strlen(SUFFIX)] = '\0';
    return true;
}

static void consider(struct search *s, const char *name) {
    char language[NAME_PART];
    char version[NAME_PART];
    if (!parse_name(name, s->board, language, version) || (s->version && strcmp(version, s->version) != 0)) {
        return;
    }
    bool english = strcmp(language, "en_US") == 0;
    int order = s->best_version[0] ? firmware_compare_versions(version, s->best_version) : 1;
    /* The last criterion makes the choice independent of the directory's order. */
    if (order > 0 ||
        (order == 0 && (english > s->best_english || (english == s->best_english && strcmp(name, s->best_name) < 0)))) {
        snprintf(s->best_name, sizeof(s->best_name), "%s", name);
        memcpy(s->best_version, version, sizeof(s->best_version));
        s->best_english = english;
    }
}

/* `directory` is `length` characters long. */
static bool search_directory(struct search *s, const char *directory, size_t length, char *ret_path, size_t size) {
    char path[4096];
    snprintf(path, sizeof(path), "%.*s", (int)length, directory);
    DIR *stream = opendir(path);
    if (!stream) {
        return false;
    }
    s->best_version[0] = '\0';
    struct dirent *entry;
    while ((entry = readdir(stream))) {
        consider(s, entry->d_name);
    }
    closedir(stream);
    if (!s->best_version[0]) {
        return false;
    }
    return snprintf(ret_path, size, "%s/%s", path, s->best_name) < (int)size;
}

static void cache_directory(char *path, size_t size) {
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache && *cache) {
        snprintf(path, size, "%s/ouroboard/firmware", cache);
    } else {
        snprintf(path, size, "%s/.cache/ouroboard/firmware", home ? home : "");
    }
}

bool firmware_find(const char *board, const char *version, char *ret_path, size_t size, struct error *error) {
    struct search search = { .board = board, .version = version };
    const char *directory = getenv("OUROBOARD_FIRMWARE_PATH");
    while (directory && *directory) {
        size_t length = strcspn(directory, ":");
        if (length && search_directory(&search, directory, length, ret_path, size)) {
            return true;
        }
        directory += length + (directory[length] == ':');
    }
    char cache[3072];
    cache_directory(cache, sizeof(cache));
    if (search_directory(&search, cache, strlen(cache), ret_path, size)) {
        return true;
    }
    error_set(
        error,
        "no CircuitPython%s%s image for %s in OUROBOARD_FIRMWARE_PATH or %.200s: run `scripts/fetch-firmware %s%s%s`, "
        "or name a file with --firmware",
        version ? " " : "", version ? version : "", board, cache, board, version ? " " : "", version ? version : "");
    return false;
}
