"""Boards in an emulator, for programs and tests: `Board` drives one through the control protocol of `ouroboard run
--control`; `ouroboard.plugin` is the pytest plug-in. Nothing but the standard library is needed (pytest for the
plug-in)."""
from .board import Board, Part, Pin, Stop, edge, event, level, line, regex, text
from .errors import BoardFailure, BoardStopped, NotSeen, OuroboardError, RequestError
from .picture import Difference, Picture

__all__ = ['Board', 'BoardFailure', 'BoardStopped', 'Difference', 'NotSeen', 'OuroboardError', 'Part', 'Picture', 'Pin',
           'RequestError', 'Stop', 'edge', 'event', 'level', 'line', 'regex', 'text']
