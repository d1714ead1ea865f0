/* What CircuitPython makes of faults: on an I2C bus, at pins and parts, of the flash, of USB and of the supply.
 *
 * usage: test_faults IMAGE */
#include "emulator/core/scheduler.h"
#include "emulator/usbhost/usbhost.h"
#include "tests/firmware/rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ouroboard-faults-XXXXXX";
static bool is_rp2350;

/* An angle sensor (0x36) on GP4 and GP5, a button from GP15 to ground, a potentiometer at A0. */
static const char diagram[] =
    "{\"version\":1,\"parts\":["
    "{\"id\":\"pico\",\"type\":\"board-%s\"},{\"id\":\"sensor\",\"type\":\"as5600\"},"
    "{\"id\":\"btn\",\"type\":\"wokwi-pushbutton\",\"attrs\":{\"bounce\":\"0\"}},"
    "{\"id\":\"pot\",\"type\":\"wokwi-potentiometer\",\"attrs\":{\"position\":\"0.5\"}}],"
    "\"connections\":[[\"sensor:SCL\",\"pico:GP5\"],[\"sensor:SDA\",\"pico:GP4\"],[\"sensor:VCC\",\"pico:3V3\"],"
    "[\"sensor:GND\",\"pico:GND.1\"],[\"btn:1.l\",\"pico:GP15\"],[\"btn:2.l\",\"pico:GND.2\"],"
    "[\"pot:VCC\",\"pico:3V3\"],[\"pot:GND\",\"pico:GND.3\"],[\"pot:SIG\",\"pico:GP26\"]]}";

static void fault(struct rig *rig, const char *text) {
    struct error error;
    const struct input input = { .kind = INPUT_FAULT, .name = text };
    rig_check(rig, session_apply(rig->session, &input, &error), text, __FILE__, __LINE__);
}

static void refused(struct rig *rig, const char *text, const char *why) {
    struct error error;
    const struct input input = { .kind = INPUT_FAULT, .name = text };
    RIG_CHECK(rig, !session_apply(rig->session, &input, &error));
    rig_check(rig, strstr(error.message, why) != NULL, error.message, __FILE__, __LINE__);
    RIG_CHECK(rig, !session_plan(rig->session, session_now(rig->session) + PS_PER_S, &input, &error));
}

static void press(struct rig *rig, double down) {
    struct error error;
    const struct input input = { .kind = INPUT_CONTROL, .part = "btn", .name = "pressed", .value = down };
    RIG_CHECK(rig, session_apply(rig->session, &input, &error));
}

static void says(struct rig *rig, const char *line, const char *text) {
    const char *said = rig_repl(rig, line, 5000);
    rig_check(rig, said && strstr(said, text), said ? said : "nothing", text, 0);
}

static struct usbhost *host(struct rig *rig) {
    return machine_usbhost(rig->machine);
}

static void enter_repl(struct rig *rig) {
    RIG_CHECK(rig, rig_expect(rig, "Press any key", 15000));
    rig_run(rig, 1500);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 3000));
    rig_run(rig, 100);
    rig->cursor = rig->length;
}

static void save(struct rig *rig, const char *name, const char *content, unsigned times) {
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    RIG_CHECK(rig, file != NULL);
    while (times--) {
        fputs(content, file);
    }
    fclose(file);
}

static void settle(struct rig *rig) {
    rig_run(rig, 1000);
    for (int i = 0; session_drive_is_busy(rig->session); i++) {
        RIG_CHECK(rig, i < 300);
        rig_run(rig, 100);
    }
}

/* A file of the folder gets onto the drive. */
static void drive_works(struct rig *rig) {
    save(rig, "word.txt", "here", 1);
    settle(rig);
    rig->cursor = rig->length;
    rig_type(rig, "\x04");
    enter_repl(rig);
    RIG_EQUAL(rig, rig_repl(rig, "open('/word.txt').read()", 2000), "'here'\r\n");
}

/* ---- I2C ---- */

#define LOCK "; i2c.try_lock() and None"
#define READ_ANGLE "b = bytearray(2); i2c.writeto_then_readfrom(0x36, b'\\x0c', b); print('read')"

