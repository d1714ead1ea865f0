/* Virtual time by the clock on the wall. */
#include "emulator/cli/pace.h"

#include <time.h>

#define MAX_LAG_NS 100000000

uint64_t wall_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pace_start(struct pace *pace, double speed, uint64_t virtual_ps) {
    *pace = (struct pace){ .speed = speed, .wall_start_ns = wall_now_ns(), .virtual_start_ps = virtual_ps };
}

void pace_wait(struct pace *pace, uint64_t virtual_ps, struct pollfd *fds, unsigned count) {
    if (pace->speed <= 0) {
        return;
    }
    double ahead = (double)(virtual_ps - pace->virtual_start_ps) / 1000 / pace->speed;
    int64_t wait = (int64_t)(pace->wall_start_ns + (uint64_t)ahead) - (int64_t)wall_now_ns();
    if (wait < -MAX_LAG_NS) {
        pace_start(pace, pace->speed, virtual_ps);
    } else if (wait > 0) {
        struct timespec timeout = { wait / 1000000000, wait % 1000000000 };
        ppoll(fds, count, &timeout, NULL);
    }
}
