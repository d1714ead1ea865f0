/* Two copies of what is shown: the window holds one, the machine fills the other when the window has said so, and they
 * change hands through one atomic word. Requests and console bytes are short queues behind a lock. */
#include "gui/feed.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SETTINGS_MAX 256
#define QUEUE_BYTES (256u << 10)

enum copy_state { COPY_IDLE, COPY_WANTED, COPY_READY };

struct setting {
    unsigned part, control;
    double value;
};

/* Oldest bytes fall out. */
struct queue {
    uint8_t *bytes;
    size_t start, length;
};

struct feed {
    const struct project *project;
    feed_setter *set;
    void *set_context;
    struct shown shown[2];
    unsigned held;              /* by the window */
    struct feed_requests known; /* to the machine */
    bool crashed;               /* as the machine has said */
    _Atomic int copy;
    _Atomic bool busy; /* there are requests */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct feed_requests requests; /* below: behind the lock */
    struct setting settings[SETTINGS_MAX];
    unsigned setting_count;
    struct queue printed, typed;
};

/* ---- Queues ---- */
static void queue_put(struct queue *queue, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        queue->bytes[(queue->start + queue->length) % QUEUE_BYTES] = data[i];
        if (queue->length < QUEUE_BYTES) {
            queue->length++;
        } else {
            queue->start = (queue->start + 1) % QUEUE_BYTES;
        }
    }
}

static size_t queue_take(struct queue *queue, uint8_t *data, size_t size) {
    size_t taken = 0;
    for (; taken < size && queue->length; taken++, queue->length--) {
        data[taken] = queue->bytes[queue->start];
        queue->start = (queue->start + 1) % QUEUE_BYTES;
    }
    return taken;
}

/* ---- Copies ---- */
static bool make_view(struct shown_view *shown, const struct part_view *view) {
    shown->view = *view;
    if (view->kind != PART_SCREEN) {
        return true;
    }
    shown->view.screen.generation = ~view->screen.generation; /* no copy yet */
    shown->pixels = calloc((size_t)view->screen.width * view->screen.height, sizeof(uint32_t));
    shown->view.screen.pixels = shown->pixels;
    return shown->pixels != NULL;
}

static bool make_part(struct shown_part *shown, struct part *part) {
    unsigned controls = part_control_count(part->class), pins = part_pin_count(part->class);
    shown->controls = calloc(controls + 1, sizeof(double));
    shown->levels = calloc(pins + 1, 1);
    const struct part_view *view;
    bool ok = shown->controls && shown->levels;
    while (ok && shown->view_count < PART_VIEWS && (view = part_view(part, shown->view_count))) {
        ok = make_view(&shown->views[shown->view_count++], view);
    }
    return ok;
}

static bool make_shown(struct shown *shown, const struct project *project) {
    shown->parts = calloc(project->part_count + 1, sizeof(*shown->parts));
    bool ok = shown->parts != NULL;
    for (unsigned i = 0; ok && i < project->part_count; i++) {
        ok = make_part(&shown->parts[i], project->parts[i].part);
    }
    return ok;
}

static void copy_view(struct shown_view *shown, const struct part_view *view) {
    uint64_t generation = shown->view.screen.generation;
    shown->view = *view;
    if (view->kind == PART_LABEL) {
        strncpy(shown->text, view->text ? view->text : "", FEED_TEXT - 1);
        shown->view.text = shown->text;
    } else if (view->kind == PART_SCREEN) {
        shown->view.screen.pixels = shown->pixels;
        if (generation != view->screen.generation) {
            memcpy(shown->pixels, view->screen.pixels,
                   (size_t)view->screen.width * view->screen.height * sizeof(uint32_t));
        }
    }
}

static uint8_t level_of(const struct net *net) {
    return !net ? FEED_UNWIRED : net->contended ? FEED_CONTENDED : (uint8_t)net->level;
}

static void copy_part(struct shown_part *shown, struct part *part) {
    const struct part_control *controls = part->class->controls;
    for (unsigned i = 0; i < shown->view_count; i++) {
        copy_view(&shown->views[i], part_view(part, i));
    }
    for (unsigned i = 0; controls && controls[i].name; i++) {
        part_get(part, controls[i].name, &shown->controls[i], NULL);
    }
    for (unsigned i = 0; i < part_pin_count(part->class); i++) {
        shown->levels[i] = level_of(part->nets[i]);
    }
}

static void copy_all(struct feed *feed, uint64_t time_ps, uint64_t cycles) {
    struct shown *shown = &feed->shown[!feed->held];
    shown->time_ps = time_ps;
    shown->cycles = cycles;
    shown->paused = feed->known.paused;
    shown->crashed = feed->crashed;
    for (unsigned i = 0; i < feed->project->part_count; i++) {
        copy_part(&shown->parts[i], feed->project->parts[i].part);
    }
}

/* ---- Life ---- */
struct feed *feed_create(const struct project *project, feed_setter *set, void *context, struct error *error) {
    struct feed *feed = calloc(1, sizeof(*feed));
    if (feed) {
        feed->project = project;
        feed->set = set;
        feed->set_context = context;
        feed->printed.bytes = malloc(QUEUE_BYTES);
        feed->typed.bytes = malloc(QUEUE_BYTES);
        pthread_mutex_init(&feed->lock, NULL);
        pthread_cond_init(&feed->wake, NULL);
    }
    if (!feed || !feed->printed.bytes || !feed->typed.bytes || !make_shown(&feed->shown[0], project) ||
        !make_shown(&feed->shown[1], project)) {
        error_set(error, "out of memory for the window");
        feed_destroy(feed);
        return NULL;
    }
    return feed;
}

