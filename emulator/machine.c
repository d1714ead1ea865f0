/* The machine: makes a chip from its tables and runs its cores in slices between events.
 *
 * Time: the cycle count of a running core is the machine's time. Two running cores take turns in slices of
 * QUANTUM_CYCLES; a core that talks to the other one (FIFO, SEV) ends its slice. Events are called between slices;
 * a core overshoots an event by less than one block of instructions, and the event is told how late it is. */
#include "emulator/machine.h"

#include "emulator/chips/common.h"
#include "emulator/machine_private.h"

#include <stdlib.h>
#include <string.h>

#define QUANTUM_CYCLES 1000
#define APB_BASE 0x40000000u /* on all chips of the family, up to the AHB segment */
#define APB_SIZE 0x10000000u

uint32_t machine_rom_size(const struct chip_desc *chip) {
    return chip->rom_size;
}

/* ---- Time of a running core ---- */

static void sync_time(struct scheduler *scheduler) {
    struct machine *machine = scheduler->context;
    uint64_t cycles = core_cycles(machine->running);
    if (cycles == machine->synced_cycles) {
        return;
    }
    machine->synced_cycles = cycles;
    uint64_t now = clock_time_of(machine->clk_sys, cycles);
    if (now > scheduler->now_ps && now != TIME_NEVER) {
        scheduler->now_ps = now;
    }
}

/* The first cycle at or after a time. */
static uint64_t cycle_at(const struct machine *machine, uint64_t ps) {
    uint64_t cycle = clock_cycles_at(machine->clk_sys, ps);
    return clock_is_running(machine->clk_sys) && clock_time_of(machine->clk_sys, cycle) < ps ? cycle + 1 : cycle;
}

static void event_is_earlier(struct scheduler *scheduler) {
    struct machine *machine = scheduler->context;
    core_limit(machine->running, cycle_at(machine, scheduler->first->when_ps));
}

/* SysTick counts its reference in whole cycles of clk_sys. */
static void update_reference(struct machine *machine, unsigned core) {
    uint64_t hz = machine->reference[core] ? clock_hz(machine->reference[core]) : 0;
    core_set_reference(machine->cores[core], hz ? (uint32_t)((clock_hz(machine->clk_sys) + hz / 2) / hz) : 0);
}

static void reference_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct machine *machine = listener->owner;
    update_reference(machine, (unsigned)(listener - machine->reference_changed));
}

static void listen_to_references(struct machine *machine) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        machine->reference_changed[i] = (struct clock_listener){ .changed = reference_changed, .owner = machine };
        if (machine->reference[i]) {
            clock_listen(machine->reference[i], &machine->reference_changed[i]);
        }
    }
}

static void clk_sys_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct machine *machine = listener->owner;
    machine->synced_cycles = UINT64_MAX;
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        update_reference(machine, i);
    }
    if (machine->running) {
        core_yield(machine->running); /* its slice was measured with the old frequency */
    }
}

static unsigned running_cores(const struct machine *machine) {
    unsigned count = 0;
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        count += core_state(machine->cores[i]) == CORE_RUNNING;
    }
    return count;
}

/* ---- Construction ---- */

static void set_irq(struct machine *machine, unsigned core, unsigned irq, bool level) {
    uint64_t bit = UINT64_C(1) << irq;
    machine->irqs[core] = level ? machine->irqs[core] | bit : machine->irqs[core] & ~bit;
    core_set_irq(machine->cores[core], irq, level);
    if (machine->nmi_mask[core] & bit) {
        core_set_nmi(machine->cores[core], machine->irqs[core] & machine->nmi_mask[core]);
    }
}

static void route_irq(void *context, unsigned index, bool level) {
    for (unsigned core = 0; core < CHIP_CORES; core++) {
        set_irq(context, core, index, level);
    }
}

static void route_irq_core0(void *context, unsigned index, bool level) {
    set_irq(context, 0, index, level);
}

static void route_irq_core1(void *context, unsigned index, bool level) {
    set_irq(context, 1, index, level);
}

