# A PIO program that drives a pin: 32 cycles high, 32 cycles low, at 640 kHz.
import array
import time

import board
import rp2pio

SET_PINS = 0b111_00000_000_00000
program = array.array("H", [SET_PINS | 31 << 8 | 1, SET_PINS | 31 << 8 | 0])
machine = rp2pio.StateMachine(program, frequency=640_000, first_set_pin=board.GP2)
print("running at", machine.frequency // 64, "Hz")
while True:
    time.sleep(1)
