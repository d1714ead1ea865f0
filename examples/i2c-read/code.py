# Two bytes of an I2C device, without any library: its angle as it stands in the registers.
import time

import board
import busio

ADDRESS, RAW_ANGLE = 0x36, 0x0C
i2c = busio.I2C(board.GP5, board.GP4, frequency=400_000)
data = bytearray(2)  # made once: nothing is left for the garbage collector


def read_angle():
    while not i2c.try_lock():
        pass
    try:
        i2c.writeto_then_readfrom(ADDRESS, bytes((RAW_ANGLE,)), data)
    finally:
        i2c.unlock()
    return (data[0] << 8 | data[1]) * 360 / 4096


while True:
    print(f"angle: {read_angle():.1f}")
    time.sleep(0.1)
