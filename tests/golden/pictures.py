"""PNG files of 8-bit RGB as lists of rows, and letters in them. Nothing but the standard library."""
import collections
import struct
import zlib


def load(path):
    """(width, height, rows), a row being bytes of R, G, B."""
    data = open(path, 'rb').read()
    assert data[:8] == b'\x89PNG\r\n\x1a\n', f'{path} is no PNG'
    at, packed = 8, b''
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        at += size + 12
        if kind == b'IHDR':
            width, height, depth, colour = struct.unpack('>IIBB', body[:10])
            assert (depth, colour) == (8, 2), f'{path} is not 8-bit RGB'
        elif kind == b'IDAT':
            packed += body
    raw = zlib.decompress(packed)
    rows, before, stride = [], bytes(width * 3), width * 3 + 1
    for y in range(height):
        before = unfilter(raw[y * stride], raw[y * stride + 1:(y + 1) * stride], before)
        rows.append(before)
    return width, height, rows


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def unfilter(kind, line, above):
    out = bytearray(line)
    for i in range(len(out)):
        left = out[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        add = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
        out[i] = (out[i] + add) & 255
    return bytes(out)


def pixel(picture, x, y):
    return picture[2][y][3 * x:3 * x + 3] if x < picture[0] and y < picture[1] else b'\0\0\0'


def rgb565(picture, x, y):
    red, green, blue = pixel(picture, x, y)
    return red >> 3 << 11 | green >> 2 << 5 | blue >> 3


def differences(a, b, rows=None):
    """How many pixels differ, in the first `rows` or everywhere; None when the sizes do."""
    if a[:2] != b[:2]:
        return None
    pairs = list(zip(a[2], b[2]))[:rows]
    return sum(ra[i:i + 3] != rb[i:i + 3] for ra, rb in pairs if ra != rb for i in range(0, len(ra), 3))


def colours(picture, rows):
    """How often each colour, as (R, G, B), is there in the first rows."""
    return collections.Counter(tuple(row[i:i + 3]) for row in picture[2][:rows] for i in range(0, len(row), 3))


def read_text(picture, font, x, y, size, count):
    """What adafruit_framebuf has written there in its 5 x 8 font, a letter every 6 dots."""
    width, height = font[0], font[1]
    glyphs = {font[2 + width * code:2 + width * code + width]: chr(code) for code in range(32, 127)}
    text = ''
    for number in range(count):
        columns = bytearray(width)
        for column in range(width):
            for row in range(height):
                at = (x + (number * (width + 1) + column) * size, y + row * size)
                columns[column] |= any(pixel(picture, *at)) << row
        text += glyphs.get(bytes(columns), '?')
    return text
