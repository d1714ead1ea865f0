"""The console: what is printed, what is typed, Ctrl-C and Ctrl-D."""
import pytest

ECHO = """
import sys
print("say something")
while (letter := sys.stdin.read(1)) != "!":
    print("heard", repr(letter))
print("over")
"""


@pytest.mark.circuitpy_drive({'code.py': ECHO})
def test_typed_letters_arrive_one_by_one(circuitpython):
    circuitpython.serial.wait_for('say something')
    circuitpython.serial.write('a\u00e9!')
    assert circuitpython.wait_until_done()
    assert "heard 'a'\r\nheard '\u00e9'\r\nover" in circuitpython.serial.all_output


@pytest.mark.circuitpy_drive({'code.py': 'colour = input("colour? ")\nprint("painted", colour.upper())\n'})
def test_input_reads_a_line(circuitpython):
    circuitpython.serial.wait_for('colour? ')
    circuitpython.serial.write('blue\r')
    assert circuitpython.wait_until_done()
    assert 'painted BLUE' in circuitpython.serial.all_output


COUNT = """
import time
for i in range(1000):
    print("count", i)
    time.sleep(0.05)
print("never reached")
"""


@pytest.mark.circuitpy_drive({'code.py': COUNT})
def test_ctrl_c_interrupts(circuitpython):
    circuitpython.serial.wait_for('count 3')
    circuitpython.serial.write('\x03')
    assert circuitpython.wait_until_done()
    assert 'KeyboardInterrupt' in circuitpython.serial.all_output
    assert 'never reached' not in circuitpython.serial.all_output


@pytest.mark.duration(15)
@pytest.mark.code_py_runs(2)
@pytest.mark.circuitpy_drive({'code.py': 'import time\nprint("begun")\ntime.sleep(2)\nprint("ended")\n'})
def test_ctrl_d_runs_it_again(circuitpython):
    """The program that runs is not interrupted."""
    circuitpython.serial.wait_for('begun')
    circuitpython.serial.write('\x04')
    assert circuitpython.wait_until_done()
    assert circuitpython.serial.all_output.count('begun') == 2
    assert circuitpython.serial.all_output.count("ended") == 2


@pytest.mark.circuitpy_drive({'code.py': 'def inner():\n    return {}["missing"]\n\n\ninner()\n'})
def test_traceback_names_the_lines(circuitpython):
    assert circuitpython.wait_until_done()
    output = circuitpython.serial.all_output
    assert 'File "code.py", line 5, in <module>' in output
    assert 'File "code.py", line 2, in inner' in output
    assert 'KeyError: missing' in output


@pytest.mark.circuitpy_drive(None)
def test_erased_flash_gets_a_program(circuitpython):
    """CircuitPython formats its drive and puts a first code.py there. Its output comes before a PC listens: the program
    runs once more."""
    circuitpython.board.run(4)
    circuitpython.serial.write('\x04')
    assert circuitpython.wait_until_done()
    assert 'Hello World!' in circuitpython.serial.all_output


@pytest.mark.circuitpy_drive({'boot.py': 'print("boot.py was first")\n', 'main.py': 'print("instead of code.py")\n'})
def test_boot_py_is_first_and_main_py_stands_in_for_code_py(circuitpython, board):
    assert circuitpython.wait_until_done()
    assert 'instead of code.py' in circuitpython.serial.all_output
    assert b'boot.py was first' in board.read_file('boot_out.txt')
