/* Virtual times as people write them. */
#ifndef CORE_TIME_TEXT_H
#define CORE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* "1.5s", "200ms", "10us", "5 ns"; up to 100 days. False when it is none. */
bool time_parse(const char *text, uint64_t *ret_ps);

#endif
