# Which USB devices there are is decided before the PC sees the board.
import usb_hid

usb_hid.enable((usb_hid.Device.KEYBOARD,))
