"""Firmware images of CircuitPython by board and version: where they are, and how to fetch them.

    python -m ouroboard fetch BOARD VERSION [--sha256 SUM]
"""
import hashlib
import os
import re
import urllib.error
import urllib.request
from pathlib import Path

from .errors import OuroboardError

SITE = 'https://downloads.circuitpython.org/bin'
LANGUAGE = 'en_US'
FORM = re.compile(r'adafruit-circuitpython-(?P<board>.+?)-(?P<language>[a-z]{2,3}(?:_[A-Za-z_]+)?)-(?P<version>[0-9].*)\.uf2$')


def cache():
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'ouroboard' / 'firmware'


def folders():
    """Where the emulator looks as well, in this order."""
    named = [Path(each) for each in os.environ.get('OUROBOARD_FIRMWARE_PATH', '').split(os.pathsep) if each]
    return [*named, cache()]


def find_image(board, version):
    """The path of an image; English first. None when there is none."""
    for folder in folders():
        found = [(FORM.match(path.name), path) for path in sorted(folder.glob('adafruit-circuitpython-*.uf2'))]
        found = [(match['language'] != LANGUAGE, path) for match, path in found
                 if match and match['board'] == board and match['version'] == version]
        if found:
            return min(found)[1]
    return None


def address_of(board, version):
    return f'{SITE}/{board}/{LANGUAGE}/adafruit-circuitpython-{board}-{LANGUAGE}-{version}.uf2'


def fetch(board, version, sha256=None, address=None):
    """Download an image into the cache; what has another sum than `sha256` is not kept. Returns path and sum."""
    address = address or address_of(board, version)
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            data = answer.read()
    except (OSError, urllib.error.URLError) as error:
        raise OuroboardError(f'{address}: {error}; are board and version right?') from None
    found = hashlib.sha256(data).hexdigest()
    if sha256 and found != sha256:
        raise OuroboardError(f'{address}: has the SHA-256 {found} instead of {sha256}; not kept')
    path = cache() / address.rpartition('/')[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f'.{os.getpid()}.part')
    part.write_bytes(data)
    part.replace(path)
    return path, found
