/* A project: a board, parts and wires from a diagram.json, and the folder that is the board's drive.
 *
 * project_read() understands the diagram; project_build() makes the parts and wires them to a machine, or, without
 * one, to nets of the project's own, which is how a diagram is checked. Windows and pictures go through `parts` and
 * `wires`: a part's class and its views tell all there is to draw. */
#ifndef PROJECT_PROJECT_H
#define PROJECT_PROJECT_H

#include "emulator/core/random.h"
#include "emulator/core/scheduler.h"
#include "emulator/machine.h"
#include "emulator/project/board_part.h"
#include "emulator/project/diagram.h"

#define PROJECT_GPIOS 48
#define PROJECT_CONSOLE UINT32_MAX /* project_wire.part: "$serialMonitor" */
#define PROJECT_PATH 1024

struct machine;

struct project_part {
    const struct diagram_part *from; /* position, rotation, hidden or not */
    const struct part_class *class;
    struct part *part; /* NULL until project_build() */
    struct net **nets; /* by pin, before the part has them; NULL: not connected */
    bool is_board;
    bool no_pull_ups; /* attribute pullups=0 */
};

/* What the part looks like; its class's face until there is a part. */
const struct part_face *project_part_face(const struct project_part *part);

struct project_wire {
    const struct diagram_wire *from; /* colour, way */
    uint32_t part[2];                /* index in parts, or PROJECT_CONSOLE */
    unsigned pin[2];                 /* index in the class's pins */
    bool off;                        /* it has come off */
};

/* The net of a part's pin. */
struct project_net {
    struct net net;
    char name[2 * DIAGRAM_PATH];
    bool is_wire; /* it was made for a wire whose other end had no net either: it stands for both */
    struct project_net *next;
};

/* Two nets that project_join() has joined. */
struct project_joint {
    struct net *nets[2];
    struct project_joint *next;
};

/* What the board of a module has on SDA and SCL. */
struct project_pull_up {
    struct net_driver driver;
    struct project_pull_up *next;
};

struct project {
    char folder[PROJECT_PATH];       /* "": the diagram came without one */
    char diagram_path[PROJECT_PATH]; /* "": the folder has no diagram */
    struct diagram diagram;
    const struct board *board; /* NULL: the diagram has none */
    struct board_class *board_class;
    struct project_part *parts;
    unsigned part_count;
    struct project_wire *wires;
    unsigned wire_count;

    struct machine *machine; /* below: of project_build() */
    struct environment *env;
    struct project_net *nets;
    struct project_joint *joints;
    struct project_pull_up *pull_ups;
    struct net radio[BOARD_RADIO_GPIOS]; /* the radio chip's own GPIOs, which a board connects to LED and supply */
    struct net rails[BOARD_RAILS];
    struct net_driver rail_drivers[BOARD_RAILS];
    struct board_supply supply;
    struct net_listener run_listener;
    struct event run_event; /* the chip starts, a while after RUN has risen */
    bool run_was_low;
    struct project_bench *bench;
    struct machine_companion companion;
};

/* Read DIR/diagram.json (a folder without one is a project without parts) or the named diagram. `board`: instead of
 * the diagram's, by CircuitPython's id; may be NULL. False after at least one error line; finish it all the same. */
bool project_read(struct project *project, const char *path, const char *board, struct findings *findings);
/* What people call it: its folder's name, also when that was given as "."; "" without a folder. */
void project_name(const struct project *project, char *ret_name, size_t size);
/* A board alone. */
bool project_plain(struct project *project, const struct board *board, struct findings *findings);
/* As project_read() from a text. */
bool project_read_text(struct project *project, const char *text, size_t size, const char *board,
                       struct findings *findings);
/* Make and wire the parts: before the machine is switched on. NULL: check only. Once. */
bool project_build(struct project *project, struct machine *machine, struct findings *findings);
/* Before the machine goes. */
void project_finish(struct project *project);

/* The part with this id. NULL and a line that names the nearest when there is none. */
struct project_part *project_find(const struct project *project, const char *id, struct error *error);
/* The number of a pin of the part by name; -1 with a line that names the nearest when there is none. */
int project_part_pin(const struct project *project, const struct project_part *part, const char *pin,
                     struct error *error);
/* The net of a pin of the board by name ("GP4", "SDA", "GND.1"); NULL with an error line. After project_build(). */
struct net *project_board_net(const struct project *project, const char *pin, struct error *error);
/* A wire between two nets that stays. False: it makes a short circuit of GND, 3V3 and 5V, or out of memory. */
bool project_join(struct project *project, struct net *a, struct net *b);
/* The diagram has a wire between the pins that have these nets. */
bool project_has_wire(const struct project *project, const struct net *a, const struct net *b);
/* It comes off, or is put on again. False: out of memory. */
bool project_set_wire(struct project *project, struct net *a, struct net *b, bool on);
/* The board has another supply from now on (USB at first): its rails, what it measures of them, the pull-ups of
 * modules, and, when the supply goes or comes back, its parts follow. The machine is not switched. After
 * project_build(). */
void project_set_supply(struct project *project, const struct board_supply *supply);
/* An attribute of the board in the diagram; "" when there is none. */
const char *project_board_attribute(const struct project *project, const char *name);

#endif
