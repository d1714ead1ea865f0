"""Pins as inputs and outputs. Times are virtual: they come out the same every time."""
import re

import pytest

from ouroboard import edge

WATCH = """
import board, digitalio, time
pin = digitalio.DigitalInOut(board.GP4)
last = pin.value
print("begins", last)
while time.monotonic() < 8:
    if pin.value != last:
        last = pin.value
        print(f"{time.monotonic():.2f} {last}")
    time.sleep(0.01)
"""


@pytest.mark.duration(12)
@pytest.mark.circuitpy_drive({'code.py': WATCH})
@pytest.mark.input_trace({'GP4': [(0, 0), (6_000_000_000, 1), (7_000_000_000, 0)]})
def test_input_follows_the_trace(circuitpython):
    assert circuitpython.wait_until_done()
    output = circuitpython.serial.all_output
    assert 'begins False' in output
    edges = [(float(time), level) for time, level in re.findall(r'(\d+\.\d+) (True|False)\r', output)]
    assert [level for _, level in edges] == ['True', 'False']
    # monotonic() counts from the start of the firmware, at most a second after power-on
    assert edges[1][0] - edges[0][0] == pytest.approx(1, abs=0.03)


@pytest.mark.circuitpy_drive({'code.py': 'import board, digitalio\npin = digitalio.DigitalInOut(board.GP5)\n'
                                         'for pull in (digitalio.Pull.UP, digitalio.Pull.DOWN):\n'
                                         '    pin.pull = pull\n    print(pin.value)\n'})
def test_pulls(circuitpython):
    assert circuitpython.wait_until_done()
    assert 'True\r\nFalse' in circuitpython.serial.all_output


BLINK = """
import board, digitalio, time
pin = digitalio.DigitalInOut(board.GP15)
pin.switch_to_output()
print("blinking")
while True:
    pin.value = not pin.value
    time.sleep(0.05)
"""


@pytest.mark.circuitpy_drive({'code.py': BLINK})
def test_output_blinks(board):
    board.run_until('blinking')
    board.run_until(edge('GP15', 'rise'))
    counted = board.pin('GP15').measure(duration=1)
    assert counted['hz'] == pytest.approx(10, rel=0.01)
    assert counted['duty'] == pytest.approx(0.5, rel=0.01)


@pytest.mark.circuitpy_drive({'code.py': BLINK})
@pytest.mark.circuitpy_parts({'led': {'type': 'led', 'attrs': {'color': 'red'}, 'wires': {'A': 'GP15', 'C': 'GND'}}})
def test_led_lights_up(board):
    board.run_until('blinking')
    board.run_until(edge('GP15', 'rise'))
    board.run('10ms')
    assert board.part('led').views()[0]['brightness'] > 0
