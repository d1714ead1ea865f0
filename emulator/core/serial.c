/* Serial buses between the chip and parts. SPI as the Motorola modes 0 to 3, I2C as NXP UM10204 (target side).
 *
 * Not modelled: I2C targets that stretch SCL within a byte or before its acknowledge bit. A target that is on no wire
 * of the controller's data line hears the level that its own line rests at. */
#include "emulator/core/serial.h"

static const char spi_kind, i2c_kind;

/* ---- SPI: one bit, for both faces ---- */
static void begin_byte(struct spi_target *target) {
    target->bits = 0;
    target->has_out = false;
}

static uint8_t byte_out(struct spi_target *target) {
    if (!target->has_out) {
        target->has_out = true;
        target->out = target->reply ? target->reply(target) : 0;
    }
    return target->out;
}

/* MISO of the present bit. */
static bool spi_output(struct spi_target *target) {
    return byte_out(target) >> (7 - target->bits) & 1;
}

static void spi_input(struct spi_target *target, bool mosi) {
    target->in = (uint8_t)(target->in << 1 | mosi);
    if (++target->bits == 8) {
        target->receive(target, target->in);
        begin_byte(target);
    }
}

/* ---- SPI: edges ---- */
static void drive_miso(struct spi_target *target) {
    if (target->miso && target->reply) {
        net_drive(&target->miso_driver, spi_output(target) ? NET_HIGH : NET_LOW);
    }
}

/* Modes 0 and 3 sample on the rising edge, 1 and 2 on the falling one; the other edge puts the next bit out. */
static bool reads_at_rise(const struct spi_target *target) {
    return target->mode == 0 || target->mode == 3;
}

static void sck_changed(struct net_listener *listener, struct net *net) {
    struct spi_target *target = listener->owner;
    if (!target->selected) {
        return;
    }
    if (net_is_high(net) == reads_at_rise(target)) {
        spi_input(target, target->mosi && net_is_high(target->mosi));
    } else {
        drive_miso(target);
    }
}

static void set_selected(struct spi_target *target, bool selected) {
    if (target->selected == selected) {
        return;
    }
    target->selected = selected;
    if (target->select) {
        target->select(target, selected);
    }
    begin_byte(target);
    if (!selected) {
        net_drive(&target->miso_driver, NET_Z);
    } else if (target->mode % 2 == 0) { /* the first bit is out before the first edge */
        drive_miso(target);
    }
}

static void cs_changed(struct net_listener *listener, struct net *net) {
    set_selected(listener->owner, !net_is_high(net));
}

void spi_target_attach(struct spi_target *target) {
    target->peer = (struct net_peer){ .kind = &spi_kind, .owner = target };
    target->miso_driver = (struct net_driver){ .name = "MISO" };
    target->sck_listener = (struct net_listener){ .changed = sck_changed, .owner = target, .passive = true };
    target->cs_listener = (struct net_listener){ .changed = cs_changed, .owner = target, .passive = true };
    net_add_peer(target->sck, &target->peer);
    net_listen(target->sck, &target->sck_listener);
    if (target->miso) {
        net_attach(target->miso, &target->miso_driver);
    }
    if (target->cs) {
        net_listen(target->cs, &target->cs_listener);
    }
    set_selected(target, !target->cs || !net_is_high(target->cs));
}

void spi_target_detach(struct spi_target *target) {
    net_remove_peer(target->sck, &target->peer);
    net_unlisten(target->sck, &target->sck_listener);
    net_detach(&target->miso_driver);
    if (target->cs) {
        net_unlisten(target->cs, &target->cs_listener);
    }
}

/* ---- SPI: frames ---- */
bool spi_is_misread(const struct net *sck, bool read_at_rise) {
    struct net_peer *peer = NULL;
    while (sck && (peer = net_find_peer(sck, &spi_kind, peer))) {
        const struct spi_target *target = peer->owner;
        if (target->selected && reads_at_rise(target) != read_at_rise) {
            return true;
        }
    }
    return false;
}

static uint32_t level_bits(const struct net *net, unsigned bits) {
    return net && net_is_high(net) ? (1u << bits) - 1 : 0;
}

static uint32_t exchange_one(struct spi_target *target, uint32_t data, unsigned bits) {
    uint32_t answer = 0;
    while (bits) {
        if (bits >= 8 && target->bits == 0) {
            bits -= 8;
            answer = answer << 8 | byte_out(target);
            target->receive(target, (uint8_t)(data >> bits));
            begin_byte(target);
        } else {
            bits--;
            answer = answer << 1 | spi_output(target);
            spi_input(target, data >> bits & 1);
        }
    }
    return answer;
}

