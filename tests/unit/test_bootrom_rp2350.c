/* The RP2350's boot ROM: its table as pico-sdk looks things up, its Thumb code on a bare engine, block loops and the
 * ways to boot, the calls on a bus with plain registers. Updates and hashes: test_bootrom_update.c. */
#include "tests/unit/bootrom_bench.h"

#include <stdio.h>

#define RETURN_TO 0x20080000u
#define SECURE 4u

/* ---- The table ---- */

static uint32_t half(const struct bench *b, uint32_t at) {
    return b->image[at] | b->image[at + 1] << 8;
}

static uint32_t word(const struct bench *b, uint32_t at) {
    return half(b, at) | half(b, at + 2) << 16;
}

/* The supervisor call of a look-up that fails. */
static void on_svc(uc_engine *uc, uint32_t intno, void *context) {
    uint32_t registers[2];
    uc_reg_read(uc, UC_ARM_REG_R0, &registers[0]);
    uc_reg_read(uc, UC_ARM_REG_R1, &registers[1]);
    struct bootrom_call call = { { registers[0], registers[1] } };
    bootrom_rp2350_serve(&((struct bench *)context)->rom, RP2350_UNKNOWN_CODE, &call);
    uc_reg_write(uc, UC_ARM_REG_R0, &call.r[0]);
}

/* rom_table_lookup(code, flags) through the pointer at 0x16 or 0x18. */
static uint32_t look_up(struct bench *b, uint32_t at, const char *code, uint32_t flags) {
    uint32_t r0 = (uint32_t)(code[0] | code[1] << 8), lr = RETURN_TO | 1;
    if (!b->uc) {
        assert_int_equal(uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &b->uc), UC_ERR_OK);
        uc_ctl_set_cpu_model(b->uc, UC_CPU_ARM_CORTEX_M33);
        uc_mem_map_ptr(b->uc, 0, BOOTROM_RP2350_SIZE, UC_PROT_ALL, b->image);
        uc_mem_map_ptr(b->uc, SRAM, SRAM_SIZE, UC_PROT_ALL, b->sram);
        uc_hook hook;
        uc_hook_add(b->uc, &hook, UC_HOOK_INTR, (void *)on_svc, b, 1, 0);
    }
    uc_reg_write(b->uc, UC_ARM_REG_R0, &r0);
    uc_reg_write(b->uc, UC_ARM_REG_R1, &flags);
    uc_reg_write(b->uc, UC_ARM_REG_LR, &lr);
    assert_int_equal(uc_emu_start(b->uc, half(b, at) | 1, RETURN_TO, 0, 1000), UC_ERR_OK);
    uc_reg_read(b->uc, UC_ARM_REG_R0, &r0);
    return r0;
}

static void test_lookup(void **state) {
    struct bench *b = *state;
    static const char codes[] = "SRGSLPGPGBFARBOAIFRAEXRERPFCCXXMFORCVBSPABEBCIGU";
    assert_memory_equal(b->image + 0x10, "Mu\2\2", 4);
    for (const char *code = codes; *code; code += 2) {
        uint32_t function = look_up(b, 0x16, code, SECURE);
        assert_true(function & 1);
        assert_in_range(function, 0x1c, BOOTROM_RP2350_SIZE);
        assert_int_equal(half(b, look_up(b, 0x18, code, SECURE)), function);
    }
    assert_int_equal(b->log.count[LOG_STUB], 0);
    assert_int_equal(look_up(b, 0x16, "zz", SECURE), 0);
    assert_int_equal(look_up(b, 0x18, "zz", SECURE), 0);
    assert_int_equal(b->log.count[LOG_STUB], 1);         /* once */
    assert_int_equal(look_up(b, 0x16, "SC", SECURE), 0); /* for Non-secure callers alone */
    assert_int_not_equal(look_up(b, 0x16, "SC", 0x10), 0);
    assert_int_equal(look_up(b, 0x16, "IF", 0x10), 0);
    assert_int_equal(look_up(b, 0x16, "IF", 1), 0); /* RISC-V */
    assert_int_equal(word(b, look_up(b, 0x16, "FD", 0x40)), 0x400e033c);
    assert_int_equal(word(b, look_up(b, 0x16, "PT", 0x40)), 0x400e0360);
    assert_int_equal(word(b, look_up(b, 0x16, "XF", 0x40)), 0x400e0001);
    assert_int_not_equal(look_up(b, 0x16, "GR", 0x40), 0);
}

