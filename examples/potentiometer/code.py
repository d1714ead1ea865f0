# A voltage, from 0 to 3.3 V, whenever it has changed.
import time

import analogio
import board

dial = analogio.AnalogIn(board.GP26)
last = None
while True:
    volts = round(dial.value * 3.3 / 65535, 1)
    if volts != last:
        print(f"{volts:.1f} V")
        last = volts
    time.sleep(0.05)
