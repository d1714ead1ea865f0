/* Levels of nets as a value change dump (IEEE 1364-2005, 18.2). */
#include "emulator/debug/vcd.h"

#include "emulator/core/scheduler.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE_FIRST 33 /* printable characters of identifier codes */
#define CODE_COUNT 94
#define NAME_BYTES 80

struct vcd_wire {
    struct net_listener listener;
    struct vcd *vcd;
    struct net *net;
    char scope[NAME_BYTES], name[NAME_BYTES];
    char code[4];
    enum net_level level; /* last written */
    uint64_t last_ns;     /* and when */
    struct vcd_wire *next;
};

struct vcd {
    vcd_write *write;
    void *context;
    struct vcd_wire *wires, **end;
    unsigned count;
    uint64_t time_ns; /* last written */
    bool started;
};

static void print(struct vcd *vcd, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct vcd *vcd, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    vcd->write(vcd->context, text, size < (int)sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

static void print_level(struct vcd *vcd, struct vcd_wire *wire) {
    static const char digits[] = { [NET_LEVEL_LOW] = '0', [NET_LEVEL_HIGH] = '1', [NET_LEVEL_FLOATING] = 'z' };
    wire->level = wire->net->level;
    print(vcd, "%c%s\n", digits[wire->level], wire->code);
}

/* Events are late by up to a block of instructions, and are dated by when they were due. Time never goes back all the
 * same, and no two edges of one wire are at one time. */
static void print_time(struct vcd *vcd, const struct vcd_wire *wire) {
    uint64_t now = scheduler_due(wire->net->env->scheduler) / PS_PER_NS;
    now = now <= wire->last_ns ? wire->last_ns + 1 : now;
    if (now > vcd->time_ns) {
        vcd->time_ns = now;
        print(vcd, "#%" PRIu64 "\n", now);
    }
}

static void changed(struct net_listener *listener, struct net *net) {
    struct vcd_wire *wire = listener->owner;
    if (wire->vcd->started && net->level != wire->level) {
        print_time(wire->vcd, wire);
        wire->last_ns = wire->vcd->time_ns;
        print_level(wire->vcd, wire);
    }
}

struct vcd *vcd_create(vcd_write *write, void *context) {
    struct vcd *vcd = calloc(1, sizeof(*vcd));
    if (vcd) {
        vcd->write = write;
        vcd->context = context;
        vcd->end = &vcd->wires;
    }
    return vcd;
}

static void copy_name(char *to, const char *from) {
    snprintf(to, NAME_BYTES, "%s", *from ? from : "_");
    for (; *to; to++) {
        *to = isalnum((unsigned char)*to) ? *to : '_';
    }
}

static void make_code(char code[4], unsigned number) {
    do {
        *code++ = (char)(CODE_FIRST + number % CODE_COUNT);
        number /= CODE_COUNT;
    } while (number);
    *code = 0;
}

bool vcd_add(struct vcd *vcd, const char *scope, const char *name, struct net *net) {
    struct vcd_wire *wire = calloc(1, sizeof(*wire));
    if (!wire) {
        return false;
    }
    wire->vcd = vcd;
    wire->net = net;
    wire->listener = (struct net_listener){ .changed = changed, .owner = wire };
    copy_name(wire->scope, scope);
    copy_name(wire->name, name);
    make_code(wire->code, vcd->count++);
    *vcd->end = wire;
    vcd->end = &wire->next;
    net_listen(net, &wire->listener);
    return true;
}

void vcd_start(struct vcd *vcd) {
    const char *scope = NULL;
    print(vcd, "$version ouroboard $end\n$timescale 1 ns $end\n");
    for (const struct vcd_wire *wire = vcd->wires; wire; wire = wire->next) {
        if (!scope || strcmp(scope, wire->scope) != 0) {
            print(vcd, "%s$scope module %s $end\n", scope ? "$upscope $end\n" : "", wire->scope);
            scope = wire->scope;
        }
        print(vcd, "$var wire 1 %s %s $end\n", wire->code, wire->name);
    }
    print(vcd, "%s$enddefinitions $end\n#0\n", scope ? "$upscope $end\n" : "");
    for (struct vcd_wire *wire = vcd->wires; wire; wire = wire->next) {
        print_level(vcd, wire);
    }
    vcd->started = true;
}

void vcd_destroy(struct vcd *vcd) {
    if (!vcd) {
        return;
    }
    if (vcd->wires && vcd->started) {
        uint64_t last = vcd->time_ns;
        print_time(vcd, vcd->wires);
        if (last == vcd->time_ns) { /* an edge at this very moment would be lost */
            print(vcd, "#%" PRIu64 "\n", last + 1);
        }
    }
    while (vcd->wires) {
        struct vcd_wire *wire = vcd->wires;
        vcd->wires = wire->next;
        net_unlisten(wire->net, &wire->listener);
        free(wire);
    }
    free(vcd);
}
