# The LED is lit while the button is held down; each press is counted on the console.
import board
import digitalio
import time

led = digitalio.DigitalInOut(board.GP15)
led.direction = digitalio.Direction.OUTPUT

button = digitalio.DigitalInOut(board.GP14)
button.direction = digitalio.Direction.INPUT
button.pull = digitalio.Pull.UP

presses = 0
was_up = True
print("ready")
while True:
    led.value = not button.value
    if was_up and not button.value:
        presses += 1
        print("presses:", presses)
    was_up = button.value
    time.sleep(0.01)
