"""Where the emulator's program is."""
import os
import shutil
import sysconfig
from pathlib import Path

from .errors import OuroboardError

NAME = 'ouroboard'
VARIABLE = 'OUROBOARD'


def find_program(named=None):
    """The path of the program: the one that is named, that $OUROBOARD names, that pip has installed beside this
    package, or the first on the PATH."""
    named = named or os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if not found:
            raise OuroboardError(f'{named}: there is no such program; build the emulator, or leave ${VARIABLE} unset to '
                                 'take the installed one')
        return found
    beside = Path(sysconfig.get_path('scripts')) / NAME
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(NAME)
    if not found:
        raise OuroboardError(f'there is no program "{NAME}" on the PATH; install it, or let ${VARIABLE} name it')
    return found
