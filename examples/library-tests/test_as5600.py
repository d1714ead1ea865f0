"""Adafruit's driver of the AS5600, as PyPI has it, on six pairs of board and firmware.

What is expected is the sensor's data sheet: 4096 steps a turn, a zero position that ANGLE counts from and RAW ANGLE does
not, and a status that tells of the magnet.
"""
import pytest

SENSOR = {'sensor': {'type': 'as5600', 'attrs': {'angle': 90}, 'wires': {'SDA': 'GP4', 'SCL': 'GP5', 'VCC': '3V3', 'GND': 'GND'}}}
SET_UP = """
import board, busio
from adafruit_as5600 import AS5600
sensor = AS5600(busio.I2C(board.GP5, board.GP4))
"""

pytestmark = [pytest.mark.circuitpy_parts(SENSOR), pytest.mark.circuitpy_drive({'code.py': ''})]


@pytest.fixture
def ask(board):
    """Evaluate an expression on the board, where `sensor` is the driver."""
    board.run(4.5)
    board.execute(SET_UP)
    return lambda expression: eval(board.execute(f'print(repr({expression}))'), {})


def test_raw_angle(board, ask):
    for degrees in (0.5, 45, 180, 359):
        board.part('sensor')['angle'] = degrees
        board.run('20ms')
        assert ask('sensor.raw_angle') == pytest.approx(degrees * 4096 / 360, abs=2)


def test_zero_position(board, ask):
    """ANGLE counts from ZPOS on, and around."""
    board.execute('sensor.z_position = 1024')
    board.run('20ms')
    assert ask('sensor.z_position') == 1024
    assert ask('sensor.raw_angle') == pytest.approx(1024, abs=2)
    assert min(ask('sensor.angle'), 4096 - ask('sensor.angle')) <= 2
    board.part('sensor')['angle'] = 45
    board.run('20ms')
    assert ask('sensor.angle') == pytest.approx(4096 - 512, abs=2)


def test_magnet(board, ask):
    assert ask('sensor.magnet_detected')
    board.part('sensor')['field'] = 0
    board.run('20ms')
    assert not ask('sensor.magnet_detected')
    assert ask('sensor.max_gain_overflow')


def test_configuration_is_kept(ask, board):
    board.execute('sensor.hysteresis = 2\nsensor.slow_filter = 1\nsensor.watchdog = True')
    assert ask('(sensor.hysteresis, sensor.slow_filter, sensor.watchdog)') == (2, 1, True)


@pytest.mark.disable_i2c_devices('sensor')
@pytest.mark.circuitpy_parts({**SENSOR, 'screen': {'type': 'ssd1306', 'wires': {'SDA': 'GP4', 'SCL': 'GP5'}}})
def test_no_sensor_is_an_error_of_its_own(board):
    board.run(4.5)
    with pytest.raises(AssertionError, match='No I2C device at address: 0x36'):
        board.execute(SET_UP)
