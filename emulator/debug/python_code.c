/* Functions as their bytecode describes them: prelude, names, line table, functions they define. py/bc.h has the
 * prelude's encoding, py/bc.c (mp_bytecode_get_source_line) that of line tables, py/bc0.h the formats of opcodes.
 *
 * Code moves: a heap is collected, a program is loaded again. So what has been met is kept by its contents, and looked
 * up by its address only as long as memory still has the same there. */
#include "emulator/debug/python_private.h"

#include <stdlib.h>

#define INFO_MOST 4096 /* bytes of names and line table */
#define CODES_MOST 65536
#define CODES_GROW 256
#define INNER_MOST 16 /* functions in functions */
#define NAME_BYTES 128
#define CHAINS 4096 /* of the tables by contents and by address */

/* ---- Preludes ---- */

bool python_take_number(const struct python_memory *memory, uint32_t *at, uint32_t *ret_number) {
    uint8_t byte = 0x80;
    *ret_number = 0;
    for (unsigned i = 0; i < 5 && byte & 0x80; i++) {
        if (!python_byte(memory, (*at)++, &byte)) {
            return false;
        }
        *ret_number = *ret_number << 7 | (byte & 0x7f);
    }
    return !(byte & 0x80);
}

/* Sizes of state and counts of arguments: xSSSSEAA, then xFSSKAED as often as bit 7 asks. */
static bool take_signature(const struct python_memory *memory, uint32_t *at, struct python_prelude *prelude) {
    uint8_t byte;
    if (!python_byte(memory, (*at)++, &byte)) {
        return false;
    }
    prelude->states = byte >> 3 & 15;
    prelude->handlers = byte >> 2 & 1;
    prelude->positional = byte & 3;
    for (unsigned n = 0; byte & 0x80; n++) {
        if (n > 4 || !python_byte(memory, (*at)++, &byte)) {
            return false;
        }
        prelude->states |= (byte & 0x30u) << 2 * n;
        prelude->handlers |= (byte & 2u) << n;
        prelude->flags |= ((byte & 0x40u) >> 6) << n;
        prelude->positional |= (byte & 4u) << n;
        prelude->keyword_only |= ((byte & 8u) >> 3) << n;
        prelude->defaults |= (byte & 1u) << n;
    }
    prelude->states++;
    return true;
}

/* Sizes of what follows: xIIIIIIC as often as bit 7 asks. */
static bool take_sizes(const struct python_memory *memory, uint32_t *at, struct python_prelude *prelude) {
    uint8_t byte = 0x80;
    uint32_t info = 0;
    for (unsigned n = 0; byte & 0x80; n++) {
        if (n > 4 || !python_byte(memory, (*at)++, &byte)) {
            return false;
        }
        prelude->cells |= (byte & 1u) << n;
        info |= ((byte & 0x7eu) >> 1) << 6 * n;
    }
    prelude->info = *at;
    prelude->info_end = *at + info;
    prelude->start = prelude->info_end + prelude->cells;
    return info <= INFO_MOST && prelude->cells < 256;
}

/* Name and file, or name and parameters; the line table follows. */
static bool take_names(const struct python_memory *memory, bool contexts, struct python_prelude *prelude) {
    uint32_t at = prelude->info, parameter;
    if (!contexts) {
        const uint8_t *names = python_at(memory, at, 4);
        if (names) {
            prelude->name = names[0] | (uint32_t)names[1] << 8;
            prelude->file = names[2] | (uint32_t)names[3] << 8;
        }
        prelude->lines = at + 4;
        return names && prelude->lines <= prelude->info_end;
    }
    bool ok = python_take_number(memory, &at, &prelude->name);
    for (unsigned i = 0; ok && i < prelude->positional + prelude->keyword_only; i++) {
        ok = python_take_number(memory, &at, &parameter) && at <= prelude->info_end;
    }
    prelude->lines = at;
    return ok && at <= prelude->info_end;
}

bool python_decode_prelude(const struct python_memory *memory, bool contexts, uint32_t bytecode,
                           struct python_prelude *ret_prelude) {
    uint32_t at = bytecode;
    *ret_prelude = (struct python_prelude){ 0 };
    return take_signature(memory, &at, ret_prelude) && take_sizes(memory, &at, ret_prelude) &&
           take_names(memory, contexts, ret_prelude) &&
           python_at(memory, bytecode, ret_prelude->start + 1 - bytecode) != NULL;
}

/* ---- Line tables ---- */

