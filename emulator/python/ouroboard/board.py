"""A board in an emulator of its own, driven through the control protocol (docs/control.md).

The board stands still until run() or run_until() lets virtual time pass, so that a program knows at which time each of
its inputs takes effect, and the same program sees the same run every time. Times are seconds or texts such as "20ms".
"""
import base64
from collections import deque
from dataclasses import dataclass, field

from .connection import Connection
from .errors import BoardFailure, BoardStopped, NotSeen, OuroboardError
from .picture import Picture
from .program import find_program
from .terminal import plain
from .times import PS_PER_S, to_ps, to_text
from .traffic import describe
from .transcript import Transcript

EVENTS = ('serial', 'log', 'line', 'drive', 'reset', 'usb', 'hid', 'midi')
EVENTS_KEPT = 10000
TRANSACTIONS_KEPT = 10000
PATIENCE = 600  # seconds of the host's clock
TAIL = 20       # lines of the console in a message
PRESS_ANY_KEY = 'Press any key to enter the REPL'
GOES_ON = ('time', 'text', 'pin', 'event', 'line', 'pause')


def text(text, port='console'):
    """A condition for run_until(): the board prints this text."""
    return {'text': text, 'port': port}


def regex(expression, port='console'):
    """A condition: it prints something that matches a POSIX extended expression within a line."""
    return {'regex': expression, 'port': port}


def level(pin, wanted):
    """A condition: the pin is "low", "high" or "floating", which it may be already."""
    return {'pin': pin, 'level': wanted}


def edge(pin, kind='change'):
    """A condition: the next "rise", "fall" or "change" of a pin."""
    return {'pin': pin, 'edge': kind}


def event(name, **members):
    """A condition: an event of this name whose members are these."""
    return {'event': name, **members}


def line(file, number):
    """A condition: this line of the Python program is about to begin. `file`: a path on the drive."""
    return {'file': file, 'line': number}


def _bytes_of(members):
    if 'base64' in members:
        return base64.b64decode(members['base64'])
    return members.get('text', '').encode()


def _time(at):
    return None if at is None else to_ps(at)


def _as_member(data):
    return {'text': data} if isinstance(data, str) else {'base64': base64.b64encode(bytes(data)).decode()}


@dataclass
class Stop:
    """Why a run has ended. `reason` and `reply` are the protocol's; `condition` is the one that was met, or None."""
    reason: str
    time_ps: int
    condition: object = None
    reply: dict = field(default_factory=dict)

    @property
    def match(self):
        """What a text or an expression has matched."""
        return _bytes_of(self.reply.get('match', {})).decode(errors='replace')

    @property
    def printed(self):
        """What the port has printed up to the end of the match, since it was read or waited for last."""
        return _bytes_of(self.reply).decode(errors='replace')

    def __str__(self):
        return f'{self.reason} at {to_text(self.time_ps)}'


