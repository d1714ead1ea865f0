"""Times, the transcript, folders for a run, images, and a program that is not as it should be."""
import hashlib
import http.server
import json
import sys
import threading
import types

import pytest

from ouroboard import Board, OuroboardError, RequestError, images, project
from ouroboard.__main__ import main
from ouroboard.circuitpython import CircuitPython
from ouroboard.running import RunningBoard, running_boards
from ouroboard.terminal import plain
from ouroboard.times import to_ps, to_text
from ouroboard.traffic import describe
from ouroboard.transcript import Transcript
from thonnycontrib import ouroboard_boards


@pytest.mark.parametrize('time, ps', [(1, 10**12), (0.1, 10**11), ('500us', 5 * 10**8), ('1.5 s', 15 * 10**11), ('3ps', 3),
                                      ('.5ms', 5 * 10**8), (0, 0)])
def test_times(time, ps):
    assert to_ps(time) == ps


@pytest.mark.parametrize('time', ['', '5', 's', '-1s', '1h', -1])
def test_what_is_no_time(time):
    with pytest.raises(ValueError, match='is no time'):
        to_ps(time)


def test_time_for_people():
    assert [to_text(ps) for ps in (0, 10**12, 1500 * 10**9, 1)] == ['0 s', '1 s', '1.5 s', '0 s']


def test_console_moves_from_uart_to_usb():
    transcript = Transcript()
    for port, data in (('uart0', b'early '), ('usb', b'usb\xe2'), ('uart0', b'late'), ('usb', b'\x82\xac')):
        transcript.add(port, data)
    assert transcript.text('console') == 'early usb\u20ac'
    assert transcript.text('uart0') == 'early late'


def test_terminal_sequences_are_no_text():
    assert plain('\x1b]0;title\x1b\\one\x1b[2K\r\ntwo\x1b[0m') == 'one\ntwo'


# ---- Folders ----

def test_files_of_the_drive(tmp_path):
    (tmp_path / 'source').mkdir()
    (tmp_path / 'source/a.txt').write_text('a')
    folder = tmp_path / 'drive'
    diagram = project.make_folder(folder, files={
        'code.py': 'pass', 'lib/x.bin': b'\0', 'copy': tmp_path / 'source', 'one.txt': tmp_path / 'source/a.txt'})
    assert diagram is None
    assert (folder / 'code.py').read_text() == 'pass' and (folder / 'lib/x.bin').read_bytes() == b'\0'
    assert (folder / 'copy/a.txt').read_text() == (folder / 'one.txt').read_text() == 'a'


@pytest.mark.parametrize('name', ['../out.py', '/out.py', 'lib/../../out.py'])
def test_nothing_leaves_the_drive(tmp_path, name):
    with pytest.raises(OuroboardError, match='leads out of the drive'):
        project.put_file(tmp_path / 'drive', name, 'x')
    assert not (tmp_path / 'out.py').exists()


def test_library_is_copied_and_not_imported(tmp_path, monkeypatch):
    (tmp_path / 'site/pack').mkdir(parents=True)
    (tmp_path / 'site/pack/__init__.py').write_text('raise SystemExit')
    (tmp_path / 'site/single.py').write_text('raise SystemExit')
    monkeypatch.syspath_prepend(tmp_path / 'site')
    project.make_folder(tmp_path / 'drive', libraries=('pack', 'single'))
    assert (tmp_path / 'drive/lib/pack/__init__.py').exists() and (tmp_path / 'drive/lib/single.py').exists()
    with pytest.raises(OuroboardError, match='no module "no_such_module"'):
        project.make_folder(tmp_path / 'drive', libraries=('no_such_module',))


PARTS = {'one': {'type': 'as5600', 'attrs': {'angle': 45}, 'wires': {'SDA': 'GP4'}},
         'two': {'type': 'led', 'wires': {'A': 'one.OUT', 'C': 'GND.1'}}}


