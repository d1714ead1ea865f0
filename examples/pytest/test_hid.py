"""What a keyboard types reaches the PC."""
import pytest

TYPE = """
import time, usb_hid
keyboard = next(each for each in usb_hid.devices if (each.usage_page, each.usage) == (1, 6))
report = bytearray(8)
for code in (0x0b, 0x0c):
    report[0], report[2] = 0x02, code
    keyboard.send_report(report)
    keyboard.send_report(bytes(8))
print("typed")
"""


@pytest.mark.circuitpy_drive({'code.py': TYPE})
def test_keys_arrive(board):
    board.run_until('typed')
    board.run('100ms')
    pressed = [each['usage'] for each in board.events if each['event'] == 'hid' and each['value'] == 1]
    assert pressed == ['LEFT_SHIFT', 'H', 'LEFT_SHIFT', 'I']


@pytest.mark.circuitpy_drive({'boot.py': 'import usb_hid\nusb_hid.disable()\n',
                              'code.py': 'import usb_hid\nprint("devices", len(usb_hid.devices))\n'})
def test_boot_py_can_disable_it(circuitpython):
    assert circuitpython.wait_until_done()
    assert 'devices 0' in circuitpython.serial.all_output
