/* `ouroboard run`: from options to a running machine and back. */
#include "emulator/chips/select.h"
#include "emulator/cli/commands.h"
#include "emulator/cli/display.h"
#include "emulator/cli/otp_file.h"
#include "emulator/cli/output.h"
#include "emulator/cli/session.h"
#include "emulator/project/project_firmware.h"
#include "emulator/usbhost/usbhost.h"
#include "firmware-loader/boards.h"
#include "firmware-loader/describe.h"
#include "firmware-loader/firmware.h"
#include "peripherals/parts/w25q.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

/* What is to run: resolved from the options before anything is opened. */
struct job {
    struct session session;
    const struct board *board;
    char firmware[1024];
    struct image image;
    bool has_image;
    enum firmware_kind kind; /* of the image, or of what the flash file holds */
    uint8_t *bootrom;
    struct otp_file otp;
    DIR *folder;  /* the drive's, locked; NULL: none */
    bool at_once; /* code.py does not wait for the console */
};

static void print_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    const struct session *session = context;
    const char *end = session->console && console_is_raw(session->console) ? "\r\n" : "\n";
    fprintf(stderr, "[%11.6f] %-5s %s: %s%s", (double)time_ps / 1e12, log_level_name(level), source, line, end);
}

static void print_drive(void *context, enum log_level level, const char *line) {
    const struct session *session = context;
    if (!session->options->log[level]) {
        return;
    }
    const char *end = session->console && console_is_raw(session->console) ? "\r\n" : "\n";
    fprintf(stderr, "%s drive: %s%s", log_level_name(level), line, end);
}

/* ---- What to run ---- */

static bool file_exists(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file) {
        fclose(file);
    }
    return file != NULL;
}

/* The version of CircuitPython that the diagram asks for ("circuitpython-9.2.1"); NULL: any. */
static const char *firmware_version(const struct job *job) {
    static const char prefix[] = "circuitpython-";
    const char *env = project_board_attribute(&job->session.wiring.project, "env");
    return strncmp(env, prefix, strlen(prefix)) == 0 ? env + strlen(prefix) : NULL;
}

/* The image that is named, or the newest one of the board; none when a flash file is there to go on with. */
static bool find_firmware(struct job *job, const struct run_options *options, struct error *error) {
    if (options->firmware) {
        snprintf(job->firmware, sizeof(job->firmware), "%s", options->firmware);
        return true;
    }
    if (options->flash && file_exists(options->flash)) {
        return true;
    }
    const struct project *project = &job->session.wiring.project;
    if (project->diagram_path[0]) {
        if (!project_firmware_find(project->folder, job->firmware, sizeof(job->firmware), error)) {
            return false;
        }
        if (job->firmware[0]) {
            fprintf(stderr, "ouroboard: note: running %s\n", job->firmware);
            return true;
        }
    }
    const char *board = options->board ? options->board : board_default(CHIP_RP2040)->id;
    return firmware_find(board, firmware_version(job), job->firmware, sizeof(job->firmware), error);
}

static bool resolve(struct job *job, const struct run_options *options, struct error *error) {
    if (options->board) {
        job->board = board_find(options->board, error);
        if (!job->board) {
            return false;
        }
    }
    if (!find_firmware(job, options, error)) {
        return false;
    }
    if (!job->firmware[0]) {
        job->board = job->board ? job->board : board_default(CHIP_RP2040);
        return true;
    }
    if (!image_load(&job->image, job->firmware, job->board ? job->board->chip : CHIP_UNKNOWN, error)) {
        return false;
    }
    job->has_image = true;
    struct description description;
    describe_image(&job->image, &description);
    if (description.riscv) {
        error_set(error, "%s: is for the RISC-V cores of the RP2350, which are not emulated: take its build for Arm",
                  job->firmware);
        return false;
    }
    job->kind = description.kind;
    if (!job->board) {
        job->board = description.board ? description.board : board_default(description.chip);
    }
    if (description.chip != CHIP_UNKNOWN && description.chip != job->board->chip) {
        error_set(error, "%s is an image for the %s, but the board %s has an %s", job->firmware,
                  chip_name(description.chip), job->board->id, chip_name(job->board->chip));
        return false;
    }
    return image_fits(&job->image, job->board->chip, job->board->flash_bytes, error);
}

