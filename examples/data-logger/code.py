# Readings of a potentiometer go into a file, when boot.py has made the drive the program's.
import time

import analogio
import board

dial = analogio.AnalogIn(board.A0)
print("logging")
for number in range(5):
    line = f"{number},{dial.value}\n"
    try:
        with open("/data.csv", "a") as file:
            file.write(line)
    except OSError:
        print("the drive belongs to the PC")
        break
    time.sleep(0.1)
while True:
    print("done")
    time.sleep(1)
