/* Displays and sensors at the pins of a real image, driven by Adafruit's libraries: an SSD1306 and an AS5600 on one I2C
 * bus, an ST7789 on SPI by displayio. What the glass shows is compared with a rendering of our own, pixel by pixel.
 *
 * usage: test_displays IMAGE FETCH_LIBRARIES */
#include "peripherals/parts/part.h"
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/ouroboard-displays-XXXXXX";
static uint8_t font[2 + 256 * 5];

/* ---- Programs ---- */
static const char angle_program[] = "import board\n"
                                    "import busio\n"
                                    "import time\n"
                                    "import adafruit_ssd1306\n"
                                    "i2c = busio.I2C(board.GP1, board.GP0, frequency=400_000)\n"
                                    "oled = adafruit_ssd1306.SSD1306_I2C(128, 64, i2c)\n"
                                    "def read_angle(i2c_bus):\n"
                                    "    while not i2c_bus.try_lock():\n"
                                    "        pass\n"
                                    "    try:\n"
                                    "        buf = bytearray(2)\n"
                                    "        i2c_bus.writeto_then_readfrom(0x36, bytes([0x0C]), buf)\n"
                                    "    finally:\n"
                                    "        i2c_bus.unlock()\n"
                                    "    return ((buf[0] << 8) | buf[1]) * 360.0 / 4096.0\n"
                                    "WINDOW = 10\n"
                                    "readings = [0.0] * WINDOW\n"
                                    "idx = 0\n"
                                    "while True:\n"
                                    "    readings[idx] = read_angle(i2c)\n"
                                    "    idx = (idx + 1) % WINDOW\n"
                                    "    avg = sum(readings) / WINDOW\n"
                                    "    oled.fill(0)\n"
                                    "    oled.text(f\"{avg:6.1f} deg\", 16, 24, 1, size=2)\n"
                                    "    oled.show()\n"
                                    "    time.sleep(0.05)\n";

static const char spi_oled_program[] =
    "import board, busio, digitalio, adafruit_ssd1306\n"
    "spi = busio.SPI(board.GP18, board.GP19)\n"
    "dc, reset, cs = (digitalio.DigitalInOut(pin) for pin in (board.GP16, board.GP20, board.GP17))\n"
    "oled = adafruit_ssd1306.SSD1306_SPI(128, 32, spi, dc, reset, cs)\n"
    "oled.fill(0)\n"
    "oled.text('OK', 3, 9, 1)\n"
    "oled.invert(True)\n"
    "oled.show()\n";

/* The scene: background, text, circle, rectangle. `dump` prints the text's place and its pixels by rows. */
static const char scene_program[] =
    "import board, busio, displayio, fourwire, terminalio, vectorio\n"
    "from adafruit_display_text import label\n"
    "from adafruit_st7789 import ST7789\n"
    "def palette(colour):\n"
    "    p = displayio.Palette(1)\n"
    "    p[0] = colour\n"
    "    return p\n"
    "spi = busio.SPI(clock=board.GP18, MOSI=board.GP19)\n"
    "def show(width, height, rotation, rowstart, colstart, shapes=True):\n"
    "    displayio.release_displays()\n"
    "    bus = fourwire.FourWire(spi, command=board.GP16, chip_select=board.GP17, reset=board.GP20)\n"
    "    display = ST7789(bus, width=width, height=height, rotation=rotation, rowstart=rowstart, colstart=colstart,\n"
    "                     auto_refresh=False)\n"
    "    splash = displayio.Group()\n"
    "    display.root_group = splash\n"
    "    bitmap = displayio.Bitmap(width, height, 1)\n"
    "    splash.append(displayio.TileGrid(bitmap, pixel_shader=palette(0x000033)))\n"
    "    text = label.Label(terminalio.FONT, text='Angle: 45.0', color=0xFFFF00, x=20, y=67)\n"
    "    splash.append(text)\n"
    "    text.text = 'Angle: 90.0'\n"
    "    splash.append(vectorio.Circle(pixel_shader=palette(0xFF0000), radius=20, x=100, y=110))\n"
    "    splash.append(vectorio.Rectangle(pixel_shader=palette(0x00FF80), width=50, height=30, x=10, y=10))\n"
    "    display.refresh()\n"
    "    return text\n"
    "def dump(text):\n"
    "    x, y, w, h = text.bounding_box\n"
    "    print('box', text.x + x, text.y + y)\n"
    "    glyphs = [terminalio.FONT.get_glyph(ord(c)) for c in text.text]\n"
    "    for row in range(h):\n"
    "        print('row', ''.join(str(g.bitmap[g.tile_index * g.width + i, row]) for g in glyphs for i in "
    "range(g.width)))\n";

