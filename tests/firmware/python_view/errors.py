# Fills the heap until it is full, and ends in an exception.
import time


def fill():
    kept = []
    while True:
        kept.append(bytearray(4000))
        time.sleep(0.01)


def full():
    try:
        fill()
    except MemoryError:
        print("full")


def divide(a, b):
    label = "x" * 3
    return a // b


def main():
    time.sleep(1.5)
    full()
    try:
        int("z")
    except ValueError:
        pass
    numbers = [1, 2]
    divide(7, 0)


main()
