/* Traffic on wires, read from their edges as a logic analyser does: I2C, SPI and UART, as a list of transactions with
 * their times. It knows nothing of who drives the wires; firmware that sets pins itself is understood as well. While a
 * tap is at a net, serial controllers play their frames out on it edge by edge. */
#ifndef SESSION_BUS_TAP_H
#define SESSION_BUS_TAP_H

#include "emulator/core/error.h"
#include "emulator/core/net.h"

#include <stddef.h>

#define BUS_TAP_TRANSACTIONS 100000 /* kept; more are counted in bus_tap_lost() */
#define BUS_TAP_BYTES 65536         /* of one transaction; then it ends, and another one begins */

enum bus_kind { BUS_I2C, BUS_SPI, BUS_UART };
enum bus_line { BUS_SDA = 0, BUS_SCL, BUS_SCK = 0, BUS_MOSI, BUS_MISO, BUS_CS, BUS_LINE = 0, BUS_LINES = 4 };
enum bus_parity { BUS_NO_PARITY, BUS_EVEN, BUS_ODD };

struct bus_transaction {
    uint64_t begin_ps, end_ps;
    /* BUS_I2C: what follows the address, whoever sends it. BUS_SPI: MOSI, zeros
     * where there is no such line. BUS_UART: what is sent without a pause of
     * three frames. Words of more than 8 bits are two bytes, the high one first. */
    uint8_t *data;
    size_t size;
    uint8_t *miso;    /* BUS_SPI: as many bytes; NULL: there is no such line */
    unsigned address; /* BUS_I2C, from here on: 7 bits, or 10 with is_ten_bit */
    bool is_ten_bit, is_read;
    bool is_acknowledged; /* the address */
    size_t acknowledged;  /* bytes of `data` up to the first one that was not */
    bool is_restarted;    /* it ends with a repeated START, not with a STOP */
    /* BUS_I2C: a START or STOP within a byte. BUS_SPI: CS rises within a word. BUS_UART: wrong parity or no stop bit.
     */
    bool has_error;
};

/* Zero is the default. */
struct bus_desc {
    enum bus_kind kind;
    struct net *nets[BUS_LINES]; /* by enum bus_line. BUS_SPI: MOSI, MISO and CS may be missing, not both of the data */
    unsigned bits;               /* BUS_SPI: 4 to 16; BUS_UART: 5 to 8; 0: 8 */
    unsigned mode;               /* BUS_SPI: 0 to 3 */
    bool is_lsb_first;           /* BUS_SPI */
    bool is_cs_high;             /* BUS_SPI: selected by a high level */
    double baud;                 /* BUS_UART */
    enum bus_parity parity;      /* BUS_UART */
    bool is_inverted;            /* BUS_UART */
    /* Hears of every transaction as it ends; may be NULL. Same rules as for session listeners. */
    void (*done)(void *context, const struct bus_transaction *transaction);
    void *context;
};

struct bus_tap;

/* NULL with an error line when lines are missing or a number makes no sense. The nets outlive the tap. */
struct bus_tap *bus_tap_open(const struct bus_desc *desc, struct error *error);
void bus_tap_close(struct bus_tap *tap); /* NULL is fine */

/* What is over by now, the oldest first: a UART and an SPI without CS are over after a pause. Valid until the board
 * runs, or bus_tap_forget(). */
size_t bus_tap_count(struct bus_tap *tap);
const struct bus_transaction *bus_tap_get(const struct bus_tap *tap, size_t index);
uint64_t bus_tap_lost(const struct bus_tap *tap);
/* Those that are over are forgotten; one that is under way goes on. */
void bus_tap_forget(struct bus_tap *tap);

#endif
