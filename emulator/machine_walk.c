/* Snapshots of a machine: which sections there are, and in which order. What is in them, the devices say.
 *
 * What is not in a snapshot: wiring; what follows from the rest (see core_walk.c); log, traces and captures, which are
 * the front end's; the seed, which has been used up in the streams that are saved. */
#include "emulator/machine_private.h"
#include "peripherals/onchip/gpio.h"

#include <string.h>

#define CYCLES_APART (1u << 16) /* that cores may be from the time */

void machine_accompany(struct machine *machine, struct machine_companion *companion) {
    struct machine_companion **end = &machine->companions;
    while (*end) {
        end = &(*end)->next;
    }
    companion->next = NULL;
    *end = companion;
}

void machine_part_with(struct machine *machine, struct machine_companion *companion) {
    for (struct machine_companion **link = &machine->companions; *link; link = &(*link)->next) {
        if (*link == companion) {
            *link = companion->next;
            return;
        }
    }
}

/* ---- Sections ---- */
/* FNV-1a: tells boot ROMs apart. */
static uint64_t hash_of(const uint8_t *bytes, size_t size) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    }
    return hash;
}

static void common_walk(struct machine *machine, struct walk *walk) {
    const struct chip_desc *chip = machine->chip;
    walk_section(walk, "the machine", 2);
    walk_expect_text(walk, "the chip", chip->name);
    walk_expect(walk, "the boot ROM's hash", hash_of(machine->rom, chip->rom_size));
    walk_expect(walk, "the PSRAM's size", machine->desc.psram_size);
    walk_u64(walk, &machine->scheduler.now_ps);
    walk_u64s(walk, machine->irqs, CHIP_CORES);
    walk_u64s(walk, machine->nmi_mask, CHIP_CORES);
    walk_bool(walk, &machine->reset_pending);
    WALK_ENUM(walk, machine->reset_cause, RESET_POWER_OFF + 1);
    walk_below(walk, &machine->reset_core, CHIP_CORES);
    walk_u32(walk, &machine->ram_entry);
    walk_bool(walk, &machine->turn.open);
    walk_bool(walk, &machine->turn.together);
    walk_below(walk, &machine->turn.core, CHIP_CORES);
    walk_u64(walk, &machine->turn.target);
    walk_u64(walk, &machine->turn.reached);
    walk_u64(walk, &machine->turn.limit);
    WALK_ENUM(walk, machine->state, MACHINE_OFF + 1);
    bus_walk(&machine->bus, walk);
    walk_section_end(walk);
    if (machine->scheduler.now_ps > INT64_MAX) {
        walk_fail(walk, "the machine: a time that no run reaches");
        machine->scheduler.now_ps = 0;
    }
}

static void memory_walk(struct machine *machine, struct walk *walk) {
    walk_section(walk, "SRAM", 0);
    walk_bytes(walk, machine->sram, machine->chip->sram_size);
    walk_section_end(walk);
}

/* The order is that of reading, which may use what has been read before. */
static void machine_walk(struct machine *machine, struct walk *walk) {
    common_walk(machine, walk);
    memory_walk(machine, walk);
    w25q_walk(&machine->flash, walk);
    if (machine->psram.contents) {
        aps6404l_walk(&machine->psram, walk);
    }
    gpio_bank_walk(&machine->bank0, "the GPIO pins", walk);
    gpio_bank_walk(&machine->qspi, "the QSPI pins", walk);
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        block_walk(machine->blocks[i], walk);
    }
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_walk(machine->cores[i], walk);
    }
    machine->chip->walk(machine, walk);
    usbhost_walk(&machine->usbhost, walk);
    uart_feed_walk(&machine->uart_feed[0], "bytes for UART0", walk);
    uart_feed_walk(&machine->uart_feed[1], "bytes for UART1", walk);
    for (struct machine_companion *each = machine->companions; each; each = each->next) {
        each->walk(each->context, walk);
    }
}

static bool is_off(const struct machine *machine) {
    return !machine->scheduler.now_ps && core_state(machine->cores[0]) == CORE_HELD;
}

bool machine_save(struct machine *machine, uint8_t **ret_bytes, size_t *ret_size, struct error *error) {
    struct walk walk;
    if (is_off(machine)) {
        error_set(error, "the machine has not been switched on");
        return false;
    }
    walk_write_begin(&walk, &machine->scheduler);
    machine_walk(machine, &walk);
    bool ok = walk_complete(&walk, error);
    if (ok) {
        *ret_bytes = walk.bytes;
        *ret_size = walk.at;
        walk.bytes = NULL;
    }
    walk_finish(&walk);
    return ok;
}

/* ---- After reading ---- */
/* Cores count the cycles of clk_sys; the one that has come farthest is where the time is. */
static void check_cycles(struct machine *machine, struct walk *walk) {
    uint64_t now = clock_cycles_at(machine->clk_sys, machine->scheduler.now_ps), reached = 0;
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        uint64_t cycles = core_cycles(machine->cores[i]);
        reached = cycles > reached ? cycles : reached;
    }
    if ((reached > now ? reached - now : now - reached) > CYCLES_APART) {
        walk_fail(walk, "the machine: its cores are not where the time is");
    }
}

/* A turn that goes on is as short as any. */
static void check_turn(const struct machine *machine, struct walk *walk) {
    uint64_t now = clock_cycles_at(machine->clk_sys, machine->scheduler.now_ps);
    const struct turn *turn = &machine->turn;
    bool target = turn->target < now + CYCLES_APART, reached = turn->reached < now + CYCLES_APART;
    if (turn->open && !(target && reached)) {
        walk_fail(walk, "the machine: a turn of its cores that does not end");
    }
}

/* It is other contents now, but no operation of the chip has made them. */
static void tell_flash(struct machine *machine) {
    machine->env.loading = true;
    if (machine->events.flash_changed) {
        machine->events.flash_changed(machine->events.context, 0, machine->flash.desc.size, false);
    }
    machine->env.loading = false;
}

static void tell_restored(struct machine *machine) {
    machine->synced_cycles = UINT64_MAX;
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        struct block *block = machine->blocks[i];
        if (block->class->restored) {
            block->class->restored(block);
        }
    }
    machine_map_changed(machine);
    usbhost_tell_all(&machine->usbhost);
    tell_flash(machine);
}

bool machine_load_state(struct machine *machine, const uint8_t *bytes, size_t size, struct error *error) {
    struct walk walk;
    machine_power_on(machine, 0); /* what a reset sets once and for all is there */
    usbhost_break_off(&machine->usbhost);
    walk_read_begin(&walk, bytes, size, &machine->scheduler);
    machine->env.loading = true;
    machine_walk(machine, &walk);
    machine->env.loading = false;
    check_cycles(machine, &walk);
    check_turn(machine, &walk);
    bool ok = walk_complete(&walk, error);
    walk_finish(&walk);
    if (ok) {
        tell_restored(machine);
    } else {
        scheduler_finish(&machine->scheduler);
        machine->state = MACHINE_UNBOOTABLE;
        machine->reset_pending = false;
    }
    return ok;
}
