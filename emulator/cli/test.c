/* `ouroboard test [PATH...]`: finds scenarios, makes a plan of what is to run on what, and runs it. */
#include "emulator/cli/test.h"

#include "emulator/cli/commands.h"
#include "emulator/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
    "usage: ouroboard test [OPTIONS] [PATH...]\n"
    "\n"
    "Run scenarios: files, or those that are called scenario.yaml or *.scenario.yaml in folders\n"
    "(default: this folder). Everything happens in virtual time, as fast as it goes.\n"
    "\n"
    "  --board ID[,ID...]     run each scenario on these boards instead of its own\n"
    "  --firmware V[,V...]    with these versions of CircuitPython, or image files\n"
    "  --jobs N               so many processes at a time (default: the number of processors)\n"
    "  --timeout MS           virtual milliseconds that a case may take (default 600000)\n"
    "  --junit FILE           write the results as JUnit's XML\n"
    "  --artifacts DIR        keep serial log, wires (VCD) and pictures of the cases that do not pass\n"
    "  --coverage FILE        which lines of the drives' Python files have run: lcov, Cobertura for *.xml; and a "
    "table\n"
    "  --github               write annotations for GitHub (on when GITHUB_ACTIONS is true)\n"
    "  --update-goldens       write the pictures that screens are compared with anew\n"
    "  --list                 list the cases and run nothing\n"
    "  --help                 this text\n"
    "\n"
    "Exit codes: 0 all pass, 1 a case failed, 2 usage or a mistake in a scenario or project,\n"
    "3 a guest crashed or went to safe mode, 42 a time ran out. The first of 2, 3, 1, 42 that holds is taken.\n";

/* ---- Options ---- */

enum option_id { BOARD = 256, FIRMWARE, JOBS, TIMEOUT, JUNIT, ARTIFACTS, COVERAGE, GITHUB, LIST, UPDATE, HELP };

static const struct option long_options[] = {
    { "board", required_argument, NULL, BOARD },
    { "firmware", required_argument, NULL, FIRMWARE },
    { "jobs", required_argument, NULL, JOBS },
    { "timeout", required_argument, NULL, TIMEOUT },
    { "junit", required_argument, NULL, JUNIT },
    { "artifacts", required_argument, NULL, ARTIFACTS },
    { "coverage", required_argument, NULL, COVERAGE },
    { "github", no_argument, NULL, GITHUB },
    { "list", no_argument, NULL, LIST },
    { "update-goldens", no_argument, NULL, UPDATE },
    { "help", no_argument, NULL, HELP },
    { 0 },
};

static bool complain(const char *option, const char *value, const char *remedy) {
    fprintf(stderr, "ouroboard: %s %s: %s\n", option, value, remedy);
    return false;
}

/* The words of a list stay in the argument, which is cut in pieces. */
static bool take_words(char *list, const char *option, const char *words[], unsigned *count) {
    for (char *word = strsep(&list, ","); word; word = strsep(&list, ",")) {
        if (!*word || *count == TEST_MATRIX) {
            return complain(option, word, *word ? "too many of these" : "an empty word");
        }
        words[(*count)++] = word;
    }
    return true;
}

static bool take_number(const char *option, const char *text, uint64_t most, uint64_t *ret_number) {
    char *end;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || !*ret_number || *ret_number > most) {
        return complain(option, text, "say a whole number, at least 1");
    }
    return true;
}

static bool take_option(struct test_options *options, int id, char *argument) {
    uint64_t number = 0;
    bool ok = true;
    switch (id) {
    case BOARD:
        return take_words(argument, "--board", options->boards, &options->board_count);
    case FIRMWARE:
        return take_words(argument, "--firmware", options->firmware, &options->firmware_count);
    case JOBS:
        ok = take_number("--jobs", argument, 64, &number);
        options->jobs = (unsigned)number;
        return ok;
    case TIMEOUT:
        return take_number("--timeout", argument, UINT64_C(8640000000), &options->limit_ms);
    case JUNIT:
        options->junit = argument;
        return true;
    case ARTIFACTS:
        options->artifacts = argument;
        return true;
    case COVERAGE:
        options->coverage = argument;
        return true;
    case GITHUB:
        options->github = true;
        return true;
    case LIST:
        options->list = true;
        return true;
    case UPDATE:
        options->update_goldens = true;
        return true;
    default:
        return false;
    }
}

