/* The faults of a session: what each does to the board when it begins and when it ends.
 *
 * Random numbers (which bit, at which moment) come from streams of the machine's seed, one a kind. A fault that is
 * begun again replaces the one that there is. */
#include "emulator/core/serial.h"
#include "emulator/session/session_private.h"
#include "peripherals/parts/w25q.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct active_fault {
    struct fault fault;
    uint64_t end_ps;          /* it ends by itself; TIME_NEVER: it does not */
    bool fired;               /* FAULT_FLASH_POWER: the supply goes or has gone */
    struct net_driver driver; /* FAULT_I2C_STUCK */
    struct active_fault *next;
};

static struct environment *environment_of(struct session *session) {
    return machine_gpio(session->machine, 0)->env;
}

static struct active_fault *find_kind(const struct session *session, enum fault_kind kind) {
    struct active_fault *each = session->faults.list;
    while (each && each->fault.kind != kind) {
        each = each->next;
    }
    return each;
}

static uint64_t time_after(const struct session *session, uint64_t duration_ps) {
    return session_now(session) + duration_ps;
}

/* ---- I2C ---- */

static bool is_refused(void *context, uint8_t address) {
    const struct session *session = context;
    for (const struct active_fault *each = session->faults.list; each; each = each->next) {
        if (each->fault.kind == FAULT_I2C_NACK && each->fault.address == address) {
            return true;
        }
    }
    return false;
}

static bool begin_nack(struct session *session, struct active_fault *active, struct error *error) {
    struct environment *env = environment_of(session);
    env->i2c_refuses = is_refused;
    env->i2c_context = session;
    return true;
}

static void end_nack(struct session *session, struct active_fault *active) {
    if (!find_kind(session, FAULT_I2C_NACK)) {
        environment_of(session)->i2c_refuses = NULL;
    }
}

/* "GP4" of the board, or "part:pin". */
static struct net *pin_net(struct session *session, const char *name, struct error *error) {
    char id[FAULT_NAME];
    const char *colon = strchr(name, ':');
    if (!colon) {
        return project_board_net(&session->project, name, error);
    }
    snprintf(id, sizeof(id), "%.*s", (int)(colon - name), name);
    const struct project_part *part = project_find(&session->project, id, error);
    int pin = part ? project_part_pin(&session->project, part, colon + 1, error) : -1;
    if (pin >= 0 && !part->nets[pin]) {
        error_set(error, "%s is wired to nothing", name);
    }
    return pin >= 0 ? part->nets[pin] : NULL;
}

static bool check_pin(struct session *session, const struct fault *fault, struct error *error) {
    return pin_net(session, fault->name, error) != NULL;
}

static bool begin_stuck_line(struct session *session, struct active_fault *active, struct error *error) {
    struct net *net = pin_net(session, active->fault.name, error);
    active->driver = (struct net_driver){ .name = "fault", .drive = NET_LOW };
    net_attach(net, &active->driver);
    return true;
}

static void end_stuck_line(struct session *session, struct active_fault *active) {
    net_detach(&active->driver);
}

/* ---- Flash ---- */

static bool check_flip(struct session *session, const struct fault *fault, struct error *error) {
    uint32_t size = machine_flash(session->machine)->desc.size;
    error_set(error, "the flash of this board ends at 0x%06x", size);
    return fault->next || fault->offset < size;
}

static bool begin_flip(struct session *session, struct active_fault *active, struct error *error) {
    if (!active->fault.next) {
        w25q_flip_bit(machine_flash(session->machine), active->fault.offset, active->fault.bit);
        active->end_ps = 0;
    }
    return true;
}

void faults_flash_changed(struct session *session, uint32_t offset, uint32_t size) {
    struct active_fault *flip = find_kind(session, FAULT_FLASH_FLIP);
    if (flip && flip->fault.next && flip->fault.count && size) {
        uint64_t number = random_next(&session->faults.flips);
        machine_flash(session->machine)->contents[offset + number % size] ^= (uint8_t)(1u << (number >> 32) % 8);
        flip->fault.count--;
    }
}

/* Some time within the operation. */
static void operation_begins(void *context, uint64_t begin_ps, uint64_t end_ps) {
    struct session *session = context;
    struct active_fault *active = find_kind(session, FAULT_FLASH_POWER);
    if (active && !active->fired) {
        active->fired = true;
        uint64_t within = random_next(&session->faults.moments) % (end_ps - begin_ps);
        scheduler_add(environment_of(session)->scheduler, &session->faults.power, begin_ps + within);
    }
}

