/* `ouroboard lint PROJECT...`: is a project fit to run? `ouroboard parts [TYPE]`: what can be in one. */
#include "emulator/cli/commands.h"
#include "emulator/cli/options.h"
#include "emulator/project/project.h"

#include <stdio.h>
#include <string.h>

static bool wants_help(int argc, char **argv) {
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

static void report_line(void *context, enum log_level level, const char *line) {
    fprintf(stderr, "ouroboard: %s%s\n", level == LOG_WARN ? "warning: " : level == LOG_INFO ? "note: " : "", line);
}

static int lint(const char *path) {
    struct findings findings = { .report = report_line };
    struct project project;
    bool ok = project_read(&project, path, NULL, &findings);
    if (ok && !project.diagram_path[0]) {
        findings_add(&findings, LOG_ERROR, "has no diagram.json");
        ok = false;
    }
    ok = ok && project_build(&project, NULL, &findings);
    if (ok) {
        printf("%s: %u parts, %u connections, board %s: no errors, %u warning%s\n", project.diagram_path,
               project.part_count, project.wire_count, project.board->id, findings.warnings,
               findings.warnings == 1 ? "" : "s");
    }
    project_finish(&project);
    return ok ? EXIT_PASS : EXIT_USAGE;
}

int command_lint(int argc, char **argv) {
    if (argc < 2 || wants_help(argc, argv)) {
        fprintf(argc < 2 ? stderr : stdout,
                "usage: ouroboard lint PROJECT...\n\nCheck projects (folders with a diagram.json, or diagrams): a line "
                "for each mistake, exit code 2 when\nthere is one. Warnings alone are no mistake.\n");
        return argc < 2 ? EXIT_USAGE : EXIT_PASS;
    }
    int code = EXIT_PASS;
    for (int i = 1; i < argc; i++) {
        int one = lint(argv[i]);
        code = one == EXIT_PASS ? code : one;
    }
    return code;
}

/* ---- Parts ---- */
static void print_attribute(const struct part_attribute *attribute) {
    printf("attribute  %-14s %s", attribute->name, *attribute->initial ? attribute->initial : "(empty)");
    if (attribute->kind == PART_NUMBER) {
        printf("  (%g to %g%s%s)", attribute->min, attribute->max, attribute->unit ? " " : "",
               attribute->unit ? attribute->unit : "");
    }
    for (const char *const *choice = attribute->choices; choice && *choice; choice++) {
        printf("%s%s%s", choice == attribute->choices ? "  (" : ", ", *choice, choice[1] ? "" : ")");
    }
    printf("\n");
}

static void print_part(const struct part_class *class) {
    printf("part       %s: %s\n", class->type, class->title ? class->title : "");
    for (const char *const *alias = class->aliases; alias && *alias; alias++) {
        printf("also       %s\n", *alias);
    }
    for (const struct part_pin *pin = class->pins; pin->name; pin++) {
        printf("pin        %s%s%s\n", pin->name, pin->alias ? ", " : "", pin->alias ? pin->alias : "");
    }
    for (unsigned i = 0; i < part_attribute_count(class); i++) {
        print_attribute(&class->attributes[i]);
    }
    for (unsigned i = 0; i < part_control_count(class); i++) {
        const struct part_control *control = &class->controls[i];
        printf("control    %-14s %g  (%g to %g%s%s)\n", control->name, control->start, control->min, control->max,
               control->unit ? " " : "", control->unit ? control->unit : "");
    }
}

int command_parts(int argc, char **argv) {
    if (argc > 2 || wants_help(argc, argv)) {
        fprintf(argc > 2 ? stderr : stdout, "usage: ouroboard parts [TYPE]\n\n"
                                            "List the parts, or tell one part's pins, attributes and controls.\n");
        return argc > 2 ? EXIT_USAGE : EXIT_PASS;
    }
    if (argc == 2) {
        const struct part_class *class = part_class_find(argv[1]);
        const char *nearest = part_nearest_type(argv[1]);
        if (!class) {
            fprintf(stderr, "ouroboard: no part \"%s\"%s%s%s\n", argv[1], nearest ? "; did you mean \"" : "",
                    nearest ? nearest : "", nearest ? "\"?" : "");
            return EXIT_USAGE;
        }
        print_part(class);
        return EXIT_PASS;
    }
    for (const struct part_class *const *class = parts_registry; *class; class ++) {
        printf("%-20s %s\n", (*class)->type, (*class)->title ? (*class)->title : "");
    }
    return EXIT_PASS;
}
