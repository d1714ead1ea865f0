/* Not modelled: mouse reports to the guest, double-width letters in the selection, underline styles.
 *
 * Lines that scroll out are kept as cells with their colours; a change of width does not wrap them anew. */
#include "gui/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <vterm.h>

#define HISTORY 2000
#define COLUMNS_MAX 512
#define BACKGROUND 0x1b1f27
#define FOREGROUND 0xd8dee6
#define CURSOR 0x59c2ff
#define SELECTION 0x34506e

struct cell {
    uint32_t code, foreground, background;
};

struct line {
    struct cell *cells;
    int count;
};

struct terminal {
    void (*type)(void *context, const void *data, size_t size);
    void *context;
    VTerm *vterm;
    VTermScreen *screen;
    struct box box;
    const struct font *font;
    int rows, columns, cell_width, cell_height;
    struct line history[HISTORY]; /* a ring */
    unsigned history_start, history_count;
    int back; /* lines above the newest */
    VTermPos cursor;
    bool cursor_hidden;
    bool *dirty; /* by row */
    bool was_focused;
    bool selecting;
    int selection[4]; /* line and column of the beginning and the end; lines count from the oldest in the history */
    char title[128];
    size_t title_length;
};

/* ---- What libvterm tells ---- */
static void touch(struct terminal *terminal, int from, int end) {
    for (int row = from < 0 ? 0 : from; row < end && row < terminal->rows; row++) {
        terminal->dirty[row] = true;
    }
}

static int on_damage(VTermRect rect, void *user) {
    touch(user, rect.start_row, rect.end_row);
    return 1;
}

static int on_cursor(VTermPos position, VTermPos before, int visible, void *user) {
    struct terminal *terminal = user;
    touch(terminal, before.row, before.row + 1);
    touch(terminal, position.row, position.row + 1);
    terminal->cursor = position;
    return 1;
}

/* libvterm 0.1 hands over a whole string, later versions (0.2) hand over pieces: both begin with the same type only in
 * name, so the title is taken by the version that is compiled against. */
static int on_property(VTermProp property, VTermValue *value, void *user) {
    struct terminal *terminal = user;
    if (property == VTERM_PROP_CURSORVISIBLE) {
        terminal->cursor_hidden = !value->boolean;
        touch(terminal, terminal->cursor.row, terminal->cursor.row + 1);
    } else if (property == VTERM_PROP_TITLE) {
#if VTERM_VERSION_MAJOR == 0 && VTERM_VERSION_MINOR < 2
        strncpy(terminal->title, value->string ? value->string : "", sizeof(terminal->title) - 1);
#else
        size_t room = sizeof(terminal->title) - 1;
        size_t at = value->string.initial ? 0 : terminal->title_length;
        size_t length = value->string.len < room - at ? value->string.len : room - at;
        memcpy(terminal->title + at, value->string.str, length);
        terminal->title_length = at + length;
        terminal->title[at + length] = 0;
#endif
    }
    return 1;
}

static uint32_t rgb(const struct terminal *terminal, VTermColor colour, uint32_t otherwise) {
    if (VTERM_COLOR_IS_DEFAULT_FG(&colour) || VTERM_COLOR_IS_DEFAULT_BG(&colour)) {
        return otherwise;
    }
    vterm_screen_convert_color_to_rgb(terminal->screen, &colour);
    return (uint32_t)colour.rgb.red << 16 | (uint32_t)colour.rgb.green << 8 | colour.rgb.blue;
}

static struct cell to_cell(const struct terminal *terminal, const VTermScreenCell *from) {
    struct cell cell = { from->chars[0], rgb(terminal, from->fg, FOREGROUND), rgb(terminal, from->bg, BACKGROUND) };
    if (from->attrs.reverse) {
        return (struct cell){ cell.code, cell.background, cell.foreground };
    }
    return cell;
}

static int on_line_out(int columns, const VTermScreenCell *cells, void *user) {
    struct terminal *terminal = user;
    unsigned slot = (terminal->history_start + terminal->history_count) % HISTORY;
    if (terminal->history_count == HISTORY) {
        terminal->history_start = (terminal->history_start + 1) % HISTORY;
    } else {
        terminal->history_count++;
    }
    struct line *line = &terminal->history[slot];
    free(line->cells);
    line->cells = calloc((size_t)columns + 1, sizeof(struct cell));
    line->count = line->cells ? columns : 0;
    for (int i = 0; i < line->count; i++) {
        line->cells[i] = to_cell(terminal, &cells[i]);
    }
    if (terminal->back) {
        terminal_scroll(terminal, 1);
    }
    return 1;
}

