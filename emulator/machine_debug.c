/* What a debugger takes hold of in a machine: halted cores, and memory and registers looked at or changed from outside.
 *
 * Looking has no effect: registers where loading does something (FIFOs, spin locks, latches) are refused. What depends
 * on time is shown as at the halted core's instruction while that core runs alone, else as at the beginning of the turn
 * that both cores are in (up to 1,000 cycles before), because devices must not be ahead of the other core. */
#include "emulator/machine.h"

#include "emulator/chips/common.h"
#include "emulator/machine_private.h"
#include "firmware-loader/chip.h"

#include <string.h>

void machine_set_debugger(struct machine *machine, const struct core_debugger *debugger) {
    static const struct core_debugger nobody;
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_set_debugger(machine->cores[i], debugger ? debugger : &nobody);
    }
}

int machine_halted_core(const struct machine *machine) {
    return machine->halted ? (int)machine->halted_core : -1;
}

bool machine_is_in_turn(const struct machine *machine) {
    return machine->turn.open;
}

uint64_t machine_core_time(struct machine *machine, unsigned index) {
    uint64_t now = machine_now(machine), time = clock_time_of(machine->clk_sys, core_cycles(machine->cores[index]));
    return machine->turn.open && time != TIME_NEVER && time > now ? time : now;
}

/* ---- Looking ---- */

/* Where loading does something that the tables from the SVD files do not tell. */
static bool is_touchy(const struct block *block, const struct register_desc *desc) {
    static const struct {
        const char *block, *name;
    } touchy[] = {
        { "SIO", "INTERP0_POP" }, { "SIO", "INTERP1_POP" }, { "SIO", "DIV_QUOTIENT" }, { "I2C", "IC_DATA_CMD" },
        { "I2C", "IC_CLR_" },     { "SSI", "DR0" },         { "TRNG", "EHR_DATA" },
    };
    for (size_t i = 0; i < sizeof(touchy) / sizeof(touchy[0]); i++) {
        if (strncmp(block->name, touchy[i].block, strlen(touchy[i].block)) == 0 &&
            strncmp(desc->name, touchy[i].name, strlen(touchy[i].name)) == 0) {
            return true;
        }
    }
    return desc->read_effect;
}

/* Blocks that are in reset, and offsets without a register, would say so in the log. */
static bool look_at_block(struct block *block, uint32_t offset, uint32_t *ret_value) {
    unsigned reg;
    *ret_value = 0;
    if (block->in_reset) {
        return true;
    }
    if (!block_find_register(block, offset, &reg)) {
        return false;
    }
    if (is_touchy(block, &block->registers->descs[reg])) {
        return false;
    }
    *ret_value = block_read_register(block, reg);
    return true;
}

static bool is_harmless_window(const char *name) {
    return strcmp(name, "SRAM banks") == 0 || strcmp(name, "BOOTRAM") == 0 || strstr(name, "DPRAM");
}

static bool look_at_device(struct machine *machine, uint32_t address, uint32_t *ret_value) {
    uint32_t offset;
    struct block *block = bus_block_at(&machine->bus, address, &offset);
    const char *name = bus_name_at(&machine->bus, address);
    if (block) {
        machine->env.size = 4;
        return look_at_block(block, offset & 0xffcu, ret_value);
    }
    return name && is_harmless_window(name) && bus_read(&machine->bus, address, 4, ret_value);
}

/* As if the core were running, so that devices see its time; nothing of that stays. */
static bool look_as_core(struct machine *machine, unsigned core, uint32_t address, uint32_t *ret_value) {
    uint64_t now_ps = machine->scheduler.now_ps;
    bool alone = machine->turn.open && !machine->turn.together;
    unsigned before = machine->env.core;
    machine->env.core = core;
    machine->scheduler.now_ps = alone ? machine_core_time(machine, core) : now_ps;
    bool ok = look_at_device(machine, address, ret_value);
    machine->scheduler.now_ps = now_ps;
    machine->env.core = before;
    return ok;
}

bool machine_look(struct machine *machine, unsigned core, uint32_t address, unsigned size, uint32_t *ret_value) {
    uint32_t word;
    *ret_value = 0;
    if (machine_peek(machine, address, ret_value, size)) {
        return true;
    }
    if (address & (size - 1)) {
        return false;
    }
    bool ok = address >> 20 == 0xe00 ? core_load(machine->cores[core], address & ~3u, 4, &word)
                                     : look_as_core(machine, core, address & ~3u, &word);
    if (ok) {
        *ret_value = word >> 8 * (address & 3) & (size == 4 ? UINT32_MAX : (1u << 8 * size) - 1);
    }
    return ok;
}

/* ---- Changing ---- */

static bool poke_memory(struct machine *machine, uint32_t address, const uint8_t *data, uint32_t size) {
    uint8_t *host = bus_memory_at(&machine->bus, address, size, true);
    if (!host) {
        return false;
    }
    memcpy(host, data, size);
    machine_memory_written(machine, address, size);
    return true;
}

static bool poke_device(struct machine *machine, unsigned core, uint32_t address, const uint8_t *data, uint32_t size) {
    uint32_t value = 0;
    unsigned before = machine->env.core;
    if ((size != 1 && size != 2 && size != 4) || address & (size - 1)) {
        return false;
    }
    memcpy(&value, data, size);
    machine->env.core = core;
    bool ok = !bus_memory_at(&machine->bus, address, size, false) &&
              (address >> 20 == 0xe00 || bus_name_at(&machine->bus, address)) &&
              core_store(machine->cores[core], address, value, size);
    machine->env.core = before;
    return ok;
}

/* Who keeps the flash's contents hears of it. */
static bool poke_flash(struct machine *machine, uint32_t address, const void *data, uint32_t size,
                       struct error *error) {
    bool ok = machine_load(machine, address, data, size, error);
    if (ok && machine->events.flash_changed) {
        machine->env.loading = true; /* no operation of the chip */
        machine->events.flash_changed(machine->events.context, address - CHIP_FLASH_BASE, size, false);
        machine->env.loading = false;
    }
    return ok;
}

bool machine_poke(struct machine *machine, unsigned core, uint32_t address, const void *data, uint32_t size,
                  struct error *error) {
    bool is_flash = address >= CHIP_FLASH_BASE && address - CHIP_FLASH_BASE < machine->flash.desc.size;
    if (is_flash) {
        return poke_flash(machine, address, data, size, error);
    }
    error_set(error, "0x%08x to 0x%08x can not be written: nothing is there, or it is read-only", address,
              address + size);
    return poke_memory(machine, address, data, size) || poke_device(machine, core, address, data, size);
}

/* ---- What there is ---- */

struct block *machine_block_number(struct machine *machine, unsigned number, uint32_t *ret_base) {
    if (number >= machine->chip->blocks) {
        return NULL;
    }
    *ret_base = machine->chip->map[number].base;
    return machine->blocks[number];
}

const struct bus_memory *machine_memory(const struct machine *machine, unsigned number) {
    return number < machine->bus.memory_count ? &machine->bus.memory[number] : NULL;
}
