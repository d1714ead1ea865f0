/* Winbond W25Q16JV/32JV/64JV/128JV: datasheet sections 6 to 8 (signals, status registers, instructions), 9.6 (AC
 * characteristics: the typical times), JEDEC JESD216B for the SFDP table.
 *
 * The chip works clock by clock on its four lines, so that a controller with the wrong width, a missing dummy cycle or
 * an interrupted command sees what it would see on the board. A command is a row of a table: phases, widths, action.
 *
 * Not modelled: QPI (JV types lack it), DTR reads, individual block locks (WPS is kept, not obeyed), /HOLD and /WP,
 * the times of power-down entry and release (3 us) and of a reset (30 us), wear, data lost by a reset in the middle of
 * an erase. Status and security registers last as long as the machine: they are no part of the contents.
 * Decided: contents change when the command begins, and the chip is busy for its time after that; nobody can look
 * meanwhile but through XIP memory, which is a mistake of the guest that is not reported. A page program takes the
 * typical page time whatever the number of bytes. What the supply leaves of an operation: w25q_steps.c. */
#include "peripherals/parts/w25q_output.h"
#include "peripherals/parts/w25q_steps.h"

#include <stdlib.h>
#include <string.h>

#define STATUS1_TB 0x20u
#define STATUS1_SEC 0x40u
#define STATUS2_QE 0x02u
#define STATUS2_LB 0x38u
#define STATUS2_CMP 0x40u
#define STATUS3_NEW 0x60u /* DRV: a quarter of the drive strength */

#define STATUS_WRITE_PS (10 * PS_PER_MS)
#define PAGE_PROGRAM_PS (400 * PS_PER_US)
#define SECTOR_ERASE_PS (45 * PS_PER_MS)
#define HALF_BLOCK_ERASE_PS (120 * PS_PER_MS)
#define BLOCK_ERASE_PS (150 * PS_PER_MS)
#define CHIP_ERASE_PS_PER_MIB (2500 * PS_PER_MS)
#define SUSPEND_PS (20 * PS_PER_US)

#define UNIQUE_ID UINT64_C(0xe6605481db3b2a37)

static const uint8_t status_writable[3] = { 0xfc, 0x7b, 0x64 };

enum phase { PHASE_IGNORE, PHASE_CODE, PHASE_ADDRESS, PHASE_MODE, PHASE_DUMMY, PHASE_IN, PHASE_OUT };

enum command_flags {
    WHILE_BUSY = 1,  /* is not ignored while an operation is under way */
    NEEDS_QE = 2,    /* is ignored unless QE is set */
    NEEDS_WEL = 4,   /* is ignored unless writing has been enabled */
    WHILE_DOWN = 8,  /* is not ignored in power-down */
    EXACT = 16,      /* is ignored when clocks follow its code */
    CONTINUOUS = 32, /* mode bits may ask for the next read to go on without its code */
};

struct w25q_command {
    uint8_t code;
    uint8_t flags;
    uint8_t address_width;                          /* lines; 0: no address */
    uint8_t mode;                                   /* 1: eight mode bits follow on the address's lines */
    uint8_t dummy;                                  /* clocks */
    uint8_t data_width;                             /* lines; 0: no data */
    uint8_t (*out)(struct w25q *chip, uint32_t at); /* the at-th data byte to the controller */
    void (*act)(struct w25q *chip);                 /* when the chip is released */
};

/* ---- Time and protection ---- */

bool w25q_busy(const struct w25q *chip) {
    return scheduler_now(chip->desc.env->scheduler) < chip->busy_until_ps;
}

/* Bytes at one end of the chip that SEC and BP2..BP0 select; datasheet 7.1.10. */
static uint32_t protected_span(const struct w25q *chip) {
    uint32_t size = chip->desc.size;
    unsigned blocks = chip->status[0] >> 2 & 7;
    if (!blocks) {
        return 0;
    }
    if (blocks == 7) {
        return size;
    }
    if (chip->status[0] & STATUS1_SEC) {
        return W25Q_SECTOR << (blocks > 4 ? 3 : blocks - 1);
    }
    uint32_t unit = size / 64 > W25Q_BLOCK ? size / 64 : W25Q_BLOCK;
    uint32_t span = unit << (blocks - 1);
    return span < size ? span : size;
}

