"""`ouroboard desk EDITOR [OPTIONS OF run]`: open an editor on a board. The board runs beside it and ends with it.

Thonny is told the board's port and has the plug-in that lists it; nothing of the user's settings is touched. Mu looks
for a device file and a mounted drive, which need a private /dev and a stand-in for the modem lines of a
pseudo-terminal: not done.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import OuroboardError
from .program import find_program

USAGE = 'usage: ouroboard desk EDITOR [OPTIONS OF run]\n\nOpens an editor on a board: thonny.\n'
CONFIGURATION = '[general]\nlanguage = en_US\nsingle_instance = False\n\n[run]\nbackend_name = CircuitPython\n\n[CircuitPython]\nport = {port}\n'
LAST_WAIT = 5  # seconds of the host's clock


def _start_board(options):
    """The process, and the port that is in the first line that it prints."""
    board = subprocess.Popen([find_program(), 'run', '--serial', 'pty', *options], stdout=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, text=True)
    words = board.stdout.readline().split()
    ports = [word for word in words if word.startswith('/dev/')]
    if not ports:
        code = board.wait()
        sys.exit(code or 2)  # it has said what is wrong
    return board, ports[0]


def _lend_package(folder):
    """This package and its plug-in alone, for an editor that runs in a Python of its own."""
    here, plug_in = Path(__file__).resolve().parent, Path('thonnycontrib') / 'ouroboard_boards.py'
    (folder / here.name).symlink_to(here)
    (folder / plug_in.parent).mkdir()
    (folder / plug_in).symlink_to(here.parent / plug_in)


def _thonny_environment(folder, port):
    lent, settings = folder / 'python', folder / 'settings'
    lent.mkdir()
    settings.mkdir()
    _lend_package(lent)
    (settings / 'configuration.ini').write_text(CONFIGURATION.format(port=port))
    path = os.pathsep.join(filter(None, [str(lent), os.environ.get('PYTHONPATH')]))
    return {**os.environ, 'THONNY_USER_DIR': str(settings), 'PYTHONPATH': path}


EDITORS = {'thonny': _thonny_environment}


def _run_editor(editor, program, options):
    board, port = _start_board(options)
    try:
        with tempfile.TemporaryDirectory(prefix='ouroboard-desk-') as folder:
            return subprocess.call([program], env=EDITORS[editor](Path(folder), port))
    finally:
        board.terminate()
        try:
            board.wait(LAST_WAIT)
        except subprocess.TimeoutExpired:
            board.kill()


def open_editor(editor, options):
    """The editor's exit code."""
    if editor not in EDITORS:
        raise OuroboardError(f'desk: there is no way to open "{editor}" on a board; say one of: {", ".join(EDITORS)}')
    program = shutil.which(editor)
    if not program:
        raise OuroboardError(f'desk: {editor} is not installed (Debian: apt install {editor})')
    return _run_editor(editor, program, options)


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ('-h', '--help'):
        print(USAGE, end='', file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    try:
        return open_editor(arguments[0], arguments[1:])
    except OuroboardError as error:
        print(f'ouroboard: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == '__main__':
    sys.exit(main())
