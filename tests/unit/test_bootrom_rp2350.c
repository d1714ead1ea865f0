/* The RP2350's boot ROM: its table as pico-sdk looks things up, its Thumb code on a bare engine, block loops and the
 * ways to boot, the calls on a bus with plain registers. */
#include "tests/unit/unit.h"

#include "emulator/bootrom/bootrom.h"
#include "emulator/bootrom/picobin.h"
#include "emulator/bootrom/rp2350_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#define SRAM 0x20000000u
#define SRAM_SIZE 0x82000u
#define FLASH_SIZE 0x400000u
#define RETURN_TO 0x20080000u
#define SECURE 4u

struct registers {
    uint32_t base;
    uint32_t word[0x400];
};

struct bench {
    struct log log;
    struct scheduler scheduler;
    struct random random;
    struct environment env;
    struct bus bus;
    struct bootrom rom;
    struct registers registers[24];
    unsigned register_count;
    uint8_t image[BOOTROM_RP2350_SIZE];
    uint8_t *sram;
    uint8_t *flash;
    uc_engine *uc;
    bool usb_boot;
    enum bootrom_usb_reason reason;
    uint32_t usb_disabled;
    unsigned erased, programmed;
};

static uint32_t registers_read(void *context, uint32_t offset, unsigned size) {
    struct registers *registers = context;
    return registers->word[(offset & 0xfff) / 4];
}

static void registers_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct registers *registers = context;
    uint32_t *word = &registers->word[(offset & 0xfff) / 4];
    switch (offset >> 12 & 3) {
    case 0:
        *word = value;
        break;
    case 1:
        *word ^= value;
        break;
    case 2:
        *word |= value;
        break;
    default:
        *word &= ~value;
    }
}

static void add_registers(struct bench *b, uint32_t base, uint32_t size) {
    struct registers *registers = &b->registers[b->register_count++];
    registers->base = base;
    assert_true(bus_add_window(
        &b->bus, &(struct bus_window){ "registers", base, size, registers_read, registers_write, registers }));
}

static uint32_t *word_at(struct bench *b, uint32_t address) {
    for (unsigned i = 0; i < b->register_count; i++) {
        if (address - b->registers[i].base < 0x1000) {
            return &b->registers[i].word[(address - b->registers[i].base) / 4];
        }
    }
    fail();
    return NULL;
}

static uint64_t erase(void *context, uint32_t offset, uint32_t size) {
    struct bench *b = context;
    memset(b->flash + offset, 0xff, size);
    b->erased++;
    return 0;
}

static uint64_t program(void *context, uint32_t offset, const uint8_t *data, uint32_t size) {
    struct bench *b = context;
    memcpy(b->flash + offset, data, size);
    b->programmed++;
    return 0;
}

static void usb_boot(void *context, enum bootrom_usb_reason reason, uint32_t pins, uint32_t disabled) {
    struct bench *b = context;
    b->usb_boot = true;
    b->reason = reason;
    b->usb_disabled = disabled;
}

static bool otp_program(void *context, uint32_t row, uint32_t value) {
    struct bench *b = context;
    if (row < 0x400) {
        *word_at(b, 0x40134000 + 4 * row) |= value;
    }
    return row < 0x400;
}

static int setup(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    static const uint32_t bases[] = { 0x40000000, 0x40008000, 0x40010000, 0x40018000, 0x40020000, 0x40030000,
                                      0x40038000, 0x40040000, 0x400d0000, 0x400d8000, 0x40100000, 0x40108000,
                                      0x40120000, 0x40130000, 0x40134000, 0xd0000000 };
    *state = b;
    b->sram = calloc(1, SRAM_SIZE);
    b->flash = malloc(FLASH_SIZE);
    memset(b->flash, 0xff, FLASH_SIZE);
    log_init(&b->log);
    scheduler_init(&b->scheduler);
    random_init(&b->random, 1);
    b->env = (struct environment){ .scheduler = &b->scheduler, .log = &b->log, .random = &b->random };
    assert_true(bus_init(&b->bus, &b->env));
    for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        add_registers(b, bases[i], 0x4000);
    }
    add_registers(b, 0x400e0000, 0x1000);
    bus_add_memory(&b->bus, &(struct bus_memory){ "sram", SRAM, SRAM_SIZE, b->sram, true });
    bus_add_memory(&b->bus, &(struct bus_memory){ "flash", 0x10000000, FLASH_SIZE, b->flash, false });
    *word_at(b, 0xd0000008) = 1u << 27; /* BOOTSEL is not held */
    *word_at(b, 0x400e0808) = 0xff;     /* no boot lock is claimed */
    b->rom = (struct bootrom){ .env = &b->env,
                               .bus = &b->bus,
                               .flash = { .context = b, .erase = erase, .program = program },
                               .usb_boot = usb_boot,
                               .otp_program = otp_program,
                               .context = b };
    bootrom_rp2350_build(b->image);
    return 0;
}

