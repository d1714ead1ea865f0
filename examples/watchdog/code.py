# A program that hangs is started anew by the watchdog.
import time

import microcontroller
from microcontroller import watchdog
from watchdog import WatchDogMode

print("reset reason:", str(microcontroller.cpu.reset_reason).split(".")[-1])
watchdog.timeout = 2
watchdog.mode = WatchDogMode.RESET
for _ in range(3):
    watchdog.feed()
    print("fed")
    time.sleep(0.5)
print("hanging")
while True:
    pass
