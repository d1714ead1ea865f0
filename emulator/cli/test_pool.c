/* The parent of all test runs: starts as many as there are jobs, and hears what they tell. */
#include "emulator/cli/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/scenario/inside.h"

#define LIVE_MS 100

/* Ctrl-C: all runs end, and their folders are removed. */
static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
    interrupted = 1;
}

static void catch_interrupts(void) {
    const struct sigaction action = { .sa_handler = interrupt };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void forget_interrupts(void) {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/* ---- A run's process ---- */

static bool make_folder(struct test_run *run) {
    const char *base = getenv("TMPDIR");
    char name[1024];
    snprintf(name, sizeof(name), "%s/ouroboard-test-XXXXXX", base && *base ? base : "/tmp");
    bool made = mkdtemp(name) != NULL;
    run->folder = made ? strdup(name) : NULL;
    if (made && !run->folder) {
        rmdir(name);
        errno = ENOMEM;
    }
    return run->folder != NULL;
}

static void remove_folder(struct test_run *run) {
    if (run->folder) {
        inside_remove(run->folder);
        free(run->folder);
        run->folder = NULL;
    }
}

static void close_end(int end) {
    if (end >= 0) {
        close(end);
    }
}

static void fail_run(struct test_run *run, const char *what, int error) {
    for (unsigned i = 0; i < run->case_count; i++) {
        struct test_case *test = &run->cases[i];
        if (!test->done) {
            test->done = true;
            test->result = (struct runner_result){ .outcome = RUNNER_WRONG };
            snprintf(test->result.message, sizeof(test->result.message), "%s%s%s", what, error ? ": " : "",
                     error ? strerror(error) : "");
        }
    }
}

static void start_run(struct test_plan *plan, struct test_run *run, unsigned slots) {
    int ends[2] = { -1, -1 };
    fflush(NULL);
    run->pid = make_folder(run) && pipe(ends) == 0 ? fork() : -1;
    if (run->pid == 0) {
        close(ends[0]);
        forget_interrupts();
        test_boot(run, plan->options, slots, ends[1]);
        _exit(0);
    }
    if (run->pid < 0) {
        fail_run(run, "a process for the run cannot be made", errno);
        run->pid = 0;
        remove_folder(run);
        close_end(ends[0]);
        ends[0] = -1;
    }
    close_end(ends[1]);
    run->pipe = ends[0];
}

static void end_run(struct test_run *run) {
    int status = 0;
    close(run->pipe);
    run->pipe = -1;
    waitpid(run->pid, &status, 0);
    run->pid = 0;
    fail_run(run, interrupted ? "interrupted" : "the emulator's process ended early", 0);
    remove_folder(run);
}

/* ---- Messages ---- */

static bool read_message(int pipe, struct test_message *message) {
    size_t done = 0;
    while (done < sizeof(*message)) {
        ssize_t got = read(pipe, (char *)message + done, sizeof(*message) - done);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static void take_message(struct test_run *run, const struct test_message *message) {
    struct test_case *test = message->index < run->case_count ? &run->cases[message->index] : NULL;
    if (message->kind == TEST_LINE) {
        test_report_line(message->level, message->tail);
    } else if (message->kind == TEST_STEP && test) {
        memcpy(test->result.step, message->result.step, sizeof(test->result.step));
        test->running = true;
    } else if (message->kind == TEST_RESULT && test && !test->done) {
        test->result = message->result;
        memcpy(test->tail, message->tail, sizeof(test->tail));
        test->done = true;
        test->running = false;
    }
}

/* ---- The pool ---- */

static unsigned count_running(const struct test_plan *plan) {
    unsigned count = 0;
    for (unsigned i = 0; i < plan->run_count; i++) {
        count += plan->runs[i].pid > 0;
    }
    return count;
}

/* With fewer runs than jobs, a run may have several cases under way. */
static unsigned slots_of(const struct test_plan *plan) {
    unsigned jobs = plan->options->jobs, runs = plan->run_count ? plan->run_count : 1;
    return runs >= jobs ? 1 : (jobs + runs - 1) / runs;
}

/* When it cannot be asked who has something to tell. */
static void wait_for_first(struct test_plan *plan, struct pollfd *fds) {
    unsigned first = 0;
    while (first < plan->run_count && fds[first].fd < 0) {
        first++;
    }
    for (unsigned i = 0; i < plan->run_count; i++) {
        fds[i].revents = i == first ? POLLIN : 0;
    }
}

static void hear_runs(struct test_plan *plan, struct pollfd *fds) {
    for (unsigned i = 0; i < plan->run_count; i++) {
        fds[i] = (struct pollfd){ .fd = plan->runs[i].pid ? plan->runs[i].pipe : -1, .events = POLLIN };
    }
    int ready = poll(fds, plan->run_count, test_report_is_live() ? LIVE_MS : -1);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
        return;
    }
    if (ready < 0) {
        wait_for_first(plan, fds);
    }
    for (unsigned i = 0; i < plan->run_count; i++) {
        struct test_message message;
        if (!fds[i].revents) {
            continue;
        }
        if (read_message(fds[i].fd, &message)) {
            take_message(&plan->runs[i], &message);
        } else {
            end_run(&plan->runs[i]);
        }
    }
}

static bool is_to_run(const struct test_run *run) {
    return !run->pid && run->case_count && !run->cases[0].done;
}

static void end_all(struct test_plan *plan) {
    for (unsigned i = 0; i < plan->run_count; i++) {
        struct test_run *run = &plan->runs[i];
        if (run->pid) {
            kill(run->pid, SIGTERM);
            end_run(run);
        }
        fail_run(run, "interrupted", 0);
    }
}

void test_run_all(struct test_plan *plan) {
    struct pollfd *fds = calloc(plan->run_count + 1, sizeof(*fds));
    unsigned next = 0;
    for (unsigned i = 0; !fds && i < plan->run_count; i++) {
        fail_run(&plan->runs[i], "out of memory", 0);
    }
    catch_interrupts();
    while (fds && !interrupted && (next < plan->run_count || count_running(plan))) {
        while (next < plan->run_count && count_running(plan) < plan->options->jobs) {
            if (is_to_run(&plan->runs[next])) {
                start_run(plan, &plan->runs[next], slots_of(plan));
            }
            next++;
        }
        if (count_running(plan)) {
            hear_runs(plan, fds);
        }
        test_report_done(plan);
        test_report_live(plan, false);
    }
    if (interrupted) {
        end_all(plan);
    }
    forget_interrupts();
    test_report_done(plan);
    free(fds);
}
