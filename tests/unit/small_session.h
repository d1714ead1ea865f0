/* A session of a board that runs a few instructions of our own from SRAM, in a folder of its own: what tests of the
 * session's library need when no firmware is wanted.
 *
 * The program sets up UART0 and answers every byte with the next one ("HAL" is answered by "IBM"), and writes the level
 * of GP2 to GP3, over and over. */
#ifndef TESTS_SMALL_SESSION_H
#define TESTS_SMALL_SESSION_H

#include "emulator/session/session.h"
#include "tests/unit/thumb.h"
#include "tests/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_BASE 0x20000000u
#define SMALL_LITERALS 0x48
/* The instruction at `at` loads literal `n`. */
#define SMALL_LOAD(at, d, n) LDR_LIT(d, SMALL_LITERALS + 4 * (n) - (((at) + 4) & ~3))

struct small_session {
    char folder[32], image[64], drive[64];
    struct session *session;
};

/* RP2040 datasheet 2.14 (resets), 2.15 (clocks), 2.19 (GPIO), 2.3.1 (SIO), 4.2 (UART). */
static const uint16_t small_program[] = {
    SMALL_LOAD(0x00, 0, 0), /* RESETS, clear alias: everything is released */
    SMALL_LOAD(0x02, 1, 1), /**/
    STR(1, 0, 0),           /**/
    SMALL_LOAD(0x06, 0, 2), /* CLK_PERI_CTRL: on, from clk_sys */
    SMALL_LOAD(0x08, 1, 3), /**/
    STR(1, 0, 0),           /**/
    SMALL_LOAD(0x0c, 4, 4), /* UART0 */
    MOVS(1, 3),             /**/
    STR(1, 4, 0x24),        /* IBRD */
    MOVS(1, 34),            /**/
    STR(1, 4, 0x28),        /* FBRD */
    MOVS(1, 0x70),          /**/
    STR(1, 4, 0x2c),        /* LCR_H: 8 bits, FIFOs */
    SMALL_LOAD(0x1a, 1, 5), /**/
    STR(1, 4, 0x30),        /* CR: on, both ways */
    SMALL_LOAD(0x1e, 5, 6), /* IO_BANK0 */
    MOVS(1, 2),             /**/
    STR(1, 5, 0x04),        /* GP0 and GP1: UART */
    STR(1, 5, 0x0c),        /**/
    MOVS(1, 5),             /**/
    STR(1, 5, 0x14),        /* GP2 and GP3: SIO */
    STR(1, 5, 0x1c),        /**/
    SMALL_LOAD(0x2c, 6, 7), /* SIO */
    MOVS(1, 8),             /**/
    STR(1, 6, 0x24),        /* GPIO_OE_SET: GP3 */
    LDR(1, 6, 0x04),        /* 0x32, the loop: GPIO_IN */
    LSLS(1, 1, 1),          /**/
    STR(1, 6, 0x10),        /* GPIO_OUT */
    LDR(1, 4, 0x18),        /* UARTFR */
    LSLS(1, 1, 27),         /* RXFE is the sign then */
    BCC(4, -14),            /* 0x3c: nothing has come (MI): the loop */
    LDR(1, 4, 0),           /* UARTDR */
    ADDS(1, 1),             /**/
    STR(1, 4, 0),           /**/
    B(-22),                 /* 0x44: the loop */
    NOP,                    /**/
};
static const uint32_t small_literals[] = {
    0x4000f000, 0x01ffffff, 0x40008048, 0x00000800, 0x40034000, 0x00000301, 0x40014000, 0xd0000000,
};
_Static_assert(sizeof(small_program) == SMALL_LITERALS, "literals follow the program");

static inline void small_write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* One record of Intel HEX. */
static inline void small_print_record(FILE *file, unsigned address, unsigned type, const uint8_t *bytes, size_t count) {
    unsigned sum = (unsigned)count + (address >> 8) + (address & 0xff) + type;
    fprintf(file, ":%02X%04X%02X", (unsigned)count, address, type);
    for (size_t i = 0; i < count; i++) {
        sum += bytes[i];
        fprintf(file, "%02X", bytes[i]);
    }
    fprintf(file, "%02X\n", -sum & 0xff);
}

static inline void small_write_image(const char *path) {
    static const uint8_t upper[] = { SMALL_BASE >> 24, SMALL_BASE >> 16 & 0xff };
    uint8_t bytes[sizeof(small_program) + sizeof(small_literals)];
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    memcpy(bytes, small_program, sizeof(small_program));
    memcpy(bytes + sizeof(small_program), small_literals, sizeof(small_literals));
    small_print_record(file, 0, 4, upper, sizeof(upper));
    for (unsigned at = 0; at < sizeof(bytes); at += 8) {
        small_print_record(file, at, 0, bytes + at, sizeof(bytes) - at < 8 ? sizeof(bytes) - at : 8);
    }
    small_print_record(file, 0, 1, NULL, 0);
    fclose(file);
}

/* `diagram`: its text; NULL: none. The drive is an empty folder below the project's. */
static inline void small_open(struct small_session *small, const char *diagram, struct session_listener *listener) {
    struct error error = { "" };
    char path[64];
    strcpy(small->folder, "/tmp/ouroboard-small.XXXXXX");
    assert_non_null(mkdtemp(small->folder));
    snprintf(small->image, sizeof(small->image), "%s/small.hex", small->folder);
    snprintf(small->drive, sizeof(small->drive), "%s/drive", small->folder);
    snprintf(path, sizeof(path), "%s/diagram.json", small->folder);
    small_write_image(small->image);
    assert_int_equal(mkdir(small->drive, 0777), 0);
    if (diagram) {
        small_write_file(path, diagram, strlen(diagram));
    }
    const struct session_desc desc = { .project = small->folder,
                                       .board = "raspberry_pi_pico",
                                       .firmware = small->image,
                                       .drive = small->drive,
                                       .log = { [LOG_ERROR] = true, [LOG_WARN] = true, [LOG_GUEST] = true } };
    small->session = session_open(&desc, listener, &error);
    if (!small->session) {
        fail_msg("%s", error.message);
    }
}

static inline int small_remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    return remove(path);
}

static inline void small_close(struct small_session *small) {
    session_close(small->session);
    nftw(small->folder, small_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
