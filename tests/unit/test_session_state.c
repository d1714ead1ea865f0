/* What a session adds to the snapshot of its machine: faults, wires that have come off, pins driven from outside,
 * supply and USB cable. A session is saved in the middle of something and loaded into a second one with the same
 * project: that one saves the same bytes and has the same future. */
#include "emulator/core/net.h"
#include "emulator/core/scheduler.h"
#include "emulator/project/project.h"
#include "emulator/usbhost/usbhost.h"
#include "peripherals/onchip/adc.h"
#include "peripherals/parts/part.h"
#include "peripherals/parts/w25q.h"
#include "tests/unit/small_session.h"

static const char diagram[] =
    "{\"version\":1,\"parts\":[{\"id\":\"pico\",\"type\":\"wokwi-pi-pico\"},{\"id\":\"sensor\",\"type\":\"as5600\"},"
    "{\"id\":\"btn\",\"type\":\"wokwi-pushbutton\",\"attrs\":{\"bounce\":\"0\"}},"
    "{\"id\":\"r\",\"type\":\"wokwi-resistor\",\"attrs\":{\"value\":\"1000\"}},{\"id\":\"pad\",\"type\":\"touch-pad\"},"
    "{\"id\":\"pot\",\"type\":\"wokwi-potentiometer\"},{\"id\":\"rgb\",\"type\":\"rgb-led\"},"
    "{\"id\":\"bb\",\"type\":\"breadboard-mini\"}],"
    "\"connections\":[[\"sensor:SCL\",\"pico:GP5\"],[\"sensor:SDA\",\"pico:GP4\"],[\"sensor:VCC\",\"pico:3V3\"],"
    "[\"sensor:GND\",\"pico:GND.1\"],[\"btn:1.l\",\"pico:GP15\"],[\"btn:2.l\",\"pico:GND.2\"],"
    "[\"r:1\",\"pico:GP15\"],[\"r:2\",\"pico:3V3\"],[\"pad:PAD\",\"pico:GP7\"],[\"pot:VCC\",\"pico:3V3\"],[\"pot:GND\","
    "\"pico:GND.3\"],[\"pot:SIG\",\"pico:GP26\"],[\"rgb:COM\",\"bb:1t.a\"],[\"bb:1t.e\",\"pico:3V3\"],"
    "[\"rgb:R\",\"bb:2t.a\"],[\"bb:2t.b\",\"pico:GP15\"]]}";

struct pair {
    char folder[32], image[64], saved[64];
    struct session *session[2];
};

static struct machine *machine_of(struct pair *pair, unsigned i) {
    return session_machine(pair->session[i]);
}

static void apply(struct session *session, const struct input *input) {
    struct error error = { "" };
    if (!session_apply(session, input, &error)) {
        fail_msg("%s", error.message);
    }
}

static void fault(struct session *session, const char *text) {
    apply(session, &(struct input){ .kind = INPUT_FAULT, .name = text });
}

/* As long as the board runs. */
static void run(struct session *session, uint64_t ps) {
    session_run(session, session_now(session) + ps);
}

static void open_session(struct pair *pair, unsigned i, const char *load_state) {
    struct error error = { "" };
    const struct session_desc desc = { .project = pair->folder,
                                       .board = "raspberry_pi_pico",
                                       .firmware = load_state ? NULL : pair->image,
                                       .load_state = load_state,
                                       .log = { [LOG_ERROR] = true } };
    pair->session[i] = session_open(&desc, NULL, &error);
    if (!pair->session[i]) {
        fail_msg("%s", error.message);
    }
}

/* The first one. */
static void open_pair(struct pair *pair) {
    char path[64];
    *pair = (struct pair){ .folder = "/tmp/ouroboard-state.XXXXXX" };
    assert_non_null(mkdtemp(pair->folder));
    snprintf(pair->image, sizeof(pair->image), "%s/small.hex", pair->folder);
    snprintf(pair->saved, sizeof(pair->saved), "%s/saved", pair->folder);
    snprintf(path, sizeof(path), "%s/diagram.json", pair->folder);
    small_write_image(pair->image);
    small_write_file(path, diagram, strlen(diagram));
    open_session(pair, 0, NULL);
    run(pair->session[0], PS_PER_MS);
}