static bool read_exactly(const char *path, uint8_t *bytes, size_t size, const char *what, struct error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set(error, "%s %s: %s", what, path, strerror(errno));
        return false;
    }
    bool fits = fread(bytes, 1, size, file) == size && fgetc(file) == EOF;
    fclose(file);
    if (!fits) {
        error_set(error, "%s %s: exactly %zu bytes are needed", what, path, size);
    }
    return fits;
}

/* ---- Putting it together ---- */

static bool load_image(struct machine *machine, const struct image *image, struct error *error) {
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (!machine_load(machine, range->address, range->bytes, range->size, error)) {
            return false;
        }
    }
    return true;
}

static bool open_folder(struct job *job, const char *path, struct error *error) {
    job->folder = opendir(path);
    if (!job->folder) {
        error_set(error, "--drive %s: %s; name a folder that can be read", path, strerror(errno));
    }
    return job->folder != NULL;
}

/* Two runs with one folder are no crime, but what either board writes reaches the other. */
static void claim_folder(const struct job *job, const char *path) {
    if (job->folder && flock(dirfd(job->folder), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        fprintf(stderr,
                "ouroboard: warning: --drive %s: is another run's drive as well, and what either board writes reaches "
                "the other; give each a folder of its own\n",
                path);
    }
}

static bool has_programs(const char *path) {
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        const char *end = strrchr(entry->d_name, '.');
        found = end && strcmp(end, ".py") == 0;
    }
    if (folder) {
        closedir(folder);
    }
    return found;
}

/* Whether the firmware has a CIRCUITPY drive. A folder that was named as one is taken where nothing tells. */
static bool has_drive(const struct job *job) {
    const struct run_options *options = job->session.options;
    bool named = options->image || (options->drive && options->drive != job->session.wiring.project.folder);
    return job->kind == FIRMWARE_CIRCUITPYTHON || (job->kind == FIRMWARE_UNKNOWN && named);
}

/* The folder of a project in another language is none of its business. */
static void say_no_drive(const struct job *job) {
    const struct run_options *options = job->session.options;
    const char *path = options->drive ? options->drive : options->image;
    bool micropython = job->kind == FIRMWARE_MICROPYTHON;
    if (micropython && options->drive && has_programs(options->drive)) {
        fprintf(
            stderr,
            "ouroboard: warning: %s: MicroPython has no CIRCUITPY drive, so that none of these files is on the board; "
            "copy them: --serial pty:LINK, then `mpremote connect LINK cp -r %s/* :` (--flash FILE keeps them)\n",
            path, path);
    } else if (options->image || (options->drive && options->drive != job->session.wiring.project.folder)) {
        fprintf(stderr, "ouroboard: warning: %s %s: %s has no CIRCUITPY drive; it is not used\n",
                options->drive ? "--drive" : "--image", path,
                micropython ? "MicroPython" : "a program of the pico-sdk");
    }
}

static bool wants_console_first(const struct job *job, struct error *error, bool *ret_wanted) {
    const struct run_options *options = job->session.options;
    bool on_usb = strcmp(options->console, "auto") == 0 || strcmp(options->console, "usb") == 0;
    bool possible = options->drive && job->kind == FIRMWARE_CIRCUITPYTHON && on_usb;
    bool judged = options->expect_text || options->fail_text;
    if (options->console_first == CONSOLE_FIRST_YES && !possible) {
        error_set(error, "--console-first: is for CircuitPython with a folder as its drive and its console on USB: %s",
                  !options->drive ? "give --drive DIR"
                  : on_usb        ? "this firmware is none"
                                  : "leave --console out");
        return false;
    }
    *ret_wanted =
        possible && !job->at_once &&
        (options->console_first == CONSOLE_FIRST_YES || (options->console_first == CONSOLE_FIRST_AUTO && judged));
    return true;
}

