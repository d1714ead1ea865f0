/* The kinds of steps and their keys, as docs/scenarios.md lists them. Where Wokwi's documentation and its program spell
 * a key differently, both spellings are here. */
#include "emulator/scenario/step_table.h"

#include <string.h>

#define FIELD(field) offsetof(struct scenario_step, field)
#define PART(is_required)                                                                                              \
    { "part-id", "part", VALUE_NAME, FIELD(part), is_required }
#define PIN(is_required)                                                                                               \
    { "pin", "name", VALUE_NAME, FIELD(pin), is_required }
#define TIMEOUT                                                                                                        \
    { "timeout", NULL, VALUE_TIME, FIELD(timeout_ps) }
#define END                                                                                                            \
    { 0 }

static const char *const usb_states[] = { "open", "close", "pause", "resume", "plug", "unplug", NULL };
static const char *const buses[] = { "i2c", "spi", "uart", NULL };
static const char *const directions[] = { "any", "read", "write", NULL };
static const char *const modes[] = { "0", "1", "2", "3", NULL };
static const char *const power_states[] = { "off", "on", "cycle", NULL };

static const struct step_key delay_keys[] = { { "time", NULL, VALUE_TIME, FIELD(time_ps), true }, END };

static const struct step_key wait_serial_keys[] = {
    { "text", NULL, VALUE_TEXT, FIELD(text) },
    { "regex", NULL, VALUE_REGEX, FIELD(regex) },
    { "port", NULL, VALUE_PORT, FIELD(port) },
    TIMEOUT,
    END,
};

static const struct step_key write_serial_keys[] = {
    { "text", "bytes", VALUE_TEXT, FIELD(text), true },
    { "port", NULL, VALUE_PORT, FIELD(port) },
    TIMEOUT,
    END,
};

static const struct step_key set_control_keys[] = {
    PART(true),
    { "control", "name", VALUE_NAME, FIELD(control), true },
    { "value", NULL, VALUE_NUMBER, FIELD(value), true },
    END,
};

static const struct step_key press_keys[] = {
    PART(true),
    { "control", "name", VALUE_NAME, FIELD(control) },
    { "duration", "for", VALUE_TIME, FIELD(time_ps) },
    END,
};

static const struct step_key expect_pin_keys[] = {
    PART(false),
    PIN(true),
    { "value", "expected", VALUE_NUMBER, FIELD(value) },
    { "changes", NULL, VALUE_BOOL, FIELD(changes) },
    { "frequency", NULL, VALUE_HERTZ, FIELD(frequency) },
    { "duty", NULL, VALUE_SHARE, FIELD(duty) },
    { "high", NULL, VALUE_SECONDS, FIELD(high) },
    { "low", NULL, VALUE_SECONDS, FIELD(low) },
    { "volts", NULL, VALUE_VOLTS, FIELD(volts) },
    { "tolerance", NULL, VALUE_TOLERANCE, FIELD(tolerance) },
    { "for", "window", VALUE_TIME, FIELD(time_ps) },
    TIMEOUT,
    END,
};

static const struct step_key set_pin_keys[] = {
    PART(false),
    PIN(true),
    { "value", "drive", VALUE_DRIVE, FIELD(choice), true },
    END,
};

static const struct step_key wire_keys[] = {
    { "from", NULL, VALUE_NAME, FIELD(pin), true },
    { "to", NULL, VALUE_NAME, FIELD(other_pin), true },
    END,
};

static const struct step_key no_keys[] = { END };

static const struct step_key usb_keys[] = {
    { "state", NULL, VALUE_CHOICE, FIELD(choice), true, usb_states },
    { "port", NULL, VALUE_PORT, FIELD(port) },
    END,
};

static const struct step_key power_keys[] = {
    { "state", NULL, VALUE_CHOICE, FIELD(choice), true, power_states },
    { "duration", "for", VALUE_TIME, FIELD(time_ps) },
    END,
};

static const struct step_key write_file_keys[] = {
    { "file", "path", VALUE_PATH, FIELD(file), true },
    { "text", "bytes", VALUE_TEXT, FIELD(text) },
    { "source", "from", VALUE_PATH, FIELD(source) },
    END,
};

