/* The PL022 as a slave: Arm DDI 0194 2.4; RP2040 datasheet 4.4.3, RP2350 datasheet 12.3.3.
 *
 * It listens to the edges of its selected pins, so that every frame there plays out. SCK and SSPFSS are inputs, SSPTXD
 * is driven while it is selected and SSPCR1.SOD is clear.
 *
 * Not modelled: the limit of a twelfth of clk_peri for SCK.
 *
 * Decided: with an empty transmit FIFO zeros go out. In the Motorola format with SPH = 0 a frame begins with the fall
 * of SSPFSS alone, as Arm's figures have it: bits after a frame's last one are lost until then. */
#include "peripherals/onchip/spi_private.h"

static bool input(const struct spi *spi, uint64_t pins) {
    return gpio_inputs(spi->gpio) & spi->gpio->selected[spi->function] & pins;
}

static void load(struct spi *spi) {
    uint16_t mask = (uint16_t)((1u << spi_data_bits(spi)) - 1);
    spi->shifter = spi->tx.count ? spi_pop(&spi->tx) & mask : 0;
    spi->sampled = 0;
    spi->bits = 0;
    spi->receives = true;
}

/* Bit number `bit` of the frame goes out. */
static void put(struct spi *spi, unsigned bit) {
    spi->tx_level = spi->shifter >> (spi_data_bits(spi) - 1 - bit) & 1;
}

static void take(struct spi *spi) {
    spi->sampled = spi->sampled << 1 | input(spi, spi->rx_pins);
    if (++spi->bits == spi_data_bits(spi)) {
        spi_received(spi, (uint16_t)spi->sampled, scheduler_now(spi->block.env->scheduler));
        spi->receives = false;
    }
}

static void motorola_edge(struct spi *spi, bool leading) {
    bool late = spi_reads_late(spi);
    if (!spi->selected) {
        return;
    }
    if (late && leading) {
        if (!spi->receives) {
            load(spi);
        }
        put(spi, spi->bits);
    } else if (spi->receives && leading != late) {
        take(spi);
    } else if (spi->receives) {
        put(spi, spi->bits);
    }
}

/* SSPFSS is high for the clock before the first bit. */
static void ti_edge(struct spi *spi, bool leading) {
    if (leading && spi->receives) {
        put(spi, spi->bits);
    } else if (!leading && spi->receives) {
        take(spi);
    }
    if (!leading && input(spi, spi->cs_pins)) {
        load(spi);
    }
}

/* A control byte comes in, a clock passes, a frame goes out. */
static void microwire_edge(struct spi *spi, bool leading) {
    if (!spi->selected) {
        return;
    }
    if (!leading) {
        if (spi->bits >= 9 && spi->bits < 9 + spi_data_bits(spi)) {
            put(spi, spi->bits - 9);
        }
        return;
    }
    if (spi->bits == 9 + spi_data_bits(spi)) {
        spi->bits = 0;
        spi->sampled = 0;
    }
    if (spi->bits < 8) {
        spi->sampled = spi->sampled << 1 | input(spi, spi->rx_pins);
    }
    spi->bits++;
    if (spi->bits == 8) {
        spi_received(spi, (uint16_t)spi->sampled, scheduler_now(spi->block.env->scheduler));
    } else if (spi->bits == 9) {
        load(spi);
        spi->bits = 9;
    }
}

static void sck_edge(struct spi *spi, bool leading) {
    switch (spi_format(spi)) {
    case SPI_TI:
        ti_edge(spi, leading);
        break;
    case SPI_MICROWIRE:
        microwire_edge(spi, leading);
        break;
    default:
        motorola_edge(spi, leading);
    }
}

static void select(struct spi *spi, bool selected) {
    spi->selected = selected;
    spi->receives = false;
    spi->bits = 0;
    spi->sampled = 0;
    if (selected && spi_format(spi) == SPI_MOTOROLA && !spi_reads_late(spi)) {
        load(spi);
        put(spi, 0);
    }
}

static void pins_changed(struct gpio_listener *listener, uint64_t pins) {
    struct spi *spi = listener->owner;
    bool selected = spi_format(spi) == SPI_TI || !input(spi, spi->cs_pins);
    bool sck = input(spi, spi->sck_pins);
    if (!spi_is_slave(spi)) {
        return;
    }
    if (spi->selected != selected) {
        select(spi, selected);
    }
    if (spi->sck_was != sck) {
        spi->sck_was = sck;
        sck_edge(spi, sck != spi_rests_high(spi));
    }
    spi_settle(spi);
}

static void pin_selected(struct gpio_listener *listener, unsigned pin) {
    spi_slave_update(listener->owner);
}

void spi_slave_update(struct spi *spi) {
    if (!spi->gpio) {
        return;
    }
    uint64_t pins = (spi->rx_pins | spi->cs_pins | spi->sck_pins) & spi->gpio->selected[spi->function];
    bool on = spi_is_slave(spi);
    bool was_on = spi->pin_listener.every_edge;
    spi->pin_listener.every_edge = on;
    spi->pin_listener.pins = on ? pins : 0;
    if (!on) {
        spi->selected = spi->receives = false;
    } else if (!was_on) {
        spi->sck_was = input(spi, spi->sck_pins);
        select(spi, spi_format(spi) == SPI_TI || !(pins & spi->cs_pins) || !input(spi, spi->cs_pins));
    }
}

void spi_slave_init(struct spi *spi) {
    if (spi->gpio) {
        spi->pin_listener = (struct gpio_listener){ .changed = pins_changed, .selected = pin_selected, .owner = spi };
        gpio_listen(spi->gpio, &spi->pin_listener);
    }
}
