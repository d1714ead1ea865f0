/* Clock domains: exact cycles, changes of frequency, stops. */
#include "emulator/core/clock.h"
#include "emulator/core/scheduler.h"
#include "tests/unit/unit.h"

static void counts_without_drift(void **state) {
    struct clock_domain clock;
    clock_init(&clock, "clk_sys");
    clock_set_frequency(&clock, 133000000, 1, 0);
    assert_int_equal(clock_cycles_at(&clock, PS_PER_S * 100000), UINT64_C(13300000000000));
    assert_int_equal(clock_time_of(&clock, UINT64_C(13300000000000)), PS_PER_S * 100000);
}

static void time_of_is_the_first_instant(void **state) {
    struct clock_domain clock;
    clock_init(&clock, "clk_sys");
    clock_set_frequency(&clock, 133000000, 1, 0);
    for (uint64_t cycle = 1; cycle < 1000; cycle++) {
        uint64_t ps = clock_time_of(&clock, cycle);
        assert_int_equal(clock_cycles_at(&clock, ps), cycle);
        assert_int_equal(clock_cycles_at(&clock, ps - 1), cycle - 1);
    }
}

static void change_of_frequency_keeps_the_count(void **state) {
    struct clock_domain clock;
    clock_init(&clock, "clk_sys");
    clock_set_frequency(&clock, 6500000, 1, 0);
    clock_set_frequency(&clock, 125000000, 1, PS_PER_S);
    assert_int_equal(clock_cycles_at(&clock, PS_PER_S), 6500000);
    assert_int_equal(clock_cycles_at(&clock, 2 * PS_PER_S), 131500000);
    clock_set_frequency(&clock, 0, 1, 2 * PS_PER_S);
    assert_int_equal(clock_cycles_at(&clock, 3 * PS_PER_S), 131500000);
    assert_int_equal(clock_time_of(&clock, 131500001), TIME_NEVER);
    assert_int_equal(clock_hz(&clock), 0);
}

/* A product of cycles and a period that does not fit 64 bits. */
static void counts_for_months(void **state) {
    struct clock_domain clock;
    clock_init(&clock, "clk_sys");
    clock_set_frequency(&clock, 133000000, 1, 0);
    assert_int_equal(clock_cycles_at(&clock, PS_PER_S * 10000000), UINT64_C(1330000000000000));
    assert_int_equal(clock_time_of(&clock, UINT64_C(1330000000000000)), PS_PER_S * 10000000);
    assert_int_equal(clock_time_of(&clock, UINT64_C(1330000000000001)), PS_PER_S * 10000000 + 7519);
    assert_int_equal(clock_time_of(&clock, UINT64_MAX / 2), TIME_NEVER);
    assert_int_equal(clock_duration(&clock, 2), 15037);
    clock_set_frequency(&clock, 125000000, 1, 0);
    assert_int_equal(clock_duration(&clock, 2), 16000);
    clock_set_frequency(&clock, 0, 1, 0);
    assert_int_equal(clock_duration(&clock, 2), 0);
}

static void derived_clock_is_exact(void **state) {
    struct clock_domain xosc, vco, out;
    clock_init(&xosc, "xosc");
    clock_init(&vco, "vco");
    clock_init(&out, "out");
    clock_set_frequency(&xosc, 12000000, 1, 0);
    clock_derive(&vco, &xosc, 133, 1, 0);
    clock_derive(&out, &vco, 256, 256 * 12 + 77, 0);
    assert_int_equal(clock_hz(&vco), 1596000000);
    assert_int_equal(clock_cycles_at(&out, 3149 * PS_PER_S), UINT64_C(1596000000) * 256);
    clock_derive(&out, &vco, 0, 1, PS_PER_S);
    assert_false(clock_is_running(&out));
    clock_derive(&out, NULL, 1, 1, PS_PER_S);
    assert_false(clock_is_running(&out));
}

/* A cycle that does not end within 64 bits of picoseconds is never, also late in time. */
static void beyond_the_end_of_time_is_never(void **state) {
    struct clock_domain clock;
    uint64_t late = UINT64_MAX - 1000;
    clock_init(&clock, "clk_sys");
    clock_set_frequency(&clock, PS_PER_S / 100, 1, late);
    assert_int_equal(clock_time_of(&clock, 9), late + 900);
    assert_int_equal(clock_time_of(&clock, 11), TIME_NEVER);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_without_drift),
        cmocka_unit_test(time_of_is_the_first_instant),
        cmocka_unit_test(change_of_frequency_keeps_the_count),
        cmocka_unit_test(counts_for_months),
        cmocka_unit_test(derived_clock_is_exact),
        cmocka_unit_test(beyond_the_end_of_time_is_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