/* ---- Parts ---- */
static struct part *place(struct rig *rig, const char *type, const char *size) {
    struct error error = { "" };
    const struct part_class *class = part_class_find(type);
    struct part *part = class ? part_create(class, type, machine_gpio(rig->machine, 0)->env, &error) : NULL;
    rig_check(rig, part && (!size || part_set_attribute(part, "size", size, &error)), error.message, __FILE__,
              __LINE__);
    return part;
}

static void wire(struct rig *rig, struct part *part, const char *pin, unsigned gpio) {
    struct error error = { "" };
    bool ok = part_connect(part, pin, machine_gpio(rig->machine, gpio), &error);
    rig_check(rig, ok, error.message, __FILE__, __LINE__);
}

static struct part *power(struct rig *rig, struct part *part) {
    struct error error = { "" };
    bool ok = part_start(part, &error);
    rig_check(rig, ok, error.message, __FILE__, __LINE__);
    return part;
}

static void set(struct rig *rig, struct part *part, const char *control, double value) {
    struct error error = { "" };
    bool ok = part_set(part, control, value, &error);
    rig_check(rig, ok, error.message, __FILE__, __LINE__);
}

/* A net that is a supply rail, with resistors from it to both lines of the bus. */
static void pull_up(struct rig *rig, unsigned gpio) {
    static struct net rails[2];
    struct net *rail = &rails[gpio];
    struct error error;
    net_init(rail, "3V3", machine_gpio(rig->machine, 0)->env);
    struct part *vcc = place(rig, "vcc", NULL), *resistor = place(rig, "resistor", NULL);
    part_connect(vcc, "VCC", rail, &error);
    part_connect(resistor, "1", rail, &error);
    part_set_attribute(resistor, "value", "4.7k", &error);
    wire(rig, resistor, "2", gpio);
    power(rig, vcc);
    power(rig, resistor);
}

static struct part *on_i2c(struct rig *rig, const char *type) {
    struct part *part = place(rig, type, NULL);
    wire(rig, part, "SDA", 0);
    wire(rig, part, "SCL", 1);
    return power(rig, part);
}

static struct part *on_spi(struct rig *rig, const char *type, const char *size) {
    static const struct {
        const char *pin;
        unsigned gpio;
    } wires[] = { { "SCL", 18 }, { "SDA", 19 }, { "DC", 16 }, { "CS", 17 }, { "RST", 20 } };
    struct part *part = place(rig, type, size);
    for (unsigned i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
        wire(rig, part, wires[i].pin, wires[i].gpio);
    }
    return power(rig, part);
}

/* ---- Pictures ---- */
struct picture {
    unsigned width, height;
    uint32_t pixels[240 * 320];
};

static void compare(struct rig *rig, struct part *part, const struct picture *expected, unsigned width,
                    unsigned height) {
    const struct part_view *view = part_view(part, 0);
    RIG_CHECK(rig, view->screen.on && view->screen.width == expected->width);
    RIG_CHECK(rig, view->screen.height == expected->height);
    unsigned wrong = 0;
    for (unsigned i = 0; i < width * height; i++) {
        unsigned x = i % width, y = i / width, at = y * expected->width + x;
        if (view->screen.pixels[at] != expected->pixels[at] && wrong++ < 5) {
            fprintf(stderr, "    (%u,%u): %06x instead of %06x\n", x, y, view->screen.pixels[at], expected->pixels[at]);
        }
    }
    RIG_CHECK(rig, wrong == 0);
}