/* Errno 19 is ENODEV. */
static void nobody_acknowledges(struct rig *rig) {
    static const char *const makes[] = { "import board, busio; i2c = busio.I2C(board.GP5, board.GP4)" LOCK,
                                         "import board, bitbangio; i2c = bitbangio.I2C(board.GP5, board.GP4)" LOCK };
    for (unsigned i = 0; i < 2; i++) {
        RIG_EQUAL(rig, rig_repl(rig, makes[i], 2000), "");
        RIG_EQUAL(rig, rig_repl(rig, "print(i2c.scan())", 2000), "[54]\r\n");
        fault(rig, "i2c-nack:0x36");
        RIG_EQUAL(rig, rig_repl(rig, "print(i2c.scan())", 2000), "[]\r\n");
        says(rig, READ_ANGLE, "OSError: [Errno 19]");
        fault(rig, "i2c-nack:0x36:off");
        says(rig, READ_ANGLE, "read");
        RIG_EQUAL(rig, rig_repl(rig, "i2c.deinit()", 2000), "");
    }
}

/* Errno 116 is ETIMEDOUT: the controller never finds the bus free. */
static void a_line_is_stuck(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import board, busio; i2c = busio.I2C(board.GP5, board.GP4)" LOCK, 2000), "");
    static const char *const lines[] = { "i2c-stuck:GP4", "i2c-stuck:GP5" };
    for (unsigned i = 0; i < 2; i++) {
        fault(rig, lines[i]);
        says(rig, READ_ANGLE, "Errno 116");
        fault(rig, "off");
        says(rig, READ_ANGLE, "read");
    }
    RIG_EQUAL(rig, rig_repl(rig, "i2c.deinit()", 2000), "");
    fault(rig, "i2c-stuck:sensor:SDA");
    says(rig, "i2c = busio.I2C(board.GP5, board.GP4)", "No pull up found on SDA or SCL");
}

/* ---- Pins and parts ---- */

/* 50 mV of 3.3 V are 993 of 65536. The part's own voltage is the same each time. */
static void an_input_is_noisy(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import board, analogio; a = analogio.AnalogIn(board.A0)", 2000), "");
    RIG_EQUAL(rig,
              rig_repl(rig,
                       "def d(): v = [a.value for _ in range(400)]; m = sum(v) / 400; return (m, "
                       "(sum((x - m) ** 2 for x in v) / 400) ** .5)\r",
                       2000),
              "... \r\n");
    RIG_EQUAL(rig, rig_repl(rig, "print(d()[1] < 1)", 2000), "True\r\n");
    fault(rig, "adc-noise:A0,0.05");
    RIG_EQUAL(rig, rig_repl(rig, "m, s = d(); print(32500 < m < 33000, 893 < s < 1093)", 2000), "True True\r\n");
    fault(rig, "adc-noise:A0:off");
    RIG_EQUAL(rig, rig_repl(rig, "print(d()[1] < 1)", 2000), "True\r\n");
    refused(rig, "adc-noise:GP2,0.1", "pin GP2 is no input of the ADC");
}

static void a_button_is_stuck(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import board, digitalio; b = digitalio.DigitalInOut(board.GP15)", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "b.switch_to_input(digitalio.Pull.UP); print(b.value)", 2000), "True\r\n");
    fault(rig, "stuck:btn.pressed=1");
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "False\r\n");
    press(rig, 1);
    press(rig, 0);
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "False\r\n");
    fault(rig, "stuck:btn.pressed:off");
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "True\r\n");
    fault(rig, "stuck:btn.pressed");
    press(rig, 1);
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "True\r\n");
    fault(rig, "off");
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "False\r\n");
    refused(rig, "stuck:bnt.pressed", "did you mean \"btn\"");
    refused(rig, "stuck:btn.presed", "did you mean \"pressed\"");
}