static void power_due(struct event *event, uint64_t late_ps) {
    machine_lose_power(((struct session *)event->owner)->machine);
}

static bool begin_flash_power(struct session *session, struct active_fault *active, struct error *error) {
    struct w25q *flash = machine_flash(session->machine);
    flash->begun = operation_begins;
    flash->begun_context = session;
    return true;
}

static void end_flash_power(struct session *session, struct active_fault *active) {
    machine_flash(session->machine)->begun = NULL;
    scheduler_cancel(environment_of(session)->scheduler, &session->faults.power);
    if (active->fired) {
        machine_switch_on(session->machine);
    }
}

void faults_power_changed(struct session *session, bool on) {
    struct active_fault *active = find_kind(session, FAULT_FLASH_POWER);
    if (active && active->fired && !on) {
        scheduler_cancel(environment_of(session)->scheduler, &session->faults.power);
        active->end_ps = time_after(session, active->fault.duration_ps);
    }
}

/* ---- Supply and cable ---- */

static bool begin_power(struct session *session, struct active_fault *active, struct error *error) {
    machine_switch_off(session->machine);
    active->end_ps = time_after(session, active->fault.duration_ps);
    return true;
}

static void end_power(struct session *session, struct active_fault *active) {
    machine_switch_on(session->machine);
}

static void plug(struct session *session, bool plugged) {
    machine_plug_usb(session->machine, plugged);
    gate_supply_changed(session, machine_is_on(session->machine));
}

static bool begin_unplug(struct session *session, struct active_fault *active, struct error *error) {
    plug(session, false);
    active->end_ps = time_after(session, active->fault.duration_ps);
    return true;
}

static void end_unplug(struct session *session, struct active_fault *active) {
    plug(session, true);
}

/* ---- USB ---- */

static bool begin_usb_stall(struct session *session, struct active_fault *active, struct error *error) {
    usbhost_stall(machine_usbhost(session->machine), (uint8_t)active->fault.address, active->fault.count);
    return true;
}

static void end_usb_stall(struct session *session, struct active_fault *active) {
    usbhost_stall(machine_usbhost(session->machine), (uint8_t)active->fault.address, 0);
}

static bool begin_babble(struct session *session, struct active_fault *active, struct error *error) {
    usbhost_babble(machine_usbhost(session->machine));
    active->end_ps = 0;
    return true;
}

/* ---- Brown-out ---- */

static bool begin_brown_out(struct session *session, struct active_fault *active, struct error *error) {
    machine_brown_out(session->machine, active->fault.volts);
    active->end_ps = 0;
    return true;
}

/* ---- Analogue inputs, controls ---- */

static bool begin_noise(struct session *session, struct active_fault *active, struct error *error) {
    struct net *net = pin_net(session, active->fault.name, error);
    return machine_set_adc_noise(session->machine, net, active->fault.volts);
}

static bool check_noise(struct session *session, const struct fault *fault, struct error *error) {
    struct net *net = pin_net(session, fault->name, error);
    if (net && !machine_is_adc_pin(session->machine, net)) {
        error_set(error, "pin %s is no input of the ADC", fault->name);
        return false;
    }
    return net != NULL;
}

static void end_noise(struct session *session, struct active_fault *active) {
    struct error error;
    machine_set_adc_noise(session->machine, pin_net(session, active->fault.name, &error), 0);
}

static bool check_stuck(struct session *session, const struct fault *fault, struct error *error) {
    struct project_part *part = project_find(&session->project, fault->part, error);
    double value = fault->value;
    return part && part_check(part->part, fault->name, fault->has_value ? &value : NULL, error);
}

static bool begin_stuck(struct session *session, struct active_fault *active, struct error *error) {
    const struct fault *fault = &active->fault;
    struct project_part *part = project_find(&session->project, fault->part, error);
    return part && part_hold(part->part, fault->name, fault->has_value ? &fault->value : NULL, error);
}

static void end_stuck(struct session *session, struct active_fault *active) {
    struct error error;
    part_let_go(project_find(&session->project, active->fault.part, &error)->part, active->fault.name);
}

/* ---- Wires ---- */

static bool find_ends(struct session *session, const struct fault *fault, struct net *ret_ends[2],
                      struct error *error) {
    char text[2 * FAULT_NAME];
    snprintf(text, sizeof(text), "%s:%s", fault->part, fault->name);
    ret_ends[0] = pin_net(session, text, error);
    snprintf(text, sizeof(text), "%s:%s", fault->part2, fault->name2);
    ret_ends[1] = ret_ends[0] ? pin_net(session, text, error) : NULL;
    return ret_ends[1] != NULL;
}