/* So many bytes of code further it is so many lines further. False at the end of the table. */
struct line_step {
    unsigned bytes, lines;
};
static bool take_step(const struct python_memory *memory, bool contexts, uint32_t *at, uint32_t end,
                      struct line_step *ret_step) {
    uint8_t first, second;
    if (*at >= end || !python_byte(memory, (*at)++, &first) || (!contexts && !first)) {
        return false;
    }
    if (!(first & 0x80)) {
        *ret_step = (struct line_step){ .bytes = first & 0x1f, .lines = first >> 5 };
        return true;
    }
    if (!python_byte(memory, (*at)++, &second)) {
        return false;
    }
    *ret_step = (struct line_step){ .bytes = first & 0xf, .lines = ((unsigned)first << 4 & 0x700) | second };
    return true;
}

void python_find_line(const struct python_memory *memory, bool contexts, const struct python_prelude *prelude,
                      uint32_t ip, struct python_range *ret_range) {
    uint32_t at = prelude->lines, position = 0, offset = ip - prelude->start;
    struct line_step step;
    *ret_range = (struct python_range){ .line = 1, .begin = prelude->start, .end = prelude->start + PYTHON_CODE_MOST };
    while (take_step(memory, contexts, &at, prelude->info_end, &step)) {
        if (offset < position + step.bytes) {
            ret_range->end = prelude->start + position + step.bytes;
            return;
        }
        position += step.bytes;
        ret_range->line += step.lines;
        if (step.lines) {
            ret_range->begin = prelude->start + position;
        }
    }
}

/* ---- Functions and frames ---- */

static uint32_t half_at(const struct python_memory *memory, uint32_t address) {
    const uint8_t *bytes = python_at(memory, address, 2);
    return bytes ? bytes[0] | (uint32_t)bytes[1] << 8 : 0;
}

bool python_is_type(const struct python_memory *memory, uint32_t object) {
    uint32_t type, type_of_type;
    return python_read(memory, object, &type) && python_read(memory, type, &type_of_type) && type_of_type == type;
}

bool python_complete_function(const struct python_memory *memory, bool contexts, struct python_function *function) {
    struct python_prelude *prelude = &function->prelude;
    if (!python_decode_prelude(memory, contexts, function->bytecode, prelude)) {
        return false;
    }
    function->name = prelude->name;
    function->file = prelude->file;
    if (contexts) {
        uint32_t strings = python_word(memory, function->context + 8);
        function->name = half_at(memory, strings + 2 * prelude->name);
        function->file = half_at(memory, strings);
        return python_at(memory, strings + 2 * prelude->name, 2);
    }
    return true;
}

static void take_context(const struct python_memory *memory, struct python_function *function) {
    function->globals = python_word(memory, function->context + 4);
    function->children = python_word(memory, function->object + 8);
    function->bytecode = python_word(memory, function->object + 12);
}

static void take_without_context(const struct python_memory *memory, struct python_function *function) {
    function->globals = function->context;
    function->context = 0;
    function->bytecode = python_word(memory, function->object + 8);
    function->children = python_word(memory, function->object + 12);
}

bool python_read_function(const struct python_memory *memory, bool contexts, uint32_t object,
                          struct python_function *ret_function) {
    uint32_t type;
    if (!python_is_ram(memory, object) || !python_read(memory, object, &type) || !python_is_type(memory, type)) {
        return false;
    }
    *ret_function = (struct python_function){ .object = object, .context = python_word(memory, object + 4) };
    if (contexts) {
        take_context(memory, ret_function);
    } else {
        take_without_context(memory, ret_function);
    }
    return python_complete_function(memory, contexts, ret_function);
}

bool python_read_state(const struct python_memory *memory, bool contexts, uint32_t address,
                       struct python_state *ret_state) {
    const uint8_t *bytes = address & 3 ? NULL : python_at(memory, address, 4 * PYTHON_STATE_WORDS);
    if (!bytes || !python_is_ram(memory, address)) {
        return false;
    }
    uint32_t words[PYTHON_STATE_WORDS];
    memcpy(words, bytes, sizeof(words));
    *ret_state = (struct python_state){ .address = address, .ip = words[1], .sp = words[2] };
    if (!python_read_function(memory, contexts, words[0], &ret_state->function)) {
        return false;
    }
    const struct python_prelude *prelude = &ret_state->function.prelude;
    uint32_t slots = address + 4 * PYTHON_STATE_WORDS;
    bool sizes = (words[3] & 0xffff) == prelude->states && words[3] >> 16 <= prelude->handlers + 1;
    bool ip = ret_state->ip - prelude->start < PYTHON_CODE_MOST && python_at(memory, ret_state->ip, 1);
    bool sp = !(ret_state->sp & 3) && ret_state->sp + 4 - slots <= 4 * prelude->states;
    return sizes && ip && sp;
}

/* ---- What has been met ---- */

