/* Breakpoints: which line of which file, under which condition. They are kept by file of the drive, so that they
 * outlive every reload of the program. */
#include "emulator/dap/dap_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LINES 100000
#define MOST_CODES 65536

/* ---- Files ---- */

static const char *folder_of(const struct dap *dap) {
    return dap->desc.folder ? dap->desc.folder : session_folder(dap->session);
}

/* The firmware calls the same file "code.py" and "/code.py". */
static const char *without_slash(const char *file) {
    return *file == '/' ? file + 1 : file;
}

/* The part of a path behind the drive's folder; NULL when it is not in there. */
static const char *inside_folder(const char *folder, const char *path) {
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/') {
        length--;
    }
    return strncmp(path, folder, length) == 0 && path[length] == '/' ? path + length + 1 : NULL;
}

/* The client's path may lead there by links, the session's too. */
static bool find_inside(const struct dap *dap, const char *path, char ret_inside[DAP_PATH]) {
    const char *folder = folder_of(dap);
    const char *inside = folder ? inside_folder(folder, path) : NULL;
    char *real_folder = folder && !inside ? realpath(folder, NULL) : NULL;
    char *real_path = real_folder ? realpath(path, NULL) : NULL;
    inside = real_path ? inside_folder(real_folder, real_path) : inside;
    bool fits = inside && strlen(inside) < DAP_PATH;
    if (fits) {
        strcpy(ret_inside, inside);
    }
    free(real_folder);
    free(real_path);
    return fits;
}

bool dap_source_path(struct dap *dap, const char *file, char ret_path[DAP_PATH]) {
    const char *folder = folder_of(dap), *inside = without_slash(file);
    for (struct dap_file *each = dap->files; each; each = each->next) {
        if (strcmp(each->inside, inside) == 0) {
            strcpy(ret_path, each->path);
            return true;
        }
    }
    char *real = folder ? realpath(folder, NULL) : NULL;
    int length = real && *inside ? snprintf(ret_path, DAP_PATH, "%s/%s", real, inside) : DAP_PATH;
    free(real);
    FILE *there = length < DAP_PATH ? fopen(ret_path, "re") : NULL;
    if (there) {
        fclose(there);
    }
    return there != NULL;
}

void dap_forget_codes(struct dap *dap) {
    free(dap->file_of);
    dap->file_of = NULL;
    dap->known_files = 0;
}

/* Stands for a code whose file has not been looked up since the last change. */
static struct dap_file not_looked_up;

/* A module in lib is "lib/helper.py" on the drive, and the firmware may call it by its name alone. */
static struct dap_file *look_up_file(struct dap *dap, const char *name) {
    const char *inside = without_slash(name);
    size_t length = strlen(inside);
    for (struct dap_file *file = dap->files; file; file = file->next) {
        size_t all = strlen(file->inside);
        bool ends = length && all > length && file->inside[all - length - 1] == '/';
        bool is_lib = ends && strncmp(file->inside, "lib/", 4) == 0 && all == length + 4;
        if (strcmp(file->inside, inside) == 0 || (is_lib && strcmp(file->inside + 4, inside) == 0)) {
            return file;
        }
    }
    return NULL;
}

static bool make_room_for_code(struct dap *dap, unsigned id) {
    if (id < dap->known_files) {
        return true;
    }
    unsigned count = 2 * id + 64;
    struct dap_file **files = id < MOST_CODES ? realloc(dap->file_of, count * sizeof(*files)) : NULL;
    if (!files) {
        return false;
    }
    for (unsigned i = dap->known_files; i < count; i++) {
        files[i] = &not_looked_up;
    }
    dap->file_of = files;
    dap->known_files = count;
    return true;
}

struct dap_file *dap_file_of(struct dap *dap, const struct python_code *code) {
    if (!make_room_for_code(dap, code->id)) {
        return look_up_file(dap, code->file);
    }
    struct dap_file **file = &dap->file_of[code->id];
    if (*file == &not_looked_up) {
        *file = look_up_file(dap, code->file);
    }
    return *file;
}

/* ---- Points ---- */

