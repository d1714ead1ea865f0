/* A YAML text as nodes with their places, on libyaml: what the parser of scenarios needs of it. One document, no tags
 * beyond plain values, no merge keys; an alias is the node that it names. */
#ifndef SCENARIO_NODE_H
#define SCENARIO_NODE_H

#include "emulator/scenario/scenario.h"

struct yaml_file;
struct node; /* a node of the file */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/* Where mistakes are told. */
struct mistakes {
    struct findings *findings;
    const char *path;
};

/* A line "PATH:LINE:COLUMN: ...", level error. */
void mistake(const struct mistakes *mistakes, struct scenario_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* NULL after a line; an empty document is a mistake as well. */
struct yaml_file *yaml_file_parse(const char *text, size_t size, const struct mistakes *mistakes);
void yaml_file_close(struct yaml_file *file); /* NULL is fine */
const struct node *yaml_file_root(struct yaml_file *file);

enum node_kind node_kind(const struct node *node);
struct scenario_mark node_mark(const struct node *node);
/* Of a scalar; a NUL follows, and may be inside. */
const char *node_text(const struct node *node, size_t *ret_length);
/* A scalar without quotes that stands for nothing: empty, "~" or "null". */
bool node_is_null(const struct node *node);
/* A scalar without quotes. */
bool node_is_plain(const struct node *node);
/* Items of a list, or pairs of a map. */
unsigned node_count(const struct node *node);
const struct node *node_item(struct yaml_file *file, const struct node *node, unsigned index);
const struct node *node_key(struct yaml_file *file, const struct node *node, unsigned index);
const struct node *node_value(struct yaml_file *file, const struct node *node, unsigned index);

#endif
