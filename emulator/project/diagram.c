/* Wokwi's diagram format (docs.wokwi.com/diagram-format): an object with version 1, `parts` and `connections`.
 * Not taken over: author, editor, serialMonitor, dependencies and any other key. A connection is an array of two or
 * more: from, to, colour, moves. Attributes are texts there; numbers and booleans are taken as their text. A byte order
 * mark is skipped. */
#include "emulator/project/diagram.h"

#include "emulator/project/json_memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_JANSSON
#include <jansson.h>

/* ---- Parts ---- */
static double number_of(const json_t *object, const char *key, double limit, unsigned index,
                        struct findings *findings) {
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);
    if (value && !json_is_number(value)) {
        findings_add(findings, LOG_ERROR, "parts[%u]: %s is not a number (write it without quotation marks)", index,
                     key);
    }
    return number > limit ? limit : number < -limit ? -limit : number;
}

static char *text_of(const json_t *value) {
    char text[40];
    if (json_is_string(value)) {
        return strdup(json_string_value(value));
    }
    if (json_is_integer(value)) {
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    } else {
        snprintf(text, sizeof(text), "%.15g", json_number_value(value));
    }
    return strdup(json_is_true(value) ? "1" : json_is_false(value) ? "0" : text);
}

static void take_attributes(struct diagram_part *part, json_t *attrs, struct findings *findings) {
    if (!attrs) {
        return;
    }
    size_t count = json_object_size(attrs);
    part->attributes = calloc(count + 1, sizeof(*part->attributes));
    if (!json_is_object(attrs) || !part->attributes) {
        findings_add(findings, LOG_ERROR, "parts[%u] \"%s\": attrs is not an object", part->index, part->id);
        return;
    }
    const char *name;
    json_t *value;
    json_object_foreach(attrs, name, value) {
        char *text = json_is_object(value) || json_is_array(value) || json_is_null(value) ? NULL : text_of(value);
        if (!text) {
            findings_add(findings, LOG_ERROR, "parts[%u] \"%s\": the attribute \"%.60s\" is not a text", part->index,
                         part->id, name);
            continue;
        }
        part->attributes[part->attribute_count++] = (struct diagram_attribute){ .name = name, .text = text };
    }
}

static bool is_name(const char *text) {
    return text && *text && strlen(text) < DIAGRAM_PATH && !strchr(text, ':');
}

static void check_id(const struct diagram *diagram, const struct diagram_part *part, struct findings *findings) {
    for (unsigned i = 0; i < diagram->part_count; i++) {
        if (strcmp(diagram->parts[i].id, part->id) == 0) {
            findings_add(findings, LOG_ERROR, "parts[%u]: the id \"%s\" is parts[%u]'s already", part->index, part->id,
                         diagram->parts[i].index);
            return;
        }
    }
}

static void take_part(struct diagram *diagram, unsigned index, const json_t *object, struct findings *findings) {
    struct diagram_part part = {
        .index = index,
        .id = json_string_value(json_object_get(object, "id")),
        .type = json_string_value(json_object_get(object, "type")),
        .left = number_of(object, "left", 1e5, index, findings) * DIAGRAM_MM_PER_PIXEL,
        .top = number_of(object, "top", 1e5, index, findings) * DIAGRAM_MM_PER_PIXEL,
        .rotate = fmod(number_of(object, "rotate", 1e6, index, findings), 360),
        .hide = json_is_true(json_object_get(object, "hide")),
    };
    if (!is_name(part.id) || !part.type) {
        findings_add(findings, LOG_ERROR, "parts[%u]: needs an id (under %d letters, no colon) and a type, both texts",
                     index, DIAGRAM_PATH);
        return;
    }
    part.rotate += part.rotate < 0 ? 360 : 0;
    check_id(diagram, &part, findings);
    take_attributes(&part, json_object_get(object, "attrs"), findings);
    diagram->parts[diagram->part_count++] = part;
}

/* ---- Connections ---- */

/* "part:pin" */
static bool take_end(struct diagram_wire *wire, unsigned end, const json_t *value, struct findings *findings) {
    const char *text = json_string_value(value), *colon = text ? strchr(text, ':') : NULL;
    if (!colon || colon == text || !colon[1] || colon - text >= DIAGRAM_PATH || strlen(colon + 1) >= DIAGRAM_PATH) {
        findings_add(findings, LOG_ERROR, "connections[%u]: end %u is %s%.60s%s, not \"part:pin\"", wire->index,
                     end + 1, text ? "\"" : "", text ? text : "no text", text ? "\"" : "");
        return false;
    }
    snprintf(wire->part[end], DIAGRAM_PATH, "%.*s", (int)(colon - text), text);
    snprintf(wire->pin[end], DIAGRAM_PATH, "%s", colon + 1);
    return true;
}