static bool check_wire(struct session *session, const struct fault *fault, struct error *error) {
    struct net *ends[2];
    if (!find_ends(session, fault, ends, error)) {
        return false;
    }
    error_set(error, "the diagram has no wire between these pins");
    return project_has_wire(&session->project, ends[0], ends[1]);
}

static bool set_wire(struct session *session, const struct fault *fault, bool on, struct error *error) {
    struct net *ends[2];
    if (!find_ends(session, fault, ends, error)) {
        return false;
    }
    error_set(error, "out of memory");
    return project_set_wire(&session->project, ends[0], ends[1], on);
}

static bool begin_wire(struct session *session, struct active_fault *active, struct error *error) {
    return set_wire(session, &active->fault, false, error);
}

static void end_wire(struct session *session, struct active_fault *active) {
    struct error error;
    set_wire(session, &active->fault, true, &error);
}

/* ---- All kinds ---- */

static const struct {
    /* Whether the fault is possible here; NULL: it is. begin() may rely on it. */
    bool (*check)(struct session *session, const struct fault *fault, struct error *error);
    bool (*begin)(struct session *session, struct active_fault *active, struct error *error);
    void (*end)(struct session *session, struct active_fault *active); /* no longer in the list; may be NULL */
    /* begin() is done again when a snapshot has been read: what it does is in no device's state. */
    bool resumes;
} kinds[FAULT_KINDS] = {
    [FAULT_I2C_NACK] = { NULL, begin_nack, end_nack, true },
    [FAULT_I2C_STUCK] = { check_pin, begin_stuck_line, end_stuck_line, true },
    [FAULT_FLASH_FLIP] = { check_flip, begin_flip, NULL },
    [FAULT_FLASH_POWER] = { NULL, begin_flash_power, end_flash_power, true },
    [FAULT_POWER] = { NULL, begin_power, end_power },
    [FAULT_USB_UNPLUG] = { NULL, begin_unplug, end_unplug },
    [FAULT_USB_STALL] = { NULL, begin_usb_stall, end_usb_stall },
    [FAULT_USB_BABBLE] = { NULL, begin_babble, NULL },
    [FAULT_BROWN_OUT] = { NULL, begin_brown_out, NULL },
    [FAULT_ADC_NOISE] = { check_noise, begin_noise, end_noise },
    [FAULT_WIRE] = { check_wire, begin_wire, end_wire },
    [FAULT_STUCK] = { check_stuck, begin_stuck, end_stuck },
};

/* The fault that `at` points to ends. */
static void end_fault(struct session *session, struct active_fault **at) {
    struct active_fault *gone = *at;
    *at = gone->next;
    if (kinds[gone->fault.kind].end) {
        kinds[gone->fault.kind].end(session, gone);
    }
    free(gone);
}

static void end_faults(struct session *session, const struct fault *off) {
    struct active_fault **at = &session->faults.list;
    while (*at) {
        if (fault_is_ended_by(&(*at)->fault, off)) {
            end_fault(session, at);
        } else {
            at = &(*at)->next;
        }
    }
}

static bool begin_fault(struct session *session, const struct fault *fault, struct error *error) {
    struct active_fault *active = calloc(1, sizeof(*active));
    if (!active) {
        error_set(error, "out of memory");
        return false;
    }
    end_faults(session, fault);
    active->fault = *fault;
    active->end_ps = TIME_NEVER;
    active->next = session->faults.list;
    session->faults.list = active;
    if (!kinds[fault->kind].begin(session, active, error)) {
        session->faults.list = active->next;
        free(active);
        return false;
    }
    return true;
}

bool faults_check(struct session *session, const char *text, struct fault *ret_fault, struct error *error) {
    struct error why;
    if (!fault_parse(text ? text : "", ret_fault, error)) {
        return false;
    }
    if (ret_fault->kind != FAULT_ALL && kinds[ret_fault->kind].check &&
        !kinds[ret_fault->kind].check(session, ret_fault, &why)) {
        error_set(error, "%s: %s", text, why.message);
        return false;
    }
    return true;
}

bool faults_apply(struct session *session, const char *text, struct error *error) {
    struct fault fault;
    if (!faults_check(session, text, &fault, error)) {
        return false;
    }
    if (fault.off) {
        end_faults(session, &fault);
        return true;
    }
    bool ok = begin_fault(session, &fault, error);
    faults_step(session, 0); /* what is over at once */
    return ok;
}

