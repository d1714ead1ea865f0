# Keeps what runs in a byte array that the test finds by its first eight bytes: M[8] says which row of the test's table
# of stacks is true (0: none), M[9] which line (0: none). NEXT stands for the number of the line below.
import time
import helper

M = bytearray(16)
for i in range(8):
    M[i] = 0xA5 ^ (i * 37 & 255)
helper.M = M


def spin(n):
    total = 0
    M[8] = 1
    while n:
        M[9] = NEXT
        total += n * n % 7 + n * 3 - n // 5 + (n ^ 21) + (n & 9) * 4
        M[9] = 0
        n -= 1
    M[8] = 0
    return total


class Box:
    def __init__(self, weight):
        self.weight = weight

    def work(self, n):
        M[8] = 2
        for k in range(n):
            M[9] = NEXT
            self.weight = (self.weight * 5 + self.weight // 3 + self.weight % 17 + k * 3) & 0xFFFF
            M[9] = 0
        M[8] = 0
        return self.weight


def numbers(n):
    for j in range(n):
        M[8] = 3
        M[9] = NEXT
        t = sum([j, j + 1, j + 2, j + 3, j * j, j % 5, j // 3, j ^ 7, j | 1])
        M[9] = M[8] = 0
        yield t


def consume(n):
    got = 0
    for t in numbers(n):
        M[8] = 4
        M[9] = NEXT
        got += t * 3 % 11 + t * 5 % 13 + t * 7 % 17 + (t ^ got & 1023) % 19
        M[9] = M[8] = 0
    return got


def nap():
    M[8] = 5
    M[9] = NEXT
    time.sleep(0.15)
    M[9] = M[8] = 0


def slow_key(v):
    M[8] = 6
    M[9] = NEXT
    r = (v * 7919 % 1009) + (v * 104729 % 997) + (v ^ 341) % 31 + v // 7 + v % 5
    M[9] = M[8] = 0
    return r


def arrange(n):
    return sorted(range(n), key=lambda v: slow_key(v))


def builtin():
    M[8] = 7
    M[9] = NEXT
    s = sum(range(20000)) + len(bytes(20000)) + max(range(10000))
    M[9] = M[8] = 0
    return s


def fib(n):
    if n < 2:
        return n
    M[8] = 8
    M[9] = NEXT
    s = n * n % 7 + n * 3 - n // 5 + (n ^ 21) + (n & 9) * 4
    M[9] = M[8] = 0
    return fib(n - 1) + fib(n - 2)


def raiser(n):
    M[8] = 9
    for i in range(n):
        try:
            int("12x" if i & 1 else "777") + i * 3 % 7 + i * 5 % 11
        except ValueError:
            M[9] = NEXT
            i = i * 3 % 7 + i * 5 % 11 + i * 7 % 13 + i * 11 % 17
            M[9] = 0
    M[8] = 0


def outer(d, n):
    def inner(z):
        M[8] = 10
        for q in range(z):
            M[9] = NEXT
            d2 = d * q + n * q % 7 + q * q % 11 + d * 3 - n * 5
            M[9] = 0
        M[8] = 0
        return d2

    return inner(n)


def listed(n):
    M[8] = 11
    z = [a * a % 7 + a * 3 + a // 5 - a % 11 for a in range(n)]
    M[8] = 0
    return z


def main():
    box = Box(3)
    for r in range(ROUNDS):
        spin(300)
        box.work(300)
        consume(150)
        helper.crunch(300)
        nap()
        arrange(80)
        builtin()
        fib(11)
        raiser(150)
        outer(3, 200)
        listed(300)


main()
M[8] = 255
print("DO" + "NE")
