/* What is taken over from a diagram: see docs/projects.md. Wires are ideal. Supplies are levels: GND is low, 3V3 and
 * 5V are high; nobody measures their current. A part without supply wires works all the same.
 *
 * Attributes that are only layout or meant for other programs are left out for parts that do not know them. */
#include "emulator/project/project.h"

#include "emulator/machine.h"
#include "emulator/project/private.h"
#include "peripherals/parts/part_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DIAGRAM_BYTES (4u << 20)

/* ---- Parts and board ---- */
static const struct board *choose_board(const struct diagram_part *from, const char *wanted, struct error *error) {
    const char *id = wanted ? wanted : board_type_id(from->type);
    return board_find(id ? id : from->type, error);
}

static void take_board(struct project *project, struct project_part *part, const char *wanted,
                       struct findings *findings) {
    if (project->board) {
        findings_add(findings, LOG_ERROR, "parts[%u] \"%s\": a second board; one board a project is supported",
                     part->from->index, part->from->id);
        return;
    }
    struct error error = { "out of memory" };
    project->board = choose_board(part->from, wanted, &error);
    project->board_class = project->board ? malloc(sizeof(*project->board_class)) : NULL;
    if (!project->board_class) {
        findings_add(findings, LOG_ERROR, "%s", error.message);
        return;
    }
    board_class_init(project->board_class, project->board);
    part->class = &project->board_class->class;
    part->is_board = true;
}

static void unknown_type(const struct diagram_part *from, struct findings *findings) {
    const char *part = part_nearest_type(from->type), *board = board_nearest_type(from->type);
    struct nearest nearest;
    nearest_init(&nearest, from->type);
    if (strncmp(from->type, "board-", 6) == 0 && !board) {
        nearest.distance = 100;
    }
    nearest_offer(&nearest, part);
    nearest_offer(&nearest, board);
    if (nearest.name) {
        findings_add(findings, LOG_ERROR, "parts[%u] \"%s\": unknown part type \"%s\"; did you mean \"%s\"?",
                     from->index, from->id, from->type, nearest.name);
    } else {
        findings_add(findings, LOG_ERROR,
                     "parts[%u] \"%s\": unknown part type \"%s\" (`ouroboard parts` lists all; boards are "
                     "\"board-\" and an id of `ouroboard boards`)",
                     from->index, from->id, from->type);
    }
}

static bool is_layout(const char *name) {
    static const char *const names[] = { "flip", "xray", "key", "label", "labels", "lightColor", "fps", "gamma" };
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct part_class *class, const char *name) {
    return part_attribute_find(class, name) >= 0 || part_control_find(class, name) >= 0;
}

static void take_pull_ups(struct project_part *part, const char *text, struct findings *findings) {
    static const struct part_attribute pull_ups = { "pullups", PART_FLAG };
    struct error error;
    double wanted;
    if (!part_parse(&pull_ups, text, &wanted, &error)) {
        findings_add(findings, LOG_ERROR, "parts[%u]: %s: %s", part->from->index, part->from->id, error.message);
    }
    part->no_pull_ups = wanted == 0;
}

/* What is neither the class's nor the project's own is layout or a mistake. */
static void take_attributes(struct project_part *part, struct findings *findings) {
    const struct diagram_part *from = part->from;
    for (unsigned i = 0; i < from->attribute_count; i++) {
        const char *name = from->attributes[i].name, *text = from->attributes[i].text;
        if (is_known(part->class, name) || is_layout(name)) {
            continue;
        }
        if (strcmp(name, "pullups") == 0) {
            take_pull_ups(part, text, findings);
            continue;
        }
        const char *nearest = part_nearest_attribute(part->class, name);
        findings_add(findings, LOG_ERROR, "parts[%u] \"%s\" (%s) has no attribute \"%s\"%s%s%s", from->index, from->id,
                     from->type, name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                     nearest ? "\"?" : "");
    }
}

static void take_part(struct project *project, const struct diagram_part *from, const char *wanted,
                      struct findings *findings) {
    struct project_part *part = &project->parts[project->part_count++];
    part->from = from;
    if (board_type_id(from->type)) {
        take_board(project, part, wanted, findings);
    } else {
        part->class = part_class_find(from->type);
        if (!part->class) {
            unknown_type(from, findings);
        }
    }
    if (part->class) {
        take_attributes(part, findings);
    }
}