/* ---- Blocks ---- */

static void test_blocks(void **state) {
    struct bench *b = *state;
    struct picobin picobin;
    assert_false(picobin_scan(b->flash, FLASH_SIZE, PICOBIN_FLASH_SEARCH, &picobin));
    put_image(b->flash, IMAGE_ARM, 0x10002, 0x10000201);
    assert_true(picobin_scan(b->flash, FLASH_SIZE, PICOBIN_FLASH_SEARCH, &picobin));
    assert_true(picobin.image.present);
    assert_int_equal(picobin.image.fit, PICOBIN_FITS);
    assert_int_equal(picobin.image.version, 0x10002);
    /* Two blocks: the second has an entry point and leads back. */
    const uint32_t link = 0xf00, back = 0u - 0xf00;
    const uint32_t second[] = {
        BLOCK_START, IMAGE_ARM, 0x00000344, 0x10000301, 0x20001000, 0x000004ff, back, BLOCK_END
    };
    put(b->flash, 0x114, &link, 1);
    put(b->flash, 0x1000, second, 8);
    assert_true(picobin_scan(b->flash, FLASH_SIZE, PICOBIN_FLASH_SEARCH, &picobin));
    assert_true(picobin.image.has_entry);
    assert_int_equal(picobin.image.entry, 0x10000301);
    assert_int_equal(picobin.image.stack, 0x20001000);
    /* A broken footer breaks the loop. */
    b->flash[0x101c] ^= 1;
    assert_false(picobin_scan(b->flash, FLASH_SIZE, PICOBIN_FLASH_SEARCH, &picobin));
    assert_true(picobin.found);
    assert_false(picobin.image.present);
}

/* Any bytes, with a block start here and there: no crash, no endless loop. */
static void test_blocks_of_noise(void **state) {
    struct bench *b = *state;
    struct picobin picobin;
    for (unsigned round = 0; round < 2000; round++) {
        for (uint32_t i = 0; i < 0x800; i += 4) {
            uint32_t noise = (uint32_t)random_next(&b->random);
            uint32_t value = noise & 0x700 ? noise & 0xff0f03ff : noise & 1 ? BLOCK_START : BLOCK_END;
            put(b->flash, i, &value, 1);
        }
        picobin_scan(b->flash, 0x800 - (round & 63), PICOBIN_FLASH_SEARCH, &picobin);
    }
}

/* ---- Boot ---- */

static void test_boot_from_flash(void **state) {
    struct bench *b = *state;
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    struct bootrom_call call = boot(b);
    assert_int_equal(call.r[0], 0x10000201);
    assert_int_equal(call.r[1], 0x20082000);
    assert_int_equal(call.r[2], 0x10000000);
    assert_int_equal(call.r[3], 0);
    assert_false(b->usb_boot);
    assert_int_equal(*word_at(b, 0x400d0034), 0x04000000); /* flash as it is stored */
    assert_int_equal(b->log.count[LOG_GUEST] + b->log.count[LOG_WARN], 0);
    /* The function that firmware copies sets up the second window's registers from its own data. */
    assert_int_equal(*word_at(b, 0x400e0000 + 0x10), *word_at(b, 0x400d000c));
    assert_int_equal(*word_at(b, 0x400e0000 + 0x18), 0xeb);
}

static void test_boot_refused(void **state) {
    struct bench *b = *state;
    static const uint32_t types[] = { 0x11010142, 0x00210142, 0x10110142, 0x10220142 };
    boot(b);
    assert_true(b->usb_boot);
    assert_int_equal(b->reason, BOOTROM_USB_NO_IMAGE);
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        uint64_t warnings = b->log.count[LOG_WARN];
        put_image(b->flash, types[i], 0, 0x10000201);
        assert_int_equal(boot(b).r[0], 0);
        assert_int_equal(b->log.count[LOG_WARN], warnings + 1);
    }
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    *word_at(b, 0xd0000008) = 0;
    assert_int_equal(boot(b).r[0], 0);
    assert_int_equal(b->reason, BOOTROM_USB_BUTTON);
}

