# The angle of an AS5600 on an OLED, as the mean of the last ten readings.
import time

import adafruit_ssd1306
import board
import busio

SENSOR = 0x36
RAW_ANGLE = b"\x0c"
READINGS = 10

bus = busio.I2C(board.GP5, board.GP4, frequency=400_000)
screen = adafruit_ssd1306.SSD1306_I2C(128, 64, bus)
answer = bytearray(2)


def degrees():
    while not bus.try_lock():
        pass
    try:
        bus.writeto_then_readfrom(SENSOR, RAW_ANGLE, answer)
    finally:
        bus.unlock()
    return (answer[0] << 8 | answer[1]) * 360.0 / 4096.0


last = [0.0] * READINGS
place = 0
while True:
    last[place] = degrees()
    place = (place + 1) % READINGS
    screen.fill(0)
    screen.text(f"{sum(last) / READINGS:6.1f} deg", 16, 24, 1, size=2)
    screen.show()
    time.sleep(0.05)
