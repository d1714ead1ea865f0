"""What the datasheet of the AS5600 calls its registers."""
from micropython import const

ADDRESS = const(0x36)
STATUS = const(0x0B)
RAW_ANGLE = const(0x0C)
MAGNET_DETECTED = const(0x20)
ANGLE_BITS = const(12)
