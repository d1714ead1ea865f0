"""PNG files with the standard library alone: 8 bits a sample, not interlaced, which is what the emulator writes and
what picture editors make of it. Anything else is refused by name."""
import struct
import zlib

SIGNATURE = b'\x89PNG\r\n\x1a\n'
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}
PIXELS_MAX = 64 << 20


class PngError(ValueError):
    """The file is no such picture."""


def _chunks(data):
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        size, kind = struct.unpack_from('>I4s', data, at)
        body = data[at + 8:at + 8 + size]
        if len(body) != size or data[at + 8 + size:at + 12 + size] != struct.pack('>I', zlib.crc32(kind + body)):
            raise PngError('the file is damaged or cut off')
        yield kind, body
        at += 12 + size


def _paeth(left, up, corner):
    guess = left + up - corner
    by_left, by_up, by_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    return left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner


def _unfilter(kind, row, before, step):
    """Undo a row's filter, in place."""
    if kind > 4:
        raise PngError(f'a row has filter {kind}')
    for i in range(len(row) if kind else 0):
        left = row[i - step] if i >= step else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = before[i]
        elif kind == 3:
            guess = (left + before[i]) // 2
        else:
            guess = _paeth(left, before[i], before[i - step] if i >= step else 0)
        row[i] = (row[i] + guess) & 0xff


def _rows(data, width, height, step):
    before, pitch = bytearray(width * step), width * step + 1
    if len(data) != height * pitch:
        raise PngError('the picture has not all of its rows')
    for y in range(height):
        row = bytearray(data[y * pitch + 1:(y + 1) * pitch])
        _unfilter(data[y * pitch], row, before, step)
        before = row
        yield row


def _to_rgb(row, kind, palette):
    if kind == RGB:
        return row
    if kind == RGB_ALPHA:
        del row[3::4]
        return row
    if kind == PALETTE:
        if 3 * max(row) + 3 > len(palette):
            raise PngError('a pixel has a colour that is not in the palette')
        return b''.join(palette[3 * i:3 * i + 3] for i in row)
    grey = row[::SAMPLES[kind]]
    return bytes(value for value in grey for _ in range(3))


def decode(data):
    """Width, height and the pixels, three bytes each. Transparency is left out."""
    if data[:len(SIGNATURE)] != SIGNATURE:
        raise PngError('this is no PNG file')
    header, palette, packed = None, b'', []
    for kind, body in _chunks(data):
        if kind == b'IHDR' and len(body) == 13:
            header = struct.unpack('>IIBBBBB', body)
        elif kind == b'PLTE':
            palette = body
        elif kind == b'IDAT':
            packed.append(body)
    if not header:
        raise PngError('the file has no header')
    width, height, depth, colour, _, _, interlaced = header
    if depth != 8 or colour not in SAMPLES or interlaced:
        raise PngError(f'{depth} bits a sample, colour type {colour}{", interlaced" if interlaced else ""}: save it with '
                       '8 bits a sample, not interlaced')
    if not 0 < width * height <= PIXELS_MAX:
        raise PngError(f'{width} x {height} pixels: too many or none')
    limit = height * (width * SAMPLES[colour] + 1)
    try:
        raw = zlib.decompressobj().decompress(b''.join(packed), limit)
    except zlib.error as error:
        raise PngError(f'the file is damaged: {error}') from None
    return width, height, b''.join(_to_rgb(row, colour, palette) for row in _rows(raw, width, height, SAMPLES[colour]))


def encode(width, height, pixels):
    """A file of such pixels."""
    rows = b''.join(b'\0' + pixels[3 * width * y:3 * width * (y + 1)] for y in range(height))

    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    return (SIGNATURE + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, RGB, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows, 9)) + chunk(b'IEND', b''))
