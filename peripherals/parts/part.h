/* Parts: the components that a project wires to a board.
 *
 * A part has two faces. The bus face is what firmware sees at its pins, which are nets: levels, edges, frames of a
 * serial bus (serial.h), volts. The physical face is a list of controls in SI units (the angle of a magnet, the
 * pressure on a button), set by one function for window, scenario and test alike. What a part shows (a screen, a
 * light, a pointer) it publishes as views; front ends draw from the class's data and the views alone.
 *
 * A part knows its nets and its environment, nothing of the chip. To add one: a .c with a const struct part_class, a
 * line in part.c's registry, a unit test, a line in meson.build, a page in docs/parts/.
 *
 * Life: part_create(), part_set_attribute() and part_connect() in any order, part_start(); from then on part_set(),
 * part_get(), part_view(), part_reset(); part_destroy(). All in the machine's thread, between or within its runs. */
#ifndef PARTS_PART_H
#define PARTS_PART_H

#include "emulator/core/error.h"
#include "emulator/core/net.h"

#define PART_VIEWS 4
#define PART_NO_BODY 0xff000000u /* the colour of a part that is drawn by its shapes alone */

struct part;

/* ---- What a class says about its parts. Lists end with an entry without name. ---- */

struct part_pin {
    const char *name;  /* "SDA" */
    const char *alias; /* other names that boards and simulators give it, separated by spaces; may be NULL */
    double x, y;       /* where it is on the face, in mm from the upper left corner */
};

enum part_attribute_kind { PART_NUMBER, PART_CHOICE, PART_FLAG, PART_COLOUR, PART_TEXT };

/* Fixed when the part is started. Its text is, by kind: a number with or without an SI prefix and the unit ("220",
 * "4.7k", "0x3c"); one of the choices; "1", "true", "0", "false", or empty for yes; a colour name or "#rrggbb"; any
 * text. */
struct part_attribute {
    const char *name;
    enum part_attribute_kind kind;
    const char *initial;        /* its text unless set */
    double min, max;            /* PART_NUMBER */
    const char *unit;           /* PART_NUMBER, may be NULL */
    const char *const *choices; /* PART_CHOICE: ends with NULL */
};

enum part_control_kind { PART_KNOB, PART_SLIDER, PART_BUTTON, PART_SWITCH };

/* One quantity of the physical world. PART_BUTTON (down as long as it is held) and PART_SWITCH (stays) are 0 or 1.
 * Every control is an attribute too: its value at the start, in the control's unit. */
struct part_control {
    const char *name;
    const char *unit; /* "deg", "mT"; NULL: none */
    enum part_control_kind kind;
    double min, max;
    double step; /* of a key or a wheel's notch */
    double start;
    bool wraps;                 /* max is min again; values outside are brought into the range instead of refused */
    double x, y, width, height; /* where a mouse takes hold of it, in mm on the face; no width: anywhere on it */
};

/* Drawn once, in this order, below the views. */
enum part_shape_kind { PART_RECTANGLE, PART_DISC, PART_LETTERING };
struct part_shape {
    enum part_shape_kind kind;
    double x, y, width, height; /* mm; a disc fills its box, lettering begins at its upper left and is `height` high */
    uint32_t colour;            /* 0x00RRGGBB */
    const char *text;           /* PART_LETTERING */
};

struct part_face {
    double width, height;            /* mm */
    const struct part_shape *shapes; /* shape_count of them; NULL when there are none */
    unsigned shape_count;
};

/* Two pins that are one inside the part, by number. */
struct part_twins {
    unsigned first, second;
};

struct part_class {
    const char *type; /* "ssd1306" */
    /* Types of other programs' projects that mean this one, ends with NULL; may be NULL. */
    const char *const *aliases;
    const char *title; /* a few words for people: "OLED display 128x64" */
    const struct part_pin *pins;
    const struct part_twins *twins;          /* ends with two equal ones; NULL: there are none */
    const struct part_attribute *attributes; /* may be NULL */
    const struct part_control *controls;     /* may be NULL */
    struct part_face face;                   /* what part->face is unless init() makes another of it */
    uint32_t colour;                         /* of the body, 0x00RRGGBB or PART_NO_BODY */
    size_t size;                             /* of the struct that begins with struct part */

    /* Nets and attributes are there: take hold of them, fill part->views. False with an error line when the attributes
     * or the wiring make no part; finish() is not called then, and must not be needed. */
    bool (*init)(struct part *part, struct error *error);
    /* Let go of the nets and events. All of the following may be NULL. */
    void (*finish)(struct part *part);
    /* The supply has gone and come back. The physical world stays as it is. */
    void (*reset)(struct part *part);
    /* A control has been set to a value within its range; part->settings already holds it. */
    void (*set)(struct part *part, unsigned control, double value);
    /* The control's value now. NULL: as last set. */
    double (*get)(struct part *part, unsigned control);
    /* Bring part->views up to the present time. */
    void (*show)(struct part *part);
    /* The state beside random stream, settings, lights and pointers, for snapshots: see walk.h. */
    void (*walk)(struct part *part, struct walk *walk);
    unsigned walk_version; /* of what walk() lists: goes up when that changes */
};

