# A dashboard with displayio alone: a name, a value, a bar, the smallest and the largest value so far. The display is an
# ST7789 whose few commands of initialisation are written here, so that no library is needed.
import time

import analogio
import board
import busio
import displayio
import terminalio
import vectorio

try:
    from busdisplay import BusDisplay
    from fourwire import FourWire
except ImportError:  # CircuitPython 8
    from displayio import Display as BusDisplay
    from displayio import FourWire

INIT = (
    b"\x01\x80\x96"  # SWRESET, 150 ms
    b"\x11\x80\xff"  # SLPOUT, 500 ms
    b"\x3a\x81\x55\x0a"  # COLMOD: 16 bits
    b"\x36\x01\x60"  # MADCTL: lying on its side
    b"\x21\x80\x0a"  # INVON
    b"\x13\x80\x0a"  # NORON
    b"\x29\x80\xff"  # DISPON
)
WIDTH, HEIGHT = 240, 135

displayio.release_displays()
spi = busio.SPI(clock=board.GP18, MOSI=board.GP19)
bus = FourWire(spi, command=board.GP16, chip_select=board.GP17, reset=board.GP20)
display = BusDisplay(bus, INIT, width=WIDTH, height=HEIGHT, rowstart=53, colstart=40)

font = terminalio.FONT
glyph_width, glyph_height = font.get_bounding_box()[:2]


class Line:
    """Letters of the built-in font side by side."""

    def __init__(self, x, y, length, colour, scale=1):
        palette = displayio.Palette(2)
        palette[0], palette[1] = 0x000000, colour
        self._grid = displayio.TileGrid(
            font.bitmap, pixel_shader=palette, width=length, height=1, tile_width=glyph_width, tile_height=glyph_height
        )
        self.group = displayio.Group(x=x, y=y, scale=scale)
        self.group.append(self._grid)
        self._length = length

    def show(self, text):
        text = text + " " * (self._length - len(text))
        for place, letter in enumerate(text[: self._length]):
            self._grid[place] = font.get_glyph(ord(letter)).tile_index


name = Line(8, 6, 12, 0x00FFFF)
value = Line(8, 26, 6, 0xFFFF00, scale=3)
extremes = Line(8, 110, 24, 0xFFFFFF)
red = displayio.Palette(1)
red[0] = 0xFF2000
bar = vectorio.Rectangle(pixel_shader=red, width=1, height=20, x=8, y=78)
root = displayio.Group()
for item in (name.group, value.group, extremes.group, bar):
    root.append(item)
name.show("Dial")
display.root_group = root

dial = analogio.AnalogIn(board.GP26)
least, most, shown = 100, 0, None
print("ready")
while True:
    percent = round(dial.value * 100 / 65535)
    if percent != shown:
        least, most, shown = min(least, percent), max(most, percent), percent
        value.show(f"{percent} %")
        extremes.show(f"min {least} max {most}")
        bar.width = max(1, percent * (WIDTH - 16) // 100)
    time.sleep(0.05)
