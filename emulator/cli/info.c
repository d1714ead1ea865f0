/* `ouroboard info FILE...`: what is in an image. `ouroboard boards [ID]`: which boards there are. */
#include "emulator/cli/commands.h"
#include "emulator/cli/options.h"
#include "firmware-loader/describe.h"

#include <string.h>

static bool wants_help(int argc, char **argv) {
    return argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
}

/* Below another image's lines after an empty one. */
static int print_info(const char *path, bool below) {
    struct image image;
    struct error error;
    struct description description;
    if (!image_load(&image, path, CHIP_UNKNOWN, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        return EXIT_USAGE;
    }
    describe_image(&image, &description);
    if (below) {
        putchar('\n');
    }
    describe_print(stdout, &image, &description);
    image_finish(&image);
    return EXIT_PASS;
}

int command_info(int argc, char **argv) {
    if (argc < 2 || wants_help(argc, argv)) {
        fprintf(argc < 2 ? stderr : stdout, "usage: ouroboard info FILE...\n\n"
                                            "Say what a firmware image is: program, version, board, memory ranges.\n");
        return argc < 2 ? EXIT_USAGE : EXIT_PASS;
    }
    int code = EXIT_PASS;
    bool shown = false;
    for (int i = 1; i < argc; i++) {
        int one = print_info(argv[i], shown);
        code = one == EXIT_PASS ? code : one;
        shown |= one == EXIT_PASS;
    }
    return code;
}

static void print_pin(const char *label, int gpio) {
    if (gpio >= BOARD_PIN_CYW43) {
        printf("%s GPIO %d of the radio chip\n", label, gpio - BOARD_PIN_CYW43);
    } else if (gpio >= 0) {
        printf("%s GPIO%d\n", label, gpio);
    }
}

static void print_board(const struct board *board) {
    printf("board    %s: %s by %s\n", board->id, board->name, board->manufacturer);
    printf("chip     %s, %u GPIOs%s\n", chip_name(board->chip), board->gpio_count, board->wireless ? ", CYW43439" : "");
    printf("flash    %u KB (%s)\n", board->flash_bytes / 1024, board->flash_device);
    if (board->psram_bytes) {
        printf("psram    %u KB, chip select GPIO%d\n", board->psram_bytes / 1024, board->psram_cs_pin);
    }
    printf("drive    %u KB at offset 0x%x of flash\n", board_drive_bytes(board) / 1024, board_drive_offset(board));
    printf("usb      %04x:%04x %s\n", board->usb_vid, board->usb_pid, board->product);
    print_pin("led     ", board->led_pin);
    print_pin("neopixel", board->neopixel_pin);
    for (size_t i = 0; i < board->pin_count; i++) {
        char label[64];
        snprintf(label, sizeof(label), "pin      %-16s", board->pins[i].name);
        print_pin(label, board->pins[i].gpio);
    }
}

int command_boards(int argc, char **argv) {
    if (argc > 2 || wants_help(argc, argv)) {
        fprintf(argc > 2 ? stderr : stdout, "usage: ouroboard boards [ID]\n\n"
                                            "List the boards, or tell one board's flash and pins.\n");
        return argc > 2 ? EXIT_USAGE : EXIT_PASS;
    }
    if (argc == 2) {
        struct error error;
        const struct board *board = board_find(argv[1], &error);
        if (!board) {
            fprintf(stderr, "ouroboard: %s\n", error.message);
            return EXIT_USAGE;
        }
        print_board(board);
        return EXIT_PASS;
    }
    for (size_t i = 0; i < boards_table_count; i++) {
        const struct board *board = &boards_table[i];
        printf("%-40s %s %5u KB  %s\n", board->id, chip_name(board->chip), board->flash_bytes / 1024, board->name);
    }
    return EXIT_PASS;
}
