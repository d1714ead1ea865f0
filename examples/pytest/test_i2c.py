"""Devices on the I2C bus, and a bus without them."""
import pytest

SENSOR = {'sensor': {'type': 'as5600', 'attrs': {'angle': 90}, 'wires': {'SDA': 'GP4', 'SCL': 'GP5', 'VCC': '3V3', 'GND': 'GND'}}}
OTHER = {'display': {'type': 'ssd1306', 'wires': {'SDA': 'GP4', 'SCL': 'GP5', 'VCC': '3V3', 'GND': 'GND'}}}
SCAN = """
import board, busio
i2c = busio.I2C(board.GP5, board.GP4)
i2c.try_lock()
print("found", [hex(each) for each in i2c.scan()])
"""


@pytest.mark.circuitpy_drive({'code.py': SCAN})
@pytest.mark.circuitpy_parts({**SENSOR, **OTHER})
def test_scan_finds_both(circuitpython):
    assert circuitpython.wait_until_done()
    assert "found ['0x36', '0x3c']" in circuitpython.serial.all_output


@pytest.mark.circuitpy_drive({'code.py': SCAN})
@pytest.mark.circuitpy_parts({**SENSOR, **OTHER})
@pytest.mark.disable_i2c_devices('as5600@36')
def test_a_device_that_is_left_out_does_not_answer(circuitpython):
    assert circuitpython.wait_until_done()
    assert "found ['0x3c']" in circuitpython.serial.all_output


@pytest.mark.circuitpy_drive({'code.py': SCAN})
@pytest.mark.circuitpy_parts({**SENSOR, **OTHER})
@pytest.mark.disable_i2c_devices('sensor', 'display')
def test_without_any_device_there_are_no_pull_ups(circuitpython):
    assert circuitpython.wait_until_done()
    assert 'No pull up found on SDA or SCL' in circuitpython.serial.all_output


ANGLE = """
import board, busio, time
i2c = busio.I2C(board.GP5, board.GP4)
i2c.try_lock()
while True:
    raw = bytearray(2)
    i2c.writeto_then_readfrom(0x36, b"\\x0e", raw)
    print("angle", round(int.from_bytes(raw, "big") * 360 / 4096))
    time.sleep(0.2)
"""


@pytest.mark.circuitpy_drive({'code.py': ANGLE})
@pytest.mark.circuitpy_parts(SENSOR)
def test_a_turn_of_the_magnet_is_read(board):
    board.run_until('angle 90\r')
    board.part('sensor')['angle'] = 270
    board.run_until('angle 270\r', timeout=1)
