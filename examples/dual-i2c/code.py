# Two buses with a sensor each, at the same address, read in turn; and how long that takes.
import time

import board
import busio

buses = (busio.I2C(board.GP5, board.GP4, frequency=400_000), busio.I2C(board.GP7, board.GP6, frequency=400_000))
for bus in buses:
    while not bus.try_lock():
        pass

data = bytearray(2)
while True:
    start = time.monotonic_ns()
    angles = []
    for bus in buses:
        bus.writeto_then_readfrom(0x36, b"\x0c", data)
        angles.append((data[0] << 8 | data[1]) * 360 // 4096)
    took = (time.monotonic_ns() - start) // 1000
    print("angles:", angles[0], angles[1], "in", took, "us")
    time.sleep(0.2)
