/* Says hello on UART0 and blinks the Pico's LED: what scripts/demo runs where no CircuitPython image can be had. */
#include "rp2040.h"

#define LED 25

static void blink(uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        REGISTER(SIO_GPIO_OUT_SET) = 1u << LED;
        sleep_us(250000);
        REGISTER(SIO_GPIO_OUT_CLR) = 1u << LED;
        sleep_us(250000);
        print("blink ");
        print_number(i);
        print(" at ");
        print_number(REGISTER(TIMER_TIMERAWL) / 1000);
        print(" ms\r\n");
    }
}

int main(void) {
    print("Hello from core ");
    print_number(REGISTER(SIO_CPUID));
    print(" of an RP2040 that is not there.\r\n");
    REGISTER(IO_BANK0_CTRL(LED)) = FUNCTION_SIO;
    REGISTER(SIO_GPIO_OE_SET) = 1u << LED;
    blink(4);
    print("That was a small program of our own. Bye.\r\n");
    return 0;
}
