/* Every device class in a snapshot. Programs store at random all over a chip, time goes by, and what is then saved is
 * loaded into a new machine: that one is the same word by word, saves the same bytes, and has the same future. Parts
 * have edges at all of their pins instead. */
#include "emulator/core/serial.h"
#include "peripherals/onchip/registers/adc.h"
#include "peripherals/onchip/registers/clocks.h"
#include "peripherals/onchip/registers/i2c.h"
#include "peripherals/onchip/registers/pio.h"
#include "peripherals/onchip/registers/qmi.h"
#include "peripherals/onchip/registers/sha256.h"
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/registers/ssi.h"
#include "peripherals/onchip/registers/uart.h"
#include "tests/same_state.h"
#include "tests/unit/parts.h"

#include <stdlib.h>
#include <string.h>

#define SRAM 0x20000000u
#define STORES 600
#define SEEDS 12
#define FUTURE_PS (300 * PS_PER_US)
#define WATCHED UINT64_C(0x0f0f0f0f0f0f) /* pins with somebody who wants every edge */

/* ---- Machines ---- */
struct bench_machine {
    struct machine *machine;
    struct net_listener watchers[GPIO_PINS];
};

static void ignore_edge(struct net_listener *listener, struct net *net) {
}

static void build(struct bench_machine *bench, const struct chip_desc *chip) {
    static const uint16_t count[] = { 0x3001, 0xe7fd }; /* adds r0, #1; b .-2 */
    struct error error;
    struct machine_desc desc = { .chip = chip, .flash_size = 2u << 20, .seed = 5 };
    desc.psram_size = chip->has_second_select ? 2u << 20 : 0;
    bench->machine = machine_create(&desc, &error);
    assert_non_null(bench->machine);
    memset(bench->machine->log.enabled, 0, sizeof(bench->machine->log.enabled));
    assert_true(machine_load(bench->machine, SRAM, (const uint8_t *)count, sizeof(count), &error));
    for (unsigned pin = 0; pin < GPIO_PINS; pin++) {
        struct net *net = machine_gpio(bench->machine, pin);
        bench->watchers[pin] = (struct net_listener){ .changed = ignore_edge };
        if (net && WATCHED >> pin & 1) {
            net_listen(net, &bench->watchers[pin]);
        }
    }
}

static void start(struct machine *machine) {
    machine_power_on(machine, 0);
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_start(machine_core(machine, i), SRAM + 0x2000 + 0x1000 * i, SRAM, SRAM);
    }
    block_write(machine_block(machine, "RESETS"), 0, 0, ALIAS_NORMAL);
}

static uint32_t number(struct random *random) {
    uint64_t bits = random_next(random);
    switch (bits >> 60) {
    case 0:
    case 1:
    case 2:
    case 3:
        return (uint32_t)bits; /* anything */
    case 4:
    case 5:
    case 6:
    case 7:
        return (uint32_t)(bits & (bits >> 32)); /* few ones */
    case 8:
    case 9:
    case 10:
        return 1u << (bits & 31);
    default:
        return (uint32_t)(bits & 0xf) << (bits >> 8 & 28);
    }
}

/* A store to some register of some block. What would stop the machine or its clocks is rare, not left out. */
static void store_somewhere(struct machine *machine, struct random *random) {
    unsigned index = (unsigned)(random_next(random) % machine->chip->blocks);
    const struct block_at *at = &machine->chip->map[index];
    const struct register_table *table = at->registers;
    bool is_delicate = !strcmp(at->name, "CLOCKS") || !strcmp(at->name, "PSM") || !strcmp(at->name, "RESETS") ||
                       !strcmp(at->name, "WATCHDOG") || strstr(at->name, "OSC") || strstr(at->name, "PLL");
    if (!table || (is_delicate && random_next(random) % 16)) {
        return;
    }
    unsigned word = (unsigned)(random_next(random) % table->words);
    machine->env.core = random_next(random) & 1;
    bus_write(&machine->bus, at->base + 4 * word, number(random), 4);
    machine->env.core = 0;
}

/* ---- Blocks that talk ---- */
struct setting {
    const char *block;
    unsigned reg;
    uint32_t value;
};

