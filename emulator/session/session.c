/* The life of a session, and its run: the machine, cut where the session itself has to look after something. */
#include "emulator/debug/python.h"
#include "emulator/session/drive_files.h"
#include "emulator/session/session_private.h"

#include <stdarg.h>
#include <stdlib.h>

#define FIRST_STEP_PS (1 * PS_PER_MS) /* between two steps of --console-first */
#define FLASH_STEP_PS (50 * PS_PER_MS)
#define FLASH_GRACE_PS (100 * PS_PER_MS)
#define LOCKUP_GRACE_PS (1000 * PS_PER_MS)

/* ---- What listeners hear ---- */

void session_say(struct session *session, enum log_level level, const char *format, ...) {
    char line[1400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->line) {
            each->line(each->context, level, line);
        }
    }
}

enum console_port session_console_port(const struct session *session) {
    switch (session->desc.console) {
    case SESSION_CONSOLE_USB:
        return CONSOLE_USB;
    case SESSION_CONSOLE_UART0:
        return CONSOLE_UART0;
    case SESSION_CONSOLE_UART1:
        return CONSOLE_UART1;
    case SESSION_CONSOLE_AUTO:
        break;
    }
    return session->usb_seen || machine_console_ready(session->machine, CONSOLE_USB) ? CONSOLE_USB : CONSOLE_UART0;
}

static bool is_console(struct session *session, enum console_port port) {
    if (session->desc.console == SESSION_CONSOLE_AUTO) {
        session->usb_seen |= port == CONSOLE_USB;
        return port == CONSOLE_USB || (port == CONSOLE_UART0 && !session->usb_seen);
    }
    return port == session_console_port(session);
}

static void hear_console(void *context, enum console_port port, const uint8_t *data, size_t size) {
    struct session *session = context;
    bool console = is_console(session, port);
    if (console) {
        typing_heard(session, session_now(session));
        console_first_heard(session, session_now(session));
    }
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (console && each->console) {
            each->console(each->context, data, size);
        }
        if (each->serial) {
            each->serial(each->context, port, data, size);
        }
    }
}

static void hear_flash(void *context, uint32_t offset, uint32_t size, bool erased) {
    struct session *session = context;
    if (!machine_gpio(session->machine, 0)->env->loading) {
        faults_flash_changed(session, offset, size);
    }
    if (session->flash_file && session->console_first.step != CONSOLE_FIRST_HELD) {
        flash_file_changed(session->flash_file, offset, size, erased);
    }
    drive_link_flash_changed(&session->drive, offset, size);
    uint32_t end = offset + size;
    if (erased) {
        session->flash_open = end;
    } else if (end >= session->flash_open) {
        session->flash_open = 0;
        if (session->finishing) {
            machine_stop(session->machine);
        }
    }
}

static void forget_python(struct session *session) {
    if (session->python) {
        python_forget(session->python);
    }
}

static void hear_reset(void *context, const char *cause) {
    struct session *session = context;
    forget_python(session);
    gate_answers(session);
    console_first_reset(session, session_now(session));
    gate_answered(session);
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->reset) {
            each->reset(each->context, cause);
        }
    }
}

/* The file of the flash is not waited for any more: nobody will fill what has been erased. */
static void hear_power(void *context, bool on) {
    struct session *session = context;
    forget_python(session);
    session->flash_open = 0;
    gate_supply_changed(session, on);
    faults_power_changed(session, on);
    console_first_power(session, session_now(session));
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->power) {
            each->power(each->context, on);
        }
    }
}

static void hear_hid(void *context, const struct usbhost_hid_event *event) {
    const struct session *session = context;
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->hid) {
            each->hid(each->context, event);
        }
    }
}

static void hear_midi(void *context, unsigned instance, unsigned cable, const uint8_t *bytes, size_t size) {
    const struct session *session = context;
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->midi) {
            each->midi(each->context, cable, bytes, size);
        }
    }
}

void session_attach(struct session *session) {
    const struct machine_events events = { .context = session,
                                           .console = hear_console,
                                           .flash_changed = hear_flash,
                                           .reset = hear_reset,
                                           .power = hear_power };
    machine_set_events(session->machine, &events);
    session->usb = (struct usbhost_listener){ .context = session, .hid_event = hear_hid, .midi_received = hear_midi };
    usbhost_listen(machine_usbhost(session->machine), &session->usb);
}

