/* wokwi.toml (docs.wokwi.com/vscode/project-config): `firmware` and `elf` of the table [wokwi], paths from the folder
 * of the file. `firmware` is taken, `elf` when it is the only one. Of TOML there is what such files use: tables,
 * comments, and strings in one line, in quotes of either kind, without escapes. Any other key is left out.
 *
 * Without that file: the only UF2 file in the folder, or else the only ELF file. */
#include "emulator/project/project_firmware.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LINE_BYTES 1024

static char *skip_blanks(char *text) {
    while (isspace((unsigned char)*text)) {
        text++;
    }
    return text;
}

/* The text of a line `key = "text"`; NULL when it is another one. */
static const char *value_of(char *line, const char *key) {
    size_t length = strlen(key);
    line = skip_blanks(line);
    if (strncmp(line, key, length) != 0) {
        return NULL;
    }
    line = skip_blanks(line + length);
    if (*line != '=') {
        return NULL;
    }
    line = skip_blanks(line + 1);
    char quote = *line, *end = quote == '"' || quote == '\'' ? strchr(line + 1, quote) : NULL;
    if (!end) {
        return NULL;
    }
    *end = 0;
    return line + 1;
}

static void take_value(char *line, const char *key, char *ret_value) {
    char copy[LINE_BYTES];
    snprintf(copy, sizeof(copy), "%s", line);
    const char *value = value_of(copy, key);
    if (value && !*ret_value) {
        snprintf(ret_value, LINE_BYTES, "%s", value);
    }
}

static void read_toml(FILE *file, char *ret_firmware, char *ret_elf) {
    char line[LINE_BYTES];
    bool ours = false;
    *ret_firmware = *ret_elf = 0;
    while (fgets(line, sizeof(line), file)) {
        const char *text = skip_blanks(line);
        if (*text == '[') {
            ours = strncmp(text, "[wokwi]", 7) == 0;
        } else if (ours) {
            take_value(line, "firmware", ret_firmware);
            take_value(line, "elf", ret_elf);
        }
    }
}

static bool take_named(const char *folder, const char *toml, FILE *file, char *ret_path, size_t size,
                       struct error *error) {
    char firmware[LINE_BYTES], elf[LINE_BYTES];
    read_toml(file, firmware, elf);
    const char *named = firmware[0] ? firmware : elf;
    if (!named[0]) {
        return true;
    }
    bool fits = named[0] == '/' ? snprintf(ret_path, size, "%s", named) < (int)size
                                : snprintf(ret_path, size, "%s/%s", folder, named) < (int)size;
    if (!fits || access(ret_path, R_OK) != 0) {
        error_set(error, "%s: %s = \"%s\": %s; build it, or name an image with --firmware", toml,
                  firmware[0] ? "firmware" : "elf", named, fits ? strerror(errno) : "too long a path");
        return false;
    }
    return true;
}

static bool has_suffix(const char *name, const char *suffix) {
    size_t length = strlen(name), wanted = strlen(suffix);
    return length > wanted && strcasecmp(name + length - wanted, suffix) == 0;
}

/* How many files end so; *ret_name is one of them. */
static unsigned count_files(const char *folder, const char *suffix, char ret_name[LINE_BYTES]) {
    DIR *stream = opendir(folder);
    unsigned count = 0;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (entry->d_name[0] != '.' && has_suffix(entry->d_name, suffix)) {
            snprintf(ret_name, LINE_BYTES, "%s", entry->d_name);
            count++;
        }
    }
    if (stream) {
        closedir(stream);
    }
    return count;
}

static bool take_lying_there(const char *folder, char *ret_path, size_t size, struct error *error) {
    static const char *const suffixes[] = { ".uf2", ".elf" };
    for (unsigned i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char name[LINE_BYTES];
        unsigned count = count_files(folder, suffixes[i], name);
        if (count > 1) {
            error_set(error, "%s: %u files end in %s: name the image with --firmware", folder, count, suffixes[i]);
            return false;
        }
        if (count == 1) {
            bool fits = snprintf(ret_path, size, "%s/%s", folder, name) < (int)size;
            ret_path[0] = fits ? ret_path[0] : 0;
            return true;
        }
    }
    return true;
}

bool project_firmware_find(const char *folder, char *ret_path, size_t size, struct error *error) {
    char toml[LINE_BYTES];
    ret_path[0] = 0;
    snprintf(toml, sizeof(toml), "%s/wokwi.toml", folder);
    FILE *file = fopen(toml, "r");
    if (!file) {
        return take_lying_there(folder, ret_path, size, error);
    }
    bool ok = take_named(folder, toml, file, ret_path, size, error);
    fclose(file);
    return ok && (ret_path[0] || take_lying_there(folder, ret_path, size, error));
}
