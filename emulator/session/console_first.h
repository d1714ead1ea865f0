/* --console-first: what code.py prints is heard from its first line on.
 *
 * A board prints before a PC listens, and what it prints then is lost. So code.py stays off the drive until the console
 * is open; then it is written over USB, as somebody who saves it would, and the firmware starts it by its auto-reload.
 * It runs once; supervisor.runtime.run_reason is AUTO_RELOAD. What is typed waits until then: a key would lead to the
 * REPL.
 *
 * A boot.py that switches auto-reload off: Ctrl-D starts the program. One that takes the drive or the console from the
 * PC: the run begins again from power-on with code.py in its place (nothing of the first try has been kept).
 * A later reset of the chip (microcontroller.reset(), a watchdog): code.py is taken off the drive before the firmware
 * starts, and comes back in the same way; it is put back into the flash, and the chip reset once more, when the board
 * does not let the PC write its drive any more.
 * Not done: a reset while folder and drive are not in step is one as on the desk. */
#ifndef SESSION_CONSOLE_FIRST_H
#define SESSION_CONSOLE_FIRST_H

#include <stdbool.h>
#include <stdint.h>

struct session;

enum console_first_step {
    CONSOLE_FIRST_OFF,
    CONSOLE_FIRST_HELD,       /* until the console is open */
    CONSOLE_FIRST_HELD_AGAIN, /* the same, after a reset of the chip */
    CONSOLE_FIRST_WRITTEN,    /* on its way onto the drive */
    CONSOLE_FIRST_STARTING,   /* there; the firmware is about to start it */
};

struct console_first {
    enum console_first_step step;
    uint64_t since_ps; /* of this step */
    uint64_t ready_ps; /* since when the console is open; TIME_NEVER: it is not */
    uint64_t heard_ps; /* when the board has printed something since code.py is there; TIME_NEVER: nothing yet */
    bool active;       /* code.py waits for the console */
    bool in_vain;      /* begin again without */
    bool keep_held;    /* session_hold_code() */
    bool held_ready;   /* and all is ready to let it go */
};

/* After the drive has been made. */
void console_first_begin(struct session *session);
/* Between two slices of the machine. */
void console_first_step(struct session *session, uint64_t now);
/* The chip has been reset. */
void console_first_reset(struct session *session, uint64_t now);
/* The board has been switched off or on: its time begins anew. */
void console_first_power(struct session *session, uint64_t now);
/* The board has printed something. */
void console_first_heard(struct session *session, uint64_t now);
/* What is printed is no program's: no text of --expect-text or --fail-text is looked for in it. */
bool console_first_is_early(const struct session *session);
/* What is typed has to wait. */
bool console_first_keeps_input(const struct session *session);
/* The run is about to end while code.py has not been started: true when it begins again without. */
bool console_first_gives_up(struct session *session);

#endif
