/* I2C buses of a project.
 *
 * A bus without a pull-up does not work, and CircuitPython says so and stops. Bare chips bring none; the modules that
 * people buy do. So a part on a bus is taken as a module with pull-ups unless its attribute `pullups` is 0, and a bus
 * whose lines nothing pulls up gets them, with a line that says so. */
#include "emulator/core/serial.h"
#include "emulator/project/private.h"

#include <stdlib.h>

#define TARGETS 256
#define MODULE_OHMS 4700
#define FIRST_ADDRESS 0x08
#define LAST_ADDRESS 0x77

struct targets {
    struct i2c_target *list[TARGETS];
    unsigned count;
};

static void collect(struct targets *targets, const struct net *net) {
    struct i2c_target *target = NULL;
    while (net && (target = i2c_next_target(net, target))) {
        bool seen = false;
        for (unsigned i = 0; i < targets->count; i++) {
            seen |= targets->list[i] == target;
        }
        if (!seen && targets->count < TARGETS) {
            targets->list[targets->count++] = target;
        }
    }
}

/* The part whose state holds the target. */
static struct project_part *owner_of(const struct project *project, const struct i2c_target *target) {
    for (unsigned i = 0; i < project->part_count; i++) {
        uintptr_t begin = (uintptr_t)project->parts[i].part, at = (uintptr_t)target;
        if (at >= begin && at < begin + project->parts[i].class->size) {
            return &project->parts[i];
        }
    }
    return NULL;
}

static bool on_one_bus(const struct i2c_target *a, const struct i2c_target *b) {
    return net_is_joined(a->scl, b->scl) && net_is_joined(a->sda, b->sda);
}

/* ---- Pull-ups ---- */
static void pull_up(struct project *project, struct net *net) {
    struct project_pull_up *pull_up = calloc(1, sizeof(*pull_up));
    if (pull_up) {
        pull_up->driver = (struct net_driver){ .name = "pull-up" };
        net_drive_volts(&pull_up->driver, NET_SUPPLY_VOLTS, MODULE_OHMS);
        pull_up->next = project->pull_ups;
        project->pull_ups = pull_up;
        net_attach(net, &pull_up->driver);
    }
}

static void pull_up_bus(struct project *project, struct i2c_target *target, const struct project_part *part,
                        struct findings *findings) {
    if (net_is_high(target->scl) && net_is_high(target->sda)) {
        return;
    }
    findings_add(findings, LOG_INFO,
                 "parts[%u] \"%s\": no pull-ups are wired to its I2C bus; those of its module are taken "
                 "(pullups \"0\" takes them off)",
                 part->from->index, part->from->id);
    struct net *const lines[] = { target->scl, target->sda };
    for (unsigned i = 0; i < 2; i++) {
        if (!net_is_high(lines[i])) {
            pull_up(project, lines[i]);
        }
    }
}

/* ---- Addresses ---- */
static bool answers(struct i2c_target *target, uint8_t address) {
    bool yes = target->start(target, address, false);
    if (yes && target->stop) {
        target->stop(target);
    }
    return yes;
}

static void check_pair(struct i2c_target *a, const struct project_part *first, struct i2c_target *b,
                       const struct project_part *second, struct findings *findings) {
    for (uint8_t address = FIRST_ADDRESS; address <= LAST_ADDRESS; address++) {
        if (answers(a, address) && answers(b, address)) {
            findings_add(findings, LOG_WARN,
                         "parts[%u] \"%s\" and parts[%u] \"%s\" have the same address 0x%02x on one I2C bus",
                         first->from->index, first->from->id, second->from->index, second->from->id, address);
            return;
        }
    }
}

static void check_addresses(const struct project *project, const struct targets *targets, unsigned from,
                            struct findings *findings) {
    struct i2c_target *a = targets->list[from];
    for (unsigned i = from + 1; i < targets->count; i++) {
        struct i2c_target *b = targets->list[i];
        const struct project_part *first = owner_of(project, a), *second = owner_of(project, b);
        if (first && second && first != second && on_one_bus(a, b)) {
            check_pair(a, first < second ? first : second, b, first < second ? second : first, findings);
        }
    }
}

void project_check_i2c(struct project *project, struct findings *findings) {
    struct targets targets = { .count = 0 };
    for (unsigned i = 0; i < project->part_count; i++) {
        for (unsigned pin = 0; pin < part_pin_count(project->parts[i].class); pin++) {
            collect(&targets, project->parts[i].nets[pin]);
        }
    }
    for (unsigned i = 0; i < targets.count; i++) {
        const struct project_part *part = owner_of(project, targets.list[i]);
        if (part && !part->no_pull_ups) {
            pull_up_bus(project, targets.list[i], part, findings);
        }
        check_addresses(project, &targets, i, findings);
    }
}
