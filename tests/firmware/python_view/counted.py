# Each line says in its comment how often it begins; lines without one never do. "for" and "while" begin once: what
# is done for each turn of the loop has no line of its own in MicroPython's tables, nor has "except".
import time  # 1
import helper  # 1

names = ["ada", "bob"]  # 1


class Box:  # 1
    size = 3  # 1

    def __init__(self, weight):  # 1
        self.weight = weight  # 20

    def work(self, n):  # 1
        for k in range(n):  # 20
            self.weight += k  # 200
        return self.weight  # 20


def numbers(n):  # 1
    i = 0  # 10
    while i < n:  # 10
        yield i  # 50
        i += 1  # 50


def total(n):  # 1
    got = 0  # 10
    for each in numbers(n):  # 10
        got += each  # 50
    return got  # 10


def fib(n):  # 1
    if n < 2:  # 177
        return n  # 89
    return fib(n - 1) + fib(n - 2)  # 88


def key(v):  # 1
    a = v * 7 % 5  # 147
    return a  # 147


def raiser(n):  # 1
    caught = 0  # 1
    for i in range(n):  # 1
        try:  # 40
            int("x" if i & 1 else "7")  # 40
        except ValueError:
            caught += 1  # 20
        finally:
            caught += 0  # 40
    return caught  # 1


def never():  # 1
    return 1


def spin(n):  # 1
    while n:  # 1
        n -= 1  # 20000


for r in range(10):  # 1
    box = Box(r)  # 10
    box.work(10)  # 10
    Box(1).work(10)  # 10
    total(5)  # 10
fib(10)  # 1
sorted(range(30), key=key)  # 1
raiser(40)  # 1
spin(20000)  # 1
time.sleep(2)  # 1
helper.twice(3)  # 1
print("DO" + "NE")  # 1
