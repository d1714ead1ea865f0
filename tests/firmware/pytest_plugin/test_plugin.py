"""What the plug-in does with tests that fail, or that ask for something that is not there."""
import pytest

PASSES = """
import pytest

@pytest.mark.circuitpy_drive({'code.py': 'import os\\nprint("runs on", os.uname().machine)\\n'})
def test_prints(circuitpython):
    assert circuitpython.wait_until_done()
    assert 'runs on' in circuitpython.serial.all_output
"""


@pytest.fixture
def run(pytester):
    """Run pytest on one file; its result."""
    def run(source, *options):
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess('-p', 'ouroboard.plugin', *options)
    return run


def test_without_options_there_is_one_board(run):
    result = run(PASSES, '-v')
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(['*::test_prints PASSED*'])


def test_boards_of_the_command_line(run):
    result = run(PASSES, '-v', '--board', 'raspberry_pi_pico@10.2.1', '--board', 'raspberry_pi_pico2@10.2.1')
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(['*::test_prints?raspberry_pi_pico@10.2.1? PASSED*',
                                 '*::test_prints?raspberry_pi_pico2@10.2.1? PASSED*'])


def test_markers_are_known(run):
    run(PASSES, '--strict-markers').assert_outcomes(passed=1)


def test_a_failure_shows_what_the_board_has_said(run):
    result = run("""
        import pytest

        @pytest.mark.circuitpy_drive({'code.py': 'print("only this")\\n'})
        def test_fails(circuitpython):
            circuitpython.serial.wait_for('something else')
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*there was no text 'something else'*", '*- board -*', 'raspberry_pi_pico (RP2040), *',
                                 '*- serial output -*', 'only this', '*- log and events -*', '*usb: configured*'])


def test_a_failure_shows_the_pictures_difference(run, pytester):
    (pytester.path / 'golden').mkdir()
    source = """
        import pytest

        @pytest.mark.circuitpy_parts({'led': {'type': 'led', 'wires': {'A': 'GP15', 'C': 'GND'}}})
        @pytest.mark.circuitpy_drive({'code.py': 'import board, digitalio\\n'
                                      'digitalio.DigitalInOut(board.GP15).switch_to_output(LEVEL)\\nwhile True: pass\\n'})
        @pytest.mark.display(part='led', capture_times_ns=[5_000_000_000])
        def test_led(circuitpython, golden):
            circuitpython.wait_until_done()
            golden.check(circuitpython.display_capture_paths()[0], 'led.png')
    """
    run(source.replace('LEVEL', 'True'), '--update-goldens').assert_outcomes(passed=1)
    run(source.replace('LEVEL', 'True')).assert_outcomes(passed=1)
    result = run(source.replace('LEVEL', 'False'))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*led.png: * pixels differ*led.difference.png*'])


def test_an_endless_program_ends_with_its_duration(run):
    run("""
        import pytest

        @pytest.mark.duration(6)
        @pytest.mark.circuitpy_drive({'code.py': 'while True: pass\\n'})
        def test_endless(circuitpython):
            assert not circuitpython.wait_until_done()
            assert circuitpython.board.time_ps == pytest.approx(6e12, rel=1e-6)
    """).assert_outcomes(passed=1)


@pytest.mark.parametrize('marker, message', [
    ("circuitpython_board('raspberry_pi_pico@1.2.3')", '*no image of CircuitPython 1.2.3*python -m ouroboard fetch*'),
    ("circuitpython_board('raspberry_pi_pic')", '*raspberry_pi_pic*nearest*raspberry_pi_pico*'),
    ("circuitpy_library('no_such_module')", '*no module "no_such_module"*'),
    ("circuitpy_project('nowhere')", '*nowhere*no such project*'),
    ("circuitpy_parts({'x': {'type': 'no_such_part'}})", '*no_such_part*'),
    ("disable_i2c_devices('bme280')", '*no part "bme280"*'),
    ("ouroboard_options('--no-such-option')", '*no-such-option*'),
])
def test_mistakes_are_one_line_without_a_traceback(run, marker, message):
    result = run(f"""
        import pytest

        @pytest.mark.{marker}
        def test_never_runs(board):
            assert False
    """)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    assert 'Traceback' not in result.stdout.str() and 'another exception' not in result.stdout.str()


def test_a_failure_shows_the_bus(run):
    result = run("""
        import pytest

        CODE = 'import board, busio\\ni2c = busio.I2C(board.GP5, board.GP4)\\ni2c.try_lock()\\n' \\
               'i2c.writeto_then_readfrom(0x36, bytes((0x0c,)), bytearray(2))\\ni2c.writeto(0x50, bytes((1, 2)))\\n'

        @pytest.mark.circuitpy_drive({'code.py': CODE})
        @pytest.mark.circuitpy_parts({'sensor': {'type': 'as5600', 'attrs': {'angle': 90},
                                                 'wires': {'SDA': 'GP4', 'SCL': 'GP5'}}})
        def test_fails(circuitpython):
            circuitpython.wait_until_done()
            assert 'OSError' not in circuitpython.serial.all_output
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*- bus traffic -*', '*i2c of sensor: write 0x36 0c, restarted', '*i2c of sensor: read  0x36 04 00*',
                                 '*i2c of sensor: write 0x50 (nobody answers)'])


def test_lines_that_have_run(run, pytester):
    result = run("""
        import pytest
        from ouroboard import line

        PROGRAM = 'def twice(n):\\n    m = n * 2\\n    return m\\n\\nif twice(4) < 0:\\n    print("never")\\nprint("done")\\n'

        @pytest.mark.circuitpy_drive({'code.py': PROGRAM})
        def test_line(board):
            board.run_until(line('code.py', 3))
            assert [(each['function'], each['line']) for each in board.python_stack()] == [('twice', 3), ('<module>', 5)]
            assert board.python_locals() == {'n': '4', 'm': '8'}
            board.run_until('done')
    """, '--ouroboard-coverage', 'lines.info')
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(['*lines that have run on boards*', 'code.py  *6*1*83%   6', 'TOTAL *6*1*83%'])
    assert 'SF:code.py' in (pytester.path / 'lines.info').read_text()
