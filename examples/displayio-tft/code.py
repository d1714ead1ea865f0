import board
import busio
import displayio
import fourwire

# Release any previously configured displays
displayio.release_displays()

spi = busio.SPI(clock=board.GP18, MOSI=board.GP19)
display_bus = fourwire.FourWire(
    spi, command=board.GP16, chip_select=board.GP17, reset=board.GP20
)

from adafruit_st7789 import ST7789

display = ST7789(display_bus, width=240, height=135, rowstart=40, colstart=53)

import terminalio
from adafruit_display_text import label

# Create the root group
splash = displayio.Group()
display.root_group = splash

# Background — solid color
bg_bitmap = displayio.Bitmap(240, 135, 1)
bg_palette = displayio.Palette(1)
bg_palette[0] = 0x000033  # Dark blue
bg_tile = displayio.TileGrid(bg_bitmap, pixel_shader=bg_palette)
splash.append(bg_tile)

# Text label
text = label.Label(
    terminalio.FONT,
    text="Angle: 45.0°",
    color=0xFFFF00,
    x=20,
    y=67
)
splash.append(text)

# Update text dynamically
text.text = "Angle: 90.0°"  # Display updates automatically

import vectorio

# Draw a filled circle
circle = vectorio.Circle(
    pixel_shader=bg_palette,
    radius=20,
    x=120,
    y=67
)
splash.append(circle)

# Draw a rectangle
rect = vectorio.Rectangle(
    pixel_shader=bg_palette,
    width=50,
    height=30,
    x=10,
    y=10
)
splash.append(rect)

while True:  # the display goes back to the console when the program ends
    pass
