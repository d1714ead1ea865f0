/* Cycle accounting by block of instructions, as the engine forms them: a block is paid when it has run, so that
 * everything in it happens at the time at which it began. Costs are worked out once per block and kept by address.
 * The engine notices when code changes and says so by translating it anew; who changes it from outside calls
 * engine_code_changed(). */
#include "emulator/cpu/internal.h"

#include <string.h>

#define MAX_BLOCK 2048 /* bytes: the engine ends a block after 512 instructions */

void blocks_pay_rest(struct core *core) {
    core->cycles -= core->block_credit;
    core->block_credit = 0;
    core->mainline.limits_used |= core->block.limits;
    if (core->block.sev) {
        core->event = true;
        if (core->desc.send_event) {
            core->desc.send_event(core->desc.event_context, core);
        }
    }
}

static const uint8_t *code_at(struct core *core, uint32_t address, uint32_t size) {
    return size >= 2 ? bus_memory_at(core->desc.bus, address, size, false) : NULL;
}

struct block_cost *blocks_known(struct core *core, uint32_t address) {
    struct block_cost *cost = blocks_entry(core, address);
    return cost->address == address && cost->end ? cost : NULL;
}

void blocks_learn(struct core *core, uint32_t address, uint32_t size) {
    struct block_cost *cost = blocks_entry(core, address);
    const uint8_t *code = code_at(core, address, size);
    *cost = (struct block_cost){ .address = address, .end = address + size };
    if (code) {
        core->arch->block_cost(code, size, cost);
        cost->rare = cost->sev || cost->limits;
        if (cost->leaves) {
            scs_main_report(core, REPORTED_NON_SECURE, LOG_STUB, "BXNS or BLXNS: Non-secure state is not modelled");
        }
    }
}

void blocks_pay_partly(struct core *core, uint32_t pc) {
    uint32_t address = core->block.address, size = pc - address;
    if (pc < core->block.end && pc >= address) {
        const uint8_t *code = code_at(core, address, size);
        core->block = (struct block_cost){ .address = address, .end = pc };
        if (code) {
            core->arch->block_cost(code, size, &core->block);
            core->block.rare = core->block.sev || core->block.limits;
        }
    }
    core->block.taken = 0;
    blocks_pay(core, pc);
    blocks_none(core);
}

void blocks_forget_all(struct core *core) {
    memset(core->costs, 0, COST_ENTRIES * sizeof(*core->costs));
}

void blocks_forget(struct core *core, uint32_t address, uint32_t size) {
    uint64_t first = size && address > MAX_BLOCK ? address - MAX_BLOCK : address; /* blocks that reach in */
    for (uint64_t at = first; at < (uint64_t)address + size || at == address; at += 2) {
        struct block_cost *cost = blocks_entry(core, (uint32_t)at);
        if (cost->address == at) {
            cost->end = 0;
        }
    }
}