uint32_t spi_exchange(struct net *sck, struct net *mosi, struct net *miso, uint32_t data, unsigned bits) {
    uint32_t answer = level_bits(miso, bits);
    struct net_peer *peer = NULL;
    while (sck && (peer = net_find_peer(sck, &spi_kind, peer))) {
        struct spi_target *target = peer->owner;
        if (!target->selected) {
            continue;
        }
        bool hears = mosi && target->mosi && net_is_joined(mosi, target->mosi);
        uint32_t said = exchange_one(target, hears ? data : level_bits(target->mosi, bits), bits);
        if (target->reply && miso && target->miso && net_is_joined(miso, target->miso)) {
            answer = said;
        }
    }
    return answer;
}

/* ---- I2C: edges ---- */
#define I2C_BITS 9 /* of a byte, with the one that acknowledges */
enum phase { IDLE, ADDRESS, WRITING, READING };

static void release_sda(struct i2c_target *target) {
    net_drive(&target->sda_driver, NET_Z);
}

void i2c_target_release(struct i2c_target *target) {
    target->held = false;
    net_drive(&target->scl_driver, NET_Z);
}

/* START for one target, unless a fault keeps the address from being acknowledged. */
static bool start_target(struct i2c_target *target, uint8_t address, bool read) {
    const struct environment *env = target->scl->env;
    if (env && env->i2c_refuses && env->i2c_refuses(env->i2c_context, address)) {
        return false;
    }
    return target->start(target, address, read);
}

static void wire_start(struct i2c_target *target) {
    release_sda(target);
    target->phase = ADDRESS;
    target->count = 0;
    target->shifter = 0;
}

static void wire_stop(struct i2c_target *target) {
    release_sda(target);
    target->phase = IDLE;
    if (target->addressed && target->stop) {
        target->stop(target);
    }
    target->addressed = false;
}

/* All eight bits are in, and SCL has fallen: acknowledge or not. */
static void wire_acknowledge(struct i2c_target *target) {
    bool acknowledge = false;
    if (target->phase == ADDRESS) {
        target->reading = target->shifter & 1;
        target->addressed = acknowledge = start_target(target, target->shifter >> 1, target->reading);
    } else if (target->phase == WRITING) {
        acknowledge = target->write(target, target->shifter);
    }
    net_drive(&target->sda_driver, acknowledge ? NET_LOW : NET_Z);
    target->phase = acknowledge || target->phase == READING ? target->phase : IDLE;
}

/* SDA goes from the acknowledge bit to the first bit that is sent in one step. */
static void wire_next_byte(struct i2c_target *target) {
    target->count = 0;
    target->shifter = 0;
    if (target->phase == ADDRESS) {
        target->phase = target->reading ? READING : WRITING;
    }
    target->held = target->phase != IDLE && target->ready && !target->ready(target);
    if (target->phase == READING && !target->held) {
        target->shifter = target->read(target);
        return;
    }
    release_sda(target);
    if (target->held) {
        net_drive(&target->scl_driver, NET_LOW);
    }
}

static void wire_bit_out(struct i2c_target *target) {
    if (target->phase == READING) {
        net_drive(&target->sda_driver, target->shifter >> (7 - target->count) & 1 ? NET_Z : NET_LOW);
    }
}

bool i2c_target_go_on(struct i2c_target *target) {
    if (!target->held) {
        return false;
    }
    if (target->phase == READING) {
        target->shifter = target->read(target);
    }
    wire_bit_out(target);
    return true;
}

static void wire_scl_falls(struct i2c_target *target) {
    if (target->phase == IDLE) {
        return;
    }
    if (target->count == 8) {
        wire_acknowledge(target);
        return;
    }
    if (target->count == 9) {
        wire_next_byte(target);
    }
    if (!target->held) {
        wire_bit_out(target);
    }
}

/* The controller does not acknowledge what it read. */
static void wire_refused(struct i2c_target *target) {
    target->phase = IDLE;
    if (target->refused) {
        target->refused(target);
    }
}

static void wire_lost(struct i2c_target *target) {
    target->phase = IDLE;
    target->lost(target);
}

static void wire_scl_rises(struct i2c_target *target) {
    if (target->phase == IDLE) {
        return;
    }
    bool bit = net_is_high(target->sda);
    target->count++;
    if (target->count <= 8 && target->phase != READING) {
        target->shifter = (uint8_t)(target->shifter << 1 | bit);
    } else if (target->count == 9 && target->phase == READING && bit) {
        wire_refused(target);
    } else if (target->phase == READING && target->count <= 8 && target->lost && !bit &&
               target->shifter >> (8 - target->count) & 1) {
        wire_lost(target);
    }
}

static void scl_changed(struct net_listener *listener, struct net *net) {
    struct i2c_target *target = listener->owner;
    bool high = net_is_high(net);
    if (high == target->scl_was) {
        return;
    }
    target->scl_was = high;
    if (high) {
        wire_scl_rises(target);
    } else {
        wire_scl_falls(target);
    }
}

