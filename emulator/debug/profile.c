/* A profile as a tree of calls: a node for each stack of functions that has been seen. Formats: Brendan Gregg's
 * collapsed stacks ("flamegraph.pl"), speedscope's file-format-schema.json with one "sampled" profile a core. */
#include "emulator/debug/profile.h"

#include "emulator/debug/coverage.h"
#include "emulator/debug/line_counts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 1024
#define LINE_BYTES 1024

struct node {
    const struct python_code *code; /* NULL: the root */
    struct node *parent, *children, *next;
    uint64_t own;
};

struct profile_core {
    struct node root;
    struct node *at[PYTHON_DEPTH + 1]; /* the present stack, at[0] the root */
    unsigned depth;
    struct line_count *line; /* of the innermost frame; NULL: none */
    uint64_t since;          /* cycles up to which all is accounted for */
};

struct profile {
    struct python *python;
    struct python_tracer tracer;
    struct line_counts counts;
    struct profile_core core[PYTHON_CORES];
};

/* ---- As the program runs ---- */

static struct node *child_of(struct node *parent, const struct python_code *code) {
    struct node **at = &parent->children;
    while (*at && (*at)->code != code) {
        at = &(*at)->next;
    }
    struct node *node = *at ? *at : calloc(1, sizeof(*node));
    if (!node) {
        return NULL;
    }
    if (!*at) {
        *node = (struct node){ .code = code, .parent = parent };
    } else {
        *at = node->next;
    }
    node->next = parent->children; /* the latest is the first to be looked at */
    parent->children = node;
    return node;
}

/* The nodes of these frames, outermost first; those that are still the same stay. */
static void follow_stack(struct profile_core *core, const struct python_frame *frames, unsigned depth) {
    unsigned same = 0;
    while (same < depth && same < core->depth && core->at[same + 1]->code == frames[same].code) {
        same++;
    }
    core->at[0] = &core->root;
    for (core->depth = same; core->depth < depth; core->depth++) {
        struct node *node = child_of(core->at[core->depth], frames[core->depth].code);
        if (!node) {
            return;
        }
        core->at[core->depth + 1] = node;
    }
}

static void charge(struct profile_core *core, uint64_t cycles) {
    uint64_t spent = cycles - core->since;
    core->since = cycles;
    if (core->depth) {
        core->at[core->depth]->own += spent;
    }
    if (core->depth && core->line) {
        core->line->cycles += spent;
    }
}

static bool profile_event(void *context, struct python *python, const struct python_event *event) {
    struct profile *profile = context;
    struct profile_core *core = &profile->core[event->core];
    unsigned depth = event->depth - (event->moment == PYTHON_LEFT);
    const struct python_frame *frame = depth ? &event->frames[depth - 1] : NULL;
    charge(core, event->cycles);
    follow_stack(core, event->frames, depth);
    core->line = frame ? line_counts_at(&profile->counts, frame->code, frame->line) : NULL;
    if (event->moment == PYTHON_LINE && core->line) {
        core->line->begun++;
    }
    return false;
}

struct profile *profile_begin(struct python *python, struct error *error) {
    struct profile *profile = python ? calloc(1, sizeof(*profile)) : NULL;
    if (!profile) {
        error_set(error, "out of memory");
        return NULL;
    }
    profile->python = python;
    profile->tracer = (struct python_tracer){
        .context = profile,
        .moments = 1u << PYTHON_LINE | 1u << PYTHON_BACK | 1u << PYTHON_LEFT | 1u << PYTHON_RAISED,
        .event = profile_event,
    };
    if (!python_trace(python, &profile->tracer)) {
        error_set(error, "the firmware's Python interpreter is not one that can be traced");
        free(profile);
        return NULL;
    }
    return profile;
}

/* ---- The tree ---- */

/* The node behind this one in an order in which children come before what is beside their parent; NULL: none. */
static struct node *next_node(const struct node *node, const struct node *root) {
    if (node->children) {
        return node->children;
    }
    while (node != root && !node->next) {
        node = node->parent;
    }
    return node == root ? NULL : node->next;
}

static void free_nodes(struct node *root) {
    struct node *node = root->children;
    while (node) {
        while (node->children) {
            node = node->children;
        }
        struct node *parent = node->parent;
        parent->children = node->next;
        free(node);
        node = parent->children ? parent->children : parent == root ? NULL : parent;
    }
}

void profile_end(struct profile *profile) {
    if (!profile) {
        return;
    }
    python_untrace(profile->python, &profile->tracer);
    for (unsigned i = 0; i < PYTHON_CORES; i++) {
        free_nodes(&profile->core[i].root);
    }
    line_counts_finish(&profile->counts);
    free(profile);
}

