/* `monitor` commands: what GDB has no words for. The names of OpenOCD's where editors use them. */
#include "emulator/debug/gdb_private.h"

#include "emulator/core/bus.h"
#include "emulator/core/scheduler.h"
#include "emulator/debug/python.h"
#include "peripherals/parts/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FRAMES_MOST 64u
#define LOCALS_MOST 32u
#define VALUE_MOST 120u

struct command {
    const char *words; /* how it begins */
    /* `rest`: what follows. Prints into `out`; false with an error line. */
    bool (*run)(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error);
    bool changes; /* only the driver may */
    const char *help;
};

/* ---- Running ---- */

static bool run_reset(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    if (!gdb_threads_reset(gdb, error)) {
        return false;
    }
    gdb_text_print(out, "reset; core 0 stands at 0x%08x\n", core_register(gdb_core(gdb, 0), CORE_PC));
    return true;
}

static bool run_nothing(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    return true;
}

static bool run_time(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    for (unsigned i = 0; i < GDB_CORES; i++) {
        uint64_t ps = machine_core_time(gdb->machine, i);
        gdb_text_print(out, "core %u: %llu.%012llu s, %llu cycles of clk_sys\n", i, (unsigned long long)(ps / PS_PER_S),
                       (unsigned long long)(ps % PS_PER_S), (unsigned long long)core_cycles(gdb_core(gdb, i)));
    }
    gdb_text_print(out, "clk_sys: %llu Hz\n", (unsigned long long)machine_hz(gdb->machine));
    return true;
}

static bool parse_switch(const char *rest, bool *ret_on, struct error *error) {
    bool on = strcmp(rest, "on") == 0 || strcmp(rest, "enable") == 0;
    bool off = strcmp(rest, "off") == 0 || strcmp(rest, "disable") == 0;
    if (!on && !off) {
        error_set(error, "say on or off");
        return false;
    }
    *ret_on = on;
    return true;
}

static bool run_catch(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    return parse_switch(rest, &gdb->catches_faults, error);
}

static bool run_semihosting(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    return parse_switch(rest, &gdb->has_semihosting, error);
}

static bool run_snapshot(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    if (!*rest) {
        error_set(error, "name a file: monitor snapshot FILE");
        return false;
    }
    if (!session_save_state(gdb->session, rest, error)) {
        return false;
    }
    gdb_text_print(out, "saved; ouroboard run --load-state %s goes on from here\n", rest);
    return true;
}

/* ---- Registers of blocks ---- */

static struct block *find_block(struct gdb *gdb, const char *name, uint32_t *ret_base) {
    struct block *block;
    for (unsigned i = 0; (block = machine_block_number(gdb->machine, i, ret_base)); i++) {
        if (strcasecmp(block->name, name) == 0) {
            return block;
        }
    }
    return NULL;
}

static bool run_blocks(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    struct block *block;
    uint32_t base;
    for (unsigned i = 0; (block = machine_block_number(gdb->machine, i, &base)); i++) {
        gdb_text_print(out, "0x%08x %s%s\n", base, block->name, block->in_reset ? " (held in reset)" : "");
    }
    return true;
}

static void print_register(struct gdb *gdb, uint32_t base, const struct register_desc *desc, struct gdb_text *out) {
    uint32_t value, address = base + desc->offset;
    if (machine_look(gdb->machine, gdb->halted_core, address, 4, &value)) {
        gdb_text_print(out, "0x%08x %-24s 0x%08x\n", address, desc->name, value);
    } else {
        gdb_text_print(out, "0x%08x %-24s (loading it does something: not shown)\n", address, desc->name);
    }
}

/* "BLOCK" or "BLOCK REGISTER". */
static bool run_registers(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    char block_name[32] = "", name[64] = "";
    uint32_t base;
    sscanf(rest, "%31s %63s", block_name, name);
    struct block *block = find_block(gdb, block_name, &base);
    bool found = false;
    if (!block || !block->registers) {
        error_set(error, "there is no block \"%s\" with registers: `monitor blocks` lists them", block_name);
        return false;
    }
    for (unsigned i = 0; i < block->registers->words; i++) {
        unsigned id = block->registers->ids[i];
        const struct register_desc *desc = id ? &block->registers->descs[id - 1] : NULL;
        if (desc && (!name[0] || strcasecmp(desc->name, name) == 0)) {
            print_register(gdb, base, desc, out);
            found = true;
        }
    }
    error_set(error, "%s has no register \"%s\"", block->name, name);
    return found;
}

/* ---- Pins and parts ---- */

static bool run_pins(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    static const char *const levels[] = {
        [NET_LEVEL_LOW] = "low", [NET_LEVEL_HIGH] = "high", [NET_LEVEL_FLOATING] = "floating"
    };
    struct net *net;
    for (unsigned i = 0; (net = machine_gpio(gdb->machine, i)); i++) {
        gdb_text_print(out, "%-8s %s\n", net->name, levels[net->level]);
    }
    return true;
}

static void print_part(const struct project_part *part, struct gdb_text *out) {
    const struct part_class *class = part->class;
    gdb_text_print(out, "%s (%s)\n", part->from ? part->from->id : "", class->type);
    for (unsigned i = 0; i < part_control_count(class); i++) {
        const struct part_control *control = &class->controls[i];
        double value = 0;
        if (part->part && part_get(part->part, control->name, &value, NULL)) {
            gdb_text_print(out, "    %s = %g%s%s\n", control->name, value, control->unit ? " " : "",
                           control->unit ? control->unit : "");
        }
    }
}

