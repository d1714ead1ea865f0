"""The Board class on CircuitPython 10.2.1 for a Pico."""
import pytest

from ouroboard import BoardFailure, NotSeen, OuroboardError, RequestError, Board, event, level, regex
from ouroboard.images import find_image


@pytest.fixture
def make(tmp_path):
    """A board with these files on its drive."""
    made = []

    def make(files, **more):
        folder = tmp_path / f'drive{len(made)}'
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
        made.append(Board(board='raspberry_pi_pico', firmware=find_image('raspberry_pi_pico', '10.2.1'), drive=folder, **more))
        return made[-1]

    yield make
    for board in made:
        board.close()


ASK = 'print("first line")\nname = input("name? ")\nprint("hello", name)\n'


def test_first_line_is_heard_and_answers_are_typed(make):
    board = make({'code.py': ASK})
    stop = board.run_until('no such text', regex('na[m]e'))
    assert stop.match == 'name' and 'first line' in stop.printed
    board.write('Ada\r')
    board.run_until('hello Ada')
    assert board.output.count('first line') == 1


def test_text_that_has_been_printed_is_found_later(make):
    board = make({'code.py': 'print("one two three")\n'})
    board.run(6)
    before = board.time_ps
    board.run_until('one')
    board.run_until('three')
    assert board.time_ps == before
    with pytest.raises(NotSeen):
        board.run_until('two', timeout=0.5)


def test_not_seen_shows_what_was_printed(make):
    board = make({'code.py': 'print("something else")\n'})
    with pytest.raises(NotSeen, match="within 5 s of virtual time there was no text 'wanted'") as caught:
        board.run_until('wanted', timeout=5)
    assert 'something else' in str(caught.value) and '\x1b' not in str(caught.value)
    assert isinstance(caught.value, TimeoutError)
    assert board.time_ps == pytest.approx(5e12, rel=1e-6)


def test_the_same_run_twice(make):
    def run():
        board = make({'code.py': 'import os, time\nprint(os.urandom(4), time.monotonic_ns())\n'}, seed=7)
        board.call_at(4.5, lambda: board.write('\x04'))
        board.run_to(7)
        return board.time_ps, board.transcript.data('usb'), list(board.events), board.status['cycles']
    assert run() == run()


def test_calls_happen_at_their_times(make):
    board, seen = make({'code.py': ASK}), []
    for time in ('20ms', '1ms'):
        board.call_at(time, lambda: seen.append(board.time_ps))
    board.run('5ms')
    board.run_until('never', event('usb', state='configured'))
    assert [round(time_ps / 1e9) for time_ps in seen] == [1, 20]


def test_boot_py_may_take_the_drive(make):
    """The console cannot be first then: the board begins again, with what was done to it before."""
    board = make({'boot.py': 'import storage\nstorage.remount("/", readonly=False)\n',
                  'code.py': 'import board, digitalio\nprint(digitalio.DigitalInOut(board.GP4).value)\n'})
    board.pin('GP4').drive('high')
    board.run(6)
    assert not board.console_first
    board.write('\x04')
    board.run_until('True')


def test_repl(make):
    board = make({'code.py': 'while True:\n    pass\n'})
    board.run(4.5)
    assert board.execute('for i in range(3):\n    print(i)') == '0\n1\n2\n'
    with pytest.raises(BoardFailure, match='ZeroDivisionError'):
        board.execute('1 / 0')
    assert board.execute('print("still there", i)') == 'still there 2\n'
    board.leave_repl()
    board.write('\x04')
    board.run_until('code.py output:')


def test_pins(make):
    board = make({'code.py': ''})
    board.run(4)
    board.execute('import board, digitalio, pwmio\npin = digitalio.DigitalInOut(board.GP2)\n'
                  'pwm = pwmio.PWMOut(board.GP3, frequency=2000, duty_cycle=16384)')
    pin = board.pin('GP2')
    pin.drive('high')
    assert pin.level == 'high' and board.execute('print(pin.value)') == 'True\n'
    pin.drive(volts=0.1)
    assert pin.volts == pytest.approx(0.1) and board.execute('print(pin.value)') == 'False\n'
    counted = board.pin('GP3').measure('50ms')
    assert counted['hz'] == pytest.approx(2000) and counted['duty'] == pytest.approx(0.25, abs=0.001)
    assert board.run_until(level('GP3', 'high')).reason == 'pin'


def test_drive(make):
    board = make({'code.py': ''})
    board.run(4)
    assert set(board.files()) == {'boot_out.txt', 'code.py'}
    board.write_file('lib/new.txt', b'\xff\0')
    assert board.read_file('lib/new.txt') == b'\xff\0'
    board.run(2)
    assert board.execute('print(open("/lib/new.txt", "rb").read())') == "b'\\xff\\x00'\n"
    board.delete_file('lib/new.txt')
    assert 'lib/new.txt' not in board.files()


def test_reset(make):
    board = make({'code.py': ''})
    board.run(4)
    board.reset()
    board.run_until(event('usb', state='configured'))


def test_mistakes_have_a_remedy(make, tmp_path):
    board = make({'code.py': ''})
    with pytest.raises(RequestError, match='did you mean'):
        board.pin('GP44').drive('high')
    with pytest.raises(OuroboardError, match='raspberry_pi_pic'):
        Board(board='raspberry_pi_pic')
    with pytest.raises(OuroboardError, match='nothing.uf2'):
        Board(firmware=tmp_path / 'nothing.uf2')


def test_what_is_written_is_in_the_folder_after_the_end(make, tmp_path):
    board = make({'boot.py': 'import storage\nstorage.remount("/", readonly=False)\n',
                  'code.py': 'open("/made.txt", "w").write("by the board")\n'})
    board.run(6)
    board.close()
    assert (tmp_path / 'drive0/made.txt').read_text() == 'by the board'
    with pytest.raises(OuroboardError):
        board.run(1)


def test_power_and_cable(make):
    board = make({'code.py': 'print("begun")\n'})
    board.run_until('begun')
    board.unplug()
    assert board.events[-1]['state'] == 'detached'
    board.run(0.1)
    board.plug()
    board.run_until(event('usb', state='configured'))
    board.power(False)
    board.run(0.1)
    board.power(True)
    assert [each['cause'] for each in board.events if each['event'] == 'reset'] == ['power-on']
    board.run_until(event('usb', state='configured'))
