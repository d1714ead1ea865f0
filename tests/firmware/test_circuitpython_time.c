/* CircuitPython on the Pico: modules that stand on the timers, clocks and converters of the chip.
 *
 * usage: test_circuitpython_time IMAGE */
#include "peripherals/onchip/adc.h"
#include "tests/firmware/rig.h"

#include "emulator/core/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edges {
    struct net_listener listener;
    struct machine *machine;
    uint64_t rise_ps, high_ps, period_ps;
    unsigned count;
};

static void on_edge(struct net_listener *listener, struct net *net) {
    struct edges *edges = listener->owner;
    uint64_t now = machine_now(edges->machine);
    if (net_is_high(net)) {
        edges->period_ps = now - edges->rise_ps;
        edges->rise_ps = now;
    } else {
        edges->high_ps = now - edges->rise_ps;
    }
    edges->count++;
}

static void watch(struct rig *rig, struct edges *edges, unsigned pin) {
    *edges = (struct edges){ .machine = rig->machine };
    edges->listener = (struct net_listener){ .changed = on_edge, .owner = edges };
    net_listen(machine_gpio(rig->machine, pin), &edges->listener);
}

static void analog_input(struct rig *rig) {
    struct adc *adc = (struct adc *)machine_block(rig->machine, "ADC");
    rig_repl(rig, "import board, analogio; a = analogio.AnalogIn(board.GP26)", 1000);
    adc_set_input(adc, 0, 1.65);
    RIG_EQUAL(rig, rig_repl(rig, "a.value >> 4", 1000), "2048\r\n");
    adc_set_input(adc, 0, 3.3);
    RIG_EQUAL(rig, rig_repl(rig, "a.value", 1000), "65535\r\n");
}

static void die_temperature(struct rig *rig) {
    adc_set_temperature((struct adc *)machine_block(rig->machine, "ADC"), 60);
    RIG_EQUAL(rig, rig_repl(rig, "import microcontroller as m; 59 < m.cpu.temperature < 61", 1000), "True\r\n");
}

static void pwm_output(struct rig *rig) {
    struct edges edges;
    watch(rig, &edges, 3);
    rig_repl(rig, "import board, pwmio; p = pwmio.PWMOut(board.GP3, frequency=1000, duty_cycle=0x4000)", 1000);
    rig_run(rig, 20);
    RIG_CHECK(rig, edges.count > 30);
    /* Firmware has 1/16 steps of the divider to choose from: 984 Hz. */
    RIG_CHECK(rig, edges.period_ps > 980 * PS_PER_US && edges.period_ps < 1020 * PS_PER_US);
    RIG_CHECK(rig, edges.high_ps > edges.period_ps / 4 - PS_PER_US && edges.high_ps < edges.period_ps / 4 + PS_PER_US);
    rig_repl(rig, "p.duty_cycle = 0xffff", 1000);
    rig_run(rig, 5);
    unsigned before = edges.count;
    rig_run(rig, 5);
    RIG_CHECK(rig, edges.count == before && net_is_high(machine_gpio(rig->machine, 3)));
    rig_repl(rig, "p.duty_cycle = 0; p.deinit()", 1000);
}

static void calendar(struct rig *rig) {
    rig_repl(rig, "import rtc, time; r = rtc.RTC(); r.datetime = time.struct_time((2024,2,28,23,59,58,2,-1,-1))", 1000);
    rig_run(rig, 3000);
    RIG_EQUAL(rig, rig_repl(rig, "t = time.localtime(); t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min", 1000),
              "(2, 29, 0, 0)\r\n");
}

static void light_sleep(struct rig *rig) {
    const char *printed = rig_repl(rig, "import alarm", 1000);
    if (rig->board->chip == CHIP_RP2350) { /* its builds leave the module out */
        RIG_CHECK(rig, printed && strstr(printed, "ImportError"));
        return;
    }
    rig_repl(rig, "import alarm, time; t = time.monotonic(); a = alarm.time.TimeAlarm(monotonic_time=t + 2)", 1000);
    /* By the RTC, which has whole seconds: the first of them is cut short. */
    RIG_EQUAL(rig, rig_repl(rig, "alarm.light_sleep_until_alarms(a) is a, 0.9 < time.monotonic() - t < 2.1", 6000),
              "(True, True)\r\n");
}

static void random_numbers(struct rig *rig) {
    RIG_EQUAL(rig, rig_repl(rig, "import os; a = os.urandom(64); b = os.urandom(64); a != b, len(set(a)) > 40", 1000),
              "(True, True)\r\n");
}

static void overclock(struct rig *rig) {
    const char *printed = rig_repl(rig, "import microcontroller as m; m.cpu.frequency = 200_000_000", 1000);
    if (printed && strstr(printed, "Error")) {
        return; /* older releases cannot */
    }
    RIG_CHECK(rig, machine_hz(rig->machine) == 200000000);
    RIG_EQUAL(rig, rig_repl(rig, "m.cpu.frequency", 1000), "200000000\r\n");
    /* Sleeps end with a tick of 1/1024 s, and begin within one. */
    RIG_EQUAL(rig,
              rig_repl(rig, "import time; t=time.monotonic_ns(); time.sleep(0.5); (time.monotonic_ns()-t+10**6)//10**7",
                       2000),
              "50\r\n");
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 2) {
        fprintf(stderr, "usage: test_circuitpython_time IMAGE\n");
        return 2;
    }
    rig_start(&rig, &(struct rig_desc){ .image = argv[1] });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 10000));
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    static const struct rig_case cases[] = {
        { "analog input", analog_input }, { "die temperature", die_temperature }, { "PWM output", pwm_output },
        { "calendar", calendar },         { "light sleep", light_sleep },         { "random numbers", random_numbers },
        { "overclock", overclock },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    return failures != 0;
}