static int on_line_in(int columns, VTermScreenCell *cells, void *user) {
    struct terminal *terminal = user;
    if (!terminal->history_count) {
        return 0;
    }
    const struct line *line = &terminal->history[(terminal->history_start + --terminal->history_count) % HISTORY];
    for (int i = 0; i < columns; i++) {
        cells[i] = (VTermScreenCell){ .width = 1 };
        cells[i].fg.type = VTERM_COLOR_DEFAULT_FG;
        cells[i].bg.type = VTERM_COLOR_DEFAULT_BG;
        cells[i].chars[0] = i < line->count ? line->cells[i].code : 0;
    }
    return 1;
}

static const VTermScreenCallbacks callbacks = {
    .damage = on_damage,
    .movecursor = on_cursor,
    .settermprop = on_property,
    .sb_pushline = on_line_out,
    .sb_popline = on_line_in,
};

/* ---- Life ---- */
static void on_output(const char *data, size_t size, void *user) {
    const struct terminal *terminal = user;
    terminal->type(terminal->context, data, size);
}

struct terminal *terminal_create(void (*type)(void *context, const void *data, size_t size), void *context) {
    struct terminal *terminal = calloc(1, sizeof(*terminal));
    if (!terminal) {
        return NULL;
    }
    terminal->type = type;
    terminal->context = context;
    terminal->rows = 24;
    terminal->columns = 80;
    terminal->dirty = calloc(1, (size_t)terminal->rows);
    terminal->vterm = vterm_new(terminal->rows, terminal->columns);
    if (!terminal->vterm || !terminal->dirty) {
        terminal_destroy(terminal);
        return NULL;
    }
    vterm_set_utf8(terminal->vterm, 1);
    vterm_output_set_callback(terminal->vterm, on_output, terminal);
    terminal->screen = vterm_obtain_screen(terminal->vterm);
    vterm_screen_set_callbacks(terminal->screen, &callbacks, terminal);
    vterm_screen_set_damage_merge(terminal->screen, VTERM_DAMAGE_ROW);
    vterm_screen_reset(terminal->screen, 1);
    return terminal;
}

void terminal_destroy(struct terminal *terminal) {
    if (!terminal) {
        return;
    }
    if (terminal->vterm) {
        vterm_free(terminal->vterm);
    }
    for (unsigned i = 0; i < HISTORY; i++) {
        free(terminal->history[i].cells);
    }
    free(terminal->dirty);
    free(terminal);
}

void terminal_place(struct terminal *terminal, struct box box, const struct font *font) {
    terminal->box = box;
    terminal->font = font;
    terminal->cell_width = font_letter(font, 'M')->advance;
    terminal->cell_height = font->height + font->size / 8;
    int columns = (box.x1 - box.x0) / terminal->cell_width, rows = (box.y1 - box.y0) / terminal->cell_height;
    columns = columns < 1 ? 1 : columns > COLUMNS_MAX ? COLUMNS_MAX : columns;
    rows = rows < 1 ? 1 : rows;
    bool *dirty = realloc(terminal->dirty, (size_t)rows);
    if (!dirty) {
        return;
    }
    terminal->dirty = dirty;
    terminal->rows = rows;
    terminal->columns = columns;
    vterm_set_size(terminal->vterm, rows, columns);
    touch(terminal, 0, rows);
}

void terminal_print(struct terminal *terminal, const uint8_t *data, size_t size) {
    vterm_input_write(terminal->vterm, (const char *)data, size);
    vterm_screen_flush_damage(terminal->screen);
}

/* ---- Keys ---- */
static void to_newest(struct terminal *terminal) {
    terminal_scroll(terminal, -(int)HISTORY);
}

static VTermModifier modifier(unsigned modifiers) {
    return (modifiers & TERMINAL_SHIFT ? VTERM_MOD_SHIFT : 0) | (modifiers & TERMINAL_ALT ? VTERM_MOD_ALT : 0) |
           (modifiers & TERMINAL_CTRL ? VTERM_MOD_CTRL : 0);
}

