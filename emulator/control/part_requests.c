/* part.* and picture: controls and views of the parts of the project. */
#include "emulator/control/arguments.h"
#include "emulator/control/bytes.h"
#include "emulator/control/control_private.h"
#include "emulator/project/scene.h"
#include "peripherals/parts/part_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRESS_PS (100 * PS_PER_MS)
#define SCALE_MAX 60.0 /* pixels a millimetre */

/* ---- Finding ---- */

static const struct project_part *find_part(struct control *control, json_t *request, struct error *error) {
    const char *id = NULL;
    if (!argument_is_there(request, "part", error) || !argument_text(request, "part", &id, error)) {
        return NULL;
    }
    return project_find(session_project(control->session), id, error);
}

static const struct part_control *say_no_control(const struct part_class *class, const char *name,
                                                 struct error *error) {
    const char *words[32] = { NULL };
    for (unsigned i = 0; i < part_control_count(class) && i < 31; i++) {
        words[i] = class->controls[i].name;
    }
    if (words[0]) {
        say_unknown_word(error, "control", name, words);
    } else {
        error_set(error, "a part of type \"%s\" has no controls", class->type);
    }
    return NULL;
}

static const struct part_control *only_button(const struct part_class *class, struct error *error) {
    const struct part_control *found = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < part_control_count(class); i++) {
        if (class->controls[i].kind == PART_BUTTON) {
            found = &class->controls[i];
            count++;
        }
    }
    error_set(error, "a part of type \"%s\" has %u buttons; name one as \"control\"", class->type, count);
    return count == 1 ? found : NULL;
}

static const struct part_control *find_control(const struct part_class *class, json_t *request, struct error *error) {
    const char *name = NULL;
    if (!argument_is_there(request, "control", error) || !argument_text(request, "control", &name, error)) {
        return NULL;
    }
    int index = part_control_find(class, name);
    return index < 0 ? say_no_control(class, name, error) : &class->controls[index];
}

/* ---- Lists ---- */

static const char *control_kind_name(enum part_control_kind kind) {
    static const char *const names[] = {
        [PART_KNOB] = "knob", [PART_SLIDER] = "slider", [PART_BUTTON] = "button", [PART_SWITCH] = "switch"
    };
    return names[kind];
}

static json_t *list_controls(const struct part_class *class, struct part *part) {
    json_t *list = json_array();
    for (unsigned i = 0; i < part_control_count(class); i++) {
        const struct part_control *from = &class->controls[i];
        double value = 0;
        json_t *put = json_object();
        json_object_set_new(put, "control", json_string(from->name));
        json_object_set_new(put, "kind", json_string(control_kind_name(from->kind)));
        json_object_set_new(put, "unit", from->unit ? json_string(from->unit) : json_null());
        json_object_set_new(put, "min", json_real(from->min));
        json_object_set_new(put, "max", json_real(from->max));
        if (part_get(part, from->name, &value, NULL)) {
            json_object_set_new(put, "value", json_real(value));
        }
        json_array_append_new(list, put);
    }
    return list;
}

static json_t *list_pins(const struct part_class *class) {
    json_t *list = json_array();
    for (unsigned i = 0; i < part_pin_count(class); i++) {
        json_array_append_new(list, json_string(class->pins[i].name));
    }
    return list;
}

static enum control_outcome handle_list(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const struct project *project = session_project(control->session);
    json_t *list = json_array();
    for (unsigned i = 0; i < project->part_count; i++) {
        const struct project_part *part = &project->parts[i];
        json_t *put = json_object();
        json_object_set_new(put, "part", json_string(part->from->id));
        json_object_set_new(put, "type", json_string(part->class->type));
        json_object_set_new(put, "title", json_string(part->class->title));
        json_object_set_new(put, "board", json_boolean(part->is_board));
        json_array_append_new(list, put);
    }
    json_object_set_new(reply, "parts", list);
    return CONTROL_DONE;
}

static enum control_outcome handle_describe(struct control *control, json_t *request, json_t *reply,
                                            struct error *error) {
    const struct project_part *part = find_part(control, request, error);
    if (!part) {
        return CONTROL_FAILED;
    }
    json_object_set_new(reply, "type", json_string(part->class->type));
    json_object_set_new(reply, "title", json_string(part->class->title));
    json_object_set_new(reply, "pins", list_pins(part->class));
    json_object_set_new(reply, "controls", list_controls(part->class, part->part));
    return CONTROL_DONE;
}

/* ---- Controls ---- */

/* A number, true or false, or a text with a unit. */
static bool parse_value(json_t *request, const struct part_control *to, double *ret_value, struct error *error) {
    json_t *value = json_object_get(request, "value");
    if (!argument_is_there(request, "value", error)) {
        return false;
    }
    if (json_is_string(value)) {
        return part_parse_control(to, json_string_value(value), ret_value, error);
    }
    if (json_is_boolean(value)) {
        *ret_value = json_is_true(value);
    } else if (!argument_number(request, "value", ret_value, error)) {
        return false;
    }
    return part_check_control(to, ret_value, error);
}

