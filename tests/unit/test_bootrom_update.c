/* The RP2350's boot ROM: partition tables after boot, A and B, trials, chaining, load maps in partitions, hashes. */
#include "tests/unit/bootrom_bench.h"

static void test_partition_table(void **state) {
    struct bench *b = *state;
    put_pair(b);
    assert_int_equal(serve(b, RP2350_B_PARTITION, 0, 0, 0, 0), -17); /* no table yet */
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 1, 0), -14);
    assert_int_equal(serve(b, RP2350_LOAD_PARTITION_TABLE, SRAM + 1, 3264, 0, 0), -11);
    assert_int_equal(serve(b, RP2350_LOAD_PARTITION_TABLE, SRAM, 3263, 0, 0), -13);
    assert_int_equal(serve(b, RP2350_LOAD_PARTITION_TABLE, WORKAREA, 0, 0), 0);
    assert_int_equal(serve(b, RP2350_B_PARTITION, 0, 0, 0, 0), 1);
    const uint32_t info[] = { 0x80e0, 0x11111111, 0x22222222, 0x0badcafe, 0x74616403 };
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 0x020080e0, 0), 5);
    assert_memory_equal(b->sram, info, sizeof(info));
    b->flash[0x1030] ^= 1; /* not what was loaded */
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 0x020080e0, 0), -15);
    assert_int_equal(serve(b, RP2350_LOAD_PARTITION_TABLE, WORKAREA, 0, 0), 0); /* stays as it is */
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 1, 0), -15);
    assert_int_equal(serve(b, RP2350_LOAD_PARTITION_TABLE, WORKAREA, 1, 0), 0);
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 1, 0), 4);
    *word_at(b, 0x400e0808) = 0x7f; /* locks are in use, SHA-256's is not held */
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 1, 0), -19);
    assert_int_equal(serve(b, RP2350_LOAD_PARTITION_TABLE, WORKAREA, 0, 0), -19);
}

static void test_pick_ab(void **state) {
    struct bench *b = *state;
    put_pair(b);
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 0, 0), -14);
    boot(b);
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 0, 0), 1);
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 3, 0), -5);
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 0, 0x10002000), 0); /* A is the update */
    put_image(b->flash + 0x42000, IMAGE_ARM | TRY, 2, 0x10000301);
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 0, 0), 0); /* B only as the update */
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 0, 0x10042000), 1);
    put_image(b->flash + 0x42000, IMAGE_ARM, 1, 0x10000301);
    assert_int_equal(serve(b, RP2350_PICK_AB, WORKAREA, 0, 0), 0); /* not newer */
}

static void test_uf2_target(void **state) {
    struct bench *b = *state;
    const uint32_t all[] = { 0xffffe000, 0xfc078000 }, second[] = { PARTITION(66, 129), 0xfc020002 };
    boot(b); /* no table in the flash */
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff59, SRAM), 0xff);
    assert_memory_equal(b->sram, all, sizeof(all));
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff56, SRAM), -17);
    put_pair(b);
    put_image(b->flash + 0x2000, IMAGE_ARM, 3, 0x10000201);
    boot(b);
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff59, SRAM), 1); /* A runs */
    assert_memory_equal(b->sram, second, sizeof(second));
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff57, SRAM), 0xff);
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff58, SRAM), 2);
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0x0badcafe, SRAM), 2);
    assert_int_equal(serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff5b, SRAM), -17);
}

/* B is tried, and bought: its mark goes, and the version of A that is newer. */
static void test_try_and_buy(void **state) {
    struct bench *b = *state;
    put_pair(b);
    put_image(b->flash + 0x2000, IMAGE_ARM, 3, 0x10000201);
    put_image(b->flash + 0x42000, IMAGE_ARM | TRY, 2, 0x10000301);
    assert_int_equal(boot(b).r[0], 0x10000201);
    assert_int_equal(serve(b, RP2350_REBOOT, 4, 10, 0x10042000, 0), 0);
    *word_at(b, 0x400d8008) = 1; /* the watchdog's reason */
    *word_at(b, 0x400d8000) = 0;
    assert_int_equal(boot(b).r[0], 0x10000301);
    assert_true(*word_at(b, 0x400d8000) & 1u << 30); /* a trial has an end */
    assert_int_equal(*word_at(b, 0x400e0358) >> 24, 1);
    assert_int_equal(b->erased, 0);
    assert_int_equal(serve(b, RP2350_EXPLICIT_BUY, SRAM, 4095, 0, 0), -13);
    assert_int_equal(serve(b, RP2350_EXPLICIT_BUY, SRAM, 4096, 0, 0), 0);
    assert_false(*word_at(b, 0x400d8000) & 1u << 30);
    assert_int_equal(*word_at(b, 0x400e0358) >> 24, 4);
    assert_int_equal(b->flash[0x42107], IMAGE_ARM >> 24);
    assert_int_equal(b->flash[0x2000], 0xff);
    assert_int_equal(serve(b, RP2350_EXPLICIT_BUY, SRAM, 4096, 0, 0), 0); /* nothing is left to buy */
    assert_int_equal(boot(b).r[0], 0x10000301);
}