void terminal_character(struct terminal *terminal, uint32_t code, unsigned modifiers) {
    to_newest(terminal);
    vterm_keyboard_unichar(terminal->vterm, code, modifier(modifiers & ~TERMINAL_SHIFT));
}

void terminal_key(struct terminal *terminal, enum terminal_key key, unsigned modifiers) {
    static const VTermKey keys[] = {
        [TERMINAL_ENTER] = VTERM_KEY_ENTER,
        [TERMINAL_TAB] = VTERM_KEY_TAB,
        [TERMINAL_BACKSPACE] = VTERM_KEY_BACKSPACE,
        [TERMINAL_ESCAPE] = VTERM_KEY_ESCAPE,
        [TERMINAL_UP] = VTERM_KEY_UP,
        [TERMINAL_DOWN] = VTERM_KEY_DOWN,
        [TERMINAL_LEFT] = VTERM_KEY_LEFT,
        [TERMINAL_RIGHT] = VTERM_KEY_RIGHT,
        [TERMINAL_INSERT] = VTERM_KEY_INS,
        [TERMINAL_DELETE] = VTERM_KEY_DEL,
        [TERMINAL_HOME] = VTERM_KEY_HOME,
        [TERMINAL_END] = VTERM_KEY_END,
        [TERMINAL_PAGE_UP] = VTERM_KEY_PAGEUP,
        [TERMINAL_PAGE_DOWN] = VTERM_KEY_PAGEDOWN,
    };
    to_newest(terminal);
    vterm_keyboard_key(terminal->vterm, keys[key], modifier(modifiers));
}

/* Line feeds become what the Enter key sends. */
void terminal_paste(struct terminal *terminal, const char *text) {
    to_newest(terminal);
    vterm_keyboard_start_paste(terminal->vterm);
    for (uint32_t code = font_next(&text); code; code = font_next(&text)) {
        if (code == '\n') {
            vterm_keyboard_key(terminal->vterm, VTERM_KEY_ENTER, VTERM_MOD_NONE);
        } else if (code != '\r') {
            vterm_keyboard_unichar(terminal->vterm, code, VTERM_MOD_NONE);
        }
    }
    vterm_keyboard_end_paste(terminal->vterm);
}

void terminal_scroll(struct terminal *terminal, int lines) {
    int back = terminal->back + lines;
    back = back < 0 ? 0 : back > (int)terminal->history_count ? (int)terminal->history_count : back;
    if (back != terminal->back) {
        terminal->back = back;
        touch(terminal, 0, terminal->rows);
    }
}

/* ---- Selection ---- */
/* The cell at a line, counted from the oldest in the history. */
static struct cell cell_at(const struct terminal *terminal, int line, int column) {
    int row = line - (int)terminal->history_count;
    if (row < 0) {
        const struct line *old = &terminal->history[(terminal->history_start + (unsigned)line) % HISTORY];
        return column < old->count ? old->cells[column] : (struct cell){ 0, FOREGROUND, BACKGROUND };
    }
    VTermScreenCell cell;
    if (!vterm_screen_get_cell(terminal->screen, (VTermPos){ .row = row, .col = column }, &cell)) {
        return (struct cell){ 0, FOREGROUND, BACKGROUND };
    }
    return to_cell(terminal, &cell);
}

void terminal_select(struct terminal *terminal, int x, int y, bool begin) {
    int row = (y - terminal->box.y0) / terminal->cell_height;
    int column = (x - terminal->box.x0 + terminal->cell_width / 2) / terminal->cell_width;
    row = row < 0 ? 0 : row >= terminal->rows ? terminal->rows - 1 : row;
    column = column < 0 ? 0 : column > terminal->columns ? terminal->columns : column;
    int line = row - terminal->back + (int)terminal->history_count;
    if (begin) {
        terminal->selection[0] = line;
        terminal->selection[1] = column;
    }
    terminal->selection[2] = line;
    terminal->selection[3] = column;
    terminal->selecting = true;
    touch(terminal, 0, terminal->rows);
}

void terminal_unselect(struct terminal *terminal) {
    terminal->selecting = false;
    touch(terminal, 0, terminal->rows);
}

