/* SDL 2. Everything is drawn by ui.c into memory; SDL shows the parts that have changed, which needs no GPU and little
 * time. A frame lasts at least FRAME_NS, and as much longer as it takes to keep this thread's work within SHARE of a
 * core.
 *
 * High density: window pixels are the screen's where SDL gives them (SDL_WINDOW_ALLOW_HIGHDPI); letters and panes grow
 * with the display's dots an inch, or by OUROBOARD_SCALE. */
#define SDL_MAIN_HANDLED
#include "gui/window.h"

#include "emulator/project/picture.h"
#include "gui/ui.h"

#include <SDL.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_NS 16666667
#define FRAME_MAX_NS 200000000
#define SHARE 0.12
#define DOTS_AN_INCH 96.0
#define PICTURES 10000

struct window {
    struct window_desc desc;
    struct feed *feed;
    struct ui *ui;
    SDL_Window *window;
    double density; /* pixels of the canvas for one of SDL's mouse coordinates */
    pthread_t thread;
    int (*work)(void *context);
    void *context;
    int result;
    _Atomic bool done;
    bool leaving;
    double cost_ns; /* of a frame, smoothed */
    struct window_cost cost;
};

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Services for the ui ---- */
static void copy(void *context, const char *text) {
    SDL_SetClipboardText(text);
}

static char *paste(void *context) {
    char *text = SDL_GetClipboardText(), *own = text ? strdup(text) : NULL;
    SDL_free(text);
    return own;
}

static bool is_free(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file) {
        fclose(file);
    }
    return !file;
}

static void screenshot(void *context, struct ui *ui) {
    struct error error;
    char path[64], text[sizeof(error.message) + 80];
    for (unsigned i = 1; i < PICTURES; i++) {
        snprintf(path, sizeof(path), "ouroboard-%03u.png", i);
        if (is_free(path)) {
            break;
        }
    }
    const struct canvas *canvas = ui_canvas(ui);
    struct picture picture = { (unsigned)canvas->width, (unsigned)canvas->height, canvas->pixels };
    bool ok = picture_save(&picture, path, &error);
    snprintf(text, sizeof(text), ok ? "saved as %s" : "%s", ok ? path : error.message);
    ui_say(ui, text);
}

/* ---- Sizes ---- */
static double ui_scale(void) {
    const char *wanted = getenv("OUROBOARD_SCALE");
    double scale = wanted ? atof(wanted) : 0;
    float dots = 0;
    if (scale <= 0 && SDL_GetDisplayDPI(0, &dots, NULL, NULL) == 0) {
        scale = (int)(dots / DOTS_AN_INCH * 4 + 0.5) / 4.0;
    }
    return scale < 1.25 ? (wanted && scale > 0.5 ? scale : 1) : scale > 4 ? 4 : scale;
}

/* The canvas as large as the window's pixels. */
static bool fit_canvas(struct window *window) {
    int width, height, points;
    SDL_GetWindowSizeInPixels(window->window, &width, &height);
    SDL_GetWindowSize(window->window, &points, NULL);
    window->density = points ? (double)width / points : 1;
    return ui_resize(window->ui, width < 64 ? 64 : width, height < 64 ? 64 : height);
}

static SDL_Window *make_window(struct window *window) {
    SDL_Rect room = { 0, 0, 1280, 800 };
    SDL_GetDisplayUsableBounds(0, &room);
    int width = room.w, height = room.h;
    ui_best_size(window->ui, &width, &height);
    const char *title = window->desc.title ? window->desc.title : "Ouroboard";
    return SDL_CreateWindow(title, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, width, height,
                            SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
}

/* ---- Life ---- */
static bool start_sdl(struct error *error) {
    SDL_SetMainReady();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) == 0) {
        return true;
    }
    error_set(error, "no window: %s", SDL_GetError());
    return false;
}