static void draw_text(struct picture *picture, const char *text, unsigned x0, unsigned y0, unsigned size) {
    for (unsigned i = 0; text[i]; i++) {
        for (unsigned dot = 0; dot < 5 * 8 * size * size; dot++) {
            unsigned dx = dot % (5 * size), dy = dot / (5 * size), x = x0 + i * 6 * size + dx;
            bool lit = font[2 + (uint8_t)text[i] * 5 + dx / size] >> (dy / size) & 1;
            if (lit && x < picture->width) {
                picture->pixels[(y0 + dy) * picture->width + x] = 0xffffff;
            }
        }
    }
}

/* ---- The OLED ---- */
static void expect_angle(struct rig *rig, struct part *oled, const char *text) {
    static struct picture expected;
    expected = (struct picture){ .width = 128, .height = 64 };
    draw_text(&expected, text, 16, 24, 2);
    compare(rig, oled, &expected, 128, 64);
}

/* Ten readings are averaged, 20 a second at the most. */
static void angle_on_the_oled(struct rig *rig) {
    pull_up(rig, 0);
    pull_up(rig, 1);
    struct part *oled = on_i2c(rig, "ssd1306"), *sensor = on_i2c(rig, "as5600");
    set(rig, sensor, "angle", 45);
    rig_type(rig, "import angle\r");
    rig_run(rig, 3000);
    expect_angle(rig, oled, "  45.0 deg");
    set(rig, sensor, "angle", 359.9);
    rig_run(rig, 2000);
    expect_angle(rig, oled, " 359.9 deg");
    set(rig, sensor, "angle", 0);
    rig_run(rig, 2000);
    expect_angle(rig, oled, "   0.0 deg");
}

static void oled_on_spi(struct rig *rig) {
    static struct picture expected = { .width = 128, .height = 32 };
    struct part *oled = on_spi(rig, "ssd1306", "128x32");
    RIG_EQUAL(rig, rig_repl(rig, "import oled", 3000), "");
    draw_text(&expected, "OK", 3, 9, 1);
    for (unsigned i = 0; i < 128 * 32; i++) {
        expected.pixels[i] ^= 0xffffff;
    }
    compare(rig, oled, &expected, 128, 32);
}

/* ---- The TFT ---- */
static struct {
    unsigned x, y, width, height;
    char rows[32][128];
} text;

static void take_text(struct rig *rig, const char *printed) {
    const char *row = printed ? strstr(printed, "box ") : NULL;
    RIG_CHECK(rig, row && sscanf(row, "box %u %u", &text.x, &text.y) == 2);
    for (text.height = 0; text.height < 32 && (row = strstr(row, "row ")); text.height++, row++) {
        sscanf(row, "row %127s", text.rows[text.height]);
    }
    text.width = (unsigned)strlen(text.rows[0]);
    RIG_CHECK(rig, text.height > 5 && text.width == 11 * 6);
}

/* As the panel has it: 16 bits in, 18 shown. */
static uint32_t shown(uint32_t rgb) {
    uint32_t red = rgb >> 19 & 31, green = rgb >> 10 & 63, blue = rgb >> 3 & 31;
    red = red << 1 | red >> 4;
    blue = blue << 1 | blue >> 4;
    return (red << 2 | red >> 4) << 16 | (green << 2 | green >> 4) << 8 | (blue << 2 | blue >> 4);
}

/* Before 9.2.2 vectorio's shapes lie a pixel off where a rotation mirrors an axis (CircuitPython issue 8742). */
static bool shapes_slip;

