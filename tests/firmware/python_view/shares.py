# Functions that sleep for known parts of a second: 100, 200, 300, 400 ms for each turn, and C functions that call back.
import time


def one():
    time.sleep(0.1)


def two():
    for i in range(2):
        time.sleep(0.1)


class Three:
    def work(self):
        time.sleep(0.3)


def steps():
    time.sleep(0.2)
    yield 1
    time.sleep(0.2)
    yield 2


def four():
    for step in steps():
        pass


def key(v):
    time.sleep(0.05)
    return -v


def five():
    max([1, 2, 3, 4], key=key)


def main():
    time.sleep(1)
    for turn in range(2):
        one()
        two()
        Three().work()
        four()
        five()


main()
print("DO" + "NE")