static void close_pair(struct pair *pair) {
    for (unsigned i = 0; i < 2; i++) {
        session_close(pair->session[i]);
    }
    nftw(pair->folder, small_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void save(struct machine *machine, uint8_t **ret_bytes, size_t *ret_size) {
    struct error error = { "" };
    if (!machine_save(machine, ret_bytes, ret_size, &error)) {
        fail_msg("%s", error.message);
    }
}

static void expect_same(struct pair *pair) {
    uint8_t *bytes[2];
    size_t size[2], at[2] = { 0, 0 }, length[2];
    char name[2][WALK_NAME];
    const uint8_t *contents[2];
    for (unsigned i = 0; i < 2; i++) {
        save(machine_of(pair, i), &bytes[i], &size[i]);
    }
    while (walk_next_section(bytes[0], size[0], &at[0], name[0], &contents[0], &length[0])) {
        assert_true(walk_next_section(bytes[1], size[1], &at[1], name[1], &contents[1], &length[1]));
        if (length[0] != length[1] || memcmp(contents[0], contents[1], length[0]) != 0) {
            fail_msg("%s differs", name[0]);
        }
    }
    assert_int_equal(size[0], size[1]);
    free(bytes[0]);
    free(bytes[1]);
}

static void load_second(struct pair *pair) {
    struct error error = { "" };
    if (!session_save_state(pair->session[0], pair->saved, &error)) {
        fail_msg("%s", error.message);
    }
    open_session(pair, 1, pair->saved);
    expect_same(pair);
}

/* Into the second one as it is now. */
static void load_again(struct pair *pair) {
    struct error error = { "" };
    uint8_t *bytes;
    size_t size;
    save(machine_of(pair, 0), &bytes, &size);
    if (!machine_load_state(machine_of(pair, 1), bytes, size, &error)) {
        fail_msg("%s", error.message);
    }
    free(bytes);
    expect_same(pair);
}

static void go_on(struct pair *pair, uint64_t ps) {
    for (unsigned i = 0; i < 2; i++) {
        run(pair->session[i], ps);
    }
    expect_same(pair);
}

static void both_fault(struct pair *pair, const char *text) {
    for (unsigned i = 0; i < 2; i++) {
        fault(pair->session[i], text);
    }
    expect_same(pair);
}

static enum net_level level(struct pair *pair, unsigned i, unsigned pin) {
    return machine_gpio(machine_of(pair, i), pin)->level;
}

static void press(struct pair *pair, double down) {
    for (unsigned i = 0; i < 2; i++) {
        apply(pair->session[i],
              &(struct input){ .kind = INPUT_CONTROL, .part = "btn", .name = "pressed", .value = down });
    }
}

static bool refuses(struct pair *pair, unsigned i, uint8_t address) {
    const struct environment *env = machine_gpio(machine_of(pair, i), 0)->env;
    return env->i2c_refuses && env->i2c_refuses(env->i2c_context, address);
}

/* ---- Tests ---- */

static void faults_of_buses_and_pins_go_on_and_end(void **state) {
    struct pair pair;
    open_pair(&pair);
    struct session *session = pair.session[0];
    fault(session, "i2c-nack:0x36");
    fault(session, "i2c-nack:0x37");
    fault(session, "i2c-stuck:GP4");
    fault(session, "adc-noise:GP26,0.02");
    fault(session, "usb-stall:0x82,3");
    fault(session, "flash-flip:next,5");
    load_second(&pair);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(refuses(&pair, i, 0x36) && refuses(&pair, i, 0x37) && !refuses(&pair, i, 0x11));
        assert_int_equal(level(&pair, i, 4), NET_LEVEL_LOW);
        const struct usb_engine *engine = &machine_usbhost(machine_of(&pair, i))->engine;
        assert_int_equal(engine->stalls, 3);
        assert_int_equal(engine->stall_endpoint, 0x82);
        const struct adc *adc = (const struct adc *)machine_block(machine_of(&pair, i), "ADC");
        assert_true(adc->noise_volts[0] == 0.02);
    }
    go_on(&pair, PS_PER_MS);
    fault(pair.session[1], "i2c-nack:0x11");
    fault(pair.session[1], "i2c-stuck:GP5");
    load_again(&pair); /* what has been there is gone */
    assert_false(refuses(&pair, 1, 0x11));
    both_fault(&pair, "i2c-stuck:GP4:off");
    assert_int_equal(level(&pair, 1, 4), NET_LEVEL_HIGH); /* the sensor's pull-up */
    both_fault(&pair, "off");
    assert_false(refuses(&pair, 1, 0x36));
    go_on(&pair, PS_PER_MS);
    close_pair(&pair);
}

static void a_control_that_is_stuck_and_a_wire_that_is_off_stay_so(void **state) {
    struct pair pair;
    open_pair(&pair);
    struct session *session = pair.session[0];
    fault(session, "wire:btn:1.l=pico:GP15");
    fault(session, "stuck:btn.pressed=0");
    load_second(&pair);
    struct error error;
    struct net *end = project_find(session_project(pair.session[1]), "btn", &error)->nets[0];
    assert_false(net_is_joined(end, machine_gpio(machine_of(&pair, 1), 15)));
    press(&pair, 1);
    go_on(&pair, PS_PER_MS);
    both_fault(&pair, "wire:btn:1.l=pico:GP15:off");
    assert_true(net_is_joined(end, machine_gpio(machine_of(&pair, 1), 15)));
    assert_int_not_equal(level(&pair, 1, 15), NET_LEVEL_LOW); /* stuck */
    both_fault(&pair, "stuck:btn.pressed:off");
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(level(&pair, i, 15), NET_LEVEL_LOW);
    }
    go_on(&pair, PS_PER_MS);
    fault(pair.session[0], "wire:btn:1.l=pico:GP15");
    load_again(&pair);
    assert_false(net_is_joined(end, machine_gpio(machine_of(&pair, 1), 15)));
    close_pair(&pair);
}