/* "h10", "v-3.5"; "*" changes to the far end. What is none of these is layout all the same, and is left out. */
static void take_moves(struct diagram_wire *wire, const json_t *moves) {
    bool far = false;
    size_t index;
    json_t *value;
    json_array_foreach(moves, index, value) {
        const char *text = json_string_value(value);
        if (!text || wire->move_count == DIAGRAM_MOVES) {
            continue;
        }
        far |= text[0] == '*';
        if (text[0] == 'h' || text[0] == 'v') {
            double length = strtod(text + 1, NULL) * DIAGRAM_MM_PER_PIXEL;
            length = fabs(length) <= 1e5 ? length : 0;
            wire->moves[wire->move_count++] = (struct diagram_move){ .axis = text[0], .length = length };
            wire->from_start += !far;
        }
    }
}

static void take_wire(struct diagram *diagram, unsigned index, const json_t *array, struct findings *findings) {
    struct diagram_wire *wire = &diagram->wires[diagram->wire_count];
    wire->index = index;
    if (!json_is_array(array) || json_array_size(array) < 2) {
        findings_add(findings, LOG_ERROR, "connections[%u]: is not [\"part:pin\", \"part:pin\", \"colour\", [moves]]",
                     index);
        return;
    }
    const char *colour = json_string_value(json_array_get(array, 2));
    wire->colour = colour ? colour : "";
    wire->hidden = colour && !*colour;
    take_moves(wire, json_array_get(array, 3));
    bool from = take_end(wire, 0, json_array_get(array, 0), findings);
    bool to = take_end(wire, 1, json_array_get(array, 1), findings);
    if (from && to) {
        diagram->wire_count++;
    }
}

/* ---- The whole ---- */
static bool take_lists(struct diagram *diagram, json_t *parts, json_t *wires, struct findings *findings) {
    size_t part_count = json_array_size(parts), wire_count = json_array_size(wires);
    if (part_count > DIAGRAM_PARTS || wire_count > DIAGRAM_WIRES) {
        findings_add(findings, LOG_ERROR, "more than %d parts or %d connections", DIAGRAM_PARTS, DIAGRAM_WIRES);
        return false;
    }
    diagram->parts = calloc(part_count + 1, sizeof(*diagram->parts));
    diagram->wires = calloc(wire_count + 1, sizeof(*diagram->wires));
    if (!diagram->parts || !diagram->wires) {
        findings_add(findings, LOG_ERROR, "out of memory");
        return false;
    }
    for (unsigned i = 0; i < part_count; i++) {
        take_part(diagram, i, json_array_get(parts, i), findings);
    }
    for (unsigned i = 0; i < wire_count; i++) {
        take_wire(diagram, i, json_array_get(wires, i), findings);
    }
    return true;
}

static bool take_root(struct diagram *diagram, json_t *root, struct findings *findings) {
    json_t *version = json_object_get(root, "version");
    json_t *parts = json_object_get(root, "parts"), *wires = json_object_get(root, "connections");
    if (!json_is_object(root)) {
        findings_add(findings, LOG_ERROR, "is not a JSON object");
        return false;
    }
    if (version && json_number_value(version) != 1) {
        findings_add(findings, LOG_ERROR, "version: only version 1 of the format is known");
    }
    if (!json_is_array(parts) || (wires && !json_is_array(wires))) {
        findings_add(findings, LOG_ERROR, "%s is not a list", json_is_array(parts) ? "connections" : "parts");
        return false;
    }
    return take_lists(diagram, parts, wires, findings);
}

bool diagram_parse(struct diagram *diagram, const char *text, size_t size, struct findings *findings) {
    *diagram = (struct diagram){ 0 };
    unsigned errors = findings->errors;
    json_error_t error;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark, as some editors put it */
        text += 3;
        size -= 3;
    }
    unsigned failures = json_memory_failures();
    json_t *root = json_loadb(text, size, 0, &error);
    diagram->root = root;
    if (!root) {
        if (json_memory_failures() != failures) {
            findings_add(findings, LOG_ERROR, "out of memory");
        } else {
            findings_add(findings, LOG_ERROR, "line %d, column %d: %s", error.line, error.column, error.text);
        }
        return false;
    }
    return take_root(diagram, root, findings) && findings->errors == errors;
}

static void release(void *root) {
    json_decref(root);
}

#else

bool diagram_parse(struct diagram *diagram, const char *text, size_t size, struct findings *findings) {
    *diagram = (struct diagram){ 0 };
    findings_add(findings, LOG_ERROR, "this ouroboard was built without jansson and cannot read diagrams");
    return false;
}

static void release(void *root) {
}

#endif

void diagram_finish(struct diagram *diagram) {
    for (unsigned i = 0; diagram->parts && i < diagram->part_count; i++) {
        for (unsigned k = 0; k < diagram->parts[i].attribute_count; k++) {
            free(diagram->parts[i].attributes[k].text);
        }
        free(diagram->parts[i].attributes);
    }
    free(diagram->parts);
    free(diagram->wires);
    release(diagram->root);
    *diagram = (struct diagram){ 0 };
}
