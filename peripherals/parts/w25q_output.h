/* What a W25Q sends, between its files: the `at`-th byte (from 0) behind a command's code and address. */
#ifndef PARTS_W25Q_OUTPUT_H
#define PARTS_W25Q_OUTPUT_H

#include "peripherals/parts/w25q.h"

#define STATUS1_BUSY 0x01u
#define STATUS1_WEL 0x02u
#define STATUS2_SUS 0x80u

uint8_t w25q_out_array(struct w25q *chip, uint32_t at);
uint8_t w25q_out_array_wrapped(struct w25q *chip, uint32_t at);
uint8_t w25q_out_status1(struct w25q *chip, uint32_t at);
uint8_t w25q_out_status2(struct w25q *chip, uint32_t at);
uint8_t w25q_out_status3(struct w25q *chip, uint32_t at);
uint8_t w25q_out_jedec(struct w25q *chip, uint32_t at);
uint8_t w25q_out_manufacturer(struct w25q *chip, uint32_t at);
uint8_t w25q_out_device(struct w25q *chip, uint32_t at);
uint8_t w25q_out_unique(struct w25q *chip, uint32_t at);
uint8_t w25q_out_security(struct w25q *chip, uint32_t at);
uint8_t w25q_out_sfdp(struct w25q *chip, uint32_t at);
/* The security register that the command's address means; NULL: there is none. */
uint8_t *w25q_security_register(struct w25q *chip);

#endif