class Board:
    """Starts an emulator; close() or the end of a `with` block ends it.

    project        a folder with a diagram.json: board, parts, wires, and the CIRCUITPY drive
    board          CircuitPython's id of the board
    firmware       an image; default: the newest one for the board that the emulator finds
    drive          a folder that is the CIRCUITPY drive
    options        more options of `ouroboard run`
    console_first  code.py begins when the console is open, so that its first line is heard; default: where there is a
                   drive. When boot.py takes console or drive away the board begins again without it
    """

    def __init__(self, project=None, *, board=None, firmware=None, drive=None, options=(), seed=0, console_first=None,
                 program=None, patience=PATIENCE):
        self.transcript = Transcript()
        self.events = deque(maxlen=EVENTS_KEPT)
        self.transactions = deque(maxlen=TRANSACTIONS_KEPT)
        self.listeners = []
        self.console_first = bool(project or drive) if console_first is None else console_first
        self.patience = patience
        self._arguments = [str(each) for each in (
            *(('--board', board) if board else ()), *(('--firmware', firmware) if firmware else ()),
            *(('--drive', drive) if drive else ()), *(('--seed', seed) if seed else ()), *options,
            *((project,) if project else ()))]
        self._program = find_program(program)
        self._inputs = []  # requests since power-on, while no time has passed; None: it has
        self._actions = []
        self._in_raw_repl = False
        self._connection = None
        self._start()

    # ---- Life ----

    def _start(self):
        first = '--console-first' if self.console_first else '--no-console-first'
        command = [self._program, 'run', '--control', 'stdio', '--no-window', first, *self._arguments]
        self._connection = Connection(command, self._hear, self.patience)
        self.greeting = self._connection.greeting
        self.time_ps = self.greeting['time_ps']
        self._connection.request('subscribe', {'events': list(EVENTS)})

    def _begin_again(self):
        """boot.py has taken console or drive: the same once more, and code.py at once."""
        inputs, self._inputs = self._inputs, []
        self._connection.close()
        self.console_first = False
        self.transcript = Transcript()
        self.events.clear()
        self.transactions.clear()
        self._start()
        for do, members in inputs:
            self.request(do, **members)

    def close(self):
        """End the emulator. What the board has written to its drive is in the folder then."""
        if self._connection:
            self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- Requests ----

    def request(self, do, **members):
        """Any request of the protocol; the reply as a dict. RequestError when the emulator refuses it. None stands for
        a member that is left out."""
        members = {name: value for name, value in members.items() if value is not None}
        reply = self._connection.request(do, members)
        self.time_ps = reply['time_ps']
        if self._inputs is not None and do != 'run':
            self._inputs.append((do, members))
        return reply

    def _hear(self, happened):
        if happened['event'] == 'serial':
            self.transcript.add(happened['port'], _bytes_of(happened))
        elif happened['event'] == 'bus':
            self.transactions.append(happened)
        else:
            self.events.append(happened)
        for listener in self.listeners:
            listener(happened)

    def subscribe(self, *names):
        """Hear of further kinds of events: "input", "pin"."""
        self.request('subscribe', events=list(names))

    # ---- Time ----

    @property
    def seconds(self):
        """Virtual time since power-on."""
        return self.time_ps / PS_PER_S

    def call_at(self, time, function):
        """Call `function()` when so much virtual time has passed since power-on; the board stands still meanwhile."""
        self._actions.append((to_ps(time), len(self._actions), function))
        self._actions.sort(key=lambda action: action[:2])

    def _run_to(self, end_ps, conditions):
        """One request; begins again when the console could not be first."""
        until = {'until': conditions} if conditions else {}
        reply = self.request('run', to=end_ps, **until)
        if reply['stopped'] == 'console_not_first':
            if self._inputs is None:
                raise OuroboardError('boot.py has taken the console or the drive: start the board with '
                                     'console_first=False')
            self._begin_again()
            reply = self.request('run', to=end_ps, **until)
        self._inputs = None
        return reply

    def _run_with_actions(self, end_ps, conditions):
        """Runs are cut where something is to be called."""
        while self._actions and self._actions[0][0] <= end_ps:
            when_ps, _, function = self._actions[0]
            if when_ps > self.time_ps:
                reply = self._run_to(when_ps, conditions)
                if reply['stopped'] != 'time':
                    return reply
            self._actions.pop(0)
            function()
        return self._run_to(end_ps, conditions)

    def _run(self, end_ps, conditions):
        reply = self._run_with_actions(max(end_ps, self.time_ps), conditions)
        met = conditions[reply['condition']] if 'condition' in reply else None
        stop = Stop(reply['stopped'], reply['time_ps'], met, reply)
        if stop.reason not in GOES_ON:
            raise BoardStopped(self._explain(f'the board cannot run on: {stop}'), stop)
        return stop

    def run(self, duration):
        """Let virtual time pass."""
        return self._run(self.time_ps + to_ps(duration), [])

    def run_to(self, time):
        """Until so much has passed since power-on."""
        return self._run(to_ps(time), [])

    def run_until(self, *conditions, timeout=10):
        """Until the first of up to eight conditions is met: a text that is printed, or what text(), regex(), level(),
        edge() or event() give. Texts are looked for behind what was waited for or read before. NotSeen when `timeout`
        has passed."""
        stop = self.look_for(*conditions, timeout=timeout)
        if stop.condition is None:
            wanted = ' or '.join(self._describe(each) for each in conditions)
            raise NotSeen(self._explain(f'within {timeout} s of virtual time there was no {wanted} ({stop})'), stop)
        return stop

    def look_for(self, *conditions, timeout=10):
        """The same, but the end of the time is a Stop like any other."""
        given = [text(each) if isinstance(each, str) else each for each in conditions]
        return self._run(self.time_ps + to_ps(timeout), given)

    @staticmethod
    def _describe(condition):
        if isinstance(condition, str):
            return f'text {condition!r}'
        return ', '.join(f'{name} {value!r}' for name, value in condition.items() if (name, value) != ('port', 'console'))

    def _explain(self, what):
        tail = plain(self.output).splitlines()[-TAIL:]
        said = '\n'.join('    ' + line for line in tail) if tail else '    (nothing)'
        return f'{what}\nthe console has said last:\n{said}'

    # ---- Serial ports ----

    @property
    def output(self):
        """All that the console has said since power-on, also what has been read."""
        return self.transcript.text('console')

    def write(self, data, port='console'):
        """Type text, or send bytes to a port. The console takes them when the board runs; a line ends with "\\r"."""
        self._in_raw_repl &= port != 'console'
        self.request('serial.write', port=port, **_as_member(data))

    def read(self, port='console'):
        """What the port has said since it was read or waited for last."""
        return _bytes_of(self.request('serial.read', port=port)).decode(errors='replace')

    def open_port(self, port='usb'):
        """A program on the PC opens "usb" or "data"."""
        self.request('usb.open', port=port)

    def close_port(self, port='usb'):
        self.request('usb.close', port=port)

    # ---- The Python program ----

    def python_stack(self, core=0):
        """Where it is: [{'file', 'line', 'function'}, ...], innermost first; [] while none runs."""
        return self.request('python.stack', core=core)['frames']

    def python_locals(self, frame=0):
        """Values of a frame of python_stack(), as repr() has them: {name: text}."""
        return {each['name']: each['value'] for each in self.request('python.locals', frame=frame)['variables']}

    def python_globals(self, frame=0):
        """The same of its module's variables."""
        return {each['name']: each['value'] for each in self.request('python.globals', frame=frame)['variables']}

    # ---- Pins and parts ----

    def pin(self, name):
        """"GP4", "LED"; "led1.A" is a part's."""
        return Pin(self, name)

    def part(self, name):
        """A part of the project by its id."""
        return Part(self, name)

    def parts(self):
        return [Part(self, each['part']) for each in self.request('part.list')['parts']]

    def join(self, one, other):
        """A wire between two pins of the board."""
        self.request('pin.join', **{'from': one, 'to': other})

    def picture(self, scale=None):
        """The whole project, at so many pixels a millimetre."""
        return Picture.decode(base64.b64decode(self.request('picture', scale=scale)['png']))

    # ---- Buses ----

    def watch_bus(self, name, bus, **lines):
        """Read the traffic on wires from now on, as a logic analyser does, under a name: watch_bus('sensor', 'i2c',
        sda='GP4', scl='GP5'); docs/control.md has "spi" and "uart" and what they take. It costs time of the host, and
        nothing on the board."""
        self.request('bus.watch', name=name, bus=bus, **lines)
        self.subscribe('bus')

    def traffic(self):
        """The transactions on watched buses so far, a line each. `transactions` has them as dicts."""
        return [describe(each) for each in self.transactions]

    # ---- Drive ----

    def files(self):
        """Paths of the files on the CIRCUITPY drive."""
        return [each['path'] for each in self.request('drive.list')['files'] if not each['folder']]

    def read_file(self, path):
        """Its bytes."""
        return _bytes_of(self.request('drive.read', path=str(path)))

    def write_file(self, path, data):
        """As an editor saves it. CircuitPython reloads when the board has run for about half a second."""
        self.request('drive.write', path=str(path), **_as_member(data))

    def delete_file(self, path):
        self.request('drive.delete', path=str(path))

    # ---- The board ----

    @property
    def status(self):
        return self.request('status')

    def power(self, on, at=None):
        """Take every supply away, or give it back."""
        self._in_raw_repl = False
        self.request('power', on=on, at=_time(at))

    def unplug(self, at=None):
        """Pull the USB cable; the board lives on."""
        self.request('usb.unplug', at=_time(at))

    def plug(self, at=None):
        self.request('usb.plug', at=_time(at))

    def fault(self, fault, at=None):
        """What else can go wrong, by its text: "i2c-nack:0x3c" (docs/faults.md)."""
        self.request('fault', fault=fault, at=_time(at))

    def reset(self):
        """As its RUN pin does."""
        self._in_raw_repl = False
        self.request('reset')

    def quiet(self, *levels):
        """Only lines of these levels are told by the machine's log from now on."""
        self.request('log', levels=list(levels))

    def logged(self, *levels):
        """Lines of the machine's log so far, of these levels or of all that are told."""
        return [each['line'] for each in self.events
                if each['event'] == 'log' and (not levels or each['level'] in levels)]

    def messages(self):
        """What the emulator has said on its standard error."""
        return self._connection.messages()

    # ---- The REPL ----

    def _enter_raw_repl(self, timeout):
        """From code.py, which is interrupted, from its end, or from the prompt."""
        self.read()
        self.write('\x03')
        if self.run_until('>>> ', PRESS_ANY_KEY, timeout=timeout).match == PRESS_ANY_KEY:
            self.write('\r')
            self.run_until('>>> ', timeout=timeout)
        self.write('\x01')
        self.run_until('raw REPL; CTRL-B to exit\r\n>', timeout=timeout)
        self._in_raw_repl = True

    def execute(self, code, timeout=10):
        """Run Python on the board and return what it prints; names stay until leave_repl(). The first one interrupts
        code.py. BoardFailure with the traceback when the code raises."""
        if not self._in_raw_repl:
            self._enter_raw_repl(timeout)
        self._connection.request('serial.write', _as_member(code + '\x04'))
        self.run_until('OK', timeout=timeout)
        printed = self.run_until('\x04', timeout=timeout).printed[:-1]
        stop = self.run_until('\x04>', timeout=timeout)
        if stop.printed != '\x04>':
            raise BoardFailure(f'the code has raised:\n{plain(stop.printed[:-2])}', stop)
        return printed.replace('\r\n', '\n')

    def leave_repl(self, timeout=10):
        """To the prompt, at which Ctrl-D starts code.py."""
        self.write('\x02')
        self.run_until('>>> ', timeout=timeout)


