/* Lines that have run. lcov's format: geninfo(1) of LTP's lcov, "FILES"; Cobertura's: coverage-04.dtd. */
#include "emulator/debug/coverage.h"

#include "emulator/debug/line_counts.h"
#include "emulator/debug/statements.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_MOST 1000000
#define PATH_BYTES 512
#define SOURCE_MOST (1 << 20) /* bytes */
#define INPUT_BYTES 1024      /* of a line of an lcov file */

/* ---- A run ---- */

struct coverage_run {
    struct python *python;
    struct python_tracer tracer;
    struct line_counts counts;
};

static bool coverage_line(void *context, struct python *python, const struct python_event *event) {
    struct coverage_run *run = context;
    const struct python_frame *frame = &event->frames[event->depth - 1];
    struct line_count *count = line_counts_at(&run->counts, frame->code, frame->line);
    if (count) {
        count->begun++;
    }
    if (event->called) {
        line_counts_called(&run->counts, frame->code);
    }
    return false;
}

struct coverage_run *coverage_run_begin(struct python *python, struct error *error) {
    struct coverage_run *run = python ? calloc(1, sizeof(*run)) : NULL;
    if (!run) {
        error_set(error, "out of memory");
        return NULL;
    }
    run->python = python;
    run->tracer = (struct python_tracer){ .context = run, .moments = 1u << PYTHON_LINE, .event = coverage_line };
    if (!python_trace(python, &run->tracer)) {
        error_set(error, "the firmware's Python interpreter is not one that can be traced");
        free(run);
        return NULL;
    }
    return run;
}

void coverage_run_end(struct coverage_run *run) {
    if (run) {
        python_untrace(run->python, &run->tracer);
        line_counts_finish(&run->counts);
        free(run);
    }
}

/* ---- The account ---- */

struct covered_function {
    char *name;
    unsigned line;
    uint64_t calls;
};

struct covered_file {
    char *path;
    uint64_t *begun; /* by line; COULD is added to those that could run */
    unsigned size;
    struct covered_function *functions;
    unsigned function_count;
    unsigned *statements; /* of its source: where each line's statement begins; NULL: not known */
    bool looked;          /* for it */
    struct covered_file *next;
};
#define COULD (UINT64_C(1) << 63)

struct coverage {
    struct covered_file *files; /* by their names */
};

struct coverage *coverage_create(void) {
    return calloc(1, sizeof(struct coverage));
}

void coverage_destroy(struct coverage *coverage) {
    while (coverage && coverage->files) {
        struct covered_file *file = coverage->files;
        coverage->files = file->next;
        for (unsigned i = 0; i < file->function_count; i++) {
            free(file->functions[i].name);
        }
        free(file->functions);
        free(file->begun);
        free(file->statements);
        free(file->path);
        free(file);
    }
    free(coverage);
}

static struct covered_file *covered_file(struct coverage *coverage, const char *path) {
    struct covered_file **at = &coverage->files;
    while (*at && strcmp((*at)->path, path) < 0) {
        at = &(*at)->next;
    }
    if (*at && !strcmp((*at)->path, path)) {
        return *at;
    }
    struct covered_file *file = calloc(1, sizeof(*file));
    char *copy = file ? strdup(path) : NULL;
    if (!copy) {
        free(file);
        return NULL;
    }
    file->path = copy;
    file->next = *at;
    *at = file;
    return file;
}

static void cover_line(struct covered_file *file, unsigned line, uint64_t begun) {
    if (line >= LINES_MOST) {
        return;
    }
    if (line >= file->size) {
        unsigned size = line + line / 2 + 64;
        uint64_t *more = realloc(file->begun, size * sizeof(*more));
        if (!more) {
            return;
        }
        memset(more + file->size, 0, (size - file->size) * sizeof(*more));
        file->begun = more;
        file->size = size;
    }
    file->begun[line] = (file->begun[line] + begun) | COULD;
}

