# A pulse made by PIO is measured by another pin: GP2 has to be wired to GP3.
import array
import time

import board
import pulseio
import rp2pio

SET_PINS = 0b111_00000_000_00000
pulses = pulseio.PulseIn(board.GP3, maxlen=8, idle_state=False)
program = array.array("H", [SET_PINS | 9 << 8 | 1, SET_PINS | 29 << 8 | 0])  # 10 cycles high, 30 low
machine = rp2pio.StateMachine(program, frequency=20_000, first_set_pin=board.GP2)
time.sleep(0.1)
pulses.pause()
if len(pulses):
    print("pulses:", *(pulses[i] for i in range(len(pulses))))
else:
    print("no pulses: is GP2 wired to GP3?")
