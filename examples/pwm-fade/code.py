# A LED by pulse width modulation: three brightnesses.
import time

import board
import pwmio

led = pwmio.PWMOut(board.GP15, frequency=1000)
for percent in (25, 75, 5):
    led.duty_cycle = percent * 65535 // 100
    print("brightness", percent)
    time.sleep(0.5)
print("done")
while True:
    time.sleep(1)
