/* CircuitPython's USB functions seen from the host: HID, MIDI, the second serial port, suspend, eject, port reset, and
 * the console at full speed.
 *
 * usage: test_usb_firmware IMAGE */
#include "emulator/usbhost/usbhost.h"
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ouroboard-usb-XXXXXX";

/* What the host has heard, as text: one event a line. */
static struct {
    struct usbhost_listener listener;
    char text[4096];
    uint8_t data[40000]; /* from the second serial port */
    size_t length;
    int done; /* of the last request to the drive: 1 ok, -1 failed */
} heard;

static void note(const char *line) {
    size_t used = strlen(heard.text);
    snprintf(heard.text + used, sizeof(heard.text) - used, "%s\n", line);
}

static void hid_event(void *context, const struct usbhost_hid_event *event) {
    char application[32], usage[32], line[80];
    usbhost_hid_usage_name(event->application, application, sizeof(application));
    usbhost_hid_usage_name(event->usage, usage, sizeof(usage));
    snprintf(line, sizeof(line), "%s %s %d", application, usage, (int)event->value);
    note(line);
}

static void midi_received(void *context, unsigned instance, unsigned cable, const uint8_t *bytes, size_t length) {
    char line[32] = "";
    for (size_t i = 0; i < length; i++) {
        snprintf(line + 3 * i, sizeof(line) - 3 * i, "%02x ", bytes[i]);
    }
    note(line);
}

static void cdc_received(void *context, unsigned instance, const uint8_t *data, size_t length) {
    if (instance == 1 && heard.length + length <= sizeof(heard.data)) {
        memcpy(heard.data + heard.length, data, length);
        heard.length += length;
    }
}

static void request_done(struct usb_msc_request *request, bool ok) {
    heard.done = ok ? 1 : -1;
}

static struct usbhost *host(struct rig *rig) {
    return machine_usbhost(rig->machine);
}

static void keyboard_mouse_and_consumer(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import usb_hid; k, m, c = usb_hid.devices", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "k.send_report(bytes([2,0,4,0,0,0,0,0])); k.send_report(bytes(8))", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "m.send_report(bytes([1,5,251,1])); m.send_report(bytes(4))", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "c.send_report(bytes([233,0])); c.send_report(bytes(2))", 2000), "");
    rig_run(rig, 100);
    RIG_EQUAL(rig, heard.text,
              "KEYBOARD LEFT_SHIFT 1\nKEYBOARD A 1\nKEYBOARD LEFT_SHIFT 0\nKEYBOARD A 0\n"
              "MOUSE BUTTON_1 1\nMOUSE X 5\nMOUSE Y -5\nMOUSE WHEEL 1\nMOUSE BUTTON_1 0\n"
              "CONSUMER VOLUME_INCREMENT 1\nCONSUMER VOLUME_INCREMENT 0\n");
}

static void keyboard_leds(struct rig *rig) {
    RIG_CHECK(rig, usbhost_hid_set(host(rig), 0, 0x80002, 1));
    rig_run(rig, 50);
    RIG_EQUAL(rig, rig_repl(rig, "import usb_hid; print(usb_hid.devices[0].get_last_received_report())", 2000),
              "b'\\x02'\r\n");
}

static void midi(struct rig *rig) {
    RIG_EQUAL(
        rig,
        rig_repl(rig, "import usb_midi; i, o = usb_midi.ports; n=o.write(bytes([144,60,127,240,1,2,3,247]))", 2000),
        "");
    rig_run(rig, 50);
    RIG_EQUAL(rig, heard.text, "90 3c 7f \nf0 01 02 \n03 f7 \n");
    usbhost_midi_write(host(rig), 0, 0, "\x90\x3c\x40\x3e\x41\xf0\x7d\xf7", 8);
    rig_run(rig, 50);
    RIG_EQUAL(rig, rig_repl(rig, "print(list(i.read(30)))", 2000), "[144, 60, 64, 144, 62, 65, 240, 125, 247]\r\n");
}