struct window *window_open(const struct window_desc *desc, struct error *error) {
    const char *driver = getenv("SDL_VIDEODRIVER"), *display = getenv("DISPLAY"), *wayland = getenv("WAYLAND_DISPLAY");
    if (!(driver && *driver) && !(display && *display) && !(wayland && *wayland)) {
        error_set(error, "no window: there is no display (DISPLAY and WAYLAND_DISPLAY are not set)");
        return NULL;
    }
    struct window *window = calloc(1, sizeof(*window));
    if (!window || !start_sdl(error)) {
        free(window);
        return NULL;
    }
    window->desc = *desc;
    window->feed = feed_create(desc->project, desc->set, desc->set_context, error);
    struct ui_desc ui = { .project = desc->project,
                          .feed = window->feed,
                          .title = desc->title,
                          .scale = ui_scale(),
                          .context = window,
                          .copy = copy,
                          .paste = paste,
                          .screenshot = screenshot };
    window->ui = window->feed ? ui_create(&ui, error) : NULL;
    window->window = window->ui ? make_window(window) : NULL;
    if (window->ui && (!window->window || !fit_canvas(window))) {
        error_set(error, "no window: %s", window->window ? "out of memory" : SDL_GetError());
    } else if (window->ui) {
        SDL_StartTextInput();
        return window;
    }
    window_close(window);
    return NULL;
}

void window_close(struct window *window) {
    if (window) {
        ui_destroy(window->ui);
        feed_destroy(window->feed);
        if (window->window) {
            SDL_DestroyWindow(window->window);
        }
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
        SDL_Quit();
        free(window);
    }
}

struct feed *window_feed(struct window *window) {
    return window->feed;
}

/* ---- Events ---- */
static unsigned modifiers(unsigned sdl) {
    return (sdl & KMOD_SHIFT ? UI_SHIFT : 0) | (sdl & KMOD_CTRL ? UI_CTRL : 0) | (sdl & KMOD_LALT ? UI_ALT : 0);
}

static enum ui_key ui_key_of(SDL_Keycode code) {
    static const struct {
        SDL_Keycode sdl;
        enum ui_key key;
    } keys[] = {
        { SDLK_RETURN, UI_ENTER },
        { SDLK_KP_ENTER, UI_ENTER },
        { SDLK_TAB, UI_TAB },
        { SDLK_BACKSPACE, UI_BACKSPACE },
        { SDLK_ESCAPE, UI_ESCAPE },
        { SDLK_UP, UI_UP },
        { SDLK_DOWN, UI_DOWN },
        { SDLK_LEFT, UI_LEFT },
        { SDLK_RIGHT, UI_RIGHT },
        { SDLK_INSERT, UI_INSERT },
        { SDLK_DELETE, UI_DELETE },
        { SDLK_HOME, UI_HOME },
        { SDLK_END, UI_END },
        { SDLK_PAGEUP, UI_PAGE_UP },
        { SDLK_PAGEDOWN, UI_PAGE_DOWN },
        { SDLK_F1, UI_F1 },
        { SDLK_F5, UI_F5 },
        { SDLK_F6, UI_F6 },
        { SDLK_F12, UI_F12 },
        { SDLK_PRINTSCREEN, UI_F12 },
    };
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (keys[i].sdl == code) {
            return keys[i].key;
        }
    }
    return UI_OTHER_KEY;
}

static void on_key(struct window *window, const SDL_KeyboardEvent *event) {
    SDL_Keycode code = event->keysym.sym;
    enum ui_key key = ui_key_of(code);
    bool letter = key == UI_OTHER_KEY && code >= ' ' && code < 0x110000;
    ui_key(window->ui, key, letter ? (uint32_t)code : 0, modifiers(event->keysym.mod), event->type == SDL_KEYDOWN,
           event->repeat);
}

static int pixel(const struct window *window, int coordinate) {
    return (int)(coordinate * window->density);
}

static void on_window(struct window *window, const SDL_WindowEvent *event) {
    switch (event->event) {
    case SDL_WINDOWEVENT_SIZE_CHANGED:
        if (!fit_canvas(window)) {
            feed_leave(window->feed);
        }
        break;
    case SDL_WINDOWEVENT_EXPOSED:
        SDL_GetWindowSurface(window->window);
        SDL_UpdateWindowSurface(window->window);
        break;
    case SDL_WINDOWEVENT_LEAVE:
        ui_mouse_leave(window->ui);
        break;
    case SDL_WINDOWEVENT_FOCUS_LOST:
        ui_unfocus(window->ui);
        break;
    default:
        break;
    }
}