/* The sensor's module, whose pull-ups go with it, and the button. */
static void wires_come_off(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import board, busio; i2c = busio.I2C(board.GP5, board.GP4)" LOCK, 2000), "");
    fault(rig, "wire:sensor:SDA=pico:GP4");
    says(rig, READ_ANGLE, "OSError");
    fault(rig, "wire:sensor:SDA=pico:GP4:off");
    says(rig, READ_ANGLE, "read");
    RIG_EQUAL(rig, rig_repl(rig, "import digitalio; b = digitalio.DigitalInOut(board.GP15)", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "b.switch_to_input(digitalio.Pull.UP)", 2000), "");
    press(rig, 1);
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "False\r\n");
    fault(rig, "wire:pico:GND.2=btn:2.l");
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "True\r\n");
    fault(rig, "off");
    RIG_EQUAL(rig, rig_repl(rig, "b.value", 2000), "False\r\n");
    refused(rig, "wire:pico:GP2=btn:1.l", "has no wire between these pins");
    refused(rig, "wire:pico:GP2=btn:1.x", "has no pin \"1.x\"");
}

/* ---- Supply ---- */

/* The RP2040 has one flag for power-on and brown-out (datasheet 2.12.7); the RP2350 tells them apart (7.3.1). */
static void the_chip_browns_out(struct rig *rig) {
    unsigned resets = rig->resets;
    fault(rig, "brown-out:1.05"); /* above the threshold */
    rig_run(rig, 100);
    RIG_CHECK(rig, rig->resets == resets);
    fault(rig, "brown-out");
    enter_repl(rig);
    RIG_CHECK(rig, rig->resets == resets + 1);
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller; print(microcontroller.cpu.reset_reason)", 1000),
              is_rp2350 ? "microcontroller.ResetReason.BROWNOUT\r\n" : "microcontroller.ResetReason.POWER_ON\r\n");
}

static void the_supply_goes_for_a_while(struct rig *rig) {
    fault(rig, "power:300ms");
    RIG_CHECK(rig, !machine_is_on(rig->machine));
    rig_run(rig, 299);
    RIG_CHECK(rig, !machine_is_on(rig->machine));
    rig_run(rig, 2);
    RIG_CHECK(rig, machine_is_on(rig->machine));
    enter_repl(rig);
}

/* While the PC writes the drive. The firmware comes up again, and the PC brings the drive up to date. */
static void the_supply_goes_while_the_drive_is_written(struct rig *rig) {
    fault(rig, "flash-power:500ms");
    save(rig, "much.txt", "0123456789\n", 3000);
    unsigned resets = rig->resets;
    for (int i = 0; machine_is_on(rig->machine); i++) {
        RIG_CHECK(rig, i < 5000);
        rig_run(rig, 1);
    }
    rig->cursor = rig->length;
    enter_repl(rig);
    RIG_CHECK(rig, rig->resets == resets + 1);
    settle(rig);
    drive_works(rig);
    RIG_EQUAL(rig, rig_repl(rig, "len(open('/much.txt').read())", 2000), "33000\r\n");
}

/* ---- Flash ---- */

static void a_bit_of_what_is_written_is_wrong(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller; n = microcontroller.nvm; n[0:4096] = bytes(4096)", 2000), "");
    fault(rig, "flash-flip:next,1");
    RIG_EQUAL(rig, rig_repl(rig, "n[0:4096] = bytes([255]) * 4096", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "print([bin(x).count('0') - 1 for x in n[0:4096] if x != 255])", 2000), "[1]\r\n");
    refused(rig, "flash-flip:0x10000000", "ends at 0x");
}

/* ---- USB ---- */

static void the_cable_is_out_for_a_while(struct rig *rig) {
    fault(rig, "usb-unplug:300ms");
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_DETACHED);
    rig_run(rig, 299);
    RIG_CHECK(rig, !machine_usb_is_plugged(rig->machine));
    rig_run(rig, 1000);
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_CONFIGURED);
    RIG_EQUAL(rig, rig_repl(rig, "print(1 + 1)", 2000), "2\r\n");
}

/* An endpoint of the class 8 (mass storage) or 10 (CDC data). */
static unsigned endpoint_of(struct rig *rig, unsigned class, bool in) {
    const struct usbhost_configuration *configuration = &host(rig)->configuration;
    for (unsigned i = 0; i < configuration->interface_count; i++) {
        const struct usbhost_interface *interface = &configuration->interface[i];
        const struct usbhost_endpoint *found =
            interface->class == class ? usbhost_find_endpoint(interface, USB_BULK, in) : NULL;
        if (found) {
            return found->address;
        }
    }
    RIG_CHECK(rig, false);
    return 0;
}

