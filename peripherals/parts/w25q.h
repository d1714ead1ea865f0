/* Winbond W25Q-style serial NOR flash. Two faces: the four data lines clock by clock, as a controller (SSI, QMI, a
 * bit-banging program) drives them, and direct erase and program for boot ROM services.
 *
 * `contents` is what the cores map as XIP memory: reads through the map cost nothing and do not come by here. */
#ifndef PARTS_W25Q_H
#define PARTS_W25Q_H

#include "emulator/core/net.h"
#include "emulator/core/qspi.h"

#define W25Q_PAGE 256u
#define W25Q_SECTOR 4096u
#define W25Q_BLOCK 65536u
#define W25Q_SECURITY_REGISTERS 3u

enum w25q_change { W25Q_ERASED, W25Q_PROGRAMMED };

struct w25q_desc {
    const char *name;        /* in log lines, borrowed; NULL: "FLASH" */
    struct environment *env; /* borrowed */
    uint32_t size;           /* bytes: a power of two from 1 MiB to 16 MiB; the JEDEC capacity byte follows it */
    uint8_t *contents;       /* borrowed, aligned to 4096, taken as it is; NULL: the chip owns some, erased */
    uint64_t unique_id;      /* what 0x4b gives, most significant byte first; 0: a fixed one */
    bool quad_selectable;    /* an "IM" type (JEDEC id ef 70): QE is 0 when new. Else "IQ" (ef 40): QE stays 1 */
    /* Bytes of `contents` have been changed by a command or a direct call. Erasing what is erased is not told,
     * programming always is. May be NULL. */
    void (*changed)(void *context, uint32_t offset, uint32_t size, enum w25q_change what);
    void *context;
};

struct w25q_command; /* private */
struct w25q_step;

struct w25q {
    struct w25q_desc desc;
    struct qspi_target target; /* for the controller that it hangs on */
    uint8_t *contents;         /* desc.size bytes */
    bool owned;
    uint8_t security[W25Q_SECURITY_REGISTERS][W25Q_PAGE];
    uint8_t status[3];        /* in effect; BUSY, WEL and SUS are kept apart */
    uint8_t status_stored[3]; /* what a power-up loads */
    bool write_enabled;       /* WEL */
    bool volatile_enabled;    /* 0x50 has been sent */
    bool reset_enabled;       /* 0x66 has been sent */
    bool powered_down;
    bool suspended;
    uint64_t busy_until_ps;
    uint64_t suspended_ps;   /* what is left of the suspended operation */
    bool busy_is_array;      /* the operation under way is an erase or a program: it can be suspended */
    struct w25q_step *steps; /* what it has begun since it was idle; owned */
    unsigned step_count, step_room;
    struct random random; /* of what is left half done */
    /* An erase or program has been begun, or will be, when what is before it is done. May be NULL. */
    void (*begun)(void *context, uint64_t begin_ps, uint64_t end_ps);
    void *begun_context;
    unsigned wrap; /* bytes a 0xeb read wraps at; 0: not at all */

    struct net_listener select_pin;

    /* The transaction under way. */
    bool selected;
    const struct w25q_command *command;
    const struct w25q_command *continuous; /* the read that goes on without its code at the next select */
    unsigned phase;
    unsigned left;  /* bits or clocks left in this phase */
    uint32_t shift; /* bits that came in; in the output phase: bits still to go out */
    uint32_t address;
    uint32_t count; /* data bytes so far */
    uint8_t page[W25Q_PAGE];
    bool page_used[W25Q_PAGE];
};

/* A new chip. False when the size is not supported or memory ran out. */
bool w25q_init(struct w25q *chip, const struct w25q_desc *desc);
void w25q_finish(struct w25q *chip);
/* Lose everything volatile, as when the supply comes back. */
void w25q_power_on(struct w25q *chip);

/* The supply goes: what the chip has not done yet is taken back, the operation under way is left half done. */
void w25q_power_off(struct w25q *chip);

/* A cell of the array has changed by itself. */
void w25q_flip_bit(struct w25q *chip, uint32_t offset, unsigned bit);

/* The chip-select line; `selected` is its active (low) level. Commands take effect when it is released. */
void w25q_select(struct w25q *chip, bool selected);
/* Let it follow a net (borrowed) from now on; a floating one does not select. */
void w25q_connect_select(struct w25q *chip, struct net *net);
/* One clock. `lines`: levels of IO3..IO0 in bits 3..0, 1 where nobody drives. Gives the levels that the controller
 * samples on this clock: those that the chip drives, the others as they came. */
unsigned w25q_clock(struct w25q *chip, unsigned lines);
/* Eight clocks of single-bit SPI, most significant bit first: out on IO0, in on IO1. */
uint8_t w25q_transfer(struct w25q *chip, uint8_t out);
/* `bits` bits of `value`, most significant first, over 1, 2 or 4 lines; gives what was sampled. `drive` false: the
 * controller leaves the lines alone (reads, dummy clocks). */
uint32_t w25q_shift(struct w25q *chip, uint32_t value, unsigned bits, unsigned width, bool drive);
/* Bring the chip out of continuous read, power-down excepted, with the pulses that the boot ROM sends before it
 * talks to a flash in an unknown state (RP2040 datasheet 2.8.1.2). */
void w25q_exit_continuous(struct w25q *chip);
/* An erase, program or status write is under way. */
bool w25q_busy(const struct w25q *chip);

/* Its section of a snapshot. Erased sectors take no room in it. Nobody is told that contents change. */
void w25q_walk(struct w25q *chip, struct walk *walk);

/* Erase whole sectors (the range is widened to them), by commands of 64, 32 and 4 KiB where they fit; by one chip
 * erase when `size` is the chip's or more. Offsets wrap at the size of the chip. Protection bits apply. Gives the
 * time the chip is busy for, in picoseconds; it counts from now. */
uint64_t w25q_erase(struct w25q *chip, uint32_t offset, uint32_t size);
/* Program page by page. Same return. */
uint64_t w25q_program(struct w25q *chip, uint32_t offset, const uint8_t *data, uint32_t size);

#endif
