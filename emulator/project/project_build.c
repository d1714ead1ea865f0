/* From a diagram that has been understood to parts on nets. */
#include "emulator/project/private.h"

#include "emulator/errata.h"
#include "emulator/machine.h"
#include "peripherals/parts/part_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAIL_OHMS 0.01
#define OPEN_VBUS_OHMS 15.6e3 /* what the board has from VBUS to ground */
#define START_PS PS_PER_MS    /* from RUN to firmware: supplies, oscillator, boot ROM */

/* What stands in for a machine when a diagram is only checked. */
struct project_bench {
    struct scheduler scheduler;
    struct log log;
    struct random seed;
    struct environment env;
    struct net gpio[PROJECT_GPIOS];
};

/* ---- Nets of the board ---- */
static bool make_bench(struct project *project) {
    struct project_bench *bench = calloc(1, sizeof(*bench));
    if (!bench) {
        return false;
    }
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    random_init(&bench->seed, 0);
    bench->env = (struct environment){ .scheduler = &bench->scheduler, .log = &bench->log, .seed = &bench->seed };
    for (unsigned i = 0; i < PROJECT_GPIOS; i++) {
        net_init(&bench->gpio[i], "GPIO", &bench->env);
    }
    project->bench = bench;
    project->env = &bench->env;
    return true;
}

static struct net *gpio_net_of(const struct project *project, int gpio) {
    if (gpio >= BOARD_PIN_CYW43) {
        int number = gpio - BOARD_PIN_CYW43;
        return number < BOARD_RADIO_GPIOS ? (struct net *)&project->radio[number] : NULL;
    }
    return project->machine ? machine_gpio(project->machine, (unsigned)gpio) : &project->bench->gpio[gpio];
}

/* A button from RUN to GND: the chip starts anew when it is let go, and stands still for us only at that moment. While
 * the contact bounces firmware does not come to run. */
static void run_due(struct event *event, uint64_t late_ps) {
    machine_reset(((struct project *)event->owner)->machine);
}

static void run_changed(struct net_listener *listener, struct net *net) {
    struct project *project = listener->owner;
    scheduler_cancel(project->env->scheduler, &project->run_event);
    if (project->machine && net_is_high(net) && project->run_was_low) {
        scheduler_add(project->env->scheduler, &project->run_event, scheduler_now(project->env->scheduler) + START_PS);
    }
    project->run_was_low = net->level == NET_LEVEL_LOW;
}

static void drive_rails(struct project *project, const struct board_supply *supply) {
    const double regulated = supply->on ? NET_SUPPLY_VOLTS : 0, vbus = board_supply_vbus(supply);
    struct net_driver *drivers = project->rail_drivers;
    net_drive_volts(&drivers[BOARD_GND], 0, RAIL_OHMS);
    net_drive_volts(&drivers[BOARD_3V3], regulated, RAIL_OHMS);
    net_drive_volts(&drivers[BOARD_5V], vbus, vbus > 0 ? RAIL_OHMS : OPEN_VBUS_OHMS);
    net_drive_volts(&drivers[BOARD_VSYS], board_supply_vsys(supply), RAIL_OHMS);
    net_drive_volts(&drivers[BOARD_RUN], regulated, NET_PULL_OHMS);
}

static void make_radio_nets(struct project *project) {
    static const char *const names[BOARD_RADIO_GPIOS] = { "WL_GPIO0", "WL_GPIO1", "WL_GPIO2" };
    for (unsigned i = 0; i < BOARD_RADIO_GPIOS; i++) {
        net_init(&project->radio[i], names[i], project->env);
    }
}

static void make_rails(struct project *project) {
    static const char *const names[BOARD_RAILS] = { "GND", "3V3", "5V", "VSYS", "RUN", "NC" };
    project->supply = (struct board_supply){ .on = true, .usb = true };
    for (unsigned i = 0; i < BOARD_RAILS; i++) {
        net_init(&project->rails[i], names[i], project->env);
        project->rail_drivers[i] = (struct net_driver){ .name = names[i] };
    }
    drive_rails(project, &project->supply);
    for (unsigned i = 0; i < BOARD_RAILS; i++) {
        net_attach(&project->rails[i], &project->rail_drivers[i]);
    }
    project->run_event = (struct event){ .name = "RUN", .callback = run_due, .owner = project };
    project->run_listener = (struct net_listener){ .changed = run_changed, .owner = project, .passive = true };
    net_listen(&project->rails[BOARD_RUN], &project->run_listener);
}