def test_diagram_of_parts():
    diagram = project.diagram_of_parts('raspberry_pi_pico', PARTS)
    assert [part['type'] for part in diagram['parts']] == ['board-raspberry_pi_pico', 'as5600', 'led']
    assert diagram['parts'][1]['attrs'] == {'angle': '45'}
    assert [each[:2] for each in diagram['connections']] == [['one:SDA', 'board:GP4'], ['two:A', 'one:OUT'],
                                                             ['two:C', 'board:GND.1']]
    with pytest.raises(OuroboardError, match='no "wire"'):
        project.diagram_of_parts('raspberry_pi_pico', {'x': {'type': 'led', 'wire': {}}})


@pytest.mark.parametrize('name', ['one', 'as5600', 'as5600@36'])
def test_left_out(name):
    left = project.leave_out(project.diagram_of_parts('raspberry_pi_pico', PARTS), [name])
    assert [part['id'] for part in left['parts']] == ['board', 'two']
    assert [each[:2] for each in left['connections']] == [['two:C', 'board:GND.1']]


def test_only_what_is_there_is_left_out(tmp_path):
    with pytest.raises(OuroboardError, match='no part "bme280".*one, two'):
        project.leave_out(project.diagram_of_parts('raspberry_pi_pico', PARTS), ['bme280'])
    with pytest.raises(OuroboardError, match='the board is alone'):
        project.make_folder(tmp_path, without=['bme280'])


# ---- Images ----

NAME = 'adafruit-circuitpython-some_board-en_US-1.2.3.uf2'


