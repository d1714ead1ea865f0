"""Boards that run now with their console on a pseudo-terminal (`ouroboard run --serial pty`), found in /proc."""
import os
from dataclasses import dataclass
from pathlib import Path

NAME = 'ouroboard'
STANDARD = ('0', '1', '2')


@dataclass
class RunningBoard:
    pid: int
    port: str  # /dev/pts/3
    what: str  # what it runs, for people


def _terminals(process):
    """The pseudo-terminals that it has opened itself, in that order; its own standard streams are none of them."""
    own, opened = set(), []
    for entry in sorted((process / 'fd').iterdir(), key=lambda entry: int(entry.name)):
        target = os.readlink(entry)
        if target.startswith('/dev/pts/') and target[len('/dev/pts/'):].isdigit():
            own.add(target) if entry.name in STANDARD else opened.append(target)
    return [each for each in opened if each not in own]


def _describe(process):
    """The last argument is the project or the image; an option's value tells the board as well."""
    arguments = (process / 'cmdline').read_bytes().decode(errors='replace').split('\0')[1:-1]
    names = [Path(each).name for each in arguments[1:] if each and not each.startswith('-')]
    return names[-1] if names else 'a board'


def _look_at(process):
    try:
        if (process / 'comm').read_text().strip() != NAME:
            return None
        terminals = _terminals(process)
        return RunningBoard(int(process.name), terminals[0], _describe(process)) if terminals else None
    except OSError:
        return None  # it has ended meanwhile, or belongs to somebody else


def running_boards(proc='/proc'):
    """In the order of their process numbers."""
    processes = sorted((each for each in Path(proc).iterdir() if each.name.isdigit()), key=lambda each: int(each.name))
    return [found for found in map(_look_at, processes) if found]
