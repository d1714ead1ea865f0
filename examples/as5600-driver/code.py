class AS5600:
    """Minimal driver for the AS5600 magnetic rotary encoder."""

    _REG_RAW_ANGLE = 0x0C
    _REG_STATUS = 0x0B
    _REG_MAGNITUDE = 0x1B

    def __init__(self, i2c, address=0x36):
        self._i2c = i2c
        self._address = address
        self._buf = bytearray(2)

    def _read_register_16(self, reg):
        while not self._i2c.try_lock():
            pass
        try:
            self._i2c.writeto_then_readfrom(
                self._address, bytes([reg]), self._buf
            )
        finally:
            self._i2c.unlock()
        return (self._buf[0] << 8) | self._buf[1]

    @property
    def raw_angle(self):
        """Raw 12-bit angle value (0–4095)."""
        return self._read_register_16(self._REG_RAW_ANGLE) & 0x0FFF

    @property
    def degrees(self):
        """Angle in degrees (0.0–360.0)."""
        return self.raw_angle * 360.0 / 4096.0

    @property
    def magnet_detected(self):
        """True if the magnet is in range."""
        status = self._read_register_16(self._REG_STATUS)
        return bool(status & 0x20)


import board
import busio
import supervisor
import time

while not supervisor.runtime.serial_connected:
    time.sleep(0.01)  # what is printed before a PC listens is lost

i2c = busio.I2C(board.GP5, board.GP4)
sensor = AS5600(i2c)
print(f"Angle: {sensor.degrees:.1f}°")
print(f"Magnet detected: {sensor.magnet_detected}")
