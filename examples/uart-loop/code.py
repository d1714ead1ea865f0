# What is sent on one pin comes back on another: GP0 has to be wired to GP1.
import board
import busio

uart = busio.UART(board.GP0, board.GP1, baudrate=9600, timeout=0.5)
uart.write(b"round trip")
back = uart.read(10)
print("came back:", back)