static void store(struct machine *machine, const struct setting *setting) {
    struct block *block = machine_block(machine, setting->block);
    if (block) {
        wr(block, setting->reg, setting->value);
    }
}

/* Random stores alone hardly ever get them going. */
static void set_up_serial(struct machine *machine) {
    static const struct setting settings[] = {
        { "CLOCKS", CLOCKS_CLK_PERI_CTRL, CLOCKS_CLK_PERI_CTRL_ENABLE },
        { "CLOCKS", CLOCKS_CLK_ADC_CTRL, CLOCKS_CLK_PERI_CTRL_ENABLE | 3 << 5 }, /* XOSC */
        { "XOSC", 0, 0xfabaa0 },
        { "UART0", UART_UARTIBRD, 1 },
        { "UART0", UART_UARTLCR_H, UART_UARTLCR_H_FEN | 3 << 5 },
        { "UART0", UART_UARTCR, UART_UARTCR_UARTEN | UART_UARTCR_TXE | UART_UARTCR_RXE | UART_UARTCR_LBE },
        { "UART1", UART_UARTIBRD, 3 },
        { "UART1", UART_UARTLCR_H, UART_UARTLCR_H_PEN | 2 << 5 },
        { "UART1", UART_UARTCR, UART_UARTCR_UARTEN | UART_UARTCR_TXE | UART_UARTCR_RXE },
        { "SPI0", SPI_SSPCPSR, 2 },
        { "SPI0", SPI_SSPCR0, 7 },
        { "SPI0", SPI_SSPCR1, SPI_SSPCR1_SSE },
        { "SPI1", SPI_SSPCPSR, 4 },
        { "SPI1", SPI_SSPCR0, 15 },
        { "SPI1", SPI_SSPCR1, SPI_SSPCR1_SSE | SPI_SSPCR1_LBM },
        { "I2C0", I2C_IC_TAR, 0x36 },
        { "I2C0", I2C_IC_FS_SCL_HCNT, 6 },
        { "I2C0", I2C_IC_FS_SCL_LCNT, 8 },
        { "I2C0", I2C_IC_ENABLE, 1 },
        { "I2C1", I2C_IC_CON, 0 }, /* a target */
        { "I2C1", I2C_IC_ENABLE, 1 },
        { "QMI", QMI_DIRECT_CSR, 6u << QMI_DIRECT_CSR_CLKDIV_LSB | QMI_DIRECT_CSR_ASSERT_CS0N | 1 },
        { "XIP_SSI", SSI_SSIENR, 0 },
        { "XIP_SSI", SSI_CTRLR0, 7 << SSI_CTRLR0_DFS_32_LSB },
        { "XIP_SSI", SSI_BAUDR, 4 },
        { "XIP_SSI", SSI_SER, 1 },
        { "XIP_SSI", SSI_SSIENR, 1 },
        { "SHA256", SHA256_CSR, SHA256_CSR_START },
        { "ADC", ADC_FCS, ADC_FCS_EN },
        { "ADC", ADC_CS, ADC_CS_EN | ADC_CS_START_MANY },
    };
    /* GP0, GP1: UART0; GP2, GP3: I2C1; GP4, GP5: I2C0; GP16 to GP19: SPI0 */
    static const uint8_t functions[] = { 2, 2, 3, 3, 3, 3 };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        store(machine, &settings[i]);
    }
    for (unsigned pin = 0; pin < 20; pin++) {
        unsigned function = pin < sizeof(functions) ? functions[pin] : pin < 16 ? 6 : 1;
        store(machine, &(struct setting){ "IO_BANK0", machine->chip->bank0->status + 2 * pin + 1, function });
    }
}