static bool is_protected(const struct w25q *chip, uint32_t offset, uint32_t size) {
    uint32_t span = protected_span(chip);
    uint32_t from = chip->status[0] & STATUS1_TB ? 0 : chip->desc.size - span;
    uint32_t end = from + span;
    if (chip->status[1] & STATUS2_CMP) {
        bool bottom = from > 0 || !span;
        from = bottom ? 0 : span;
        end = bottom ? chip->desc.size - span : chip->desc.size;
    }
    return offset < end && offset + size > from;
}

static void report(struct w25q *chip, const char *what, uint32_t value) {
    log_write(chip->desc.env->log, LOG_GUEST, chip->desc.name, "%s (0x%02x)", what, value);
}

/* ---- The array ---- */

static void tell(struct w25q *chip, uint32_t offset, uint32_t size, enum w25q_change what) {
    if (chip->desc.changed) {
        chip->desc.changed(chip->desc.context, offset, size, what);
    }
}

static bool all_erased(const uint8_t *bytes, uint32_t size) {
    return bytes[0] == 0xff && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* `offset` is aligned to `size`, a power of two. */
static void erase_array(struct w25q *chip, uint32_t offset, uint32_t size) {
    if (is_protected(chip, offset, size)) {
        report(chip, "erase of a protected block ignored", offset);
        return;
    }
    if (!all_erased(chip->contents + offset, size)) {
        memset(chip->contents + offset, 0xff, size);
        tell(chip, offset, size, W25Q_ERASED);
    }
}

/* Within one page. */
static bool program_array(struct w25q *chip, uint32_t offset, const uint8_t *data, uint32_t size) {
    if (is_protected(chip, offset, size)) {
        report(chip, "program of a protected block ignored", offset);
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        chip->contents[offset + i] &= data[i];
    }
    return true;
}

/* The largest erase command that is aligned at `at` and stays within `size`. */
static uint32_t erase_step(uint32_t at, uint64_t size, uint64_t *ret_duration) {
    if (at % W25Q_BLOCK == 0 && size >= W25Q_BLOCK) {
        *ret_duration = BLOCK_ERASE_PS;
        return W25Q_BLOCK;
    }
    if (at % (W25Q_BLOCK / 2) == 0 && size >= W25Q_BLOCK / 2) {
        *ret_duration = HALF_BLOCK_ERASE_PS;
        return W25Q_BLOCK / 2;
    }
    *ret_duration = SECTOR_ERASE_PS;
    return W25Q_SECTOR;
}

static uint64_t chip_erase_ps(const struct w25q *chip) {
    return (chip->desc.size >> 20) * CHIP_ERASE_PS_PER_MIB;
}

uint64_t w25q_erase(struct w25q *chip, uint32_t offset, uint32_t size) {
    uint64_t duration = 0;
    if (size >= chip->desc.size) {
        duration = chip_erase_ps(chip);
        w25q_begin_step(chip, 0, chip->desc.size, duration, false);
        erase_array(chip, 0, chip->desc.size);
        return duration;
    }
    uint64_t at = offset & ~(W25Q_SECTOR - 1), end = (uint64_t)offset + size;
    while (at < end) {
        uint64_t one;
        uint32_t step = erase_step((uint32_t)at, end - at, &one);
        w25q_begin_step(chip, at & (chip->desc.size - 1), step, one, false);
        erase_array(chip, at & (chip->desc.size - 1), step);
        duration += one;
        at += step;
    }
    return duration;
}

uint64_t w25q_program(struct w25q *chip, uint32_t offset, const uint8_t *data, uint32_t size) {
    uint64_t duration = 0;
    uint32_t mask = chip->desc.size - 1;
    for (uint32_t done = 0; done < size;) {
        uint32_t at = (offset + done) & mask;
        uint32_t step = W25Q_PAGE - at % W25Q_PAGE;
        if (step > size - done) {
            step = size - done;
        }
        w25q_begin_step(chip, at, step, PAGE_PROGRAM_PS, false);
        program_array(chip, at, data + done, step);
        duration += PAGE_PROGRAM_PS;
        done += step;
    }
    /* Told once, so that a sector programmed in one go is seen in one go. */
    uint32_t first = offset & mask;
    uint32_t head = size < chip->desc.size - first ? size : chip->desc.size - first;
    if (head) {
        tell(chip, first, head, W25Q_PROGRAMMED);
    }
    if (size > head) {
        tell(chip, 0, size - head < first ? size - head : first, W25Q_PROGRAMMED);
    }
    return duration;
}

/* ---- What commands do when the chip is released ---- */

static void act_write_enable(struct w25q *chip) {
    chip->write_enabled = true;
}

static void act_write_disable(struct w25q *chip) {
    chip->write_enabled = false;
}

static void act_volatile_enable(struct w25q *chip) {
    chip->volatile_enabled = true;
}

static void set_status(struct w25q *chip, unsigned index, uint8_t value, bool stored) {
    uint8_t writable = status_writable[index];
    uint8_t sticky = 0;
    if (index == 1) {
        sticky = (uint8_t)((chip->status[1] & STATUS2_LB) | (chip->desc.quad_selectable ? 0 : STATUS2_QE));
    }
    chip->status[index] = (uint8_t)((value & writable) | sticky);
    if (stored) {
        chip->status_stored[index] = chip->status[index];
    }
}

/* 0x01 takes one or two bytes, 0x31 and 0x11 one. */
static void write_status(struct w25q *chip, unsigned first, unsigned most) {
    bool stored = chip->write_enabled;
    if ((!stored && !chip->volatile_enabled) || !chip->count || chip->count > most) {
        report(chip, "status write without write enable ignored", chip->command->code);
        return;
    }
    for (unsigned i = 0; i < chip->count; i++) {
        set_status(chip, first + i, chip->page[i], stored);
    }
    if (stored) {
        w25q_be_busy(chip, STATUS_WRITE_PS, false);
    }
    chip->write_enabled = false;
    chip->volatile_enabled = false;
}

static void act_status1(struct w25q *chip) {
    write_status(chip, 0, 2);
}

static void act_status2(struct w25q *chip) {
    write_status(chip, 1, 1);
}

static void act_status3(struct w25q *chip) {
    write_status(chip, 2, 1);
}

static void act_program(struct w25q *chip) {
    if (!chip->count) {
        return;
    }
    uint32_t page = chip->address & (chip->desc.size - 1) & ~(W25Q_PAGE - 1);
    for (unsigned i = 0; i < W25Q_PAGE; i++) {
        chip->page[i] |= chip->page_used[i] ? 0 : 0xff;
    }
    if (!is_protected(chip, page, W25Q_PAGE)) {
        w25q_begin_step(chip, page, W25Q_PAGE, PAGE_PROGRAM_PS, true);
    }
    if (program_array(chip, page, chip->page, W25Q_PAGE)) {
        tell(chip, page, W25Q_PAGE, W25Q_PROGRAMMED);
    }
    chip->write_enabled = false;
}

static void erase_command(struct w25q *chip, uint32_t size, uint64_t duration) {
    uint32_t offset = chip->address & (chip->desc.size - 1) & ~(size - 1);
    if (!is_protected(chip, offset, size)) {
        w25q_begin_step(chip, offset, size, duration, size < chip->desc.size);
    }
    erase_array(chip, offset, size);
    chip->write_enabled = false;
}

static void act_erase_sector(struct w25q *chip) {
    erase_command(chip, W25Q_SECTOR, SECTOR_ERASE_PS);
}

static void act_erase_half_block(struct w25q *chip) {
    erase_command(chip, W25Q_BLOCK / 2, HALF_BLOCK_ERASE_PS);
}

static void act_erase_block(struct w25q *chip) {
    erase_command(chip, W25Q_BLOCK, BLOCK_ERASE_PS);
}

static void act_erase_chip(struct w25q *chip) {
    erase_command(chip, chip->desc.size, chip_erase_ps(chip));
}

static bool security_locked(const struct w25q *chip) {
    return chip->status[1] >> (2 + (chip->address >> 12 & 0xf)) & 1;
}

static void act_erase_security(struct w25q *chip) {
    uint8_t *bytes = w25q_security_register(chip);
    if (bytes && !security_locked(chip)) {
        memset(bytes, 0xff, W25Q_PAGE);
        w25q_be_busy(chip, SECTOR_ERASE_PS, false);
    }
    chip->write_enabled = false;
}

static void act_program_security(struct w25q *chip) {
    uint8_t *bytes = w25q_security_register(chip);
    if (bytes && chip->count && !security_locked(chip)) {
        for (unsigned i = 0; i < W25Q_PAGE; i++) {
            bytes[i] &= chip->page_used[i] ? chip->page[i] : 0xff;
        }
        w25q_be_busy(chip, PAGE_PROGRAM_PS, false);
    }
    chip->write_enabled = false;
}

static void act_power_down(struct w25q *chip) {
    chip->powered_down = true;
}

static void act_release(struct w25q *chip) {
    chip->powered_down = false;
}

static void act_reset_enable(struct w25q *chip) {
    chip->reset_enabled = true;
}

static void act_reset(struct w25q *chip) {
    if (chip->reset_enabled) {
        bool selected = chip->selected;
        w25q_power_on(chip);
        chip->selected = selected;
    }
}

static void act_suspend(struct w25q *chip) {
    uint64_t now = scheduler_now(chip->desc.env->scheduler);
    if (chip->suspended || now >= chip->busy_until_ps || !chip->busy_is_array) {
        return;
    }
    chip->suspended = true;
    chip->suspended_ps = chip->busy_until_ps - now;
    w25q_suspend_step(chip, chip->suspended_ps);
    chip->busy_until_ps = now + (SUSPEND_PS < chip->suspended_ps ? SUSPEND_PS : chip->suspended_ps);
}

static void act_resume(struct w25q *chip) {
    if (chip->suspended) {
        chip->suspended = false;
        w25q_be_busy(chip, chip->suspended_ps, true);
        w25q_resume_step(chip);
    }
}

/* 24 dummy bits, then W7..W0: W4 switches wrapping off, W6..W5 choose the length. */
static void act_set_wrap(struct w25q *chip) {
    if (chip->count == 1) {
        uint8_t bits = chip->page[chip->address % W25Q_PAGE];
        chip->wrap = bits & 0x10 ? 0 : 8u << (bits >> 5 & 3);
    }
}

/* ---- Commands ---- */

static const struct w25q_command commands[] = {
    /* code, flags, address lines, mode, dummy, data lines, out, act */
    { 0x05, WHILE_BUSY, 0, 0, 0, 1, w25q_out_status1, NULL },
    { 0x03, 0, 1, 0, 0, 1, w25q_out_array, NULL },
    { 0x0b, 0, 1, 0, 8, 1, w25q_out_array, NULL },
    { 0x3b, 0, 1, 0, 8, 2, w25q_out_array, NULL },
    { 0x6b, NEEDS_QE, 1, 0, 8, 4, w25q_out_array, NULL },
    { 0xbb, CONTINUOUS, 2, 1, 0, 2, w25q_out_array, NULL },
    { 0xeb, NEEDS_QE | CONTINUOUS, 4, 1, 4, 4, w25q_out_array_wrapped, NULL },
    { 0x77, NEEDS_QE, 4, 0, 0, 4, NULL, act_set_wrap },
    { 0x35, WHILE_BUSY, 0, 0, 0, 1, w25q_out_status2, NULL },
    { 0x15, WHILE_BUSY, 0, 0, 0, 1, w25q_out_status3, NULL },
    { 0x01, 0, 0, 0, 0, 1, NULL, act_status1 },
    { 0x31, 0, 0, 0, 0, 1, NULL, act_status2 },
    { 0x11, 0, 0, 0, 0, 1, NULL, act_status3 },
    { 0x06, EXACT, 0, 0, 0, 0, NULL, act_write_enable },
    { 0x04, EXACT, 0, 0, 0, 0, NULL, act_write_disable },
    { 0x50, EXACT, 0, 0, 0, 0, NULL, act_volatile_enable },
    { 0x02, NEEDS_WEL, 1, 0, 0, 1, NULL, act_program },
    { 0x32, NEEDS_WEL | NEEDS_QE, 1, 0, 0, 4, NULL, act_program },
    { 0x20, NEEDS_WEL, 1, 0, 0, 0, NULL, act_erase_sector },
    { 0x52, NEEDS_WEL, 1, 0, 0, 0, NULL, act_erase_half_block },
    { 0xd8, NEEDS_WEL, 1, 0, 0, 0, NULL, act_erase_block },
    { 0xc7, NEEDS_WEL | EXACT, 0, 0, 0, 0, NULL, act_erase_chip },
    { 0x60, NEEDS_WEL | EXACT, 0, 0, 0, 0, NULL, act_erase_chip },
    { 0x9f, 0, 0, 0, 0, 1, w25q_out_jedec, NULL },
    { 0x90, 0, 1, 0, 0, 1, w25q_out_manufacturer, NULL },
    { 0x92, 0, 2, 1, 0, 2, w25q_out_manufacturer, NULL },
    { 0x94, NEEDS_QE, 4, 1, 4, 4, w25q_out_manufacturer, NULL },
    { 0xab, WHILE_DOWN, 0, 0, 24, 1, w25q_out_device, act_release },
    { 0xb9, EXACT, 0, 0, 0, 0, NULL, act_power_down },
    { 0x4b, 0, 0, 0, 32, 1, w25q_out_unique, NULL },
    { 0x5a, 0, 1, 0, 8, 1, w25q_out_sfdp, NULL },
    { 0x48, 0, 1, 0, 8, 1, w25q_out_security, NULL },
    { 0x44, NEEDS_WEL, 1, 0, 0, 0, NULL, act_erase_security },
    { 0x42, NEEDS_WEL, 1, 0, 0, 1, NULL, act_program_security },
    { 0x66, EXACT | WHILE_BUSY, 0, 0, 0, 0, NULL, act_reset_enable },
    { 0x99, EXACT | WHILE_BUSY, 0, 0, 0, 0, NULL, act_reset },
    { 0x75, EXACT | WHILE_BUSY, 0, 0, 0, 0, NULL, act_suspend },
    { 0x7a, EXACT, 0, 0, 0, 0, NULL, act_resume },
};

static const struct w25q_command *find_command(uint8_t code) {
    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (commands[i].code == code) {
            return &commands[i];
        }
    }
    return NULL;
}

