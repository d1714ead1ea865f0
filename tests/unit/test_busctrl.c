/* BUSCTRL's performance counters: RP2040 datasheet 2.1.5 (select, 24 bits, saturating, any write clears), RP2350's
 * enable. */
#include "peripherals/onchip/busctrl.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define APB 0x40000000u
#define FAST 0x50000000u
#define EVENT_APB 1
#define EVENT_FAST 3

struct bench {
    struct stage stage;
    struct bus bus;
    struct block *apb, *fast, *block;
};

static struct bench *make(const struct register_table *table) {
    struct bench *bench = calloc(1, sizeof(*bench));
    stage_init(&bench->stage);
    assert_true(bus_init(&bench->bus, &bench->stage.env));
    bench->apb = block_create(&storage_class, "APB", &bench->stage.env, &rp2040_busctrl_registers);
    bench->fast = block_create(&storage_class, "FAST", &bench->stage.env, &rp2040_busctrl_registers);
    bench->block = block_create(&busctrl_class, "BUSCTRL", &bench->stage.env, table);
    assert_true(bus_add_block(&bench->bus, bench->apb, APB, true));
    assert_true(bus_add_block(&bench->bus, bench->fast, FAST, true));
    struct busctrl *busctrl = (struct busctrl *)bench->block;
    busctrl->bus = &bench->bus;
    busctrl->events[BUS_APB] = EVENT_APB;
    busctrl->events[BUS_FASTPERI] = EVENT_FAST;
    block_start(bench->block);
    return bench;
}

static int set_up(void **state) {
    *state = make(&rp2040_busctrl_registers);
    return 0;
}

static int set_up_rp2350(void **state) {
    *state = make(&rp2350_busctrl_registers);
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    block_destroy(bench->apb);
    block_destroy(bench->fast);
    block_destroy(bench->block);
    bus_finish(&bench->bus);
    free(bench);
    return 0;
}

static void access_times(struct bench *bench, uint32_t base, unsigned times) {
    uint32_t value;
    for (unsigned i = 0; i < times; i++) {
        assert_true(i & 1 ? bus_read(&bench->bus, base, 4, &value) : bus_write(&bench->bus, base, i, 4));
    }
}

static void test_counts_what_is_selected(void **state) {
    struct bench *bench = *state;
    wr(bench->block, BUSCTRL_PERFSEL0, EVENT_APB);
    wr(bench->block, BUSCTRL_PERFSEL3, EVENT_FAST);
    access_times(bench, APB, 5);
    access_times(bench, FAST, 7);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 5);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR3), 7);
    wr(bench->block, BUSCTRL_PERFCTR0, 0x123);
    access_times(bench, APB, 2);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 2);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR3), 7);
    assert_int_equal(bench->stage.log.count[LOG_STUB], 0);
}

/* A counter keeps what it has when it is given another event. */
static void test_another_event_counts_on(void **state) {
    struct bench *bench = *state;
    access_times(bench, APB, 4);
    wr(bench->block, BUSCTRL_PERFSEL1, EVENT_APB);
    access_times(bench, APB, 3);
    wr(bench->block, BUSCTRL_PERFSEL1, EVENT_FAST);
    access_times(bench, APB, 10);
    access_times(bench, FAST, 1);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR1), 4);
}

static void test_saturates(void **state) {
    struct bench *bench = *state;
    wr(bench->block, BUSCTRL_PERFSEL0, EVENT_APB);
    bench->bus.accesses[BUS_APB] += 0xfffffe;
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 0xfffffe);
    access_times(bench, APB, 5);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 0xffffff);
}

static void test_other_events_say_so(void **state) {
    struct bench *bench = *state;
    wr(bench->block, BUSCTRL_PERFSEL0, 0x13); /* ROM */
    access_times(bench, APB, 2);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 0);
    assert_int_equal(bench->stage.log.count[LOG_STUB], 1);
    assert_false(bench->bus.sees_all); /* nobody pays for it */
}

static void test_rp2350_counts_while_enabled(void **state) {
    struct bench *bench = *state;
    wr(bench->block, BUSCTRL_PERFSEL0, EVENT_APB);
    access_times(bench, APB, 3);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 0);
    assert_false(bench->bus.sees_all);
    wr(bench->block, BUSCTRL_PERFCTR_EN, 1);
    access_times(bench, APB, 6);
    wr(bench->block, BUSCTRL_PERFCTR_EN, 0);
    access_times(bench, APB, 3);
    assert_int_equal(rd(bench->block, BUSCTRL_PERFCTR0), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_counts_what_is_selected),
        TEST(test_another_event_counts_on),
        TEST(test_saturates),
        TEST(test_other_events_say_so),
        cmocka_unit_test_setup_teardown(test_rp2350_counts_while_enabled, set_up_rp2350, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
