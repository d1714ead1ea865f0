/* libyaml's document as nodes. It resolves aliases by sharing nodes, so that a list may hold itself: whoever goes down
 * limits the depth. */
#include "emulator/scenario/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct yaml_file {
    yaml_document_t document;
};

static const yaml_node_t *yaml_node_of(const struct node *node) {
    return (const yaml_node_t *)node;
}

static const struct node *node_of(const yaml_node_t *node) {
    return (const struct node *)node;
}

static struct scenario_mark mark_of(const yaml_mark_t *mark) {
    return (struct scenario_mark){ (unsigned)mark->line + 1, (unsigned)mark->column + 1 };
}

/* ---- Mistakes ---- */

void mistake(const struct mistakes *mistakes, struct scenario_mark mark, const char *format, ...) {
    char place[400], text[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(place, sizeof(place), "%.250s:%u:%u", mistakes->path, mark.line, mark.column);
    const char *file = mistakes->findings->file;
    mistakes->findings->file = place;
    findings_add(mistakes->findings, LOG_ERROR, "%s", text);
    mistakes->findings->file = file;
}

static void say_parser_error(const yaml_parser_t *parser, const struct mistakes *mistakes) {
    const char *problem = parser->problem ? parser->problem : "out of memory";
    struct scenario_mark mark = mark_of(&parser->problem_mark);
    if (parser->error == YAML_READER_ERROR) {
        mistake(mistakes, (struct scenario_mark){ 1, 1 }, "%s (at byte %zu); scenarios are UTF-8 text", problem,
                parser->problem_offset);
    } else {
        mistake(mistakes, mark, "%s%s%s", parser->context ? parser->context : "", parser->context ? ": " : "", problem);
    }
}

/* ---- Files ---- */

/* Whether another document follows. */
static bool is_last(yaml_parser_t *parser, const struct mistakes *mistakes) {
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        say_parser_error(parser, mistakes);
        return false;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&next);
    if (root) {
        mistake(mistakes, mark_of(&root->start_mark), "a second document; a scenario is one");
    }
    yaml_document_delete(&next);
    return !root;
}

static bool load_document(yaml_parser_t *parser, struct yaml_file *file, const struct mistakes *mistakes) {
    if (!yaml_parser_load(parser, &file->document)) {
        say_parser_error(parser, mistakes);
        return false;
    }
    bool empty = !yaml_document_get_root_node(&file->document);
    if (empty) {
        mistake(mistakes, (struct scenario_mark){ 1, 1 }, "is empty; a scenario has at least steps");
    }
    if (empty || !is_last(parser, mistakes)) {
        yaml_document_delete(&file->document);
        return false;
    }
    return true;
}

struct yaml_file *yaml_file_parse(const char *text, size_t size, const struct mistakes *mistakes) {
    yaml_parser_t parser;
    struct yaml_file *file = calloc(1, sizeof(*file));
    if (!file || !yaml_parser_initialize(&parser)) {
        mistake(mistakes, (struct scenario_mark){ 1, 1 }, "out of memory");
        free(file);
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    bool ok = load_document(&parser, file, mistakes);
    yaml_parser_delete(&parser);
    if (!ok) {
        free(file);
        return NULL;
    }
    return file;
}

void yaml_file_close(struct yaml_file *file) {
    if (file) {
        yaml_document_delete(&file->document);
        free(file);
    }
}

const struct node *yaml_file_root(struct yaml_file *file) {
    return node_of(yaml_document_get_root_node(&file->document));
}

/* ---- Nodes ---- */

enum node_kind node_kind(const struct node *node) {
    yaml_node_type_t type = yaml_node_of(node)->type;
    return type == YAML_SEQUENCE_NODE ? NODE_LIST : type == YAML_MAPPING_NODE ? NODE_MAP : NODE_SCALAR;
}

struct scenario_mark node_mark(const struct node *node) {
    return mark_of(&yaml_node_of(node)->start_mark);
}

const char *node_text(const struct node *node, size_t *ret_length) {
    const yaml_node_t *scalar = yaml_node_of(node);
    if (scalar->type != YAML_SCALAR_NODE) {
        *ret_length = 0;
        return "";
    }
    *ret_length = scalar->data.scalar.length;
    return (const char *)scalar->data.scalar.value;
}

bool node_is_plain(const struct node *node) {
    return node_kind(node) == NODE_SCALAR && yaml_node_of(node)->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool node_is_null(const struct node *node) {
    size_t length;
    const char *text = node_text(node, &length);
    return node_is_plain(node) && (!length || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0);
}

unsigned node_count(const struct node *node) {
    const yaml_node_t *list = yaml_node_of(node);
    return list->type == YAML_SEQUENCE_NODE
               ? (unsigned)(list->data.sequence.items.top - list->data.sequence.items.start)
           : list->type == YAML_MAPPING_NODE ? (unsigned)(list->data.mapping.pairs.top - list->data.mapping.pairs.start)
                                             : 0;
}

const struct node *node_item(struct yaml_file *file, const struct node *node, unsigned index) {
    return node_of(yaml_document_get_node(&file->document, yaml_node_of(node)->data.sequence.items.start[index]));
}

const struct node *node_key(struct yaml_file *file, const struct node *node, unsigned index) {
    return node_of(yaml_document_get_node(&file->document, yaml_node_of(node)->data.mapping.pairs.start[index].key));
}

const struct node *node_value(struct yaml_file *file, const struct node *node, unsigned index) {
    return node_of(yaml_document_get_node(&file->document, yaml_node_of(node)->data.mapping.pairs.start[index].value));
}
