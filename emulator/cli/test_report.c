/* What a user sees of `ouroboard test`: a line for each case in the order of the plan, however many run at a time; on
 * a terminal below them what runs now; GitHub's annotations; the sum. */
#include "emulator/cli/options.h"
#include "emulator/cli/pace.h"
#include "emulator/cli/test.h"

#include <string.h>
#include <unistd.h>

#define LIVE_NS 100000000u
#define LIVE_LINES 8

static struct {
    unsigned run, test; /* the next one to be told */
    unsigned live;      /* lines that stand below */
    uint64_t live_ns;
} report;

bool test_report_is_live(void) {
    return isatty(STDOUT_FILENO);
}

static void clear_live(void) {
    if (report.live) {
        printf("\033[%uA\033[J", report.live);
        report.live = 0;
    }
}

void test_report_line(enum log_level level, const char *line) {
    clear_live();
    fflush(stdout);
    fprintf(stderr, "ouroboard: %s%s\n", level == LOG_WARN ? "warning: " : level == LOG_INFO ? "note: " : "", line);
}

/* ---- GitHub ---- */

static void print_escaped(const char *text, bool is_property) {
    for (; *text; text++) {
        if (*text == '%' || *text == '\r' || *text == '\n' || (is_property && (*text == ':' || *text == ','))) {
            printf("%%%02X", (unsigned char)*text);
        } else {
            putchar(*text);
        }
    }
}

static void annotate(const struct test_run *run, const struct test_case *test) {
    const struct runner_result *result = &test->result;
    unsigned line = result->mark.line ? result->mark.line : test->line;
    printf("::error file=");
    print_escaped(run->scenario->path, true);
    printf(",line=%u,col=%u,title=", line ? line : 1, result->mark.column ? result->mark.column : 1);
    print_escaped(test->name, true);
    printf("::");
    print_escaped(result->message, false);
    putchar('\n');
}

/* ---- Cases ---- */

static void tell_case(const struct test_plan *plan, const struct test_run *run, const struct test_case *test) {
    static const char *const words[] = { "ok", "FAILED", "TIMEOUT", "CRASHED", "WRONG", "skipped", "?" };
    const struct runner_result *result = &test->result;
    printf("%-8s%s%s%s%s: %s", words[result->outcome], run->scenario->path, *run->label ? " [" : "", run->label,
           *run->label ? "]" : "", test->name);
    if (result->outcome == RUNNER_PASSED) {
        printf(" (%.3f s)\n", (double)result->end_ps / 1e12);
        return;
    }
    putchar('\n');
    if (result->mark.line) {
        printf("        %s:%u:%u: %s: %s\n", run->scenario->path, result->mark.line, result->mark.column, result->step,
               result->message);
    } else {
        printf("        %s\n", result->message);
    }
    if (plan->options->github && result->outcome != RUNNER_SKIPPED) {
        annotate(run, test);
    }
}

void test_report_done(struct test_plan *plan) {
    while (report.run < plan->run_count) {
        struct test_run *run = &plan->runs[report.run];
        if (report.test == run->case_count) {
            report.run++;
            report.test = 0;
        } else if (run->cases[report.test].done) {
            clear_live();
            tell_case(plan, run, &run->cases[report.test++]);
        } else {
            break;
        }
    }
    fflush(stdout);
}

void test_report_live(const struct test_plan *plan, bool force) {
    uint64_t now_ns = wall_now_ns();
    if (!test_report_is_live() || (!force && now_ns - report.live_ns < LIVE_NS)) {
        return;
    }
    report.live_ns = now_ns;
    clear_live();
    for (unsigned i = report.run; i < plan->run_count && report.live < LIVE_LINES; i++) {
        const struct test_run *run = &plan->runs[i];
        for (unsigned j = 0; run->pid && j < run->case_count && report.live < LIVE_LINES; j++) {
            const struct test_case *test = &run->cases[j];
            if (test->running) {
                printf("  ...   %.30s: %.25s: %.40s\n", run->scenario->path, test->name, test->result.step);
                report.live++;
            }
        }
    }
    fflush(stdout);
}

/* ---- The end ---- */

static void count_outcomes(const struct test_plan *plan, unsigned counts[RUNNER_RUNS + 1]) {
    for (unsigned i = 0; i < plan->run_count; i++) {
        for (unsigned j = 0; j < plan->runs[i].case_count; j++) {
            counts[plan->runs[i].cases[j].result.outcome]++;
        }
    }
}

int test_report_end(const struct test_plan *plan) {
    unsigned counts[RUNNER_RUNS + 1] = { 0 };
    clear_live();
    count_outcomes(plan, counts);
    printf("%u passed", counts[RUNNER_PASSED]);
    for (unsigned i = RUNNER_FAILED; i <= RUNNER_SKIPPED; i++) {
        if (counts[i]) {
            printf(", %u %s", counts[i], runner_outcome_name((enum runner_outcome)i));
        }
    }
    printf("\n");
    return counts[RUNNER_WRONG] || counts[RUNNER_RUNS] ? EXIT_USAGE
           : counts[RUNNER_CRASHED]                    ? EXIT_GUEST
           : counts[RUNNER_FAILED]                     ? EXIT_ASSERTION
           : counts[RUNNER_TIMED_OUT]                  ? EXIT_TIMEOUT
                                                       : EXIT_PASS;
}
