"""The pytest plug-in: fixtures `board`, `circuitpython`, `golden`, and the markers of CircuitPython's simulator tests
(docs/pytest.md)."""
import pytest

from . import images, project, report
from .board import Board
from .circuitpython import CircuitPython
from .coverage import Coverage
from .errors import OuroboardError
from .golden import Goldens

DEFAULT_BOARD = 'raspberry_pi_pico'
DURATION = 10
MARKERS = (
    'circuitpy_drive(files): files on the CIRCUITPY drive: {path: text, bytes or a pathlib.Path}; None: an erased flash',
    'circuitpy_library(*modules): installed modules that go to lib/ of the drive as they are',
    'circuitpy_project(path): a folder with a diagram.json, relative to the test file',
    'circuitpy_parts(parts): parts on the board: {id: {"type": ..., "attrs": {...}, "wires": {pin: board pin}}}',
    'circuitpython_board(*boards): run on these boards: "ID" or "ID@VERSION"',
    'duration(seconds): virtual time since power-on after which waiting ends (default 10)',
    'code_py_runs(count): wait_until_done() waits for so many runs of code.py (default 1)',
    'input_trace(trace): levels and millivolts of pins: {pin: [(nanoseconds, value), ...]}',
    'display(capture_times_ns=None, part=None): pictures of the screen at these times',
    'disable_i2c_devices(*names): parts that are left out: id, type or type@address',
    'ouroboard_options(*options): further options of `ouroboard run`',
)
BOARDS = pytest.StashKey()
COVERAGE = pytest.StashKey()


# ---- Options ----

def pytest_addoption(parser):
    group = parser.getgroup('ouroboard', 'boards in an emulator')
    group.addoption('--board', action='append', metavar='ID[@VERSION]', dest='ouroboard_board',
                    help='run the tests on this board, with CircuitPython of this version; may be repeated')
    group.addoption('--firmware', metavar='FILE', dest='ouroboard_firmware', help='the firmware image for all boards')
    group.addoption('--ouroboard', metavar='PROGRAM', dest='ouroboard_program', help='the emulator')
    group.addoption('--ouroboard-coverage', metavar='FILE', dest='ouroboard_coverage',
                    help='which lines of the Python files on the boards have run, as an lcov file, and a table')
    try:
        group.addoption('--update-goldens', action='store_true', default=False,
                        help='write the golden pictures anew instead of comparing with them')
    except ValueError:
        pass  # another plug-in has the same option, which means the same
    parser.addini('ouroboard_boards', 'boards to run the tests on: ID or ID@VERSION', 'args', [])
    parser.addini('circuitpy_libraries', 'installed modules that go to lib/ of every drive', 'args', [])


def pytest_configure(config):
    for marker in MARKERS:
        config.addinivalue_line('markers', marker)
    if config.getoption('ouroboard_coverage'):
        config.stash[COVERAGE] = Coverage()


# ---- Boards ----

def _boards_of(config, node):
    """What the test is to run on: the command line, else its marker, else the configuration."""
    marker = node.get_closest_marker('circuitpython_board')
    return (config.getoption('ouroboard_board') or list(marker.args if marker else ())
            or config.getini('ouroboard_boards') or [DEFAULT_BOARD])


def pytest_generate_tests(metafunc):
    boards = _boards_of(metafunc.config, metafunc.definition)
    if 'ouroboard_pair' in metafunc.fixturenames and len(boards) > 1:
        metafunc.parametrize('ouroboard_pair', boards, indirect=True)


@pytest.fixture
def ouroboard_pair(request):
    """Board and firmware of the test: (id, image or None for the newest)."""
    name = getattr(request, 'param', None) or _boards_of(request.config, request.node)[0]
    board, at, version = name.partition('@')
    image = request.config.getoption('ouroboard_firmware')
    if not image and at:
        image = images.find_image(board, version)
        if not image:
            pytest.fail(f'no image of CircuitPython {version} for {board}: `python -m ouroboard fetch {board} {version}`, '
                        'or name a folder that has one by OUROBOARD_FIRMWARE_PATH', pytrace=False)
    return board, image