/* Functions of the same name on other lines are other ones. */
static void cover_function(struct covered_file *file, const char *name, unsigned line, uint64_t calls) {
    for (unsigned i = 0; i < file->function_count; i++) {
        if (file->functions[i].line == line && !strcmp(file->functions[i].name, name)) {
            file->functions[i].calls += calls;
            return;
        }
    }
    struct covered_function *more = realloc(file->functions, (file->function_count + 1) * sizeof(*more));
    char *copy = more ? strdup(name) : NULL;
    file->functions = more ? more : file->functions;
    if (copy) {
        file->functions[file->function_count++] = (struct covered_function){ copy, line, calls };
    }
}

static bool could(const struct covered_file *file, unsigned line) {
    return file->begun[line] & COULD;
}

static uint64_t begun(const struct covered_file *file, unsigned line) {
    return file->begun[line] & ~COULD;
}

/* ---- From a run ---- */

static bool is_in_folder(const char *folder, const char *path) {
    char whole[2 * PATH_BYTES];
    return snprintf(whole, sizeof(whole), "%s/%s", folder, path) < (int)sizeof(whole) && !access(whole, R_OK);
}

bool coverage_path(const char *file, const char *folder, char *ret_path, size_t size) {
    static const char *const places[] = { "", "lib/" };
    file += *file == '/';
    if (!folder) {
        return *file && *file != '<' && snprintf(ret_path, size, "%s", file) < (int)size;
    }
    for (unsigned i = 0; *file && i < sizeof(places) / sizeof(*places); i++) {
        if (snprintf(ret_path, size, "%s%s", places[i], file) < (int)size && is_in_folder(folder, ret_path)) {
            return true;
        }
    }
    return false;
}

static void look_at_source(struct covered_file *file, const char *folder) {
    char whole[2 * PATH_BYTES];
    char *text = malloc(SOURCE_MOST);
    snprintf(whole, sizeof(whole), "%s/%s", folder, file->path);
    FILE *in = text ? fopen(whole, "rb") : NULL;
    if (in) {
        file->statements = statements_read(text, fread(text, 1, SOURCE_MOST, in));
        fclose(in);
    }
    free(text);
    file->looked = true;
}

/* A statement over several lines counts where it begins, as coverage.py has it. */
static unsigned statement_of(const struct covered_file *file, unsigned line) {
    return file->statements && line && line <= file->statements[0] ? file->statements[line] : line;
}

static void add_code(struct covered_file *file, struct coverage_run *run, const struct python_code *code) {
    for (unsigned i = 0; i < code->line_count;) {
        unsigned statement = statement_of(file, code->lines[i]);
        uint64_t most = 0;
        for (; i < code->line_count && statement_of(file, code->lines[i]) == statement; i++) {
            const struct line_count *count = line_counts_at(&run->counts, code, code->lines[i]);
            most = count && count->begun > most ? count->begun : most;
        }
        cover_line(file, statement, most);
    }
    if (code->function[0] != '<' && code->line_count) {
        cover_function(file, code->function, code->lines[0], line_counts_calls(&run->counts, code));
    }
}

void coverage_add_run(struct coverage *coverage, struct coverage_run *run, const char *folder) {
    const struct python_code *code;
    for (unsigned id = 0; (code = python_code_at(run->python, id)); id++) {
        char path[PATH_BYTES];
        if (!code->frozen && coverage_path(code->file, folder, path, sizeof(path))) {
            struct covered_file *file = covered_file(coverage, path);
            if (file && folder && !file->looked) {
                look_at_source(file, folder);
            }
            if (file) {
                add_code(file, run, code);
            }
        }
    }
}

/* ---- lcov, in ---- */

static bool take_record(struct coverage *coverage, struct covered_file **file, const char *line) {
    char text[INPUT_BYTES];
    unsigned number;
    uint64_t count;
    if (sscanf(line, "SF:%1023[^\n]", text) == 1) {
        *file = covered_file(coverage, text);
        return *file;
    }
    if (!strcmp(line, "end_of_record")) {
        *file = NULL;
        return true;
    }
    if (!strncmp(line, "DA:", 3) || !strncmp(line, "FN:", 3) || !strncmp(line, "FNDA:", 5)) {
        if (!*file) {
            return false;
        }
        if (sscanf(line, "DA:%u,%" SCNu64, &number, &count) == 2) {
            cover_line(*file, number, count & ~COULD);
            return number > 0 && number < LINES_MOST;
        }
        if (sscanf(line, "FN:%u,%1023[^\n]", &number, text) == 2) {
            cover_function(*file, text, number, 0);
            return true;
        }
        if (sscanf(line, "FNDA:%" SCNu64 ",%1023[^\n]", &count, text) == 2) {
            struct covered_function *functions = (*file)->functions;
            for (unsigned i = (*file)->function_count; i-- > 0;) {
                if (!strcmp(functions[i].name, text)) {
                    functions[i].calls += count;
                    return true;
                }
            }
        }
        return false;
    }
    return true; /* sums, and what others have in theirs */
}

