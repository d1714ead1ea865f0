"""Pictures and their differences."""
import pytest

from ouroboard import Picture
from ouroboard.golden import Goldens

BLACK, WHITE = b'\0\0\0', b'\xff\xff\xff'


def picture(*rows):
    return Picture(len(rows[0]), len(rows), b''.join(WHITE if letter == '#' else BLACK for row in rows for letter in row))


def test_pixels():
    one = picture('.#', '..')
    assert one.pixel(1, 0) == (255, 255, 255) and one.pixel(1, 1) == (0, 0, 0)
    with pytest.raises(IndexError):
        one.pixel(2, 0)


def test_same():
    assert not picture('.#').compare(picture('.#'))
    assert picture('.#') == picture('.#') != picture('#.')


def test_difference_is_told():
    difference = picture('....', '.##.').compare(picture('....', '....'))
    assert difference.places == [(1, 1), (2, 1)]
    assert str(difference) == '2 of 8 pixels differ, from (1, 1) to (2, 1); the first at (1, 1): #ffffff instead of #000000'
    assert difference.draw().size == (12, 2)


def test_other_size():
    difference = picture('..').compare(picture('...'))
    assert difference and str(difference) == '2 x 1 pixels instead of 3 x 1'
    assert difference.draw().size == (5, 1)


def test_mask():
    one, golden = picture('#..#'), picture('....')
    assert not one.compare(golden, mask=picture('#..#'))
    assert one.compare(golden, mask=picture('#...')).places == [(3, 0)]
    with pytest.raises(ValueError, match='mask'):
        one.compare(golden, mask=picture('#'))


def test_goldens(tmp_path):
    (tmp_path / 'work').mkdir()
    kept = Goldens(tmp_path, tmp_path / 'work', update=False)
    with pytest.raises(AssertionError, match='--update-goldens'):
        kept.check(picture('.#'), 'one.png')
    Goldens(tmp_path, tmp_path / 'work', update=True).check(picture('.#'), 'one.png')
    kept.check(picture('.#'), 'one.png')
    with pytest.raises(AssertionError, match='1 of 2 pixels'):
        kept.check(picture('##'), 'one.png')
    assert Picture.load(tmp_path / 'work/one.png') == picture('##')
    assert Picture.load(tmp_path / 'work/one.difference.png').size == (6, 1)
    picture('#.').save(tmp_path / 'one.mask.png')
    kept.check(picture('##'), 'one.png')
