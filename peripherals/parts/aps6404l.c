/* AP Memory APS6404L-3SQR: datasheet, sections on interface, command table, read, write, quad mode, wrap boundary
 * toggle, read ID and reset.
 *
 * The chip works clock by clock on its four lines. A command is a row of a table; in QPI every phase of it uses all
 * four lines.
 *
 * Not modelled: refresh, so that contents outlast a chip select that is held longer than 8 us; the limits of the
 * clock; the times of power-up (150 us) and reset.
 * Decided: contents are zero when new; bursts begin linear and wrap at the end of the chip; a reset (0x66, 0x99) leads
 * back to SPI and linear bursts, as a power-up does; behind its eight bytes the id is zero, and so are the bits of EID
 * that the datasheet gives no meaning. */
#include "peripherals/parts/aps6404l.h"

#include "emulator/core/log.h"

#include <stdlib.h>
#include <string.h>

#define MANUFACTURER 0x0d
#define KNOWN_GOOD_DIE 0x5d
#define WRAP_BYTES 32u
#define PAGE 4096u

enum aps6404l_phase { PHASE_IGNORE, PHASE_CODE, PHASE_ADDRESS, PHASE_WAIT, PHASE_IN, PHASE_OUT };
enum aps6404l_modes { IN_SPI = 1, IN_QPI = 2 };

struct aps6404l_command {
    uint8_t code;
    uint8_t modes;
    uint8_t address_width;                              /* lines in SPI; 0: no address */
    uint8_t wait;                                       /* clocks */
    uint8_t data_width;                                 /* lines in SPI; 0: no data */
    uint8_t (*out)(struct aps6404l *chip, uint32_t at); /* the at-th data byte to the controller */
    void (*act)(struct aps6404l *chip);                 /* when the chip is released behind its code */
};

/* ---- Contents ---- */

static uint32_t burst_offset(const struct aps6404l *chip, uint32_t at) {
    uint32_t address = chip->address + at;
    if (chip->wraps) {
        address = (chip->address & ~(WRAP_BYTES - 1)) | (address & (WRAP_BYTES - 1));
    }
    return address & (chip->desc.size - 1);
}

static uint8_t out_array(struct aps6404l *chip, uint32_t at) {
    return chip->contents[burst_offset(chip, at)];
}

static void write_byte(struct aps6404l *chip, uint8_t byte) {
    uint32_t offset = burst_offset(chip, chip->count++);
    chip->contents[offset] = byte;
    if (chip->desc.changed) {
        chip->desc.changed(chip->desc.context, offset, 1);
    }
}

/* Manufacturer, KGD, six bytes of EID whose top bits are the density: 0, 1, 2 for 16, 32, 64 Mbit. */
static uint8_t out_id(struct aps6404l *chip, uint32_t at) {
    unsigned density = chip->desc.size >> 22;
    const uint8_t id[] = { MANUFACTURER, KNOWN_GOOD_DIE, (uint8_t)(density << 5) };
    return at < sizeof(id) ? id[at] : 0;
}

/* ---- Modes ---- */

static void act_enter_quad(struct aps6404l *chip) {
    chip->quad = true;
}

static void act_exit_quad(struct aps6404l *chip) {
    chip->quad = false;
}

static void act_toggle_wrap(struct aps6404l *chip) {
    chip->wraps = !chip->wraps;
}

static void act_reset_enable(struct aps6404l *chip) {
    chip->reset_enabled = true;
}

static void act_reset(struct aps6404l *chip) {
    if (chip->reset_enabled) {
        chip->quad = false;
        chip->wraps = false;
        chip->reset_enabled = false;
    }
}