static bool take_paths(struct test_options *options, int argc, char **argv) {
    for (int i = optind; i < argc; i++) {
        if (options->path_count == sizeof(options->paths) / sizeof(options->paths[0])) {
            return complain("test", argv[i], "too many paths; name a folder");
        }
        options->paths[options->path_count++] = argv[i];
    }
    if (!options->path_count) {
        options->paths[options->path_count++] = ".";
    }
    return true;
}

static bool parse_options(struct test_options *options, int argc, char **argv, int *ret_exit) {
    const char *github = getenv("GITHUB_ACTIONS");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *options = (struct test_options){ .jobs = processors < 1    ? 1
                                              : processors > 64 ? 64
                                                                : (unsigned)processors,
                                      .github = github && strcmp(github, "true") == 0 };
    *ret_exit = EXIT_USAGE;
    optind = 1;
    int id;
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == HELP) {
            fputs(usage, stdout);
            *ret_exit = EXIT_PASS;
            return false;
        }
        if (id == '?') {
            fprintf(stderr, "ouroboard: `ouroboard test --help` lists the options\n");
            return false;
        }
        if (!take_option(options, id, optarg)) {
            return false;
        }
    }
    return take_paths(options, argc, argv);
}

/* ---- The plan ---- */

#define CASES_MAX 50000 /* a result is kept of each */

static void report_line(void *context, enum log_level level, const char *line) {
    char *first = context;
    test_report_line(level, line);
    if (level == LOG_ERROR && !*first) {
        snprintf(first, 600, "%s", line);
    }
}

static void set_label(struct test_run *run, bool boards, bool versions) {
    const char *version = run->firmware ? run->firmware : "", *slash = strrchr(version, '/');
    snprintf(run->label, sizeof(run->label), "%s%s%s", boards && run->board ? run->board : "",
             boards && versions ? ", " : "", versions ? (slash ? slash + 1 : version) : "");
}

static bool add_cases(struct test_run *run) {
    struct scenario *scenario = run->scenario;
    bool broken = !scenario->case_count;
    run->case_count = broken ? 1 : scenario->case_count;
    run->cases = calloc(run->case_count, sizeof(*run->cases));
    for (unsigned i = 0; run->cases && i < run->case_count; i++) {
        const struct scenario_case *from = broken ? NULL : &scenario->cases[i];
        const char *name = from && from->name ? from->name : scenario->name;
        run->cases[i].name = name ? name : "steps";
        run->cases[i].line = from ? from->mark.line : 1;
    }
    return run->cases != NULL;
}

static unsigned count_cases(const struct test_plan *plan) {
    unsigned count = 0;
    for (unsigned i = 0; i < plan->run_count; i++) {
        count += plan->runs[i].case_count;
    }
    return count;
}

static struct test_run *add_run(struct test_plan *plan, struct scenario *scenario) {
    if (count_cases(plan) + scenario->case_count > CASES_MAX) {
        complain("test", scenario->path, "boards, versions and cases make more than 50000: too many for one run");
        return NULL;
    }
    struct test_run *runs = realloc(plan->runs, (plan->run_count + 1) * sizeof(*runs));
    if (!runs) {
        complain("test", scenario->path, "out of memory");
        return NULL;
    }
    plan->runs = runs;
    struct test_run *run = &runs[plan->run_count];
    *run = (struct test_run){ .scenario = scenario, .pipe = -1 };
    if (!add_cases(run)) {
        complain("test", scenario->path, "out of memory");
        return NULL;
    }
    plan->run_count++;
    return run;
}

