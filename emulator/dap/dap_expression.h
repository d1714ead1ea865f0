/* Expressions of a watch, a condition or a log point, worked out from what the guest's memory holds: names, attributes,
 * indices, literals, comparisons (==, !=, <, <=, >, >=, is, in), not, and, or. Nothing of the guest runs: no calls, no
 * arithmetic. */
#ifndef DAP_EXPRESSION_H
#define DAP_EXPRESSION_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"

enum dap_kind { DAP_OBJECT, DAP_NONE, DAP_BOOL, DAP_INT, DAP_FLOAT, DAP_STRING };

#define DAP_TEXT 1024

struct dap_value {
    enum dap_kind kind;
    uint32_t object; /* DAP_OBJECT, and what a guest's object of the other kinds is; 0: it is no guest's */
    int64_t integer; /* DAP_BOOL as well */
    double number;
    char text[DAP_TEXT]; /* DAP_STRING: its bytes; cut */
};

/* The value of an expression in a frame. False with an error line that names what is wrong. */
bool dap_evaluate(struct python *python, const struct python_frame *frame, const char *expression,
                  struct dap_value *ret_value, struct error *error);
bool dap_is_true(struct python *python, const struct dap_value *value);
/* As repr() has it, cut. */
void dap_value_text(struct python *python, const struct dap_value *value, char *ret_text, size_t size);
/* The name of its type. */
void dap_value_type(struct python *python, const struct dap_value *value, char *ret_name, size_t size);

#endif
