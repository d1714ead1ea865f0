/* Between pio.c (registers), pio_time.c (when what happens), pio_execute.c (the instructions) and pio_ahead.c (what
 * comes next). */
#ifndef ONCHIP_PIO_PRIVATE_H
#define ONCHIP_PIO_PRIVATE_H

#include "peripherals/onchip/pio.h"

#define SM_REGISTERS (PIO_SM1_CLKDIV - PIO_SM0_CLKDIV)
#define SM(name, machine) (PIO_SM0_##name + (machine)->number * SM_REGISTERS)

enum { JMP, WAIT, IN, OUT, PUSH_PULL, MOV, IRQ, SET };
enum { SOURCE_PINS, SOURCE_X, SOURCE_Y, SOURCE_NULL, SOURCE_STATUS = 5, SOURCE_ISR, SOURCE_OSR };
enum { TO_PINS, TO_X, TO_Y, TO_NULL, TO_PINDIRS, TO_PC, TO_ISR, TO_EXEC };
enum { MOV_PINS, MOV_X, MOV_Y, MOV_PINDIRS, MOV_EXEC, MOV_PC, MOV_ISR, MOV_OSR };
enum { STATUS_TX, STATUS_RX, STATUS_IRQ };

static inline uint32_t pio_ones(unsigned count) {
    return count >= 32 ? UINT32_MAX : (1u << count) - 1;
}

static inline uint32_t pio_rotate_left(uint32_t value, unsigned by) {
    return by % 32 ? value << by % 32 | value >> (32 - by % 32) : value;
}

static inline uint32_t pio_rotate_right(uint32_t value, unsigned by) {
    return pio_rotate_left(value, 32 - by % 32);
}

static inline unsigned pio_bits(unsigned field) {
    return field ? field : 32;
}

/* The whole cycle in which something due at so many 1/256 cycles happens. */
static inline uint64_t pio_cycle_of(uint64_t due) {
    return (due + 255) >> 8;
}

/* ---- pio.c ---- */
/* Bring the lines up to date. */
void pio_update(struct pio *pio);

/* ---- pio_time.c ---- */
/* Go through the cycles up to the present one; pio->cycle is that then, unless the block is running already. */
void pio_catch_up(struct pio *pio);
/* The same when nothing is going to change. */
void pio_bring_up_to_date(struct pio *pio);
void pio_catch_up_to(struct pio *pio, uint64_t cycle);
/* Bring the state of machines up to pio->cycle. */
void pio_sync_machine(struct pio *pio, struct pio_machine *machine);
void pio_sync_machines(struct pio *pio);
/* Into the block's: levels and directions of the pins that are the machine's alone. */
void pio_store_own_pins(struct pio *pio, struct pio_machine *machine);
/* After a change: tell everybody, and foresee what comes next. */
void pio_settle(struct pio *pio);
/* Before a change of settings, programs or wiring. Machines are synced. */
void pio_drop_plan(struct pio *pio);
/* Before a change of what machines look at. */
void pio_forget_foresight(struct pio *pio);
/* It executes its program, as far as it does not stall. */
bool pio_runs_program(const struct pio *pio, const struct pio_machine *machine);
/* The program stands still from the next cycle on, and goes on from the next cycle on. */
void pio_stop_program(struct pio *pio, struct pio_machine *machine);
void pio_resume_program(struct pio *pio, struct pio_machine *machine);
/* `due` becomes the first tick of the divider from this cycle on. */
void pio_align_divider(struct pio_machine *machine, uint64_t cycle);
/* `due` becomes the machine's next tick after this cycle; what is left of a delay behind that is counted. */
void pio_split_delay(struct pio_machine *machine, uint64_t cycle);
/* What stalls tries again from this cycle on. */
void pio_wake_machine(struct pio_machine *machine, uint64_t cycle);
void pio_wake_machines(struct pio *pio, enum pio_wait what, uint64_t cycle);
/* A core has changed flags. */
void pio_flags_changed(struct pio *pio);
/* Tell the bank what has changed at these pins. */
void pio_publish_pins(struct pio *pio, uint32_t pins);
/* The 32 inputs from GPIOBASE on as an instruction in this cycle sees them. */
uint32_t pio_inputs(const struct pio *pio, uint64_t cycle);
/* `hidden` as it would be planned now. */
uint32_t pio_hidden_pins(const struct pio *pio);
/* Callbacks of the bank. */
void pio_pins_changed(struct gpio_listener *listener, uint64_t pins);
void pio_pin_selected(struct gpio_listener *listener, unsigned pin);
void pio_show_pins(struct gpio_laggard *laggard);
void pio_watch_changes(struct gpio_laggard *laggard);

/* ---- pio_execute.c ---- */
void pio_decode_settings(const struct pio *pio, struct pio_machine *machine);
/* One instruction, in this cycle, with its side-set; false: it stalls. The flags that it changes are gathered in the
 * block, all else in `state`. `*ret_delay`: the cycles that it lets pass behind itself. */
bool pio_execute(struct pio *pio, struct pio_machine *machine, struct pio_state *state, uint64_t cycle,
                 unsigned *ret_delay);
/* One tick of the divider for the machine's own program. */
void pio_step(struct pio *pio, struct pio_machine *machine, struct pio_state *state);
/* OUT_STICKY: the last write to the pins once more. */
void pio_assert_latches(const struct pio_machine *machine, struct pio_state *state);
/* The inputs that an instruction looks at, or that the one may which it passes on to EXEC. */
uint32_t pio_inputs_of(const struct pio *pio, const struct pio_machine *machine, uint16_t instruction);
/* The side-set of an instruction reaches pins. */
bool pio_has_side_set(const struct pio_settings *settings, uint16_t instruction);

/* ---- pio_ahead.c ---- */
/* What can be known of a program beforehand: `inputs`, `special`, `out_pc_bits`. */
void pio_study(const struct pio *pio, struct pio_machine *machine);
/* Carry out the instructions up to the cycle `until` that nobody outside notices. False: it has stopped before, at the
 * cycle of state->due. */
bool pio_advance(struct pio *pio, struct pio_machine *machine, struct pio_state *state, uint64_t until);
/* Fill in `ahead` and `quiet`; machine->now holds the pins as they are. */
void pio_foresee(struct pio *pio, struct pio_machine *machine);
/* Bits that each of the OUTs from here on takes when nothing else comes between them; 0: it is not like that. */
unsigned pio_bits_of_outs(const struct pio *pio, const struct pio_machine *machine, const struct pio_state *state);

/* ---- pio_feed.c ---- */
/* Fill in `is_harmless` and `word_due`. */
void pio_study_feeding(struct pio *pio, struct pio_machine *machine);
void pio_forget_feeding(struct pio *pio);
/* The cycle up to which the machine may be left alone; its `quiet` when it is not fed. */
uint64_t pio_fed_until(const struct pio *pio, const struct pio_machine *machine);
/* Carry out a machine that is fed up to this cycle, as far as it can be. */
void pio_feed_machine(struct pio *pio, struct pio_machine *machine, uint64_t until);
void pio_feed_machines(struct pio *pio, uint64_t until);

#endif