static uint64_t core_total(const struct profile_core *core) {
    uint64_t total = 0;
    for (const struct node *node = &core->root; node; node = next_node(node, &core->root)) {
        total += node->own;
    }
    return total;
}

/* What the frames of this moment have taken so far. */
static void charge_now(struct profile *profile) {
    for (unsigned i = 0; i < PYTHON_CORES; i++) {
        charge(&profile->core[i], python_cycles(profile->python, i));
    }
}

uint64_t profile_total(struct profile *profile) {
    charge_now(profile);
    return core_total(&profile->core[0]) + core_total(&profile->core[1]);
}

static bool is_function(const struct node *node, const char *file, const char *function) {
    return node->code && !strcmp(node->code->file, file) && !strcmp(node->code->function, function);
}

struct profile_share profile_function(struct profile *profile, const char *file, const char *function) {
    struct profile_share share = { 0, 0 };
    charge_now(profile);
    for (unsigned i = 0; i < PYTHON_CORES; i++) {
        const struct node *root = &profile->core[i].root;
        for (const struct node *node = root; node; node = next_node(node, root)) {
            const struct node *at = node;
            while (at && !is_function(at, file, function)) {
                at = at->parent;
            }
            share.own += is_function(node, file, function) ? node->own : 0;
            share.all += at ? node->own : 0;
        }
    }
    return share;
}

/* ---- Collapsed stacks ---- */

static void write_stack(const struct node *node, FILE *out) {
    const struct node *stack[PYTHON_DEPTH];
    unsigned depth = 0;
    for (; node->parent && depth < PYTHON_DEPTH; node = node->parent) {
        stack[depth++] = node;
    }
    while (depth--) {
        fprintf(out, "%s:%s%s", stack[depth]->code->file, stack[depth]->code->function, depth ? ";" : " ");
    }
}

static void write_collapsed(const struct profile *profile, FILE *out) {
    for (unsigned i = 0; i < PYTHON_CORES; i++) {
        const struct node *root = &profile->core[i].root;
        for (const struct node *node = root->children; node; node = next_node(node, root)) {
            if (node->own) {
                write_stack(node, out);
                fprintf(out, "%" PRIu64 "\n", node->own);
            }
        }
    }
}

/* ---- speedscope ---- */

static void write_json_text(const char *text, FILE *out) {
    fputc('"', out);
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            fprintf(out, "\\%c", byte);
        } else if (byte < 32) {
            fprintf(out, "\\u%04x", byte);
        } else {
            fputc(byte, out);
        }
    }
    fputc('"', out);
}

static void write_frames(const struct profile *profile, FILE *out) {
    const struct python_code *code;
    for (unsigned id = 0; (code = python_code_at(profile->python, id)); id++) {
        fprintf(out, "%s{\"name\":", id ? ",\n" : "");
        write_json_text(code->function, out);
        fprintf(out, ",\"file\":");
        write_json_text(code->file, out);
        fprintf(out, ",\"line\":%u}", code->line_count ? code->lines[0] : 1);
    }
}

static void write_sample(const struct node *node, FILE *out) {
    unsigned ids[PYTHON_DEPTH], depth = 0;
    for (; node->parent && depth < PYTHON_DEPTH; node = node->parent) {
        ids[depth++] = node->code->id;
    }
    fputc('[', out);
    while (depth--) {
        fprintf(out, "%u%s", ids[depth], depth ? "," : "]");
    }
}

static void write_core(const struct profile_core *core, unsigned index, FILE *out) {
    const char *before = "";
    fprintf(out,
            "{\"type\":\"sampled\",\"name\":\"core %u (cycles)\",\"unit\":\"none\",\"startValue\":0,"
            "\"endValue\":%" PRIu64 ",\n\"samples\":[",
            index, core_total(core));
    for (const struct node *node = core->root.children; node; node = next_node(node, &core->root)) {
        if (node->own) {
            fprintf(out, "%s", before);
            write_sample(node, out);
            before = ",";
        }
    }
    before = "";
    fprintf(out, "],\n\"weights\":[");
    for (const struct node *node = core->root.children; node; node = next_node(node, &core->root)) {
        if (node->own) {
            fprintf(out, "%s%" PRIu64, before, node->own);
            before = ",";
        }
    }
    fprintf(out, "]}");
}

static void write_speedscope(const struct profile *profile, FILE *out) {
    const char *before = "";
    fprintf(out, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"exporter\":\"ouroboard\",\n"
                 "\"shared\":{\"frames\":[");
    write_frames(profile, out);
    fprintf(out, "]},\n\"profiles\":[");
    for (unsigned i = 0; i < PYTHON_CORES; i++) {
        if (i == 0 || profile->core[i].root.children) {
            fprintf(out, "%s", before);
            write_core(&profile->core[i], i, out);
            before = ",\n";
        }
    }
    fprintf(out, "]}\n");
}