static void free_points(struct dap_file *file) {
    for (unsigned i = 0; i < file->count; i++) {
        free(file->points[i].condition);
        free(file->points[i].log);
    }
    free(file->points);
    file->points = NULL;
    file->count = 0;
}

void dap_forget_points(struct dap *dap) {
    while (dap->files) {
        struct dap_file *file = dap->files;
        dap->files = file->next;
        free_points(file);
        free(file);
    }
    dap_forget_codes(dap);
}

static struct dap_file *file_for(struct dap *dap, const char *path, const char *inside) {
    struct dap_file *file = dap->files;
    while (file && strcmp(file->inside, inside) != 0) {
        file = file->next;
    }
    if (!file) {
        file = calloc(1, sizeof(*file));
        if (!file) {
            return NULL;
        }
        strcpy(file->inside, inside);
        file->next = dap->files;
        dap->files = file;
    }
    strcpy(file->path, path);
    free_points(file);
    return file;
}

/* Lines without code: empty ones and those with a comment alone. */
static bool has_code(const char *line) {
    line += strspn(line, " \t\r\n");
    return *line && *line != '#';
}

/* The first line from `line` on that has code; 0: there is none. */
static unsigned line_with_code(const char *path, unsigned line) {
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    unsigned number = 0, found = 0;
    while (file && !found && number < MOST_LINES && getline(&text, &room, file) >= 0) {
        found = ++number >= line && has_code(text) ? number : 0;
    }
    free(text);
    if (file) {
        fclose(file);
    }
    return found;
}

/* "5", ">= 5", "% 2" of a hit condition. */
static bool parse_hits(struct dap_point *point, const char *text) {
    static const char *const operators[] = { "==", ">=", "<=", ">", "<", "%" };
    char *end;
    text += strspn(text, " ");
    strcpy(point->hit_operator, "==");
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (strncmp(text, operators[i], strlen(operators[i])) == 0) {
            strcpy(point->hit_operator, operators[i]);
            text += strlen(operators[i]);
            break;
        }
    }
    unsigned long count = strtoul(text, &end, 10);
    point->hit_count = (unsigned)count;
    return end > text && !end[strspn(end, " ")] && count && count <= UINT_MAX;
}

static char *copy_of(const char *text) {
    return text && *text ? strdup(text) : NULL;
}

/* What the client is told of one; `why` is not empty when it cannot be. */
static json_t *describe_point(const struct dap *dap, const struct dap_point *point, const char *why) {
    json_t *told = json_pack("{s:i, s:b, s:i}", "id", (int)point->id, "verified", !*why, "line",
                             (int)point->line - dap->lines_from_0);
    if (*why) {
        json_object_set_new(told, "message", json_string(why));
    }
    return told;
}

static json_t *add_point(struct dap *dap, struct dap_file *file, json_t *wanted) {
    struct dap_point *point = &file->points[file->count];
    const char *hits = dap_text(wanted, "hitCondition"), *why = "";
    json_int_t line = dap_number(wanted, "line") + dap->lines_from_0;
    *point = (struct dap_point){ .id = ++dap->last_point, .line = line > 0 && line < MOST_LINES ? (unsigned)line : 0 };
    unsigned real = point->line ? line_with_code(file->path, point->line) : 0;
    if (!real) {
        why = "there is no code from this line on";
    } else if (hits && *hits && !parse_hits(point, hits)) {
        why = "a hit condition is a number, or one behind ==, >=, >, <=, < or %";
    } else {
        point->line = real;
        point->condition = copy_of(dap_text(wanted, "condition"));
        point->log = copy_of(dap_text(wanted, "logMessage"));
        file->count++;
    }
    return describe_point(dap, point, why);
}

/* Breakpoints that the drive has no place for are told to be none. */
static void refuse_points(struct dap *dap, json_t *wanted, json_t *told) {
    size_t index;
    json_t *each;
    json_array_foreach(wanted, index, each) {
        struct dap_point point = { .id = ++dap->last_point, .line = (unsigned)dap_number(each, "line") };
        json_array_append_new(told, describe_point(dap, &point, "the file is not on the board's drive"));
    }
}