static int teardown(void **state) {
    struct bench *b = *state;
    if (b->uc) {
        uc_close(b->uc);
    }
    bus_finish(&b->bus);
    free(b->sram);
    free(b->flash);
    free(b);
    return 0;
}

static int32_t serve(struct bench *b, unsigned number, uint32_t r0, uint32_t r1, uint32_t r2, uint32_t r3) {
    struct bootrom_call call = { { r0, r1, r2, r3 } };
    bootrom_rp2350_serve(&b->rom, number, &call);
    return (int32_t)call.r[0];
}

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

static void put(uint8_t *at, uint32_t offset, const uint32_t *words, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        for (unsigned byte = 0; byte < 4; byte++) {
            at[offset + 4 * i + byte] = (uint8_t)(words[i] >> 8 * byte);
        }
    }
}

#define IMAGE_ARM 0x10210142u /* secure Arm executable for the RP2350 */
#define BLOCK_START 0xffffded3u
#define BLOCK_END 0xab123579u

/* A vector table and a block with an image definition and a version that links to itself. */
static void put_image(uint8_t *at, uint32_t type, uint32_t version, uint32_t entry) {
    const uint32_t vectors[] = { 0x20082000, entry };
    const uint32_t block[] = { BLOCK_START, type, 0x00000248, version, 0x000003ff, 0, BLOCK_END };
    put(at, 0, vectors, 2);
    put(at, 0x100, block, 7);
}

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

static struct bootrom_call boot(struct bench *b) {
    struct bootrom_call call = { { 0 } };
    bootrom_rp2350_serve(&b->rom, RP2350_BEGIN, &call);
    if (!call.r[0]) {
        bootrom_rp2350_serve(&b->rom, RP2350_BOOT, &call);
    }
    *word_at(b, 0x40120160) = *word_at(b, 0x401000a8) = 0; /* BOOTDIS.NOW: write 1 to clear */
    return call;
}

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

#define PARTITION(first, last) (0xfc000000u | (last) << 13 | (first))

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

#define WORKAREA SRAM + 0x10000, 3264
#define TRY 0x80000000u /* in an IMAGE_TYPE item */

/* Three partitions, in slot 1: A and its B, and one for data with an id, a family of its own and a name. */
static void put_pair(struct bench *b) {
    const uint32_t table[] = { BLOCK_START, 0x03000c0a,         0xfc078000, PARTITION(2, 65),
                               0xfc020000,  PARTITION(66, 129), 0xfc020002, PARTITION(130, 193),
                               0xfc011681,  0x11111111,         0x22222222, 0x0badcafe,
                               0x74616403,  0x00000cff,         0,          BLOCK_END };
    put(b->flash, 0x1000, table, 16);
    put_image(b->flash + 0x2000, IMAGE_ARM, 1, 0x10000201);
    put_image(b->flash + 0x42000, IMAGE_ARM, 2, 0x10000301);
}

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

/* Slot 1 counts by its partition table alone. */
static void test_slot_1(void **state) {
    struct bench *b = *state;
    put_image(b->flash + 0x1000, IMAGE_ARM, 0, 0x10000201);
    assert_int_equal(boot(b).r[0], 0);
    put(b->flash, 0x1000, hashed_table, 21);
    put_image(b->flash + 0x2000, IMAGE_ARM, 1, 0x10000201);
    assert_int_equal(boot(b).r[0], 0x10000201);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_lookup),
        TEST(test_blocks),
        TEST(test_blocks_of_noise),
        TEST(test_boot_from_flash),
        TEST(test_boot_refused),
        TEST(test_boot_partitions),
        TEST(test_real_image),
        TEST(test_load_map),
        TEST(test_reboot),
        TEST(test_ram_image),
        TEST(test_sys_info),
        TEST(test_flash_op),
        TEST(test_otp_access),
        TEST(test_any_arguments),
        TEST(test_partition_table),
        TEST(test_pick_ab),
        TEST(test_uf2_target),
        TEST(test_try_and_buy),
        TEST(test_trial_alone),
        TEST(test_chain_image),
        TEST(test_boot_of_spoilt_words),
        TEST(test_load_map_in_partition),
        TEST(test_image_hash),
        TEST(test_table_hash),
        TEST(test_slot_1),
        TEST(test_nonsecure_calls),
        TEST(test_flash_devinfo),
    };
    return cmocka_run_group_tests_name("bootrom_rp2350", tests, NULL, NULL);
}
