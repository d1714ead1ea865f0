/* `ouroboard run`: from options to a running machine and back. */
#include "emulator/cli/commands.h"
#include "emulator/cli/session.h"
#include "firmware-loader/flash_file.h"
#include "firmware-loader/image.h"
#include "peripherals/parts/w25q.h"

#include <string.h>

static void print_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    const struct session *session = context;
    const char *end = session->console && console_is_raw(session->console) ? "\r\n" : "\n";
    fprintf(stderr, "[%11.6f] %-5s %s: %s%s", (double)time_ps / 1e12, log_level_name(level), source, line, end);
}

static bool load_image(struct machine *machine, const struct image *image, struct error *error) {
    for (size_t i = 0; i < image->range_count; i++) {
        const struct image_range *range = &image->ranges[i];
        if (!machine_load(machine, range->address, range->bytes, range->size, error)) {
            return false;
        }
    }
    return true;
}

/* What is in the file, then the image over it. */
static bool fill_flash(struct session *session, const struct image *image, struct error *error) {
    struct w25q *flash = machine_flash(session->machine);
    if (session->options->flash) {
        session->flash_file = flash_file_open(session->options->flash, flash->contents, flash->desc.size, error);
        if (!session->flash_file) {
            return false;
        }
    }
    if (!load_image(session->machine, image, error)) {
        return false;
    }
    if (session->flash_file) {
        flash_file_compare(session->flash_file);
        return flash_file_commit(session->flash_file, error);
    }
    return true;
}

static bool make_machine(struct session *session, const struct image *image, struct error *error) {
    struct machine_desc desc = {
        .chip = &chip_rp2040,
        .seed = session->options->seed,
        .exact = session->options->exact,
        .log_sink = print_log,
        .log_context = session,
    };
    session->machine = machine_create(&desc, error);
    if (!session->machine || !fill_flash(session, image, error)) {
        return false;
    }
    memcpy(machine_log(session->machine)->enabled, session->options->log, sizeof(session->options->log));
    machine_trace_bus(session->machine, session->options->trace_bus);
    machine_trace_exceptions(session->machine, session->options->trace_exceptions);
    machine_power_on(session->machine, image_is_ram_only(image) ? image_ram_entry(image) : 0);
    return true;
}

static bool open_console(struct session *session, struct error *error) {
    session->console = console_open(session->options->serial, error);
    if (!session->console) {
        return false;
    }
    const char *address = console_address(session->console);
    if (address) { /* the first line of both streams: programs look for it on either */
        printf("serial console on %s\n", address);
        fflush(stdout);
        fprintf(stderr, "serial console on %s\n", address);
    }
    if (session->options->serial_log_file) {
        session->serial_log = fopen(session->options->serial_log_file, "wb");
        if (!session->serial_log) {
            error_set(error, "--serial-log-file %s: cannot be written", session->options->serial_log_file);
            return false;
        }
    }
    return true;
}

static int run(struct session *session, const struct image *image) {
    struct error error = { { 0 } };
    int code = EXIT_USAGE;
    if (open_console(session, &error) && make_machine(session, image, &error)) {
        code = session_run(session);
    } else {
        fprintf(stderr, "ouroboard: %s\n", error.message);
    }
    if (!flash_file_close(session->flash_file, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
    }
    machine_destroy(session->machine);
    console_close(session->console);
    if (session->serial_log) {
        fclose(session->serial_log);
    }
    return code;
}

int command_run(int argc, char **argv) {
    struct run_options options;
    int code;
    if (!run_options_parse(&options, argc, argv, &code)) {
        return code;
    }
    struct image image;
    struct error error;
    if (!options.firmware || !image_load(&image, options.firmware, CHIP_RP2040, &error)) {
        fprintf(stderr, "ouroboard: %s\n", options.firmware ? error.message : "no firmware given");
        return EXIT_USAGE;
    }
    struct session session = { .options = &options };
    code = run(&session, &image);
    image_finish(&image);
    return code;
}
