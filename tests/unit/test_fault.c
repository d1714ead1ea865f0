/* Faults as text: what is understood, what is not and what is said then. */
#include "tests/unit/unit.h"

#include "emulator/core/scheduler.h"
#include "emulator/session/fault.h"

#include <string.h>

static struct fault parsed(const char *text) {
    struct fault fault;
    struct error error;
    if (!fault_parse(text, &fault, &error)) {
        fail_msg("%s", error.message);
    }
    return fault;
}

static void refused(const char *text, const char *why) {
    struct fault fault;
    struct error error;
    assert_false(fault_parse(text, &fault, &error));
    if (!strstr(error.message, why)) {
        fail_msg("%s: %s", text, error.message);
    }
}

static void texts_are_understood(void **state) {
    struct fault fault = parsed("i2c-nack:0x3c");
    assert_int_equal(fault.kind, FAULT_I2C_NACK);
    assert_int_equal(fault.address, 0x3c);
    assert_false(fault.off);
    fault = parsed("i2c-stuck:sensor:SDA:off");
    assert_int_equal(fault.kind, FAULT_I2C_STUCK);
    assert_string_equal(fault.name, "sensor:SDA");
    assert_true(fault.off);
    fault = parsed("flash-flip:0x101000,7");
    assert_int_equal(fault.offset, 0x101000);
    assert_int_equal(fault.bit, 7);
    fault = parsed("flash-flip:next,12");
    assert_true(fault.next && fault.count == 12);
    fault = parsed("flash-power");
    assert_true(fault.duration_ps == PS_PER_S);
    fault = parsed("power:1.5s");
    assert_true(fault.duration_ps == 1500 * PS_PER_MS);
    fault = parsed("usb-unplug:20ms");
    assert_true(fault.duration_ps == 20 * PS_PER_MS);
    fault = parsed("usb-stall:0x82,3");
    assert_true(fault.address == 0x82 && fault.count == 3);
    assert_int_equal(parsed("usb-babble").kind, FAULT_USB_BABBLE);
    fault = parsed("brown-out:0.8");
    assert_true(fault.volts == 0.8);
    fault = parsed("adc-noise:A0,0.02");
    assert_string_equal(fault.name, "A0");
    assert_true(fault.volts == 0.02);
    fault = parsed("wire:pico:GP2=btn:1.l");
    assert_string_equal(fault.part, "pico");
    assert_string_equal(fault.name, "GP2");
    assert_string_equal(fault.part2, "btn");
    assert_string_equal(fault.name2, "1.l");
    fault = parsed("stuck:a.b.pressed=1");
    assert_string_equal(fault.part, "a.b");
    assert_string_equal(fault.name, "pressed");
    assert_true(fault.has_value && fault.value == 1);
    fault = parsed("stuck:knob.angle=-1.5");
    assert_true(fault.value == -1.5);
    assert_false(parsed("stuck:btn.pressed").has_value);
    assert_true(parsed("off").kind == FAULT_ALL && parsed("off").off);
}

static void mistakes_name_the_remedy(void **state) {
    refused("i2c-nak:0x3c", "i2c-nak:0x3c: there is no fault \"i2c-nak\"; did you mean \"i2c-nack\"?");
    refused("", "there are i2c-nack, ");
    refused("all", "there is no fault");
    refused("i2c-nack", "say i2c-nack:ADDRESS, such as 0x3c");
    refused("i2c-nack:0x80", "say i2c-nack:ADDRESS");
    refused("i2c-nack:-1", "say i2c-nack:ADDRESS");
    refused("i2c-nack:0x3c,2", "say i2c-nack:ADDRESS");
    refused("flash-flip:0x1000,8", "say flash-flip:OFFSET[,BIT] or next[,COUNT]");
    refused("flash-flip:next,0", "say flash-flip");
    refused("power:5", "say power:a time, such as 500ms, or nothing");
    refused("usb-stall:0x42", "say usb-stall:ENDPOINT");
    refused("usb-babble:1", "say usb-babble");
    refused("brown-out:nan", "say brown-out:VOLTS");
    refused("adc-noise:A0", "say adc-noise:PIN,VOLTS");
    refused("adc-noise:A0,6", "say adc-noise:PIN,VOLTS");
    refused("wire:pico:GP2", "say wire:PART:PIN=PART:PIN");
    refused("wire:=:", "say wire:PART:PIN=PART:PIN");
    refused("stuck:pressed", "say stuck:PART.CONTROL[=VALUE]");
    refused("stuck:btn.pressed=inf", "say stuck:PART.CONTROL[=VALUE]");
    char text[400] = "i2c-stuck:";
    memset(text + 10, 'x', sizeof(text) - 11);
    text[sizeof(text) - 1] = 0;
    refused(text, "too long for a fault");
    text[100] = 0;
    refused(text, "say i2c-stuck:PIN");
}

/* What is written is read again as the same. */
static void format_is_the_reverse(void **state) {
    static const char *const texts[] = {
        "i2c-nack:0x3c",         "i2c-stuck:SDA:off",       "flash-flip:0x101000,7",
        "flash-flip:next,12",    "flash-power:500000000ns", "power:1ns",
        "usb-unplug:20000000ns", "usb-stall:0x82,3",        "usb-babble",
        "brown-out:0.5",         "adc-noise:A0,0.25",       "wire:pico:GP2=btn:1.l",
        "stuck:a.b.pressed=1",   "stuck:btn.pressed:off",   "all:off",
    };
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[FAULT_TEXT];
        struct fault fault = parsed(texts[i]);
        fault_format(&fault, text);
        assert_string_equal(text, texts[i]);
    }
}

static void ends_what_it_names(void **state) {
    struct fault nack = parsed("i2c-nack:0x3c"), off = parsed("i2c-nack:0x3c:off"), other = parsed("i2c-nack:0x3d:off");
    assert_true(fault_is_ended_by(&nack, &off));
    assert_false(fault_is_ended_by(&nack, &other));
    off = parsed("off");
    assert_true(fault_is_ended_by(&nack, &off));
    struct fault noise = parsed("adc-noise:A0,0.1");
    off = parsed("adc-noise:A0:off");
    assert_true(fault_is_ended_by(&noise, &off));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_understood),
        cmocka_unit_test(mistakes_name_the_remedy),
        cmocka_unit_test(format_is_the_reverse),
        cmocka_unit_test(ends_what_it_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