/* A table with A and B; the newer image starts, and flash is translated so that it appears at the beginning. */
static void test_boot_partitions(void **state) {
    struct bench *b = *state;
    const uint32_t table[] = { BLOCK_START, 0x0200060a, 0xfc078000, PARTITION(2, 65), 0xfc020000, PARTITION(66, 129),
                               0xfc020002,  0x000006ff, 0,          BLOCK_END };
    put(b->flash, 0, table, 10);
    put_image(b->flash + 0x2000, IMAGE_ARM, 1, 0x10000201);
    put_image(b->flash + 0x42000, IMAGE_ARM, 2, 0x10000301);
    struct bootrom_call call = boot(b);
    assert_int_equal(call.r[0], 0x10000301);
    assert_int_equal(*word_at(b, 0x400d0034), 64u << 16 | 66);
    assert_int_equal(*word_at(b, 0x400e0358) >> 16 & 0xff, 1);
    assert_int_equal(serve(b, RP2350_B_PARTITION, 0, 0, 0, 0), 1);
    assert_int_equal(serve(b, RP2350_B_PARTITION, 1, 0, 0, 0), -17);
    assert_int_equal(serve(b, RP2350_RUNTIME_TO_STORAGE, 0x10001234, 0, 0, 0), 0x10043234);
    assert_int_equal(serve(b, RP2350_RUNTIME_TO_STORAGE, 0x10050000, 0, 0, 0), -10); /* behind the partition */
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 8, 0x11, 0), 8);
    const uint32_t info[] = {
        0x11, 0x102, 0xffffe000, 0xfc078000, PARTITION(2, 65), 0xfc020000, PARTITION(66, 129), 0xfc020002
    };
    assert_memory_equal(b->sram, info, sizeof(info));
    assert_int_equal(serve(b, RP2350_PARTITION_TABLE_INFO, SRAM, 7, 0x11, 0), -13);
    put_image(b->flash + 0x2000, IMAGE_ARM, 3, 0x10000201);
    assert_int_equal(boot(b).r[0], 0x10000201);
}

/* A real image: the vector table's words, whatever its blocks are. */
static void test_real_image(void **state) {
    struct bench *b = *state;
    const char *directory = getenv("OUROBOARD_FIRMWARE_PATH");
    char path[512];
    uint8_t block[512];
    snprintf(path, sizeof(path), "%s/adafruit-circuitpython-raspberry_pi_pico2-en_US-10.2.1.uf2",
             directory ? directory : TEST_SOURCE_ROOT "/../shared/firmware");
    FILE *file = fopen(path, "rb");
    if (!file) {
        skip();
    }
    while (fread(block, sizeof(block), 1, file) == 1) {
        uint32_t address = block[12] | block[13] << 8 | block[14] << 16 | (uint32_t)block[15] << 24;
        if (address - 0x10000000 < FLASH_SIZE - 256) {
            memcpy(b->flash + address - 0x10000000, block + 32, 256);
        }
    }
    fclose(file);
    struct bootrom_call call = boot(b);
    assert_memory_equal(&call.r[0], b->flash + 4, 4);
    assert_memory_equal(&call.r[1], b->flash, 4);
    assert_int_equal(call.r[2], 0x10000000);
}

static void test_load_map(void **state) {
    struct bench *b = *state;
    /* Code from the flash into RAM, cleared memory behind it; vectors are in the RAM part. */
    const uint32_t block[] = { BLOCK_START, IMAGE_ARM, 0x00000203,  SRAM,        0x82000706, 0x10000200, SRAM,
                               SRAM + 0x20, 0,         SRAM + 0x20, SRAM + 0x40, 0x00000aff, 0,          BLOCK_END };
    const uint32_t code[] = { 0x20002000, SRAM | 0x11 };
    put(b->flash, 0, block, 14);
    put(b->flash, 0x200, code, 2);
    memset(b->sram, 0x55, 0x60);
    struct bootrom_call call = boot(b);
    assert_int_equal(call.r[0], SRAM | 0x11);
    assert_int_equal(call.r[1], 0x20002000);
    assert_int_equal(call.r[2], SRAM);
    assert_int_equal(b->sram[0x3f], 0);
    assert_int_equal(b->sram[0x40], 0x55);
}

