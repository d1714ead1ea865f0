"""`ouroboard desk`, and that the program finds it, with an editor that only tells what it was given."""
import os
import subprocess

import pytest

from ouroboard import OuroboardError, desk
from ouroboard.program import find_program

BOARD = """#!/bin/sh
echo "serial console on /dev/pts/77"
echo "$@" >"$HERE/arguments"
trap 'echo ended >"$HERE/ended"; exit' TERM
while :; do sleep 0.1; done
"""
EDITOR = """#!/bin/sh
cat "$THONNY_USER_DIR/configuration.ini" >"$HERE/configuration"
python3 -c 'import thonnycontrib.ouroboard_boards, ouroboard.running' || exit 9
exit 7
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put a program on the PATH."""
    def make(name, text):
        path = tmp_path / name
        path.write_text(text)
        path.chmod(0o755)
        return path
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv('HERE', str(tmp_path))
    return make


def test_thonny_gets_the_port_and_the_plug_in(programs, tmp_path, monkeypatch):
    monkeypatch.setenv('OUROBOARD', str(programs('board', BOARD)))
    monkeypatch.delenv('PYTHONPATH')
    programs('thonny', EDITOR)
    assert desk.main(['thonny', '--board', 'raspberry_pi_pico']) == 7
    assert (tmp_path / 'arguments').read_text() == 'run --serial pty --board raspberry_pi_pico\n'
    assert 'port = /dev/pts/77' in (tmp_path / 'configuration').read_text()
    assert (tmp_path / 'ended').exists()


def test_mistakes(programs, monkeypatch, capsys):
    with pytest.raises(OuroboardError, match='no way to open "vi"'):
        desk.open_editor('vi', [])
    monkeypatch.setenv('PATH', '/nonexistent')
    assert desk.main(['thonny']) == 2
    assert 'thonny is not installed' in capsys.readouterr().err
    assert desk.main([]) == 2


def test_a_board_that_does_not_start_ends_it(programs, monkeypatch):
    monkeypatch.setenv('OUROBOARD', str(programs('board', '#!/bin/sh\nexit 2\n')))
    programs('thonny', EDITOR)
    with pytest.raises(SystemExit, match='2'):
        desk.main(['thonny'])


def test_other_programs_are_commands(programs):
    program = find_program()
    programs('ouroboard-greet', '#!/bin/sh\necho "hello $*"\nexit 5\n')
    done = subprocess.run([program, 'greet', 'a', 'b'], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (5, 'hello a b\n')
    done = subprocess.run([program, 'no-such-command'], capture_output=True, text=True)
    assert done.returncode == 2 and 'no such command' in done.stderr