static void sda_changed(struct net_listener *listener, struct net *net) {
    struct i2c_target *target = listener->owner;
    bool high = net_is_high(net);
    if (high == target->sda_was) {
        return;
    }
    target->sda_was = high;
    if (!net_is_high(target->scl)) {
        return;
    }
    if (high) {
        wire_stop(target);
    } else {
        wire_start(target);
    }
}

void i2c_target_attach(struct i2c_target *target) {
    target->peer = (struct net_peer){ .kind = &i2c_kind, .owner = target };
    target->sda_driver = (struct net_driver){ .name = "SDA" };
    target->scl_driver = (struct net_driver){ .name = "SCL" };
    target->scl_listener = (struct net_listener){ .changed = scl_changed, .owner = target, .passive = !target->ready };
    target->sda_listener = (struct net_listener){ .changed = sda_changed, .owner = target, .passive = !target->ready };
    target->addressed = target->held = false;
    target->phase = IDLE;
    target->scl_was = net_is_high(target->scl);
    target->sda_was = net_is_high(target->sda);
    net_add_peer(target->scl, &target->peer);
    net_attach(target->sda, &target->sda_driver);
    net_attach(target->scl, &target->scl_driver);
    net_listen(target->scl, &target->scl_listener);
    net_listen(target->sda, &target->sda_listener);
}

void i2c_target_detach(struct i2c_target *target) {
    net_remove_peer(target->scl, &target->peer);
    net_unlisten(target->scl, &target->scl_listener);
    net_unlisten(target->sda, &target->sda_listener);
    net_detach(&target->sda_driver);
    net_detach(&target->scl_driver);
}

struct i2c_target *i2c_next_target(const struct net *scl, const struct i2c_target *previous) {
    struct net_peer *peer = net_find_peer(scl, &i2c_kind, previous ? &previous->peer : NULL);
    return peer ? peer->owner : NULL;
}

/* ---- I2C: bytes ---- */

/* The target after `previous` on these wires. */
static struct i2c_target *next_target(const struct net *scl, const struct net *sda, const struct i2c_target *previous) {
    struct net_peer *peer = scl ? net_find_peer(scl, &i2c_kind, previous ? &previous->peer : NULL) : NULL;
    while (peer && !(sda && net_is_joined(sda, ((struct i2c_target *)peer->owner)->sda))) {
        peer = net_find_peer(scl, &i2c_kind, peer);
    }
    return peer ? peer->owner : NULL;
}

bool i2c_start(struct net *scl, struct net *sda, uint8_t address, bool read) {
    bool acknowledged = false;
    struct i2c_target *target = NULL;
    while ((target = next_target(scl, sda, target))) {
        target->addressed = start_target(target, address, read);
        acknowledged |= target->addressed;
    }
    return acknowledged;
}

bool i2c_write(struct net *scl, struct net *sda, uint8_t byte) {
    bool acknowledged = false;
    struct i2c_target *target = NULL;
    while ((target = next_target(scl, sda, target))) {
        acknowledged |= target->addressed && target->write(target, byte);
    }
    return acknowledged;
}

uint8_t i2c_read(struct net *scl, struct net *sda) {
    uint8_t byte = 0xff;
    struct i2c_target *target = NULL;
    while ((target = next_target(scl, sda, target))) {
        byte &= target->addressed ? target->read(target) : 0xff;
    }
    return byte;
}

void i2c_stop(struct net *scl, struct net *sda) {
    struct i2c_target *target = NULL;
    while ((target = next_target(scl, sda, target))) {
        if (target->addressed && target->stop) {
            target->stop(target);
        }
        target->addressed = false;
    }
}

/* ---- Snapshots ---- */
void spi_target_walk(struct spi_target *target, struct walk *walk) {
    walk_bool(walk, &target->selected);
    walk_below(walk, &target->bits, 8);
    walk_u8(walk, &target->in);
    walk_u8(walk, &target->out);
    walk_bool(walk, &target->has_out);
    net_driver_walk(&target->miso_driver, walk);
}

void i2c_target_walk(struct i2c_target *target, struct walk *walk) {
    walk_bool(walk, &target->addressed);
    walk_u8_below(walk, &target->phase, READING + 1);
    walk_u8_below(walk, &target->count, I2C_BITS + 1);
    walk_u8(walk, &target->shifter);
    walk_bool(walk, &target->reading);
    walk_bool(walk, &target->held);
    walk_bool(walk, &target->scl_was);
    walk_bool(walk, &target->sda_was);
    net_driver_walk(&target->sda_driver, walk);
    net_driver_walk(&target->scl_driver, walk);
}
