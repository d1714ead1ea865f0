/* Wires that come off and are put on again. Every pin of a part has a net of its own, so that what a wire had joined
 * can be divided: along the wires that are left, the joints that were made later, and pins that are one inside a part.
 */
#include "emulator/project/private.h"

#include <stdlib.h>
#include <string.h>

/* Nets that hang together. */
struct island {
    struct net **nets;
    unsigned count, room;
};

static bool is_on_island(const struct island *island, const struct net *net) {
    for (unsigned i = 0; i < island->count; i++) {
        if (island->nets[i] == net) {
            return true;
        }
    }
    return false;
}

/* One end is on the island: the other is as well. True when that is new. */
static bool cross(struct island *island, struct net *a, struct net *b) {
    bool has_a = a && is_on_island(island, a), has_b = b && is_on_island(island, b);
    struct net *other = has_a ? b : a;
    if (has_a == has_b || !other || island->count == island->room) {
        return false;
    }
    island->nets[island->count++] = other;
    return true;
}

static struct net *end_net(const struct project *project, const struct project_wire *wire, unsigned end) {
    return wire->part[end] == PROJECT_CONSOLE ? NULL : project->parts[wire->part[end]].nets[wire->pin[end]];
}

static bool cross_wires(const struct project *project, struct island *island) {
    bool more = false;
    for (unsigned i = 0; i < project->wire_count; i++) {
        const struct project_wire *wire = &project->wires[i];
        more |= !wire->off && cross(island, end_net(project, wire, 0), end_net(project, wire, 1));
    }
    for (const struct project_joint *joint = project->joints; joint; joint = joint->next) {
        more |= cross(island, joint->nets[0], joint->nets[1]);
    }
    return more;
}

static bool cross_parts(const struct project *project, struct island *island) {
    bool more = false;
    for (unsigned i = 0; i < project->part_count; i++) {
        const struct project_part *part = &project->parts[i];
        const struct part_twins *twins = part->class->twins;
        for (; twins && twins->first != twins->second; twins++) {
            more |= cross(island, part->nets[twins->first], part->nets[twins->second]);
        }
    }
    return more;
}

static unsigned ring_size(const struct net *net) {
    unsigned count = 1;
    for (const struct net *each = net->joined; each != net; each = each->joined) {
        count++;
    }
    return count;
}

/* What still hangs together with `from` stays with it, everything else does not. False: out of memory. */
static bool divide(const struct project *project, struct net *from) {
    struct island island = { .room = ring_size(from) };
    island.nets = calloc(island.room, sizeof(struct net *));
    if (!island.nets) {
        return false;
    }
    island.nets[island.count++] = from;
    bool more;
    do {
        more = cross_wires(project, &island);
        more |= cross_parts(project, &island);
    } while (more);
    net_divide(island.nets, island.count);
    free(island.nets);
    return true;
}

static bool is_between(const struct project *project, const struct project_wire *wire, const struct net *a,
                       const struct net *b) {
    const struct net *first = end_net(project, wire, 0), *second = end_net(project, wire, 1);
    return a != b && ((first == a && second == b) || (first == b && second == a));
}

bool project_has_wire(const struct project *project, const struct net *a, const struct net *b) {
    for (unsigned i = 0; i < project->wire_count; i++) {
        if (is_between(project, &project->wires[i], a, b)) {
            return true;
        }
    }
    return false;
}

bool project_set_wire(struct project *project, struct net *a, struct net *b, bool on) {
    for (unsigned i = 0; i < project->wire_count; i++) {
        if (is_between(project, &project->wires[i], a, b)) {
            project->wires[i].off = !on;
        }
    }
    if (on) {
        net_join(a, b);
    }
    return on || divide(project, a);
}

bool project_add_joint(struct project *project, struct net *a, struct net *b) {
    struct project_joint *joint = calloc(1, sizeof(*joint));
    if (joint) {
        *joint = (struct project_joint){ .nets = { a, b }, .next = project->joints };
        project->joints = joint;
    }
    return joint != NULL;
}

void project_forget_joints(struct project *project) {
    while (project->joints) {
        struct project_joint *gone = project->joints;
        project->joints = gone->next;
        free(gone);
    }
}

/* ---- Snapshots ---- */

static void wire_walk(struct project *project, struct project_wire *wire, struct walk *walk) {
    struct net *a = end_net(project, wire, 0), *b = end_net(project, wire, 1);
    bool off = wire->off;
    walk_bool(walk, &off);
    if (off == wire->off) {
        return;
    }
    if (!a || !b || a == b) {
        walk_fail(walk, "a wire that cannot come off is off");
    } else if (!project_set_wire(project, a, b, !off)) {
        walk_fail(walk, "out of memory");
    }
}

/* Joints have to be there. */
void project_wires_walk(struct project *project, struct walk *walk) {
    unsigned joints = 0;
    for (const struct project_joint *joint = project->joints; joint; joint = joint->next) {
        joints++;
    }
    walk_expect(walk, "the number of wires that were added", joints);
    walk_expect(walk, "the number of wires", project->wire_count);
    for (unsigned i = 0; i < project->wire_count; i++) {
        wire_walk(project, &project->wires[i], walk);
    }
}