void machine_set_nmi_mask(void *context, unsigned core, uint32_t mask) {
    struct machine *machine = context;
    machine->nmi_mask[core] = mask;
    core_set_nmi(machine->cores[core], machine->irqs[core] & mask);
}

static void wire_irqs(struct machine *machine, struct block *block, const struct block_at *at) {
    static void (*const per_core[CHIP_CORES])(void *, unsigned, bool) = { route_irq_core0, route_irq_core1 };
    for (unsigned i = 0; i < at->irqs; i++) {
        block->irq[i].set = at->per_core ? per_core[i % CHIP_CORES] : route_irq;
        block->irq[i].context = machine;
        block->irq[i].index = at->irq[i];
    }
}

static bool create_blocks(struct machine *machine) {
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        const struct block_at *at = &machine->chip->map[i];
        struct block *block = block_create(at->class, at->name, &machine->env, at->registers);
        if (!block || !bus_add_block(&machine->bus, block, at->base, !at->no_aliases)) {
            block_destroy(block);
            return false;
        }
        machine->blocks[i] = block;
        wire_irqs(machine, block, at);
    }
    return true;
}

static bool create_memory(struct machine *machine) {
    const struct chip_desc *chip = machine->chip;
    machine->rom = aligned_alloc(4096, chip->rom_size);
    machine->sram = aligned_alloc(4096, chip->sram_size);
    machine->chip_state = calloc(1, chip->state_size);
    if (!machine->rom || !machine->sram || !machine->chip_state) {
        return false;
    }
    memset(machine->rom, 0, chip->rom_size);
    memset(machine->sram, 0, chip->sram_size);
    struct bus *bus = &machine->bus;
    bool ok =
        bus_add_memory(bus, &(struct bus_memory){ .name = "ROM", .size = chip->rom_size, .host = machine->rom }) &&
        bus_add_memory(bus, &(struct bus_memory){ .name = "SRAM",
                                                  .base = chip->sram_base,
                                                  .size = chip->sram_size,
                                                  .host = machine->sram,
                                                  .writable = true });
    return ok;
}

#define FLASH_WINDOW 0x1000000u /* of a chip select */

/* A chip has no more address lines than it needs: above its size its contents come again. */
static bool map_flash(struct machine *machine) {
    const uint32_t *xip = machine->chip->xip;
    for (unsigned i = 0; i < CHIP_WINDOWS && xip[i]; i++) {
        struct bus_memory memory = { .name = "XIP",
                                     .base = xip[i],
                                     .size = machine->flash.desc.size,
                                     .window = FLASH_WINDOW,
                                     .host = machine->flash.contents };
        if (!bus_add_memory(&machine->bus, &memory)) {
            return false;
        }
    }
    return true;
}

static void system_reset(void *context, struct core *core) {
    struct machine *machine = context;
    machine->reset_core = core == machine->cores[1];
    machine_request_reset(machine, RESET_SYSRESETREQ);
}

static void send_event(void *context, struct core *core) {
    struct machine *machine = context;
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        if (machine->cores[i] != core) {
            core_event(machine->cores[i]);
        }
    }
    if (machine->running) {
        core_yield(machine->running);
    }
}

/* Within a block, before an access: what is due by then happens before it. With two cores running it does when the
 * other one has come that far as well. */
static void reached(void *context, struct core *core) {
    struct machine *machine = context;
    if (machine->scheduler.in_event || machine->running != core || running_cores(machine) > 1) {
        return;
    }
    uint64_t now = scheduler_now(&machine->scheduler);
    if (scheduler_next(&machine->scheduler) <= now) {
        scheduler_advance(&machine->scheduler, now);
    }
}

static bool more(void *context, struct core *core);

static void halted(void *context, struct core *core) {
    struct machine *machine = context;
    machine->halted = true;
    machine->halted_core = (unsigned)(core == machine->cores[1]);
}

