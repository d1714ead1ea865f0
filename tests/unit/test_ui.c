/* The window's contents driven as a user drives them, without a window system; and SDL's dummy driver at the end. */
#include "tests/unit/unit.h"

#include "gui/ui.h"
#include "gui/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char diagram[] =
    "{ \"version\": 1, \"parts\": ["
    "  { \"id\": \"pico\", \"type\": \"wokwi-pi-pico\", \"left\": 0, \"top\": 0 },"
    "  { \"id\": \"pot\", \"type\": \"wokwi-potentiometer\", \"left\": 150, \"top\": 0 },"
    "  { \"id\": \"turned\", \"type\": \"wokwi-potentiometer\", \"left\": 150, \"top\": 100, \"rotate\": 90 },"
    "  { \"id\": \"btn\", \"type\": \"wokwi-pushbutton\", \"left\": 300, \"top\": 0, \"attrs\": { \"key\": \"b\" } },"
    "  { \"id\": \"led\", \"type\": \"wokwi-led\", \"left\": 300, \"top\": 100 } ],"
    "  \"connections\": [ [ \"pico:3V3\", \"led:A\", \"red\", [] ], [ \"pico:GND.1\", \"led:C\", \"black\", [] ],"
    "  [ \"pico:GP2\", \"btn:1.l\", \"green\", [ \"v10\" ] ] ] }";

enum { PICO, POT, TURNED, BTN, LED };

struct desk {
    struct project project;
    struct feed *feed;
    struct ui *ui;
    uint64_t now_ns;
    char copied[64];
};

static void frame(struct desk *desk, struct ui_damage *damage) {
    struct ui_damage unused;
    feed_step(desk->feed, desk->now_ns * 1000, 0);
    desk->now_ns += 20000000;
    ui_frame(desk->ui, desk->now_ns, damage ? damage : &unused);
}

static void settle(struct desk *desk) {
    for (unsigned i = 0; i < 4; i++) {
        frame(desk, NULL);
    }
}

static void copy(void *context, const char *text) {
    struct desk *desk = context;
    snprintf(desk->copied, sizeof(desk->copied), "%s", text);
}

static void set_control(void *context, const char *part, const char *control, double value) {
    struct project_part *found = project_find(context, part, NULL);
    part_set(found->part, control, value, NULL);
}

static int setup(void **state) {
    struct desk *desk = calloc(1, sizeof(*desk));
    struct findings findings = { 0 };
    struct error error = { { 0 } };
    assert_true(project_read_text(&desk->project, diagram, strlen(diagram), NULL, &findings));
    assert_true(project_build(&desk->project, NULL, &findings));
    desk->feed = feed_create(&desk->project, set_control, &desk->project, &error);
    assert_non_null(desk->feed);
    struct ui_desc desc = {
        .project = &desk->project, .feed = desk->feed, .title = "test", .scale = 1, .context = desk, .copy = copy
    };
    desk->ui = ui_create(&desc, &error);
    assert_non_null(desk->ui);
    assert_true(ui_resize(desk->ui, 1000, 700));
    settle(desk);
    *state = desk;
    return 0;
}

static int teardown(void **state) {
    struct desk *desk = *state;
    ui_destroy(desk->ui);
    feed_destroy(desk->feed);
    project_finish(&desk->project);
    free(desk);
    return 0;
}

static double value(struct desk *desk, unsigned part, const char *control) {
    double number = NAN;
    assert_true(part_get(desk->project.parts[part].part, control, &number, NULL));
    return number;
}

static void middle(struct desk *desk, unsigned part, int *x, int *y) {
    struct box box = ui_control_box(desk->ui, part, 0);
    *x = (box.x0 + box.x1) / 2;
    *y = (box.y0 + box.y1) / 2;
}

static bool typed(struct desk *desk, const char *text) {
    uint8_t bytes[64];
    size_t size = feed_typed(desk->feed, bytes, sizeof(bytes));
    return size == strlen(text) && memcmp(bytes, text, size) == 0;
}

