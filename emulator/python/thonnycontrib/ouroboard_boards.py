"""Thonny plug-in: boards that run in Ouroboard are in the list of ports of its interpreter settings.

Thonny takes its ports from pyserial, which lists devices by names that a pseudo-terminal does not have.
"""
from ouroboard.running import running_boards

INTERFACE = 'CircuitPython CDC control'  # by which Thonny tells CircuitPython's console from other ports


def _port_of(board, kind):
    port = kind(board.port)
    port.description = f'Ouroboard: {board.what}'
    port.interface = INTERFACE
    port.manufacturer = 'Ouroboard'
    return port


def load_plugin():
    from serial.tools import list_ports, list_ports_common

    listed = list_ports.comports

    def comports(include_links=False):
        return [*listed(include_links), *(_port_of(board, list_ports_common.ListPortInfo) for board in running_boards())]

    list_ports.comports = comports