/* The guest may write anything into the words that the ROM keeps for a purchase. */
static void test_buying_what_is_nowhere(void **state) {
    struct bench *b = *state;
    static const uint32_t addresses[] = { 1, 0x0ffff004, 0x0ffffffd, 0x103ffffe, 0x10400000, 0x20000000, UINT32_MAX };
    for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        *word_at(b, 0x400e0348) = addresses[i];
        assert_int_equal(serve(b, RP2350_EXPLICIT_BUY, SRAM, 4096, 0, 0), 0);
        assert_int_equal(*word_at(b, 0x400e0348), 0);
        *word_at(b, 0x400e0338) = addresses[i];
        assert_int_equal(serve(b, RP2350_EXPLICIT_BUY, SRAM, 4096, 0, 0), 0);
        assert_int_equal(*word_at(b, 0x400e0338), 0);
    }
    assert_int_equal(b->programmed, 0);
}

/* Alone and not asked for, an image on trial does not start. */
static void test_trial_alone(void **state) {
    struct bench *b = *state;
    put_image(b->flash, IMAGE_ARM | TRY, 0, 0x10000201);
    assert_int_equal(boot(b).r[0], 0);
    assert_int_equal(b->log.count[LOG_WARN], 1);
}

static void test_chain_image(void **state) {
    struct bench *b = *state;
    const uint32_t vectors[] = { 0x20080000, SRAM | 0x4201 };
    put_pair(b);
    boot(b);
    struct bootrom_call call = { { WORKAREA, 0x10002000, 0x40000 } };
    bootrom_rp2350_serve(&b->rom, RP2350_CHAIN_IMAGE, &call);
    assert_int_equal(call.r[0], 0x10000201);
    assert_int_equal(*word_at(b, 0x400d0034), 64u << 16 | 2);
    assert_int_equal(*word_at(b, 0x400e0358) >> 8 & 0xffff, 0x0080); /* chained, partition 0 */
    put_image(b->sram + 0x4000, IMAGE_ARM, 0, 0);
    put(b->sram, 0x4000, vectors, 2);
    call = (struct bootrom_call){ { WORKAREA, SRAM + 0x4000, 0x8000 } };
    bootrom_rp2350_serve(&b->rom, RP2350_CHAIN_IMAGE, &call);
    assert_int_equal(call.r[0], SRAM | 0x4201);
    assert_int_equal(call.r[2], SRAM + 0x4000);
    assert_int_equal(serve(b, RP2350_CHAIN_IMAGE, WORKAREA, 0x40000000, 0x1000), -10);
    assert_int_equal(serve(b, RP2350_CHAIN_IMAGE, WORKAREA, SRAM + 0x40000, 0x1000), -17);
    assert_int_equal(serve(b, RP2350_CHAIN_IMAGE, SRAM, 100, SRAM + 0x4000, 0x8000), -13);
}

static void test_nonsecure_calls(void **state) {
    struct bench *b = *state;
    boot(b);
    assert_int_equal(*word_at(b, 0x400e03f0), 0xc3c3c3c3);
    assert_int_equal(serve(b, RP2350_NS_PERMISSION, 5, 1, 0, 0), 0);
    assert_int_equal(*word_at(b, 0x400e03f4), 0xc3c3a5c3);
    assert_int_equal(serve(b, RP2350_NS_PERMISSION, 8, 1, 0, 0), -5);
    assert_int_equal(serve(b, RP2350_VALIDATE_NS, SRAM, 16, 0, SRAM + 0x100), -10);
    const uint32_t no = 0x00c300c3;
    assert_memory_equal(b->sram + 0x100, &no, 4);
}