/* Whether the chip obeys; a guest line where it does not. 0xff and 0x00 are what exit sequences look like. */
static bool accepts(struct w25q *chip, const struct w25q_command *command, uint8_t code) {
    if (!command) {
        if (code != 0xff && code != 0x00) {
            report(chip, "unknown command", code);
        }
        return false;
    }
    const char *why = NULL;
    if (chip->powered_down && !(command->flags & WHILE_DOWN)) {
        why = "command ignored in power-down";
    } else if (!(command->flags & WHILE_BUSY) && w25q_busy(chip)) {
        why = "command ignored while busy";
    } else if (command->flags & NEEDS_QE && !(chip->status[1] & STATUS2_QE)) {
        why = "quad command ignored without QE";
    } else if (command->flags & NEEDS_WEL && !chip->write_enabled) {
        why = "command ignored without write enable";
    }
    if (why) {
        report(chip, why, code);
    }
    return !why;
}

/* ---- Phases ---- */

static void enter(struct w25q *chip, enum phase phase) {
    const struct w25q_command *command = chip->command;
    chip->phase = phase;
    chip->shift = 0;
    chip->left = 8;
    if (phase == PHASE_ADDRESS) {
        chip->left = 24;
    } else if (phase == PHASE_DUMMY) {
        chip->left = command->dummy;
    } else if (phase == PHASE_OUT) {
        chip->left = 0;
    }
}