bool coverage_add_file(struct coverage *coverage, const char *path, struct error *error) {
    FILE *in = fopen(path, "r");
    char line[INPUT_BYTES];
    struct covered_file *file = NULL;
    if (!in) {
        error_set(error, "coverage: %s: %s", path, strerror(errno));
        return false;
    }
    bool ok = true;
    for (unsigned number = 1; ok && fgets(line, sizeof(line), in); number++) {
        line[strcspn(line, "\r\n")] = 0;
        ok = take_record(coverage, &file, line);
        if (!ok) {
            error_set(error, "coverage: %s:%u: not a record of an lcov file; remove the file", path, number);
        }
    }
    fclose(in);
    return ok;
}

/* ---- Sums ---- */

struct sum {
    unsigned could, missed;
};

static struct sum sum_of(const struct covered_file *file) {
    struct sum sum = { 0, 0 };
    for (unsigned line = 0; line < file->size; line++) {
        sum.could += could(file, line);
        sum.missed += could(file, line) && !begun(file, line);
    }
    return sum;
}

static struct sum sum_of_all(const struct coverage *coverage) {
    struct sum all = { 0, 0 };
    for (const struct covered_file *file = coverage->files; file; file = file->next) {
        struct sum sum = sum_of(file);
        all.could += sum.could;
        all.missed += sum.missed;
    }
    return all;
}

static double rate(struct sum sum) {
    return sum.could ? (double)(sum.could - sum.missed) / sum.could : 1;
}

double coverage_percent(const struct coverage *coverage) {
    return 100 * rate(sum_of_all(coverage));
}

/* ---- lcov, out ---- */

static void write_functions(const struct covered_file *file, FILE *out) {
    unsigned called = 0;
    for (unsigned i = 0; i < file->function_count; i++) {
        fprintf(out, "FN:%u,%s\n", file->functions[i].line, file->functions[i].name);
    }
    for (unsigned i = 0; i < file->function_count; i++) {
        fprintf(out, "FNDA:%" PRIu64 ",%s\n", file->functions[i].calls, file->functions[i].name);
        called += file->functions[i].calls > 0;
    }
    fprintf(out, "FNF:%u\nFNH:%u\n", file->function_count, called);
}

static void write_lcov(const struct coverage *coverage, const char *folder, FILE *out) {
    for (const struct covered_file *file = coverage->files; file; file = file->next) {
        fprintf(out, "TN:\nSF:%s%s%s\n", folder ? folder : "", folder ? "/" : "", file->path);
        write_functions(file, out);
        for (unsigned line = 0; line < file->size; line++) {
            if (could(file, line)) {
                fprintf(out, "DA:%u,%" PRIu64 "\n", line, begun(file, line));
            }
        }
        struct sum sum = sum_of(file);
        fprintf(out, "LF:%u\nLH:%u\nend_of_record\n", sum.could, sum.could - sum.missed);
    }
}

/* ---- Cobertura ---- */

static void write_escaped(const char *text, FILE *out) {
    for (; *text; text++) {
        if (strchr("&<>\"", *text)) {
            fprintf(out, "&#%d;", *text);
        } else {
            fputc(*text, out);
        }
    }
}

static void write_class(const struct covered_file *file, FILE *out) {
    fprintf(out, "    <class name=\"");
    write_escaped(file->path, out);
    fprintf(out, "\" filename=\"");
    write_escaped(file->path, out);
    fprintf(out, "\" line-rate=\"%.4f\" branch-rate=\"0\" complexity=\"0\">\n     <methods/>\n     <lines>\n",
            rate(sum_of(file)));
    for (unsigned line = 0; line < file->size; line++) {
        if (could(file, line)) {
            fprintf(out, "      <line number=\"%u\" hits=\"%" PRIu64 "\"/>\n", line, begun(file, line));
        }
    }
    fprintf(out, "     </lines>\n    </class>\n");
}