def test_image_is_found_by_board_and_version(tmp_path, monkeypatch):
    monkeypatch.setenv('OUROBOARD_FIRMWARE_PATH', str(tmp_path))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    for name in (NAME, NAME.replace('en_US', 'de_DE'), NAME.replace('1.2.3', '1.2.3-rc.1'), NAME.replace('some', 'some_other')):
        (tmp_path / name).touch()
    assert images.find_image('some_board', '1.2.3').name == NAME
    assert images.find_image('some_board', '1.2.3-rc.1').name.endswith('-1.2.3-rc.1.uf2')
    assert images.find_image('some_board', '9.9.9') is None
    assert images.find_image('board', '1.2.3') is None


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A download site with one image."""
    path = tmp_path / 'site/some_board/en_US' / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(b'image')

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path / 'site'))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(images, 'SITE', f'http://127.0.0.1:{server.server_port}')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.delenv('OUROBOARD_FIRMWARE_PATH', raising=False)
    yield
    server.shutdown()


def test_fetch(site, capsys):
    assert main(['fetch', 'some_board', '1.2.3', '--sha256', hashlib.sha256(b'image').hexdigest()]) == 0
    assert images.find_image('some_board', '1.2.3').read_bytes() == b'image'
    assert hashlib.sha256(b'image').hexdigest() in capsys.readouterr().out


def test_fetch_if_missing(site, monkeypatch, capsys):
    assert main(['fetch', '--if-missing', 'some_board', '1.2.3']) == 0
    monkeypatch.setattr(images, 'SITE', 'http://127.0.0.1:1')
    assert main(['fetch', '--if-missing', 'some_board', '1.2.3']) == 0
    assert main(['fetch', 'some_board', '1.2.3']) == 2


def test_what_is_not_as_expected_is_not_kept(site, capsys):
    assert main(['fetch', 'some_board', '1.2.3', '--sha256', '00']) == 2
    assert 'instead of 00; not kept' in capsys.readouterr().err
    assert main(['fetch', 'some_board', '4.5.6']) == 2
    assert '404' in capsys.readouterr().err
    assert images.find_image('some_board', '1.2.3') is None


# ---- Traces ----

class Recorder:
    def __init__(self):
        self.requests = []

    def request(self, do, **members):
        self.requests.append((do, members))


def planned(trace):
    recorder = Recorder()
    CircuitPython(recorder, None).plan_inputs(trace)
    return recorder.requests


def test_traces():
    assert planned({'GP4': [(5, 1), (6, None)]}) == [
        ('pin.drive', {'pin': 'GP4', 'level': 'high', 'at': 5000}), ('pin.release', {'pin': 'GP4', 'at': 6000})]
    assert planned({'GP26 mV': [(0, 1650)]}) == [('pin.drive', {'pin': 'GP26', 'volts': 1.65, 'at': 0})]
    assert planned({'adc.1': [(0, 1650)]}) == [('pin.drive', {'pin': 'GPIO27', 'volts': 1.65, 'at': 0})]
    assert planned({'gpio_emul.04': [(0, 0)]}) == [('pin.drive', {'pin': 'GPIO4', 'level': 'low', 'at': 0})]
    for trace in ({'GP4': [(0, 3)]}, {'GP4 V': [(0, 3)]}):
        with pytest.raises(ValueError, match='input trace'):
            planned(trace)


# ---- Programs that are not as they should be ----

GREETING = json.dumps({'ouroboard': '9', 'protocol': 1, 'board': 'b', 'chip': 'c', 'firmware': 'f', 'time_ps': 0})
SUBSCRIBED = "printf '{\"id\":1,\"ok\":true,\"time_ps\":0}\\n'"


@pytest.fixture
def program(tmp_path):
    def make(*lines):
        path = tmp_path / 'program'
        path.write_text('#!/bin/sh\n' + '\n'.join(lines) + '\n')
        path.chmod(0o755)
        return path
    return make


def test_no_program(tmp_path):
    with pytest.raises(OuroboardError, match='there is no such program'):
        Board(program=tmp_path / 'nothing')


def test_a_mistake_of_use_is_what_the_program_says(program):
    with pytest.raises(OuroboardError, match='^no such board$'):
        Board(program=program('echo no such board >&2; exit 2'))


def test_a_crash_is_told(program):
    with pytest.raises(OuroboardError, match='ended with code -9: without a word'):
        Board(program=program('kill -9 $$'))


def test_another_protocol(program):
    with pytest.raises(OuroboardError, match='speaks protocol 7'):
        Board(program=program("""echo '{"protocol":7}'; cat >/dev/null"""))


def test_a_program_that_hangs_is_ended(program):
    with pytest.raises(OuroboardError, match='said nothing for 0.2 s and was ended'):
        Board(program=program('exec sleep 1000'), patience=0.2)


def test_it_may_end_in_the_middle(program):
    board = Board(program=program(f"echo '{GREETING}'; read line; {SUBSCRIBED}; exit 3"))
    with pytest.raises(OuroboardError, match='ended with code 3'):
        board.run(1)
    board.close()


def test_refused(program):
    board = Board(program=program(f"echo '{GREETING}'; read line; {SUBSCRIBED}; read line",
                                  """echo '{"id":2,"ok":false,"error":"nope"}'; cat >/dev/null"""))
    with pytest.raises(RequestError, match='nope') as caught:
        board.pin('GP4').drive('high')
    assert caught.value.request == {'id': 2, 'do': 'pin.drive', 'pin': 'GP4', 'level': 'high'}
    board.close()


def test_an_end_that_is_not_good_is_told(program):
    board = Board(program=program(f"echo '{GREETING}'; read line; {SUBSCRIBED}; read line; echo the disk is full >&2; exit 2"))
    with pytest.raises(OuroboardError, match='^the disk is full$'):
        board.close()
    board.close()


# ---- Buses ----

SEEN = {'event': 'bus', 'name': 'i2c', 'begin_ps': 10**12, 'end_ps': 2 * 10**12, 'error': False}


@pytest.mark.parametrize('members, line', [
    ({'address': 0x36, 'read': False, 'acknowledged': True, 'hex': '0e', 'acknowledged_bytes': 1, 'restarted': True},
     'write 0x36 0e, restarted'),
    ({'address': 0x36, 'read': True, 'acknowledged': True, 'hex': '0400', 'acknowledged_bytes': 1, 'restarted': False},
     'read  0x36 04 00'),
    ({'address': 0x3c, 'read': False, 'acknowledged': False, 'hex': '', 'acknowledged_bytes': 0, 'restarted': False},
     'write 0x3c (nobody answers)'),
    ({'address': 0x3c, 'read': False, 'acknowledged': True, 'hex': '0102', 'acknowledged_bytes': 1, 'restarted': False},
     'write 0x3c 01 02 (acknowledged: 1 bytes)'),
    ({'mosi': 'ff', 'miso': '00'}, 'mosi ff, miso 00'),
    ({'hex': '48' * 40}, ' '.join(['48'] * 32) + ' ... (40 bytes)'),
])
def test_traffic_for_people(members, line):
    assert describe({**SEEN, **members}) == f'{"1 s":>14}  i2c: {line}'


def test_i2c_parts_are_found():
    wires = {'SDA': 'GP4', 'SCL': 'GP5'}
    diagram = project.diagram_of_parts('raspberry_pi_pico', {
        'one': {'type': 'as5600', 'wires': wires}, 'two': {'type': 'ssd1306', 'wires': wires},
        'three': {'type': 'as5600', 'wires': {'SDA': 'GP6', 'SCL': 'GP7'}},
        'spi': {'type': 'st7789', 'wires': {'SDA': 'GP19', 'SCL': 'GP18', 'DC': 'GP16'}}, 'led': {'type': 'led'}})
    assert project.i2c_parts(diagram) == ['one', 'three']


# ---- Running boards ----

def make_process(proc, pid, comm, terminals, arguments):
    (proc / str(pid) / 'fd').mkdir(parents=True)
    (proc / str(pid) / 'comm').write_text(comm + '\n')
    (proc / str(pid) / 'cmdline').write_bytes('\0'.join(arguments).encode() + b'\0')
    for fd, target in terminals.items():
        (proc / str(pid) / 'fd' / str(fd)).symlink_to(target)


def test_running_boards(tmp_path):
    command = ['/usr/bin/ouroboard', 'run', '--serial', 'pty', '/home/somebody/my_project']
    make_process(tmp_path, 7, 'ouroboard', {0: '/dev/pts/1', 3: '/dev/ptmx', 10: '/dev/pts/5', 9: '/dev/pts/4'}, command)
    make_process(tmp_path, 8, 'ouroboard', {0: '/dev/pts/1', 3: '/dev/pts/1'}, command)
    make_process(tmp_path, 9, 'bash', {5: '/dev/pts/2'}, ['bash'])
    make_process(tmp_path, 10, 'ouroboard', {4: '/dev/pts/9'}, ['ouroboard', 'run'])
    (tmp_path / 'self').mkdir()
    (tmp_path / '11').mkdir()
    assert running_boards(tmp_path) == [RunningBoard(7, '/dev/pts/4', 'my_project'), RunningBoard(10, '/dev/pts/9', 'a board')]


def test_thonny_lists_them(monkeypatch):
    class Port:
        def __init__(self, device):
            self.device = device

    tools = types.ModuleType('serial.tools')
    tools.list_ports = types.SimpleNamespace(comports=lambda include_links: ['ttyACM0'])
    tools.list_ports_common = types.SimpleNamespace(ListPortInfo=Port)
    monkeypatch.setitem(sys.modules, 'serial', types.ModuleType('serial'))
    monkeypatch.setitem(sys.modules, 'serial.tools', tools)
    monkeypatch.setattr(ouroboard_boards, 'running_boards', lambda: [RunningBoard(7, '/dev/pts/4', 'my_project')])
    ouroboard_boards.load_plugin()
    first, second = tools.list_ports.comports()
    assert first == 'ttyACM0' and second.device == '/dev/pts/4' and 'CircuitPython CDC ' in second.interface
