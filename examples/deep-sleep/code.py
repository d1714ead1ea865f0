# Deep sleep until a button is pressed: the program begins anew, and knows why.
import time

import alarm
import board

if alarm.wake_alarm:
    print("woken by", type(alarm.wake_alarm).__name__)
else:
    print("first start")
time.sleep(1)  # a PC that listens hears the lines above
press = alarm.pin.PinAlarm(pin=board.GP14, value=False, pull=True)
print("sleeping")
alarm.exit_and_deep_sleep_until_alarms(press)
