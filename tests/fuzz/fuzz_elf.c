/* Any bytes as an ELF file. */
#include "tests/fuzz/fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    return fuzz_image("input.elf", bytes, size);
}