static uint32_t scene(int x, int y, bool x_mirrored, bool y_mirrored) {
    int sx = x + (shapes_slip && x_mirrored), sy = y + (shapes_slip && y_mirrored);
    int dx = sx - 100, dy = sy - 110, tx = x - (int)text.x, ty = y - (int)text.y;
    if (sx >= 10 && sx < 60 && sy >= 10 && sy < 40) {
        return shown(0x00ff80);
    }
    if (dx * dx + dy * dy <= 20 * 20) {
        return shown(0xff0000);
    }
    if (tx >= 0 && ty >= 0 && tx < (int)text.width && ty < (int)text.height && text.rows[ty][tx] == '1') {
        return shown(0xffff00);
    }
    return shown(0x000033);
}

/* The scene as it comes to a glass of this size that stands upright at rotation 0. */
static void render(struct picture *picture, unsigned width, unsigned height, unsigned rotation) {
    int right = (int)width - 1, bottom = (int)height - 1;
    picture->width = width;
    picture->height = height;
    for (unsigned i = 0; i < width * height; i++) {
        int x = (int)(i % width), y = (int)(i / width);
        switch (rotation) {
        case 0:
            picture->pixels[i] = scene(x, y, false, false);
            break;
        case 90: /* clockwise */
            picture->pixels[i] = scene(y, right - x, false, true);
            break;
        case 180:
            picture->pixels[i] = scene(right - x, bottom - y, true, true);
            break;
        default:
            picture->pixels[i] = scene(bottom - y, x, true, false);
            break;
        }
    }
}

/* As a landscape glass shows it: rotation 270, mounted upright. */
static void render_landscape(struct picture *picture, unsigned width, unsigned height) {
    picture->width = width;
    picture->height = height;
    for (unsigned i = 0; i < width * height; i++) {
        picture->pixels[i] = scene((int)(i % width), (int)(i / width), true, false);
    }
}

static void show_scene(struct rig *rig, unsigned width, unsigned height, unsigned rotation, unsigned row,
                       unsigned column) {
    char line[128];
    RIG_EQUAL(rig, rig_repl(rig, "import scene", 5000), "");
    snprintf(line, sizeof(line), "t = scene.show(%u, %u, %u, %u, %u)", width, height, rotation, row, column);
    RIG_EQUAL(rig, rig_repl(rig, line, 10000), "");
    take_text(rig, rig_repl(rig, "scene.dump(t)", 10000));
}

static void all_rotations(struct rig *rig, const char *size, unsigned width, unsigned height, unsigned row,
                          unsigned column) {
    static struct picture expected;
    struct part *tft = on_spi(rig, "st7789", size);
    for (unsigned rotation = 0; rotation < 360; rotation += 90) {
        bool upright = rotation % 180 == 0;
        show_scene(rig, upright ? width : height, upright ? height : width, rotation, row, column);
        render(&expected, width, height, rotation);
        compare(rig, tft, &expected, width, height);
    }
}

static void square_tft(struct rig *rig) {
    all_rotations(rig, "240x240", 240, 240, 80, 0);
}

static void narrow_tft(struct rig *rig) {
    all_rotations(rig, "135x240", 135, 240, 40, 53);
}

static void whole_tft(struct rig *rig) {
    all_rotations(rig, "240x320", 240, 320, 0, 0);
}

/* Mounted for rotation 270, as the drivers' examples have it. */
static void landscape_tft(struct rig *rig) {
    static struct picture expected;
    struct part *tft = on_spi(rig, "st7789", "240x135");
    show_scene(rig, 240, 135, 270, 40, 53);
    render_landscape(&expected, 240, 135);
    compare(rig, tft, &expected, 240, 135);
}

/* Without a rotation only the part that lies on the glass is seen; the rest has never been written. */
static void unrotated_tft(struct rig *rig) {
    static struct picture expected;
    struct part *tft = on_spi(rig, "st7789", "135x240");
    show_scene(rig, 240, 135, 0, 40, 53);
    render(&expected, 135, 240, 0);
    compare(rig, tft, &expected, 135, 135);
}

