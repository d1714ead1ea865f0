# The driver of lib/turn_sensor at work.
import time

import board
import busio
from turn_sensor import TurnSensor

sensor = TurnSensor(busio.I2C(board.GP5, board.GP4))
while True:
    print(f"{sensor.degrees:.1f} degrees" if sensor.has_magnet else "no magnet")
    time.sleep(0.2)
