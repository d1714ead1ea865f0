"""PNG files: every filter and colour type that is read, against files made by hand from the PNG specification."""
import struct
import zlib

import pytest

from ouroboard import png

WIDTH, HEIGHT = 3, 2
PIXELS = bytes(range(10, 10 + 3 * WIDTH * HEIGHT))


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png_file(raw, colour=png.RGB, depth=8, interlaced=0, palette=b'', size=(WIDTH, HEIGHT)):
    header = struct.pack('>IIBBBBB', *size, depth, colour, 0, 0, interlaced)
    return (png.SIGNATURE + chunk(b'IHDR', header) + (chunk(b'PLTE', palette) if palette else b'')
            + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))


def filtered(kind):
    """The pixels in rows of this filter, as section 9 of the specification defines it."""
    step, pitch, raw, before = 3, 3 * WIDTH, b'', bytes(3 * WIDTH)
    for y in range(HEIGHT):
        row = PIXELS[y * pitch:(y + 1) * pitch]
        out = []
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b, c = before[i], before[i - step] if i >= step else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            out.append((value - (0, a, b, (a + b) // 2, paeth)[kind]) & 0xff)
        raw += bytes([kind, *out])
        before = row
    return raw


@pytest.mark.parametrize('kind', range(5))
def test_filters(kind):
    assert png.decode(png_file(filtered(kind))) == (WIDTH, HEIGHT, PIXELS)


def test_colour_types():
    assert png.decode(png_file(b'\0\x07\x09', png.GREY, size=(2, 1)))[2] == b'\x07\x07\x07\x09\x09\x09'
    assert png.decode(png_file(b'\0\x07\xff\x09\x00', png.GREY_ALPHA, size=(2, 1)))[2] == b'\x07\x07\x07\x09\x09\x09'
    assert png.decode(png_file(b'\0\x01\x02\x03\x80', png.RGB_ALPHA, size=(1, 1)))[2] == b'\x01\x02\x03'
    assert png.decode(png_file(b'\0\x01\x00', png.PALETTE, palette=b'abcdef', size=(2, 1)))[2] == b'defabc'


def test_what_is_written_is_read():
    assert png.decode(png.encode(WIDTH, HEIGHT, PIXELS)) == (WIDTH, HEIGHT, PIXELS)


GOOD = png_file(filtered(0))


@pytest.mark.parametrize('data, reason', [
    (b'', 'no PNG file'), (b'GIF89a', 'no PNG file'), (png.SIGNATURE, 'no header'), (GOOD[:50], 'damaged'),
    (GOOD[:40] + b'x' + GOOD[41:], 'damaged'), (png_file(filtered(0)[:-1]), 'not all of its rows'),
    (png_file(b'\5' + filtered(0)[1:]), 'filter 5'), (png_file(filtered(0), depth=16), '16 bits'),
    (png_file(filtered(0), interlaced=1), 'interlaced'), (png_file(b'', size=(0, 2)), 'none'),
    (png_file(b'', size=(1 << 30, 1 << 30)), 'too many'),
    (png_file(b'\0\x02\x00', png.PALETTE, palette=b'abcdef', size=(2, 1)), 'palette'),
])
def test_what_is_wrong_is_named(data, reason):
    with pytest.raises(png.PngError, match=reason):
        png.decode(data)
