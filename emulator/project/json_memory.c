/* jansson has one pair of allocation functions for the whole process, without a context: the count is the process's. */
#include "emulator/project/json_memory.h"

#ifdef HAVE_JANSSON
#include <jansson.h>
#include <stdlib.h>

static unsigned failures;

static void *json_allocate(size_t size) {
    void *memory = malloc(size);
    failures += !memory;
    return memory;
}

void json_memory_watch(void) {
    json_set_alloc_funcs(json_allocate, free);
}

unsigned json_memory_failures(void) {
    return failures;
}
#else
void json_memory_watch(void) {
}

unsigned json_memory_failures(void) {
    return 0;
}
#endif
