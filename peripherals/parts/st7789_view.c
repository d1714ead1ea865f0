/* What is seen of an ST7789: display RAM through scrolling, partial area, idle mode, inversion and order of colours, as
 * the panel is mounted (st7789.c says what is followed and decided). */
#include "peripherals/parts/st7789_private.h"

static unsigned shown_row(const struct st7789_registers *r, unsigned line) {
    int top = r->scroll_area[0], area = r->scroll_area[1], at = (int)line - top;
    if (!r->scrolls || at < 0 || at >= area) {
        return line;
    }
    at = (at + r->scroll_start - top) % area;
    return (unsigned)(top + (at < 0 ? at + area : at));
}

static bool is_in_partial_area(const struct st7789_registers *r, unsigned line) {
    unsigned first = r->partial_rows[0], last = r->partial_rows[1];
    if (!r->partial) {
        return true;
    }
    return first <= last ? line >= first && line <= last : line >= first || line <= last;
}

static uint32_t eight_bits(unsigned six, bool idle, bool inverse) {
    six = idle ? (six & 32 ? 63 : 0) : six;
    six = inverse ? 63 - six : six;
    return six << 2 | six >> 4;
}

static uint32_t colour(const struct st7789 *s, const uint8_t *rgb) {
    bool inverse = s->r.inverse != (s->part.values[IPS].number != 0), swap = s->r.madctl & MADCTL_BGR;
    uint32_t red = eight_bits(rgb[swap ? 2 : 0], s->r.idle, inverse);
    uint32_t green = eight_bits(rgb[1], s->r.idle, inverse);
    uint32_t blue = eight_bits(rgb[swap ? 0 : 2], s->r.idle, inverse);
    return red << 16 | green << 8 | blue;
}

/* Where a cell of the glass is in the picture. */
static uint32_t *pixel(struct st7789 *s, unsigned column, unsigned row) {
    const struct st7789_panel *p = s->panel;
    if (s->part.values[TURNED].number) {
        column = p->columns - 1 - column;
        row = p->rows - 1 - row;
    }
    if (p->landscape) {
        return &s->pixels[(p->columns - 1 - column) * p->rows + row];
    }
    return &s->pixels[(p->rows - 1 - row) * p->columns + (p->columns - 1 - column)];
}

static void draw(struct st7789 *s) {
    const struct st7789_panel *p = s->panel;
    for (unsigned row = 0; row < p->rows; row++) {
        unsigned line = p->row + row, from = shown_row(&s->r, line);
        bool visible = is_in_partial_area(&s->r, line);
        for (unsigned column = 0; column < p->columns; column++) {
            *pixel(s, column, row) = visible ? colour(s, s->ram[from][p->column + column]) : 0;
        }
    }
}

void st7789_show(struct part *part) {
    struct st7789 *s = (struct st7789 *)part;
    struct part_view *view = &part->views[0];
    bool on = s->r.on && s->r.awake && !st7789_is_held_in_reset(s);
    double brightness = part->nets[BL] ? brightness_get(&s->backlight) : 1;
    if (s->dirty) {
        draw(s);
    }
    if (s->dirty || on != view->screen.on || brightness != view->screen.brightness) {
        view->screen.generation++;
    }
    view->screen.on = on;
    view->screen.brightness = brightness;
    s->dirty = false;
}