static bool create_cores(struct machine *machine, struct error *error) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        struct core_desc desc = {
            .model = machine->chip->model,
            .index = i,
            .env = &machine->env,
            .bus = &machine->bus,
            .ioport_base = machine->chip->ioport_base,
            .ioport_size = machine->chip->ioport_size,
            .divider = machine->chip->divider,
            .apb_base = APB_BASE,
            .apb_size = APB_SIZE,
            .rom_call = machine->desc.bootrom ? NULL : machine->chip->rom_call,
            .rom_context = machine,
            .system_reset = system_reset,
            .reset_context = machine,
            .send_event = send_event,
            .event_context = machine,
            .clock = machine->clk_sys,
            .cache = chip_code_cache(machine),
            .gpio = { machine->chip->gpio_read, machine->chip->gpio_write, machine },
            .reached = reached,
            .more = more,
            .halted = halted,
            .machine_context = machine,
            .exact = machine->desc.exact,
        };
        machine->cores[i] = core_create(&desc, error);
        if (!machine->cores[i]) {
            return false;
        }
    }
    core_link(machine->cores[0], machine->cores[1]);
    return true;
}

static void init_blocks(struct machine *machine) {
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        block_init(machine->blocks[i]);
    }
}

static void flash_changed(void *context, uint32_t offset, uint32_t size, enum w25q_change what) {
    struct machine *machine = context;
    const uint32_t *xip = machine->chip->xip;
    for (unsigned i = 0; i < CHIP_WINDOWS && xip[i]; i++) {
        machine_memory_written(machine, xip[i] + offset, size);
    }
    if (machine->events.flash_changed) {
        machine->events.flash_changed(machine->events.context, offset, size, what == W25Q_ERASED);
    }
}

static bool create_flash(struct machine *machine, struct error *error) {
    struct w25q_desc desc = {
        .env = &machine->env,
        .size = machine->desc.flash_size ? machine->desc.flash_size : 2u << 20,
        .changed = flash_changed,
        .context = machine,
    };
    if (!w25q_init(&machine->flash, &desc)) {
        error_set(error, "flash of %u bytes: a power of two from 1 to 16 MB is needed", desc.size);
        return false;
    }
    return map_flash(machine);
}

static void psram_changed(void *context, uint32_t offset, uint32_t size) {
    struct machine *machine = context;
    const uint32_t *xip = machine->chip->xip;
    for (unsigned i = 0; i < CHIP_WINDOWS && xip[i]; i++) {
        machine_memory_written(machine, xip[i] + FLASH_WINDOW + offset, size);
    }
}

/* The second chip select's window stands behind the flash's. */
static bool map_psram(struct machine *machine) {
    const uint32_t *xip = machine->chip->xip;
    bool ok = true;
    for (unsigned i = 0; i < CHIP_WINDOWS && xip[i]; i++) {
        struct bus_memory memory = { .name = "PSRAM",
                                     .base = xip[i] + FLASH_WINDOW,
                                     .size = machine->desc.psram_size,
                                     .window = FLASH_WINDOW,
                                     .host = machine->psram.contents,
                                     .writable = true };
        ok = ok && bus_add_memory(&machine->bus, &memory);
    }
    return ok;
}

static bool create_psram(struct machine *machine, struct error *error) {
    const struct machine_desc *desc = &machine->desc;
    struct aps6404l_desc chip = {
        .env = &machine->env, .size = desc->psram_size, .changed = psram_changed, .context = machine
    };
    if (!desc->psram_size) {
        return true;
    }
    if (!machine->chip->has_second_select || desc->psram_cs_pin >= machine->chip->bank0->pins) {
        error_set(error, "the chip %s has no PSRAM at GPIO%u", machine->chip->name, desc->psram_cs_pin);
        return false;
    }
    if (!aps6404l_init(&machine->psram, &chip)) {
        error_set(error, "PSRAM of %u bytes: 2, 4 or 8 MB are possible", desc->psram_size);
        return false;
    }
    return true;
}

