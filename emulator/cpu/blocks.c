/* Cycle accounting by block of instructions, as the engine forms them: a block is paid when it has run, so that
 * everything in it happens at the time at which it began. Costs are worked out once per block and kept by address.
 * The engine notices when code changes and says so by translating it anew; who changes it from outside calls
 * engine_code_changed(). */
#include "emulator/cpu/internal.h"

#include <string.h>

void blocks_pay(struct core *core, uint32_t next) {
    int32_t cycles = core->block_cycles - core->block_credit;
    if (next != core->block_next) {
        cycles += core->block_taken;
    }
    core->block_cycles = 0;
    core->block_credit = 0;
    core->block_taken = 0;
    core->cycles += (uint64_t)(cycles > 0 ? cycles : 0);
    if (core->block_sev) {
        core->block_sev = false;
        core->event = true;
        if (core->desc.send_event) {
            core->desc.send_event(core->desc.event_context, core);
        }
    }
}

#define MAX_BLOCK 2048 /* bytes: the engine ends a block after 512 instructions */

static struct block_cost *entry(struct core *core, uint32_t address) {
    return &core->costs[address >> 1 & (COST_ENTRIES - 1)];
}

static const uint8_t *code_at(struct core *core, uint32_t address, uint32_t size) {
    return size >= 2 ? bus_memory_at(core->desc.bus, address, size, false) : NULL;
}

struct block_cost *blocks_known(struct core *core, uint32_t address) {
    struct block_cost *cost = entry(core, address);
    return cost->address == address && cost->size ? cost : NULL;
}

static void begin(struct core *core, const struct block_cost *cost) {
    core->block_address = cost->address;
    core->block_size = cost->size;
    core->block_next = cost->address + cost->size;
    core->block_cycles = cost->cycles;
    core->block_taken = cost->taken;
    core->block_sev = cost->sev;
}

void blocks_begin(struct core *core, uint32_t address, uint32_t size) {
    struct block_cost *cost = entry(core, address);
    if (cost->address != address || cost->size != size) {
        const uint8_t *code = code_at(core, address, size);
        *cost = (struct block_cost){ .address = address, .size = (uint16_t)size };
        if (code) {
            m0plus_block_cost(code, size, cost);
        }
    }
    begin(core, cost);
}

void blocks_pay_partly(struct core *core, uint32_t pc) {
    uint32_t size = pc - core->block_address;
    const uint8_t *code = code_at(core, core->block_address, size);
    struct block_cost cost = { 0 };
    if (size < core->block_size) {
        if (code) {
            m0plus_block_cost(code, size, &cost);
        }
        core->block_cycles = cost.cycles;
        core->block_sev = cost.sev;
    }
    core->block_taken = 0;
    blocks_pay(core, pc);
}

void blocks_forget(struct core *core, uint32_t address, uint32_t size) {
    uint64_t first = size && address > MAX_BLOCK ? address - MAX_BLOCK : address; /* blocks that reach in */
    for (uint64_t at = first; at < (uint64_t)address + size || at == address; at += 2) {
        struct block_cost *cost = entry(core, (uint32_t)at);
        if (cost->address == at) {
            cost->size = 0;
        }
    }
}
