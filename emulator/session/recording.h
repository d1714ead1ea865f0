/* What writer and reader of recordings share. */
#ifndef SESSION_RECORDING_H
#define SESSION_RECORDING_H

#include "emulator/core/scheduler.h"

#define RECORDING_KEY "ouroboard-recording"
#define RECORDING_VERSION 1
#define RECORDING_LOOK_PS PS_PER_S      /* between two looks at the state of all devices */
#define RECORDING_DIAGRAM (1024 * 1024) /* bytes of a diagram at most */

struct session;
struct json_t;

/* A sum of each device's state now, by name: a new JSON object. */
struct json_t *recording_sums(struct session *session);

#endif