static void on_button(struct window *window, const SDL_MouseButtonEvent *event) {
    bool down = event->type == SDL_MOUSEBUTTONDOWN;
    SDL_CaptureMouse(down); /* a drag goes on outside the window */
    ui_mouse_button(window->ui, pixel(window, event->x), pixel(window, event->y), event->button, down,
                    modifiers(SDL_GetModState()));
}

static void handle(struct window *window, const SDL_Event *event) {
    switch (event->type) {
    case SDL_QUIT:
        window->leaving = true;
        feed_leave(window->feed);
        break;
    case SDL_WINDOWEVENT:
        on_window(window, &event->window);
        break;
    case SDL_KEYDOWN:
    case SDL_KEYUP:
        on_key(window, &event->key);
        break;
    case SDL_TEXTINPUT:
        ui_text(window->ui, event->text.text);
        break;
    case SDL_MOUSEMOTION:
        ui_mouse_move(window->ui, pixel(window, event->motion.x), pixel(window, event->motion.y));
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:
        on_button(window, &event->button);
        break;
    case SDL_MOUSEWHEEL:
        ui_mouse_wheel(window->ui, pixel(window, event->wheel.mouseX), pixel(window, event->wheel.mouseY),
                       event->wheel.preciseY, modifiers(SDL_GetModState()));
        break;
    default:
        break;
    }
}

/* ---- Frames ---- */
static void show(struct window *window, const struct ui_damage *damage) {
    const struct canvas *canvas = ui_canvas(window->ui);
    SDL_Surface *to = damage->count ? SDL_GetWindowSurface(window->window) : NULL;
    SDL_Surface *from = to ? SDL_CreateRGBSurfaceWithFormatFrom(canvas->pixels, canvas->width, canvas->height, 32,
                                                                canvas->width * 4, SDL_PIXELFORMAT_RGB888)
                           : NULL;
    SDL_Rect rects[UI_BOXES];
    for (unsigned i = 0; from && i < damage->count; i++) {
        struct box box = damage->boxes[i];
        rects[i] = (SDL_Rect){ box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0 };
        SDL_Rect at = rects[i];
        SDL_BlitSurface(from, &rects[i], to, &at);
    }
    if (from) {
        SDL_UpdateWindowSurfaceRects(window->window, rects, (int)damage->count);
        SDL_FreeSurface(from);
    }
}

static void frame(struct window *window) {
    struct ui_damage damage;
    ui_frame(window->ui, clock_ns(CLOCK_MONOTONIC), &damage);
    show(window, &damage);
    window->cost.frames++;
    if (window->desc.frames && window->cost.frames >= window->desc.frames && !window->leaving) {
        window->leaving = true;
        feed_leave(window->feed);
    }
}

static uint64_t period(const struct window *window) {
    double needed = window->cost_ns / SHARE;
    return needed < FRAME_NS ? FRAME_NS : needed > FRAME_MAX_NS ? FRAME_MAX_NS : (uint64_t)needed;
}

/* Events until the time has come. */
static void wait(struct window *window, uint64_t until_ns) {
    SDL_Event event;
    for (;;) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        int left = now < until_ns ? (int)((until_ns - now) / 1000000) : 0;
        if (!(left ? SDL_WaitEventTimeout(&event, left) : SDL_PollEvent(&event))) {
            return;
        }
        handle(window, &event);
    }
}

static void *work(void *argument) {
    struct window *window = argument;
    window->result = window->work(window->context);
    window->done = true;
    return NULL;
}

int window_run(struct window *window, int (*to_do)(void *context), void *context) {
    window->work = to_do;
    window->context = context;
    if (pthread_create(&window->thread, NULL, work, window) != 0) {
        return to_do(context);
    }
    uint64_t next = clock_ns(CLOCK_MONOTONIC), start = next, start_cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (!window->done) {
        uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        frame(window);
        next += period(window);
        uint64_t now = clock_ns(CLOCK_MONOTONIC);
        next = next < now ? now : next;
        wait(window, next);
        double cost = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - before);
        window->cost_ns += (cost - window->cost_ns) / 8;
    }
    window->cost.wall_s = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9;
    window->cost.cpu_s = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - start_cpu) / 1e9;
    pthread_join(window->thread, NULL);
    return window->result;
}

struct window_cost window_cost(const struct window *window) {
    return window->cost;
}