/* A struct python_code with what it was made from. */
struct code {
    struct python_code public;
    struct code *same_hash, *same_address;
    uint32_t hash;
    uint32_t bytecode, context; /* where it was seen last; 0: nowhere */
    uint32_t name, file;        /* interned strings, then */
    uint32_t size;              /* bytes of the prelude up to the first instruction */
    uint8_t *prelude;
    unsigned *lines;
    char text[]; /* file and function */
};

struct python_codes {
    struct code *by_hash[CHAINS], *by_address[CHAINS];
    struct code **by_id;
    unsigned count;
    unsigned depth; /* of functions in functions that are being met */
};

struct python_codes *python_codes_create(void) {
    return calloc(1, sizeof(struct python_codes));
}

void python_codes_destroy(struct python_codes *codes) {
    for (unsigned i = 0; codes && i < CHAINS; i++) {
        while (codes->by_hash[i]) {
            struct code *code = codes->by_hash[i];
            codes->by_hash[i] = code->same_hash;
            free(code->prelude);
            free(code->lines);
            free(code);
        }
    }
    free(codes ? codes->by_id : NULL);
    free(codes);
}

static struct code **address_chain(struct python_codes *codes, uint32_t bytecode) {
    return &codes->by_address[(bytecode ^ bytecode >> 12) % CHAINS];
}

static uint32_t prelude_size(const struct python_function *function) {
    return function->prelude.start - function->bytecode;
}

static bool is_same_code(const struct python_memory *memory, const struct code *code,
                         const struct python_function *function) {
    const uint8_t *bytes = python_at(memory, function->bytecode, code->size);
    return bytes && code->size == prelude_size(function) && !memcmp(bytes, code->prelude, code->size);
}

static struct code *find_by_address(struct python *python, const struct python_function *function) {
    for (struct code *code = *address_chain(python->codes, function->bytecode); code; code = code->same_address) {
        if (code->bytecode == function->bytecode) {
            bool same = code->context == function->context && code->name == function->name &&
                        code->file == function->file && is_same_code(&python->memory, code, function);
            return same ? code : NULL;
        }
    }
    return NULL;
}

static void forget_address(struct python_codes *codes, uint32_t bytecode) {
    for (struct code **at = address_chain(codes, bytecode); *at; at = &(*at)->same_address) {
        if ((*at)->bytecode == bytecode) {
            (*at)->bytecode = 0;
            *at = (*at)->same_address;
            return;
        }
    }
}

/* From now on it is found at this address. */
static void note_address(struct python_codes *codes, struct code *code, const struct python_function *function) {
    forget_address(codes, function->bytecode);
    if (code->bytecode) {
        forget_address(codes, code->bytecode);
    }
    code->bytecode = function->bytecode;
    code->context = function->context;
    code->name = function->name;
    code->file = function->file;
    code->same_address = *address_chain(codes, function->bytecode);
    *address_chain(codes, function->bytecode) = code;
}

static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * 16777619u;
    }
    return hash;
}

static bool has_room(struct python_codes *codes) {
    if (codes->count % CODES_GROW == 0) {
        struct code **more = realloc(codes->by_id, (codes->count + CODES_GROW) * sizeof(*more));
        codes->by_id = more ? more : codes->by_id;
        return more && codes->count < CODES_MOST;
    }
    return codes->count < CODES_MOST;
}

static struct code *make_code(struct python_codes *codes, const uint8_t *prelude, uint32_t size, const char *file,
                              const char *function, unsigned parameters) {
    struct code *code = has_room(codes) ? calloc(1, sizeof(*code) + strlen(file) + strlen(function) + 2) : NULL;
    uint8_t *copy = code ? malloc(size ? size : 1) : NULL;
    if (!copy) {
        free(code);
        return NULL;
    }
    memcpy(copy, prelude, size);
    code->prelude = copy;
    code->size = size;
    strcpy(code->text, file);
    strcpy(code->text + strlen(file) + 1, function);
    code->public = (struct python_code){
        .file = code->text, .function = code->text + strlen(file) + 1, .id = codes->count, .parameters = parameters
    };
    codes->by_id[codes->count++] = code;
    return code;
}

/* By contents: names and prelude, but for the numbers of strings in it, which differ from one load to the next. The
 * line table alone stands for them. */
