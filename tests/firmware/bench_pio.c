/* How fast PIO is: virtual time over CPU time for programs that keep state machines busy. Not a test; the images are
 * those of the firmware directory. */
#include "tests/firmware/rig.h"

#include "emulator/core/scheduler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CIRCUITPYTHON "adafruit-circuitpython-raspberry_pi_pico-en_US-10.2.1.uf2"
#define LINES 8

struct program {
    const char *what;
    const char *lines[LINES]; /* typed at the prompt before it is measured */
    bool beside_loop;         /* Python runs a loop meanwhile, else it waits at the prompt */
    uint64_t ms;
};

static const char loop[] = "exec('def f():\\n s=0\\n for i in range(10**9):\\n  s+=i\\nf()')";

static const struct program programs[] = {
    { "a machine toggles a pin at clk_sys",
      { "sm=rp2pio.StateMachine(array.array('H',[0xe001,0xe000]),frequency=125000000,first_set_pin=board.GP2)" },
      true,
      500 },
    { "a machine in a loop of five, pins and counters",
      { "sm=rp2pio.StateMachine(array.array('H',[0xe03f,0xe001,0xa042,0xe000,0x0041]),frequency=125000000,"
        "first_set_pin=board.GP2)" },
      true,
      500 },
    { "synthio to I2S, 44.1 kHz",
      { "import audiobusio,synthio", "a=audiobusio.I2SOut(board.GP0,board.GP1,board.GP2)",
        "y=synthio.Synthesizer(sample_rate=44100); a.play(y); y.press((60,64,67))" },
      false,
      1000 },
    { "three machines shift out at 252 MHz",
      { "microcontroller.cpu.frequency=252000000", "b=array.array('L',[i*0x01234567&0xffffffff for i in range(2048)])",
        "m=lambda p:rp2pio.StateMachine(array.array('H',[0x6001]),frequency=252000000,first_out_pin=p,auto_pull=True)",
        "x=m(board.GP2); y=m(board.GP4); z=m(board.GP6)",
        "x.background_write(loop=b); y.background_write(loop=b); z.background_write(loop=b)" },
      false,
      500 },
};

static double used_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure(struct rig *rig, const char *what, uint64_t ms) {
    double start = used_s();
    rig_run(rig, ms);
    double used = used_s() - start;
    printf("%-50s %7.3f x by CPU time\n", what, (double)ms / 1000 / used);
    fflush(stdout);
}

static void bench_program(const struct program *program) {
    struct rig rig;
    rig_start(&rig, &(struct rig_desc){ .image = CIRCUITPYTHON });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 20000));
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    RIG_EQUAL(&rig, rig_repl(&rig, "import rp2pio,board,array,microcontroller", 1000), "");
    for (unsigned i = 0; i < LINES && program->lines[i]; i++) {
        RIG_EQUAL(&rig, rig_repl(&rig, program->lines[i], 5000), "");
    }
    if (program->beside_loop) {
        rig_type(&rig, loop);
        rig_type(&rig, "\r");
    }
    rig_run(&rig, 20);
    measure(&rig, program->what, program->ms);
    rig_stop(&rig);
}

static void bench_blink(void) {
    struct rig rig;
    rig_start(&rig, &(struct rig_desc){ .image = "pico-examples/rp2040/pio_blink.uf2" });
    rig_run(&rig, 100);
    measure(&rig, "pio_blink of pico-examples", 2000);
    rig_stop(&rig);
}

/* With an argument: only the programs whose names hold it. */
int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : "";
    if (strstr("pio_blink", wanted)) {
        bench_blink();
    }
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strstr(programs[i].what, wanted)) {
            bench_program(&programs[i]);
        }
    }
    return 0;
}