static void test_reboot(void **state) {
    struct bench *b = *state;
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    assert_int_equal(serve(b, RP2350_REBOOT, 0xd, 10, SRAM | 1, 0x20010000), 0);
    assert_true(*word_at(b, 0x400d8000) & 1u << 30);
    assert_int_equal(*word_at(b, 0x400d8004), 10000);
    struct bootrom_call call = boot(b);
    assert_int_equal(call.r[0], SRAM | 1);
    assert_int_equal(call.r[1], 0x20010000);
    assert_int_equal(boot(b).r[0], 0x10000201); /* once only */
    assert_int_equal(serve(b, RP2350_REBOOT, 2, 10, 1, 0), 0);
    *word_at(b, 0x400d8008) = 1; /* the watchdog's reason */
    assert_int_equal(boot(b).r[0], 0);
    assert_int_equal(b->reason, BOOTROM_USB_REQUESTED);
    assert_int_equal(b->usb_disabled, 1);
    assert_int_equal(serve(b, RP2350_REBOOT, 0, 10, 0, 0), 0);
    assert_int_equal(boot(b).r[0], 0x10000201);
    assert_int_equal(serve(b, RP2350_REBOOT, 0x20, 10, 0, 0), -4); /* to RISC-V */
}

static void test_ram_image(void **state) {
    struct bench *b = *state;
    const uint32_t vectors[] = { 0x20082000, SRAM | 0x201 };
    put_image(b->sram, IMAGE_ARM, 0, SRAM | 0x201);
    put(b->sram, 0, vectors, 2);
    bootrom_rp2350_enter_ram(&b->rom, SRAM, 0x10000);
    struct bootrom_call call = boot(b);
    assert_int_equal(call.r[0], SRAM | 0x201);
    assert_int_equal(call.r[2], SRAM);
    memset(b->sram, 0, 0x1000);
    bootrom_rp2350_enter_ram(&b->rom, SRAM, 0x10000);
    assert_int_equal(boot(b).r[0], SRAM | 1);
}

/* ---- Calls ---- */

static void test_sys_info(void **state) {
    struct bench *b = *state;
    uint32_t words[16];
    *word_at(b, 0x40130000) = 0x11112222;
    *word_at(b, 0x40130004) = 0x33334444;
    *word_at(b, 0x40000004) = 1;
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    boot(b);
    assert_int_equal(serve(b, RP2350_SYS_INFO, SRAM, 9, 1, 0), 4);
    memcpy(words, b->sram, 16);
    assert_int_equal(words[0], 1);
    assert_int_equal(words[1], 1);
    assert_int_equal(words[2], 0x11112222);
    assert_int_equal(words[3], 0x33334444);
    assert_int_equal(serve(b, RP2350_SYS_INFO, SRAM, 16, 0xff, 0), 15);
    memcpy(words, b->sram, sizeof(words));
    assert_int_equal(words[0], 0x5f); /* no nonce on this ROM */
    assert_int_equal(words[6], 0x0c00);
    assert_int_equal(serve(b, RP2350_SYS_INFO, SRAM, 3, 1, 0), -13);
    assert_int_equal(serve(b, RP2350_SYS_INFO, SRAM + 2, 9, 1, 0), -11);
}

/* FLASH_DEVINFO of OTP counts when two of the three copies of its flag are set. */
static void test_flash_devinfo(void **state) {
    struct bench *b = *state;
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    *word_at(b, 0x40130000 + 2 * 0x54) = 0x12349a08;
    *word_at(b, 0x40134000 + 4 * 0x48) = 0x20;
    boot(b);
    assert_int_equal(*word_at(b, 0x400e033c), 0x0c00);
    *word_at(b, 0x40134000 + 4 * 0x4a) = 0x20;
    boot(b);
    assert_int_equal(*word_at(b, 0x400e033c), 0x9a08);
}

