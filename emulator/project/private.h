/* Shared by project.c (reading) and project_build.c (parts and nets). */
#ifndef PROJECT_PRIVATE_H
#define PROJECT_PRIVATE_H

#include "emulator/project/project.h"

/* Undo project_build(); fine when it has not been called, or has failed. */
void project_tear_down(struct project *project);
/* Pull-ups of modules, and targets at one address. After the parts have been started. */
void project_check_i2c(struct project *project, struct findings *findings);

/* project_wires.c: remember a joint; NULL is never given. False: out of memory. */
bool project_add_joint(struct project *project, struct net *a, struct net *b);
void project_forget_joints(struct project *project);
/* Which wires are off, in a snapshot; before the nets. */
void project_wires_walk(struct project *project, struct walk *walk);

#endif