static void say_something(struct machine *machine, struct random *random) {
    static const struct {
        const char *block;
        unsigned reg;
    } data[] = { { "UART0", UART_UARTDR },  { "UART1", UART_UARTDR },    { "SPI0", SPI_SSPDR },
                 { "SPI1", SPI_SSPDR },     { "I2C0", I2C_IC_DATA_CMD }, { "PIO0", PIO_TXF0 },
                 { "PIO0", PIO_SM0_INSTR }, { "PIO1", PIO_TXF1 },        { "QMI", QMI_DIRECT_TX },
                 { "XIP_SSI", SSI_DR0 },    { "SHA256", SHA256_WDATA } };
    uint64_t bits = random_next(random);
    unsigned which = (unsigned)(bits % (sizeof(data) / sizeof(data[0])));
    store(machine, &(struct setting){ data[which].block, data[which].reg, (uint32_t)(bits >> 32) });
}

static void live(struct machine *machine, uint64_t seed) {
    struct random random;
    random_init(&random, seed);
    start(machine);
    set_up_serial(machine);
    for (unsigned i = 0; i < STORES; i++) {
        if (seed % 4 == 0 || random_next(&random) & 1) {
            say_something(machine, &random);
        }
        if (seed % 4 || random_next(&random) % 8 == 0) {
            store_somewhere(machine, &random);
        }
        if (random_next(&random) % 8 == 0) {
            machine_run(machine, machine_now(machine) + random_next(&random) % (20 * PS_PER_US));
        }
    }
}

static void save(struct machine *machine, uint8_t **ret_bytes, size_t *ret_size) {
    struct error error = { "" };
    if (!machine_save(machine, ret_bytes, ret_size, &error)) {
        fail_msg("%s", error.message);
    }
}

static void expect_same_snapshots(struct machine *a, struct machine *b) {
    uint8_t *bytes[2];
    size_t size[2];
    save(a, &bytes[0], &size[0]);
    save(b, &bytes[1], &size[1]);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void load_and_compare(struct bench_machine *first, struct bench_machine *second) {
    static struct same_objects objects;
    uint8_t *bytes;
    size_t size;
    struct error error = { "" };
    save(first->machine, &bytes, &size);
    if (!machine_load_state(second->machine, bytes, size, &error)) {
        fail_msg("%s", error.message);
    }
    free(bytes);
    objects.count = 0;
    same_add(&objects, "bench", first, second, sizeof(*first));
    assert_true(same_state(first->machine, second->machine, &objects, 0));
    expect_same_snapshots(first->machine, second->machine);
}

static void round_trip(const struct chip_desc *chip, uint64_t seed) {
    static struct bench_machine first, second;
    build(&first, chip);
    build(&second, chip);
    live(first.machine, seed);
    if (seed % 2) {
        live(second.machine, seed + 1000); /* whatever has been there is gone */
    }
    load_and_compare(&first, &second);
    uint64_t end = machine_now(first.machine) + FUTURE_PS;
    machine_run(first.machine, end);
    machine_run(second.machine, end);
    expect_same_snapshots(first.machine, second.machine);
    machine_destroy(first.machine);
    machine_destroy(second.machine);
}

static void blocks_of_the_rp2040(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        round_trip(&chip_rp2040, seed);
    }
}

static void blocks_of_the_rp2350(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        round_trip(seed % 3 ? &chip_rp2350 : &chip_rp2350b, seed);
    }
}

/* ---- Cores ---- */
static void fill_words(uint32_t *words, size_t size, struct random *random) {
    for (size_t i = 0; i < size / sizeof(*words); i++) {
        words[i] = (uint32_t)random_next(random);
    }
}