/* ---- Wires ---- */
static int find_part(const struct project *project, const char *id) {
    for (unsigned i = 0; i < project->part_count; i++) {
        if (strcmp(project->parts[i].from->id, id) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static const char *nearest_part(const struct project *project, const char *id) {
    struct nearest nearest;
    nearest_init(&nearest, id);
    for (unsigned i = 0; i < project->part_count; i++) {
        nearest_offer(&nearest, project->parts[i].from->id);
    }
    return nearest.name;
}

static void unknown_name(struct findings *findings, enum log_level level, unsigned wire, const char *what,
                         const char *name, const char *nearest) {
    findings_add(findings, level, "connections[%u]: no %s \"%s\"%s%s%s", wire, what, name,
                 nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static bool take_console_end(struct project_wire *wire, unsigned end, struct findings *findings) {
    const char *pin = wire->from->pin[end];
    wire->part[end] = PROJECT_CONSOLE;
    if (strcmp(pin, "RX") != 0 && strcmp(pin, "TX") != 0) {
        unknown_name(findings, LOG_ERROR, wire->from->index, "pin", pin, "$serialMonitor:RX\" or \"$serialMonitor:TX");
        return false;
    }
    return true;
}

static bool take_end(struct project *project, struct project_wire *wire, unsigned end, struct findings *findings) {
    const char *id = wire->from->part[end], *pin = wire->from->pin[end];
    if (strcmp(id, "$serialMonitor") == 0) {
        return take_console_end(wire, end, findings);
    }
    int index = find_part(project, id);
    if (index < 0) { /* left over from editing: the rest of the diagram is as good as before */
        unknown_name(findings, LOG_WARN, wire->from->index, "part", id, nearest_part(project, id));
        return false;
    }
    const struct project_part *part = &project->parts[index];
    if (!part->class) {
        return false; /* that has been said */
    }
    int number = part->is_board ? board_class_pin(project->board_class, pin) : part_pin_find(part->class, pin);
    if (number < 0) {
        char what[DIAGRAM_PATH * 2 + 40];
        snprintf(what, sizeof(what), "pin of \"%s\" (%s)", id, part->class->type);
        unknown_name(findings, LOG_ERROR, wire->from->index, what, pin,
                     part->is_board ? board_class_nearest_pin(project->board_class, pin)
                                    : part_nearest_pin(part->class, pin));
        return false;
    }
    if (part->is_board && board_class_is_radio_pin(project->board_class, pin)) {
        findings_add(findings, LOG_WARN, "connections[%u]: %s:%s leads to the radio chip: its pins are not modelled",
                     wire->from->index, id, pin);
    }
    wire->part[end] = (uint32_t)index;
    wire->pin[end] = (unsigned)number;
    return true;
}

static void take_wire(struct project *project, const struct diagram_wire *from, struct findings *findings) {
    struct project_wire wire = { .from = from };
    bool from_known = take_end(project, &wire, 0, findings), to_known = take_end(project, &wire, 1, findings);
    if (from_known && to_known) {
        project->wires[project->wire_count++] = wire;
    }
}

static bool is_wired(const struct project *project, unsigned part) {
    for (unsigned i = 0; i < project->wire_count; i++) {
        if (project->wires[i].part[0] == part || project->wires[i].part[1] == part) {
            return true;
        }
    }
    return false;
}

static void check_wired(const struct project *project, struct findings *findings) {
    for (unsigned i = 0; i < project->part_count; i++) {
        const struct project_part *part = &project->parts[i];
        if (part->class && !part->is_board && part_pin_count(part->class) && !is_wired(project, i)) {
            findings_add(findings, LOG_WARN, "parts[%u] \"%s\" (%s) is wired to nothing", part->from->index,
                         part->from->id, part->from->type);
        }
    }
}

/* ---- Reading ---- */
static bool resolve(struct project *project, const char *board, struct findings *findings) {
    const struct diagram *diagram = &project->diagram;
    project->parts = calloc(diagram->part_count + 1, sizeof(*project->parts));
    project->wires = calloc(diagram->wire_count + 1, sizeof(*project->wires));
    if (!project->parts || !project->wires) {
        findings_add(findings, LOG_ERROR, "out of memory");
        return false;
    }
    for (unsigned i = 0; i < diagram->part_count; i++) {
        take_part(project, &diagram->parts[i], board, findings);
    }
    for (unsigned i = 0; i < diagram->wire_count; i++) {
        take_wire(project, &diagram->wires[i], findings);
    }
    if (!project->board && !findings->errors) {
        findings_add(findings, LOG_ERROR,
                     "no board among the parts: add one, such as {\"id\": \"pico\", "
                     "\"type\": \"wokwi-pi-pico\"}");
    }
    if (!findings->errors) {
        check_wired(project, findings);
    }
    return findings->errors == 0;
}

bool project_read_text(struct project *project, const char *text, size_t size, const char *board,
                       struct findings *findings) {
    *project = (struct project){ 0 };
    bool parsed = diagram_parse(&project->diagram, text, size, findings);
    return parsed && resolve(project, board, findings);
}

static char *read_file(const char *path, size_t *ret_size, struct findings *findings) {
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(DIAGRAM_BYTES + 1) : NULL;
    if (!file || !text) {
        findings_add(findings, LOG_ERROR, "%s", strerror(errno));
    } else {
        *ret_size = fread(text, 1, DIAGRAM_BYTES + 1, file);
        if (ferror(file) || *ret_size > DIAGRAM_BYTES) {
            const char *why = !ferror(file)     ? "is over 4 MB"
                              : errno == EISDIR ? "is a folder, not a diagram; name the file"
                                                : strerror(errno);
            findings_add(findings, LOG_ERROR, "%s", why);
            free(text);
            text = NULL;
        }
    }
    if (file) {
        fclose(file);
    }
    return text;
}

static bool is_diagram_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return strcmp(slash ? slash + 1 : path, "diagram.json") == 0;
}

/* DIR or DIR/diagram.json to both. */
static bool find_paths(const char *path, char *folder, char *diagram) {
    struct stat status;
    const char *slash = strrchr(path, '/');
    if (strlen(path) > PROJECT_PATH - 32) {
        return false;
    }
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) && !is_diagram_name(path)) {
        snprintf(folder, PROJECT_PATH, "%s", path);
        snprintf(diagram, PROJECT_PATH, "%s%sdiagram.json", path, slash && !slash[1] ? "" : "/");
        if (stat(diagram, &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
            diagram[0] = 0;
        }
        return true;
    }
    snprintf(diagram, PROJECT_PATH, "%s", path);
    snprintf(folder, PROJECT_PATH, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (slash == path) {
        snprintf(folder, PROJECT_PATH, "/");
    }
    return true;
}

bool project_read(struct project *project, const char *path, const char *board, struct findings *findings) {
    char folder[PROJECT_PATH] = "", diagram[PROJECT_PATH] = "";
    *project = (struct project){ 0 };
    findings->file = path;
    if (!find_paths(path, folder, diagram)) {
        findings_add(findings, LOG_ERROR, "too long a path");
        return false;
    }
    snprintf(project->folder, PROJECT_PATH, "%s", folder);
    if (!diagram[0]) {
        return true;
    }
    snprintf(project->diagram_path, PROJECT_PATH, "%s", diagram);
    findings->file = project->diagram_path;
    size_t size;
    char *text = read_file(diagram, &size, findings);
    bool ok = text && diagram_parse(&project->diagram, text, size, findings) && resolve(project, board, findings);
    free(text);
    return ok;
}

void project_name(const struct project *project, char *ret_name, size_t size) {
    char *real = project->folder[0] ? realpath(project->folder, NULL) : NULL;
    const char *slash = real ? strrchr(real, '/') : NULL;
    snprintf(ret_name, size, "%s", slash && slash[1] ? slash + 1 : project->folder);
    free(real);
}

bool project_plain(struct project *project, const struct board *board, struct findings *findings) {
    struct diagram_part *part = calloc(1, sizeof(*part));
    if (part) {
        *part = (struct diagram_part){ .id = "board", .type = "board-pi-pico" };
        project->diagram.parts = part;
        project->diagram.part_count = 1;
    }
    return resolve(project, board->id, findings);
}

/* ---- Finding ---- */
struct project_part *project_find(const struct project *project, const char *id, struct error *error) {
    int index = find_part(project, id);
    if (index >= 0) {
        return &project->parts[index];
    }
    const char *nearest = nearest_part(project, id);
    error_set(error, "the project has no part \"%s\"%s%s%s", id, nearest ? "; did you mean \"" : "",
              nearest ? nearest : "", nearest ? "\"?" : "");
    return NULL;
}

int project_part_pin(const struct project *project, const struct project_part *part, const char *pin,
                     struct error *error) {
    int number = part->is_board ? board_class_pin(project->board_class, pin) : part_pin_find(part->class, pin);
    if (number < 0) {
        const char *nearest =
            part->is_board ? board_class_nearest_pin(project->board_class, pin) : part_nearest_pin(part->class, pin);
        error_set(error, "part \"%s\" (%s) has no pin \"%s\"%s%s%s", part->from->id, part->class->type, pin,
                  nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    }
    return number;
}

const struct part_face *project_part_face(const struct project_part *part) {
    return part->part ? &part->part->face : &part->class->face;
}

const char *project_board_attribute(const struct project *project, const char *name) {
    for (unsigned i = 0; i < project->part_count; i++) {
        const struct diagram_part *from = project->parts[i].from;
        for (unsigned k = 0; project->parts[i].is_board && k < from->attribute_count; k++) {
            if (strcmp(from->attributes[k].name, name) == 0) {
                return from->attributes[k].text;
            }
        }
    }
    return "";
}

void project_finish(struct project *project) {
    project_tear_down(project);
    for (unsigned i = 0; project->parts && i < project->part_count; i++) {
        free(project->parts[i].nets);
    }
    free(project->parts);
    free(project->wires);
    free(project->board_class);
    diagram_finish(&project->diagram);
    *project = (struct project){ 0 };
}
