/* Levels of nets as a value change dump (IEEE 1364-2005, 18.2), for PulseView, sigrok-cli and GTKWave. Scalar wires
 * only, in nanoseconds, with a time stamp at the end: sigrok stops at anything else, and loses the last edge without
 * one. A floating net is `z`.
 *
 * Watching a net makes serial controllers play their frames on it edge by edge. Firmware sees no difference; the
 * emulator works harder. */
#ifndef DEBUG_VCD_H
#define DEBUG_VCD_H

#include "emulator/core/net.h"

#include <stddef.h>

struct vcd;

/* Gets the bytes of the file in order. */
typedef void vcd_write(void *context, const char *text, size_t size);

/* NULL when memory runs out. */
struct vcd *vcd_create(vcd_write *write, void *context);
/* Watch a net that outlives the dump or vcd_destroy(). `scope` groups nets; `name` is copied, what VCD does not allow
 * in names becomes `_`. Before vcd_start(). False when memory runs out. */
bool vcd_add(struct vcd *vcd, const char *scope, const char *name, struct net *net);
/* Write the head and the present levels. */
void vcd_start(struct vcd *vcd);
/* Write the end and let go of the nets. NULL is fine. */
void vcd_destroy(struct vcd *vcd);

#endif