static void fill_core(struct core *core, struct random *random) {
    uint64_t inputs = (UINT64_C(1) << core->nvic.irqs) - 1;
    core->event = core->reset_requested = core->nmi_input = true;
    core->stall_until = core->cycles + 100;
    core->fault_address = 0x12345678;
    fill_words(&core->vtor, 3 * sizeof(uint32_t), random);
    fill_words(core->mainline.mpu_rbar, sizeof(core->mainline.mpu_rbar), random);
    fill_words(core->mainline.mpu_rlar, sizeof(core->mainline.mpu_rlar), random);
    core->nvic.enabled = random_next(random) & inputs;
    core->nvic.level = random_next(random) & inputs;
    core->nvic.irq_pending = random_next(random) & inputs;
    core->nvic.irq_active = random_next(random) & inputs;
    core->nvic.system_pending = 1u << EXCEPTION_SYSTICK | 1u << EXCEPTION_NMI;
    core->nvic.system_active = 1u << EXCEPTION_SVCALL;
    core->nvic.nmi_level = true;
    for (unsigned i = 4; i < 16 + core->nvic.irqs; i++) {
        core->nvic.priority[i] = (uint8_t)random_next(random) & core->nvic.priority_mask;
    }
    core->systick = (struct systick){ 7, 1000, 500, core->cycles, 12, true, true, core->cycles + 500 };
    if (core->desc.model != CORE_M33) {
        return;
    }
    struct mainline *main = &core->mainline;
    fill_words(&main->aircr, offsetof(struct mainline, cyccnt_epoch), random);
    main->cyccnt_epoch = core->cycles;
    fill_words(main->nmi_mask, 3 * sizeof(uint32_t), random);
    main->reported = 5;
    main->mpu_rnr %= MPU_REGIONS;
    main->sau_rnr %= SAU_REGIONS;
    for (unsigned i = 0; i < 2; i++) {
        core->dcp[i].x = (struct dcp_number){ random_next(random), 77, 3 };
        core->dcp[i].y = (struct dcp_number){ random_next(random), -4, 1 };
        core->dcp[i].shift = 13;
        core->dcp[i].order = -1;
        core->dcp[i].engaged = true;
    }
    core->rcp = (struct rcp){ random_next(random), true, true, 99 };
}

static void tell_core(struct core *core) {
    nvic_update(&core->nvic);
    core_update_attention(core);
    mpu_changed(core);
}

/* Whether it makes sense or not. */
static void every_word_of_a_core_is_kept(void **state) {
    const struct chip_desc *const chips[] = { &chip_rp2040, &chip_rp2350 };
    for (unsigned i = 0; i < 2; i++) {
        struct bench_machine first, second;
        struct random random = { 3 };
        build(&first, chips[i]);
        build(&second, chips[i]);
        start(first.machine);
        machine_run(first.machine, 10 * PS_PER_US);
        for (unsigned k = 0; k < CHIP_CORES; k++) {
            struct core *core = machine_core(first.machine, k);
            fill_core(core, &random);
            tell_core(core);
        }
        load_and_compare(&first, &second);
        machine_destroy(first.machine);
        machine_destroy(second.machine);
    }
}

/* ---- Classes ---- */
/* They have nothing beside registers but wiring. */
static const char *const stateless[] = { "glitch_detector", "hstx_fifo", "pads",   "resets",
                                         "syscfg",          "sysinfo",   "xip_aux" };

static bool is_stateless(const struct block_class *class) {
    for (size_t i = 0; i < sizeof(stateless) / sizeof(stateless[0]); i++) {
        if (!strcmp(class->name, stateless[i])) {
            return true;
        }
    }
    return class->size == sizeof(struct block);
}

static void every_class_of_block_has_a_walk_or_no_state(void **state) {
    const struct chip_desc *const chips[] = { &chip_rp2040, &chip_rp2350 };
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k < chips[i]->blocks; k++) {
            const struct block_class *class = chips[i]->map[k].class;
            if (!class->walk != is_stateless(class)) {
                fail_msg("%s", class->name);
            }
        }
    }
}

/* ---- What the engine alone holds ---- */
static void run_code(struct machine *machine, const uint16_t *code, size_t size) {
    struct error error;
    assert_true(machine_load(machine, SRAM, (const uint8_t *)code, size, &error));
    machine_power_on(machine, 0);
    core_start(machine_core(machine, 0), SRAM + 0x2000, SRAM, SRAM);
    core_set_register(machine_core(machine, 0), 1, SRAM + 0x1000);
}

/* The snapshot is taken between an exclusive load and its store: what the core has reserved is its own all the same,
 * or, when the word has been changed meanwhile, is not. */
