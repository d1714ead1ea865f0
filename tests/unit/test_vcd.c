/* Value change dumps: IEEE 1364-2005, 18.2, within what sigrok 0.5.2 reads. */
#include "tests/unit/unit.h"

#include "emulator/core/scheduler.h"
#include "emulator/debug/vcd.h"

#include <string.h>

static char file[4096];

static void take(void *context, const char *text, size_t size) {
    strncat(file, text, size);
}

static void writes_levels_and_an_end(void **state) {
    struct scheduler scheduler;
    struct environment env = { .scheduler = &scheduler };
    struct net a, b;
    struct net_driver driver = { .drive = NET_LOW };
    file[0] = 0;
    scheduler_init(&scheduler);
    net_init(&a, "GP0", &env);
    net_init(&b, "GP1", &env);
    net_attach(&a, &driver);
    struct vcd *vcd = vcd_create(take, NULL);
    assert_true(vcd_add(vcd, "gpio", "GP0", &a) && vcd_add(vcd, "diagram", "oled 1.SDA", &b));
    assert_true(net_is_watched(&a, NULL));
    vcd_start(vcd);
    scheduler_advance(&scheduler, 1500 * PS_PER_NS + 7);
    net_drive(&driver, NET_HIGH);
    scheduler_advance(&scheduler, 2000 * PS_PER_NS);
    net_drive(&driver, NET_Z);
    vcd_destroy(vcd);
    assert_false(net_is_watched(&a, NULL));
    assert_string_equal(file, "$version ouroboard $end\n$timescale 1 ns $end\n"
                              "$scope module gpio $end\n$var wire 1 ! GP0 $end\n$upscope $end\n"
                              "$scope module diagram $end\n$var wire 1 \" oled_1_SDA $end\n$upscope $end\n"
                              "$enddefinitions $end\n#0\n0!\nz\"\n#1500\n1!\n#2000\nz!\n#2001\n");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(writes_levels_and_an_end) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