static struct net *board_net(struct project *project, int role) {
    if (role >= 0) {
        return gpio_net_of(project, role);
    }
    return -1 - role == BOARD_OTHER ? NULL : &project->rails[-1 - role];
}

struct net *project_board_net(const struct project *project, const char *pin, struct error *error) {
    int index = project->board_class ? board_class_pin(project->board_class, pin) : -1;
    struct net *net =
        index < 0 ? NULL : board_net((struct project *)project, project->board_class->gpio[(unsigned)index]);
    if (!net) {
        const char *nearest = project->board_class ? board_class_nearest_pin(project->board_class, pin) : NULL;
        error_set(error, "the board has no pin \"%s\" to be wired%s%s%s", pin, nearest ? "; did you mean \"" : "",
                  nearest ? nearest : "", nearest ? "\"?" : "");
    }
    return net;
}

/* ---- Wires ---- */
static bool make_slots(struct project *project) {
    for (unsigned i = 0; i < project->part_count; i++) {
        struct project_part *part = &project->parts[i];
        unsigned pins = part_pin_count(part->class);
        part->nets = calloc(pins + 1, sizeof(*part->nets));
        if (!part->nets) {
            return false;
        }
        for (unsigned k = 0; part->is_board && k < pins; k++) {
            part->nets[k] = board_net(project, project->board_class->gpio[k]);
        }
    }
    return true;
}

/* The net of a pin. A board's pins have one, those of parts get one with their first wire. */
static struct net *pin_net(struct project *project, struct project_part *part, unsigned pin, bool is_wire) {
    if (part->nets[pin]) {
        return part->nets[pin];
    }
    struct project_net *net = calloc(1, sizeof(*net));
    if (!net) {
        return NULL;
    }
    net->is_wire = is_wire;
    snprintf(net->name, sizeof(net->name), "%s.%s", part->from->id, part->class->pins[pin].name);
    net_init(&net->net, net->name, project->env);
    net->next = project->nets;
    project->nets = net;
    part->nets[pin] = &net->net;
    return &net->net;
}

static bool supplies_are_short(const struct project *project) {
    const struct net *gnd = &project->rails[BOARD_GND], *low = &project->rails[BOARD_3V3];
    const struct net *vbus = &project->rails[BOARD_5V], *vsys = &project->rails[BOARD_VSYS];
    return net_is_joined(gnd, low) || net_is_joined(gnd, vbus) || net_is_joined(low, vbus) ||
           net_is_joined(gnd, vsys) || net_is_joined(low, vsys);
}

static bool join_nets(struct project *project, struct net *a, struct net *b) {
    bool was_short = supplies_are_short(project);
    net_join(a, b);
    return was_short || !supplies_are_short(project);
}

bool project_join(struct project *project, struct net *a, struct net *b) {
    return project_add_joint(project, a, b) && join_nets(project, a, b);
}

static bool connect(struct project *project, const struct project_wire *wire, struct findings *findings) {
    struct project_part *a = &project->parts[wire->part[0]], *b = &project->parts[wire->part[1]];
    bool is_wire = !a->nets[wire->pin[0]] && !b->nets[wire->pin[1]];
    struct net *from = pin_net(project, a, wire->pin[0], is_wire);
    struct net *to = from ? pin_net(project, b, wire->pin[1], false) : NULL;
    if (a == b && wire->pin[0] == wire->pin[1]) {
        findings_add(findings, LOG_WARN, "connections[%u]: both ends are %s:%s", wire->from->index, wire->from->part[0],
                     wire->from->pin[0]);
    }
    if (!to) {
        findings_add(findings, LOG_ERROR, "out of memory");
        return false;
    }
    if (!join_nets(project, from, to)) {
        findings_add(findings, LOG_ERROR, "connections[%u]: %s:%s to %s:%s makes a short circuit of a supply",
                     wire->from->index, wire->from->part[0], wire->from->pin[0], wire->from->part[1],
                     wire->from->pin[1]);
        return false;
    }
    return true;
}

