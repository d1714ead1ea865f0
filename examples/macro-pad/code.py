# Four buttons that send keys together: copy, paste, undo, redo.
import time

import board
import digitalio
import usb_hid

CONTROL, SHIFT = 0x01, 0x02  # bits of the report's first byte
KEY_C, KEY_V, KEY_Z = 0x06, 0x19, 0x1D
MACROS = (
    (board.GP2, CONTROL, KEY_C),
    (board.GP3, CONTROL, KEY_V),
    (board.GP4, CONTROL, KEY_Z),
    (board.GP5, CONTROL | SHIFT, KEY_Z),
)

for device in usb_hid.devices:
    if device.usage_page == 1 and device.usage == 6:
        keyboard = device


def press(modifiers, key):
    keyboard.send_report(bytes((modifiers, 0, key, 0, 0, 0, 0, 0)))
    keyboard.send_report(bytes(8))


def input_of(pin):
    button = digitalio.DigitalInOut(pin)
    button.switch_to_input(pull=digitalio.Pull.UP)
    return button


buttons = [input_of(pin) for pin, _, _ in MACROS]
were_up = [True] * len(buttons)
print("ready")
while True:
    for place, button in enumerate(buttons):
        is_up = button.value
        if were_up[place] and not is_up:
            press(*MACROS[place][1:])
        were_up[place] = is_up
    time.sleep(0.01)  # longer than the contacts bounce