static bool run_parts(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    const struct project *project = session_project(gdb->session);
    for (unsigned i = 0; i < project->part_count; i++) {
        if (!project->parts[i].is_board) {
            print_part(&project->parts[i], out);
        }
    }
    return true;
}

/* "PART CONTROL VALUE". */
static bool run_set(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    char part[64], control[64], end;
    double value;
    if (sscanf(rest, "%63s %63s %lf %c", part, control, &value, &end) != 3) {
        error_set(error, "say monitor set PART CONTROL VALUE");
        return false;
    }
    const struct input input = { .kind = INPUT_CONTROL, .part = part, .name = control, .value = value };
    return session_apply(gdb->session, &input, error);
}

/* ---- The Python program ---- */

static void print_locals(struct python *python, const struct python_frame *frame, struct gdb_text *out) {
    struct python_variable locals[LOCALS_MOST];
    char value[VALUE_MOST];
    unsigned count = python_locals(python, frame, locals, LOCALS_MOST);
    for (unsigned i = 0; i < count; i++) {
        python_text(python, locals[i].object, value, sizeof(value));
        gdb_text_print(out, "        %s = %s\n", locals[i].name, value);
    }
}

static unsigned print_python_of(struct python *python, unsigned core, struct gdb_text *out) {
    struct python_frame frames[FRAMES_MOST];
    unsigned count = python_stack(python, core, frames, FRAMES_MOST);
    for (unsigned i = 0; i < count; i++) {
        const struct python_code *code = frames[i].code;
        gdb_text_print(out, "core %u: #%-2u %s (%s:%u)\n", core, i, code->function, code->file, frames[i].line);
        print_locals(python, &frames[i], out);
    }
    return count;
}

/* Innermost frames first. */
static bool run_python_stack(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    struct python *python = session_python(gdb->session);
    unsigned count = 0;
    if (!python || !python_is_known(python)) {
        error_set(error, "the firmware is no CircuitPython or MicroPython that is recognised");
        return false;
    }
    for (unsigned i = 0; i < GDB_CORES; i++) {
        count += print_python_of(python, i, out);
    }
    error_set(error, "no core runs Python now");
    return count > 0;
}

/* ---- Finding the command ---- */

static bool run_help(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error);

static const struct command commands[] = {
    { "help", run_help, false, "this list" },
    { "reset", run_reset, true, "reset the chip and stand at the first instruction (reset halt and reset init too)" },
    { "halt", run_nothing, false, "nothing: the board stands still whenever you can type this" },
    { "stop", run_nothing, false, NULL },
    { "system_reset", run_reset, true, NULL },
    { "gdb_sync", run_nothing, false, NULL },
    { "blocks", run_blocks, false, "the chip's blocks and where they are" },
    { "registers", run_registers, false, "BLOCK [REGISTER]: what the block's registers hold, without side effects" },
    { "pins", run_pins, false, "levels of the GPIO pins" },
    { "parts", run_parts, false, "parts of the project, and their controls" },
    { "set", run_set, true, "PART CONTROL VALUE: as somebody would who operates the part" },
    { "python stack", run_python_stack, false, "the frames of the Python program, innermost first, and their locals" },
    { "time", run_time, false, "virtual time, cycles and clock" },
    { "snapshot", run_snapshot, false, "FILE: keep the whole machine in a file (--load-state goes on from there)" },
    { "catch faults", run_catch, true, "on or off: stand still before a fault is taken (on)" },
    { "semihosting", run_semihosting, true, "on or off: BKPT 0xab is a call (on)" },
    { "arm semihosting", run_semihosting, true, NULL },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool run_help(struct gdb *gdb, const char *rest, struct gdb_text *out, struct error *error) {
    for (size_t i = 0; i < COMMANDS; i++) {
        if (commands[i].help) {
            gdb_text_print(out, "%-14s %s\n", commands[i].words, commands[i].help);
        }
    }
    return true;
}

static const struct command *find_command(const char *text, const char **ret_rest) {
    for (size_t i = 0; i < COMMANDS; i++) {
        size_t length = strlen(commands[i].words);
        if (strncmp(text, commands[i].words, length) == 0 && (!text[length] || text[length] == ' ')) {
            *ret_rest = text + length + strspn(text + length, " ");
            return &commands[i];
        }
    }
    return NULL;
}

static bool run_line(struct gdb_client *client, const char *text, struct gdb_text *out, struct error *error) {
    struct gdb *gdb = client->gdb;
    const char *rest;
    const struct command *command = find_command(text, &rest);
    if (!command) {
        error_set(error, "no such command; monitor help lists them");
        return false;
    }
    if (command->changes && (!gdb_is_driver(client) || !gdb->holds)) {
        error_set(error, "another client has the board, or it runs");
        return false;
    }
    if (command->run == run_set && gdb_reverse_is_past(gdb)) {
        error_set(error, "nothing can be changed in the past");
        return false;
    }
    return command->run(gdb, rest, out, error);
}

void gdb_monitor_run(struct gdb_client *client, const char *text) {
    struct gdb_text out = { 0 };
    struct error error = { "" };
    text += strspn(text, " ");
    if (!run_line(client, text, &out, &error)) {
        gdb_text_print(&out, "%s\n", error.message);
    }
    if (out.bytes && !out.failed) {
        gdb_reply_console(client, out.bytes);
    }
    gdb_reply(client, "OK");
    gdb_text_finish(&out);
}
