"""What a failed test tells of its boards."""
from .terminal import plain
from .times import to_text

LINES = 100


def _tail(lines):
    left_out = len(lines) - LINES
    return '\n'.join([f'... {left_out} lines before', *lines[-LINES:]] if left_out > 0 else lines)


def _describe(board):
    greeting = board.greeting
    return f'{greeting["board"]} ({greeting["chip"]}), {greeting["firmware"]}, {to_text(board.time_ps)} of virtual time'


def _happened(board):
    return [f'{to_text(each["time_ps"]):>14}  {each["event"]}: '
            + ' '.join(str(value) for name, value in each.items() if name not in ('event', 'time_ps'))
            for each in board.events]


def sections(board):
    """Pairs of title and text; empty ones are left out."""
    yield 'board', _describe(board)
    yield 'serial output', _tail(plain(board.output).splitlines()) or '(nothing)'
    if board.transactions:
        yield 'bus traffic', _tail(board.traffic())
    if board.events:
        yield 'log and events', _tail(_happened(board))
    said = board.messages().strip()
    if said:
        yield 'messages of the emulator', _tail(said.splitlines())