@dataclass
class Pin:
    """A pin of the board or of a part."""
    board: Board
    name: str

    def _read(self):
        return self.board.request('pin.read', pin=self.name)

    @property
    def level(self):
        """"low", "high" or "floating"."""
        return self._read()['level']

    @property
    def volts(self):
        return self._read()['volts']

    def drive(self, level=None, *, volts=None, at=None):
        """From outside: "low", "high", "pull-up", "pull-down", or volts; `at` a time since power-on, or now."""
        self.board.request('pin.drive', pin=self.name, level=level, volts=volts, at=_time(at))

    def release(self, at=None):
        self.board.request('pin.release', pin=self.name, at=_time(at))

    def pulse(self, width, level='high'):
        """Drive it for so long, then let it go."""
        self.board.request('pin.pulse', pin=self.name, level=level, width=to_ps(width))

    def measure(self, duration=0.1, edges=None):
        """What a counter shows while the board runs for so long: "hz", "duty", "rises", "falls", "high", "low"."""
        return self.board.request('pin.measure', pin=self.name, **{'for': to_ps(duration)}, edges=edges)


@dataclass
class Part:
    """A part of the project. part['angle'] is its control of this name."""
    board: Board
    name: str

    def describe(self):
        """Type, pins and controls."""
        return self.board.request('part.describe', part=self.name)

    def __getitem__(self, control):
        return self.board.request('part.get', part=self.name, control=control)['value']

    def __setitem__(self, control, value):
        self.board.request('part.set', part=self.name, control=control, value=value)

    def press(self, control=None, duration=0.1):
        """Hold a button down for so long from now on."""
        self.board.request('part.press', part=self.name, control=control, **{'for': to_ps(duration)})

    def views(self):
        """What it shows: lights, screens, pointers, labels."""
        return self.board.request('part.views', part=self.name)['views']

    def picture(self, scale=None):
        """A screen pixel by pixel, any other face at so many pixels a millimetre."""
        reply = self.board.request('picture', part=self.name, scale=scale)
        return Picture.decode(base64.b64decode(reply['png']))
