/* Breadboards of three sizes: the five holes of half a column are one, and so are those of a rail. Holes are called as
 * in Wokwi's diagrams: 12t.a to 12t.e and 12b.f to 12b.j for column 12, tp, tn, bp and bn with a number for the rails
 * (top or bottom, plus or minus).
 *
 * Wires are drawn to the middle of a half column and to the left end of a rail. */
#include "peripherals/parts/parts.h"

static bool breadboard_init(struct part *part, struct error *error) {
    return true;
}

#define PITCH 2.54
#define TOP 14.0
#define BOTTOM 32.0

#define COLUMN(n)                                                                                                      \
    { #n "t.c", #n "t.a " #n "t.b " #n "t.d " #n "t.e", PITCH * (n) + 2, TOP }, {                                      \
#n "b.h", #n "b.f " #n "b.g " #n "b.i " #n "b.j", PITCH *(n) + 2, BOTTOM                                       \
    }
#define COLUMNS_1_TO_17                                                                                                \
    COLUMN(1), COLUMN(2), COLUMN(3), COLUMN(4), COLUMN(5), COLUMN(6), COLUMN(7), COLUMN(8), COLUMN(9), COLUMN(10),     \
        COLUMN(11), COLUMN(12), COLUMN(13), COLUMN(14), COLUMN(15), COLUMN(16), COLUMN(17)
#define COLUMNS_18_TO_30                                                                                               \
    COLUMN(18), COLUMN(19), COLUMN(20), COLUMN(21), COLUMN(22), COLUMN(23), COLUMN(24), COLUMN(25), COLUMN(26),        \
        COLUMN(27), COLUMN(28), COLUMN(29), COLUMN(30)
#define COLUMNS_31_TO_63                                                                                               \
    COLUMN(31), COLUMN(32), COLUMN(33), COLUMN(34), COLUMN(35), COLUMN(36), COLUMN(37), COLUMN(38), COLUMN(39),        \
        COLUMN(40), COLUMN(41), COLUMN(42), COLUMN(43), COLUMN(44), COLUMN(45), COLUMN(46), COLUMN(47), COLUMN(48),    \
        COLUMN(49), COLUMN(50), COLUMN(51), COLUMN(52), COLUMN(53), COLUMN(54), COLUMN(55), COLUMN(56), COLUMN(57),    \
        COLUMN(58), COLUMN(59), COLUMN(60), COLUMN(61), COLUMN(62), COLUMN(63)

#define HOLES_2_TO_25(r)                                                                                               \
    r ".2 " r ".3 " r ".4 " r ".5 " r ".6 " r ".7 " r ".8 " r ".9 " r ".10 " r ".11 " r ".12 " r ".13 " r ".14 " r     \
      ".15 " r ".16 " r ".17 " r ".18 " r ".19 " r ".20 " r ".21 " r ".22 " r ".23 " r ".24 " r ".25"
#define HOLES_26_TO_50(r)                                                                                              \
    " " r ".26 " r ".27 " r ".28 " r ".29 " r ".30 " r ".31 " r ".32 " r ".33 " r ".34 " r ".35 " r ".36 " r ".37 " r  \
    ".38 " r ".39 " r ".40 " r ".41 " r ".42 " r ".43 " r ".44 " r ".45 " r ".46 " r ".47 " r ".48 " r ".49 " r ".50"
#define RAILS(holes)                                                                                                   \
    { "tp.1", holes("tp"), 4, 2.5 }, { "tn.1", holes("tn"), 4, 5 }, { "bp.1", holes("bp"), 4, 43.5 }, {                \
        "bn.1", holes("bn"), 4, 46                                                                                     \
    }
#define HOLES_2_TO_50(r) HOLES_2_TO_25(r) HOLES_26_TO_50(r)

#define BODY(width)                                                                                                    \
    { PART_RECTANGLE, 0, 0, width, 48.5, 0xe9e6dc }, { PART_RECTANGLE, 2, 22.5, (width)-4, 1.6, 0xcfcabd },            \
        { PART_RECTANGLE, 3, 1.2, (width)-6, 0.4, 0xc03030 }, { PART_RECTANGLE, 3, 6.6, (width)-6, 0.4, 0x3050c0 },    \
        { PART_RECTANGLE, 3, 42.2, (width)-6, 0.4, 0xc03030 }, {                                                       \
        PART_RECTANGLE, 3, 47.4, (width)-6, 0.4, 0x3050c0                                                              \
    }
static const struct part_shape full[] = { BODY(166) }, half[] = { BODY(82) };
static const struct part_shape mini[] = { { PART_RECTANGLE, 0, 8, 48, 31, 0xe9e6dc },
                                          { PART_RECTANGLE, 2, 22.5, 44, 1.6, 0xcfcabd } };

const struct part_class breadboard_class = {
    .type = "breadboard",
    .aliases = (const char *const[]){ "wokwi-breadboard", NULL },
    .title = "breadboard, 63 columns",
    .pins =
        (const struct part_pin[]){ COLUMNS_1_TO_17, COLUMNS_18_TO_30, COLUMNS_31_TO_63, RAILS(HOLES_2_TO_50), { 0 } },
    .face = { 166, 48.5, full, sizeof(full) / sizeof(full[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct part),
    .init = breadboard_init,
};

const struct part_class breadboard_half_class = {
    .type = "breadboard-half",
    .aliases = (const char *const[]){ "wokwi-breadboard-half", NULL },
    .title = "breadboard, 30 columns",
    .pins = (const struct part_pin[]){ COLUMNS_1_TO_17, COLUMNS_18_TO_30, RAILS(HOLES_2_TO_25), { 0 } },
    .face = { 82, 48.5, half, sizeof(half) / sizeof(half[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct part),
    .init = breadboard_init,
};

const struct part_class breadboard_mini_class = {
    .type = "breadboard-mini",
    .aliases = (const char *const[]){ "wokwi-breadboard-mini", NULL },
    .title = "breadboard, 17 columns",
    .pins = (const struct part_pin[]){ COLUMNS_1_TO_17, { 0 } },
    .face = { 48, 48.5, mini, sizeof(mini) / sizeof(mini[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct part),
    .init = breadboard_init,
};