static bool connect_all(struct project *project, struct findings *findings) {
    bool ok = true;
    for (unsigned i = 0; i < project->wire_count; i++) {
        const struct project_wire *wire = &project->wires[i];
        bool console = wire->part[0] == PROJECT_CONSOLE || wire->part[1] == PROJECT_CONSOLE;
        ok &= console || connect(project, wire, findings);
    }
    return ok;
}

static bool is_on_5v(const struct project *project, const struct net *net) {
    return net_is_joined(net, &project->rails[BOARD_5V]) || net_is_joined(net, &project->rails[BOARD_VSYS]);
}

/* The pins of an RP2040 take its supply and no more (datasheet, absolute maximum ratings); those of an RP2350 are 5 V
 * tolerant. */
static void check_5v(const struct project *project, struct findings *findings) {
    const struct board_class *class = project->board_class;
    const struct project_part *board = project->parts;
    while (!board->is_board) {
        board++;
    }
    for (unsigned i = 0; project->board->chip == CHIP_RP2040 && i < class->pin_count; i++) {
        if (class->gpio[i] >= 0 && board->nets[i] && is_on_5v(project, board->nets[i])) {
            findings_add(findings, LOG_WARN, "parts[%u]: %s:%s is wired to 5V: a pin of this chip takes 3.3 V",
                         board->from->index, board->from->id, class->pins[i].name);
        }
    }
}

/* ---- Errata ---- */
static bool choose_errata(const struct project *project, struct findings *findings) {
    const char *name = project_board_attribute(project, "errata");
    if (!*name) {
        return true;
    }
    struct error error;
    if (!errata_choose(project->machine, project->board->chip, name, &error)) {
        findings_add(findings, LOG_ERROR, "the board's errata: %s", error.message);
        return false;
    }
    return true;
}

/* ---- Parts ---- */
static bool is_known(const struct part_class *class, const char *name) {
    return part_attribute_find(class, name) >= 0 || part_control_find(class, name) >= 0;
}

static void configure(struct project_part *part, struct findings *findings) {
    struct error error;
    for (unsigned i = 0; i < part->from->attribute_count; i++) {
        const struct diagram_attribute *attribute = &part->from->attributes[i];
        if (is_known(part->class, attribute->name) &&
            !part_set_attribute(part->part, attribute->name, attribute->text, &error)) {
            findings_add(findings, LOG_ERROR, "parts[%u]: %s", part->from->index, error.message);
        }
    }
}

static bool make_part(struct project *project, struct project_part *part, struct findings *findings) {
    struct error error;
    part->part = part_create(part->class, part->from->id, project->env, &error);
    if (!part->part) {
        findings_add(findings, LOG_ERROR, "parts[%u]: %s", part->from->index, error.message);
        return false;
    }
    configure(part, findings);
    for (unsigned i = 0; i < part_pin_count(part->class); i++) {
        if (part->nets[i] && !part_connect(part->part, part->class->pins[i].name, part->nets[i], &error)) {
            findings_add(findings, LOG_ERROR, "parts[%u]: %s", part->from->index, error.message);
        }
    }
    return true;
}

static bool make_parts(struct project *project, struct findings *findings) {
    for (unsigned i = 0; i < project->part_count; i++) {
        if (!make_part(project, &project->parts[i], findings)) {
            return false;
        }
    }
    return findings->errors == 0;
}

static bool start_parts(struct project *project, struct findings *findings) {
    struct error error;
    for (unsigned i = 0; i < project->part_count; i++) {
        if (!part_start(project->parts[i].part, &error)) {
            findings_add(findings, LOG_ERROR, "parts[%u]: %s", project->parts[i].from->index, error.message);
        }
    }
    return findings->errors == 0;
}

/* ---- Supply ---- */
static void drive_pull_ups(struct project *project, double volts) {
    for (struct project_pull_up *each = project->pull_ups; each; each = each->next) {
        net_drive_volts(&each->driver, volts, each->driver.ohms);
    }
}

static void supply_parts(struct project *project, const struct board_supply *supply, bool reset) {
    for (unsigned i = 0; i < project->part_count; i++) {
        struct project_part *part = &project->parts[i];
        if (part->is_board) {
            board_part_supply(part->part, supply);
        } else if (reset) {
            part_reset(part->part);
        }
    }
}