/* A knob of 270 degrees from 0 to 1: a quarter turn is a third, wherever it is taken hold of. */
static void turn(struct desk *desk, unsigned part) {
    int x, y;
    middle(desk, part, &x, &y);
    ui_mouse_button(desk->ui, x, y - 20, 1, true, 0);
    for (unsigned i = 1; i <= 9; i++) {
        double angle = i * M_PI / 18;
        ui_mouse_move(desk->ui, x + (int)lround(20 * sin(angle)), y - (int)lround(20 * cos(angle)));
        frame(desk, NULL);
    }
    ui_mouse_button(desk->ui, x + 20, y, 1, false, 0);
    settle(desk);
    assert_true(fabs(value(desk, part, "position") - 1.0 / 3) < 0.03);
}

static void knob_follows_the_mouse(void **state) {
    turn(*state, POT);
    turn(*state, TURNED);
}

static void wheel_and_keys_step(void **state) {
    struct desk *desk = *state;
    int x, y;
    middle(desk, POT, &x, &y);
    ui_mouse_move(desk->ui, x, y);
    ui_mouse_wheel(desk->ui, x, y, 3, 0);
    settle(desk);
    assert_true(fabs(value(desk, POT, "position") - 0.03) < 1e-9);
    ui_mouse_button(desk->ui, x, y, 1, true, 0); /* the board's turn at the keyboard */
    ui_mouse_button(desk->ui, x, y, 1, false, 0);
    ui_key(desk->ui, UI_PAGE_UP, 0, 0, true, false);
    settle(desk);
    assert_true(fabs(value(desk, POT, "position") - 0.13) < 1e-9);
    ui_key(desk->ui, UI_END, 0, 0, true, false);
    ui_key(desk->ui, UI_RIGHT, 0, 0, true, false);
    settle(desk);
    assert_true(value(desk, POT, "position") == 1);
}

static void button_is_down_as_long_as_it_is_held(void **state) {
    struct desk *desk = *state;
    int x, y;
    middle(desk, BTN, &x, &y);
    ui_mouse_button(desk->ui, x, y, 1, true, 0);
    settle(desk);
    assert_true(value(desk, BTN, "pressed") == 1);
    ui_mouse_move(desk->ui, 1, 1); /* wherever the mouse goes */
    settle(desk);
    assert_true(value(desk, BTN, "pressed") == 1);
    ui_mouse_button(desk->ui, 1, 1, 1, false, 0);
    settle(desk);
    assert_true(value(desk, BTN, "pressed") == 0);
    ui_key(desk->ui, UI_OTHER_KEY, 'b', 0, true, false);
    settle(desk);
    assert_true(value(desk, BTN, "pressed") == 1);
    ui_unfocus(desk->ui);
    settle(desk);
    assert_true(value(desk, BTN, "pressed") == 0);
}

/* A press that is over before the machine looks is still a press and a release. */
static void no_press_is_lost(void **state) {
    struct desk *desk = *state;
    feed_set(desk->feed, BTN, 0, 1);
    feed_set(desk->feed, BTN, 0, 0);
    feed_set(desk->feed, BTN, 0, 1);
    settle(desk);
    assert_true(value(desk, BTN, "pressed") == 1);
}

static void tools_ask_for_pause_and_reset(void **state) {
    struct desk *desk = *state;
    ui_key(desk->ui, UI_F5, 0, 0, true, false);
    assert_true(feed_step(desk->feed, 0, 0).paused);
    assert_true(feed_step(desk->feed, 0, 0).paused);
    ui_key(desk->ui, UI_F6, 0, 0, true, false);
    assert_true(feed_step(desk->feed, 0, 0).reset);
    assert_false(feed_step(desk->feed, 0, 0).reset);
    ui_key(desk->ui, UI_F5, 0, 0, true, false);
    assert_false(feed_step(desk->feed, 0, 0).paused);
}

/* Nothing is drawn when nothing has changed, but for the status line and the chosen part ten times a second. */
static void quiet_frames_draw_nothing(void **state) {
    struct desk *desk = *state;
    unsigned quiet = 0, pixels = 0;
    for (unsigned i = 0; i < 50; i++) {
        struct ui_damage damage;
        frame(desk, &damage);
        quiet += damage.count == 0;
        for (unsigned k = 0; k < damage.count; k++) {
            pixels += (unsigned)((damage.boxes[k].x1 - damage.boxes[k].x0) * (damage.boxes[k].y1 - damage.boxes[k].y0));
        }
    }
    assert_true(quiet >= 35);
    assert_true(pixels < 50 * 1000 * 700 / 10);
}

static uint32_t pixel(struct desk *desk, int x, int y) {
    const struct canvas *canvas = ui_canvas(desk->ui);
    return canvas->pixels[y * canvas->width + x];
}

