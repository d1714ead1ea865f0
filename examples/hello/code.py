"""Say what runs here, blink the LED three times, count to three."""
import os
import time

import board
import digitalio
import supervisor

# What is printed before the computer has opened the serial console is lost.
while not supervisor.runtime.serial_connected:
    time.sleep(0.01)
print("Hello from", os.uname().machine)

led = digitalio.DigitalInOut(board.LED)
led.direction = digitalio.Direction.OUTPUT
for number in range(1, 4):
    led.value = True
    time.sleep(0.1)
    led.value = False
    time.sleep(0.1)
    print("count", number)
print("Done.")
