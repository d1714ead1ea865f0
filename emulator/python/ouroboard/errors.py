"""What can go wrong. A test framework shows the message alone, so each says what to do."""


class OuroboardError(Exception):
    """The emulator cannot do what it was asked to: no program, no image, a request that is wrong."""


class RequestError(OuroboardError):
    """The emulator has refused a request; nothing has happened to the board. `request` is what was sent."""

    def __init__(self, message, request):
        super().__init__(message)
        self.request = request


class BoardFailure(AssertionError):
    """The board has not done what was waited for. `stop` tells why the run has ended."""

    def __init__(self, message, stop):
        super().__init__(message)
        self.stop = stop


class NotSeen(BoardFailure, TimeoutError):
    """The time of a run_until() is over, and none of its conditions was met."""


class BoardStopped(BoardFailure):
    """The board cannot run on: locked up, gone to the boot loader, nothing to start."""