/* The next phase that the command has, after the one that has ended. */
static void advance(struct w25q *chip) {
    const struct w25q_command *command = chip->command;
    unsigned phase = chip->phase + 1;
    if (phase == PHASE_ADDRESS && !command->address_width) {
        phase++;
    }
    if (phase == PHASE_MODE && !command->mode) {
        phase++;
    }
    if (phase == PHASE_DUMMY && !command->dummy) {
        phase++;
    }
    enter(chip, phase < PHASE_IN ? (enum phase)phase : command->out ? PHASE_OUT : PHASE_IN);
}

static void take_code(struct w25q *chip, uint8_t code) {
    bool reset_enabled = chip->reset_enabled;
    chip->reset_enabled = false;
    chip->command = find_command(code);
    if (!accepts(chip, chip->command, code)) {
        chip->command = NULL;
        chip->phase = PHASE_IGNORE;
        return;
    }
    chip->reset_enabled = reset_enabled && code == 0x99;
    advance(chip);
}

static void take_data(struct w25q *chip, uint8_t byte) {
    const struct w25q_command *command = chip->command;
    /* Page data wraps inside its page; status bytes count from 0. */
    unsigned at = command->address_width ? (chip->address + chip->count) % W25Q_PAGE : chip->count % W25Q_PAGE;
    chip->page[at] = byte;
    chip->page_used[at] = true;
    chip->count++;
    enter(chip, PHASE_IN);
}

