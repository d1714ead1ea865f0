"""One emulator process and the lines between it and us (docs/control.md).

The lines go through the standard streams of the process, so that it ends with us, whatever happens. Nothing here knows
what requests mean.
"""
import json
import os
import select
import subprocess
import tempfile
import time

from .errors import OuroboardError, RequestError

PROTOCOL = 1
PIECE = 1 << 16
LAST_WAIT = 10  # seconds of the host's clock for a program that has been told to end


class Connection:
    """`hear(event)` is called for each event, in the order in which they come. `patience` is how long the program may
    say nothing, in seconds of the host's clock: a guard against one that hangs, not a measure of the board's time."""

    def __init__(self, command, hear, patience):
        self.command, self.hear, self.patience = command, hear, patience
        self.rest = b''
        self.lines = []
        self.last_id = 0
        self.messages_file = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.messages_file, bufsize=0)
        try:
            self.greeting = self._read_line()
            self._check_greeting()
        except BaseException:
            self.kill()
            raise

    def _check_greeting(self):
        if self.greeting.get('protocol') != PROTOCOL:
            raise OuroboardError(f'{self.command[0]} speaks protocol {self.greeting.get("protocol")}, this package '
                                 f'{PROTOCOL}; install both from one release')

    # ---- Lines ----

    def _read_more(self, deadline):
        stream = self.process.stdout
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            self.kill()
            raise OuroboardError(f'the emulator has said nothing for {self.patience} s and was ended')
        piece = os.read(stream.fileno(), PIECE)
        if not piece:
            raise OuroboardError(self._last_words())
        *whole, self.rest = (self.rest + piece).split(b'\n')
        self.lines.extend(whole)

    def _read_line(self):
        deadline = time.monotonic() + self.patience
        while not self.lines:
            self._read_more(deadline)
        return json.loads(self.lines.pop(0))

    def _last_words(self):
        code = self.process.wait()
        said = self.messages().strip()
        return said if said and code == 2 else f'the emulator has ended with code {code}: {said or "without a word"}'

    def messages(self):
        """What the program has said to people so far: its standard error."""
        size = os.fstat(self.messages_file.fileno()).st_size
        return os.pread(self.messages_file.fileno(), size, 0).decode(errors='replace')

    # ---- Requests ----

    def _send(self, request):
        if self.process.stdin.closed:
            raise OuroboardError('the emulator has been ended; start another board')
        left = memoryview(json.dumps(request).encode() + b'\n')
        try:
            while left:
                left = left[self.process.stdin.write(left):]
        except BrokenPipeError:
            raise OuroboardError(self._last_words()) from None

    def request(self, do, members):
        """The reply to a request. Events that come before it are heard."""
        self.last_id += 1
        request = {'id': self.last_id, 'do': do, **members}
        self._send(request)
        while True:
            line = self._read_line()
            if 'event' in line and 'ok' not in line:
                self.hear(line)
            elif line.get('id') == self.last_id:
                break
        if not line['ok']:
            raise RequestError(line['error'], request)
        return line

    # ---- The end ----

    def kill(self):
        """At once; what the board has written may not have reached its files."""
        self.process.kill()
        self._let_go()

    def _let_go(self):
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def close(self):
        """Let the program end, and wait for it. OuroboardError when it does not end well: what the board has written
        may not be in its files then."""
        if self.process.stdout.closed:
            return
        was_well = self.process.poll() is None
        try:
            self._send({'do': 'quit'})
        except OuroboardError:
            pass
        self.process.stdin.close()
        if not self._hear_out():
            self.process.kill()
        self._let_go()
        if was_well and self.process.returncode:
            raise OuroboardError(self._last_words())

    def _hear_out(self):
        """The program ends once its last lines have been read. False when it does not."""
        deadline = time.monotonic() + LAST_WAIT
        try:
            while select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                if not os.read(self.process.stdout.fileno(), PIECE):
                    self.process.wait(max(0.1, deadline - time.monotonic()))
                    return True
        except subprocess.TimeoutExpired:
            pass
        return False