static void exclusive_store(bool disturbed, uint32_t expected) {
    static const uint16_t code[] = {
        0xe851, 0x0f00,         /* ldrex r0, [r1] */
        0x2b00, 0xd0fd,         /* cmp r3, #0; beq .-2 */
        0xe841, 0x1200, 0xe7fe, /* strex r2, r1, [r1]; b . */
    };
    struct machine *machines[2];
    struct error error;
    uint8_t *bytes;
    size_t size;
    static struct bench_machine first, second;
    build(&first, &chip_rp2350);
    build(&second, &chip_rp2350);
    machines[0] = first.machine;
    machines[1] = second.machine;
    run_code(machines[0], code, sizeof(code));
    core_set_register(machine_core(machines[0], 0), 3, 0);
    machine_run(machines[0], 10 * PS_PER_US);
    save(machines[0], &bytes, &size);
    assert_true(machine_load_state(machines[1], bytes, size, &error));
    free(bytes);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t other = 77;
        if (disturbed) {
            assert_true(machine_load(machines[i], SRAM + 0x1000, (const uint8_t *)&other, 4, &error));
        }
        core_set_register(machine_core(machines[i], 0), 2, 9);
        core_set_register(machine_core(machines[i], 0), 3, 1);
        machine_run(machines[i], machine_now(machines[i]) + 10 * PS_PER_US);
        assert_int_equal(core_register(machine_core(machines[i], 0), 2), expected);
        machine_destroy(machines[i]);
    }
}

static void exclusive_accesses_go_on(void **state) {
    exclusive_store(false, 0);
    exclusive_store(true, 1);
}

/* Floating point, stack limits. */
static void registers_of_the_engine_go_on(void **state) {
    static const uint16_t code[] = { 0xf384, 0x880a, 0xf385, 0x880b, 0xe7fe }; /* msr msplim, r4; msr psplim, r5; b . */
    static struct bench_machine first, second;
    struct error error;
    uint8_t *bytes;
    size_t size;
    build(&first, &chip_rp2350);
    build(&second, &chip_rp2350);
    run_code(first.machine, code, sizeof(code));
    struct core *core = machine_core(first.machine, 0), *loaded = machine_core(second.machine, 0);
    core_set_register(core, 4, SRAM + 0x100);
    core_set_register(core, 5, SRAM + 0x208);
    machine_run(first.machine, 10 * PS_PER_US);
    for (unsigned i = 0; i < 32; i++) {
        core_set_register(core, CORE_S0 + i, 0x40400000 + i);
    }
    core_set_register(core, CORE_FPSCR, 0xf0000010);
    core_set_register(core, CORE_XPSR, 0xf9000000);
    core_set_register(core, CORE_CONTROL, CONTROL_SPSEL | CONTROL_NPRIV);
    core_set_register(core, CORE_MSP, SRAM + 0x1800);
    core_set_register(core, CORE_PSP, SRAM + 0x1400);
    core_set_register(core, CORE_BASEPRI, 0x40);
    core_set_register(core, CORE_FAULTMASK, 1);
    core_set_register(core, CORE_PRIMASK, 1);
    save(first.machine, &bytes, &size);
    assert_true(machine_load_state(second.machine, bytes, size, &error));
    free(bytes);
    for (unsigned i = 0; i < CORE_REGISTERS; i++) {
        assert_int_equal(core_register(loaded, i), core_register(core, i));
    }
    assert_int_equal(core_register(loaded, CORE_CONTROL) & 3, CONTROL_SPSEL | CONTROL_NPRIV);
    assert_int_equal(core_register(loaded, CORE_XPSR), 0xf9000000);
    assert_int_equal(core_register(loaded, CORE_BASEPRI), 0x40);
    assert_int_equal(core_register(loaded, CORE_FAULTMASK), 1);
    assert_int_equal(core_register(loaded, CORE_PRIMASK), 1);
    assert_int_equal(core_register(loaded, CORE_S0 + 31), 0x4040001f);
    assert_int_equal(core_register(loaded, CORE_FPSCR), 0xf0000010);
    uint32_t limits[2];
    machine_run(second.machine, machine_now(second.machine) + 10 * PS_PER_US);
    engine_fetch(loaded);
    engine_fetch_limits(loaded, limits);
    assert_int_equal(limits[0], SRAM + 0x100);
    assert_int_equal(limits[1], SRAM + 0x208);
    machine_destroy(first.machine);
    machine_destroy(second.machine);
}

