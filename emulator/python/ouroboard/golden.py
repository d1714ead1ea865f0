"""Pictures that a test compares with those that are kept beside it."""
from pathlib import Path

from .picture import Picture


def _mask_beside(path):
    """NAME.mask.png beside NAME.png: what is not black there may differ."""
    mask = path.with_name(f'{path.stem}.mask.png')
    return Picture.load(mask) if mask.exists() else None


class Goldens:
    """`folder` has the pictures, `work` gets what differs; with `update` the pictures are written instead of
    compared."""

    def __init__(self, folder, work, update):
        self.folder, self.work, self.update = Path(folder), Path(work), update
        self.left_behind = []

    def check(self, picture, name, mask=None):
        """`picture` (or the file that it is in) is the golden one of this name. `mask` is a file with what may differ;
        default: NAME.mask.png beside the golden picture."""
        picture = picture if isinstance(picture, Picture) else Picture.load(picture)
        path = self.folder / name
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path)
            return
        if not path.exists():
            self._leave(picture, path.name)
            raise AssertionError(f'there is no golden picture {path}; look at {self.left_behind[-1]}, and keep it with '
                                 '--update-goldens')
        self._compare(picture, path, Picture.load(mask) if mask else _mask_beside(path))

    def _leave(self, picture, name):
        path = self.work / name
        picture.save(path)
        self.left_behind.append(path)

    def _compare(self, picture, path, mask):
        difference = picture.compare(Picture.load(path), mask)
        if difference:
            self._leave(picture, path.name)
            self._leave(difference.draw(), f'{path.stem}.difference.png')
            raise AssertionError(f'{path.name}: {difference}; picture, golden picture and difference side by side: '
                                 f'{self.left_behind[-1]}')
