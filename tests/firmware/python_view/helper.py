# A module beside the marked program.
M = None


def crunch(n):
    M[8] = 12
    x = 1.0
    for i in range(n):
        M[9] = NEXT
        x = x * 1.0001 + 0.5 - x / 3 + x * x * 0.00001 + i
        M[9] = 0
    M[8] = 0
    return deeper(n)


def deeper(n):
    M[8] = 13
    s = ""
    for i in range(n):
        M[9] = NEXT
        s = ("%d-%s" % (i, s))[:40] + str(i * 3) + "z"
        M[9] = 0
    M[8] = 0
    return s
