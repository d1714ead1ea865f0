/* Results as JUnit's XML, as CI systems read it. Times are virtual, so that the file of the same runs is the same. */
#include "emulator/cli/output.h"
#include "emulator/cli/test.h"

#include <string.h>

/* Bytes of a well-formed UTF-8 character at `at`, 0 when it is none. */
static unsigned utf8_length(const unsigned char *at) {
    unsigned length = at[0] < 0x80                    ? 1
                      : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                      : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
                      : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
                                                      : 0;
    for (unsigned i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool beyond = (at[0] == 0xed && at[1] >= 0xa0) || (at[0] == 0xf4 && at[1] >= 0x90) ||
                  (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe);
    return length > 1 && (overlong || beyond) ? 0 : length;
}

/* What XML 1.0 does not allow becomes '?'. */
static void print_xml(FILE *file, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        unsigned length = utf8_length(at);
        bool control = length == 1 && *at < 0x20 && *at != '\n' && *at != '\t';
        const char *entity = *at == '&'   ? "&amp;"
                             : *at == '<' ? "&lt;"
                             : *at == '>' ? "&gt;"
                             : *at == '"' ? "&quot;"
                                          : NULL;
        if (entity) {
            fputs(entity, file);
        } else if (*at == '\n' || *at == '\t') {
            fprintf(file, "&#%u;", *at);
        } else if (*at == '\r') {
            /* line ends are LF in XML */
        } else if (!length || control || *at == 0x7f) {
            fputc('?', file);
        } else {
            fwrite(at, 1, length, file);
        }
        at += length ? length : 1;
    }
}

static double seconds_of(const struct runner_result *result) {
    return (double)(result->end_ps - result->begin_ps) / 1e12;
}

static void print_failure(FILE *file, const struct test_run *run, const struct test_case *test) {
    const struct runner_result *result = &test->result;
    if (result->outcome == RUNNER_SKIPPED) {
        fprintf(file, "      <skipped message=\"");
        print_xml(file, result->message);
        fprintf(file, "\"/>\n");
        return;
    }
    bool is_error = result->outcome == RUNNER_WRONG || result->outcome == RUNNER_CRASHED;
    fprintf(file, "      <%s type=\"%s\" message=\"", is_error ? "error" : "failure",
            runner_outcome_name(result->outcome));
    print_xml(file, result->message);
    fprintf(file, "\">");
    print_xml(file, run->scenario->path);
    fprintf(file, ":%u:%u: ", result->mark.line, result->mark.column);
    print_xml(file, result->step);
    fprintf(file, "</%s>\n", is_error ? "error" : "failure");
    if (*test->tail) {
        fprintf(file, "      <system-out>");
        print_xml(file, test->tail);
        fprintf(file, "</system-out>\n");
    }
}

static void print_case(FILE *file, const struct test_run *run, const struct test_case *test) {
    bool passed = test->result.outcome == RUNNER_PASSED;
    fprintf(file, "    <testcase classname=\"");
    print_xml(file, run->scenario->path);
    fprintf(file, "\" name=\"");
    print_xml(file, test->name);
    fprintf(file, "%s", *run->label ? " [" : "");
    print_xml(file, run->label);
    fprintf(file, "%s\" file=\"", *run->label ? "]" : "");
    print_xml(file, run->scenario->path);
    fprintf(file, "\" line=\"%u\" time=\"%.6f\"%s>\n", test->line, seconds_of(&test->result), passed ? "/" : "");
    if (!passed) {
        print_failure(file, run, test);
        fprintf(file, "    </testcase>\n");
    }
}

struct sums {
    unsigned tests, failures, errors, skipped;
    double time;
};

static struct sums sums_of(const struct test_run *run) {
    struct sums sums = { .tests = run->case_count };
    for (unsigned i = 0; i < run->case_count; i++) {
        enum runner_outcome outcome = run->cases[i].result.outcome;
        sums.failures += outcome == RUNNER_FAILED || outcome == RUNNER_TIMED_OUT;
        sums.errors += outcome == RUNNER_CRASHED || outcome == RUNNER_WRONG;
        sums.skipped += outcome == RUNNER_SKIPPED;
        sums.time += seconds_of(&run->cases[i].result);
    }
    return sums;
}

static void print_sums(FILE *file, const struct sums *sums) {
    fprintf(file, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.6f\">\n", sums->tests,
            sums->failures, sums->errors, sums->skipped, sums->time);
}

static void print_run(FILE *file, const struct test_run *run) {
    struct sums sums = sums_of(run);
    fprintf(file, "  <testsuite name=\"");
    print_xml(file, run->scenario->name ? run->scenario->name : run->scenario->path);
    fprintf(file, "%s", *run->label ? " [" : "");
    print_xml(file, run->label);
    fprintf(file, "%s\"", *run->label ? "]" : "");
    print_sums(file, &sums);
    for (unsigned i = 0; i < run->case_count; i++) {
        print_case(file, run, &run->cases[i]);
    }
    fprintf(file, "  </testsuite>\n");
}

bool test_junit_write(const struct test_plan *plan, const char *path) {
    struct error error;
    struct sums all = { 0 };
    FILE *file = output_open("--junit", path, &error);
    if (!file) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        return false;
    }
    for (unsigned i = 0; i < plan->run_count; i++) {
        struct sums sums = sums_of(&plan->runs[i]);
        all = (struct sums){ all.tests + sums.tests, all.failures + sums.failures, all.errors + sums.errors,
                             all.skipped + sums.skipped, all.time + sums.time };
    }
    fprintf(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ouroboard\"");
    print_sums(file, &all);
    for (unsigned i = 0; i < plan->run_count; i++) {
        print_run(file, &plan->runs[i]);
    }
    fprintf(file, "</testsuites>\n");
    return output_close(file, "--junit", path);
}
