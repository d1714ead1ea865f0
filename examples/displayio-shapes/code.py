# Text and shapes with displayio, on a display that lies on its side.
import board
import busio
import displayio
import fourwire
import terminalio
import vectorio
from adafruit_display_text import label
from adafruit_st7789 import ST7789

WIDTH, HEIGHT = 240, 135

displayio.release_displays()  # one that an earlier program has left
wires = fourwire.FourWire(
    busio.SPI(clock=board.GP18, MOSI=board.GP19), command=board.GP16, chip_select=board.GP17, reset=board.GP20
)
# The glass of this module stands upright: 240 x 135 is its picture on the side.
display = ST7789(wires, rotation=270, width=WIDTH, height=HEIGHT, rowstart=40, colstart=53)
picture = displayio.Group()
display.root_group = picture

dark_blue, orange = displayio.Palette(1), displayio.Palette(1)
dark_blue[0], orange[0] = 0x000033, 0xFF6600
picture.append(displayio.TileGrid(displayio.Bitmap(WIDTH, HEIGHT, 1), pixel_shader=dark_blue))

line = label.Label(terminalio.FONT, text="Angle: 45.0°", color=0xFFFF00, x=20, y=67)
picture.append(line)
line.text = "Angle: 90.0°"  # what is shown follows by itself

picture.append(vectorio.Circle(pixel_shader=orange, radius=20, x=160, y=67))
picture.append(vectorio.Rectangle(pixel_shader=orange, width=50, height=30, x=10, y=10))

while True:
    pass