static bool create(struct machine *machine, struct error *error) {
    error_set(error, "out of memory");
    scheduler_init(&machine->scheduler);
    machine->scheduler.context = machine;
    log_init(&machine->log);
    machine->log.sink = machine->desc.log_sink;
    machine->log.context = machine->desc.log_context;
    machine->log.time_ps = &machine->scheduler.now_ps;
    random_init(&machine->seed, machine->desc.seed);
    machine->env =
        (struct environment){ .scheduler = &machine->scheduler, .log = &machine->log, .seed = &machine->seed };
    if (!bus_init(&machine->bus, &machine->env) || !create_memory(machine) || !create_blocks(machine)) {
        return false;
    }
    if (!create_flash(machine, error) || !create_psram(machine, error)) {
        return false;
    }
    if (!machine->chip->wire(machine, error)) {
        return false;
    }
    init_blocks(machine);
    if (!machine->chip->map_memory(machine) || (machine->psram.contents && !map_psram(machine)) ||
        !create_cores(machine, error)) {
        return false;
    }
    machine->clk_sys_changed = (struct clock_listener){ .changed = clk_sys_changed, .owner = machine };
    clock_listen(machine->clk_sys, &machine->clk_sys_changed);
    listen_to_references(machine);
    return true;
}

struct machine *machine_create(const struct machine_desc *desc, struct error *error) {
    struct machine *machine = calloc(1, sizeof(*machine));
    if (!machine) {
        error_set(error, "out of memory");
        return NULL;
    }
    machine->desc = *desc;
    machine->chip = desc->chip;
    if (!create(machine, error)) {
        machine_destroy(machine);
        return NULL;
    }
    return machine;
}

void machine_destroy(struct machine *machine) {
    if (!machine) {
        return;
    }
    scheduler_finish(&machine->scheduler);
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_destroy(machine->cores[i]);
    }
    if (machine->usbhost.env) {
        usbhost_finish(&machine->usbhost);
    }
    scheduler_finish(&machine->scheduler); /* what unwiring has brought about */
    for (unsigned i = 0; i < CHIP_BLOCKS; i++) {
        block_destroy(machine->blocks[i]);
    }
    w25q_finish(&machine->flash);
    aps6404l_finish(&machine->psram);
    bus_finish(&machine->bus);
    free(machine->chip_state);
    free(machine->sram);
    free(machine->rom);
    free(machine);
}

void machine_set_events(struct machine *machine, const struct machine_events *events) {
    machine->events = *events;
}

/* ---- Loading and resets ---- */

bool machine_load(struct machine *machine, uint32_t address, const uint8_t *data, size_t size, struct error *error) {
    for (unsigned i = 0; i < machine->bus.memory_count; i++) {
        const struct bus_memory *memory = &machine->bus.memory[i];
        uint32_t offset = address - memory->base;
        bool holds_images = memory->host != machine->rom && memory->host != machine->psram.contents;
        if (holds_images && offset < memory->size && size <= memory->size - offset) {
            memcpy(memory->host + offset, data, size);
            machine_memory_written(machine, address, (uint32_t)size);
            return true;
        }
    }
    error_set(error, "0x%08x to 0x%08zx is neither flash (%u KB) nor SRAM of this board", address, address + size,
              machine->flash.desc.size / 1024);
    return false;
}

bool machine_peek(struct machine *machine, uint32_t address, void *ret_data, size_t size) {
    const uint8_t *memory = size <= UINT32_MAX ? bus_memory_at(&machine->bus, address, (uint32_t)size, false) : NULL;
    if (memory) {
        memcpy(ret_data, memory, size);
    }
    return memory != NULL;
}

void machine_memory_written(struct machine *machine, uint32_t address, uint32_t size) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_code_changed(machine->cores[i], address, size);
    }
}

void machine_map_changed(struct machine *machine) {
    for (unsigned i = 0; i < CHIP_CORES && machine->cores[i]; i++) {
        core_map_changed(machine->cores[i]);
    }
}

static const char *cause_name(enum reset_cause cause) {
    static const char *const names[] = {
        "power-on", "RUN pin", "watchdog", "SYSRESETREQ", "glitch detector", "brown-out", "wake-up from power-down"
    };
    return names[cause];
}

static void tell_reset(struct machine *machine) {
    if (machine->events.reset) {
        machine->events.reset(machine->events.context, cause_name(machine->reset_cause));
    }
}

