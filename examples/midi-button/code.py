# A button that is a key of a piano: note on, note off.
import time

import board
import digitalio
import usb_midi

NOTE_ON, NOTE_OFF, MIDDLE_C = 0x90, 0x80, 60
out = usb_midi.ports[1]
button = digitalio.DigitalInOut(board.GP14)
button.switch_to_input(pull=digitalio.Pull.UP)
print("ready")
was_down = False
while True:
    down = not button.value
    if down != was_down:
        out.write(bytes((NOTE_ON if down else NOTE_OFF, MIDDLE_C, 100 if down else 0)))
        was_down = down
    time.sleep(0.02)
