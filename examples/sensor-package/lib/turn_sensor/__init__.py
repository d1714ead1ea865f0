"""A driver as a package: the magnet's angle, and whether there is a magnet at all."""
from adafruit_bus_device.i2c_device import I2CDevice

from .registers import ADDRESS, ANGLE_BITS, MAGNET_DETECTED, RAW_ANGLE, STATUS


class TurnSensor:
    def __init__(self, i2c, address=ADDRESS):
        self._device = I2CDevice(i2c, address)
        self._data = bytearray(2)

    def _read(self, register, count):
        with self._device as device:
            device.write_then_readinto(bytes((register,)), self._data, in_end=count)
        return self._data

    @property
    def degrees(self):
        high, low = self._read(RAW_ANGLE, 2)
        return (high << 8 | low) * 360 / (1 << ANGLE_BITS)

    @property
    def has_magnet(self):
        return bool(self._read(STATUS, 1)[0] & MAGNET_DETECTED)
