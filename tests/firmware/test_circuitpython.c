/* CircuitPython on the board of the image, from an empty flash: what every release must do at the prompt.
 *
 * usage: test_circuitpython IMAGE VERSION */
#include "emulator/core/scheduler.h"
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOFT_REBOOT "\x04"

static const char *version;

/* What differs between the chips. */
static const struct expectations {
    int sram_bytes;
    const char *hz;
} expectations[] = {
    [CHIP_RP2040] = { 264 * 1024, "125000000\r\n" },
    [CHIP_RP2350] = { 520 * 1024, "150000000\r\n" },
};

static void says_its_version(struct rig *rig) {
    char expected[64];
    snprintf(expected, sizeof(expected), "%s\r\n", version);
    RIG_EQUAL(rig, rig_repl(rig, "import os; print(os.uname().version.split()[0])", 1000), expected);
}

static void integers(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "sum(i*i for i in range(10000))", 10000), "333283335000\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "2**100 // 3**20, -7 // 2, -7 % 3", 1000), "(363558641556578823726, -4, 2)\r\n");
}

static void floats(struct rig *rig) {
    /* CircuitPython keeps 22 to 30 bits of a float; releases print six or more digits of them. */
    RIG_EQUAL(rig, rig_repl(rig, "abs(2.5**3.7/29.674153-1)<1e-6, abs(2.0**0.5/1.4142135-1)<1e-6", 1000),
              "(True, True)\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "3.0**-2.0*9 > 0.999999, 1e38*10, -1e38*10, 0.0*-1.0", 1000),
              "(True, inf, -inf, -0.0)\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "1.5+2.25, 1.0/4, 7.5//2, -7.5%2, int(3.99), int(-3.99)", 1000),
              "(3.75, 0.25, 3.0, 0.5, 3, -3)\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "import struct; struct.unpack('<d', b'\\x9a\\x99\\x99\\x99\\x99\\x99\\xf1?')", 1000),
              "(1.1,)\r\n");
}

/* On the RP2350 pow() goes through the double-precision coprocessor; all digits have to be right. */
static void doubles(struct rig *rig) {
    if (rig->board->chip != CHIP_RP2350) {
        return;
    }
    bool old = strncmp(version, "9.2.", 4) == 0; /* prints fewer digits, and rounds integers otherwise */
    RIG_EQUAL(rig, rig_repl(rig, "print(2.5**3.7, 2.0**0.5, 3.0**-2.0, 1e38*10, 10.0**0.5)", 1000),
              old ? "29.6741 1.41421 0.111111 inf 3.16228\r\n" : "29.67414 1.4142132 0.11111112 inf 3.162278\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "int(1e9)", 1000), old ? "1000000000\r\n" : "1000000128\r\n");
}

static void files_of_a_first_boot(struct rig *rig) {
    RIG_CHECK(rig, strstr(rig_repl(rig, "import os; os.listdir('/')", 1000), "'boot_out.txt'") != NULL);
    RIG_CHECK(rig, strstr(rig_repl(rig, "open('/code.py').read()", 1000), "Hello World!") != NULL);
}

static void free_memory(struct rig *rig) {
    const char *printed = rig_repl(rig, "import gc; gc.collect(); gc.mem_free()", 1000);
    int all = expectations[rig->board->chip].sram_bytes;
    RIG_CHECK(rig, printed && atoi(printed) > all / 3 && atoi(printed) < all);
}

static void sleeps(struct rig *rig) {
    RIG_EQUAL(
        rig, rig_repl(rig, "import time; t=time.monotonic_ns(); time.sleep(0.5); (time.monotonic_ns()-t)//10**7", 2000),
        "50\r\n");
}

static void traceback(struct rig *rig) {
    const char *printed = rig_repl(rig, "1/0", 1000);
    RIG_CHECK(rig,
              printed && strstr(printed, "Traceback (most recent call last):") && strstr(printed, "ZeroDivisionError"));
}

static void interrupt(struct rig *rig) {
    rig_type(rig, "while True: pass\r\r");
    rig_run(rig, 100);
    rig_type(rig, "\x03");
    RIG_CHECK(rig, rig_expect(rig, "KeyboardInterrupt", 1000));
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 1000));
}

static void soft_reboot(struct rig *rig) {
    rig_type(rig, SOFT_REBOOT);
    RIG_CHECK(rig, rig_expect(rig, "soft reboot", 1000));
    RIG_CHECK(rig, rig_expect(rig, "code.py output:", 3000));
    RIG_CHECK(rig, rig_expect(rig, "Hello World!", 3000));
    RIG_CHECK(rig, rig_expect(rig, "Code done running.", 3000));
    RIG_CHECK(rig, rig->resets == 0);
}