static bool open_drive(struct job *job, struct error *error) {
    struct session *session = &job->session;
    const struct run_options *options = session->options;
    bool hold_code;
    uint32_t size = board_drive_bytes(job->board), offset = board_drive_offset(job->board);
    if (!wants_console_first(job, error, &hold_code) || (options->drive && !open_folder(job, options->drive, error))) {
        return false;
    }
    if (!has_drive(job)) {
        say_no_drive(job);
        return true;
    }
    claim_folder(job, options->drive);
    /* runs whose outcome is kept must not depend on the host's clock */
    unsigned host_ms = options->request_count || options->vcd ? 0 : DRIVE_LINK_HOST_MS;
    if (options->drive) {
        return drive_link_open(&session->drive, options->drive, session->machine, offset, size, host_ms, hold_code,
                               print_drive, session, error);
    }
    return !options->image || drive_link_open_image(&session->drive, options->image, session->machine, offset, size,
                                                    print_drive, session, error);
}

static bool load_bootrom(struct job *job, const char *path, struct error *error) {
    uint32_t size = machine_rom_size(chip_of_board(job->board));
    job->bootrom = path ? malloc(size) : NULL;
    return !path || (job->bootrom && read_exactly(path, job->bootrom, size, "--bootrom", error));
}

static void write_capture(void *context, const void *bytes, size_t length) {
    fwrite(bytes, 1, length, context);
}

static bool open_capture(struct session *session, struct error *error) {
    const char *path = session->options->usb_capture;
    struct usbhost *host = machine_usbhost(session->machine);
    if (host) {
        usbhost_trace(host, session->options->trace_usb);
    }
    if (!path || !host) {
        return true;
    }
    session->usb_capture = output_open("--usb-capture", path, error);
    if (session->usb_capture) {
        usbhost_capture(host, write_capture, session->usb_capture);
    }
    return session->usb_capture != NULL;
}

static bool make_machine(struct job *job, struct error *error) {
    struct session *session = &job->session;
    const struct run_options *options = session->options;
    struct machine_desc desc = {
        .chip = chip_of_board(job->board),
        .flash_size = job->board->flash_bytes,
        .seed = options->seed,
        .exact = options->exact,
        .log_sink = print_log,
        .log_context = session,
    };
    if (!desc.chip) {
        error_set(error, "the board %s has an %s, which is not emulated yet", job->board->id,
                  chip_name(job->board->chip));
        return false;
    }
    if (!load_bootrom(job, options->bootrom, error)) {
        return false;
    }
    desc.bootrom = job->bootrom;
    session->machine = machine_create(&desc, error);
    if (!session->machine) {
        return false;
    }
    memcpy(machine_log(session->machine)->enabled, options->log, sizeof(options->log));
    machine_trace_bus(session->machine, options->trace_bus);
    machine_trace_exceptions(session->machine, options->trace_exceptions);
    session_attach(session);
    struct otp *otp = (struct otp *)machine_block(session->machine, "OTP");
    return otp_file_open(&job->otp, options->otp, otp, error) && open_capture(session, error);
}

static bool open_flash(struct job *job, struct error *error) {
    struct session *session = &job->session;
    if (!session->options->flash) {
        return true;
    }
    struct w25q *flash = machine_flash(session->machine);
    session->flash_file = flash_file_open(session->options->flash, flash->contents, flash->desc.size, error);
    return session->flash_file != NULL;
}

/* What has been loaded over the contents of the flash file goes into it. */
static bool keep_loaded(struct flash_file *file, struct error *error) {
    if (file) {
        flash_file_compare(file);
    }
    return flash_file_commit(file, 0, error);
}

/* What the flash holds of an earlier run. */
static void tell_kind(struct job *job) {
    const struct w25q *flash = machine_flash(job->session.machine);
    struct image_range range = { CHIP_FLASH_BASE, flash->desc.size, flash->contents };
    struct image image = { .format = IMAGE_RAW, .ranges = &range, .range_count = 1, .total = range.size };
    struct description description;
    if (!job->has_image) {
        describe_image(&image, &description);
        job->kind = description.kind;
    }
}

static bool load_flash(struct job *job, struct error *error) {
    if (!open_flash(job, error) || (job->has_image && !load_image(job->session.machine, &job->image, error))) {
        return false;
    }
    tell_kind(job);
    return true;
}

