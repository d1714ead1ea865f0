"""Saving a file on the drive runs the program again."""
import pytest


@pytest.mark.duration(20)
@pytest.mark.circuitpy_drive({'code.py': 'print("the first program")\n'})
def test_saving_code_py_reloads(circuitpython, board):
    circuitpython.serial.wait_for('the first program')
    board.write_file('code.py', 'print("the second program")\n')
    circuitpython.serial.wait_for('the second program')


@pytest.mark.duration(20)
@pytest.mark.circuitpy_drive({'code.py': 'import tool\nprint("tool", tool.VERSION)\n', 'lib/tool.py': 'VERSION = 1\n'})
def test_saving_a_module_reloads(circuitpython, board):
    circuitpython.serial.wait_for('tool 1')
    board.write_file('lib/tool.py', 'VERSION = 2\n')
    circuitpython.serial.wait_for('tool 2')


@pytest.mark.duration(20)
@pytest.mark.circuitpy_drive({'code.py': 'import supervisor\nsupervisor.runtime.autoreload = False\nprint("deaf")\n'})
def test_without_autoreload_nothing_happens(circuitpython, board):
    circuitpython.serial.wait_for('deaf')
    board.write_file('code.py', 'print("the second program")\n')
    assert circuitpython.wait_until_done()
    board.run(3)
    assert 'the second program' not in circuitpython.serial.all_output


@pytest.mark.circuitpy_drive({
    'boot.py': 'import storage\nstorage.remount("/", readonly=False)\n',
    'code.py': 'with open("/log.txt", "w") as log:\n    log.write("kept")\nprint("written")\n',
})
def test_what_the_board_writes_is_in_the_folder(circuitpython, board):
    """boot.py takes the drive from the PC: the program begins at once, and what it prints first is not heard."""
    board.run(6)
    circuitpython.serial.write('\x04')
    circuitpython.serial.wait_for('written')
    circuitpython.shutdown()
    assert (circuitpython.folder / 'log.txt').read_text() == 'kept'