static bool is_selected(const struct terminal *terminal, int line, int column) {
    const int *s = terminal->selection;
    bool forward = s[0] < s[2] || (s[0] == s[2] && s[1] <= s[3]);
    int first = forward ? s[0] : s[2], first_column = forward ? s[1] : s[3];
    int last = forward ? s[2] : s[0], last_column = forward ? s[3] : s[1];
    return terminal->selecting && (line > first || (line == first && column >= first_column)) &&
           (line < last || (line == last && column < last_column));
}

static size_t put_utf8(char *to, uint32_t code) {
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    to[0] = (char)((0xf00 >> more & 0xff) | code >> 6 * more);
    for (unsigned i = 1; i <= more; i++) {
        to[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    }
    return more + 1;
}

char *terminal_selected(struct terminal *terminal) {
    const int *s = terminal->selection;
    int first = s[0] < s[2] ? s[0] : s[2], last = s[0] < s[2] ? s[2] : s[0];
    size_t room = (size_t)(last - first + 1) * ((size_t)terminal->columns * 4 + 1) + 1, length = 0;
    char *text = terminal->selecting && (s[0] != s[2] || s[1] != s[3]) ? malloc(room) : NULL;
    for (int line = first; text && line <= last; line++) {
        size_t end = length;
        for (int column = 0; column < terminal->columns; column++) {
            struct cell cell = cell_at(terminal, line, column);
            if (is_selected(terminal, line, column)) {
                length += put_utf8(text + length, cell.code ? cell.code : ' ');
                end = cell.code && cell.code != ' ' ? length : end;
            }
        }
        length = end;
        if (line < last) {
            text[length++] = '\n';
        }
    }
    if (text) {
        text[length] = 0;
    }
    return text;
}

/* ---- Drawing ---- */
static void draw_cursor(const struct terminal *terminal, struct canvas *canvas, struct box at, struct cell cell,
                        bool focused) {
    if (focused) {
        canvas_fill(canvas, at, CURSOR);
        if (cell.code > ' ') {
            canvas_letter(canvas, terminal->font, at.x0, at.y0, BACKGROUND, cell.code);
        }
    } else {
        canvas_fill(canvas, (struct box){ at.x0, at.y1 - 2, at.x1, at.y1 }, CURSOR);
    }
}

static struct box draw_row(const struct terminal *terminal, struct canvas *canvas, int row, bool focused) {
    int width = terminal->cell_width, height = terminal->cell_height, y = terminal->box.y0 + row * height;
    int line = row - terminal->back + (int)terminal->history_count;
    struct box whole = { terminal->box.x0, y, terminal->box.x1, y + height };
    canvas_fill(canvas, whole, BACKGROUND);
    for (int column = 0; column < terminal->columns; column++) {
        struct cell cell = cell_at(terminal, line, column);
        struct box at = { terminal->box.x0 + column * width, y, terminal->box.x0 + (column + 1) * width, y + height };
        uint32_t background = is_selected(terminal, line, column) ? SELECTION : cell.background;
        if (background != BACKGROUND) {
            canvas_fill(canvas, at, background);
        }
        if (cell.code > ' ' && cell.code <= 0x10ffff) {
            canvas_letter(canvas, terminal->font, at.x0, at.y0, cell.foreground, cell.code);
        }
        bool here = row - terminal->back == terminal->cursor.row && column == terminal->cursor.col;
        if (here && !terminal->cursor_hidden) {
            draw_cursor(terminal, canvas, at, cell, focused);
        }
    }
    return whole;
}

struct box terminal_draw(struct terminal *terminal, struct canvas *canvas, bool focused, bool all) {
    struct box drawn = { 0 };
    if (all) {
        canvas_fill(canvas, terminal->box, BACKGROUND);
        drawn = terminal->box;
    }
    if (all || focused != terminal->was_focused) {
        touch(terminal, 0, terminal->rows);
    }
    terminal->was_focused = focused;
    struct box clip = canvas_clip(canvas, box_common(terminal->box, canvas->clip));
    for (int row = 0; row < terminal->rows; row++) {
        if (terminal->dirty[row]) {
            drawn = box_both(drawn, draw_row(terminal, canvas, row, focused));
            terminal->dirty[row] = false;
        }
    }
    canvas->clip = clip;
    return drawn;
}

const char *terminal_title(const struct terminal *terminal) {
    return terminal->title;
}