/* All bits of an input phase are there. */
static void take(struct w25q *chip) {
    uint32_t bits = chip->shift;
    switch (chip->phase) {
    case PHASE_CODE:
        take_code(chip, (uint8_t)bits);
        break;
    case PHASE_ADDRESS:
        chip->address = bits;
        advance(chip);
        break;
    case PHASE_MODE:
        chip->continuous = chip->command->flags & CONTINUOUS && (bits & 0x30) == 0x20 ? chip->command : NULL;
        advance(chip);
        break;
    default:
        take_data(chip, (uint8_t)bits);
        break;
    }
}

static unsigned input_width(const struct w25q *chip) {
    switch (chip->phase) {
    case PHASE_ADDRESS:
    case PHASE_MODE:
        return chip->command->address_width;
    case PHASE_IN:
        return chip->command->data_width ? chip->command->data_width : 1;
    default:
        return 1;
    }
}

static unsigned clock_out(struct w25q *chip, unsigned lines) {
    unsigned width = chip->command->data_width;
    if (!chip->left) {
        chip->shift = chip->command->out(chip, chip->count++);
        chip->left = 8;
    }
    chip->left -= width;
    unsigned bits = chip->shift >> chip->left & ((1u << width) - 1);
    return width == 1 ? (lines & ~2u) | bits << 1 : (lines & ~((1u << width) - 1)) | bits;
}