/* An image that is stored elsewhere than it is linked: its load map goes along. */
static void test_load_map_in_partition(void **state) {
    struct bench *b = *state;
    const uint32_t map[] = { BLOCK_START, IMAGE_ARM, 0x00000203, SRAM, 0x81000406, 0x10000200,
                             SRAM,        SRAM + 8,  0x000007ff, 0,    BLOCK_END };
    const uint32_t relative[] = { BLOCK_START, IMAGE_ARM, 0x00000203, SRAM, 0x01000406, 0x1f0,
                                  SRAM,        8,         0x000007ff, 0,    BLOCK_END };
    const uint32_t code[] = { 0x20002000, SRAM | 0x11 };
    put_pair(b);
    for (unsigned i = 0; i < 2; i++) {
        memset(b->flash + 0x42000, 0xff, 0x1000);
        put(b->flash, 0x42000, i ? relative : map, 11);
        put(b->flash, 0x42200, code, 2);
        memset(b->flash + 0x2000, 0xff, 0x1000);
        memset(b->sram, 0, 8);
        struct bootrom_call call = boot(b);
        assert_int_equal(call.r[0], SRAM | 0x11);
        assert_int_equal(call.r[1], 0x20002000);
    }
}

/* Hashes made by another implementation. The mark of a trial is not part of them. */
static const uint32_t hashed_image[] = { 0xffffded3, 0x10210142, 0x00000248, 0x00000002, 0x81000406, 0x10000000,
                                         0x10000000, 0x10000100, 0x01000247, 0x0000000a, 0x0000094b, 0xa4fa0dbe,
                                         0x18b3ee1a, 0x0d075466, 0x558807a1, 0xf13373b2, 0x750482fe, 0x633f5644,
                                         0x4948be79, 0x000012ff, 0x00000000, 0xab123579 };
static const uint32_t hashed_table[] = { 0xffffded3, 0x0200060a, 0xfc078000, 0xfc082002, 0xfc020000, 0xfc102042,
                                         0xfc020002, 0x01000247, 0x00000009, 0x0000094b, 0x6abe1876, 0x64794902,
                                         0xd4279ae0, 0xb2303719, 0x91b96ead, 0xb3473efc, 0x93752a7a, 0x3a47ccf8,
                                         0x000011ff, 0x00000000, 0xab123579 };

static void test_image_hash(void **state) {
    struct bench *b = *state;
    struct picobin picobin;
    struct rp2350_window window = { b->flash, FLASH_SIZE, 0x10000000 };
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    put(b->flash, 0x100, hashed_image, 22);
    assert_int_equal(boot(b).r[0], 0x10000201);
    b->flash[0x107] |= 0x80;
    picobin_scan(b->flash, FLASH_SIZE, PICOBIN_FLASH_SEARCH, &picobin);
    assert_true(rp2350_hash_matches(&window, &picobin.image));
    b->flash[0x107] &= 0x7f;
    b->flash[0x10c] ^= 1; /* the version, in the block */
    assert_int_equal(boot(b).r[0], 0);
    b->flash[0x10c] ^= 1;
    b->flash[0xfc] ^= 1; /* in what the load map names */
    uint64_t warnings = b->log.count[LOG_WARN];
    assert_int_equal(boot(b).r[0], 0);
    assert_int_equal(b->log.count[LOG_WARN], warnings + 1);
    b->flash[0xfc] ^= 1;
    assert_int_equal(boot(b).r[0], 0x10000201);
}

static void test_table_hash(void **state) {
    struct bench *b = *state;
    put(b->flash, 0, hashed_table, 21);
    put_image(b->flash + 0x2000, IMAGE_ARM, 1, 0x10000201);
    assert_int_equal(boot(b).r[0], 0x10000201);
    b->flash[8] ^= 1;
    assert_int_equal(boot(b).r[0], 0);
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 1, 0), 4); /* an empty one */
    assert_int_equal(*word_at(b, 0x400e0360) & 0xff, 0);
}

/* Good tables, images and load maps with some words spoilt: no crash, whatever the boot makes of them. */
static void test_boot_of_spoilt_words(void **state) {
    struct bench *b = *state;
    static const uint32_t sectors[] = { 0, 0x1000, 0x2000, 0x42000 };
    for (unsigned round = 0; round < 500; round++) {
        memset(b->flash, 0xff, 0x43000);
        put_pair(b);
        put(b->flash, round & 1 ? 0 : 0x2100, round & 1 ? hashed_table : hashed_image, 21);
        for (unsigned i = 0; i < 4; i++) {
            uint64_t bits = random_next(&b->random);
            uint32_t value = bits & 1 ? (uint32_t)(bits >> 32) : (uint32_t)(bits >> 40 & 0xff) << 8 * (bits >> 8 & 3);
            put(b->flash, sectors[bits >> 2 & 3] + 4 * (uint32_t)(bits >> 16 & 0x5f), &value, 1);
        }
        boot(b);
        serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 64, 0xf1, 0);
        serve(b, RP2350_PICK_AB, WORKAREA, 0, 0);
        serve(b, RP2350_UF2_TARGET, WORKAREA, 0xe48bff59, SRAM);
        serve(b, RP2350_CHAIN_IMAGE, WORKAREA, 0x10042000, 0x40000);
        serve(b, RP2350_EXPLICIT_BUY, SRAM, 4096, 0, 0);
    }
}

