/* Between pio.c (registers, time) and pio_execute.c (the instructions). */
#ifndef ONCHIP_PIO_PRIVATE_H
#define ONCHIP_PIO_PRIVATE_H

#include "peripherals/onchip/pio.h"

#define SM_REGISTERS (PIO_SM1_CLKDIV - PIO_SM0_CLKDIV)
#define SM(name, machine) (PIO_SM0_##name + (machine)->number * SM_REGISTERS)

static inline uint32_t pio_setting(const struct pio *pio, unsigned reg, uint32_t field) {
    return field_get(pio->block.values[reg], field);
}

/* ---- pio.c ---- */
bool pio_push(struct pio_fifo *fifo, uint32_t item);
uint32_t pio_pop(struct pio_fifo *fifo);
/* The 32 inputs from GPIOBASE on as instructions of pio->cycle see them. */
uint32_t pio_inputs(struct pio *pio);
/* A flag of pio->block.values[PIO_IRQ] has changed: who waits for it looks again. */
void pio_flags_changed(struct pio *pio);

/* ---- pio_execute.c ---- */
/* The next instruction of a machine, side-set included; moves its program counter, FIFOs and `due` on, or says in
 * `wait` what it waits for. */
void pio_step(struct pio *pio, struct pio_machine *machine);
/* Autopull between instructions: when the shift register is empty and data has come. */
void pio_refill(struct pio *pio, struct pio_machine *machine);
/* Nobody outside the machine notices its next instruction: no pin, FIFO or flag changes, and it does not stall. */
bool pio_is_silent(struct pio *pio, const struct pio_machine *machine);
/* The inputs that an instruction at this address looks at. */
uint32_t pio_pins_of(const struct pio *pio, const struct pio_machine *machine, uint16_t instruction);

#endif