/* Off when it is saved; and into one that is off. */
static void a_board_without_supply_comes_back(void **state) {
    static const char *const texts[] = { "power:5ms", "usb-unplug:5ms" };
    for (unsigned k = 0; k < 2; k++) {
        struct pair pair;
        open_pair(&pair);
        fault(pair.session[0], texts[k]);
        run(pair.session[0], PS_PER_MS);
        load_second(&pair);
        for (unsigned i = 0; i < 2; i++) {
            assert_true(machine_is_on(machine_of(&pair, i)) == (k == 1));
            assert_true(machine_usb_is_plugged(machine_of(&pair, i)) == (k == 0));
        }
        go_on(&pair, 2 * PS_PER_MS);
        go_on(&pair, 10 * PS_PER_MS);
        assert_true(machine_is_on(machine_of(&pair, 1)) && machine_usb_is_plugged(machine_of(&pair, 1)));
        apply(pair.session[1], &(struct input){ .kind = INPUT_POWER });
        load_again(&pair);
        assert_true(machine_is_on(machine_of(&pair, 1)));
        go_on(&pair, 10 * PS_PER_MS);
        close_pair(&pair);
    }
}

static void begin_erase(struct w25q *chip) {
    static const uint8_t erase[] = { 0x20, 0x10, 0x10, 0 }, enable = 0x06;
    w25q_select(chip, true);
    w25q_transfer(chip, enable);
    w25q_select(chip, false);
    w25q_select(chip, true);
    for (unsigned i = 0; i < sizeof(erase); i++) {
        w25q_transfer(chip, erase[i]);
    }
    w25q_select(chip, false);
}