static const struct aps6404l_command commands[] = {
    { .code = 0x03, .modes = IN_SPI, .address_width = 1, .data_width = 1, .out = out_array },
    { .code = 0x0b, .modes = IN_SPI, .address_width = 1, .wait = 8, .data_width = 1, .out = out_array },
    { .code = 0x0b, .modes = IN_QPI, .address_width = 4, .wait = 4, .data_width = 4, .out = out_array },
    { .code = 0xeb, .modes = IN_SPI | IN_QPI, .address_width = 4, .wait = 6, .data_width = 4, .out = out_array },
    { .code = 0x02, .modes = IN_SPI | IN_QPI, .address_width = 1, .data_width = 1 },
    { .code = 0x38, .modes = IN_SPI | IN_QPI, .address_width = 4, .data_width = 4 },
    { .code = 0x9f, .modes = IN_SPI, .address_width = 1, .data_width = 1, .out = out_id },
    { .code = 0x35, .modes = IN_SPI, .act = act_enter_quad },
    { .code = 0xf5, .modes = IN_QPI, .act = act_exit_quad },
    { .code = 0xc0, .modes = IN_SPI | IN_QPI, .act = act_toggle_wrap },
    { .code = 0x66, .modes = IN_SPI | IN_QPI, .act = act_reset_enable },
    { .code = 0x99, .modes = IN_SPI | IN_QPI, .act = act_reset },
};

static const struct aps6404l_command *find_command(const struct aps6404l *chip, uint8_t code) {
    unsigned mode = chip->quad ? IN_QPI : IN_SPI;
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (commands[i].code == code && commands[i].modes & mode) {
            return &commands[i];
        }
    }
    return NULL;
}

/* ---- Phases ---- */

static void enter_phase(struct aps6404l *chip, enum aps6404l_phase phase) {
    static const unsigned lengths[] = { [PHASE_CODE] = 8, [PHASE_ADDRESS] = 24, [PHASE_IN] = 8, [PHASE_OUT] = 0 };
    chip->phase = phase;
    chip->shift = 0;
    chip->left = phase == PHASE_WAIT ? chip->command->wait : lengths[phase];
}

static void enter_data(struct aps6404l *chip) {
    enter_phase(chip, chip->command->out ? PHASE_OUT : PHASE_IN);
}

/* 0xff is what controllers send to bring a chip in an unknown state to an end: not worth a line. */
static void take_code(struct aps6404l *chip, uint8_t code) {
    chip->command = find_command(chip, code);
    chip->reset_enabled &= code == 0x99;
    chip->phase = PHASE_IGNORE;
    if (!chip->command) {
        if (code != 0xff) {
            log_write(chip->desc.env->log, LOG_GUEST, chip->desc.name, "no command 0x%02x in %s mode", code,
                      chip->quad ? "QPI" : "SPI");
        }
    } else if (chip->command->address_width) {
        enter_phase(chip, PHASE_ADDRESS);
    }
}

static void take_address(struct aps6404l *chip, uint32_t address) {
    chip->address = address;
    if (chip->command->wait) {
        enter_phase(chip, PHASE_WAIT);
    } else {
        enter_data(chip);
    }
}

/* All bits of an input phase are there. */
static void take_bits(struct aps6404l *chip, uint32_t bits) {
    switch (chip->phase) {
    case PHASE_CODE:
        take_code(chip, (uint8_t)bits);
        break;
    case PHASE_ADDRESS:
        take_address(chip, bits);
        break;
    default:
        write_byte(chip, (uint8_t)bits);
        enter_phase(chip, PHASE_IN);
        break;
    }
}

static unsigned input_width(const struct aps6404l *chip) {
    if (chip->quad) {
        return 4;
    }
    return chip->phase == PHASE_CODE      ? 1
           : chip->phase == PHASE_ADDRESS ? chip->command->address_width
                                          : chip->command->data_width;
}

static unsigned clock_out(struct aps6404l *chip, unsigned lines) {
    unsigned width = chip->quad ? 4 : chip->command->data_width;
    if (!chip->left) {
        chip->shift = chip->command->out(chip, chip->count++);
        chip->left = 8;
    }
    chip->left -= width;
    unsigned bits = chip->shift >> chip->left & ((1u << width) - 1);
    return width == 1 ? (lines & ~2u) | bits << 1 : bits;
}

unsigned aps6404l_clock(struct aps6404l *chip, unsigned lines) {
    if (!chip->selected || chip->phase == PHASE_IGNORE) {
        return lines;
    }
    if (chip->phase == PHASE_OUT) {
        return clock_out(chip, lines);
    }
    if (chip->phase == PHASE_WAIT) {
        if (!--chip->left) {
            enter_data(chip);
        }
        return lines;
    }
    unsigned width = input_width(chip);
    chip->shift = chip->shift << width | (lines & ((1u << width) - 1));
    chip->left -= width;
    if (!chip->left) {
        take_bits(chip, chip->shift);
    }
    return lines;
}

