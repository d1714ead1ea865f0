/* The memory map beside RAM, ROM and XIP, which the cores map directly: blocks with atomic aliases, and windows
 * (DPRAM, SSI XIP aliases, SIO) with functions of their own. Several cores share one bus; environment.core says
 * whose access is being served.
 *
 * RP2040 datasheet 2.1.2 (atomic aliases) and 2.1.4 (narrow writes: the byte or halfword is replicated over the
 * word), RP2350 datasheet 2.1.3 and 2.1.5. */
#ifndef CORE_BUS_H
#define CORE_BUS_H

#include "emulator/core/banks.h"
#include "emulator/core/block.h"
#include "emulator/core/error.h"

struct bus_window {
    const char *name;
    uint32_t base;
    uint32_t size; /* bytes, multiple of 4096 */
    /* `size` 1, 2 or 4; `offset` from base, aligned to size. */
    uint32_t (*read)(void *context, uint32_t offset, unsigned size);
    void (*write)(void *context, uint32_t offset, uint32_t value, unsigned size);
    void *context;
    /* As block_class.holds_until, by offset. NULL: not known. */
    uint64_t (*holds_until)(void *context, uint32_t offset);
};

/* Memory that the cores reach directly: ROM, SRAM, XIP windows. Several regions may show the same host bytes. */
struct bus_memory {
    const char *name;
    uint32_t base;
    uint32_t size;   /* bytes, multiple of 4096 */
    uint8_t *host;   /* borrowed */
    bool writable;   /* a store to read-only memory is lost, unless bus.refuses says that it is a fault */
    uint32_t window; /* bytes in which the contents come again and again (`size` is a power of two then); 0: `size` */
    bool hidden;     /* bus_show_memory(): there is nothing for now */
};

#define BUS_MEMORIES 16

struct bus_entry; /* private */

/* Parts of the map whose accesses can be counted: 0x40000000 to 0x4fffffff, and from there to 0x5fffffff. */
enum bus_segment { BUS_APB, BUS_FASTPERI, BUS_SEGMENTS };

struct bus {
    struct environment *env;
    struct bus_memory memory[BUS_MEMORIES];
    unsigned memory_count;
    uint8_t memory_first[16]; /* by address >> 28: no region before this one reaches in there */
    struct banks *banks;      /* a view of memory of which code can be executed; NULL: there is none */
    struct bus_entry *entries;
    unsigned count;
    /* Address translation in front of memory (RP2350's XIP windows): where an access really goes; false: nowhere. NULL
     * while all addresses are themselves. Who changes it tells the cores (core_map_changed). */
    bool (*translate)(void *context, uint32_t address, uint32_t *ret_address);
    void *translate_context;
    /* Is a store to this address of read-only memory a bus fault? NULL: nowhere. Who changes it tells the cores. */
    bool (*refuses)(void *context, uint32_t address);
    void *refuses_context;
    uint16_t *pages;      /* by address >> 12 from 0x10000000 on: entry + 1, 0 where nothing is */
    uint8_t reported[32]; /* bad addresses already reported, hashed by page */
    bool trace;           /* a `trace` line per access: use bus_set_trace() */
    bool counts;          /* accesses are counted: use bus_set_counting() */
    bool sees_all;        /* one of the two: every access goes through bus_read() or bus_write() */
    uint64_t accesses[BUS_SEGMENTS];
};

bool bus_init(struct bus *bus, struct environment *env);
void bus_finish(struct bus *bus);
void bus_set_trace(struct bus *bus, bool on);
/* Accesses of cores and DMA to blocks and windows, from now on. */
void bus_set_counting(struct bus *bus, bool on);
/* Put a block at `base`; its aliases follow at 0x1000, 0x2000 and 0x3000 when `aliases`. Borrowed. */
bool bus_add_block(struct bus *bus, struct block *block, uint32_t base, bool aliases);
/* The window is copied. */
bool bus_add_window(struct bus *bus, const struct bus_window *window);

