import board
import busio
import time
import adafruit_ssd1306

# --- I2C setup ---
i2c = busio.I2C(board.GP5, board.GP4, frequency=400_000)
oled = adafruit_ssd1306.SSD1306_I2C(128, 64, i2c)


# --- AS5600 raw driver ---
def read_angle(i2c_bus):
    while not i2c_bus.try_lock():
        pass
    try:
        buf = bytearray(2)
        i2c_bus.writeto_then_readfrom(0x36, bytes([0x0C]), buf)
    finally:
        i2c_bus.unlock()
    return ((buf[0] << 8) | buf[1]) * 360.0 / 4096.0


# --- Rolling average filter ---
WINDOW = 10
readings = [0.0] * WINDOW
idx = 0

while True:
    readings[idx] = read_angle(i2c)
    idx = (idx + 1) % WINDOW
    avg = sum(readings) / WINDOW

    oled.fill(0)
    oled.text(f"{avg:6.1f} deg", 16, 24, 1, size=2)
    oled.show()

    time.sleep(0.05)  # 20 Hz update