static bool add_matrix(struct test_plan *plan, struct scenario *scenario) {
    const struct test_options *options = plan->options;
    bool own_firmware = options->firmware_count > 0;
    const char *const *boards = options->board_count ? options->boards : (const char *const *)scenario->boards;
    const char *const *firmware = own_firmware ? options->firmware : (const char *const *)scenario->firmware;
    unsigned board_count = options->board_count ? options->board_count : scenario->board_count;
    unsigned firmware_count = own_firmware ? options->firmware_count : scenario->firmware_count;
    for (unsigned i = 0; i < (board_count ? board_count : 1); i++) {
        for (unsigned j = 0; j < (firmware_count ? firmware_count : 1); j++) {
            struct test_run *run = add_run(plan, scenario);
            if (!run) {
                return false;
            }
            run->board = board_count ? boards[i] : NULL;
            run->firmware = firmware_count ? firmware[j] : NULL;
            run->firmware_is_ours = own_firmware;
            set_label(run, board_count, firmware_count);
        }
    }
    return true;
}

static struct scenario *new_scenario(struct test_plan *plan) {
    struct scenario **all = realloc(plan->scenarios, (plan->scenario_count + 1) * sizeof(*all));
    if (!all) {
        return NULL;
    }
    plan->scenarios = all;
    struct scenario *scenario = calloc(1, sizeof(*scenario));
    if (scenario) {
        all[plan->scenario_count++] = scenario;
    }
    return scenario;
}

/* A scenario with mistakes is a case that is wrong. */
static bool add_scenario(struct test_plan *plan, const char *path) {
    struct scenario *scenario = new_scenario(plan);
    char first[600] = "";
    struct findings findings = { .report = report_line, .context = first };
    if (!scenario) {
        return complain("test", path, "out of memory");
    }
    if (scenario_read(scenario, path, &findings)) {
        return add_matrix(plan, scenario);
    }
    if (!scenario->path) {
        return complain("test", path, "out of memory");
    }
    struct test_run *run = add_run(plan, scenario);
    for (unsigned i = 0; run && i < run->case_count; i++) {
        run->cases[i].done = true;
        run->cases[i].result.outcome = RUNNER_WRONG;
        memcpy(run->cases[i].result.message, first, sizeof(run->cases[i].result.message));
    }
    return run != NULL;
}

static bool add_path(struct test_plan *plan, const char *path) {
    char **paths = NULL;
    unsigned count = 0;
    bool ok = test_find(path, &paths, &count);
    for (unsigned i = 0; i < count; i++) {
        ok = ok && add_scenario(plan, paths[i]);
        free(paths[i]);
    }
    free(paths);
    return ok;
}

static void finish_plan(struct test_plan *plan) {
    for (unsigned i = 0; i < plan->run_count; i++) {
        free(plan->runs[i].cases);
    }
    for (unsigned i = 0; i < plan->scenario_count; i++) {
        scenario_finish(plan->scenarios[i]);
        free(plan->scenarios[i]);
    }
    free(plan->runs);
    free(plan->scenarios);
}

static void list_cases(const struct test_plan *plan) {
    for (unsigned i = 0; i < plan->run_count; i++) {
        const struct test_run *run = &plan->runs[i];
        for (unsigned j = 0; j < run->case_count; j++) {
            printf("%s%s%s%s: %s\n", run->scenario->path, *run->label ? " [" : "", run->label, *run->label ? "]" : "",
                   run->cases[j].name);
        }
    }
}

/* ---- Together ---- */

static bool make_artifacts(const struct test_options *options) {
    const char *folder = options->artifacts;
    if (!folder || mkdir(folder, 0777) == 0 || (errno == EEXIST && access(folder, W_OK) == 0)) {
        return true;
    }
    return complain("--artifacts", folder, strerror(errno));
}

int command_test(int argc, char **argv) {
    struct test_options options;
    struct test_plan plan = { .options = &options };
    int code;
    if (!parse_options(&options, argc, argv, &code)) {
        return code;
    }
    bool ok = make_artifacts(&options);
    for (unsigned i = 0; ok && i < options.path_count; i++) {
        ok = add_path(&plan, options.paths[i]);
    }
    code = EXIT_USAGE;
    if (ok && options.list) {
        list_cases(&plan);
        code = EXIT_PASS;
    } else if (ok && test_coverage_open(&options)) {
        test_run_all(&plan);
        code = test_report_end(&plan);
        code = test_coverage_close(&options) ? code : EXIT_USAGE;
    }
    if (ok && !options.list && options.junit && !test_junit_write(&plan, options.junit)) {
        code = EXIT_USAGE;
    }
    finish_plan(&plan);
    return code;
}
