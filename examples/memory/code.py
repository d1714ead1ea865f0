# How much memory is free, before and after something large is kept.
import gc


def free_bytes():
    gc.collect()
    return gc.mem_free()


before = free_bytes()
kept = bytearray(20_000)
after = free_bytes()
print("free:", before)
print("a buffer of 20000 bytes takes:", before - after)
print("done")