/* ---- What a part shows ---- */

enum part_view_kind { PART_SCREEN, PART_LIGHT, PART_POINTER, PART_LABEL };

struct part_view {
    enum part_view_kind kind;
    const char *name;           /* "screen", "light" */
    double x, y, width, height; /* where on the face, mm: the glass's pixels, the light, the pointer's circle */
    union {
        struct {
            unsigned width, height;
            const uint32_t *pixels; /* 0x00RRGGBB, row by row; the part's, valid until part_destroy() */
            uint64_t generation;    /* goes up whenever pixels, on or brightness have changed */
            bool on;                /* off: the glass is dark whatever the pixels are */
            double brightness;      /* of the backlight, 0 to 1 */
        } screen;
        struct {
            uint32_t colour;   /* 0x00RRGGBB at full brightness */
            double brightness; /* 0 to 1 of the light's power, averaged over what an eye averages over */
        } light;
        struct {
            double degrees; /* clockwise from the top */
        } pointer;
        const char *text; /* PART_LABEL */
    };
};

/* ---- A part ---- */

struct part_value {
    const char *text; /* as set */
    double number;    /* PART_NUMBER in its unit; PART_FLAG: 0 or 1; PART_CHOICE: its number; PART_COLOUR: 0xRRGGBB */
};

struct part {
    const struct part_class *class;
    char *id; /* "U1" */
    struct environment *env;
    struct random random;      /* its own stream, by its id */
    struct net **nets;         /* by pin; NULL: not connected */
    struct part_value *values; /* by attribute */
    double *settings;          /* by control */
    struct part_face face;
    struct part_view views[PART_VIEWS]; /* use part_view() */
    unsigned view_count;
    bool started;
    uint64_t held; /* controls that do not move, a bit each */
};

/* `class` and `env` are borrowed, `id` is copied. NULL and an error line when memory runs out. */
struct part *part_create(const struct part_class *class, const char *id, struct environment *env, struct error *error);
/* Takes hold of nothing any more; before its nets go. NULL is fine. */
void part_destroy(struct part *part);
/* A pin by name or alias to a net, borrowed, which must outlive the part. A pin that has a net joins it with the new
 * one. False with an error line that names the nearest pin. Not after part_start(). */
bool part_connect(struct part *part, const char *pin, struct net *net, struct error *error);
/* False with an error line for an unknown name or an impossible value. Not after part_start(). */
bool part_set_attribute(struct part *part, const char *name, const char *text, struct error *error);
/* As power comes on. False with an error line when the part cannot work like this. */
bool part_start(struct part *part, struct error *error);
/* Power cycle. */
void part_reset(struct part *part);

/* A control by name to a value in its unit. False with an error line for an unknown name or a value out of range. */
bool part_set(struct part *part, const char *control, double value, struct error *error);
bool part_get(struct part *part, const char *control, double *ret_value, struct error *error);

/* Whether part_hold() can do that. */
bool part_check(const struct part *part, const char *control, const double *value, struct error *error);
/* A control does not move any more, where it is or, where `value` is given, there: what it is set to from now on takes
 * effect when it is let go of. False as for part_set(). */
bool part_hold(struct part *part, const char *control, const double *value, struct error *error);
void part_let_go(struct part *part, const char *control);

/* The views, brought up to the present time. NULL from view_count on. Views do not come, go or change their size. */
const struct part_view *part_view(struct part *part, unsigned index);

/* Its section of a snapshot; what is fixed (class, attributes, wires) is to be the same here. */
void part_walk(struct part *part, struct walk *walk);

/* ---- Finding things by name; -1 or NULL when there is none ---- */
extern const struct part_class *const parts_registry[]; /* ends with NULL */
/* By type or alias. */
const struct part_class *part_class_find(const char *type);
/* The type that `type` may have been meant to be; NULL when nothing is like it. */
const char *part_nearest_type(const char *type);
int part_pin_find(const struct part_class *class, const char *name);
const char *part_nearest_pin(const struct part_class *class, const char *name);
int part_attribute_find(const struct part_class *class, const char *name);
int part_control_find(const struct part_class *class, const char *name);
/* Attribute or control. */
const char *part_nearest_attribute(const struct part_class *class, const char *name);
unsigned part_pin_count(const struct part_class *class);
unsigned part_attribute_count(const struct part_class *class);
unsigned part_control_count(const struct part_class *class);

#endif