static void tell_power(struct machine *machine, bool on) {
    if (machine->events.power) {
        machine->events.power(machine->events.context, on);
    }
}

static void power_off_now(struct machine *machine) {
    w25q_power_off(&machine->flash);
    machine->state = MACHINE_OFF;
    machine->ram_entry = 0;
    chip_power_off(machine);
    memset(machine->sram, 0, machine->chip->sram_size);
    machine_memory_written(machine, machine->chip->sram_base, machine->chip->sram_size);
    tell_power(machine, false);
}

static void reset_now(struct machine *machine) {
    machine->reset_pending = false;
    machine->turn.open = false;
    if (machine->reset_cause == RESET_POWER_OFF) {
        power_off_now(machine);
        return;
    }
    machine->state = MACHINE_RUNS;
    machine->chip->reset(machine);
    if (machine->reset_cause != RESET_POWER_ON) {
        tell_reset(machine);
    }
}

void machine_power_on(struct machine *machine, uint32_t ram_entry) {
    machine->ram_entry = ram_entry;
    machine->reset_cause = RESET_POWER_ON;
    reset_now(machine);
}

void machine_switch_off(struct machine *machine) {
    if (machine_is_on(machine)) {
        machine->reset_cause = RESET_POWER_OFF;
        reset_now(machine);
    }
}

void machine_switch_on(struct machine *machine) {
    if (machine_is_on(machine)) {
        return;
    }
    tell_power(machine, true);
    w25q_power_on(&machine->flash);
    chip_set_vbus(machine, machine_usb_is_plugged(machine));
    machine_power_on(machine, 0);
    tell_reset(machine);
}

bool machine_is_on(const struct machine *machine) {
    return machine->state != MACHINE_OFF;
}

void machine_brown_out(struct machine *machine, double volts) {
    double threshold = machine->chip->brown_out_volts(machine);
    if (volts < threshold) {
        machine_request_reset(machine, RESET_BROWN_OUT);
    } else {
        log_write(&machine->log, LOG_INFO, "machine", "the core's supply falls to %.3f V: %s", volts,
                  threshold > 0 ? "not below the brown-out detector's threshold" : "the brown-out detector is off");
    }
}

bool machine_is_adc_pin(struct machine *machine, const struct net *net) {
    return chip_adc_input(machine, net) >= 0;
}

bool machine_set_adc_noise(struct machine *machine, const struct net *net, double volts) {
    int input = chip_adc_input(machine, net);
    if (input >= 0) {
        chip_set_adc_noise(machine, (unsigned)input, volts);
    }
    return input >= 0;
}

void machine_lose_power(struct machine *machine) {
    machine_request_reset(machine, RESET_POWER_OFF);
}

void machine_reset(struct machine *machine) {
    machine_request_reset(machine, RESET_RUN_PIN);
}

void machine_plug_usb(struct machine *machine, bool plugged) {
    if (plugged == machine_usb_is_plugged(machine)) {
        return;
    }
    usbhost_plug(&machine->usbhost, plugged);
    chip_set_vbus(machine, plugged && machine_is_on(machine));
    chip_cable_changed(machine);
}

bool machine_usb_is_plugged(const struct machine *machine) {
    return usbhost_is_plugged(&machine->usbhost);
}

/* Without a supply nothing resets the chip but its coming back. */
void machine_request_reset(struct machine *machine, enum reset_cause cause) {
    bool goes_off = machine->reset_pending && machine->reset_cause == RESET_POWER_OFF;
    if (!machine_is_on(machine) || goes_off) {
        return;
    }
    machine->reset_pending = true;
    machine->reset_cause = cause;
    if (machine->running) {
        core_yield(machine->running);
    }
}

void machine_enter_state(struct machine *machine, enum machine_state state) {
    machine->state = state;
    if (machine->running) {
        core_yield(machine->running);
    }
}

/* ---- Running ---- */

