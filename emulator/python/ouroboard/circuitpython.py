"""CircuitPython on a board, for tests that are written as those of CircuitPython's own simulator: a program on the
drive, its output, what is typed, pictures at given times."""
import re

from .board import text
from .errors import NotSeen
from .times import PS_PER_S, to_text

BEGUN = re.compile(r'\.(?:py|txt) output:\r\n')  # code.py, or main.py and their like
DONE = 'Code done running.'
PIN_TRACK = re.compile(r'(?P<pin>\S+?)(?P<mv> mV)?$')
GPIO_TRACK, ADC_TRACK = re.compile(r'gpio_emul\.(\d+)$'), re.compile(r'adc\.(\d+)$')
ADC_PIN = 26  # GPIO of channel 0


class Serial:
    """The console."""

    def __init__(self, owner):
        self._owner = owner

    @property
    def all_output(self):
        """All that has been printed since power-on."""
        return self._owner.board.output

    def wait_for(self, wanted, timeout=None):
        """Until the text is anywhere in all_output. TimeoutError when the time is over: so many seconds of virtual time,
        or the test's duration."""
        if wanted not in self.all_output:
            self._owner.run_until(wanted, timeout)

    def write(self, data):
        """Type text. A line ends with "\\r"."""
        self._owner.board.write(data)


class CircuitPython:
    """`duration` is virtual time since power-on after which waiting ends. `picture_part` is the part whose screen
    capture() takes; without it the first one that has a screen."""

    def __init__(self, board, folder, duration=10, runs=1, picture_part=None):
        self.board, self.folder, self.duration, self.runs, self.picture_part = board, folder, duration, runs, picture_part
        self.serial = Serial(self)
        self._captures = []

    # ---- Time ----

    def _time_left(self):
        return max(0, self.duration - self.board.time_ps / PS_PER_S)

    def run_until(self, wanted, timeout=None):
        return self.board.run_until(wanted, timeout=self._time_left() if timeout is None else timeout)

    def is_done(self):
        """code.py has begun so many times as the test wants, and the last of them is over."""
        begun = [found.end() for found in BEGUN.finditer(self.serial.all_output)]
        return len(begun) >= self.runs and DONE in self.serial.all_output[begun[-1]:]

    def wait_until_done(self):
        """Until is_done() or the duration is over; true when it is done. Pictures that are due later are taken before
        this returns."""
        while not self.is_done() and self._time_left():
            try:
                self.board.run_until(text(DONE), timeout=self._time_left())
            except NotSeen:
                break
        self._wait_for_captures()
        return self.is_done()

    # ---- Inputs ----

    def plan_inputs(self, trace):
        """{track: [(nanoseconds since power-on, value), ...]}. A track is a pin, whose values are 0, 1 and None (let
        go), or a pin and " mV". The simulator's names are understood: "gpio_emul.04" is GPIO 4, "adc.0" the millivolts
        of the first analog pin."""
        for track, steps in trace.items():
            pin, millivolts = self._pin_of_track(track)
            for time_ns, value in steps:
                self._plan_step(pin, millivolts, time_ns * 1000, value)

    @staticmethod
    def _pin_of_track(track):
        gpio, adc = GPIO_TRACK.match(track), ADC_TRACK.match(track)
        if gpio:
            return f'GPIO{int(gpio.group(1))}', False
        if adc:
            return f'GPIO{ADC_PIN + int(adc.group(1))}', True
        found = PIN_TRACK.match(track)
        if not found:
            raise ValueError(f'input trace: "{track}" is no pin; say "GP4", or "GP26 mV" for millivolts')
        return found['pin'], bool(found['mv'])

    def _plan_step(self, pin, millivolts, at_ps, value):
        if value is None:
            self.board.request('pin.release', pin=pin, at=at_ps)
        elif millivolts:
            self.board.request('pin.drive', pin=pin, volts=value / 1000, at=at_ps)
        elif value in (0, 1):
            self.board.request('pin.drive', pin=pin, level='high' if value else 'low', at=at_ps)
        else:
            raise ValueError(f'input trace: {pin} has the value {value!r}; a level is 0, 1 or None')

    # ---- Pictures ----

    def screen(self):
        """The part whose picture is taken."""
        if self.picture_part:
            return self.board.part(self.picture_part)
        for part in self.board.parts():
            if any(view['kind'] == 'screen' for view in part.views()):
                return part
        raise ValueError('no part of the project has a screen; name a part: display(part="led1")')

    def capture(self, path=None):
        """A picture of the screen as it is now, also in a file."""
        picture = self.screen().picture()
        if path:
            picture.save(path)
        return picture

    def plan_captures(self, times_ns, folder):
        """Pictures at these times since power-on: display_capture_paths()."""
        for i, time_ns in enumerate(times_ns):
            path = folder / f'frame_{i}.png'
            self._captures.append((time_ns * 1000, path))
            self.board.call_at(f'{time_ns}ns', lambda path=path: self.capture(path))

    def _wait_for_captures(self):
        last_ps = max((time_ps for time_ps, _ in self._captures), default=0)
        if last_ps > self.duration * PS_PER_S:
            raise ValueError(f'a picture is to be taken at {to_text(last_ps)}, after the duration of {self.duration} s')
        if last_ps > self.board.time_ps:
            self.board.run_to(f'{last_ps}ps')

    def display_capture_paths(self):
        """The files of the pictures, in the order of capture_times_ns; those that have been taken so far exist."""
        return [path for _, path in self._captures]

    # ---- The end ----

    def shutdown(self):
        """End the emulator. The drive's folder has what the board has written."""
        self.board.close()
