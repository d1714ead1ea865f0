# A button that types a space: one key report when it goes down, an empty one when it comes up.
import time

import board
import digitalio
import usb_hid

KEY_SPACE = 0x2C
keyboard = usb_hid.devices[0]


def send(*keys):
    report = bytearray(8)
    for place, key in enumerate(keys):
        report[2 + place] = key
    keyboard.send_report(report)


button = digitalio.DigitalInOut(board.GP14)
button.switch_to_input(pull=digitalio.Pull.UP)
print("ready")
while True:
    if not button.value:
        send(KEY_SPACE)
        while not button.value:
            time.sleep(0.01)
        send()
    time.sleep(0.01)