static bool load_all(struct job *job, struct error *error) {
    struct machine *machine = job->session.machine;
    if (!load_flash(job, error) || !open_drive(job, error) || !keep_loaded(job->session.flash_file, error)) {
        return false;
    }
    if (!wiring_build(&job->session.wiring, job->session.options, job->board, machine, error)) {
        return false;
    }
    bool ram_only = job->has_image && image_is_ram_only(&job->image);
    console_first_begin(&job->session);
    machine_power_on(machine, ram_only ? image_ram_entry(&job->image) : 0);
    wiring_start(&job->session.wiring);
    return true;
}

static bool open_data_port(struct session *session, struct error *error) {
    if (!data_port_open(&session->data, session->options->data, machine_usbhost(session->machine), error)) {
        return false;
    }
    fprintf(stderr, "data port on %s\n", console_address(session->data.console));
    return true;
}

static bool open_console(struct session *session, struct error *error) {
    bool again = session->console != NULL;
    session->console = again ? session->console : console_open(session->options->serial, error);
    if (!session->console) {
        return false;
    }
    const char *address = again ? NULL : console_address(session->console);
    if (address) { /* the first line of both streams: programs look for it on either */
        printf("serial console on %s\n", address);
        fflush(stdout);
        fprintf(stderr, "serial console on %s\n", address);
    }
    if (session->options->data && !open_data_port(session, error)) {
        return false;
    }
    const char *log = session->options->serial_log_file;
    session->serial_log = log ? output_open("--serial-log-file", log, error) : NULL;
    if (session->serial_log) {
        setvbuf(session->serial_log, NULL, _IOLBF, BUFSIZ); /* who follows it sees whole lines */
    }
    return !log || session->serial_log;
}

/* False when one of the files that the run has written is not complete. */
static bool close_outputs(struct session *session) {
    const struct run_options *options = session->options;
    bool log = output_close(session->serial_log, "--serial-log-file", options->serial_log_file);
    bool capture = output_close(session->usb_capture, "--usb-capture", options->usb_capture);
    return output_close(session->wiring.vcd_file, "--vcd", options->vcd) && log && capture;
}

/* The console stays for the next try. */
static int close_all(struct job *job, int code) {
    struct error error;
    if (code == BEGIN_AGAIN) {
        drive_link_abandon(&job->session.drive);
    }
    bool kept = otp_file_close(&job->otp, &error);
    if (!flash_file_close(job->session.flash_file, &error) || !kept) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        code = code == EXIT_PASS ? EXIT_USAGE : code;
    }
    if (!drive_link_close(&job->session.drive)) {
        code = code == EXIT_PASS ? EXIT_USAGE : code;
    }
    display_close(&job->session);
    wiring_close(&job->session.wiring);
    machine_destroy(job->session.machine);
    if (code != BEGIN_AGAIN) {
        console_close(job->session.console);
    }
    data_port_close(&job->session.data);
    bool complete = close_outputs(&job->session);
    image_finish(&job->image);
    free(job->bootrom);
    if (job->folder) {
        closedir(job->folder);
    }
    return code == EXIT_PASS && !complete ? EXIT_USAGE : code;
}

/* `ret_console` is there already when it is another try. */
static int run_job(struct run_options options, bool at_once, struct console **ret_console) {
    struct job job = { .session = { .options = &options, .console = *ret_console }, .at_once = at_once };
    int code;
    struct error error = { { 0 } };
    if (wiring_read(&job.session.wiring, &options, &error) && resolve(&job, &options, &error) &&
        make_machine(&job, &error) && load_all(&job, &error) && open_console(&job.session, &error) &&
        display_open(&job.session, &error)) {
        code = display_run(&job.session);
    } else {
        if (error.message[0]) {
            fprintf(stderr, "ouroboard: %s\n", error.message);
        }
        code = EXIT_USAGE;
    }
    *ret_console = job.session.console;
    return close_all(&job, code);
}

int command_run(int argc, char **argv) {
    struct run_options options;
    struct console *console = NULL;
    int code;
    if (!run_options_parse(&options, argc, argv, &code)) {
        return code;
    }
    code = run_job(options, false, &console);
    if (code == BEGIN_AGAIN) {
        fprintf(stderr,
                "ouroboard: the console cannot be first: the board's console and a drive that a PC can write do "
                "not both come up (boot.py?); beginning again, with code.py started at once\n");
        code = run_job(options, true, &console);
    }
    return code;
}
