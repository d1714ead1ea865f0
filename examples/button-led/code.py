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
was_down = False
while True:
    down = not button.value
    led.value = down
    if down and not was_down:
        presses += 1
        print("presses:", presses)
    was_down = down
    time.sleep(0.02)  # longer than the contacts bounce
