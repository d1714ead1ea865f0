/* The life of a board with CircuitPython: the USB cable is pulled and put back, the supply goes and comes back.
 *
 * usage: test_life IMAGE VERSION */
#include "emulator/core/scheduler.h"
#include "emulator/usbhost/usbhost.h"
#include "peripherals/parts/w25q.h"
#include "tests/firmware/rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ouroboard-life-XXXXXX";
static bool keeps_lock; /* CircuitPython from 9 on */

static void in_folder(struct rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void in_folder(struct rig *rig, const char *format, ...) {
    char command[1024];
    int used = snprintf(command, sizeof(command), "cd '%s' && ", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(command + used, sizeof(command) - (size_t)used, format, args);
    va_end(args);
    rig_check(rig, system(command) == 0, command, __FILE__, __LINE__);
}

static void apply(struct rig *rig, enum input_kind kind, double value) {
    struct error error;
    const struct input input = { .kind = kind, .value = value };
    RIG_CHECK(rig, session_apply(rig->session, &input, &error));
}

static struct usbhost *host(struct rig *rig) {
    return machine_usbhost(rig->machine);
}

static void settle(struct rig *rig) {
    rig_run(rig, 1000);
    for (int i = 0; session_drive_is_busy(rig->session); i++) {
        RIG_CHECK(rig, i < 100);
        rig_run(rig, 100);
    }
}

static void enter_repl(struct rig *rig) {
    RIG_CHECK(rig, rig_expect(rig, "Press any key", 10000));
    rig_run(rig, 1500);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 3000));
    rig_run(rig, 100);
    rig->cursor = rig->length;
}

/* A file of the folder gets onto the drive. */
static void drive_works(struct rig *rig, const char *word) {
    char expected[40];
    snprintf(expected, sizeof(expected), "'%s'\r\n", word);
    in_folder(rig, "printf '%s' > word.txt", word);
    settle(rig);
    rig->cursor = rig->length;
    rig_type(rig, "\x04"); /* the REPL remembers the root folder as it was */
    enter_repl(rig);
    RIG_EQUAL(rig, rig_repl(rig, "open('/word.txt').read()", 2000), expected);
}

/* CircuitPython from 9 on does not let go of its drive when the PC goes and the power stays, so that it is read-only
 * for the next one until a reset: its issue 10149. */
static void drive_comes_back(struct rig *rig) {
    const struct usbhost_msc_info *info = usbhost_msc_info(host(rig), 0);
    RIG_CHECK(rig, info->state == USBHOST_MSC_READY);
    RIG_CHECK(rig, info->write_protected == keeps_lock);
    if (keeps_lock) {
        rig_type(rig, "import microcontroller; microcontroller.reset()\r");
        rig->cursor = rig->length;
        enter_repl(rig);
    }
    drive_works(rig, "after");
}

static void unplugged_and_plugged(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import supervisor, time, board, digitalio, analogio; r=[]", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "v=digitalio.DigitalInOut(board.VBUS_SENSE); m=analogio.AnalogIn(board.A3)", 2000),
              "");
    rig_type(rig, "for _ in range(40): r.append((supervisor.runtime.usb_connected, v.value, m.value)); "
                  "time.sleep(.05)\r\r");
    rig_run(rig, 300);
    apply(rig, INPUT_USB, 0);
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_DETACHED);
    RIG_CHECK(rig, !machine_console_ready(rig->machine, CONSOLE_USB));
    rig_run(rig, 1000);
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_DETACHED);
    apply(rig, INPUT_USB, 1);
    rig_run(rig, 1500);
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_CONFIGURED);
    rig->cursor = rig->length;
    RIG_EQUAL(rig, rig_repl(rig, "print(r[0][0:2], r[-1][0:2], (False, False) in [x[0:2] for x in r])", 2000),
              "(True, True) (True, True) True\r\n");
    /* a third of VSYS: 4.8 V from USB, 3.7 V from the battery; of 3.3 V and 65535 */
    RIG_EQUAL(rig, rig_repl(rig, "print(31500 < r[0][2] < 32000, min(x[2] for x in r) // 500)", 2000), "True 48\r\n");
    drive_comes_back(rig);
}

static void start(struct rig *rig, const char *image) {
    RIG_CHECK(rig, mkdtemp(folder) != NULL);
    rig_start(rig, &(struct rig_desc){ .image = image, .drive = folder, .seed = 3 });
    enter_repl(rig);
}

static void clean_up(void) {
    char command[80];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    if (system(command) != 0) {
        fprintf(stderr, "%s is left behind\n", folder);
    }
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 3) {
        fprintf(stderr, "usage: test_life IMAGE VERSION\n");
        return 2;
    }
    keeps_lock = atoi(argv[2]) >= 9;
    start(&rig, argv[1]);
    static const struct rig_case cases[] = {
        { "USB unplugged and plugged", unplugged_and_plugged },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    clean_up();
    return failures != 0;
}