static enum control_outcome handle_set(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const struct project_part *part = find_part(control, request, error);
    const struct part_control *to = part ? find_control(part->class, request, error) : NULL;
    double value;
    if (!to || !parse_value(request, to, &value, error)) {
        return CONTROL_FAILED;
    }
    const struct input input = { .kind = INPUT_CONTROL, .part = part->from->id, .name = to->name, .value = value };
    return control_apply(control, &input, request, error) ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_get(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const struct project_part *part = find_part(control, request, error);
    const struct part_control *from = part ? find_control(part->class, request, error) : NULL;
    double value;
    if (!from || !part_get(part->part, from->name, &value, error)) {
        return CONTROL_FAILED;
    }
    json_object_set_new(reply, "value", json_real(value));
    json_object_set_new(reply, "unit", from->unit ? json_string(from->unit) : json_null());
    return CONTROL_DONE;
}

static enum control_outcome handle_press(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const struct project_part *part = find_part(control, request, error);
    const struct part_control *button = !part ? NULL
                                        : json_object_get(request, "control")
                                            ? find_control(part->class, request, error)
                                            : only_button(part->class, error);
    uint64_t length_ps = PRESS_PS;
    if (!button || !argument_time(request, "for", &length_ps, error)) {
        return CONTROL_FAILED;
    }
    struct input input = { .kind = INPUT_CONTROL, .part = part->from->id, .name = button->name, .value = 1 };
    if (button->kind != PART_BUTTON) {
        error_set(error, "control \"%s\" is a %s and no button; part.set sets it", button->name,
                  control_kind_name(button->kind));
        return CONTROL_FAILED;
    }
    if (!control_apply(control, &input, request, error)) {
        return CONTROL_FAILED;
    }
    input.value = 0;
    return control_apply_later(control, &input, request, length_ps, error) ? CONTROL_DONE : CONTROL_FAILED;
}

/* ---- Views ---- */

static void put_colour(json_t *put, uint32_t colour) {
    char text[8];
    snprintf(text, sizeof(text), "#%06x", colour & 0xffffff);
    json_object_set_new(put, "colour", json_string(text));
}

static void put_screen(json_t *put, const struct part_view *view) {
    json_object_set_new(put, "kind", json_string("screen"));
    json_object_set_new(put, "width", json_integer(view->screen.width));
    json_object_set_new(put, "height", json_integer(view->screen.height));
    json_object_set_new(put, "generation", json_integer((json_int_t)view->screen.generation));
    json_object_set_new(put, "on", json_boolean(view->screen.on));
    json_object_set_new(put, "brightness", json_real(view->screen.brightness));
}

static json_t *view_to_json(const struct part_view *view) {
    json_t *put = json_object();
    json_object_set_new(put, "view", json_string(view->name ? view->name : ""));
    switch (view->kind) {
    case PART_SCREEN:
        put_screen(put, view);
        break;
    case PART_LIGHT:
        json_object_set_new(put, "kind", json_string("light"));
        put_colour(put, view->light.colour);
        json_object_set_new(put, "brightness", json_real(view->light.brightness));
        break;
    case PART_POINTER:
        json_object_set_new(put, "kind", json_string("pointer"));
        json_object_set_new(put, "degrees", json_real(view->pointer.degrees));
        break;
    case PART_LABEL:
        json_object_set_new(put, "kind", json_string("label"));
        json_object_set_new(put, "text", json_string(view->text ? view->text : ""));
        break;
    }
    return put;
}

static enum control_outcome handle_views(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const struct project_part *part = find_part(control, request, error);
    const struct part_view *view;
    if (!part) {
        return CONTROL_FAILED;
    }
    json_t *list = json_array();
    for (unsigned i = 0; (view = part_view(part->part, i)); i++) {
        json_array_append_new(list, view_to_json(view));
    }
    json_object_set_new(reply, "views", list);
    return CONTROL_DONE;
}

/* ---- Pictures ---- */

static bool draw(struct control *control, json_t *request, struct picture *ret_picture, struct error *error) {
    double scale = SCENE_SCALE;
    if (!argument_number(request, "scale", &scale, error)) {
        return false;
    }
    if (!(scale > 0 && scale <= SCALE_MAX)) {
        error_set(error, "\"scale\" is not from 0 to %g pixels a millimetre", SCALE_MAX);
        return false;
    }
    if (!json_object_get(request, "part")) {
        return scene_draw(session_project(control->session), scale, ret_picture, error);
    }
    const struct project_part *part = find_part(control, request, error);
    return part && scene_draw_part(part, scale, ret_picture, error);
}

static bool put_picture(json_t *reply, const struct picture *picture, const char *file, struct error *error) {
    uint8_t *bytes;
    size_t size;
    json_object_set_new(reply, "width", json_integer(picture->width));
    json_object_set_new(reply, "height", json_integer(picture->height));
    if (file) {
        return picture_save(picture, file, error);
    }
    if (!picture_encode(picture, &bytes, &size, error)) {
        return false;
    }
    bool ok = bytes_to_base64(reply, "png", bytes, size);
    error_set(error, "out of memory");
    free(bytes);
    return ok;
}

static enum control_outcome handle_picture(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    struct picture picture;
    const char *file = NULL;
    if (!argument_text(request, "file", &file, error) || !draw(control, request, &picture, error)) {
        return CONTROL_FAILED;
    }
    bool ok = put_picture(reply, &picture, file, error);
    picture_finish(&picture);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

const struct control_request control_part_requests[] = {
    { "part.list", handle_list, { NULL }, "the parts of the project, the board among them" },
    { "part.describe", handle_describe, { "part", NULL }, "pins and controls of a part" },
    { "part.set", handle_set, { "part", "control", "value", "at", NULL }, "set a control" },
    { "part.get", handle_get, { "part", "control", NULL }, "the value of a control" },
    { "part.press",
      handle_press,
      { "part", "control", "for", "at", NULL },
      "press a button, and let it go after so long" },
    { "part.views", handle_views, { "part", NULL }, "what a part shows: lights, screens, pointers, labels" },
    { "picture", handle_picture, { "part", "scale", "file", NULL }, "the project, or one part, as a PNG picture" },
    { NULL },
};
