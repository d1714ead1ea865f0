/* A guest program that stores anything anywhere in the blocks of a chip, while both of its cores run and time goes on.
 * The first byte chooses the chip; then eight bytes an access: block, how, offset (2), value (4). */
#include "emulator/core/scheduler.h"
#include "emulator/machine_private.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define RECORD 8
#define SRAM 0x20000000u
#define RUN_PS (20 * PS_PER_US)

/* In `how`: */
#define HOW_CORE1 0x01u
#define HOW_ALIAS 0x06u /* which */
#define HOW_LOAD 0x08u
#define HOW_NARROW 0x30u /* 1: a byte, 2: a halfword, else a word */
#define HOW_RUN 0xc0u    /* all of it: time goes on */

static void access(struct machine *machine, const uint8_t *record) {
    const struct block_at *at = &machine->chip->map[record[0] % machine->chip->blocks];
    unsigned how = record[1], narrow = (how & HOW_NARROW) >> 4, size = narrow == 1 || narrow == 2 ? narrow : 4;
    uint32_t offset = (uint32_t)(record[2] | record[3] << 8) & 0xfff, value;
    memcpy(&value, record + 4, sizeof(value));
    uint32_t address = at->base + (at->no_aliases ? 0 : (how & HOW_ALIAS) << 11) + (offset & ~(size - 1));
    machine->env.core = how & HOW_CORE1;
    if (how & HOW_LOAD) {
        bus_read(&machine->bus, address, size, &value);
    } else {
        bus_write(&machine->bus, address, value, size);
    }
    machine->env.core = 0;
    if ((how & HOW_RUN) == HOW_RUN) {
        machine_run(machine, machine_now(machine) + RUN_PS);
    }
}

static void start(struct machine *machine) {
    static const uint16_t count[] = { 0x3001, 0xe7fd }; /* adds r0, #1; b .-2 */
    struct error error;
    machine_load(machine, SRAM, (const uint8_t *)count, sizeof(count), &error);
    machine_power_on(machine, 0);
    for (unsigned i = 0; i < 2; i++) {
        core_start(machine_core(machine, i), SRAM + 0x2000 + 0x1000 * i, SRAM, SRAM);
    }
    block_write(machine_block(machine, "RESETS"), 0, 0, ALIAS_NORMAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct error error;
    struct machine_desc desc = { .flash_size = 2u << 20 };
    desc.chip = size && *bytes & 1 ? &chip_rp2350 : &chip_rp2040;
    if (size && *bytes & 2 && desc.chip == &chip_rp2350) {
        desc.psram_size = 2u << 20;
        desc.psram_cs_pin = 8;
    }
    struct machine *machine = machine_create(&desc, &error);
    if (!machine) {
        return 0;
    }
    start(machine);
    for (size_t i = 1; i + RECORD <= size; i += RECORD) {
        access(machine, bytes + i);
    }
    machine_run(machine, machine_now(machine) + RUN_PS);
    machine_destroy(machine);
    return 0;
}