static void stall(struct rig *rig, unsigned endpoint) {
    char text[40];
    snprintf(text, sizeof(text), "usb-stall:0x%02x", endpoint);
    fault(rig, text);
}

static void endpoints_stall(struct rig *rig) {
    stall(rig, endpoint_of(rig, 10, true));
    RIG_EQUAL(rig, rig_repl(rig, "print(1 + 1)", 2000), "2\r\n");
    stall(rig, endpoint_of(rig, 10, false));
    rig_run(rig, 100);
    rig_type(rig, "\r");
    rig_run(rig, 100);
    rig->cursor = rig->length;
    RIG_EQUAL(rig, rig_repl(rig, "print(1 + 2)", 2000), "3\r\n");
}

/* The recovery that USB Mass Storage Bulk-Only 5.3.4 asks of the PC makes CircuitPython's USB stack give the controller
 * a buffer that it has already, at which it panics; the chip begins again, in safe mode, and the drive is there. */
static void recovery_ends_in_safe_mode(struct rig *rig, uint64_t ms) {
    RIG_CHECK(rig, rig_expect(rig, "was already available", ms));
    RIG_CHECK(rig, rig_expect(rig, "You are in safe mode", 10000));
    rig_run(rig, 2000);
    drive_works(rig);
}

/* The PC waits for 30 s for the answer that the stall has cost. */
static void the_drive_stalls(struct rig *rig) {
    stall(rig, endpoint_of(rig, 8, true));
    recovery_ends_in_safe_mode(rig, 35000);
}

static void commands_of_the_drive_stall(struct rig *rig) {
    stall(rig, endpoint_of(rig, 8, false));
    recovery_ends_in_safe_mode(rig, 5000);
}

static void requests_stall(struct rig *rig) {
    stall(rig, 0);
    rig_run(rig, 3000);
    RIG_EQUAL(rig, rig_repl(rig, "print(1 + 1)", 2000), "2\r\n");
}

static void the_device_babbles(struct rig *rig) {
    fault(rig, "usb-babble");
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_ATTACHED);
    rig_run(rig, 1000);
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_CONFIGURED);
    RIG_EQUAL(rig, rig_repl(rig, "print(1 + 1)", 2000), "2\r\n");
}

static void start(struct rig *rig, const char *image) {
    RIG_CHECK(rig, mkdtemp(folder) != NULL);
    char text[sizeof(diagram) + 40];
    snprintf(text, sizeof(text), diagram, is_rp2350 ? "raspberry_pi_pico2" : "raspberry_pi_pico");
    save(rig, "diagram.json", text, 1);
    rig_start(rig, &(struct rig_desc){ .image = image, .project = folder, .seed = 5 });
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
    if (argc != 2) {
        fprintf(stderr, "usage: test_faults IMAGE\n");
        return 2;
    }
    is_rp2350 = strstr(argv[1], "pico2");
    start(&rig, argv[1]);
    static const struct rig_case cases[] = {
        { "nobody acknowledges", nobody_acknowledges },
        { "a line is stuck", a_line_is_stuck },
        { "an input is noisy", an_input_is_noisy },
        { "a button is stuck", a_button_is_stuck },
        { "wires come off", wires_come_off },
        { "the chip browns out", the_chip_browns_out },
        { "the supply goes for a while", the_supply_goes_for_a_while },
        { "the supply goes while the drive is written", the_supply_goes_while_the_drive_is_written },
        { "a bit of what is written is wrong", a_bit_of_what_is_written_is_wrong },
        { "the cable is out for a while", the_cable_is_out_for_a_while },
        { "endpoints stall", endpoints_stall },
        { "the drive stalls", the_drive_stalls },
        { "commands of the drive stall", commands_of_the_drive_stall },
        { "requests stall", requests_stall },
        { "the device babbles", the_device_babbles },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    clean_up();
    return failures != 0;
}