unsigned w25q_clock(struct w25q *chip, unsigned lines) {
    if (!chip->selected || chip->phase == PHASE_IGNORE) {
        return lines;
    }
    if (chip->phase == PHASE_OUT) {
        return clock_out(chip, lines);
    }
    if (chip->phase == PHASE_DUMMY) {
        if (!--chip->left) {
            advance(chip);
        }
        return lines;
    }
    unsigned width = input_width(chip);
    chip->shift = chip->shift << width | (lines & ((1u << width) - 1));
    chip->left -= width;
    if (!chip->left) {
        take(chip);
    }
    return lines;
}

/* ---- Controller's face ---- */

/* The command is complete: all of its phases, whole bytes of data. */
static bool complete(const struct w25q *chip) {
    if (!chip->command || !chip->command->act) {
        return false;
    }
    if (chip->command->out) {
        return true; /* 0xab: the id need not be read */
    }
    bool whole = chip->phase == PHASE_IN && chip->left == 8;
    return whole && !((chip->command->flags & EXACT || !chip->command->data_width) && chip->count);
}

void w25q_select(struct w25q *chip, bool selected) {
    if (selected == chip->selected) {
        return;
    }
    chip->selected = selected;
    if (!selected) {
        if (complete(chip)) {
            chip->command->act(chip);
        }
        chip->command = NULL;
        return;
    }
    chip->count = 0;
    chip->address = 0;
    memset(chip->page_used, 0, sizeof(chip->page_used));
    chip->command = chip->continuous;
    enter(chip, chip->command ? PHASE_ADDRESS : PHASE_CODE);
}

