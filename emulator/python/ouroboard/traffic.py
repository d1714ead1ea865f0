"""Traffic on watched buses: transactions as the control protocol tells them, and as lines for people."""
from .times import to_text

BYTES = 32  # of a transaction in a line


def _bytes_of(digits):
    data = bytes.fromhex(digits)
    more = f' ... ({len(data)} bytes)' if len(data) > BYTES else ''
    return data[:BYTES].hex(' ') + more


def _describe_i2c(seen):
    line = f'{"read " if seen["read"] else "write"} 0x{seen["address"]:02x} {_bytes_of(seen["hex"])}'.rstrip()
    if not seen['acknowledged']:
        line += ' (nobody answers)'
    elif not seen['read'] and seen['acknowledged_bytes'] < len(seen['hex']) // 2:
        line += f' (acknowledged: {seen["acknowledged_bytes"]} bytes)'
    return line + (', restarted' if seen['restarted'] else '')


def _describe_spi(seen):
    return ', '.join(f'{name} {_bytes_of(seen[name])}' for name in ('mosi', 'miso') if name in seen)


def describe(seen):
    """One line for a transaction."""
    if 'address' in seen:
        what = _describe_i2c(seen)
    elif 'hex' in seen:
        what = _bytes_of(seen['hex'])
    else:
        what = _describe_spi(seen)
    return f'{to_text(seen["begin_ps"]):>14}  {seen["name"]}: {what}{" (broken)" if seen["error"] else ""}'