void faults_supersede(struct session *session, enum fault_kind kind) {
    struct active_fault **at = &session->faults.list;
    while (*at) {
        struct active_fault *each = *at;
        bool has_switched = kind != FAULT_FLASH_POWER || each->fired;
        if (each->fault.kind == kind && has_switched) {
            *at = each->next;
            free(each);
        } else {
            at = &each->next;
        }
    }
}

uint64_t faults_next(const struct session *session) {
    uint64_t next = TIME_NEVER;
    for (const struct active_fault *each = session->faults.list; each; each = each->next) {
        next = each->end_ps < next ? each->end_ps : next;
    }
    return next;
}

void faults_step(struct session *session, uint64_t now_ps) {
    struct active_fault **at = &session->faults.list;
    while (*at) {
        if ((*at)->end_ps <= now_ps) {
            end_fault(session, at);
        } else {
            at = &(*at)->next;
        }
    }
}

void faults_init(struct session *session) {
    const struct random *seed = environment_of(session)->seed;
    session->faults.power = (struct event){ .name = "fault", .callback = power_due, .owner = session };
    random_derive(&session->faults.flips, seed, "fault", "flash-flip");
    random_derive(&session->faults.moments, seed, "fault", "flash-power");
}

/* Nets are let go of, nothing else changes. */
static void forget_faults(struct session *session) {
    while (session->faults.list) {
        struct active_fault *gone = session->faults.list;
        session->faults.list = gone->next;
        net_detach(&gone->driver);
        free(gone);
    }
}

/* The board goes. */
void faults_finish(struct session *session) {
    if (session->machine) {
        scheduler_cancel(environment_of(session)->scheduler, &session->faults.power);
    }
    forget_faults(session);
}

/* ---- Snapshots ---- */

static void fault_walk(struct active_fault *active, char text[FAULT_TEXT], struct walk *walk) {
    walk_bytes(walk, text, FAULT_TEXT);
    text[FAULT_TEXT - 1] = '\0';
    for (char *each = text; *each; each++) {
        *each = *each >= ' ' && *each <= '~' ? *each : '?'; /* it may come to be in an error line */
    }
    walk_u64(walk, &active->end_ps);
    walk_bool(walk, &active->fired);
}

static void write_faults(struct session *session, struct walk *walk) {
    bool more = true;
    for (struct active_fault *each = session->faults.list; each; each = each->next) {
        char text[FAULT_TEXT] = "";
        fault_format(&each->fault, text);
        walk_bool(walk, &more);
        fault_walk(each, text, walk);
    }
    more = false;
    walk_bool(walk, &more);
}

/* Makes of the text what is to be at `at`. False: it is no fault that can be here. */
static bool resume_fault(struct session *session, const struct active_fault *wanted, const char *text,
                         struct active_fault **at, struct error *error) {
    struct fault fault;
    if (!faults_check(session, text, &fault, error)) {
        return false;
    }
    struct active_fault *active = fault.off ? NULL : calloc(1, sizeof(*active));
    if (!active) {
        error_set(error, fault.off ? "%s: is the end of a fault" : "%s: out of memory", text);
        return false;
    }
    *active = *wanted;
    active->fault = fault;
    *at = active;
    return !kinds[fault.kind].resumes || kinds[fault.kind].begin(session, active, error);
}

static void read_faults(struct session *session, struct walk *walk) {
    struct active_fault **end = &session->faults.list;
    bool more = false;
    forget_faults(session);
    environment_of(session)->i2c_refuses = NULL;
    machine_flash(session->machine)->begun = NULL;
    for (walk_bool(walk, &more); more && !walk->failed; walk_bool(walk, &more)) {
        struct active_fault wanted = { .next = NULL };
        char text[FAULT_TEXT];
        struct error error = { "" };
        fault_walk(&wanted, text, walk);
        if (!walk->failed && !resume_fault(session, &wanted, text, end, &error)) {
            walk_fail(walk, "%s", error.message);
        }
        end = *end ? &(*end)->next : end;
    }
}

void faults_walk(struct session *session, struct walk *walk) {
    walk_section(walk, "faults", 0);
    random_walk(&session->faults.flips, walk);
    random_walk(&session->faults.moments, walk);
    if (walk->reads) {
        read_faults(session, walk);
    } else {
        write_faults(session, walk);
    }
    walk_event(walk, &session->faults.power);
    walk_section_end(walk);
}
