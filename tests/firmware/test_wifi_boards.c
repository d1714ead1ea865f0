/* Boards with a radio, whose drivers talk to it by PIO and DMA while nobody answers: CircuitPython runs code.py,
 * MicroPython reaches its prompt, and both come back from an attempt to use the radio.
 *
 * usage: test_wifi_boards IMAGE */
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ouroboard-wifi-XXXXXX";

static bool make_drive(void) {
    char path[sizeof(folder) + sizeof("/code.py")];
    if (!mkdtemp(folder)) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/code.py", folder);
    FILE *file = fopen(path, "w");
    if (!file) {
        return false;
    }
    fputs("import board, time\n"
          "while True:\n"
          "    print('board', board.board_id, 6 * 7)\n"
          "    time.sleep(0.5)\n",
          file);
    return fclose(file) == 0;
}

static int circuitpython(const char *image) {
    struct rig rig;
    if (!make_drive()) {
        perror(folder);
        return 1;
    }
    rig_start(&rig, &(struct rig_desc){ .image = image, .drive = folder });
    char line[64];
    snprintf(line, sizeof(line), "board %s 42\r\n", rig.board->id);
    RIG_CHECK(&rig, rig_expect(&rig, line, 8000)); /* two attempts at the radio come first */
    rig_type(&rig, "\x03");
    rig_run(&rig, 300);
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 3000));
    RIG_EQUAL(&rig, rig_repl(&rig, "print(2**100)", 2000), "1267650600228229401496703205376\r\n");
    RIG_CHECK(&rig, rig_repl(&rig, "import wifi; wifi.radio.enabled", 5000) != NULL);
    rig_stop(&rig);
    char command[sizeof(folder) + sizeof("rm -r ''")];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command) != 0;
}

/* The banner is lost where the firmware speaks before the PC has opened the port (up to 1.23): ask for a prompt. */
static int micropython(const char *image) {
    struct rig rig;
    rig_start(&rig, &(struct rig_desc){ .image = image });
    rig_run(&rig, 1000);
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 1000));
    rig_run(&rig, 100);
    rig.cursor = rig.length;
    RIG_EQUAL(&rig, rig_repl(&rig, "print(6*7, 2**100)", 2000), "42 1267650600228229401496703205376\r\n");
    RIG_CHECK(&rig, rig_repl(&rig, "import machine; machine.Pin('LED').toggle()", 2000) != NULL);
    RIG_CHECK(&rig, rig_repl(&rig, "import network; network.WLAN(0).active(True)", 5000) != NULL);
    RIG_EQUAL(&rig, rig_repl(&rig, "f=open('a','w'); f.write('hello'); f.close(); print(open('a').read())", 5000),
              "5\r\nhello\r\n");
    rig_stop(&rig);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: test_wifi_boards IMAGE\n");
        return 2;
    }
    rig_image_path(argv[1]);
    return strstr(argv[1], "circuitpython") ? circuitpython(argv[1]) : micropython(argv[1]);
}
