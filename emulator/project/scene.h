/* A project as a picture: board, parts and wires to scale, live screens, lights and pointers. Windows may draw it their
 * own way; pictures of runs without a window come from here. */
#ifndef PROJECT_SCENE_H
#define PROJECT_SCENE_H

#include "emulator/project/picture.h"
#include "emulator/project/project.h"

#define SCENE_SCALE 12.0 /* pixels a millimetre */
#define SCENE_MARGIN 4.0 /* mm */

struct scene {
    double x, y, width, height; /* mm: the part of the diagram's plane that is seen */
    double scale;
};

struct scene_point {
    double x, y; /* mm on the diagram's plane */
};

/* Everything that is not hidden, with a margin; `scale` is made smaller when the picture would become too large. */
void scene_init(struct scene *scene, const struct project *project, double scale);
/* Where a place on the face of a part is on the plane, after rotation. */
struct scene_point scene_place(const struct project_part *part, double x, double y);
/* The way of a wire: up to SCENE_WAY points; returns how many. 0 for one to the console. */
#define SCENE_WAY (DIAGRAM_MOVES + 4)
unsigned scene_way(const struct project *project, const struct project_wire *wire,
                   struct scene_point points[SCENE_WAY]);
/* 0x00RRGGBB of a colour's name as Wokwi has them, or of "#rrggbb"; a grey for any other. */
uint32_t scene_colour(const char *name);
/* How bright (0 to 1, by the levels of a picture) an eye sees a share of a light's full power: a tenth as a third. */
double scene_seen(double power);

/* After project_build(). The picture is made here. False with an error line. */
bool scene_draw(const struct project *project, double scale, struct picture *ret_picture, struct error *error);
/* One part: its screen pixel by pixel, or its face at `scale` when it has none. */
bool scene_draw_part(const struct project_part *part, double scale, struct picture *ret_picture, struct error *error);

#endif
