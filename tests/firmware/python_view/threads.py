# Both cores at once. Each line says how often it begins on core 0 and on core 1.
import _thread  # 1 0
import time  # 1 0


def inner(n):  # 1 0
    t = 0  # 100 20
    while n:  # 100 20
        t += n * 3 % 7  # 5000 40000
        n -= 1  # 5000 40000
    return t  # 100 20


def worker(n):  # 1 0
    for i in range(20):  # 0 1
        inner(n)  # 0 20


def main():  # 1 0
    _thread.start_new_thread(worker, (2000,))  # 1 0
    for i in range(100):  # 1 0
        time.sleep(0.01)  # 100 0
        inner(50)  # 100 0


main()  # 1 0
print("DO" + "NE")  # 1 0