static const struct step_key expect_file_keys[] = {
    { "file", "path", VALUE_PATH, FIELD(file), true },
    { "text", "contains", VALUE_TEXT, FIELD(text) },
    { "regex", NULL, VALUE_REGEX, FIELD(regex) },
    { "compare-with", NULL, VALUE_PATH, FIELD(compare_with) },
    { "exists", NULL, VALUE_NOT, FIELD(missing) },
    TIMEOUT,
    END,
};

static const struct step_key expect_view_keys[] = {
    PART(true),
    { "view", NULL, VALUE_NAME, FIELD(view) },
    { "text", NULL, VALUE_TEXT, FIELD(text) },
    { "font", NULL, VALUE_PATH, FIELD(font) },
    { "brightness", NULL, VALUE_SHARE, FIELD(brightness) },
    { "colour", "color", VALUE_COLOUR, FIELD(colour) },
    { "on", NULL, VALUE_NOT, FIELD(not_on) },
    { "compare-with", NULL, VALUE_PATH, FIELD(compare_with) },
    { "mask", NULL, VALUE_PATH, FIELD(mask) },
    { "tolerance", NULL, VALUE_LEVELS, FIELD(tolerance) },
    { "different", NULL, VALUE_PIXELS, FIELD(count) },
    TIMEOUT,
    END,
};

static const struct step_key screenshot_keys[] = {
    PART(false),
    { "save-to", NULL, VALUE_PATH, FIELD(save_to) },
    { "compare-with", NULL, VALUE_PATH, FIELD(compare_with) },
    { "mask", NULL, VALUE_PATH, FIELD(mask) },
    { "tolerance", NULL, VALUE_LEVELS, FIELD(tolerance) },
    { "different", NULL, VALUE_PIXELS, FIELD(count) },
    END,
};

static const struct step_key expect_usb_keys[] = {
    { "keys", "key", VALUE_NAME, FIELD(control) },
    { "mouse", NULL, VALUE_NAME, FIELD(pin) },
    { "midi", NULL, VALUE_TEXT, FIELD(text) },
    { "regex", NULL, VALUE_REGEX, FIELD(regex) },
    TIMEOUT,
    END,
};

static const struct step_key expect_bus_keys[] = {
    { "bus", NULL, VALUE_CHOICE, FIELD(choice), true, buses },
    { "sda", NULL, VALUE_NAME, FIELD(pin) },
    { "scl", NULL, VALUE_NAME, FIELD(other_pin) },
    { "sck", NULL, VALUE_NAME, FIELD(pin) },
    { "mosi", NULL, VALUE_NAME, FIELD(other_pin) },
    { "miso", NULL, VALUE_NAME, FIELD(control) },
    { "cs", NULL, VALUE_NAME, FIELD(view) },
    { "line", NULL, VALUE_NAME, FIELD(pin) },
    { "mode", NULL, VALUE_CHOICE, FIELD(mode), false, modes },
    { "baud", NULL, VALUE_COUNT, FIELD(count) },
    { "address", NULL, VALUE_ADDRESS, FIELD(address) },
    { "direction", NULL, VALUE_CHOICE, FIELD(direction), false, directions },
    { "data", NULL, VALUE_TEXT, FIELD(text) },
    { "starts-with", NULL, VALUE_TEXT, FIELD(start) },
    { "acknowledged", NULL, VALUE_NOT, FIELD(missing) },
    { "regex", NULL, VALUE_REGEX, FIELD(regex) },
    TIMEOUT,
    END,
};

static const struct step_key expect_line_keys[] = {
    { "file", "path", VALUE_PATH, FIELD(file), true },
    { "line", NULL, VALUE_COUNT, FIELD(count), true },
    TIMEOUT,
    END,
};

static const struct step_key expect_stack_keys[] = {
    { "functions", NULL, VALUE_NAME, FIELD(control), true },
    TIMEOUT,
    END,
};

static const struct step_key fault_keys[] = { { "fault", NULL, VALUE_FAULT, FIELD(control), true }, END };

static const struct step_key repeat_keys[] = {
    { "count", "times", VALUE_COUNT, FIELD(count), true },
    { "steps", NULL, VALUE_STEPS, 0, true },
    END,
};

static const struct step_key parallel_keys[] = { { "branches", NULL, VALUE_BRANCHES, 0, true }, END };