static void what_parts_show_is_drawn(void **state) {
    struct desk *desk = *state;
    const struct shown *shown;
    bool fresh;
    shown = feed_latest(desk->feed, &fresh);
    const struct part_view *light = &shown->parts[LED].views[0].view;
    struct box box = ui_control_box(desk->ui, POT, 0); /* its knob has a red mark at -135 degrees */
    assert_true(light->kind == PART_LIGHT && light->light.brightness == 1);
    unsigned red = 0;
    for (int y = box.y0; y < box.y1; y++) {
        for (int x = box.x0; x < box.x1; x++) {
            uint32_t colour = pixel(desk, x, y);
            red += (colour >> 16) > 0xb0 && (colour >> 8 & 0xff) < 0x60;
        }
    }
    assert_true(red > 5);
}

static void board_and_repl_take_turns_at_the_keyboard(void **state) {
    struct desk *desk = *state;
    ui_text(desk->ui, "x");
    ui_key(desk->ui, UI_ENTER, 0, 0, true, false);
    ui_key(desk->ui, UI_OTHER_KEY, 'c', UI_CTRL, true, false);
#ifdef HAVE_VTERM
    assert_true(typed(desk, "x\r\x03"));
    feed_print(desk->feed, (const uint8_t *)"hello\r\n", 7);
    settle(desk);
    for (int y = 660; y > 100 && !desk->copied[0]; y -= 4) { /* wherever its line is */
        ui_mouse_button(desk->ui, 10, y, 1, true, 0);
        ui_mouse_move(desk->ui, 640, y);
        ui_mouse_button(desk->ui, 640, y, 1, false, 0);
        ui_key(desk->ui, UI_OTHER_KEY, 'c', UI_CTRL | UI_SHIFT, true, false);
    }
    assert_string_equal(desk->copied, "hello");
#endif
    ui_mouse_button(desk->ui, 20, 60, 1, true, 0);
    ui_mouse_button(desk->ui, 20, 60, 1, false, 0);
    ui_text(desk->ui, "x");
    assert_true(typed(desk, ""));
}

static void any_size_will_do(void **state) {
    struct desk *desk = *state;
    static const int sizes[][2] = { { 64, 64 }, { 300, 900 }, { 2000, 100 }, { 1, 1 }, { 900, 700 } };
    for (unsigned i = 0; i < 5; i++) {
        assert_true(ui_resize(desk->ui, sizes[i][0], sizes[i][1]));
        settle(desk);
        ui_key(desk->ui, UI_F1, 0, 0, true, false);
        settle(desk);
        ui_key(desk->ui, UI_F1, 0, 0, true, false);
        for (unsigned zoom = 0; zoom < 30; zoom++) {
            ui_mouse_move(desk->ui, 30, 40);
            ui_mouse_wheel(desk->ui, 30, 40, i & 1 ? 1 : -1, UI_CTRL);
        }
        settle(desk);
    }
}

static int machine(void *context) {
    struct feed *feed = context;
    uint64_t time = 0;
    while (!feed_step(feed, time, 0).leave) {
        time += 1000000000;
        feed_wait(feed, 1);
    }
    return 5;
}

static void window_opens_and_closes(void **state) {
    struct desk *desk = *state;
    struct error error = { { 0 } };
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    struct window_desc desc = { .project = &desk->project, .title = "test", .frames = 10 };
    struct window *window = window_open(&desc, &error);
#ifdef HAVE_SDL
    assert_non_null(window);
    assert_int_equal(window_run(window, machine, window_feed(window)), 5);
#else
    assert_null(window);
    assert_true(error.message[0]);
    (void)machine;
#endif
    window_close(window);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(knob_follows_the_mouse, setup, teardown),
        cmocka_unit_test_setup_teardown(wheel_and_keys_step, setup, teardown),
        cmocka_unit_test_setup_teardown(button_is_down_as_long_as_it_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(no_press_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(tools_ask_for_pause_and_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(quiet_frames_draw_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_parts_show_is_drawn, setup, teardown),
        cmocka_unit_test_setup_teardown(board_and_repl_take_turns_at_the_keyboard, setup, teardown),
        cmocka_unit_test_setup_teardown(any_size_will_do, setup, teardown),
        cmocka_unit_test_setup_teardown(window_opens_and_closes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
