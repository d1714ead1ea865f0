/* Any bytes as Intel HEX. */
#include "tests/fuzz/fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    return fuzz_image("input.hex", bytes, size);
}
