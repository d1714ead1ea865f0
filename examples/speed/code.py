# What a loop takes, and what a constant saves.
import time

from micropython import const

_STEP = const(3)
step = 3


def with_name():
    total = 0
    for _ in range(2000):
        total += step
    return total


def with_constant():
    total = 0
    for _ in range(2000):
        total += _STEP
    return total


def microseconds(function):
    start = time.monotonic_ns()
    function()
    return (time.monotonic_ns() - start) // 1000


slow, fast = microseconds(with_name), microseconds(with_constant)
print("with a name:", slow, "us")
print("with a constant:", fast, "us")
print("the constant is faster" if fast < slow else "the name is faster")