bool dap_set_breakpoints(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    const char *path = dap_text(json_object_get(arguments, "source"), "path");
    json_t *wanted = json_object_get(arguments, "breakpoints"), *told = json_array();
    char inside[DAP_PATH];
    size_t index;
    json_t *each;
    json_object_set_new(body, "breakpoints", told);
    if (!path || strlen(path) >= DAP_PATH || !find_inside(dap, path, inside)) {
        refuse_points(dap, wanted, told);
        return true;
    }
    struct dap_file *file = file_for(dap, path, inside);
    if (file) {
        file->points = calloc(json_array_size(wanted) + 1, sizeof(*file->points));
    }
    if (!file || !file->points) {
        error_set(error, "out of memory");
        return false;
    }
    json_array_foreach(wanted, index, each) {
        json_array_append_new(told, add_point(dap, file, each));
    }
    dap_forget_codes(dap);
    dap_choose_tracing(dap);
    return true;
}

bool dap_set_exceptions(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    size_t index;
    json_t *each;
    dap->on_raised = dap->on_uncaught = false;
    json_array_foreach(json_object_get(arguments, "filters"), index, each) {
        const char *filter = json_string_value(each);
        dap->on_raised |= filter && strcmp(filter, "raised") == 0;
        dap->on_uncaught |= filter && strcmp(filter, "uncaught") == 0;
    }
    dap_choose_tracing(dap);
    return true;
}

/* ---- As the program runs ---- */

static bool counts_as_hit(const struct dap_point *point) {
    unsigned hits = point->hits, count = point->hit_count;
    const char *operator= point->hit_operator;
    return !*operator                    ? true
           : strcmp(operator, "==") == 0 ? hits == count
           : strcmp(operator, ">=") == 0 ? hits >= count
           : strcmp(operator, "<=") == 0 ? hits <= count
           : *operator== '>'             ? hits > count
           : * operator== '<'            ? hits < count
                                         : hits % count == 0;
}

/* A condition that cannot be worked out stops, so that its author sees why. */
static bool holds(struct dap *dap, const struct dap_point *point, const struct python_frame *frame) {
    struct dap_value value;
    struct error error;
    char line[sizeof(error.message) + 64];
    if (!point->condition) {
        return true;
    }
    if (dap_evaluate(dap->python, frame, point->condition, &value, &error)) {
        return dap_is_true(dap->python, &value);
    }
    int length = snprintf(line, sizeof(line), "line %u: condition: %s\n", point->line, error.message);
    dap_output(dap, "console", line, (size_t)length);
    return true;
}

/* The value of an expression in a log point's braces, or why there is none. */
static void write_expression(struct dap *dap, const struct python_frame *frame, const char *expression, FILE *out) {
    struct dap_value value;
    struct error error;
    char text[DAP_TEXT];
    if (!dap_evaluate(dap->python, frame, expression, &value, &error)) {
        fprintf(out, "{%s}", error.message);
    } else if (value.kind == DAP_STRING) {
        fputs(value.text, out);
    } else {
        dap_value_text(dap->python, &value, text, sizeof(text));
        fputs(text, out);
    }
}

static void say_log(struct dap *dap, const char *log, const struct python_frame *frame) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    while (out && *log) {
        const char *end = *log == '{' ? strchr(log, '}') : NULL;
        if (!end) {
            fputc(*log++, out);
            continue;
        }
        char *expression = strndup(log + 1, (size_t)(end - log - 1));
        if (expression) {
            write_expression(dap, frame, expression, out);
        }
        free(expression);
        log = end + 1;
    }
    if (out) {
        fputc('\n', out);
        fclose(out);
        dap_output(dap, "console", text, size);
    }
    free(text);
}

struct dap_point *dap_point_at(struct dap *dap, struct dap_file *file, const struct python_frame *frame) {
    struct dap_point *stops = NULL;
    for (unsigned i = 0; i < file->count; i++) {
        struct dap_point *point = &file->points[i];
        if (point->line != frame->line || !holds(dap, point, frame)) {
            continue;
        }
        point->hits++;
        if (!counts_as_hit(point)) {
            continue;
        }
        if (point->log) {
            say_log(dap, point->log, frame);
        } else {
            stops = point;
        }
    }
    return stops;
}
