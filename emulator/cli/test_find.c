/* Finding scenarios: `scenario.yaml` and `*.scenario.yaml` in folders, sorted. Hidden folders and what symbolic links
 * lead to are left out. */
#include "emulator/cli/test.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 16

struct found {
    char **paths;
    unsigned count;
};

static bool cannot_search(const char *path, int why) {
    fprintf(stderr, "ouroboard: %s: %s\n", path, strerror(why));
    return false;
}

static bool add_path(struct found *found, const char *path) {
    char **paths = realloc(found->paths, (found->count + 1) * sizeof(*paths)), *copy = strdup(path);
    found->paths = paths ? paths : found->paths;
    if (!paths || !copy) {
        free(copy);
        return cannot_search(path, ENOMEM);
    }
    paths[found->count++] = copy;
    return true;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool is_scenario(const char *name) {
    return strcmp(name, "scenario.yaml") == 0 || fnmatch("*.scenario.yaml", name, 0) == 0;
}

static bool search_folder(struct found *found, const char *folder, unsigned depth);

static bool search_entry(struct found *found, const char *folder, const char *name, unsigned depth) {
    char path[4096];
    struct stat status;
    const char *here = strcmp(folder, ".") == 0 ? "" : folder;
    int length = snprintf(path, sizeof(path), "%s%s%s", here, *here && here[strlen(here) - 1] != '/' ? "/" : "", name);
    if (length >= (int)sizeof(path)) {
        return true;
    }
    if (lstat(path, &status) != 0) {
        return errno == ENOENT || cannot_search(path, errno);
    }
    if (S_ISDIR(status.st_mode)) {
        return depth >= DEPTH_MAX || search_folder(found, path, depth + 1);
    }
    return !S_ISREG(status.st_mode) || !is_scenario(name) || add_path(found, path);
}

static bool search_folder(struct found *found, const char *folder, unsigned depth) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);
    bool ok = count >= 0 || errno == ENOENT || cannot_search(folder, errno);
    for (int i = 0; i < count; i++) {
        ok = ok && search_entry(found, folder, entries[i]->d_name, depth);
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return ok;
}

bool test_find(const char *path, char ***ret_paths, unsigned *ret_count) {
    struct found found = { 0 };
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "ouroboard: %s: %s\n", path, strerror(errno));
        return false;
    }
    bool is_folder = S_ISDIR(status.st_mode);
    bool ok = is_folder ? search_folder(&found, path, 0) : add_path(&found, path);
    if (ok && !found.count) {
        fprintf(stderr, "ouroboard: %s: there is no scenario.yaml and no *.scenario.yaml in it\n", path);
        ok = false;
    }
    *ret_paths = found.paths;
    *ret_count = found.count;
    return ok;
}
