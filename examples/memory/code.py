# How much memory is free, and what something large takes of it.
import gc


def taken_bytes():
    gc.collect()
    return gc.mem_alloc()


print("free:", gc.mem_free())
before = taken_bytes()
kept = bytearray(20_000)
print("a buffer of 20000 bytes takes:", taken_bytes() - before)
print("done")
