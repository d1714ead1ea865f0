/* For `scripts/test coverage`: processes that end by _exit() (the boards of `ouroboard test`) write their counts too.
 * Linked into every executable with -Wl,--wrap=_exit. */
#include <stddef.h>

void __gcov_dump(void) __attribute__((weak));
void __real__exit(int code) __attribute__((noreturn));
void __wrap__exit(int code) __attribute__((noreturn));

void __wrap__exit(int code) {
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
    __real__exit(code);
}
