/* What every fuzz main includes. libFuzzer calls LLVMFuzzerTestOneInput with one input after the other; it must
 * accept anything, leak nothing, and return 0. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
