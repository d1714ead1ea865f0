/* Numbers with a unit of time. */
#include "emulator/core/time_text.h"

#include <stdlib.h>
#include <string.h>

#define LONGEST_S (100.0 * 24 * 3600)

bool time_parse(const char *text, uint64_t *ret_ps) {
    static const struct {
        const char *unit;
        double ps;
    } units[] = { { "ns", 1e3 }, { "us", 1e6 }, { "ms", 1e9 }, { "s", 1e12 } };
    char *end;
    double number = strtod(text, &end);
    if (end == text || strchr("+-nNiI", text[0])) {
        return false;
    }
    end += strspn(end, " ");
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && number * units[i].ps <= LONGEST_S * 1e12) {
            *ret_ps = (uint64_t)(number * units[i].ps + 0.5);
            return true;
        }
    }
    return false;
}
