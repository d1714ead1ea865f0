"""All that the board has said on its serial ports, kept from the first byte on, apart from what has been read."""

PORTS = ('usb', 'uart0', 'uart1', 'data')


class Transcript:
    """Bytes by port. The console is the first USB serial port, and UART0 until that has said something."""

    def __init__(self):
        self.ports = {port: bytearray() for port in PORTS}
        self.early = bytearray()  # of UART0, while it was the console

    def add(self, port, data):
        if port == 'uart0' and not self.ports['usb']:
            self.early += data
        self.ports.setdefault(port, bytearray()).extend(data)

    def data(self, port):
        return bytes(self.early + self.ports['usb'] if port == 'console' else self.ports[port])

    def text(self, port):
        """With the replacement character for what is no UTF-8."""
        return self.data(port).decode(errors='replace')
