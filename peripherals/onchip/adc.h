/* Analogue-to-digital converter: RP2040 datasheet 4.9, RP2350 datasheet 12.4. */
#ifndef ONCHIP_ADC_H
#define ONCHIP_ADC_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/adc.h"

#define ADC_INPUTS 9
#define ADC_FIFO_MAX 8

struct adc {
    struct block block; /* irq[0]: ADC_IRQ_FIFO */
    /* Wired by the machine. */
    struct clock_domain *clk_adc;
    struct line dreq;
    unsigned inputs;     /* 5 (RP2040, RP2350A) or 9 (RP2350B); the last one is the temperature sensor */
    unsigned fifo_depth; /* 8 on both chips */
    /* Volts at an input (not the temperature sensor) for which adc_set_input() has set nothing. NULL: 0. */
    double (*voltage)(void *context, unsigned input);
    void *context;
    double reference;   /* ADC_AVDD in volts; 0 means 3.3 */
    double temperature; /* of the die, degrees Celsius; starts at 27 */

    double input_volts[ADC_INPUTS]; /* NAN: nothing set */
    double noise_volts[ADC_INPUTS]; /* root mean square */
    struct random noise[ADC_INPUTS];
    struct event done; /* of the conversion under way */
    struct event pace; /* the next one of START_MANY */
    struct clock_listener clock_listener;
    bool converting;
    uint16_t sample;      /* taken when the conversion began */
    uint64_t begin_cycle; /* of clk_adc: when it began */
    uint64_t next_cycle;  /* START_MANY: when the next one may begin, in 1/256 cycles */
    uint16_t fifo[ADC_FIFO_MAX];
    unsigned fifo_first, fifo_count;
};

extern const struct block_class adc_class;

/* The voltage at an input from now on. Out-of-range inputs are ignored; any voltage is fine (it saturates); NAN takes
 * the setting back. */
void adc_set_input(struct adc *adc, unsigned input, double volts);
/* Noise of so many volts (root mean square, 0: none) on an input from now on, from a stream of its own. */
void adc_set_noise(struct adc *adc, unsigned input, double volts);
/* The die's temperature in degrees Celsius from now on. */
void adc_set_temperature(struct adc *adc, double celsius);

#endif