static struct code *find_or_make(struct python *python, const struct python_function *function) {
    char file[NAME_BYTES], name[NAME_BYTES];
    const struct python_prelude *prelude = &function->prelude;
    uint32_t size = prelude_size(function), lines = prelude->info_end - prelude->lines;
    const uint8_t *bytes = python_at(&python->memory, function->bytecode, size);
    const uint8_t *table = python_at(&python->memory, prelude->lines, lines);
    if (!bytes || !table) {
        return NULL;
    }
    python_string(python, function->file, file, sizeof(file));
    python_string(python, function->name, name, sizeof(name));
    uint32_t hash =
        hash_bytes(hash_bytes(hash_bytes(2166136261u, file, strlen(file) + 1), name, strlen(name)), table, lines);
    struct code **chain = &python->codes->by_hash[hash % CHAINS];
    for (struct code *code = *chain; code; code = code->same_hash) {
        bool same = code->hash == hash && !strcmp(code->public.file, file) && !strcmp(code->public.function, name) &&
                    code->size >= lines && code->size == size;
        if (same && !memcmp(code->prelude + (prelude->lines - function->bytecode), table, lines)) {
            memcpy(code->prelude, bytes, size);
            return code;
        }
    }
    struct code *code = make_code(python->codes, bytes, size, file, name, prelude->positional + prelude->keyword_only);
    if (code) {
        code->public.frozen = !python_is_ram(&python->memory, function->bytecode);
        code->hash = hash;
        code->same_hash = *chain;
        *chain = code;
    }
    return code;
}

/* The lines that instructions are on, by the table; what a class does before its first statement is on none. */
static unsigned read_lines(const struct python *python, const struct python_function *function, uint32_t end,
                           bool is_module, unsigned *ret_lines) {
    bool contexts = python_has_contexts(&python->image);
    uint32_t at = function->prelude.lines, position = function->prelude.start, begin = position;
    unsigned line = 1, count = 0;
    struct line_step step;
    while (take_step(&python->memory, contexts, &at, function->prelude.info_end, &step)) {
        position += step.bytes;
        if (step.lines) {
            bool has_code = position > begin && (line > 1 || is_module);
            ret_lines[count] = line;
            count += has_code;
            line += step.lines;
            begin = position;
        }
    }
    ret_lines[count] = line;
    return count + (begin < end);
}

static void meet_inner(struct python *python, const struct python_function *function,
                       const struct python_code_walk *walk) {
    bool contexts = python_has_contexts(&python->image);
    if (python->codes->depth >= INNER_MOST) {
        return;
    }
    python->codes->depth++;
    for (unsigned i = 0; i < walk->child_count; i++) {
        struct python_function child;
        if (python_read_child(&python->memory, contexts, function, walk->children[i], &child)) {
            python_code_of(python, &child);
        }
    }
    python->codes->depth--;
}

/* What only has to be found out once: its lines, and the functions that it makes. */
static void look_into(struct python *python, struct code *code, const struct python_function *function) {
    struct python_code_walk walk;
    python_walk_code(&python->memory, python_has_contexts(&python->image), function, &walk);
    unsigned most = function->prelude.info_end - function->prelude.lines + 2;
    code->lines = calloc(most, sizeof(*code->lines));
    if (code->lines) {
        code->public.lines = code->lines;
        code->public.line_count =
            read_lines(python, function, walk.end, !strcmp(code->public.function, "<module>"), code->lines);
    }
    meet_inner(python, function, &walk);
}

const struct python_code *python_code_at(const struct python *python, unsigned id) {
    return id < python->codes->count ? &python->codes->by_id[id]->public : NULL;
}

const struct python_code *python_code_of(struct python *python, const struct python_function *function) {
    struct code *code = find_by_address(python, function);
    if (!code) {
        code = find_or_make(python, function);
        if (code) {
            note_address(python->codes, code, function);
        }
        if (code && !code->lines) {
            look_into(python, code, function);
        }
    }
    return code ? &code->public : NULL;
}

/* Offset of the first instruction that the table has a line for. */
static uint32_t first_lined(const struct python_memory *memory, bool contexts, const struct python_prelude *prelude) {
    uint32_t at = prelude->lines, position = 0;
    struct line_step step;
    while (take_step(memory, contexts, &at, prelude->info_end, &step)) {
        position += step.bytes;
        if (step.lines) {
            return position;
        }
    }
    return 0;
}

/* What a class does before its first statement has no line: it would be on line 1. */
void python_line_of(const struct python *python, const struct python_code *code, const struct python_function *function,
                    uint32_t ip, struct python_range *ret_range) {
    const struct python_prelude *prelude = &function->prelude;
    bool contexts = python_has_contexts(&python->image);
    python_find_line(&python->memory, contexts, prelude, ip, ret_range);
    uint32_t lined = ret_range->line == 1 ? first_lined(&python->memory, contexts, prelude) : 0;
    if (lined && ip < prelude->start + lined && strcmp(code->function, "<module>") != 0) {
        python_find_line(&python->memory, contexts, prelude, prelude->start + lined, ret_range);
        ret_range->begin = prelude->start;
    }
}
