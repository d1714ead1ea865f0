/* Which errata can be chosen, and what each sets in the machine. */
#include "emulator/errata.h"

#include "emulator/machine.h"
#include "peripherals/onchip/dma.h"

#include <stdio.h>
#include <string.h>

static void leak_from_pads(struct machine *machine) {
    machine_set_pad_leakage(machine, true);
}

static void interrupt_after_abort(struct machine *machine) {
    dma_set_abort_interrupts((struct dma *)machine_block(machine, "DMA"), true);
}

static const struct {
    const char *name;
    enum chip chip;
    void (*apply)(struct machine *machine);
} errata[] = {
    { "rp2040-e13", CHIP_RP2040, interrupt_after_abort },
    { "rp2350-e9", CHIP_RP2350, leak_from_pads },
};
#define ERRATA (sizeof(errata) / sizeof(errata[0]))

static void list_choices(enum chip chip, char *text, size_t size) {
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ERRATA && length < size; i++) {
        if (errata[i].chip == chip) {
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? ", " : "", errata[i].name);
        }
    }
}

static bool choose_one(struct machine *machine, enum chip chip, const char *name, size_t length) {
    for (size_t i = 0; i < ERRATA; i++) {
        bool is_it = strlen(errata[i].name) == length && strncmp(errata[i].name, name, length) == 0;
        if (is_it && errata[i].chip == chip) {
            if (machine) {
                errata[i].apply(machine);
            }
            return true;
        }
    }
    return false;
}

bool errata_choose(struct machine *machine, enum chip chip, const char *names, struct error *error) {
    for (const char *name = names;; name++) {
        size_t length = strcspn(name, ",");
        if (!choose_one(machine, chip, name, length)) {
            char choices[64];
            list_choices(chip, choices, sizeof(choices));
            error_set(error, "\"%.*s\" is not among what an %s can be given: %s", (int)length, name, chip_name(chip),
                      choices);
            return false;
        }
        name += length;
        if (!*name) {
            return true;
        }
    }
}