static void select_changed(struct net_listener *listener, struct net *net) {
    w25q_select(listener->owner, net->level == NET_LEVEL_LOW);
}

void w25q_connect_select(struct w25q *chip, struct net *net) {
    chip->select_pin = (struct net_listener){ .changed = select_changed, .owner = chip };
    net_listen(net, &chip->select_pin);
    select_changed(&chip->select_pin, net);
}

static unsigned clock_w25q(struct qspi_target *target, unsigned lines) {
    return w25q_clock(target->owner, lines);
}

uint32_t w25q_shift(struct w25q *chip, uint32_t value, unsigned bits, unsigned width, bool drive) {
    return qspi_shift(&chip->target, value, bits, width, drive);
}

uint8_t w25q_transfer(struct w25q *chip, uint8_t out) {
    return (uint8_t)w25q_shift(chip, out, 8, 1, true);
}

void w25q_exit_continuous(struct w25q *chip) {
    bool selected = chip->selected;
    w25q_select(chip, false);
    w25q_select(chip, true);
    for (unsigned i = 0; i < 32; i++) {
        w25q_clock(chip, 0xf);
    }
    w25q_select(chip, false);
    w25q_select(chip, true);
    w25q_shift(chip, 0xffff, 16, 1, true);
    w25q_select(chip, false);
    w25q_select(chip, selected);
}

/* ---- Life ---- */

void w25q_power_on(struct w25q *chip) {
    memcpy(chip->status, chip->status_stored, sizeof(chip->status));
    chip->write_enabled = false;
    chip->volatile_enabled = false;
    chip->reset_enabled = false;
    chip->powered_down = false;
    chip->suspended = false;
    chip->busy_until_ps = 0;
    chip->wrap = 0;
    chip->selected = false;
    chip->command = NULL;
    chip->continuous = NULL;
    chip->phase = PHASE_IGNORE;
}

bool w25q_init(struct w25q *chip, const struct w25q_desc *desc) {
    bool power_of_two = (desc->size & (desc->size - 1)) == 0;
    if (!power_of_two || desc->size < 0x100000 || desc->size > 0x1000000) {
        return false;
    }
    *chip = (struct w25q){ .desc = *desc, .contents = desc->contents };
    chip->desc.name = desc->name ? desc->name : "FLASH";
    chip->desc.unique_id = desc->unique_id ? desc->unique_id : UNIQUE_ID;
    random_derive(&chip->random, desc->env ? desc->env->seed : NULL, "flash", chip->desc.name);
    if (!chip->contents) {
        chip->contents = aligned_alloc(4096, desc->size);
        if (!chip->contents) {
            return false;
        }
        chip->owned = true;
        memset(chip->contents, 0xff, desc->size);
    }
    chip->target =
        (struct qspi_target){ .clock = clock_w25q, .contents = chip->contents, .size = desc->size, .owner = chip };
    memset(chip->security, 0xff, sizeof(chip->security));
    chip->status_stored[1] = desc->quad_selectable ? 0 : STATUS2_QE;
    chip->status_stored[2] = STATUS3_NEW;
    w25q_power_on(chip);
    return true;
}

