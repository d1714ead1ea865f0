"""Pictures of screens, parts and projects, and what differs between two of them."""
from pathlib import Path

from . import png

SAME, OTHER, IGNORED = b'\x20\x20\x20', b'\xff\x20\x20', b'\x20\x20\x60'


class Picture:
    """`pixels` has three bytes a pixel: red, green, blue; row by row from the top."""

    def __init__(self, width, height, pixels):
        self.width, self.height, self.pixels = width, height, bytes(pixels)

    @classmethod
    def decode(cls, data):
        return cls(*png.decode(data))

    @classmethod
    def load(cls, path):
        try:
            return cls.decode(Path(path).read_bytes())
        except png.PngError as error:
            raise ValueError(f'{path}: {error}') from None

    def save(self, path):
        Path(path).write_bytes(png.encode(self.width, self.height, self.pixels))

    def pixel(self, x, y):
        """(red, green, blue)"""
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise IndexError(f'({x}, {y}) is outside of {self.width} x {self.height} pixels')
        at = 3 * (y * self.width + x)
        return tuple(self.pixels[at:at + 3])

    @property
    def size(self):
        return self.width, self.height

    def __eq__(self, other):
        return isinstance(other, Picture) and self.size == other.size and self.pixels == other.pixels

    __hash__ = None

    def __repr__(self):
        return f'<Picture {self.width} x {self.height}>'

    def compare(self, golden, mask=None):
        """A Difference. Where `mask` is not black, pixels may differ."""
        return Difference(self, golden, mask)


class Difference:
    """What is another colour in `picture` than in `golden`: true when something is."""

    def __init__(self, picture, golden, mask=None):
        self.picture, self.golden, self.mask = picture, golden, mask
        self.sizes_differ = picture.size != golden.size
        if mask and mask.size != golden.size:
            raise ValueError(f'the mask has {mask.width} x {mask.height} pixels, the picture {golden.width} x '
                             f'{golden.height}')
        self.places = [] if self.sizes_differ else list(self._find_places())

    def _may_differ(self, at):
        return self.mask is not None and self.mask.pixels[at:at + 3] != b'\0\0\0'

    def _find_places(self):
        width, one, other = self.picture.width, self.picture.pixels, self.golden.pixels
        for y in range(self.picture.height):
            row = 3 * width * y
            if one[row:row + 3 * width] == other[row:row + 3 * width]:
                continue
            for x in range(width):
                at = row + 3 * x
                if one[at:at + 3] != other[at:at + 3] and not self._may_differ(at):
                    yield x, y

    def __bool__(self):
        return self.sizes_differ or bool(self.places)

    def __str__(self):
        if self.sizes_differ:
            return f'{self.picture.width} x {self.picture.height} pixels instead of {self.golden.width} x {self.golden.height}'
        if not self.places:
            return 'no pixel differs'
        (x, y), xs, ys = self.places[0], [x for x, _ in self.places], [y for _, y in self.places]
        return (f'{len(self.places)} of {self.picture.width * self.picture.height} pixels differ, from ({min(xs)}, '
                f'{min(ys)}) to ({max(xs)}, {max(ys)}); the first at ({x}, {y}): #{bytes(self.picture.pixel(x, y)).hex()} '
                f'instead of #{bytes(self.golden.pixel(x, y)).hex()}')

    def draw(self):
        """Side by side: the picture, the golden one, and in red what differs."""
        third = self._mark_places() if not self.sizes_differ else []
        pictures = [self.picture, self.golden, *third]
        width, height = sum(each.width for each in pictures), max(each.height for each in pictures)
        rows = []
        for y in range(height):
            for each in pictures:
                row = each.pixels[3 * each.width * y:3 * each.width * (y + 1)]
                rows.append(row.ljust(3 * each.width, b'\0'))
        return Picture(width, height, b''.join(rows))

    def _mark_places(self):
        width, height = self.golden.size
        marks = bytearray(SAME * (width * height))
        for at in range(0, len(marks) if self.mask else 0, 3):
            if self._may_differ(at):
                marks[at:at + 3] = IGNORED
        for x, y in self.places:
            at = 3 * (y * width + x)
            marks[at:at + 3] = OTHER
        return [Picture(width, height, marks)]
