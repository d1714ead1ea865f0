/* Names of usages: HID Usage Tables 1.12, chapters 4, 8, 10, 12 and 15. Keys are named as users of CircuitPython's
 * keyboard library know them. */
#include "emulator/usbhost/usbhost.h"

#include <stdio.h>

static const char *const keys[] = {
    [0x28] = "ENTER",
    [0x29] = "ESCAPE",
    [0x2a] = "BACKSPACE",
    [0x2b] = "TAB",
    [0x2c] = "SPACE",
    [0x2d] = "MINUS",
    [0x2e] = "EQUALS",
    [0x2f] = "LEFT_BRACKET",
    [0x30] = "RIGHT_BRACKET",
    [0x31] = "BACKSLASH",
    [0x32] = "POUND",
    [0x33] = "SEMICOLON",
    [0x34] = "QUOTE",
    [0x35] = "GRAVE_ACCENT",
    [0x36] = "COMMA",
    [0x37] = "PERIOD",
    [0x38] = "FORWARD_SLASH",
    [0x39] = "CAPS_LOCK",
    [0x46] = "PRINT_SCREEN",
    [0x47] = "SCROLL_LOCK",
    [0x48] = "PAUSE",
    [0x49] = "INSERT",
    [0x4a] = "HOME",
    [0x4b] = "PAGE_UP",
    [0x4c] = "DELETE",
    [0x4d] = "END",
    [0x4e] = "PAGE_DOWN",
    [0x4f] = "RIGHT_ARROW",
    [0x50] = "LEFT_ARROW",
    [0x51] = "DOWN_ARROW",
    [0x52] = "UP_ARROW",
    [0x53] = "KEYPAD_NUMLOCK",
    [0x54] = "KEYPAD_FORWARD_SLASH",
    [0x55] = "KEYPAD_ASTERISK",
    [0x56] = "KEYPAD_MINUS",
    [0x57] = "KEYPAD_PLUS",
    [0x58] = "KEYPAD_ENTER",
    [0x62] = "KEYPAD_ZERO",
    [0x63] = "KEYPAD_PERIOD",
    [0x64] = "KEYPAD_BACKSLASH",
    [0x65] = "APPLICATION",
    [0x66] = "POWER",
    [0x67] = "KEYPAD_EQUALS",
    [0xe0] = "LEFT_CONTROL",
    [0xe1] = "LEFT_SHIFT",
    [0xe2] = "LEFT_ALT",
    [0xe3] = "LEFT_GUI",
    [0xe4] = "RIGHT_CONTROL",
    [0xe5] = "RIGHT_SHIFT",
    [0xe6] = "RIGHT_ALT",
    [0xe7] = "RIGHT_GUI",
};

static const struct {
    uint32_t usage;
    const char *name;
} others[] = {
    { 0x10001, "POINTER" },
    { 0x10002, "MOUSE" },
    { 0x10004, "JOYSTICK" },
    { 0x10005, "GAMEPAD" },
    { 0x10006, "KEYBOARD" },
    { 0x10007, "KEYPAD" },
    { 0x10030, "X" },
    { 0x10031, "Y" },
    { 0x10032, "Z" },
    { 0x10033, "RX" },
    { 0x10034, "RY" },
    { 0x10035, "RZ" },
    { 0x10036, "SLIDER" },
    { 0x10037, "DIAL" },
    { 0x10038, "WHEEL" },
    { 0x10039, "HAT_SWITCH" },
    { 0x80001, "NUM_LOCK" },
    { 0x80002, "CAPS_LOCK" },
    { 0x80003, "SCROLL_LOCK" },
    { 0x80004, "COMPOSE" },
    { 0x80005, "KANA" },
    { 0xc0001, "CONSUMER" },
    { 0xc006f, "BRIGHTNESS_INCREMENT" },
    { 0xc0070, "BRIGHTNESS_DECREMENT" },
    { 0xc00b2, "RECORD" },
    { 0xc00b3, "FAST_FORWARD" },
    { 0xc00b4, "REWIND" },
    { 0xc00b5, "SCAN_NEXT_TRACK" },
    { 0xc00b6, "SCAN_PREVIOUS_TRACK" },
    { 0xc00b7, "STOP" },
    { 0xc00b8, "EJECT" },
    { 0xc00cd, "PLAY_PAUSE" },
    { 0xc00e2, "MUTE" },
    { 0xc00e9, "VOLUME_INCREMENT" },
    { 0xc00ea, "VOLUME_DECREMENT" },
    { 0xc0238, "PAN" },
};

static bool key_name(unsigned key, char *ret_text, size_t size) {
    if (key >= 0x04 && key <= 0x1d) {
        snprintf(ret_text, size, "%c", 'A' + (int)key - 0x04);
    } else if (key >= 0x1e && key <= 0x27) {
        snprintf(ret_text, size, "%u", (key - 0x1d) % 10);
    } else if (key >= 0x3a && key <= 0x45) {
        snprintf(ret_text, size, "F%u", key - 0x39);
    } else if (key >= 0x68 && key <= 0x73) {
        snprintf(ret_text, size, "F%u", key - 0x68 + 13);
    } else if (key >= 0x59 && key <= 0x61) {
        snprintf(ret_text, size, "KEYPAD_%u", key - 0x58);
    } else if (key < sizeof(keys) / sizeof(keys[0]) && keys[key]) {
        snprintf(ret_text, size, "%s", keys[key]);
    } else {
        return false;
    }
    return true;
}

void usbhost_hid_usage_name(uint32_t usage, char *ret_text, size_t size) {
    if (usage >> 16 == HID_PAGE_KEYBOARD && key_name(usage & 0xffff, ret_text, size)) {
        return;
    }
    if (usage >> 16 == HID_PAGE_BUTTON) {
        snprintf(ret_text, size, "BUTTON_%u", usage & 0xffff);
        return;
    }
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (others[i].usage == usage) {
            snprintf(ret_text, size, "%s", others[i].name);
            return;
        }
    }
    snprintf(ret_text, size, "%04x:%04x", usage >> 16, usage & 0xffff);
}
