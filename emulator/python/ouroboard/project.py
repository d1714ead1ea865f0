"""A folder for one run: a copy of a project, with files laid over it and parts left out."""
import importlib.util
import json
import re
import shutil
from pathlib import Path

from .errors import OuroboardError

DIAGRAM = 'diagram.json'
BOARD_PART = 'board'


def put_file(folder, name, content):
    """`content` is text, bytes, or the path of a file or a folder that is copied."""
    target = Path(folder) / name
    if not target.resolve().is_relative_to(Path(folder).resolve()):
        raise OuroboardError(f'"{name}" leads out of the drive; name a path on it, such as "lib/{Path(name).name}"')
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, Path):
        copy = shutil.copytree if content.is_dir() else shutil.copyfile
        if not content.exists():
            raise OuroboardError(f'{content}: is not there, but is to be "{name}" on the drive')
        copy(content, target, **({'dirs_exist_ok': True} if content.is_dir() else {}))
    elif isinstance(content, (bytes, bytearray)):
        target.write_bytes(content)
    else:
        target.write_text(content)


def put_library(folder, module):
    """A module or package that is installed for the Python that runs the tests goes to lib/ of the drive as it is. It is
    not imported here."""
    found = importlib.util.find_spec(module)
    if not found or not found.origin:
        raise OuroboardError(f'there is no module "{module}" to put on the drive; install its package with `pip install '
                             f'--no-deps`')
    origin = Path(found.origin)
    if found.submodule_search_locations:
        put_file(folder, f'lib/{module}', origin.parent)
    else:
        put_file(folder, f'lib/{module}.py', origin)


def diagram_of_parts(board, parts):
    """From {"sensor": {"type": "as5600", "attrs": {...}, "wires": {"SDA": "GP4"}}}: a part's pin to the board's, or to
    "other.PIN"."""
    diagram = {'version': 1, 'parts': [{'id': BOARD_PART, 'type': f'board-{board}'}], 'connections': []}
    for name, part in parts.items():
        unknown = set(part) - {'type', 'attrs', 'wires'}
        if 'type' not in part or unknown:
            raise OuroboardError(f'part "{name}": it has "type", and may have "attrs" and "wires"'
                                 + (f', but no "{min(unknown)}"' if unknown else ''))
        attrs = {key: str(value) for key, value in part.get('attrs', {}).items()}
        diagram['parts'].append({'id': name, 'type': part['type'], 'attrs': attrs})
        for pin, to in part.get('wires', {}).items():
            other, dot, other_pin = to.partition('.')
            is_part = dot and other in parts
            diagram['connections'].append([f'{name}:{pin}', f'{other}:{other_pin}' if is_part else f'{BOARD_PART}:{to}', '', []])
    return diagram


def _is_named(part, name):
    """"sensor1", "as5600" or "as5600@36"; Wokwi's prefix does not count."""
    kind = re.sub('^(wokwi|board)-', '', part['type'])
    return name.partition('@')[0] in (part['id'], part['type'], kind)


def leave_out(diagram, names):
    """Without the parts that are so named, and without their wires."""
    parts = diagram['parts']
    for name in names:
        if not any(_is_named(part, name) for part in parts):
            known = ', '.join(part['id'] for part in parts)
            raise OuroboardError(f'there is no part "{name}" to leave out; the project has {known}')
    gone = {part['id'] for part in parts if any(_is_named(part, name) for name in names)}
    return {**diagram, 'parts': [part for part in parts if part['id'] not in gone],
            'connections': [each for each in diagram.get('connections', [])
                            if not any(end.partition(':')[0] in gone for end in each[:2])]}


def _wires_of(diagram, part):
    """{pin: what it is wired to}"""
    wires = {}
    for one, other, *_ in diagram.get('connections', []):
        for here, there in ((one, other), (other, one)):
            name, _, pin = here.partition(':')
            if name == part:
                wires[pin.upper()] = there
    return wires


def i2c_parts(diagram):
    """A part on each I2C bus. One with a DC pin is on SPI, whose lines have the same names."""
    found = {}
    for part in diagram['parts']:
        wires = _wires_of(diagram, part['id'])
        is_board = re.match('board-(?!ssd1306|st7789)|wokwi-pi-pico', part['type'])
        if 'SDA' in wires and 'SCL' in wires and 'DC' not in wires and not is_board:
            found.setdefault((wires['SDA'], wires['SCL']), part['id'])
    return list(found.values())


def read_diagram(path):
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise OuroboardError(f'{path}: {error}') from None


def make_folder(folder, *, project=None, diagram=None, files=None, libraries=(), without=()):
    """Fill `folder`; returns the project's diagram, None when there is none."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if project:
        source = Path(project)
        source = source.parent if source.name == DIAGRAM else source
        if not source.is_dir():
            raise OuroboardError(f'{project}: there is no such project; name a folder with a {DIAGRAM}')
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns('__pycache__'))
        diagram = read_diagram(source / DIAGRAM) if (source / DIAGRAM).exists() else diagram
    for module in libraries:
        put_library(folder, module)
    for name, content in (files or {}).items():
        put_file(folder, name, content)
    if without and not diagram:
        raise OuroboardError(f'there is no part "{without[0]}" to leave out: the board is alone')
    if not diagram:
        return None
    diagram = leave_out(diagram, without)
    (folder / DIAGRAM).write_text(json.dumps(diagram, indent=1))
    return diagram
