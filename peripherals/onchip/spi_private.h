/* Between spi.c (registers, master) and spi_slave.c. */
#ifndef ONCHIP_SPI_PRIVATE_H
#define ONCHIP_SPI_PRIVATE_H

#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/spi.h"

/* ---- spi.c ---- */
static inline enum spi_format spi_format(const struct spi *spi) {
    return spi->settings.format;
}
/* Bits of a frame of data (SSPCR0.DSS). */
static inline unsigned spi_data_bits(const struct spi *spi) {
    return spi->settings.data_bits;
}
/* Data is put out on the leading edge of SCK and read on the trailing one. */
static inline bool spi_reads_late(const struct spi *spi) {
    return spi->settings.reads_late;
}
/* SCK rests high. */
static inline bool spi_rests_high(const struct spi *spi) {
    return spi->settings.rests_high;
}
uint16_t spi_pop(struct spi_fifo *fifo);
/* A frame has come in at `now_ps`. */
void spi_received(struct spi *spi, uint16_t data, uint64_t now_ps);
void spi_update_pins(struct spi *spi);
/* Lines, pins and events follow the state. */
void spi_settle(struct spi *spi);

/* ---- spi_slave.c ---- */
void spi_slave_init(struct spi *spi);
static inline bool spi_is_slave(const struct spi *spi) {
    uint32_t control = spi->block.values[SPI_SSPCR1];
    return control & SPI_SSPCR1_MS && control & SPI_SSPCR1_SSE;
}
/* Listen or not, as SSPCR1 and the pins say. */
void spi_slave_update(struct spi *spi);

#endif
