/* Values of keys: from a node of the file into a field of a step, or a mistake. For parse.c. */
#ifndef SCENARIO_VALUE_H
#define SCENARIO_VALUE_H

#include "emulator/scenario/node.h"
#include "emulator/scenario/step_table.h"

/* What is being read. */
struct reading {
    struct yaml_file *file;
    struct mistakes mistakes;
    struct scenario *scenario;
};

/* Every value but steps. False after a line. */
bool value_read(struct reading *reading, const struct step_key *key, const struct node *node,
                struct scenario_step *step);
/* A scalar as a text of its own: not empty, no NUL inside. NULL after a line. */
char *value_name(struct reading *reading, const struct node *node, const char *what);
char *value_path(struct reading *reading, const struct node *node, const char *what);
bool value_time(struct reading *reading, const struct node *node, const char *what, uint64_t *ret_ps);
bool value_count(struct reading *reading, const struct node *node, const char *what, uint64_t least, uint64_t most,
                 uint64_t *ret_count);
bool value_bool(struct reading *reading, const struct node *node, const char *what, bool *ret_value);

#endif