static const struct step_key touch_keys[] = {
    PART(true),
    { "x", NULL, VALUE_NUMBER, FIELD(value) },
    { "y", NULL, VALUE_NUMBER, FIELD(value) },
    { "duration", NULL, VALUE_TIME, FIELD(time_ps) },
    { "wait", NULL, VALUE_BOOL, FIELD(flag) },
    END,
};

static const struct step_key chip_keys[] = {
    { "chip", "part-id", VALUE_NAME, FIELD(part) }, { "text", NULL, VALUE_TEXT, FIELD(text) }, TIMEOUT, END
};

const struct step_class step_classes[] = {
    { "delay", { NULL }, SCENARIO_DELAY, delay_keys, .alone = delay_keys },
    { "wait-serial", { NULL }, SCENARIO_WAIT_SERIAL, wait_serial_keys, wait_serial_keys, .one_of = "text, regex" },
    { "write-serial", { NULL }, SCENARIO_WRITE_SERIAL, write_serial_keys, write_serial_keys },
    { "set-control", { NULL }, SCENARIO_SET_CONTROL, set_control_keys },
    { "set", { NULL }, SCENARIO_SET, no_keys },
    { "press", { NULL }, SCENARIO_PRESS, press_keys, press_keys },
    { "expect-pin",
      { NULL },
      SCENARIO_EXPECT_PIN,
      expect_pin_keys,
      .one_of = "value, changes, frequency, duty, high, low, volts" },
    { "set-pin", { NULL }, SCENARIO_SET_PIN, set_pin_keys },
    { "wire", { NULL }, SCENARIO_WIRE, wire_keys },
    { "reset", { NULL }, SCENARIO_RESET, no_keys, .empty = true },
    { "usb", { NULL }, SCENARIO_USB, usb_keys, usb_keys },
    { "power", { NULL }, SCENARIO_POWER, power_keys, power_keys },
    { "write-file", { NULL }, SCENARIO_WRITE_FILE, write_file_keys, .one_of = "text, source" },
    { "expect-file", { NULL }, SCENARIO_EXPECT_FILE, expect_file_keys, expect_file_keys },
    { "expect-view",
      { NULL },
      SCENARIO_EXPECT_VIEW,
      expect_view_keys,
      .one_of = "text, brightness, colour, on, compare-with" },
    { "take-screenshot", { NULL }, SCENARIO_TAKE_SCREENSHOT, screenshot_keys, .one_of = "save-to, compare-with" },
    { "expect-usb",
      { NULL },
      SCENARIO_EXPECT_USB,
      expect_usb_keys,
      expect_usb_keys,
      .one_of = "keys, mouse, midi, regex" },
    { "expect-bus",
      { NULL },
      SCENARIO_EXPECT_BUS,
      expect_bus_keys,
      .one_of = "address, data, starts-with, regex, acknowledged" },
    { "expect-line", { NULL }, SCENARIO_EXPECT_LINE, expect_line_keys },
    { "expect-stack", { NULL }, SCENARIO_EXPECT_STACK, expect_stack_keys, expect_stack_keys },
    { "fault", { NULL }, SCENARIO_FAULT, fault_keys, fault_keys },
    { "repeat", { NULL }, SCENARIO_REPEAT, repeat_keys },
    { "parallel", { NULL }, SCENARIO_PARALLEL, parallel_keys, parallel_keys },
    { "touch", { "touch-press", "touch-move", "touch-release" }, SCENARIO_TOUCH, touch_keys },
    { "expect-chip-output", { NULL }, SCENARIO_CUSTOM_CHIP, chip_keys, chip_keys + 1 },
};
const unsigned step_class_count = sizeof(step_classes) / sizeof(step_classes[0]);

const struct step_class *step_class_find(const char *name) {
    for (unsigned i = 0; i < step_class_count; i++) {
        const struct step_class *class = &step_classes[i];
        bool found = strcmp(class->name, name) == 0;
        for (unsigned j = 0; class->aliases[j] && !found; j++) {
            found = strcmp(class->aliases[j], name) == 0;
        }
        if (found) {
            return class;
        }
    }
    return NULL;
}

const char *scenario_kind_name(enum scenario_kind kind) {
    for (unsigned i = 0; i < step_class_count; i++) {
        if (step_classes[i].kind == kind) {
            return step_classes[i].name;
        }
    }
    return "?";
}
