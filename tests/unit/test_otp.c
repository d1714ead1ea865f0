/* RP2350 datasheet 13: error correction, read windows, locks, critical flags, the factory's rows. */
#include "peripherals/onchip/otp.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define ECC(row) (2 * (row))
#define RAW(row) (0x4000 + 4 * (row))

struct fixture {
    struct stage stage;
    struct otp *otp;
    struct block *b;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    f->otp = (struct otp *)block_create(&otp_class, "OTP", &f->stage.env, &rp2350_otp_registers);
    f->otp->gpios = 30;
    f->b = &f->otp->block;
    block_start(f->b);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

/* The check bits as sets of data bits, from the datasheet's table of the code. */
static uint32_t reference(uint16_t value) {
    static const uint16_t sets[5] = { 0xad5b, 0x366d, 0xc78e, 0x07f0, 0xf800 };
    uint32_t row = value;
    for (unsigned i = 0; i < 5; i++) {
        row |= (uint32_t)__builtin_parity(value & sets[i]) << (16 + i);
    }
    return row | (uint32_t)__builtin_parity(row) << 21;
}

static void code(void **state) {
    for (uint32_t value = 0; value < 0x10000; value += 7) {
        uint32_t row = otp_encode((uint16_t)value);
        uint16_t got;
        assert_int_equal(row, reference((uint16_t)value));
        assert_true(otp_decode(row ^ OTP_ROW_BITS, &got)); /* programmed inverted */
        assert_int_equal(got, value);
    }
}

static void one_wrong_bit_is_mended(void **state) {
    uint32_t row = otp_encode(0x5aa5);
    uint16_t value;
    for (unsigned bit = 0; bit < 22; bit++) {
        assert_true(otp_decode(row ^ 1u << bit, &value));
        assert_int_equal(value, 0x5aa5);
        assert_false(otp_decode(row ^ 1u << bit ^ 1u << (bit + 1) % 22, &value));
    }
}

static void windows(void **state) {
    struct fixture *f = *state;
    assert_true(otp_program(f->otp, 0x100, otp_encode(0x1234)));
    assert_true(otp_program(f->otp, 0x101, otp_encode(0xabcd)));
    assert_int_equal(otp_window_read(f->otp, ECC(0x100), 4), 0xabcd1234);
    assert_int_equal(otp_window_read(f->otp, ECC(0x101), 2), 0xabcd);
    assert_int_equal(otp_window_read(f->otp, RAW(0x101), 4), otp_encode(0xabcd));
    assert_int_equal(otp_window_read(f->otp, 0x8000 + ECC(0x100), 4), 0xabcd1234); /* guarded */
}

static void bits_stay(void **state) {
    struct fixture *f = *state;
    otp_program(f->otp, 0x200, 0x10);
    otp_program(f->otp, 0x200, 0x01);
    assert_int_equal(otp_window_read(f->otp, RAW(0x200), 4), 0x11);
    assert_false(otp_program(f->otp, OTP_ROWS, 1));
}

static void page_locks(void **state) {
    struct fixture *f = *state;
    wr(f->b, OTP_SW_LOCK0 + 3, 1); /* read-only */
    wr(f->b, OTP_SW_LOCK0 + 3, 0); /* locks only go forward */
    assert_false(otp_program(f->otp, 3 * 64, 1));
    assert_int_equal(otp_window_read(f->otp, RAW(3 * 64), 4), 0);
    wr(f->b, OTP_SW_LOCK0 + 3, 3);
    assert_int_equal(otp_window_read(f->otp, RAW(3 * 64), 4), UINT32_MAX);
    assert_int_equal(rd(f->b, OTP_INTR), OTP_INTR_APB_RD_SEC_FAIL);
}

static void locks_come_from_their_rows(void **state) {
    struct fixture *f = *state;
    otp_program(f->otp, 0xf81 + 2 * 5, 0x010d0d); /* page 5, two of three copies */
    block_reset(f->b);
    assert_int_equal(rd(f->b, OTP_SW_LOCK0 + 5), 0xd);
}

static void critical_flags_are_voted(void **state) {
    struct fixture *f = *state;
    assert_int_equal(rd(f->b, OTP_CRITICAL), 0);
    for (unsigned copy = 0; copy < 3; copy++) {
        otp_program(f->otp, 0x38 + copy, 2); /* RISCV_DISABLE */
        otp_program(f->otp, 0x40 + copy, copy < 2 ? 5 : 4);
    }
    block_reset(f->b);
    assert_int_equal(rd(f->b, OTP_CRITICAL), OTP_CRITICAL_RISCV_DISABLE | OTP_CRITICAL_DEBUG_DISABLE);
}

static void factory(void **state) {
    struct fixture *f = *state;
    assert_int_equal(otp_window_read(f->otp, ECC(0x18), 2), 30);
    assert_int_not_equal(otp_window_read(f->otp, ECC(0), 4), 0); /* CHIPID */
    assert_int_not_equal(otp_window_read(f->otp, ECC(4), 4), otp_window_read(f->otp, ECC(0), 4));
}

static void interface_can_be_off(void **state) {
    struct fixture *f = *state;
    wr(f->b, OTP_INTE, OTP_INTE_APB_DCTRL_FAIL);
    wr(f->b, OTP_USR, 0);
    otp_window_read(f->otp, 0, 4);
    assert_true(f->b->irq[0].level);
    wr(f->b, OTP_INTR, OTP_INTR_APB_DCTRL_FAIL);
    assert_false(f->b->irq[0].level);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(code),
        TEST(one_wrong_bit_is_mended),
        TEST(windows),
        TEST(bits_stay),
        TEST(page_locks),
        TEST(critical_flags_are_voted),
        TEST(factory),
        TEST(locks_come_from_their_rows),
        TEST(interface_can_be_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
