"""A board's console is a terminal: what of its output is text."""
import re

ESCAPES = re.compile(r'\x1b\].*?(?:\x1b\\|\x07)|\x1b\[[0-9;?]*[A-Za-z]')


def plain(text):
    """Without titles, colours and cursor movements of a terminal."""
    return ESCAPES.sub('', text).replace('\r\n', '\n')
