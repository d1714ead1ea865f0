/* Any text as a fault: it is refused with a line, or what it says can be written and read again. */
#include "tests/fuzz/fuzz.h"

#include "emulator/session/fault.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    char text[2 * FAULT_TEXT], again[FAULT_TEXT];
    struct fault fault, same;
    struct error error;
    size = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, bytes, size);
    text[size] = 0;
    if (!fault_parse(text, &fault, &error)) {
        return 0;
    }
    fault_format(&fault, again);
    if (!fault_parse(again, &same, &error) || !fault_is_ended_by(&fault, &same) || fault.off != same.off) {
        __builtin_trap();
    }
    return 0;
}