static void write_cobertura(const struct coverage *coverage, const char *folder, FILE *out) {
    struct sum sum = sum_of_all(coverage);
    fprintf(out,
            "<?xml version=\"1.0\" ?>\n"
            "<!DOCTYPE coverage SYSTEM \"http://cobertura.sourceforge.net/xml/coverage-04.dtd\">\n"
            "<coverage version=\"ouroboard\" timestamp=\"0\" lines-valid=\"%u\" lines-covered=\"%u\" "
            "line-rate=\"%.4f\" branches-covered=\"0\" branches-valid=\"0\" branch-rate=\"0\" complexity=\"0\">\n"
            " <sources>\n  <source>",
            sum.could, sum.could - sum.missed, rate(sum));
    write_escaped(folder ? folder : ".", out);
    fprintf(out,
            "</source>\n </sources>\n <packages>\n  <package name=\".\" line-rate=\"%.4f\" branch-rate=\"0\" "
            "complexity=\"0\">\n   <classes>\n",
            rate(sum));
    for (const struct covered_file *file = coverage->files; file; file = file->next) {
        write_class(file, out);
    }
    fprintf(out, "   </classes>\n  </package>\n </packages>\n</coverage>\n");
}

bool coverage_write(const struct coverage *coverage, const char *path, const char *folder, struct error *error) {
    FILE *out = fopen(path, "w");
    const char *end = strrchr(path, '.');
    if (!out) {
        error_set(error, "coverage: %s: %s", path, strerror(errno));
        return false;
    }
    if (end && !strcmp(end, ".xml")) {
        write_cobertura(coverage, folder, out);
    } else {
        write_lcov(coverage, folder, out);
    }
    bool ok = !ferror(out);
    ok = !fclose(out) && ok;
    if (!ok) {
        error_set(error, "coverage: %s: not all of it could be written: %s", path, strerror(errno));
    }
    return ok;
}

/* ---- The table ---- */

static bool is_missed(const struct covered_file *file, unsigned line) {
    return line < file->size && could(file, line) && !begun(file, line);
}

/* "3-5, 9": lines that have none that ran between them are one range. */
static void print_missing(const struct covered_file *file, FILE *out) {
    const char *before = "   ";
    for (unsigned line = 0; line < file->size; line++) {
        if (!is_missed(file, line)) {
            continue;
        }
        unsigned last = line;
        for (unsigned next = line; next < file->size && (!could(file, next) || is_missed(file, next)); next++) {
            last = is_missed(file, next) ? next : last;
        }
        fprintf(out, last > line ? "%s%u-%u" : "%s%u", before, line, last);
        before = ", ";
        line = last;
    }
}

static void print_row(const char *name, int width, struct sum sum, const struct covered_file *file, FILE *out) {
    unsigned percent = sum.could ? (sum.could - sum.missed) * 100 / sum.could : 100;
    fprintf(out, "%-*s %7u %6u %5u%%", width, name, sum.could, sum.missed, percent);
    if (file) {
        print_missing(file, out);
    }
    fputc('\n', out);
}

static void print_rule(int width, FILE *out) {
    for (int i = 0; i < width; i++) {
        fputc('-', out);
    }
    fputc('\n', out);
}

void coverage_print(const struct coverage *coverage, FILE *out) {
    int width = 5;
    for (const struct covered_file *file = coverage->files; file; file = file->next) {
        width = (int)strlen(file->path) > width ? (int)strlen(file->path) : width;
    }
    fprintf(out, "%-*s %7s %6s %6s   Missing\n", width, "Name", "Stmts", "Miss", "Cover");
    print_rule(width + 32, out);
    for (const struct covered_file *file = coverage->files; file; file = file->next) {
        print_row(file->path, width, sum_of(file), file, out);
    }
    print_rule(width + 32, out);
    print_row("TOTAL", width, sum_of_all(coverage), NULL, out);
}
