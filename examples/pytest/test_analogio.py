"""Volts at a pin are what AnalogIn reads."""
import re

import pytest

READ = """
import analogio, board, time
inputs = [analogio.AnalogIn(pin) for pin in (board.A0, board.A1)]
print("measures")
for i in range(3):
    time.sleep(1)
    print("values", *(each.value for each in inputs))
"""
FULL = 65535 / 3300  # of AnalogIn.value for a millivolt
STEP = 65535 / 4095


def values_of(output):
    return [tuple(map(int, found)) for found in re.findall(r'values (\d+) (\d+)', output)]


@pytest.mark.duration(12)
@pytest.mark.circuitpy_drive({'code.py': READ})
@pytest.mark.input_trace({'adc.0': [(0, 660)], 'GP27 mV': [(0, 3300)]})
def test_millivolts_of_a_trace(circuitpython):
    assert circuitpython.wait_until_done()
    values = values_of(circuitpython.serial.all_output)
    assert len(values) == 3
    for low, high in values:
        # the converter's noise and linearity are a few of its 4096 steps
        assert low == pytest.approx(660 * FULL, abs=12 * STEP)
        assert high == pytest.approx(65535, abs=12 * STEP)


@pytest.mark.circuitpy_drive({'code.py': READ})
def test_volts_change_while_it_runs(board):
    board.run_until('measures')
    board.pin('GP26').drive(volts=1.0)
    board.run_until('values')
    board.run('100ms')
    board.pin('GP26').drive(volts=2.0)
    board.run_until('values')
    board.run('100ms')
    (first, _), (second, _) = values_of(board.output)
    assert first == pytest.approx(1000 * FULL, abs=12 * STEP)
    assert second == pytest.approx(2000 * FULL, abs=12 * STEP)


@pytest.mark.circuitpy_drive({'code.py': READ})
@pytest.mark.circuitpy_parts({'knob': {'type': 'potentiometer', 'attrs': {'value': 0},
                                       'wires': {'VCC': '3V3', 'SIG': 'GP26', 'GND': 'GND'}}})
def test_a_knob_is_turned(board):
    board.run_until('values')
    control = board.part('knob').describe()['controls'][0]
    board.part('knob')[control['control']] = control['max']
    board.run_until('values', 'Traceback')
    board.run('100ms')
    (first, _), (second, _) = values_of(board.output)
    assert first < 500 and second > 65000
