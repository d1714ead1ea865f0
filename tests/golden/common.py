"""What the tests of this folder share: finding images and libraries, and how a test ends."""
import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


class Skip(Exception):
    """It cannot run here."""


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


def find_image(name):
    folders = [f for f in os.environ.get('OUROBOARD_FIRMWARE_PATH', '').split(':') if f]
    for folder in folders + [ROOT / '../shared/firmware']:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise Skip(f'no {name}; set OUROBOARD_FIRMWARE_PATH')


def copy_example(name, work):
    """The folder with the example and its libraries."""
    project = Path(work) / name
    done = subprocess.run([ROOT / 'scripts/get-libraries', ROOT / 'examples' / name, project], capture_output=True,
                          text=True)
    if done.returncode:
        raise Skip(done.stderr.strip())
    return project


def verdict(name, test, *arguments):
    """meson's exit code. In CI nothing is skipped."""
    try:
        test(*arguments)
    except Skip as reason:
        print(f'{"FAILED" if "CI" in os.environ else "skipped"} {name}: {reason}')
        return 1 if 'CI' in os.environ else 77
    except Failure as reason:
        print(f'FAILED {name}: {reason}')
        return 1
    print(f'ok {name}')
    return 0