/* ---- Snapshots of something else ---- */
static void refuse(struct machine *machine, const uint8_t *bytes, size_t size, const char *message) {
    struct error error = { "" };
    assert_false(machine_load_state(machine, bytes, size, &error));
    if (!strstr(error.message, message)) {
        fail_msg("\"%s\" instead of \"%s\"", error.message, message);
    }
    uint64_t now = machine_now(machine);
    machine_run(machine, now + PS_PER_MS);
    assert_true(machine_now(machine) == now); /* it does nothing any more */
    machine_destroy(machine);
}

static void another_chip_flash_or_length_is_refused(void **state) {
    static struct bench_machine first, second;
    struct error error;
    uint8_t *bytes;
    size_t size;
    build(&first, &chip_rp2040);
    start(first.machine);
    save(first.machine, &bytes, &size);
    build(&second, &chip_rp2350);
    refuse(second.machine, bytes, size, "the machine: the chip is \"rp2040\" in the snapshot and \"rp2350\" here");
    struct machine_desc desc = { .chip = &chip_rp2040, .flash_size = 4u << 20 };
    refuse(machine_create(&desc, &error), bytes, size, "FLASH: its size is 2097152 in the snapshot and 4194304 here");
    for (size_t shorter = 0; shorter < size; shorter += size / 40 + 1) {
        build(&second, &chip_rp2040);
        refuse(second.machine, bytes, shorter, "the snapshot is cut short here");
    }
    free(bytes);
    machine_destroy(first.machine);
}

/* ---- Parts ---- */
/* Whole bytes for parts on a bus: what they take for commands and their data. */
static void send_bytes(struct bench *bench, struct random *random) {
    const struct part_class *class = bench->part->class;
    int scl = part_pin_find(class, "SCL"), sda = part_pin_find(class, "SDA"), miso = part_pin_find(class, "MISO");
    uint64_t bits = random_next(random);
    if (scl < 0 || sda < 0) {
        return;
    }
    struct net *clock = &bench->nets[scl], *data = &bench->nets[sda];
    if (bits & 1) {
        spi_exchange(clock, data, miso < 0 ? NULL : &bench->nets[miso], bits >> 32 & 0xff, bits & 2 ? 8 : 3);
        return;
    }
    i2c_start(clock, data, bits & 4 ? 0x36 : 0x3c, bits & 8);
    for (unsigned i = 0; i < (bits >> 4 & 7); i++) {
        if (bits & 8) {
            i2c_read(clock, data);
        } else {
            i2c_write(clock, data, (uint8_t)(bits >> (8 + 7 * i)));
        }
    }
    if (bits >> 60 & 3) {
        i2c_stop(clock, data);
    }
}

static void drive(struct bench *bench, const char *pin, enum net_drive level) {
    int index = part_pin_find(bench->part->class, pin);
    if (index >= 0) {
        net_drive(&bench->drivers[index], level);
    }
}

