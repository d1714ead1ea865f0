# A body of arithmetic whose results CPython and CircuitPython must agree on, line for line. The test runs it on both.
# Floats here are exact in 22 bits of mantissa (CircuitPython keeps no more), so that no rounding can differ.
try:
    import time
    import supervisor

    while not supervisor.runtime.serial_connected:
        time.sleep(0.01)
except ImportError:
    pass
import struct

print("BEGIN")

# Integers beyond 64 bits
numbers = [0, 1, -1, 7, -7, 255, 65537, 2**31 - 1, -(2**31), 2**32, 2**63, -(2**63) - 1, 2**64 + 3, 3**50, -(5**40)]
for a in numbers:
    for b in numbers:
        row = [a + b, a - b, a * b, a & b, a | b, a ^ b, a < b, a == b]
        if b:
            row += [a // b, a % b]
        print(a, b, row)
for n in range(0, 100, 9):
    print(n, (3**50) << n, (3**50) >> n, -(3**50) >> n, pow(3, n, 1000007))
factorial = 1
for n in range(1, 40):
    factorial *= n
print(factorial, hex(factorial), oct(factorial), bin(factorial % 2**40))
print(int("123456789012345678901234567890"), int("-ff", 16), int("1010", 2), int("zz", 36))
print(abs(-(2**70)), divmod(-(2**70), 12345), -(2**70) // 12345, -(2**70) % 12345)
seed = 1
for _ in range(2000):
    seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
print(seed)

# Floats: exact values, corners, conversions
values = [0.0, -0.0, 1.0, -1.5, 0.25, 16.5, -3.75, 2.0**6, float("inf"), -float("inf")]
for a in values:
    for b in values:
        row = [a < b, a <= b, a == b, a != b]
        if abs(a) < 1e9 and abs(b) < 1e9:
            row += [a + b, a - b, a * b]
            if b and b in (1.0, -1.5, 0.25):
                row += [a / 0.25, a // b, a % b]
        print(a, b, row)
nan = float("nan")
print(nan == nan, nan != nan, nan < 1.0, nan > 1.0, 1.0 < nan, float("inf") - 1.0, -float("inf") + 1.0)
print(int(3.99), int(-3.99), int(2.0**20), round(2.5), round(3.5), round(-0.75), bool(0.0), bool(-0.5))
print(0.5 + 0.25, 1 / 4, 7 / 2, 2**-3, 4.0**0.5, (-8.0) ** 2, 10 // 4.0, 10 % 4.0)
for bad in ("1 / 0", "1.0 / 0.0", "1 % 0", "int('x')", "float('y')", "1 << -1", "[] + 1", "2.0 ** 'a'"):
    try:
        print(eval(bad))
    except Exception as error:
        print(bad, type(error).__name__)

# Text
for value in (0, 5, -5, 255, -255, 123456789):
    print("%d|%5d|%-5d|%05d|%x|%X|%o|%+d" % ((value,) * 8))
    print("{0}|{0:8}|{0:<8}|{0:>8}|{0:^8}|{0:08d}|{0:x}|{0:#x}|{0:b}".format(value))
for value in (0.5, -2.5, 1024.0, 3.0):
    print("%.3f|%8.2f|%-8.1f|%e|%g" % ((value,) * 5), "{:.2f}|{:>10.3f}|{:+.1f}".format(value, value, value))
text = "Ouroboard swallows its own tail"
print(text[3:9], text[-4:], text.upper(), text.split(), text.replace("own", "long"), text.find("its"))
print("|".join(sorted(text.split())), repr("tab\tnewline\nquote'\"\\"), "a,b,,c".split(","), "  x ".strip() + ".")
print(",".join(str(x) for x in sorted([5, 3, 9, -1, 2**65, 0])), list(map(lambda x: x * x, range(6))))
print(struct.pack("<bhiq", -1, 300, -70000, 2**40), struct.unpack(">HI", b"\x01\x02\x03\x04\x05\x06"))
print({k: v for k, v in zip("abc", range(3))} == {"a": 0, "b": 1, "c": 2}, set([1, 2, 2, 3]) == {1, 2, 3}, sum(range(1000)))
print("END")