void session_listen(struct session *session, struct session_listener *listener) {
    struct session_listener **at = &session->listeners;
    while (*at) {
        at = &(*at)->next;
    }
    listener->next = NULL;
    *at = listener;
}

void session_unlisten(struct session *session, struct session_listener *listener) {
    struct session_listener **at = &session->listeners;
    while (*at && *at != listener) {
        at = &(*at)->next;
    }
    *at = *at ? listener->next : NULL;
}

const char *session_state_name(enum session_state state) {
    static const char *const names[] = {
        [SESSION_LOCKED_UP] = "locked_up",   [SESSION_IN_BOOTLOADER] = "bootloader",
        [SESSION_UNBOOTABLE] = "unbootable", [SESSION_REPLAYED] = "replayed",
        [SESSION_DIFFERS] = "differs",       [SESSION_BEGIN_AGAIN] = "console_not_first",
    };
    return names[state];
}

/* ---- Life ---- */

/* What outside of it goes with the machine's snapshot. */
static void session_walk(void *context, struct walk *walk) {
    gate_pins_walk(context, walk);
    faults_walk(context, walk);
}

static bool begin(struct session *session, struct error *error) {
    if (!session_make(session, error)) {
        return false;
    }
    bool ram_only = session->has_image && image_is_ram_only(&session->image);
    typing_init(session);
    faults_init(session);
    session->companion = (struct machine_companion){ .walk = session_walk, .context = session };
    machine_accompany(session->machine, &session->companion);
    console_first_begin(session);
    if (session->desc.load_state) {
        return session_load(session, error);
    }
    machine_power_on(session->machine, ram_only ? image_ram_entry(&session->image) : 0);
    return replay_begin(session, error);
}

struct session *session_open_past(struct session *session, const char *recording, struct error *error) {
    const struct session_desc desc = { .replay = recording, .bootrom = session->desc.bootrom, .is_unfinished = true };
    return session_open(&desc, NULL, error);
}

struct session *session_open(const struct session_desc *desc, struct session_listener *listener, struct error *error) {
    struct session *session = calloc(1, sizeof(*session));
    if (!session) {
        error_set(error, "out of memory");
        return NULL;
    }
    session->desc = *desc;
    session->locked_up_ps = TIME_NEVER;
    if (listener) {
        session_listen(session, listener);
    }
    if (!begin(session, error)) {
        session_close(session);
        return NULL;
    }
    return session;
}

static bool close_files(struct session *session) {
    struct error error;
    bool record = session_end_record(session, &error);
    if (!record) {
        session_say(session, LOG_ERROR, "%s", error.message);
    }
    bool otp = otp_file_close(&session->otp, &error);
    if (!otp) {
        session_say(session, LOG_ERROR, "%s", error.message);
    }
    bool flash = flash_file_close(session->flash_file, &error);
    if (!flash) {
        session_say(session, LOG_ERROR, "%s", error.message);
    }
    return drive_link_close(&session->drive) && record && otp && flash;
}

bool session_close(struct session *session) {
    if (!session) {
        return true;
    }
    bool kept = close_files(session);
    replay_close(session);
    faults_finish(session);
    gate_finish(session);
    plan_finish(session);
    halts_disarm(&session->halts.wanted);
    halts_disarm(&session->halts.input);
    project_finish(&session->project);
    python_close(session->python);
    machine_destroy(session->machine);
    image_finish(&session->image);
    free(session->bootrom);
    if (session->folder_lock) {
        closedir(session->folder_lock);
    }
    free(session);
    return kept;
}

bool session_abandon(struct session *session) {
    drive_link_abandon(&session->drive);
    return session_close(session);
}

/* ---- The run ---- */

