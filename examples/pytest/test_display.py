"""Pictures of a screen, compared with those in golden/. `pytest --update-goldens` writes them anew."""
import pytest

SCREEN = {'screen': {'type': 'st7789', 'wires': {
    'SCK': 'GP18', 'MOSI': 'GP19', 'CS': 'GP17', 'DC': 'GP16', 'RST': 'GP20', 'VCC': '3V3', 'GND': 'GND'}}}
SET_UP = """
import board, busdisplay, busio, displayio, fourwire
displayio.release_displays()
spi = busio.SPI(board.GP18, board.GP19)
bus = fourwire.FourWire(spi, command=board.GP16, chip_select=board.GP17, reset=board.GP20, baudrate=24_000_000)
# software reset, sleep out, upright, 16 bits a pixel, inversion (the glass is of that kind), display on; 0x80: wait
START = bytes((0x01, 0x80, 150, 0x11, 0x80, 120, 0x36, 0x01, 0xc0, 0x3a, 0x01, 0x55, 0x21, 0x00, 0x29, 0x80, 10))
display = busdisplay.BusDisplay(bus, START, width=240, height=240, rowstart=80)
"""
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
STRIPES = SET_UP + """
display.auto_refresh = False
palette = displayio.Palette(4)
for i, colour in enumerate((0xff0000, 0x00ff00, 0x0000ff, 0xffffff)):
    palette[i] = colour
bitmap = displayio.Bitmap(240, 240, 4)
for y in range(240):
    for x in range(240):
        bitmap[x, y] = x // 60
group = displayio.Group()
group.append(displayio.TileGrid(bitmap, pixel_shader=palette))
display.root_group = group
display.refresh()
print("drawn")
"""


@pytest.mark.duration(15)
@pytest.mark.circuitpy_drive({'code.py': STRIPES})
@pytest.mark.circuitpy_parts(SCREEN)
@pytest.mark.display
def test_stripes(circuitpython, golden):
    circuitpython.serial.wait_for('drawn')
    picture = circuitpython.capture()
    assert picture.size == (240, 240)
    assert [picture.pixel(x, 120) for x in (30, 90, 150, 210)] == [RED, GREEN, BLUE, WHITE]
    golden.check(picture, 'stripes.png')


CONSOLE = SET_UP + """
print("the console is on the screen")
while True:
    pass
"""


@pytest.mark.duration(8)
@pytest.mark.circuitpy_drive({'code.py': CONSOLE})
@pytest.mark.circuitpy_parts(SCREEN)
@pytest.mark.display(capture_times_ns=[7_000_000_000])
def test_console(circuitpython, golden):
    circuitpython.wait_until_done()
    golden.check(circuitpython.display_capture_paths()[0], 'console.png')