static void test_flash_op(void **state) {
    struct bench *b = *state;
    put_image(b->flash, IMAGE_ARM, 0, 0x10000201);
    boot(b);
    for (unsigned i = 0; i < 512; i++) {
        b->sram[i] = (uint8_t)(i * 3);
    }
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000100, 0x10010000, 0x2000, 0), 0);
    assert_int_equal(b->erased, 2);
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00010101, 0x10010000, 512, SRAM), 0);
    assert_memory_equal(b->flash + 0x10000, b->sram, 512);
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00020100, 0x10010001, 3, SRAM + 0x1000), 0);
    assert_memory_equal(b->sram + 0x1000, b->sram + 1, 3);
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000100, 0x10010100, 0x1000, 0), -11);
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000000, 0x10010000, 0x1000, 0), -5); /* no security level */
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000100, 0x10400000, 0x1000, 0), -4); /* beyond the chip */
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000101, 0x20000000, 0x1000, 0), -10);
    *word_at(b, 0x400e0808) = 0x7f; /* locks are in use, this one is not held */
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000100, 0x10010000, 0x1000, 0), -19);
    *word_at(b, 0x400e0808) = 0x7d;
    assert_int_equal(serve(b, RP2350_FLASH_OP, 0x00000100, 0x10010000, 0x1000, 0), 0);
}

static void test_otp_access(void **state) {
    struct bench *b = *state;
    const uint32_t value = 0x00123456;
    put(b->sram, 0, &value, 1);
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM, 4, 0x10040, 0), 0);
    assert_int_equal(*word_at(b, 0x40134100), 0x123456);
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM + 16, 4, 0x40, 0), 0);
    assert_memory_equal(b->sram, b->sram + 16, 4);
    const uint32_t less = 0x00123450;
    put(b->sram, 0, &less, 1);
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM, 4, 0x10040, 0), -18); /* would clear bits */
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM, 4, 0x1000, 0), -5);
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM, 3, 0x40, 0), -11);
    *word_at(b, 0x40130000 + 2 * 0x50) = 0xbeef1234; /* rows 0x50 and 0x51 through the ECC window */
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM, 4, 0x20050, 0), 0);
    assert_memory_equal(b->sram, "\x34\x12\xef\xbe", 4);
    *word_at(b, 0x40120000 + 4) = 3; /* page 1 locked */
    assert_int_equal(serve(b, RP2350_OTP_ACCESS, SRAM, 4, 0x40, 0), -4);
}

/* Nothing that a guest passes may hang or crash. */
static void test_any_arguments(void **state) {
    struct bench *b = *state;
    static const uint32_t odd[] = { 0, 1, 0x10000000, SRAM, SRAM + SRAM_SIZE - 2, 0x00010101, 0xffffffff, 0x1000 };
    for (unsigned number = 0; number < 256; number++) {
        for (unsigned i = 0; i < 64; i++) {
            uint64_t bits = random_next(&b->random);
            bool flash = number == RP2350_ERASE || number == RP2350_PROGRAM;
            if (!flash) {
                serve(b, number, odd[bits & 7], odd[bits >> 3 & 7], odd[bits >> 6 & 7], odd[bits >> 9 & 7]);
            }
        }
    }
    assert_true(b->log.count[LOG_STUB] > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_lookup),       TEST(test_blocks),          TEST(test_blocks_of_noise), TEST(test_boot_from_flash),
        TEST(test_boot_refused), TEST(test_boot_partitions), TEST(test_real_image),      TEST(test_load_map),
        TEST(test_reboot),       TEST(test_ram_image),       TEST(test_sys_info),        TEST(test_flash_devinfo),
        TEST(test_flash_op),     TEST(test_otp_access),      TEST(test_any_arguments),
    };
    return cmocka_run_group_tests_name("bootrom_rp2350", tests, NULL, NULL);
}
