# A calibration value that survives a reset: four bytes of the non-volatile memory.
import struct
import time

import microcontroller

PLACE = 0
nvm = microcontroller.nvm
(offset,) = struct.unpack_from("<f", nvm, PLACE)
if offset != offset:  # erased memory is no number
    print("no offset yet")
    offset = 45.5
else:
    print("stored offset:", offset)
    offset += 1
struct.pack_into("<f", nvm, PLACE, offset)
print("kept", offset)
while True:
    time.sleep(1)
