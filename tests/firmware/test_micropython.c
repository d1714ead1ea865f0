/* MicroPython: another firmware on the same chips, with another USB stack set-up and other habits of waiting.
 *
 * usage: test_micropython IMAGE */
#include "tests/firmware/rig.h"

#include <stdio.h>

static void computes(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "print(6*7, 2**100)", 2000), "42 1267650600228229401496703205376\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "print(sum(i*i for i in range(1000)))", 5000), "332833500\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "print(2.0**0.5, 10.0/4)", 2000), "1.414214 2.5\r\n");
}

static void sleeps(struct rig *rig) {
    RIG_EQUAL(
        rig,
        rig_repl(
            rig,
            "import time; t=time.ticks_ms(); time.sleep(0.5); print(time.ticks_diff(time.ticks_ms(), t) in (500, 501))",
            2000),
        "True\r\n");
}

static void keeps_files(struct rig *rig) {
    RIG_EQUAL(rig,
              rig_repl(rig, "f=open('a.txt','w'); n=f.write('hello'); f.close(); print(open('a.txt').read())", 5000),
              "hello\r\n");
}

static void second_core(struct rig *rig) {
    RIG_EQUAL(rig,
              rig_repl(rig,
                       "import _thread, time; r=[]; _=_thread.start_new_thread(lambda: r.append(7*6), ()); "
                       "time.sleep(0.1); print(r)",
                       5000),
              "[42]\r\n");
}

/* The banner is lost where the firmware speaks before the PC has opened the port (up to 1.23): ask for a prompt. */
static bool reaches_prompt(struct rig *rig) {
    if (rig_expect(rig, ">>> ", 4000)) {
        return true;
    }
    rig_type(rig, "\r");
    return rig_expect(rig, ">>> ", 1000);
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 2) {
        fprintf(stderr, "usage: test_micropython IMAGE\n");
        return 2;
    }
    rig_start(&rig, &(struct rig_desc){ .image = argv[1] });
    RIG_CHECK(&rig, reaches_prompt(&rig));
    static const struct rig_case cases[] = {
        { "computes", computes },
        { "sleeps", sleeps },
        { "keeps files", keeps_files },
        { "second core", second_core },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    return failures != 0;
}