/* Saved before the operation, and amid it, when the moment at which the supply goes has been chosen. */
static void the_supply_goes_at_the_same_moment_of_an_erase(void **state) {
    for (unsigned amid = 0; amid < 2; amid++) {
        struct pair pair;
        open_pair(&pair);
        memset(machine_flash(machine_of(&pair, 0))->contents + 0x101000, 0, 4096);
        fault(pair.session[0], "flash-power:5ms");
        if (amid) {
            begin_erase(machine_flash(machine_of(&pair, 0)));
            run(pair.session[0], PS_PER_US);
        }
        load_second(&pair);
        for (unsigned i = 0; i < 2 && !amid; i++) {
            begin_erase(machine_flash(machine_of(&pair, i)));
        }
        for (unsigned i = 0; i < 60 && machine_is_on(machine_of(&pair, 1)); i++) {
            go_on(&pair, PS_PER_MS);
        }
        assert_false(machine_is_on(machine_of(&pair, 1)));
        const uint8_t *sector = machine_flash(machine_of(&pair, 1))->contents + 0x101000;
        unsigned set = 0;
        for (unsigned i = 0; i < 4096; i++) {
            set += (unsigned)__builtin_popcount(sector[i]);
        }
        assert_in_range(set, 1, 8 * 4096 - 1); /* half done */
        go_on(&pair, 10 * PS_PER_MS);
        assert_true(machine_is_on(machine_of(&pair, 1)));
        close_pair(&pair);
    }
}

static void pins_driven_from_outside_and_charged_ones_stay_so(void **state) {
    struct pair pair;
    open_pair(&pair);
    struct session *session = pair.session[0];
    const struct input inputs[] = {
        { .kind = INPUT_PIN, .name = "GP2", .index = INPUT_HIGH },
        { .kind = INPUT_PIN, .name = "GP26", .index = INPUT_VOLTS, .value = 1.25 },
        { .kind = INPUT_PIN, .name = "GP7", .index = INPUT_HIGH },
        { .kind = INPUT_PIN, .name = "GP7", .index = INPUT_PULL_DOWN },
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        apply(session, &inputs[i]);
    }
    assert_int_equal(level(&pair, 0, 7), NET_LEVEL_HIGH); /* the pad's charge */
    load_second(&pair);
    assert_int_equal(level(&pair, 1, 2), NET_LEVEL_HIGH);
    go_on(&pair, PS_PER_MS);
    assert_int_equal(level(&pair, 1, 3), NET_LEVEL_HIGH); /* the program's answer */
    assert_int_equal(level(&pair, 1, 7), NET_LEVEL_LOW);
    for (unsigned i = 0; i < 2; i++) {
        apply(pair.session[i], &(struct input){ .kind = INPUT_PIN, .name = "GP2", .index = INPUT_LOW });
    }
    go_on(&pair, PS_PER_MS);
    assert_int_equal(level(&pair, 1, 3), NET_LEVEL_LOW);
    close_pair(&pair);
}

/* A snapshot may say anything. */
static void a_fault_that_cannot_be_here_is_refused(void **state) {
    static const char from[] = "i2c-stuck:GP4";
    static const char *const to[] = { "i2c-stuck:GP\n", "i2c-nack:4::", "i2c-stuck:off", "no-such:fault" };
    for (unsigned k = 0; k < sizeof(to) / sizeof(to[0]); k++) {
        struct pair pair;
        struct error error = { "" };
        uint8_t *bytes;
        size_t size, at = 0;
        open_pair(&pair);
        fault(pair.session[0], from);
        save(machine_of(&pair, 0), &bytes, &size);
        while (at + sizeof(from) < size && memcmp(bytes + at, from, sizeof(from)) != 0) {
            at++;
        }
        assert_true(at + sizeof(from) < size);
        memcpy(bytes + at, to[k], strlen(to[k]) + 1);
        pair.session[1] = NULL;
        assert_false(machine_load_state(machine_of(&pair, 0), bytes, size, &error));
        assert_int_equal(strncmp(error.message, "faults: ", 8), 0);
        assert_null(strchr(error.message, '\n'));
        free(bytes);
        close_pair(&pair);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_buses_and_pins_go_on_and_end),
        cmocka_unit_test(a_control_that_is_stuck_and_a_wire_that_is_off_stay_so),
        cmocka_unit_test(a_board_without_supply_comes_back),
        cmocka_unit_test(the_supply_goes_at_the_same_moment_of_an_erase),
        cmocka_unit_test(pins_driven_from_outside_and_charged_ones_stay_so),
        cmocka_unit_test(a_fault_that_cannot_be_here_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