/* Parts are reset when they lose their supply, so that screens are dark, and when it comes back. RUN rises with the
 * supply: that is the power-on reset, no second one by the button. */
void project_set_supply(struct project *project, const struct board_supply *supply) {
    bool switched = supply->on != project->supply.on;
    project->supply = *supply;
    drive_rails(project, supply);
    if (switched) {
        drive_pull_ups(project, supply->on ? NET_SUPPLY_VOLTS : 0);
        scheduler_cancel(project->env->scheduler, &project->run_event);
        project->run_was_low = supply->on && !net_is_high(&project->rails[BOARD_RUN]);
    }
    supply_parts(project, supply, switched);
}

/* ---- Snapshots ---- */
static void supply_walk(struct project *project, struct walk *walk) {
    struct board_supply *supply = &project->supply;
    walk_bool(walk, &supply->on);
    walk_bool(walk, &supply->usb);
    if (walk->reads) {
        drive_rails(project, supply);
        drive_pull_ups(project, supply->on ? NET_SUPPLY_VOLTS : 0);
        supply_parts(project, supply, false);
    }
}

/* Nets and parts go with the machine. */
static void project_walk(void *context, struct walk *walk) {
    struct project *project = context;
    walk_section(walk, "the project", 1);
    walk_expect_text(walk, "the board", project->board->id);
    walk_expect(walk, "the number of parts", project->part_count);
    project_wires_walk(project, walk);
    supply_walk(project, walk);
    walk_bool(walk, &project->run_was_low);
    walk_event(walk, &project->run_event);
    for (unsigned i = 0; i < BOARD_RAILS; i++) {
        net_walk(&project->rails[i], walk);
    }
    for (struct project_net *net = project->nets; net; net = net->next) {
        walk_expect(walk, "the wire at a part's pin", net_number(&net->net));
        net_walk(&net->net, walk);
    }
    walk_section_end(walk);
    for (unsigned i = 0; i < project->part_count; i++) {
        part_walk(project->parts[i].part, walk);
    }
}

bool project_build(struct project *project, struct machine *machine, struct findings *findings) {
    project->machine = machine;
    if (machine) {
        project->env = machine_gpio(machine, 0)->env;
    } else if (!make_bench(project)) {
        findings_add(findings, LOG_ERROR, "out of memory");
        return false;
    }
    make_radio_nets(project);
    make_rails(project);
    if (!make_slots(project)) {
        findings_add(findings, LOG_ERROR, "out of memory");
        return false;
    }
    if (!choose_errata(project, findings) || !connect_all(project, findings) || !make_parts(project, findings) ||
        !start_parts(project, findings)) {
        return false;
    }
    project_check_i2c(project, findings);
    check_5v(project, findings);
    project->companion = (struct machine_companion){ .walk = project_walk, .context = project };
    if (machine) {
        machine_accompany(machine, &project->companion);
    }
    return true;
}

void project_tear_down(struct project *project) {
    if (!project->env) {
        return;
    }
    if (project->machine) {
        machine_part_with(project->machine, &project->companion);
    }
    for (unsigned i = 0; i < project->part_count; i++) {
        part_destroy(project->parts[i].part);
        project->parts[i].part = NULL;
    }
    project_forget_joints(project);
    while (project->pull_ups) {
        struct project_pull_up *pull_up = project->pull_ups;
        project->pull_ups = pull_up->next;
        net_detach(&pull_up->driver);
        free(pull_up);
    }
    net_unlisten(&project->rails[BOARD_RUN], &project->run_listener);
    scheduler_cancel(project->env->scheduler, &project->run_event);
    for (unsigned i = 0; i < BOARD_RAILS; i++) {
        net_detach(&project->rail_drivers[i]);
        net_leave(&project->rails[i]);
    }
    for (unsigned i = 0; i < BOARD_RADIO_GPIOS; i++) {
        net_leave(&project->radio[i]);
    }
    while (project->nets) {
        struct project_net *net = project->nets;
        project->nets = net->next;
        net_leave(&net->net);
        free(net);
    }
    free(project->bench);
    project->bench = NULL;
    project->env = NULL;
}