def _argument(node, name, default=None):
    marker = node.get_closest_marker(name)
    return marker.args[0] if marker and marker.args else default


def _arguments(node, name):
    """Of all markers of this name, the module's first."""
    return [argument for marker in reversed(list(node.iter_markers(name))) for argument in marker.args]


def _project_path(request):
    named = _argument(request.node, 'circuitpy_project')
    return request.path.parent / named if named else None


def _lay_out(request, folder, board_id):
    """Fill the drive's folder; returns the diagram, if there is one."""
    node, parts = request.node, _argument(request.node, 'circuitpy_parts')
    return project.make_folder(
        folder, project=_project_path(request), files=_argument(node, 'circuitpy_drive', {}),
        without=_arguments(node, 'disable_i2c_devices'),
        diagram=project.diagram_of_parts(board_id, parts) if parts else None,
        libraries=[*request.config.getini('circuitpy_libraries'), *_arguments(node, 'circuitpy_library')])


def _make_board(request, folder, board_id, image):
    diagram = _lay_out(request, folder, board_id)
    options = _arguments(request.node, 'ouroboard_options')
    marker = request.node.get_closest_marker('circuitpy_drive')
    is_erased = marker and marker.args[:1] == (None,)
    if is_erased:
        options = ['--image', folder.with_suffix('.img'), *options]  # a file that is not there is an erased drive
    if COVERAGE in request.config.stash:
        options = ['--coverage', folder.with_suffix('.info'), *options]
    made = Board(folder if diagram else None, drive=folder if not diagram and not is_erased else None, board=board_id,
                 firmware=image, options=options, program=request.config.getoption('ouroboard_program'))
    for part in project.i2c_parts(diagram) if diagram else ():
        made.watch_bus(f'i2c of {part}', 'i2c', sda=f'{part}.SDA', scl=f'{part}.SCL')
    return made


@pytest.fixture
def board(request, tmp_path, ouroboard_pair):
    """A Board as the test's markers say. No time has passed."""
    try:
        made = _make_board(request, tmp_path / 'CIRCUITPY', *ouroboard_pair)
    except OuroboardError as error:
        mistake = str(error)
    else:
        mistake = None
    if mistake:
        pytest.fail(mistake, pytrace=False)
    request.node.stash.setdefault(BOARDS, []).append(made)
    yield made
    made.close()
    lcov = tmp_path / 'CIRCUITPY.info'
    if COVERAGE in request.config.stash and lcov.exists():
        request.config.stash[COVERAGE].add(lcov, tmp_path / 'CIRCUITPY')


@pytest.fixture
def circuitpython(request, board, tmp_path):
    """CircuitPython on the test's board: `serial`, wait_until_done(), pictures."""
    node = request.node
    display = node.get_closest_marker('display')
    made = CircuitPython(board, tmp_path / 'CIRCUITPY', duration=_argument(node, 'duration', DURATION),
                         runs=_argument(node, 'code_py_runs', 1),
                         picture_part=display.kwargs.get('part') if display else None)
    made.plan_inputs(_argument(node, 'input_trace', {}))
    if display:
        made.plan_captures(display.kwargs.get('capture_times_ns') or (), tmp_path)
    return made


@pytest.fixture
def golden(request, tmp_path):
    """golden.check(picture, "name.png") compares with the folder `golden` beside the test file."""
    return Goldens(request.path.parent / 'golden', tmp_path, request.config.getoption('--update-goldens'))


# ---- Coverage ----

def pytest_terminal_summary(terminalreporter, config):
    coverage = config.stash.get(COVERAGE, None)
    if coverage:
        path = config.getoption('ouroboard_coverage')
        coverage.write(path)
        terminalreporter.section(f'lines that have run on boards ({path})')
        for line in coverage.table():
            terminalreporter.line(line)


# ---- Failures ----

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    result = outcome.get_result()
    if result.failed and call.when == 'call':
        for each in item.stash.get(BOARDS, []):
            result.sections.extend(report.sections(each))
