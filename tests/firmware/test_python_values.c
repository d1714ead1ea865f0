/* Values of a frame that waits (python_view/values.py), as text: what Python's repr() would have, types, children.
 *
 * usage: test_python_values IMAGE FOLDER */
#include "emulator/core/scheduler.h"
#include "emulator/debug/python.h"
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLES 64

static char drive[] = "/tmp/test_python_values.XXXXXX";

struct expected {
    const char *name, *type, *text;
};

static const struct python_variable *find_variable(const struct python_variable *variables, unsigned count,
                                                   const char *name) {
    for (unsigned i = 0; i < count; i++) {
        if (!strcmp(variables[i].name, name)) {
            return &variables[i];
        }
    }
    return NULL;
}

static void check_variables(struct rig *rig, struct python *python, const struct python_variable *variables,
                            unsigned count, const struct expected *expected) {
    for (; expected->name; expected++) {
        char text[256], type[PYTHON_NAME];
        const struct python_variable *variable = find_variable(variables, count, expected->name);
        fprintf(stderr, "    %s\n", expected->name);
        RIG_CHECK(rig, variable);
        python_text(python, variable->object, text, sizeof(text));
        python_type(python, variable->object, type, sizeof(type));
        RIG_EQUAL(rig, text, expected->text);
        RIG_EQUAL(rig, type, expected->type);
    }
}

static void check_children(struct rig *rig, struct python *python, const struct python_variable *globals,
                           unsigned count, const char *name, const struct expected *expected) {
    struct python_variable children[VARIABLES];
    const struct python_variable *parent = find_variable(globals, count, name);
    RIG_CHECK(rig, parent);
    unsigned found = python_children(python, parent->object, children, VARIABLES);
    unsigned wanted = 0;
    while (expected[wanted].name) {
        wanted++;
    }
    RIG_CHECK(rig, found == wanted);
    check_variables(rig, python, children, found, expected);
}

static void tells_globals(struct rig *rig) {
    struct python_frame frames[PYTHON_DEPTH];
    struct python_variable globals[VARIABLES];
    struct python *python = session_python(rig->session);
    unsigned depth = python_stack(python, 0, frames, PYTHON_DEPTH);
    RIG_CHECK(rig, depth == 3);
    unsigned count = python_globals(python, &frames[2], globals, VARIABLES);
    static const struct expected expected[] = {
        { "answer", "int", "42" },
        { "big", "int", "-1180591620717411303425" },
        { "names", "list", "['ada', \"it's\", 'aaaaaaaaaaaaaaaaaaaa']" },
        { "pair", "tuple", "(1.5, None)" },
        { "single", "tuple", "(True,)" },
        { "raw", "bytes", "b'\\x00ab'" },
        { "array", "bytearray", "bytearray(b'xy')" },
        { "box", "Box", "<Box>" },
        { "Box", "type", "<class 'Box'>" },
        { "outer", "function", "<function outer>" },
        { "time", "module", "<module>" },
        { NULL },
    };
    check_variables(rig, python, globals, count, expected);
    static const struct expected elements[] = { { "[0]", "float", "1.5" }, { "[1]", "NoneType", "None" }, { NULL } };
    check_children(rig, python, globals, count, "pair", elements);
    static const struct expected attributes[] = { { "weight", "int", "7" }, { "label", "str", "'red'" }, { NULL } };
    check_children(rig, python, globals, count, "box", attributes);
    static const struct expected entries[] = { { "['one']", "int", "1" }, { "[2]", "list", "[3, 4]" }, { NULL } };
    check_children(rig, python, globals, count, "table", entries);
    static const struct expected none[] = { { NULL } };
    check_children(rig, python, globals, count, "answer", none);
}

static void tells_locals(struct rig *rig) {
    struct python_frame frames[PYTHON_DEPTH];
    struct python_variable locals[VARIABLES];
    struct python *python = session_python(rig->session);
    RIG_CHECK(rig, python_stack(python, 0, frames, PYTHON_DEPTH) == 3);
    RIG_EQUAL(rig, frames[0].code->function, "inner");
    RIG_CHECK(rig, frames[0].line == 28 && frames[1].line == 31 && frames[2].line == 35);
    unsigned count = python_locals(python, &frames[0], locals, VARIABLES);
    bool source = session_folder(rig->session) != NULL; /* the names of locals that are no parameters are there */
    const struct expected inner[] = { { "outer 0", "int", "40" },
                                      { "depth", "float", "3.25" },
                                      { source ? "local" : "local 2", "float", "43.25" },
                                      { NULL } };
    RIG_CHECK(rig, count == 3);
    check_variables(rig, python, locals, count, inner);
    count = python_locals(python, &frames[1], locals, VARIABLES);
    const struct expected outer[] = { { "first", "int", "20" },
                                      { "second", "str", "'two'" },
                                      { "third", "float", "3.25" },
                                      { source ? "inner" : "local 3", "closure", "<function inner>" },
                                      { source ? "captured" : "local 4", "int", "40" },
                                      { NULL } };
    check_variables(rig, python, locals, count, outer);
    RIG_CHECK(rig, count == 5);
    RIG_CHECK(rig, python_locals(python, &frames[2], locals, VARIABLES) == 0);
}

int main(int argc, char **argv) {
    static struct rig rig;
    char path[512];
    if (argc != 3) {
        fprintf(stderr, "usage: test_python_values IMAGE FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/values.py", argv[2]);
    char *program = python_rig_source(path, 1);
    python_rig_start(&rig, &(struct rig_desc){ .image = argv[1] }, drive, program, NULL);
    rig_run(&rig, 9000);
    static const struct rig_case cases[] = {
        { "tells globals", tells_globals },
        { "tells locals", tells_locals },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(*cases));
    free(program);
    rig_stop(&rig);
    return failures;
}