static void hard_reset(struct rig *rig) {
    rig_type(rig, "import microcontroller; microcontroller.reset()\r");
    rig_run(rig, 500);
    RIG_CHECK(rig, rig->resets == 1);
    rig_run(rig, 4000);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 3000));
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller; microcontroller.cpu.reset_reason", 1000),
              "microcontroller.ResetReason.SOFTWARE\r\n");
}

static void microcontroller_values(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller as m; m.cpu.frequency", 1000),
              expectations[rig->board->chip].hz);
    RIG_EQUAL(rig, rig_repl(rig, "20 < m.cpu.temperature < 35", 1000), "True\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "len(m.cpu.uid)", 1000), "8\r\n");
}

static void nonvolatile_memory(struct rig *rig) {
    rig_repl(rig, "import microcontroller as m; m.nvm[0:3] = b'abc'", 2000);
    RIG_EQUAL(rig, rig_repl(rig, "bytes(m.nvm[0:4])", 1000), "b'abc\\xff'\r\n");
}

static void back_at_the_prompt(struct rig *rig, unsigned resets) {
    rig_run(rig, 5500);
    RIG_CHECK(rig, rig->resets == resets);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 3000));
    rig_run(rig, 100);
    rig->cursor = rig->length;
}

static void watchdog(struct rig *rig) {
    rig_repl(rig, "from microcontroller import watchdog as w; from watchdog import WatchDogMode", 1000);
    rig_type(rig, "w.timeout = 0.5; w.mode = WatchDogMode.RESET\r");
    back_at_the_prompt(rig, 1);
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller; microcontroller.cpu.reset_reason", 1000),
              "microcontroller.ResetReason.WATCHDOG\r\n");
}

static void reset_pin(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller; microcontroller.cpu.reset_reason", 1000),
              "microcontroller.ResetReason.POWER_ON\r\n");
    machine_reset(rig->machine);
    back_at_the_prompt(rig, 1);
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller; microcontroller.cpu.reset_reason", 1000),
              "microcontroller.ResetReason.RESET_PIN\r\n");
}

static void safe_mode(struct rig *rig) {
    rig_repl(rig, "import microcontroller as m; m.on_next_reset(m.RunMode.SAFE_MODE)", 1000);
    rig_type(rig, "m.reset()\r");
    back_at_the_prompt(rig, 1);
    RIG_EQUAL(rig, rig_repl(rig, "import supervisor; supervisor.runtime.safe_mode_reason", 1000),
              "supervisor.SafeModeReason.PROGRAMMATIC\r\n");
}

static void boot_loader(struct rig *rig) {
    rig_repl(rig, "import microcontroller as m; m.on_next_reset(m.RunMode.UF2)", 1000);
    rig_type(rig, "m.reset()\r");
    RIG_CHECK(rig, machine_run(rig->machine, machine_now(rig->machine) + PS_PER_S) == MACHINE_IN_BOOTLOADER);
}

/* RUN twice within 0.2 s. */
static void double_tap(struct rig *rig) {
    machine_reset(rig->machine);
    rig_run(rig, 150);
    machine_reset(rig->machine);
    RIG_CHECK(rig, machine_run(rig->machine, machine_now(rig->machine) + PS_PER_S) == MACHINE_IN_BOOTLOADER);
}

static void pins(struct rig *rig) {
    rig_repl(rig, "import board, digitalio; d = digitalio.DigitalInOut(board.GP2)", 1000);
    rig_repl(rig, "d.pull = digitalio.Pull.UP", 1000);
    RIG_EQUAL(rig, rig_repl(rig, "d.value", 1000), "True\r\n");
    rig_repl(rig, "d.pull = digitalio.Pull.DOWN", 1000);
    RIG_EQUAL(rig, rig_repl(rig, "d.value", 1000), "False\r\n");
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 3) {
        fprintf(stderr, "usage: test_circuitpython IMAGE VERSION\n");
        return 2;
    }
    version = argv[2];
    rig_start(&rig, &(struct rig_desc){ .image = argv[1] });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 10000));
    RIG_CHECK(&rig, rig.stub_lines == 0);
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    static const struct rig_case cases[] = {
        { "says its version", says_its_version },
        { "integers", integers },
        { "floats", floats },
        { "doubles", doubles },
        { "files of a first boot", files_of_a_first_boot },
        { "free memory", free_memory },
        { "sleeps", sleeps },
        { "traceback", traceback },
        { "interrupt", interrupt },
        { "soft reboot", soft_reboot },
        { "hard reset", hard_reset },
        { "microcontroller values", microcontroller_values },
        { "nonvolatile memory", nonvolatile_memory },
        { "watchdog", watchdog },
        { "reset pin", reset_pin },
        { "safe mode", safe_mode },
        { "boot loader", boot_loader },
        { "double tap", double_tap },
        { "pins", pins },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    return failures != 0;
}
