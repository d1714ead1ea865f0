# A calibration value that survives a reset: four bytes of the non-volatile memory.
import struct
import time

import microcontroller

PLACE = 0
nvm = microcontroller.nvm
(offset,) = struct.unpack("<f", nvm[PLACE : PLACE + 4])  # it is no buffer: unpack_from() would refuse it
if offset != offset:  # erased memory is no number
    print("no offset yet")
    offset = 45.5
else:
    print("stored offset:", offset)
    offset += 1
nvm[PLACE : PLACE + 4] = struct.pack("<f", offset)
print("kept", offset)
while True:
    time.sleep(1)
