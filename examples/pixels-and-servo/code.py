# NeoPixels in a chain, an RGB LED, a servo, a buzzer, a switch and a motion sensor, on a breadboard.
import board
import digitalio
import neopixel_write
import pwmio

data = digitalio.DigitalInOut(board.GP2)
data.switch_to_output()
red = pwmio.PWMOut(board.GP10, frequency=1000)
green = pwmio.PWMOut(board.GP11, frequency=1000)
servo = pwmio.PWMOut(board.GP15, frequency=50)
buzzer = pwmio.PWMOut(board.GP16, frequency=440)
switch = digitalio.DigitalInOut(board.GP17)
switch.switch_to_input()
motion = digitalio.DigitalInOut(board.GP18)
motion.switch_to_input()

PIXELS = 2 + 4 * 8
first = (0, 255, 0)  # green, red, blue: the order on the wire
second = (128, 0, 0)
rest = bytearray()
for i in range(PIXELS - 2):
    rest.extend((8 * i, 255 - 8 * i, 40))
neopixel_write.neopixel_write(data, bytes(first) + bytes(second) + rest)

red.duty_cycle = 65535
green.duty_cycle = 32768
servo.duty_cycle = 65535 * 1450 // 20000  # 1.45 ms: the middle
print("ready")

seen = None
while True:
    now = (switch.value, motion.value)
    if now != seen:
        seen = now
        print("switch", now[0], "motion", now[1])
        buzzer.duty_cycle = 32768 if now[1] else 0