void w25q_finish(struct w25q *chip) {
    w25q_forget_steps(chip);
    if (chip->owned) {
        free(chip->contents);
    }
    chip->contents = NULL;
    chip->owned = false;
}

/* ---- Snapshots ---- */
#define MOST_WRAP 64 /* bytes */

/* A command by its code; 0: none. */
static void command_walk(const struct w25q_command **command, struct walk *walk) {
    uint8_t code = *command ? (*command)->code : 0;
    walk_u8(walk, &code);
    *command = code ? find_command(code) : NULL;
    if (code && !*command) {
        walk_fail(walk, "a command that it does not know");
    }
}

/* Does the phase fit the command, and what is left of it the lines? */
static bool transaction_is_sane(const struct w25q *chip) {
    if (!chip->selected || chip->phase == PHASE_IGNORE) {
        return true;
    }
    if (chip->phase == PHASE_CODE) {
        return chip->left && chip->left <= 8;
    }
    if (!chip->command || chip->left > 32) {
        return false;
    }
    if (chip->phase == PHASE_OUT) {
        return chip->command->out && chip->command->data_width && chip->left % chip->command->data_width == 0 &&
               chip->left <= 8;
    }
    unsigned width = chip->phase == PHASE_DUMMY ? 1 : input_width(chip);
    return width && chip->left && chip->left % width == 0;
}

static void transaction_walk(struct w25q *chip, struct walk *walk) {
    walk_bool(walk, &chip->selected);
    command_walk(&chip->command, walk);
    command_walk(&chip->continuous, walk);
    walk_below(walk, &chip->phase, PHASE_OUT + 1);
    walk_unsigned(walk, &chip->left);
    walk_u32(walk, &chip->shift);
    walk_u32(walk, &chip->address);
    walk_u32(walk, &chip->count);
    walk_bytes(walk, chip->page, sizeof(chip->page));
    walk_bools(walk, chip->page_used, W25Q_PAGE);
    bool continues = !chip->continuous || chip->continuous->flags & CONTINUOUS;
    if (!transaction_is_sane(chip) || !continues) {
        walk_fail(walk, "a command that cannot be under way");
        chip->command = chip->continuous = NULL;
        chip->phase = PHASE_IGNORE;
    }
}

void w25q_walk(struct w25q *chip, struct walk *walk) {
    walk_section(walk, chip->desc.name, 1);
    walk_expect(walk, "its size", chip->desc.size);
    walk_sparse(walk, chip->contents, chip->desc.size, W25Q_SECTOR, 0xff);
    walk_bytes(walk, chip->security, sizeof(chip->security));
    walk_bytes(walk, chip->status, sizeof(chip->status));
    walk_bytes(walk, chip->status_stored, sizeof(chip->status_stored));
    walk_bool(walk, &chip->write_enabled);
    walk_bool(walk, &chip->volatile_enabled);
    walk_bool(walk, &chip->reset_enabled);
    walk_bool(walk, &chip->powered_down);
    walk_bool(walk, &chip->suspended);
    walk_u64(walk, &chip->busy_until_ps);
    walk_u64(walk, &chip->suspended_ps);
    walk_bool(walk, &chip->busy_is_array);
    walk_below(walk, &chip->wrap, MOST_WRAP + 1);
    random_walk(&chip->random, walk);
    w25q_steps_walk(chip, walk);
    transaction_walk(chip, walk);
    walk_section_end(walk);
    if (chip->wrap & (chip->wrap - 1)) {
        chip->wrap = 0;
    }
}
