/* Addresses to blocks, windows and memory. RP2040 datasheet 2.1, RP2350 datasheet 2.1; arbitration is not modelled. */
#include "emulator/core/bus.h"

#include <stdlib.h>

#define PAGE_SHIFT 12
#define FIRST_ADDRESS 0x10000000u /* below is ROM, which the cores map directly */
#define PAGES ((0xe0000000u - FIRST_ADDRESS) >> PAGE_SHIFT)
#define MAX_ENTRIES 256

struct bus_entry {
    struct block *block; /* NULL: a window */
    uint32_t base;
    bool aliases;
    struct bus_window window;
};

bool bus_init(struct bus *bus, struct environment *env) {
    *bus = (struct bus){ .env = env };
    bus->entries = calloc(MAX_ENTRIES, sizeof(*bus->entries));
    bus->pages = calloc(PAGES, sizeof(*bus->pages));
    if (!bus->entries || !bus->pages) {
        bus_finish(bus);
        return false;
    }
    return true;
}

void bus_finish(struct bus *bus) {
    free(bus->entries);
    free(bus->pages);
    *bus = (struct bus){ 0 };
}

static bool add(struct bus *bus, const struct bus_entry *entry, uint32_t size) {
    if (bus->count == MAX_ENTRIES || entry->base < FIRST_ADDRESS) {
        return false;
    }
    bus->entries[bus->count++] = *entry;
    for (uint32_t offset = 0; offset < size; offset += 1u << PAGE_SHIFT) {
        bus->pages[(entry->base + offset - FIRST_ADDRESS) >> PAGE_SHIFT] = (uint16_t)bus->count;
    }
    return true;
}

bool bus_add_block(struct bus *bus, struct block *block, uint32_t base, bool aliases) {
    return add(bus, &(struct bus_entry){ .block = block, .base = base, .aliases = aliases }, aliases ? 0x4000 : 0x1000);
}

bool bus_add_window(struct bus *bus, const struct bus_window *window) {
    return add(bus, &(struct bus_entry){ .base = window->base, .window = *window }, window->size);
}

bool bus_add_memory(struct bus *bus, const struct bus_memory *memory) {
    if (bus->memory_count == BUS_MEMORIES) {
        return false;
    }
    uint32_t window = memory->window ? memory->window : memory->size;
    for (uint32_t i = 0; i < 16; i++) {
        bool is_known = bus->memory_first[i] < bus->memory_count;
        bool reaches_in = memory->base >> 28 <= i && (memory->base + window - 1) >> 28 >= i;
        bus->memory_first[i] += !is_known && !reaches_in;
    }
    bus->memory[bus->memory_count] = *memory;
    bus->memory[bus->memory_count++].window = window;
    return true;
}

void bus_show_memory(struct bus *bus, const uint8_t *host, bool shown) {
    for (unsigned i = 0; i < bus->memory_count; i++) {
        if (bus->memory[i].host == host) {
            bus->memory[i].hidden = !shown;
        }
    }
}

void bus_set_writable(struct bus *bus, const uint8_t *host, bool writable) {
    for (unsigned i = 0; i < bus->memory_count; i++) {
        if (bus->memory[i].host == host) {
            bus->memory[i].writable = writable;
        }
    }
}

/* The region that an address is in, and where: an offset below the region's size. */
static inline const struct bus_memory *find_memory(const struct bus *bus, uint32_t address, uint32_t *ret_offset) {
    for (unsigned i = bus->memory_first[address >> 28]; i < bus->memory_count; i++) {
        const struct bus_memory *memory = &bus->memory[i];
        uint32_t offset = address - memory->base;
        if (offset < memory->window && !memory->hidden) {
            *ret_offset = offset < memory->size ? offset : offset & (memory->size - 1);
            return memory;
        }
    }
    return NULL;
}

static bool translate(const struct bus *bus, uint32_t address, uint32_t *ret_address) {
    *ret_address = address;
    return !bus->translate || bus->translate(bus->translate_context, address, ret_address);
}

bool bus_translate(const struct bus *bus, uint32_t address, uint32_t *ret_address) {
    uint32_t offset;
    if (!translate(bus, address, ret_address)) {
        return false;
    }
    const struct bus_memory *memory = find_memory(bus, *ret_address, &offset);
    *ret_address = memory ? memory->base + offset : *ret_address;
    return true;
}

static bool translate_range(const struct bus *bus, uint32_t *address, uint32_t size) {
    uint32_t last = *address + (size ? size - 1 : 0), first = *address;
    return translate(bus, first, address) && translate(bus, last, &last) && last - *address == (size ? size - 1 : 0);
}

uint8_t *bus_memory_at(const struct bus *bus, uint32_t address, uint32_t size, bool for_write) {
    uint32_t offset;
    if (bus->translate && !translate_range(bus, &address, size)) {
        return NULL;
    }
    const struct bus_memory *memory = find_memory(bus, address, &offset);
    if (!memory || size > memory->size - offset || (for_write && !memory->writable)) {
        return NULL;
    }
    return memory->host + offset;
}

const uint8_t *bus_code_at(const struct bus *bus, uint32_t address, uint32_t size) {
    const uint8_t *memory = bus_memory_at(bus, address, size, false);
    return memory || !bus->banks ? memory : banks_code_at(bus->banks, address, size);
}

