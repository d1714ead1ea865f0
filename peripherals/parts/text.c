/* Lettering beside the parts, as Wokwi's diagrams have it: no pins, LINES lines of up to LETTERS letters are shown.
 * Size and colour (`fontSize`, `color`) are taken and have no effect. */
#include "peripherals/parts/parts.h"

#include <math.h>
#include <string.h>

#define LINES PART_VIEWS
#define LETTERS 63
#define LINE_MM 3.0
#define LETTER_MM 1.65 /* from one to the next */

struct text {
    struct part part;
    char lines[LINES][LETTERS + 1];
};

static bool text_init(struct part *part, struct error *error) {
    struct text *text = (struct text *)part;
    const char *from = part->values[0].text;
    for (unsigned i = 0; i < LINES && *from; i++) {
        size_t length = strcspn(from, "\n"), shown = length < LETTERS ? length : LETTERS;
        double width = LETTER_MM * (double)(shown ? shown : 1);
        memcpy(text->lines[i], from, shown);
        part->views[i] = (struct part_view){ .kind = PART_LABEL, .name = "text", 0, i * LINE_MM, width, 2.2 };
        part->views[i].text = text->lines[i];
        part->view_count = i + 1;
        part->face.width = fmax(part->face.width, width);
        part->face.height = part->view_count * LINE_MM;
        from += length + (from[length] == '\n');
    }
    return true;
}

const struct part_class text_class = {
    .type = "text",
    .aliases = (const char *const[]){ "wokwi-text", NULL },
    .title = "lettering",
    .pins = (const struct part_pin[]){ { 0 } },
    .attributes =
        (const struct part_attribute[]){
            { "text", PART_TEXT, "" }, { "fontSize", PART_TEXT, "" }, { "color", PART_TEXT, "" }, { 0 } },
    .face = { LETTER_MM, LINE_MM, NULL, 0 },
    .colour = PART_NO_BODY,
    .size = sizeof(struct text),
    .init = text_init,
};
