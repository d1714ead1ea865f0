/* CircuitPython's busio and bitbangio against targets at the pins: what a program hears and what the target hears,
 * handed over in bytes and played out on the wires; the chip's own I2C target; NeoPixels and state machines of PIO.
 *
 * usage: test_buses IMAGE */
#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"
#include "emulator/core/serial.h"
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that hangs at the pins: an I2C memory at GP0 (SDA) and GP1 (SCL) with the pull-ups of its board, an SPI
 * echo at GP16 to GP19, a probe that makes the chip play out every edge. */
struct bench {
    struct i2c_target memory;
    uint8_t cells[256];
    uint8_t pointer;
    bool expects_pointer;
    struct net_driver pulls[2];
    struct spi_target echo;
    uint8_t last;
    uint32_t bytes, sum;
    struct net_listener probe;
    unsigned edges;
};

static struct bench bench;
static const char *image;

/* ---- The I2C memory ---- */
static bool memory_start(struct i2c_target *target, uint8_t address, bool read) {
    bench.expects_pointer = !read;
    return address == 0x50;
}

static bool memory_write(struct i2c_target *target, uint8_t byte) {
    if (bench.expects_pointer) {
        bench.pointer = byte;
        bench.expects_pointer = false;
    } else {
        bench.cells[bench.pointer++] = byte;
    }
    return true;
}

static uint8_t memory_read(struct i2c_target *target) {
    return bench.cells[bench.pointer++];
}

static void attach_memory(struct rig *rig) {
    for (unsigned pin = 0; pin < 2; pin++) {
        bench.pulls[pin].drive = NET_PULL_UP;
        net_attach(machine_gpio(rig->machine, pin), &bench.pulls[pin]);
    }
    bench.memory = (struct i2c_target){
        .sda = machine_gpio(rig->machine, 0),
        .scl = machine_gpio(rig->machine, 1),
        .start = memory_start,
        .write = memory_write,
        .read = memory_read,
    };
    i2c_target_attach(&bench.memory);
}

/* ---- The SPI echo: each byte comes back inverted with the next ---- */
static uint8_t echo_reply(struct spi_target *target) {
    return (uint8_t)~bench.last;
}

static void echo_receive(struct spi_target *target, uint8_t byte) {
    bench.last = byte;
    bench.bytes++;
    bench.sum += byte;
}

static void attach_echo(struct rig *rig) {
    bench.echo = (struct spi_target){
        .miso = machine_gpio(rig->machine, 16),
        .cs = machine_gpio(rig->machine, 17),
        .sck = machine_gpio(rig->machine, 18),
        .mosi = machine_gpio(rig->machine, 19),
        .reply = echo_reply,
        .receive = echo_receive,
    };
    spi_target_attach(&bench.echo);
}

/* ---- The probe ---- */
static void count_edge(struct net_listener *listener, struct net *net) {
    bench.edges++;
}

static void probe(struct rig *rig, unsigned pin) {
    bench.probe = (struct net_listener){ .changed = count_edge };
    net_listen(machine_gpio(rig->machine, pin), &bench.probe);
}

/* ---- The cases ---- */
static void use_memory(struct rig *rig, const char *open_bus) {
    attach_memory(rig);
    RIG_EQUAL(rig, rig_repl(rig, open_bus, 1000), "True\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "i.scan()", 3000), "[80]\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "i.writeto(0x50, b'\\x10hello')", 1000), "");
    RIG_CHECK(rig, !memcmp(bench.cells + 0x10, "hello", 5));
    RIG_EQUAL(rig, rig_repl(rig, "b=bytearray(5); i.writeto_then_readfrom(0x50, b'\\x10', b); b", 1000),
              "bytearray(b'hello')\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "i.writeto(0x50, b'\\x12'); i.readfrom_into(0x50, b); b", 1000),
              "bytearray(b'llo\\x00\\x00')\r\n");
    const char *printed = rig_repl(rig, "i.writeto(0x51, b'x')", 1000);
    RIG_CHECK(rig, printed && strstr(printed, "OSError: [Errno 19]"));
}

static void i2c(struct rig *rig) {
    use_memory(rig, "import board, busio; i=busio.I2C(board.GP1, board.GP0); i.try_lock()");
}

static void i2c_on_the_wires(struct rig *rig) {
    probe(rig, 1);
    use_memory(rig, "import board, busio; i=busio.I2C(board.GP1, board.GP0, frequency=400000); i.try_lock()");
    RIG_CHECK(rig, bench.edges > 2000);
}

static void i2c_by_hand(struct rig *rig) {
    use_memory(rig, "import board, bitbangio; i=bitbangio.I2C(board.GP1, board.GP0); i.try_lock()");
}