/* A failure is told once; it is tried again all the time. */
static void keep_flash(struct session *session, uint64_t now) {
    struct error error;
    session->flash_next_ps = now + FLASH_STEP_PS;
    if (session->console_first.step == CONSOLE_FIRST_HELD) {
        return; /* it may begin again */
    }
    bool ok = flash_file_commit(session->flash_file, now, &error);
    if (!ok && !session->flash_failed) {
        session_say(session, LOG_ERROR, "%s", error.message);
    }
    session->flash_failed = !ok;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t session_next(const struct session *session, uint64_t limit_ps) {
    uint64_t next = earlier(limit_ps, earlier(typing_next(session), session_planned(session)));
    next = earlier(next, earlier(drive_link_next(&session->drive), faults_next(session)));
    next = earlier(next, earlier(record_next(session), replay_next(session)));
    if (session->flash_file) {
        next = earlier(next, session->flash_next_ps);
    }
    if (session->console_first.step != CONSOLE_FIRST_OFF) {
        next = earlier(next, (session_now(session) / FIRST_STEP_PS + 1) * FIRST_STEP_PS);
    }
    return next;
}

static void look_after(struct session *session) {
    uint64_t now = session_now(session);
    record_step(session, now);
    replay_step(session, now);
    plan_step(session, now);
    faults_step(session, now);
    typing_step(session, now);
    if (machine_is_on(session->machine)) {
        console_first_step(session, now);
    }
    drive_link_step(&session->drive, now);
    if (session->flash_file && now >= session->flash_next_ps) {
        keep_flash(session, now);
    }
}

/* Lock-up is final only after what is on its way out (UART, USB) has left and no watchdog has helped. */
static bool is_final_lockup(struct session *session, enum machine_state state) {
    uint64_t now = session_now(session);
    if (state != MACHINE_LOCKED_UP) {
        session->locked_up_ps = TIME_NEVER;
        return false;
    }
    session->locked_up_ps = earlier(session->locked_up_ps, now);
    return now - session->locked_up_ps > LOCKUP_GRACE_PS;
}

static enum session_state judge_state(struct session *session, enum machine_state state) {
    bool locked_up = is_final_lockup(session, state);
    if (session->console_first.in_vain) {
        return SESSION_BEGIN_AGAIN;
    }
    switch (state) {
    case MACHINE_LOCKED_UP:
        return locked_up ? SESSION_LOCKED_UP : SESSION_RUNS;
    case MACHINE_IN_BOOTLOADER:
        return SESSION_IN_BOOTLOADER;
    case MACHINE_UNBOOTABLE:
        return SESSION_UNBOOTABLE;
    default:
        return SESSION_RUNS;
    }
}

enum session_state session_run(struct session *session, uint64_t until_ps) {
    session->stop = false;
    while (session->ended == SESSION_RUNS && !session->stop &&
           (session_now(session) < until_ps || machine_is_in_turn(session->machine))) {
        enum machine_state state = machine_run(session->machine, session_next(session, until_ps));
        if (machine_is_halted(session->machine)) {
            if (replay_at_halt(session) && !session->halts.client.context) {
                continue; /* it was for that alone */
            }
            break;
        }
        look_after(session);
        if (session->ended == SESSION_RUNS) {
            session->ended = judge_state(session, state);
        }
    }
    return session->ended;
}

enum session_state session_state(const struct session *session) {
    return session->ended;
}

void session_stop(struct session *session) {
    session->stop = true;
    machine_stop(session->machine);
}

uint64_t session_now(const struct session *session) {
    return machine_now(session->machine);
}

/* Firmware that rewrites a flash sector has it erased for 45 ms: the run ends when the sector is written, so that what
 * is kept of the flash is not a drive without its root folder. */
void session_finish_flash(struct session *session) {
    session->finishing = true;
    if (session->flash_open) {
        machine_run(session->machine, session_now(session) + FLASH_GRACE_PS);
        keep_flash(session, session_now(session));
    }
}

bool session_is_locked_up(const struct session *session) {
    return session->locked_up_ps != TIME_NEVER;
}

bool session_is_early(const struct session *session) {
    return console_first_is_early(session);
}

bool session_is_in_vain(struct session *session) {
    return console_first_gives_up(session);
}

/* ---- What there is ---- */

struct machine *session_machine(struct session *session) {
    return session->machine;
}

const struct project *session_project(const struct session *session) {
    return &session->project;
}

const struct board *session_board(const struct session *session) {
    return session->board;
}

/* A file of the drive, as the firmware calls it: a module in lib has no folder in its name. */
static char *read_source(void *context, const char *file, size_t *ret_size) {
    struct session *session = context;
    struct error error;
    uint8_t *text = NULL;
    char path[512];
    file += *file == '/';
    snprintf(path, sizeof(path), "lib/%s", file);
    bool read = session_drive_read(session, file, &text, ret_size, &error) ||
                session_drive_read(session, path, &text, ret_size, &error);
    return read ? (char *)text : NULL;
}

struct python *session_python(struct session *session) {
    bool is_new = !session->python;
    session->python = is_new ? python_open(session->machine) : session->python;
    if (session->python && is_new) {
        python_set_source(session->python, read_source, session);
    }
    return session->python;
}

const char *session_firmware(const struct session *session) {
    return session->firmware;
}
