# Who may write the drive? Held down at power-on, the button gives it to the program; else the PC has it.
import board
import digitalio
import storage

button = digitalio.DigitalInOut(board.GP14)
button.switch_to_input(pull=digitalio.Pull.UP)
if not button.value:
    storage.remount("/", readonly=False)