/* ---- Inputs and a light ---- */
static void potentiometer_and_led(struct rig *rig) {
    struct part *pot = place(rig, "potentiometer", NULL), *led = place(rig, "led", NULL);
    struct net rails[2];
    struct error error;
    static const char *const types[] = { "gnd", "vcc" }, *const pins[] = { "GND", "VCC" };
    for (unsigned i = 0; i < 2; i++) {
        struct part *rail = place(rig, types[i], NULL);
        net_init(&rails[i], pins[i], machine_gpio(rig->machine, 0)->env);
        part_connect(rail, pins[i], &rails[i], &error);
        part_connect(pot, pins[i], &rails[i], &error);
        power(rig, rail);
    }
    part_connect(led, "C", &rails[0], &error);
    wire(rig, led, "A", 15);
    wire(rig, pot, "SIG", 26);
    power(rig, pot);
    power(rig, led);
    set(rig, pot, "position", 0.25);
    RIG_EQUAL(rig, rig_repl(rig, "import board, analogio, pwmio; a=analogio.AnalogIn(board.A0)", 1000), "");
    const char *printed = rig_repl(rig, "a.value", 1000);
    int value = printed ? atoi(printed) : 0;
    RIG_CHECK(rig, value > 16384 - 300 && value < 16384 + 300);
    RIG_EQUAL(rig, rig_repl(rig, "p=pwmio.PWMOut(board.GP15, frequency=1000, duty_cycle=a.value)", 1000), "");
    rig_run(rig, 100);
    double brightness = part_view(led, 0)->light.brightness;
    RIG_CHECK(rig, brightness > 0.24 && brightness < 0.26);
}

/* ---- The drive ---- */
static void put_file(const char *name, const char *contents) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(contents, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void fill_drive(const char *fetch_libraries) {
    char command[1024];
    if (!mkdtemp(folder)) {
        perror(folder);
        exit(1);
    }
    snprintf(command, sizeof(command), "'%s' '%s' ssd1306 framebuf busdevice st7789 display-text", fetch_libraries,
             folder);
    if (system(command) != 0) {
        bool ci = getenv("CI") != NULL;
        fprintf(stderr, "%s: Adafruit's libraries cannot be fetched\n", ci ? "FAILED" : "skipped");
        rmdir(folder);
        exit(ci ? 1 : RIG_SKIP);
    }
    put_file("angle.py", angle_program);
    put_file("oled.py", spi_oled_program);
    put_file("scene.py", scene_program);
    put_file("code.py", "");
}

static void read_font(void) {
    char path[256];
    snprintf(path, sizeof(path), "%s/font5x8.bin", folder);
    FILE *file = fopen(path, "rb");
    if (!file || fread(font, 1, sizeof(font), file) != sizeof(font)) {
        perror(path);
        exit(1);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    static struct rig rig;
    if (argc != 3) {
        fprintf(stderr, "usage: test_displays IMAGE FETCH_LIBRARIES\n");
        return 2;
    }
    rig_image_path(argv[1]);
    shapes_slip = strstr(argv[1], "9.2.1") != NULL;
    fill_drive(argv[2]);
    read_font();
    rig_start(&rig, &(struct rig_desc){ .image = argv[1], .drive = folder });
    RIG_CHECK(&rig, rig_expect(&rig, "Press any key to enter the REPL", 20000));
    rig_type(&rig, "\r");
    RIG_CHECK(&rig, rig_expect(&rig, ">>> ", 2000));
    static const struct rig_case cases[] = {
        { "the angle on the OLED", angle_on_the_oled }, { "OLED on SPI", oled_on_spi },
        { "TFT 240x240 in all rotations", square_tft }, { "TFT 135x240 in all rotations", narrow_tft },
        { "TFT 240x320 in all rotations", whole_tft },  { "TFT 240x135", landscape_tft },
        { "TFT without rotation", unrotated_tft },      { "potentiometer and LED", potentiometer_and_led },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(cases[0]));
    rig_stop(&rig);
    char command[1024];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) != 0 || failures != 0;
}