static void run_core(struct machine *machine, unsigned index, uint64_t until) {
    machine->env.core = index;
    machine->running = machine->cores[index];
    machine->env.cycles = core_count(machine->running);
    machine->synced_cycles = UINT64_MAX;
    machine->scheduler.sync = sync_time;
    machine->scheduler.earlier = event_is_earlier;
    core_run(machine->running, until);
    machine->scheduler.sync = NULL;
    machine->scheduler.earlier = NULL;
    machine->running = NULL;
    machine->env.cycles = NULL;
    machine->env.core = 0;
}

/* All cores that wait take part in the time that has passed, and look whether they wake. */
static void settle(struct machine *machine, uint64_t reached, uint64_t now_ps) {
    scheduler_advance(&machine->scheduler, now_ps);
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        if (core_state(machine->cores[i]) != CORE_RUNNING) {
            core_skip_to(machine->cores[i], reached);
            core_wake(machine->cores[i]);
        }
    }
}

/* A core that waits may be woken by its own SysTick. */
static uint64_t next_alarm(const struct machine *machine, uint64_t next) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        if (core_state(machine->cores[i]) != CORE_RUNNING) {
            uint64_t alarm = core_alarm(machine->cores[i]);
            uint64_t when = alarm == UINT64_MAX ? TIME_NEVER : clock_time_of(machine->clk_sys, alarm);
            next = when < next ? when : next;
        }
    }
    return next;
}

/* How far a core that runs alone may run before something else has to happen. */
static uint64_t next_stop(const struct machine *machine) {
    uint64_t next = scheduler_next(&machine->scheduler);
    return next_alarm(machine, next < machine->until_ps ? next : machine->until_ps);
}

static bool runs_alone(const struct machine *machine, const struct core *core) {
    return machine->running == core && running_cores(machine) == 1 && clock_is_running(machine->clk_sys) &&
           !machine->stop && !machine->reset_pending && machine->state == MACHINE_RUNS;
}

/* The only core that runs has come to the end of its slice: serve the events that are due, as slice() would. */
static bool more(void *context, struct core *core) {
    struct machine *machine = context;
    unsigned index = machine->env.core;
    if (machine->scheduler.in_event || !runs_alone(machine, core)) {
        return false;
    }
    uint64_t now = scheduler_now(&machine->scheduler);
    if (now >= machine->until_ps) {
        return false;
    }
    machine->env.core = 0;
    settle(machine, core_cycles(core), now);
    machine->env.core = index;
    if (!runs_alone(machine, core)) {
        return false;
    }
    core_extend(core, cycle_at(machine, next_stop(machine)));
    return true;
}

/* Two cores take their turns whole, wherever the caller wants to look: how they interleave must not depend on it. */
static uint64_t next_turn(const struct machine *machine) {
    return next_alarm(machine, scheduler_next(&machine->scheduler));
}

/* A core until the end of the turn; notes how far the first of them has come. */
static void take_turn(struct machine *machine, unsigned index) {
    struct turn *turn = &machine->turn;
    struct core *core = machine->cores[index];
    if (core_state(core) != CORE_RUNNING) {
        return;
    }
    if (core_cycles(core) < turn->target || core_is_within_block(core)) {
        run_core(machine, index, turn->limit ? turn->limit : turn->target);
    }
    turn->limit = machine->halted ? core_until(core) : 0;
    uint64_t cycles = core_cycles(core); /* it may have been there before */
    turn->reached = cycles > turn->reached ? cycles : turn->reached;
}

/* Each core once, but those that have had their run; false: a debugger has stopped one. */
static bool run_each(struct machine *machine) {
    struct turn *turn = &machine->turn;
    for (; turn->core < CHIP_CORES; turn->core++) {
        take_turn(machine, turn->core);
        if (machine->halted) {
            return false;
        }
    }
    turn->core = 0;
    return true;
}

static bool is_behind(const struct machine *machine, uint64_t target) {
    return core_cycles(machine->cores[0]) < target || core_cycles(machine->cores[1]) < target;
}

/* A core that has sent an event gives way to the other one. It goes on when that has had its turn: a core that sends
 * many is not to fall behind. */
