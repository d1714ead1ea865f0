# Sleep for two seconds without forgetting anything.
import time

import alarm

print("going to sleep")
start = time.monotonic()
wake = alarm.time.TimeAlarm(monotonic_time=start + 2)
alarm.light_sleep_until_alarms(wake)
print(f"slept for {time.monotonic() - start:.1f} s")
