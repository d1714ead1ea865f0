/* Real-time pacing: virtual time follows the wall clock by absolute deadlines. */
#ifndef CLI_PACE_H
#define CLI_PACE_H

#include <poll.h>
#include <stdint.h>

struct pace {
    double speed; /* virtual seconds a second; 0: no pacing */
    uint64_t wall_start_ns;
    uint64_t virtual_start_ps;
};

/* Monotonic wall clock in nanoseconds. */
uint64_t wall_now_ns(void);
void pace_start(struct pace *pace, double speed, uint64_t virtual_ps);
/* Sleep until the wall clock has caught up with `virtual_ps`, or one of `fds` is ready. Falls back by at most 100 ms:
 * beyond that the lost time is given up. */
void pace_wait(struct pace *pace, uint64_t virtual_ps, struct pollfd *fds, unsigned count);

#endif