/* A command that a display has, and some of its data. */
static void send_command(struct bench *bench, struct random *random, bool ends) {
    static const uint8_t st7789[] = { 0x10, 0x11, 0x12, 0x13, 0x20, 0x21, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2e, 0x30,
                                      0x33, 0x35, 0x36, 0x04, 0x09, 0x37, 0x38, 0x39, 0x3a, 0x44, 0x51, 0x53 };
    static const uint8_t ssd1306[] = { 0x00, 0x12, 0x20, 0x21, 0x22, 0x26, 0x29, 0x2e, 0x2f, 0x40,
                                       0x81, 0x8d, 0xa1, 0xa3, 0xa4, 0xa5, 0xa7, 0xa8, 0xad, 0xaf,
                                       0xb3, 0xc0, 0xc8, 0xd3, 0xd5, 0xd9, 0xda, 0xdb, 0xe3 };
    const struct part_class *class = bench->part->class;
    uint64_t bits = random_next(random);
    unsigned count = bits & 7;
    if (!strcmp(class->type, "st7789")) {
        struct net *clock = &bench->nets[part_pin_find(class, "SCL")],
                   *data = &bench->nets[part_pin_find(class, "SDA")];
        drive(bench, "SCL", NET_LOW);
        drive(bench, "RST", NET_HIGH);
        drive(bench, "CS", NET_HIGH);
        drive(bench, "CS", NET_LOW);
        drive(bench, "DC", NET_LOW);
        spi_exchange(clock, data, NULL, st7789[(bits >> 8) % sizeof(st7789)], 8);
        drive(bench, "DC", NET_HIGH);
        for (unsigned i = 0; i < count; i++) {
            spi_exchange(clock, data, NULL, random_next(random) & (i & 1 ? 0xff : 0x81), 8);
        }
    } else if (!strcmp(class->type, "ssd1306")) {
        struct net *clock = &bench->nets[part_pin_find(class, "SCL")],
                   *data = &bench->nets[part_pin_find(class, "SDA")];
        drive(bench, "SCL", NET_Z);
        drive(bench, "SDA", NET_Z);
        i2c_start(clock, data, 0x3c, false);
        i2c_write(clock, data, bits >> 3 & 3 ? 0 : 0x40);
        i2c_write(clock, data, ssd1306[(bits >> 8) % sizeof(ssd1306)]);
        for (unsigned i = 0; i < count; i++) {
            i2c_write(clock, data, (uint8_t)(random_next(random) & 0x3f));
        }
        if (ends) {
            i2c_stop(clock, data);
        }
    }
}

static void wiggle(struct bench *bench, struct random *random, unsigned steps) {
    unsigned pins = part_pin_count(bench->part->class), controls = part_control_count(bench->part->class);
    for (unsigned i = 0; i < steps; i++) {
        uint64_t bits = random_next(random);
        if (pins) {
            const char *name = bench->part->class->pins[bits % pins].name;
            bool high = bits >> 32 & 1;
            /* Supplies and resets are seldom wrong. */
            if (bits >> 33 & 63) {
                high = (high || !strcmp(name, "VCC") || !strcmp(name, "RST")) && strcmp(name, "GND") != 0;
            }
            net_drive(&bench->drivers[bits % pins], high ? NET_HIGH : NET_LOW);
        }
        if (controls && (bits >> 40 & 63) == 0) {
            const struct part_control *control = &bench->part->class->controls[bits >> 48 & 1 ? controls - 1 : 0];
            bench_set(bench, control->name,
                      control->min + (control->max - control->min) * (double)(bits >> 50 & 7) / 7);
        }
        if (bits >> 62) {
            send_bytes(bench, random);
        }
        if (bits >> 58 & 1) {
            send_command(bench, random, true);
        }
        stage_run(&bench->stage, random_next(random) % (40 * PS_PER_US));
    }
}

static void bench_walk(struct bench *bench, struct walk *walk) {
    unsigned pins = part_pin_count(bench->part->class);
    walk_section(walk, "bench", 0);
    walk_u64(walk, &bench->stage.scheduler.now_ps);
    for (unsigned i = 0; i < pins; i++) {
        net_driver_walk(&bench->drivers[i], walk);
        net_walk(&bench->nets[i], walk);
    }
    walk_section_end(walk);
    part_walk(bench->part, walk);
}

static void bench_save(struct bench *bench, struct walk *ret_walk) {
    struct error error = { "" };
    walk_write_begin(ret_walk, &bench->stage.scheduler);
    bench_walk(bench, ret_walk);
    if (!walk_complete(ret_walk, &error)) {
        fail_msg("%s: %s", bench->part->class->type, error.message);
    }
}

static void bench_load(struct bench *bench, const struct walk *from) {
    struct walk walk;
    struct error error = { "" };
    bench->stage.env.loading = true;
    walk_read_begin(&walk, from->bytes, from->at, &bench->stage.scheduler);
    bench_walk(bench, &walk);
    bench->stage.env.loading = false;
    if (!walk_complete(&walk, &error)) {
        fail_msg("%s: %s", bench->part->class->type, error.message);
    }
    walk_finish(&walk);
}

static void expect_same_walks(const struct walk *a, const struct walk *b, const char *type) {
    if (a->at != b->at || memcmp(a->bytes, b->bytes, a->at) != 0) {
        fail_msg("%s", type);
    }
}

