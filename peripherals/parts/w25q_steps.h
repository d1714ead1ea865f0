/* The erases and programs that a W25Q has begun, between its files: what it has not done when the supply goes has to be
 * taken back, because the contents change when an operation begins. */
#ifndef PARTS_W25Q_STEPS_H
#define PARTS_W25Q_STEPS_H

#include "peripherals/parts/w25q.h"

/* The contents of this range are about to be changed by an operation that takes `duration_ps` and begins when the
 * ones before it are over: the chip is busy with it. `is_array`: it can be suspended. */
void w25q_begin_step(struct w25q *chip, uint32_t offset, uint32_t size, uint64_t duration_ps, bool is_array);
/* The chip is busy for so long from now on, or from the end of what it does. */
void w25q_be_busy(struct w25q *chip, uint64_t duration_ps, bool is_array);
/* The operation under way has been suspended with so much left, or goes on. */
void w25q_suspend_step(struct w25q *chip, uint64_t left_ps);
void w25q_resume_step(struct w25q *chip);
void w25q_forget_steps(struct w25q *chip);
/* In a snapshot. */
void w25q_steps_walk(struct w25q *chip, struct walk *walk);

#endif
