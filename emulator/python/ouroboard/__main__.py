"""python -m ouroboard fetch BOARD VERSION: download a firmware image of CircuitPython into the cache."""
import argparse
import sys

from . import images
from .errors import OuroboardError


def main(arguments=None):
    parser = argparse.ArgumentParser(prog='python -m ouroboard', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    fetch = commands.add_parser('fetch', help='download a firmware image of CircuitPython into the cache')
    fetch.add_argument('board', help="CircuitPython's id: raspberry_pi_pico")
    fetch.add_argument('version', help='such as 10.2.1')
    fetch.add_argument('--sha256', help='what the file has to have')
    fetch.add_argument('--if-missing', action='store_true', help='not when there is an image already')
    options = parser.parse_args(arguments)
    there = options.if_missing and images.find_image(options.board, options.version)
    if there:
        print(there)
        return 0
    try:
        path, found = images.fetch(options.board, options.version, options.sha256)
    except OuroboardError as error:
        print(f'ouroboard: {error}', file=sys.stderr)
        return 2
    print(f'{path}\nsha256 {found}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
