# Stops (that is, sleeps) in a frame whose variables the test knows.
import time

answer = 42
big = -(2**70) - 1
names = ["ada", 'it\'s', "a" * 20]
pair = (1.5, None)
single = (True,)
table = {"one": 1, 2: [3, 4]}
raw = b"\x00ab"
array = bytearray(b"xy")


class Box:
    def __init__(self, weight):
        self.weight = weight
        self.label = "red"


box = Box(7)


def outer(first, second="two", *, third=3.25):
    captured = first * 2

    def inner(depth):
        local = captured + depth
        time.sleep(1000)
        return local

    return inner(third)


print("WAIT" + "ING")
outer(20)