static void i2c_without_pull_ups(struct rig *rig) {
    const char *printed = rig_repl(rig, "import board, busio; busio.I2C(board.GP1, board.GP0)", 1000);
    RIG_CHECK(rig, printed && strstr(printed, "No pull up found on SDA or SCL"));
}

static void use_echo(struct rig *rig, const char *open_bus, const char *rate) {
    attach_echo(rig);
    RIG_EQUAL(rig, rig_repl(rig, open_bus, 1000), "True\r\n");
    char line[64];
    snprintf(line, sizeof(line), "s.configure(baudrate=%s)", rate);
    rig_repl(rig, line, 1000);
    RIG_EQUAL(rig,
              rig_repl(rig, "import digitalio; c=digitalio.DigitalInOut(board.GP17); c.switch_to_output(True)", 1000),
              "");
    RIG_EQUAL(rig, rig_repl(rig, "s.write(b'unheard'); c.value=False; b=bytearray(4)", 1000), "");
    RIG_CHECK(rig, bench.bytes == 0);
    RIG_EQUAL(rig, rig_repl(rig, "s.write_readinto(b'\\x01\\x02\\x03\\x04', b); b", 1000),
              "bytearray(b'\\xff\\xfe\\xfd\\xfc')\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "s.readinto(b, write_value=0x55); b", 1000), "bytearray(b'\\xfb\\xaa\\xaa\\xaa')\r\n");
    bench.bytes = bench.sum = 0;
    RIG_EQUAL(rig, rig_repl(rig, "b=bytes(range(250)) * 4; s.write(b); len(b)", 2000), "1000\r\n"); /* by DMA */
    RIG_CHECK(rig, bench.bytes == 1000);
    RIG_CHECK(rig, bench.sum == 4 * 249 * 250 / 2);
}

static void spi(struct rig *rig) {
    use_echo(rig, "import board, busio; s=busio.SPI(board.GP18, board.GP19, board.GP16); s.try_lock()", "24000000");
}

static void spi_on_the_wires(struct rig *rig) {
    probe(rig, 18);
    use_echo(rig, "import board, busio; s=busio.SPI(board.GP18, board.GP19, board.GP16); s.try_lock()", "1000000");
    RIG_CHECK(rig, bench.edges >= 16 * 1015);
}

static void spi_by_hand(struct rig *rig) {
    if (strstr(image, "10.2.1")) { /* its bitbangio.SPI.write() raises OSError 5 before the first edge */
        return;
    }
    use_echo(rig, "import board, bitbangio; s=bitbangio.SPI(board.GP18, board.GP19, board.GP16); s.try_lock()",
             "500000");
}

static void spi_takes_its_time(struct rig *rig) {
    rig_repl(rig, "import board, busio, time; s=busio.SPI(board.GP18, board.GP19, board.GP16); s.try_lock()", 1000);
    rig_repl(rig, "s.configure(baudrate=1000000); b=bytes(10000)", 1000);
    const char *printed = rig_repl(rig, "t=time.monotonic_ns(); s.write(b); (time.monotonic_ns()-t)//1000", 1000);
    int microseconds = printed ? atoi(printed) : 0;
    RIG_CHECK(rig, microseconds > 80000 && microseconds < 92000); /* 8 bits, and the gap of mode 0 */
}

/* What goes out shows on the console too; the answer is asked for apart from it. */
static void send_and_read(struct rig *rig, const char *text) {
    char line[128];
    snprintf(line, sizeof(line), "n=u.write(b'%s'); r=u.read(%zu); time.sleep(0.05)", text, strlen(text));
    rig_repl(rig, line, 1000);
    snprintf(line, sizeof(line), "(%zu, b'%s')\r\n", strlen(text), text);
    RIG_EQUAL(rig, rig_repl(rig, "n, r", 1000), line);
}

static void uart_over_a_wire(struct rig *rig) {
    net_join(machine_gpio(rig->machine, 4), machine_gpio(rig->machine, 5));
    rig_repl(rig, "import board, busio, time", 1000);
    rig_repl(rig, "u=busio.UART(board.GP4, board.GP5, baudrate=38400, timeout=0.1)", 1000);
    send_and_read(rig, "to and fro");
    RIG_EQUAL(rig, rig_repl(rig, "u.read(1)", 1000), "");
    rig_repl(rig, "u.baudrate=1000000", 1000);
    send_and_read(rig, "faster");
}

static void uart_parity(struct rig *rig) {
    net_join(machine_gpio(rig->machine, 4), machine_gpio(rig->machine, 5));
    rig_repl(rig, "import board, busio, time; P=busio.UART.Parity.EVEN", 1000);
    rig_repl(rig, "u=busio.UART(board.GP4, board.GP5, bits=7, parity=P, stop=2, timeout=0.1)", 1000);
    send_and_read(rig, "7E2");
}

/* One controller of the chip writes to the other one as a target. */
static void i2c_target_in_the_chip(struct rig *rig) {
    for (unsigned pin = 0; pin < 2; pin++) {
        bench.pulls[pin].drive = NET_PULL_UP;
        net_attach(machine_gpio(rig->machine, pin), &bench.pulls[pin]);
        net_join(machine_gpio(rig->machine, pin), machine_gpio(rig->machine, pin + 2));
    }
    rig_repl(rig, "import board, busio; from i2ctarget import I2CTarget", 1000);
    rig_repl(rig, "t=I2CTarget(board.GP3, board.GP2, (0x40,)); i=busio.I2C(board.GP1, board.GP0)", 1000);
    RIG_EQUAL(rig, rig_repl(rig, "i.try_lock()", 1000), "True\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "i.writeto(0x40, b'abc'); r=t.request(timeout=0.1); b=r.read(3); b", 2000),
              "bytearray(b'abc')\r\n");
    RIG_EQUAL(rig, rig_repl(rig, "r.address, r.is_read", 1000), "(64, False)\r\n");
}

/* ---- PIO ---- */
struct pixels {
    struct net_listener listener;
    uint64_t rose_ps;
    unsigned bits, odd;
    uint8_t bytes[64];
};

/* WS2812B: a zero is high for 0.4 us, a one for 0.8 us, each 0.15 more or less. Longer levels are those of the pin
 * before and after. */
static void pixel_edge(struct net_listener *listener, struct net *net) {
    struct pixels *pixels = listener->owner;
    uint64_t now = scheduler_due(net->env->scheduler);
    if (net_is_high(net)) {
        pixels->rose_ps = now;
        return;
    }
    uint64_t high_ns = (now - pixels->rose_ps) / PS_PER_NS;
    bool one = high_ns > 600;
    if (pixels->rose_ps && pixels->bits < 8 * sizeof(pixels->bytes) && high_ns < 5000) {
        pixels->odd += one ? high_ns < 650 || high_ns > 950 : high_ns < 250 || high_ns > 550;
        pixels->bytes[pixels->bits / 8] |= (uint8_t)(one << (7 - pixels->bits % 8));
        pixels->bits++;
    }
}

static void neopixels(struct rig *rig) {
    static struct pixels pixels;
    pixels = (struct pixels){ .listener = { .changed = pixel_edge, .owner = &pixels } };
    rig_repl(rig, "import board, digitalio, neopixel_write; p=digitalio.DigitalInOut(board.GP6)", 1000);
    rig_repl(rig, "p.switch_to_output(False)", 1000);
    net_listen(machine_gpio(rig->machine, 6), &pixels.listener);
    RIG_EQUAL(rig, rig_repl(rig, "neopixel_write.neopixel_write(p, bytes(range(0, 240, 7)))", 1000), "");
    RIG_CHECK(rig, pixels.bits == 8 * 35);
    RIG_CHECK(rig, pixels.odd == 0);
    for (unsigned i = 0; i < 35; i++) {
        RIG_CHECK(rig, pixels.bytes[i] == 7 * i);
    }
}

/* pull block; mov isr, ~osr; push block */
static void state_machine(struct rig *rig) {
    rig_repl(rig, "import rp2pio, array; p=array.array('H', (0x80a0, 0xa0cf, 0x8020))", 1000);
    rig_repl(rig, "s=rp2pio.StateMachine(p, frequency=1000000)", 1000);
    RIG_EQUAL(rig,
              rig_repl(rig,
                       "a=array.array('L', range(9)); b=array.array('L', [0]*9); s.write_readinto(a, b); ~b[8]&0xff",
                       1000),
              "8\r\n");
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 2) {
        fprintf(stderr, "usage: test_buses IMAGE\n");
        return 2;
    }
    image = argv[1];
    rig_start(&rig, &(struct rig_desc){ .image = image });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 10000));
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    static const struct rig_case cases[] = {
        { "I2C", i2c },
        { "I2C on the wires", i2c_on_the_wires },
        { "I2C by hand", i2c_by_hand },
        { "I2C without pull-ups", i2c_without_pull_ups },
        { "SPI", spi },
        { "SPI on the wires", spi_on_the_wires },
        { "SPI by hand", spi_by_hand },
        { "SPI takes its time", spi_takes_its_time },
        { "UART over a wire", uart_over_a_wire },
        { "UART parity", uart_parity },
        { "I2C target in the chip", i2c_target_in_the_chip },
        { "NeoPixels", neopixels },
        { "state machine", state_machine },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    return failures != 0;
}
