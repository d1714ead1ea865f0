/* The two faces of a part on a serial bus. A controller on the chip (SPI, I2C) hands whole bytes to the targets that
 * are on its clock net; whoever wiggles the same nets by hand (bit-banging firmware, PIO) reaches the same
 * callbacks through the edges. A part implements the callbacks once.
 *
 * Nets are borrowed, targets are owned by the caller and must be detached before they go. */
#ifndef CORE_SERIAL_H
#define CORE_SERIAL_H

#include "emulator/core/net.h"

/* ---- SPI ---- */
struct spi_target {
    struct net *sck;
    struct net *mosi; /* NULL: it hears nothing */
    struct net *miso; /* NULL: it says nothing */
    struct net *cs;   /* active low; NULL: always selected */
    unsigned mode;    /* CPOL * 2 + CPHA, for the edges */
    /* Selected or not any more. May be NULL. */
    void (*select)(struct spi_target *target, bool selected);
    /* The byte that goes out while the next one comes in; on the wires it is asked for a bit time early, and then
     * may never be sent. NULL: it leaves MISO alone. */
    uint8_t (*reply)(struct spi_target *target);
    /* A byte has come in, most significant bit first. */
    void (*receive)(struct spi_target *target, uint8_t byte);
    void *owner;

    bool selected; /* below: of serial.c */
    unsigned bits; /* of the present byte */
    uint8_t in;
    uint8_t out;
    bool has_out;
    struct net_peer peer;
    struct net_driver miso_driver;
    struct net_listener sck_listener;
    struct net_listener cs_listener;
};

void spi_target_attach(struct spi_target *target);
void spi_target_detach(struct spi_target *target);
/* A selected target on this wire reads at the other edge of SCK than the controller puts its data out for: what it
 * hears is found out by playing the edges alone. */
bool spi_is_misread(const struct net *sck, bool read_at_rise);
/* A controller's frame of up to 16 bits, most significant bit first. Returns what it reads; bits that nobody drives
 * are the level of the MISO net. The nets may be NULL. */
uint32_t spi_exchange(struct net *sck, struct net *mosi, struct net *miso, uint32_t data, unsigned bits);
/* Its state, for snapshots. */
void spi_target_walk(struct spi_target *target, struct walk *walk);

/* ---- I2C ---- */
struct i2c_target {
    struct net *scl;
    struct net *sda;
    /* START or repeated START with this 7-bit address: true acknowledges and takes part until the next one or the
     * STOP. An address of 10 bits comes as its first byte does on the wire (0x78 to 0x7b), then as a write. */
    bool (*start)(struct i2c_target *target, uint8_t address, bool read);
    /* A byte from the controller: true acknowledges. */
    bool (*write)(struct i2c_target *target, uint8_t byte);
    /* The next byte for the controller. */
    uint8_t (*read)(struct i2c_target *target);
    /* STOP, when the target took part. May be NULL. */
    void (*stop)(struct i2c_target *target);
    /* Clock stretching: asked before each byte in either direction, when the address or the byte before it has been
     * acknowledged; false holds SCL low until i2c_target_go_on(). A target with this callback hears no whole bytes:
     * transfers on its wires play out edge by edge. NULL: never holds. */
    bool (*ready)(struct i2c_target *target);
    /* Of targets with ready() alone: the controller did not acknowledge a byte that it read; somebody else pulled SDA
     * low at a one of ours (the target is out of the transfer then). Both may be NULL. */
    void (*refused)(struct i2c_target *target);
    void (*lost)(struct i2c_target *target);
    void *owner;

    bool addressed; /* below: of serial.c */
    uint8_t phase;
    uint8_t count;
    uint8_t shifter;
    bool reading;
    bool held; /* it holds SCL */
    bool scl_was, sda_was;
    struct net_peer peer;
    struct net_driver sda_driver;
    struct net_driver scl_driver;
    struct net_listener scl_listener;
    struct net_listener sda_listener;
};

void i2c_target_attach(struct i2c_target *target);
void i2c_target_detach(struct i2c_target *target);
/* Its state, for snapshots; whether it is attached is the caller's. */
void i2c_target_walk(struct i2c_target *target, struct walk *walk);
/* The target after `previous` (NULL: the first one) whose SCL is on this wire; NULL when there is none left. */
struct i2c_target *i2c_next_target(const struct net *scl, const struct i2c_target *previous);
/* ready() would be true now: the first bit of a byte to read goes out on SDA. False when SCL was not held. */
bool i2c_target_go_on(struct i2c_target *target);
/* After that: SCL is free again. */
void i2c_target_release(struct i2c_target *target);
/* A controller's side, for all targets on the wire of `scl` whose SDA is on that of `sda`. */
bool i2c_start(struct net *scl, struct net *sda, uint8_t address, bool read); /* true: somebody acknowledges */
bool i2c_write(struct net *scl, struct net *sda, uint8_t byte);               /* the same */
uint8_t i2c_read(struct net *scl, struct net *sda);                           /* 0xff when nobody answers */
void i2c_stop(struct net *scl, struct net *sda);

#endif