static void second_port(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import usb_cdc; d=usb_cdc.data; print(d.connected)", 2000), "False\r\n");
    usbhost_cdc_open(host(rig), 1, true);
    rig_run(rig, 20);
    RIG_EQUAL(rig, rig_repl(rig, "print(d.connected)", 2000), "True\r\n");
    RIG_CHECK(rig, usbhost_cdc_write(host(rig), 1, "to the board\n", 13) == 13);
    RIG_EQUAL(rig, rig_repl(rig, "print(d.readline())", 2000), "b'to the board\\n'\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "for i in range(30000//50): n=d.write(bytes((i+j)&255 for j in range(50)))\r", 20000),
              "... \r\n");
    rig_run(rig, 100);
    RIG_CHECK(rig, heard.length == 30000);
    for (size_t i = 0; i < heard.length; i++) {
        RIG_CHECK(rig, heard.data[i] == (uint8_t)(i / 50 + i % 50));
    }
}

static void much_input(struct rig *rig) {
    static char text[12001];
    unsigned sum = 0;
    for (unsigned i = 0; i < sizeof(text) - 1; i++) {
        text[i] = (char)(33 + i * 7 % 90);
        sum += (unsigned)text[i];
    }
    rig_type(rig, "import usb_cdc; b=usb_cdc.console.read(12000); print(len(b), sum(b))\r");
    rig_run(rig, 50);
    rig_type(rig, text);
    char expected[40];
    snprintf(expected, sizeof(expected), "12000 %u\r\n", sum);
    RIG_CHECK(rig, rig_expect(rig, expected, 10000));
}

static void much_output(struct rig *rig) {
    const char *said = rig_repl(rig, "for i in range(1500): print('line %05d' % i, 'x' * 20)\r", 20000);
    RIG_CHECK(rig, said != NULL);
    for (int i = 0; i < 1500; i++) {
        char line[48];
        snprintf(line, sizeof(line), "line %05d xxxxxxxxxxxxxxxxxxxx\r\n", i);
        said = strstr(said, line);
        RIG_CHECK(rig, said != NULL);
    }
}

static void suspend_and_resume(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import supervisor, time; r=[]", 2000), "");
    rig_type(rig, "for _ in range(40): r.append(supervisor.runtime.usb_connected); time.sleep(.05)\r\r");
    rig_run(rig, 300);
    usbhost_suspend(host(rig));
    rig_run(rig, 1000);
    usbhost_resume(host(rig));
    rig_run(rig, 1500);
    rig->cursor = rig->length;
    RIG_EQUAL(rig, rig_repl(rig, "print(r[0], all(r), r[-1])", 2000), "True False True\r\n");
}

static void ejected_drive_belongs_to_the_firmware(struct rig *rig) {
    static struct usb_msc_request request = { .operation = USB_MSC_EJECT, .done = request_done };
    const char *refused = rig_repl(rig, "import storage; storage.remount('/', False)", 2000);
    RIG_CHECK(rig, refused && strstr(refused, "RuntimeError"));
    RIG_CHECK(rig, usbhost_msc_submit(host(rig), &request));
    rig_run(rig, 1500);
    RIG_CHECK(rig, heard.done == 1);
    RIG_CHECK(rig, usbhost_msc_state(host(rig), 0) == USBHOST_MSC_NOT_READY);
    RIG_EQUAL(rig, rig_repl(rig, "storage.remount('/', False)", 2000), "");
    RIG_EQUAL(rig, rig_repl(rig, "f=open('/x','w'); n=f.write('1'); f.close()", 2000), "");
}

static void port_reset(struct rig *rig) {
    usbhost_reset_port(host(rig));
    rig_run(rig, 1000);
    RIG_CHECK(rig, usbhost_state(host(rig)) == USBHOST_CONFIGURED);
    rig->cursor = rig->length;
    RIG_EQUAL(rig, rig_repl(rig, "print(1+1)", 2000), "2\r\n");
}

static void start(struct rig *rig, const char *image) {
    char path[64];
    RIG_CHECK(rig, mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/boot.py", folder);
    FILE *file = fopen(path, "w");
    RIG_CHECK(rig, file != NULL);
    fputs("import usb_cdc\nusb_cdc.enable(console=True, data=True)\n", file);
    fclose(file);
    rig_start(rig, &(struct rig_desc){ .image = image, .drive = folder });
    heard.listener = (struct usbhost_listener){ .hid_event = hid_event,
                                                .midi_received = midi_received,
                                                .cdc_received = cdc_received };
    usbhost_listen(host(rig), &heard.listener);
    RIG_CHECK(rig, rig_expect(rig, "Press any key", 10000));
    rig_run(rig, 1500);
    rig_type(rig, "\r");
    RIG_CHECK(rig, rig_expect(rig, ">>> ", 3000));
    rig_run(rig, 100);
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
        return 2;
    }
    start(&rig, argv[1]);
    static const struct rig_case cases[] = {
        { "keyboard, mouse and consumer control", keyboard_mouse_and_consumer },
        { "keyboard LEDs", keyboard_leds },
        { "MIDI", midi },
        { "second serial port", second_port },
        { "much input", much_input },
        { "much output", much_output },
        { "suspend and resume", suspend_and_resume },
        { "ejected drive belongs to the firmware", ejected_drive_belongs_to_the_firmware },
        { "port reset", port_reset },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    clean_up();
    return failures != 0;
}