static void expect_same_views(struct bench *a, struct bench *b) {
    for (unsigned i = 0; part_view(a->part, i); i++) {
        const struct part_view *x = part_view(a->part, i), *y = part_view(b->part, i);
        if (x->kind == PART_SCREEN) {
            size_t pixels = (size_t)x->screen.width * x->screen.height;
            assert_memory_equal(x->screen.pixels, y->screen.pixels, pixels * sizeof(*x->screen.pixels));
            assert_true(x->screen.on == y->screen.on && x->screen.brightness == y->screen.brightness);
        } else if (x->kind == PART_LIGHT) {
            assert_true(x->light.brightness == y->light.brightness && x->light.colour == y->light.colour);
        } else if (x->kind == PART_POINTER) {
            assert_true(x->pointer.degrees == y->pointer.degrees);
        }
    }
}

/* Word by word, screens apart, which are shown anew. */
static void expect_same_parts(struct bench *a, struct bench *b) {
    static struct same_objects objects;
    objects.count = 0;
    same_add_part(&objects, a->part, b->part);
    same_add(&objects, "bench", a, b, sizeof(*a));
    for (unsigned i = 0; part_view(a->part, i); i++) {
        const struct part_view *x = part_view(a->part, i), *y = part_view(b->part, i);
        if (x->kind == PART_SCREEN) {
            same_add(&objects, "pixels", x->screen.pixels, y->screen.pixels, 0);
        }
    }
    if (!same_words(&objects, &objects.object[0], NULL)) {
        fail_msg("%s", a->part->class->type);
    }
}

static void part_round_trip(const char *type, uint64_t seed) {
    static struct bench first, second;
    struct random random, same;
    struct walk saved, again;
    random_init(&random, seed);
    bench_create(&first, type);
    bench_start(&first);
    wiggle(&first, &random, 3000);
    send_command(&first, &random, false);
    bench_save(&first, &saved);
    bench_create(&second, type);
    bench_start(&second);
    wiggle(&second, &(struct random){ seed + 1 }, 100);
    bench_load(&second, &saved);
    bench_save(&second, &again);
    expect_same_walks(&saved, &again, type);
    walk_finish(&saved);
    walk_finish(&again);
    expect_same_views(&first, &second);
    expect_same_parts(&first, &second);
    same = random;
    wiggle(&first, &random, 500);
    wiggle(&second, &same, 500);
    bench_save(&first, &saved);
    bench_save(&second, &again);
    expect_same_walks(&saved, &again, type);
    expect_same_views(&first, &second);
    walk_finish(&saved);
    walk_finish(&again);
    bench_finish(&first);
    bench_finish(&second);
}

static void every_class_of_part(void **state) {
    for (const struct part_class *const *class = parts_registry; *class; class ++) {
        for (uint64_t seed = 0; seed < 12; seed++) {
            part_round_trip((*class)->type, seed);
        }
    }
}

static void another_part_is_refused(void **state) {
    static struct bench first, second;
    struct walk saved, walk;
    struct error error;
    bench_create(&first, "ssd1306");
    bench_start(&first);
    bench_save(&first, &saved);
    bench_create(&second, "ssd1306");
    bench_attribute(&second, "size", "128x32");
    bench_start(&second);
    walk_read_begin(&walk, saved.bytes, saved.at, &second.stage.scheduler);
    bench_walk(&second, &walk);
    assert_false(walk_complete(&walk, &error));
    assert_string_equal(error.message, "part X1: size is \"128x64\" in the snapshot and \"128x32\" here");
    walk_finish(&walk);
    walk_finish(&saved);
    bench_finish(&first);
    bench_finish(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_of_block_has_a_walk_or_no_state),
        cmocka_unit_test(blocks_of_the_rp2040),
        cmocka_unit_test(blocks_of_the_rp2350),
        cmocka_unit_test(every_word_of_a_core_is_kept),
        cmocka_unit_test(exclusive_accesses_go_on),
        cmocka_unit_test(registers_of_the_engine_go_on),
        cmocka_unit_test(another_chip_flash_or_length_is_refused),
        cmocka_unit_test(every_class_of_part),
        cmocka_unit_test(another_part_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