static struct bus_entry *find(const struct bus *bus, uint32_t address) {
    uint32_t page = (address - FIRST_ADDRESS) >> PAGE_SHIFT;
    if (page >= PAGES || !bus->pages[page]) {
        return NULL;
    }
    return &bus->entries[bus->pages[page] - 1];
}

const char *bus_name_at(const struct bus *bus, uint32_t address) {
    const struct bus_entry *entry = find(bus, address);
    if (!entry) {
        return NULL;
    }
    return entry->block ? entry->block->name : entry->window.name;
}

struct block *bus_block_at(const struct bus *bus, uint32_t address, uint32_t *ret_offset) {
    const struct bus_entry *entry = find(bus, address);
    *ret_offset = entry ? address - entry->base : 0;
    return entry ? entry->block : NULL;
}

uint64_t bus_holds_until(const struct bus *bus, uint32_t address) {
    const struct bus_entry *entry = find(bus, address);
    if (!entry) {
        return 0;
    }
    if (entry->block) {
        return block_holds_until(entry->block, (address - entry->base) & 0xffcu);
    }
    return entry->window.holds_until ? entry->window.holds_until(entry->window.context, address - entry->base) : 0;
}

uint64_t bus_counts_until(const struct bus *bus, uint32_t address, uint64_t ticks) {
    const struct bus_entry *entry = find(bus, address);
    return entry && entry->block ? block_counts_until(entry->block, (address - entry->base) & 0xffcu, ticks) : 0;
}

static bool refuse(struct bus *bus, uint32_t address, unsigned size, bool is_write) {
    uint32_t hash = (address >> PAGE_SHIFT) * 2654435761u >> 24;
    if (!(bus->reported[hash / 8] & (1u << hash % 8))) {
        bus->reported[hash / 8] |= (uint8_t)(1u << hash % 8);
        log_write(bus->env->log, LOG_GUEST, "bus", "core %u: %s of %u bytes at 0x%08x, where nothing answers",
                  bus->env->core, is_write ? "store" : "load", size, address);
    }
    return false;
}

void bus_set_trace(struct bus *bus, bool on) {
    bus->trace = on;
    bus->sees_all = bus->trace || bus->counts;
}

void bus_set_counting(struct bus *bus, bool on) {
    bus->counts = on;
    bus->sees_all = bus->trace || bus->counts;
}

static void count_access(struct bus *bus, uint32_t address) {
    uint32_t segment = (address >> 28) - 4;
    if (segment < BUS_SEGMENTS) {
        bus->accesses[segment]++;
    }
}

static void trace(struct bus *bus, uint32_t address, uint32_t value, unsigned size, const char *what) {
    const char *name = bus_name_at(bus, address);
    log_write(bus->env->log, LOG_TRACE, "bus", "core %u: %s %u 0x%08x (%s) 0x%08x", bus->env->core, what, size, address,
              name ? name : "nothing", value);
}

struct bus_port bus_port_at(const struct bus *bus, uint32_t address) {
    struct bus_port port = { 0 };
    const struct bus_entry *entry = find(bus, address);
    if (entry && entry->block && !(address & 3)) {
        uint32_t offset = address - entry->base;
        bool found = block_find_register(entry->block, offset & 0xffcu, &port.reg);
        port.block = found ? entry->block : NULL;
        port.alias = (enum bus_alias)(offset >> 12 & 3);
    }
    return port;
}

static uint32_t narrow(uint32_t word, uint32_t address, unsigned size) {
    word >>= 8 * (address & 3);
    return size == 4 ? word : word & ((1u << 8 * size) - 1);
}

bool bus_read(struct bus *bus, uint32_t address, unsigned size, uint32_t *ret_value) {
    struct bus_entry *entry = find(bus, address);
    *ret_value = 0;
    if (!entry || address & (size - 1)) {
        return refuse(bus, address, size, false);
    }
    if (bus->counts) {
        count_access(bus, address);
    }
    uint32_t offset = address - entry->base;
    bus->env->size = size;
    if (entry->block) {
        *ret_value = narrow(block_read(entry->block, offset & 0xffcu), address, size);
    } else {
        *ret_value = entry->window.read(entry->window.context, offset, size);
    }
    if (bus->trace) {
        trace(bus, address, *ret_value, size, "load");
    }
    return true;
}

bool bus_write(struct bus *bus, uint32_t address, uint32_t value, unsigned size) {
    struct bus_entry *entry = find(bus, address);
    if (bus->trace) {
        trace(bus, address, value, size, "store");
    }
    if (!entry || address & (size - 1)) {
        return refuse(bus, address, size, true);
    }
    if (bus->counts) {
        count_access(bus, address);
    }
    uint32_t offset = address - entry->base;
    bus->env->size = size;
    if (entry->block) {
        block_write(entry->block, offset & 0xffcu, bus_replicate(value, size), (enum bus_alias)(offset >> 12 & 3));
    } else {
        entry->window.write(entry->window.context, offset, value, size);
    }
    return true;
}

void bus_walk(struct bus *bus, struct walk *walk) {
    walk_bytes(walk, bus->reported, sizeof(bus->reported));
    walk_u64s(walk, bus->accesses, BUS_SEGMENTS);
}