static bool close_output(FILE *out, const char *path, struct error *error) {
    bool ok = !ferror(out);
    ok = !fclose(out) && ok;
    if (!ok) {
        error_set(error, "profile: %s: not all of it could be written: %s", path, strerror(errno));
    }
    return ok;
}

bool profile_write(struct profile *profile, const char *path, struct error *error) {
    charge_now(profile);
    FILE *out = fopen(path, "w");
    const char *end = strrchr(path, '.');
    if (!out) {
        error_set(error, "profile: %s: %s", path, strerror(errno));
        return false;
    }
    if (end && !strcmp(end, ".json")) {
        write_speedscope(profile, out);
    } else {
        write_collapsed(profile, out);
    }
    return close_output(out, path, error);
}

/* ---- Annotated sources ---- */

/* The account of a line, over all functions of a file. */
static struct line_count line_of_file(struct profile *profile, const char *file, unsigned line) {
    struct line_count sum = { 0, 0 };
    const struct python_code *code;
    for (unsigned id = 0; (code = python_code_at(profile->python, id)); id++) {
        const struct line_count *count =
            strcmp(code->file, file) == 0 ? line_counts_at(&profile->counts, code, line) : NULL;
        sum.begun += count ? count->begun : 0;
        sum.cycles += count ? count->cycles : 0;
    }
    return sum;
}

static bool annotate(struct profile *profile, const char *file, FILE *in, FILE *out) {
    double total = (double)profile_total(profile);
    char text[LINE_BYTES];
    fprintf(out, "%12s %14s %7s\n", "times", "cycles", "share");
    bool begins = true;
    for (unsigned line = 0; fgets(text, sizeof(text), in);) {
        line += begins;
        struct line_count count = begins ? line_of_file(profile, file, line) : (struct line_count){ 0, 0 };
        if (count.begun || count.cycles) {
            fprintf(out, "%12" PRIu64 " %14" PRIu64 " %6.2f%%  ", count.begun, count.cycles,
                    total > 0 ? 100 * (double)count.cycles / total : 0);
        } else if (begins) {
            fprintf(out, "%37s", "");
        }
        begins = strchr(text, '\n') != NULL;
        fputs(text, out);
    }
    return true;
}

/* "lib/helper.py" becomes "lib_helper.py": all lie side by side. */
static void name_beside(const char *folder, const char *path, char *ret_name, size_t size) {
    int used = snprintf(ret_name, size, "%s/", folder);
    snprintf(ret_name + used, size - (size_t)used, "%s", path);
    for (char *at = ret_name + used; *at; at++) {
        *at = *at == '/' ? '_' : *at;
    }
}

static bool write_source(struct profile *profile, const char *file, const char *folder, const char *drive,
                         struct error *error) {
    char path[PATH_BYTES], from[2 * PATH_BYTES], to[2 * PATH_BYTES];
    if (!coverage_path(file, drive, path, sizeof(path))) {
        return true;
    }
    snprintf(from, sizeof(from), "%s/%s", drive, path);
    name_beside(folder, path, to, sizeof(to));
    FILE *in = fopen(from, "r"), *out = in ? fopen(to, "w") : NULL;
    if (!out) {
        error_set(error, "--profile-source: %s: %s", in ? to : from, strerror(errno));
    }
    bool ok = out && annotate(profile, file, in, out);
    if (in) {
        fclose(in);
    }
    return out ? close_output(out, to, error) && ok : false;
}

static bool is_first_of_file(const struct profile *profile, const struct python_code *code) {
    for (unsigned id = 0; id < code->id; id++) {
        if (!strcmp(python_code_at(profile->python, id)->file, code->file)) {
            return false;
        }
    }
    return true;
}

bool profile_write_sources(struct profile *profile, const char *folder, const char *drive, struct error *error) {
    const struct python_code *code;
    if (!drive) {
        error_set(error, "--profile-source: the sources are looked for on the drive, and there is none; use --drive");
        return false;
    }
    if (mkdir(folder, 0777) && errno != EEXIST) {
        error_set(error, "--profile-source: %s: %s", folder, strerror(errno));
        return false;
    }
    bool ok = true;
    for (unsigned id = 0; ok && (code = python_code_at(profile->python, id)); id++) {
        ok =
            code->frozen || !is_first_of_file(profile, code) || write_source(profile, code->file, folder, drive, error);
    }
    return ok;
}
