# Text and shapes with displayio. No rotation is asked for, so that an upright glass shows the left part of a picture that
# is meant to be wide; and the shapes have the background's colour, as in many a first program.
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
display = ST7789(wires, width=WIDTH, height=HEIGHT, rowstart=40, colstart=53)
picture = displayio.Group()
display.root_group = picture

dark_blue = displayio.Palette(1)
dark_blue[0] = 0x000033
picture.append(displayio.TileGrid(displayio.Bitmap(WIDTH, HEIGHT, 1), pixel_shader=dark_blue))

line = label.Label(terminalio.FONT, text="Angle: 45.0°", color=0xFFFF00, x=20, y=67)
picture.append(line)
line.text = "Angle: 90.0°"  # what is shown follows by itself

picture.append(vectorio.Circle(pixel_shader=dark_blue, radius=20, x=120, y=67))
picture.append(vectorio.Rectangle(pixel_shader=dark_blue, width=50, height=30, x=10, y=10))

while True:  # the display goes back to the console when the program ends
    pass
