"""What sigrok-cli decodes from a value change dump."""
import re
import shutil
import subprocess

from common import Skip


def decode(vcd, downsample, decoder, annotations):
    """(first sample, last sample, text) of each annotation; sample times `downsample` are nanoseconds."""
    if not shutil.which('sigrok-cli'):
        raise Skip('no sigrok-cli')
    done = subprocess.run(['sigrok-cli', '-I', f'vcd:downsample={downsample}', '-i', vcd, '-P', decoder, '-A',
                           annotations, '--protocol-decoder-samplenum'], capture_output=True, text=True, timeout=500)
    lines = re.findall(r'^(\d+)-(\d+) [^:]*: (.*)$', done.stdout, re.M)
    return [(int(first), int(last), text) for first, last, text in lines]


def as5600_readings(vcd, scl, sda):
    """(seconds, value) of each read of two bytes from address 0x36."""
    readings, address, data = [], None, []
    for first, _, text in decode(vcd, 200, f'i2c:scl={scl}:sda={sda}', 'i2c=address-read:address-write:data-read:stop'):
        kind, _, value = text.partition(': ')
        if kind in ('Address read', 'Address write'):
            address, data = (kind, int(value, 16)), []
        elif kind == 'Data read' and address == ('Address read', 0x36):
            data.append(int(value, 16))
            if len(data) == 2:
                readings.append((first * 200e-9, data[0] << 8 | data[1]))
    return readings


def tft_picture(vcd, clk, mosi, cs, dc):
    """(commands, width, height, pixels) as sigrok's ST7735 decoder sees them: RGB565 by (column, row), both from 0."""
    pins = f'st7735:cs={cs}:clk={clk}:mosi={mosi}:dc={dc}'
    options = '5:compress=1000'
    words = [(first, True, text) for first, _, text in decode(vcd, options, pins, 'st7735=command')]
    words += [(first, False, text) for first, _, text in decode(vcd, options, pins, 'st7735=data')]
    commands, transfers = [], []
    for _, is_command, text in sorted(words):
        if is_command:
            commands.append(int(text, 16))
            transfers.append((commands[-1], bytearray()))
        elif transfers:
            transfers[-1][1].append(int(text, 16))
    pixels, columns, rows = {}, (0, 0), (0, 0)
    for command, data in transfers:
        if command == 0x2a:
            columns = (data[0] << 8 | data[1], data[2] << 8 | data[3])
        elif command == 0x2b:
            # without an end the window goes down to the last row
            rows = (data[0] << 8 | data[1], data[2] << 8 | data[3] if len(data) >= 4 else 319)
        elif command == 0x2c:
            width = columns[1] - columns[0] + 1
            for i in range(len(data) // 2):
                pixels[columns[0] + i % width, rows[0] + i // width] = data[2 * i] << 8 | data[2 * i + 1]
    left, top = min(x for x, _ in pixels), min(y for _, y in pixels)
    pixels = {(x - left, y - top): colour for (x, y), colour in pixels.items()}
    return commands, max(x for x, _ in pixels) + 1, max(y for _, y in pixels) + 1, pixels
