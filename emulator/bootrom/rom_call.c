/* Where the boot ROM meets the cores. */
#include "emulator/bootrom/bootrom.h"
#include "emulator/cpu/core.h"

static uint32_t serve(void *context, struct core *core, unsigned number,
                      uint32_t (*service)(struct bootrom *, unsigned, struct bootrom_call *)) {
    struct bootrom_call call, before;
    for (unsigned i = 0; i < 4; i++) {
        call.r[i] = core_register(core, i);
    }
    before = call;
    uint32_t cycles = service(context, number, &call);
    for (unsigned i = 0; i < 4; i++) {
        if (call.r[i] != before.r[i]) {
            core_set_register(core, i, call.r[i]);
        }
    }
    return cycles;
}

uint32_t bootrom_rp2040_rom_call(void *context, struct core *core, unsigned number) {
    return serve(context, core, number, bootrom_rp2040_serve);
}

uint32_t bootrom_rp2350_rom_call(void *context, struct core *core, unsigned number) {
    return serve(context, core, number, bootrom_rp2350_serve);
}

void bootrom_start(struct core *core, const uint8_t *rom) {
    uint32_t word[2];
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *at = rom + 4 * i;
        word[i] = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
    }
    core_start(core, word[0], word[1], 0);
}
