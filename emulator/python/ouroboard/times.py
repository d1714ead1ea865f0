"""Virtual times: a number of seconds, or a text with a unit as on the command line ("20ms")."""
import re
from fractions import Fraction

PS_PER_S = 10**12
UNITS = {'ps': 1, 'ns': 10**3, 'us': 10**6, 'ms': 10**9, 's': PS_PER_S}
FORM = re.compile(r'\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ps|ns|us|ms|s)\s*$')


def to_ps(time):
    """Whole picoseconds."""
    if isinstance(time, str):
        found = FORM.match(time)
        if not found:
            raise ValueError(f'"{time}" is no time: say "500us", "20ms", "1.5s" or a number of seconds')
        return int(Fraction(found.group(1)) * UNITS[found.group(2)])
    if time < 0:
        raise ValueError(f'{time} is no time: it is negative')
    return round(Fraction(time) * PS_PER_S)


def to_text(ps):
    """For people: seconds with as many digits as needed, at most microseconds."""
    return f'{ps / PS_PER_S:.6f}'.rstrip('0').rstrip('.') + ' s'
