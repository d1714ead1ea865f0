/* Bus fabric control: RP2040 datasheet 2.1.5, RP2350 datasheet 2.1.6.
 *
 * Of the events that the performance counters can select, accesses to APB and to the fast peripherals are counted, of
 * both cores and of the DMA. While one is selected every access takes the long way through the bus and polling loops
 * are executed one by one.
 *
 * Not modelled: arbitration (BUS_PRIORITY reads back and is acknowledged at once), so that contested accesses and
 * stalls are none; accesses to ROM, XIP, SRAM and SIO; words that PIO takes from memory by DMA (dma_feed_take()).
 * Counters of those events stay 0 and say so in the log. Decided: an access counts before it is served. */
#include "peripherals/onchip/busctrl.h"

#define COUNTER_MAX BUSCTRL_PERFCTR0_BITS

static unsigned counter_of(unsigned reg) {
    return (reg - BUSCTRL_PERFCTR0) / 2;
}

static bool is_of_counters(unsigned reg) {
    return reg >= BUSCTRL_PERFCTR0 && reg <= BUSCTRL_PERFSEL3;
}

static bool is_counter(unsigned reg) {
    return is_of_counters(reg) && (reg - BUSCTRL_PERFCTR0) % 2 == 0;
}

/* The segment whose accesses a counter counts; -1: something that is not counted. */
static int segment_of(const struct busctrl *busctrl, unsigned counter) {
    uint32_t event = busctrl->block.values[BUSCTRL_PERFSEL0 + 2 * counter];
    for (unsigned segment = 0; busctrl->bus && segment < BUS_SEGMENTS; segment++) {
        if (busctrl->events[segment] == event) {
            return (int)segment;
        }
    }
    return -1;
}

/* Only the RP2350 has a switch. */
static bool is_counting(const struct busctrl *busctrl) {
    bool has_switch = busctrl->block.registers->descs[BUSCTRL_PERFCTR_EN].name;
    return !has_switch || busctrl->block.values[BUSCTRL_PERFCTR_EN];
}

static uint64_t accesses_so_far(const struct busctrl *busctrl, unsigned counter) {
    int segment = segment_of(busctrl, counter);
    return segment >= 0 && is_counting(busctrl) ? busctrl->bus->accesses[segment] : 0;
}

static uint32_t read_counter(const struct busctrl *busctrl, unsigned counter) {
    uint64_t more = accesses_so_far(busctrl, counter) - busctrl->begins[counter];
    uint64_t count = busctrl->counted[counter] + more;
    return count < COUNTER_MAX ? (uint32_t)count : COUNTER_MAX;
}

static bool any_counts(const struct busctrl *busctrl) {
    bool counts = false;
    for (unsigned counter = 0; counter < BUSCTRL_COUNTERS; counter++) {
        counts |= is_counting(busctrl) && segment_of(busctrl, counter) >= 0;
    }
    return counts;
}

/* Counters go on from here with the events that are selected now. */
static void select_events(struct busctrl *busctrl) {
    if (busctrl->bus) {
        bus_set_counting(busctrl->bus, any_counts(busctrl));
    }
    for (unsigned counter = 0; counter < BUSCTRL_COUNTERS; counter++) {
        busctrl->begins[counter] = accesses_so_far(busctrl, counter);
    }
}

static uint32_t busctrl_read(struct block *b, unsigned reg) {
    struct busctrl *busctrl = (struct busctrl *)b;
    if (!is_counter(reg)) {
        return reg == BUSCTRL_BUS_PRIORITY_ACK ? 1 : b->values[reg];
    }
    if (segment_of(busctrl, counter_of(reg)) < 0) {
        block_report_stub(b, b->registers->descs[reg].offset, false);
    }
    return read_counter(busctrl, counter_of(reg));
}

static void busctrl_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct busctrl *busctrl = (struct busctrl *)b;
    if (!is_of_counters(reg) && reg != BUSCTRL_PERFCTR_EN) {
        return;
    }
    uint32_t stored = b->values[reg];
    b->values[reg] = old;
    for (unsigned counter = 0; counter < BUSCTRL_COUNTERS; counter++) {
        busctrl->counted[counter] = read_counter(busctrl, counter);
    }
    b->values[reg] = stored;
    if (is_counter(reg)) {
        busctrl->counted[counter_of(reg)] = 0; /* whatever is written */
    }
    select_events(busctrl);
}

static void busctrl_reset(struct block *b) {
    struct busctrl *busctrl = (struct busctrl *)b;
    for (unsigned counter = 0; counter < BUSCTRL_COUNTERS; counter++) {
        busctrl->counted[counter] = 0;
    }
    select_events(busctrl);
}

static uint64_t busctrl_holds(struct block *b, unsigned reg) {
    return is_counter(reg) ? 0 : block_holds(b, reg);
}

/* Of counters that run, what they count from is kept with the bus's own counts. */
static void busctrl_walk(struct block *b, struct walk *walk) {
    struct busctrl *busctrl = (struct busctrl *)b;
    walk_u64s(walk, busctrl->begins, BUSCTRL_COUNTERS);
    for (unsigned counter = 0; counter < BUSCTRL_COUNTERS; counter++) {
        uint32_t counted = busctrl->counted[counter];
        walk_u32(walk, &counted);
        busctrl->counted[counter] = counted <= COUNTER_MAX ? counted : COUNTER_MAX;
    }
}

static void busctrl_restored(struct block *b) {
    struct busctrl *busctrl = (struct busctrl *)b;
    if (busctrl->bus) {
        bus_set_counting(busctrl->bus, any_counts(busctrl));
    }
}

const struct block_class busctrl_class = {
    .name = "busctrl",
    .size = sizeof(struct busctrl),
    .reset = busctrl_reset,
    .read = busctrl_read,
    .write = busctrl_write,
    .holds_until = busctrl_holds,
    .walk = busctrl_walk,
    .restored = busctrl_restored,
    .walk_version = 1,
};
