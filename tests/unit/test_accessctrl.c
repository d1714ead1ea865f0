/* RP2350 datasheet 10.6 and 10.9: passwords and locks of ACCESSCTRL and of the glitch detector. */
#include "peripherals/onchip/accessctrl.h"
#include "peripherals/onchip/glitch_detector.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define PASS 0xacce0000u

struct fixture {
    struct stage stage;
    struct block *access;
    struct glitch_detector *detector;
    unsigned fired;
};

static void fire(void *context) {
    ((struct fixture *)context)->fired++;
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    f->access = block_create(&accessctrl_class, "ACCESSCTRL", &f->stage.env, &rp2350_accessctrl_registers);
    f->detector = (struct glitch_detector *)block_create(&glitch_detector_class, "GLITCH_DETECTOR", &f->stage.env,
                                                         &rp2350_glitch_detector_registers);
    f->detector->fire = fire;
    f->detector->context = f;
    block_start(f->access);
    block_start(&f->detector->block);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->access);
    block_destroy(&f->detector->block);
    free(f);
    return 0;
}

static void password(void **state) {
    struct fixture *f = *state;
    wr(f->access, ACCESSCTRL_PIO0, 0xff);
    assert_int_equal(rd(f->access, ACCESSCTRL_PIO0), 0xfc);
    wr(f->access, ACCESSCTRL_PIO0, PASS | 0xff);
    assert_int_equal(rd(f->access, ACCESSCTRL_PIO0), 0xff);
    wr(f->access, ACCESSCTRL_GPIO_NSMASK0, 0x12345678); /* all 32 bits are data */
    assert_int_equal(rd(f->access, ACCESSCTRL_GPIO_NSMASK0), 0x12345678);
    wr(f->access, ACCESSCTRL_CFGRESET, PASS | 1);
    assert_int_equal(rd(f->access, ACCESSCTRL_PIO0), 0xfc);
    assert_int_equal(rd(f->access, ACCESSCTRL_GPIO_NSMASK0), 0);
}

static void a_master_can_be_locked_out(void **state) {
    struct fixture *f = *state;
    wr(f->access, ACCESSCTRL_LOCK, PASS | ACCESSCTRL_LOCK_CORE1);
    wr(f->access, ACCESSCTRL_UART0, PASS | 0xff);
    assert_int_equal(rd(f->access, ACCESSCTRL_UART0), 0xff);
    f->stage.env.core = 1;
    wr(f->access, ACCESSCTRL_UART0, PASS | 0xfc);
    wr(f->access, ACCESSCTRL_LOCK, PASS | ACCESSCTRL_LOCK_CORE0);
    assert_int_equal(rd(f->access, ACCESSCTRL_UART0), 0xff);
    f->stage.env.core = 0;
    wr(f->access, ACCESSCTRL_LOCK, PASS);
    assert_int_equal(rd(f->access, ACCESSCTRL_LOCK), ACCESSCTRL_LOCK_CORE1 | ACCESSCTRL_LOCK_DMA);
}

static void detector_triggers_when_armed(void **state) {
    struct fixture *f = *state;
    struct block *b = &f->detector->block;
    wr(b, GLITCH_DETECTOR_TRIG_FORCE, 2);
    assert_int_equal(rd(b, GLITCH_DETECTOR_TRIG_STATUS), 2);
    assert_int_equal(f->fired, 0);
    wr(b, GLITCH_DETECTOR_ARM, 0);
    wr(b, GLITCH_DETECTOR_TRIG_FORCE, 1);
    assert_int_equal(f->fired, 1);
    wr(b, GLITCH_DETECTOR_TRIG_STATUS, 3);
    assert_int_equal(rd(b, GLITCH_DETECTOR_TRIG_STATUS), 0);
}

static void detector_can_be_locked(void **state) {
    struct block *b = &((struct fixture *)*state)->detector->block;
    wr(b, GLITCH_DETECTOR_SENSITIVITY, 0xde00aa55);
    wr(b, GLITCH_DETECTOR_LOCK, 1);
    wr(b, GLITCH_DETECTOR_LOCK, 0);
    wr(b, GLITCH_DETECTOR_SENSITIVITY, 0);
    wr(b, GLITCH_DETECTOR_ARM, 0);
    assert_int_equal(rd(b, GLITCH_DETECTOR_LOCK), 1);
    assert_int_equal(rd(b, GLITCH_DETECTOR_SENSITIVITY), 0xde00aa55);
    assert_int_equal(rd(b, GLITCH_DETECTOR_ARM), 0x5bad);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(password),
        TEST(a_master_can_be_locked_out),
        TEST(detector_triggers_when_armed),
        TEST(detector_can_be_locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
