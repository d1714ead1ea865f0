# Wakes up, counts that in non-volatile memory, and sleeps deeply again.
import time

import alarm
import microcontroller

nvm = microcontroller.nvm
if alarm.wake_alarm is None:
    nvm[0] = 0
nvm[0] += 1
print("reading number", nvm[0], "at", f"{microcontroller.cpu.temperature:.0f} C")
time.sleep(1)
alarm.exit_and_deep_sleep_until_alarms(alarm.time.TimeAlarm(monotonic_time=time.monotonic() + 5))