/* Numbers that are right, nearly right, at an end of something, or anything. */
static uint32_t any_number(struct bench *b) {
    static const uint32_t places[] = { 0,    1,          3264,       4096,       0x10000000, 0x103ff000, 0x1c000000,
                                       SRAM, 0x20081ffc, 0x400e0000, 0x0ffff000, 0x13ffc000, 0x40134000, 0xfffff000 };
    uint64_t bits = random_next(&b->random);
    uint32_t place = places[(bits >> 8) % (sizeof(places) / sizeof(places[0]))];
    return bits & 7 ? place + (uint32_t)(bits >> 16 & (bits & 8 ? 7 : 0x1fff)) : (uint32_t)(bits >> 32);
}

/* Whatever the guest asks for, with whatever it has put where the ROM keeps its state: nothing outside is touched. */
static void test_services_take_anything(void **state) {
    struct bench *b = *state;
    put_pair(b);
    boot(b);
    for (unsigned round = 0; round < 800; round++) {
        uint64_t bits = random_next(&b->random);
        *word_at(b, BOOTRAM_RANDOM + 4 * (uint32_t)(bits % 0x36)) = any_number(b);
        *word_at(b, bits & 0x100 ? BOOTRAM_BUY_ADDRESS : BOOTRAM_TABLE_ITEM) = any_number(b);
        *word_at(b, BOOTRAM_TABLE) |= bits & 0x200 ? TABLE_LOADED : 0;
        uint32_t number = RP2350_REBOOT + (uint32_t)(bits >> 32) % (RP2350_UNMODELLED - RP2350_REBOOT);
        serve(b, number, any_number(b), any_number(b), any_number(b), any_number(b));
    }
}

/* What the ROM's source makes of the commonest boots. */
static void test_diagnostics(void **state) {
    struct bench *b = *state;
    const uint32_t *diagnostic = word_at(b, 0x400e035c);
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    boot(b);
    assert_int_equal(*diagnostic, 0x500d); /* searched, loop, image; verified, launched */
    b->flash[0x114] = 0x40;                /* a link to nothing */
    boot(b);
    assert_int_equal(*diagnostic, 0x00010043);
    put(b->flash, 0x100, hashed_image, 22);
    boot(b);
    assert_int_equal(*diagnostic, 0x580d);
    put(b->flash, 0, hashed_table, 21);
    put_image(b->flash + 0x42000, IMAGE_ARM, 1, 0x10000201);
    boot(b);
    assert_int_equal(*diagnostic, 0x00010355); /* of the slots; a partition was started */
    *word_at(b, 0x400d8008) = 1;               /* the watchdog's reason */
    assert_int_equal(serve(b, RP2350_REBOOT, 0, 10, 0, 0), 0);
    boot(b);
    assert_int_equal(*diagnostic, 0x506d0001); /* of partition 0: B is taken */
}

/* Slot 1 counts by its partition table alone. */
static void test_slot_1(void **state) {
    struct bench *b = *state;
    put_image(b->flash + 0x1000, IMAGE_ARM, 0, 0x10000201);
    assert_int_equal(boot(b).r[0], 0);
    put(b->flash, 0x1000, hashed_table, 21);
    put_image(b->flash + 0x2000, IMAGE_ARM, 1, 0x10000201);
    assert_int_equal(boot(b).r[0], 0x10000201);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_partition_table),
        TEST(test_pick_ab),
        TEST(test_uf2_target),
        TEST(test_try_and_buy),
        TEST(test_buying_what_is_nowhere),
        TEST(test_trial_alone),
        TEST(test_chain_image),
        TEST(test_nonsecure_calls),
        TEST(test_load_map_in_partition),
        TEST(test_image_hash),
        TEST(test_table_hash),
        TEST(test_boot_of_spoilt_words),
        TEST(test_slot_1),
        TEST(test_services_take_anything),
        TEST(test_diagnostics),
    };
    return cmocka_run_group_tests_name("bootrom_update", tests, NULL, NULL);
}