/* ---- Chip select ---- */

static bool is_mode_command(const struct aps6404l *chip) {
    return chip->command && chip->command->act;
}

void aps6404l_select(struct aps6404l *chip, bool selected) {
    if (selected == chip->selected) {
        return;
    }
    chip->selected = selected;
    if (!selected && is_mode_command(chip)) {
        chip->command->act(chip);
    }
    chip->command = NULL;
    chip->count = 0;
    enter_phase(chip, selected ? PHASE_CODE : PHASE_IGNORE);
}

static void select_changed(struct net_listener *listener, struct net *net) {
    aps6404l_select(listener->owner, net->level == NET_LEVEL_LOW);
}

void aps6404l_connect_select(struct aps6404l *chip, struct net *net) {
    chip->select_pin = (struct net_listener){ .changed = select_changed, .owner = chip };
    net_listen(net, &chip->select_pin);
    select_changed(&chip->select_pin, net);
}

/* ---- Life ---- */

static unsigned clock_target(struct qspi_target *target, unsigned lines) {
    return aps6404l_clock(target->owner, lines);
}

bool aps6404l_init(struct aps6404l *chip, const struct aps6404l_desc *desc) {
    if (desc->size != 2u << 20 && desc->size != 4u << 20 && desc->size != 8u << 20) {
        return false;
    }
    *chip = (struct aps6404l){ .desc = *desc, .contents = aligned_alloc(PAGE, desc->size) };
    chip->desc.name = desc->name ? desc->name : "PSRAM";
    if (!chip->contents) {
        return false;
    }
    memset(chip->contents, 0, desc->size);
    chip->target =
        (struct qspi_target){ .clock = clock_target, .contents = chip->contents, .size = desc->size, .owner = chip };
    return true;
}

void aps6404l_finish(struct aps6404l *chip) {
    free(chip->contents);
    chip->contents = NULL;
}

/* ---- Snapshots ---- */

/* A command by its code; 0: none. In the mode that the chip is in, which does not change before it is released. */
static void command_walk(struct aps6404l *chip, struct walk *walk) {
    uint8_t code = chip->command ? chip->command->code : 0;
    walk_u8(walk, &code);
    chip->command = code ? find_command(chip, code) : NULL;
    if (code && !chip->command) {
        walk_fail(walk, "a command that it does not know");
    }
}

/* Does the phase fit the command, and what is left of it the lines? */
static bool transaction_is_sane(const struct aps6404l *chip) {
    const struct aps6404l_command *command = chip->command;
    if (chip->phase == PHASE_IGNORE) {
        return true;
    }
    bool has_phase = chip->phase == PHASE_CODE ? !command : command && command->address_width;
    if (!chip->selected || !has_phase || chip->left > 24) {
        return false;
    }
    if (chip->phase == PHASE_WAIT) {
        return command->wait && chip->left;
    }
    if (chip->phase == PHASE_OUT) {
        return command->out && chip->left <= 8 && chip->left % (chip->quad ? 4u : command->data_width) == 0;
    }
    bool fits_data = chip->phase != PHASE_IN || !command->out;
    return fits_data && chip->left && chip->left % input_width(chip) == 0;
}

static void transaction_walk(struct aps6404l *chip, struct walk *walk) {
    walk_bool(walk, &chip->selected);
    command_walk(chip, walk);
    walk_below(walk, &chip->phase, PHASE_OUT + 1);
    walk_unsigned(walk, &chip->left);
    walk_u32(walk, &chip->shift);
    walk_u32(walk, &chip->address);
    walk_u32(walk, &chip->count);
    if (!transaction_is_sane(chip)) {
        walk_fail(walk, "a command that cannot be under way");
        chip->command = NULL;
        chip->phase = PHASE_IGNORE;
    }
}

void aps6404l_walk(struct aps6404l *chip, struct walk *walk) {
    walk_section(walk, chip->desc.name, 0);
    walk_expect(walk, "its size", chip->desc.size);
    walk_sparse(walk, chip->contents, chip->desc.size, PAGE, 0);
    walk_bool(walk, &chip->quad);
    walk_bool(walk, &chip->wraps);
    walk_bool(walk, &chip->reset_enabled);
    transaction_walk(chip, walk);
    walk_section_end(walk);
}