/* False when there are too many. Cores map what is there when they are created. */
bool bus_add_memory(struct bus *bus, const struct bus_memory *memory);
/* The region of these host bytes is there, or for the time being not. Who changes it tells the cores. */
void bus_show_memory(struct bus *bus, const uint8_t *host, bool shown);
/* The region of these host bytes takes stores, or for the time being not. Who changes it tells the cores. */
void bus_set_writable(struct bus *bus, const uint8_t *host, bool writable);
/* Where an access to memory really goes: through bus.translate, if there is one, and to the first of a region's
 * repetitions. False when it goes nowhere. */
bool bus_translate(const struct bus *bus, uint32_t address, uint32_t *ret_address);
/* Is a store there a bus fault, although there is memory? */
static inline bool bus_refuses(const struct bus *bus, uint32_t address) {
    return bus->refuses && bus->refuses(bus->refuses_context, address);
}
/* Host address of `size` bytes of guest memory for bus masters (DMA, boot ROM services, debugger); NULL when they
 * are not all in one region and in a row there, or `for_write` and the region is read-only. */
uint8_t *bus_memory_at(const struct bus *bus, uint32_t address, uint32_t size, bool for_write);
/* The same of code that has been fetched, which the view in banks shows as well. */
const uint8_t *bus_code_at(const struct bus *bus, uint32_t address, uint32_t size);

/* Blocks and windows alone (the cores access memory by themselves; use bus_memory_at() first elsewhere).
 * False when nothing answers (the core takes a bus fault) or the access is not aligned. One `guest` line per page. */
bool bus_read(struct bus *bus, uint32_t address, unsigned size, uint32_t *ret_value);
bool bus_write(struct bus *bus, uint32_t address, uint32_t value, unsigned size);
/* Until when (picoseconds) a load gives what it gives now, as long as no event is served and nothing is stored to
 * blocks and windows; 0: not known, or a load has a side effect. */
uint64_t bus_holds_until(const struct bus *bus, uint32_t address);
/* See block_class.counts_until; 0 where there is no such counter. */
uint64_t bus_counts_until(const struct bus *bus, uint32_t address, uint64_t ticks);
/* What it has reported once already and how many accesses it has counted, in a snapshot. */
void bus_walk(struct bus *bus, struct walk *walk);
/* The block or window at an address, its name for a report; NULL when there is none. */
/* What a narrow store brings to a register: the byte or halfword, over and over. */
static inline uint32_t bus_replicate(uint32_t value, unsigned size) {
    if (size == 1) {
        return (value & 0xff) * 0x01010101u;
    }
    return size == 2 ? (value & 0xffff) * 0x00010001u : value;
}
/* The register at an address, word by word. */
struct bus_port {
    struct block *block; /* NULL: bus_read() and bus_write() have to see to it */
    unsigned reg;
    enum bus_alias alias;
};
struct bus_port bus_port_at(const struct bus *bus, uint32_t address);
/* Whole words; false: not this time, take bus_read() or bus_write(). */
static inline bool bus_port_read(struct bus *bus, const struct bus_port *port, uint32_t *ret_value) {
    if (!port->block || port->block->in_reset || bus->sees_all) {
        return false;
    }
    bus->env->size = 4;
    *ret_value = block_read_register(port->block, port->reg);
    return true;
}
static inline bool bus_port_write(struct bus *bus, const struct bus_port *port, uint32_t value) {
    if (!port->block || port->block->in_reset || bus->sees_all) {
        return false;
    }
    bus->env->size = 4;
    block_write_register(port->block, port->reg, value, port->alias);
    return true;
}
const char *bus_name_at(const struct bus *bus, uint32_t address);
/* The block alone, and the offset from its base, aliases included; NULL: it is a window, or nothing. */
struct block *bus_block_at(const struct bus *bus, uint32_t address, uint32_t *ret_offset);

#endif