static void run_cores(struct machine *machine) {
    struct turn *turn = &machine->turn;
    do {
        if (!run_each(machine)) {
            turn->open = turn->together || core_is_within_block(machine->cores[turn->core]);
            return;
        }
        turn->together = turn->together && running_cores(machine) > 1 && !machine->reset_pending;
    } while (turn->together && machine->state == MACHINE_RUNS && is_behind(machine, turn->target));
}

/* What the cores have come to is time for all. */
static void end_turn(struct machine *machine, uint64_t next) {
    uint64_t reached = machine->turn.reached, now = clock_time_of(machine->clk_sys, reached);
    if (now == TIME_NEVER) { /* clk_sys has been stopped, or is so slow that 64 bits do not hold its next cycle */
        bool slow = clock_is_running(machine->clk_sys) && next > machine->scheduler.now_ps;
        now = slow ? next : machine->scheduler.now_ps;
    }
    settle(machine, reached, now);
}

static void run_turn(struct machine *machine, uint64_t next) {
    run_cores(machine);
    if (!machine->turn.open) {
        end_turn(machine, next);
        machine->turn = (struct turn){ 0 };
    }
}

/* The turn in which a debugger has stopped a core goes on, unless all has changed. */
static bool goes_on_with_turn(struct machine *machine) {
    bool open = machine->turn.open && running_cores(machine) && clock_is_running(machine->clk_sys);
    machine->turn.open = false;
    return open;
}

static void slice(struct machine *machine) {
    unsigned running = running_cores(machine);
    if (goes_on_with_turn(machine)) {
        run_turn(machine, machine->until_ps);
        return;
    }
    if (!running && machine->chip->cores_halted) {
        machine->chip->cores_halted(machine);
    }
    uint64_t next = running > 1 ? next_turn(machine) : next_stop(machine);
    if (!running || !machine->clk_sys->period_num) {
        next = next < machine->until_ps ? next : machine->until_ps;
        next = next > machine->scheduler.now_ps ? next : machine->scheduler.now_ps;
        settle(machine, cycle_at(machine, next), next);
        return;
    }
    uint64_t target = cycle_at(machine, next);
    uint64_t reached = clock_cycles_at(machine->clk_sys, machine->scheduler.now_ps);
    if (running > 1 && target > reached + QUANTUM_CYCLES) {
        target = reached + QUANTUM_CYCLES;
    }
    machine->turn = (struct turn){ .together = running > 1, .target = target, .reached = reached };
    run_turn(machine, next);
}

static bool is_locked_up(const struct machine *machine) {
    return core_state(machine->cores[0]) == CORE_LOCKUP && core_state(machine->cores[1]) != CORE_RUNNING;
}

/* Time passes in these states. */
static bool goes_on(const struct machine *machine) {
    return machine->state == MACHINE_RUNS || machine->state == MACHINE_OFF;
}

enum machine_state machine_run(struct machine *machine, uint64_t until_ps) {
    machine->stop = false;
    machine->halted = false;
    machine->until_ps = until_ps;
    if (machine->reset_pending) { /* asked for between runs */
        reset_now(machine);
    }
    while (goes_on(machine) && !machine->stop && !machine->halted &&
           (machine->scheduler.now_ps < until_ps || machine->turn.open)) {
        slice(machine);
        if (machine->reset_pending) {
            reset_now(machine);
        }
    }
    gpio_settle(&machine->bank0); /* the caller looks at pins as he likes */
    return machine->state == MACHINE_RUNS && is_locked_up(machine) ? MACHINE_LOCKED_UP : machine->state;
}

bool machine_is_halted(const struct machine *machine) {
    return machine->halted;
}

void machine_stop(struct machine *machine) {
    machine->stop = true;
    if (machine->running && running_cores(machine) == 1) {
        core_yield(machine->running);
    }
}

uint64_t machine_now(struct machine *machine) {
    return scheduler_now(&machine->scheduler);
}

uint64_t machine_cycles(struct machine *machine) {
    return clock_cycles_at(machine->clk_sys, machine_now(machine));
}

uint64_t machine_hz(struct machine *machine) {
    return clock_hz(machine->clk_sys);
}