static void free_shown(struct shown *shown, const struct project *project) {
    for (unsigned i = 0; shown->parts && i < project->part_count; i++) {
        free(shown->parts[i].controls);
        free(shown->parts[i].levels);
        for (unsigned k = 0; k < shown->parts[i].view_count; k++) {
            free(shown->parts[i].views[k].pixels);
        }
    }
    free(shown->parts);
}

void feed_destroy(struct feed *feed) {
    if (feed) {
        free_shown(&feed->shown[0], feed->project);
        free_shown(&feed->shown[1], feed->project);
        pthread_mutex_destroy(&feed->lock);
        pthread_cond_destroy(&feed->wake);
        free(feed->printed.bytes);
        free(feed->typed.bytes);
        free(feed);
    }
}

/* ---- The machine's thread ---- */
static void apply(const struct feed *feed, const struct setting *setting) {
    const struct part *part = feed->project->parts[setting->part].part;
    feed->set(feed->set_context, part->id, part->class->controls[setting->control].name, setting->value);
}

static void take_requests(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    struct setting settings[SETTINGS_MAX];
    unsigned count = feed->setting_count;
    memcpy(settings, feed->settings, count * sizeof(*settings));
    feed->known = feed->requests;
    feed->setting_count = 0;
    feed->requests.reset = false;
    feed->busy = false;
    pthread_mutex_unlock(&feed->lock);
    for (unsigned i = 0; i < count; i++) {
        apply(feed, &settings[i]);
    }
}

struct feed_requests feed_step(struct feed *feed, uint64_t time_ps, uint64_t cycles) {
    feed->known.reset = false;
    if (feed->busy) {
        take_requests(feed);
    }
    if (feed->copy == COPY_WANTED) {
        copy_all(feed, time_ps, cycles);
        feed->copy = COPY_READY;
    }
    return feed->known;
}

void feed_crashed(struct feed *feed, bool crashed) {
    feed->crashed = crashed;
}

void feed_wait(struct feed *feed, unsigned milliseconds) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += milliseconds * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&feed->lock);
    if (!feed->busy && feed->copy != COPY_WANTED) {
        pthread_cond_timedwait(&feed->wake, &feed->lock, &until);
    }
    pthread_mutex_unlock(&feed->lock);
}

void feed_print(struct feed *feed, const uint8_t *data, size_t size) {
    pthread_mutex_lock(&feed->lock);
    queue_put(&feed->printed, data, size);
    pthread_mutex_unlock(&feed->lock);
}

size_t feed_typed(struct feed *feed, uint8_t *data, size_t size) {
    pthread_mutex_lock(&feed->lock);
    size_t taken = queue_take(&feed->typed, data, size);
    pthread_mutex_unlock(&feed->lock);
    return taken;
}

/* ---- The window's thread ---- */
const struct shown *feed_latest(struct feed *feed, bool *ret_new) {
    *ret_new = feed->copy == COPY_READY;
    if (*ret_new) {
        feed->held = !feed->held;
    }
    if (feed->copy != COPY_WANTED) {
        feed->copy = COPY_WANTED;
        pthread_cond_signal(&feed->wake);
    }
    return &feed->shown[feed->held];
}

static void request(struct feed *feed) {
    feed->busy = true;
    pthread_cond_signal(&feed->wake);
    pthread_mutex_unlock(&feed->lock);
}

/* A control that is moved on before the machine has seen it is where it was moved to last; presses are never lost. */
void feed_set(struct feed *feed, unsigned part, unsigned control, double value) {
    const struct part_control *what = &feed->project->parts[part].class->controls[control];
    pthread_mutex_lock(&feed->lock);
    struct setting *last = feed->setting_count ? &feed->settings[feed->setting_count - 1] : NULL;
    bool again = last && last->part == part && last->control == control && what->kind != PART_BUTTON &&
                 what->kind != PART_SWITCH;
    if (again) {
        last->value = value;
    } else if (feed->setting_count < SETTINGS_MAX) {
        feed->settings[feed->setting_count++] = (struct setting){ part, control, value };
    }
    request(feed);
}

void feed_pause(struct feed *feed, bool paused) {
    pthread_mutex_lock(&feed->lock);
    feed->requests.paused = paused;
    request(feed);
}

void feed_reset(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    feed->requests.reset = true;
    request(feed);
}

void feed_leave(struct feed *feed) {
    pthread_mutex_lock(&feed->lock);
    feed->requests.leave = true;
    request(feed);
}

void feed_type(struct feed *feed, const void *data, size_t size) {
    pthread_mutex_lock(&feed->lock);
    queue_put(&feed->typed, data, size);
    request(feed);
}

size_t feed_printed(struct feed *feed, uint8_t *data, size_t size) {
    pthread_mutex_lock(&feed->lock);
    size_t taken = queue_take(&feed->printed, data, size);
    pthread_mutex_unlock(&feed->lock);
    return taken;
}
