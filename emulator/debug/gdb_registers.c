/* Registers of a core as GDB's target description names them: features m-profile (r0 to r12, sp, lr, pc, xpsr),
 * m-system (stack pointers and masks) and, on the Cortex-M33, vfp (d0 to d15, fpscr).
 *
 * Their numbers are those of OpenOCD, which clients without a description of registers assume.
 *
 * Not there: secure extension's banked stack pointers, stack limits (`monitor registers` does not show them either). */
#include "emulator/debug/gdb_private.h"

#include <string.h>

static const char xml_head[] =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
    "<architecture>arm</architecture><feature name=\"org.gnu.gdb.arm.m-profile\">"
    "<reg name=\"r0\" bitsize=\"32\"/><reg name=\"r1\" bitsize=\"32\"/><reg name=\"r2\" bitsize=\"32\"/>"
    "<reg name=\"r3\" bitsize=\"32\"/><reg name=\"r4\" bitsize=\"32\"/><reg name=\"r5\" bitsize=\"32\"/>"
    "<reg name=\"r6\" bitsize=\"32\"/><reg name=\"r7\" bitsize=\"32\"/><reg name=\"r8\" bitsize=\"32\"/>"
    "<reg name=\"r9\" bitsize=\"32\"/><reg name=\"r10\" bitsize=\"32\"/><reg name=\"r11\" bitsize=\"32\"/>"
    "<reg name=\"r12\" bitsize=\"32\"/><reg name=\"sp\" bitsize=\"32\" type=\"data_ptr\"/>"
    "<reg name=\"lr\" bitsize=\"32\"/><reg name=\"pc\" bitsize=\"32\" type=\"code_ptr\"/>"
    "<reg name=\"xpsr\" bitsize=\"32\" regnum=\"16\"/></feature><feature name=\"org.gnu.gdb.arm.m-system\">"
    "<reg name=\"msp\" bitsize=\"32\" type=\"data_ptr\" group=\"system\"/>"
    "<reg name=\"psp\" bitsize=\"32\" type=\"data_ptr\" group=\"system\"/>"
    "<reg name=\"primask\" bitsize=\"32\" group=\"system\"/>";
static const char xml_m0plus[] =
    "<reg name=\"control\" bitsize=\"32\" regnum=\"22\" group=\"system\"/></feature></target>";
static const char xml_m33[] =
    "<reg name=\"basepri\" bitsize=\"32\" group=\"system\"/><reg name=\"faultmask\" bitsize=\"32\" group=\"system\"/>"
    "<reg name=\"control\" bitsize=\"32\" group=\"system\"/>"
    "</feature><feature name=\"org.gnu.gdb.arm.vfp\">"
    "<reg name=\"d0\" bitsize=\"64\" type=\"ieee_double\" regnum=\"25\"/><reg name=\"d1\" bitsize=\"64\" "
    "type=\"ieee_double\"/>"
    "<reg name=\"d2\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d3\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"d4\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d5\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"d6\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d7\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"d8\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d9\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"d10\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d11\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"d12\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d13\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"d14\" bitsize=\"64\" type=\"ieee_double\"/><reg name=\"d15\" bitsize=\"64\" type=\"ieee_double\"/>"
    "<reg name=\"fpscr\" bitsize=\"32\" type=\"int\" group=\"float\"/></feature></target>";

/* A register by the protocol's number: the core's number, and how many words it has. */
struct gdb_register {
    unsigned number, words;
};
enum { FIRST_SYSTEM = 16, FIRST_DOUBLE = 25, FPSCR = 41, REGISTERS };

/* From FIRST_SYSTEM on. */
static const unsigned system_registers[] = { CORE_XPSR,    CORE_MSP,       CORE_PSP,    CORE_PRIMASK,
                                             CORE_BASEPRI, CORE_FAULTMASK, CORE_CONTROL };
#define SYSTEM_REGISTERS (sizeof(system_registers) / sizeof(system_registers[0]))

static bool is_m33(struct gdb *gdb) {
    return core_model(gdb_core(gdb, 0)) == CORE_M33;
}

static bool is_mainline(unsigned number) {
    return number == CORE_BASEPRI || number == CORE_FAULTMASK || number >= CORE_FPSCR;
}

/* False: there is none of that number. */
static bool find_register(struct gdb *gdb, uint64_t number, struct gdb_register *ret_register) {
    *ret_register = (struct gdb_register){ .number = (unsigned)number, .words = 1 };
    if (number >= FIRST_SYSTEM && number < FIRST_SYSTEM + SYSTEM_REGISTERS) {
        ret_register->number = system_registers[number - FIRST_SYSTEM];
    } else if (number >= FIRST_DOUBLE && number < FPSCR) {
        *ret_register = (struct gdb_register){ .number = CORE_S0 + 2 * (unsigned)(number - FIRST_DOUBLE), .words = 2 };
    } else if (number == FPSCR) {
        ret_register->number = CORE_FPSCR;
    } else if (number >= FIRST_SYSTEM) {
        return false;
    }
    return is_m33(gdb) || !is_mainline(ret_register->number);
}

void gdb_registers_put_xml(struct gdb *gdb, struct gdb_text *text) {
    const char *rest = is_m33(gdb) ? xml_m33 : xml_m0plus;
    gdb_text_add(text, xml_head, strlen(xml_head));
    gdb_text_add(text, rest, strlen(rest));
}

/* ---- Reading ---- */

static void put_register(struct gdb *gdb, unsigned core, const struct gdb_register *from, struct gdb_text *text) {
    for (unsigned i = 0; i < from->words; i++) {
        uint32_t value = core_register(gdb_core(gdb, core), from->number + i);
        gdb_text_hex(text, &value, sizeof(value));
    }
}

void gdb_registers_read_all(struct gdb_client *client) {
    struct gdb_text text = { 0 };
    struct gdb_register each;
    for (unsigned i = 0; i < REGISTERS; i++) {
        if (find_register(client->gdb, i, &each)) {
            put_register(client->gdb, client->core, &each, &text);
        }
    }
    gdb_reply_text(client, &text);
    gdb_text_finish(&text);
}

void gdb_registers_read(struct gdb_client *client, const char *text) {
    struct gdb_text reply = { 0 };
    struct gdb_register found;
    uint64_t number;
    if (gdb_parse_hex(&text, &number) && find_register(client->gdb, number, &found)) {
        put_register(client->gdb, client->core, &found, &reply);
        gdb_reply_text(client, &reply);
        gdb_text_finish(&reply);
    } else {
        gdb_reply(client, "E16");
    }
}

void gdb_registers_put_some(struct gdb *gdb, unsigned core, struct gdb_text *text) {
    for (unsigned number = CORE_SP; number <= CORE_PC; number++) {
        const struct gdb_register from = { .number = number, .words = 1 };
        gdb_text_print(text, "%02x:", number);
        put_register(gdb, core, &from, text);
        gdb_text_add(text, ";", 1);
    }
}

/* ---- Writing ---- */

static bool set_words(struct gdb_client *client, const struct gdb_register *to, const uint8_t *bytes) {
    bool ok = true;
    for (unsigned i = 0; i < to->words; i++) {
        uint32_t value;
        memcpy(&value, bytes + 4 * i, sizeof(value));
        if (value != core_register(gdb_core(client->gdb, client->core), to->number + i)) {
            ok = gdb_set_register(client->gdb, client->core, to->number + i, value) && ok;
        }
    }
    return ok;
}

void gdb_registers_write(struct gdb_client *client, const char *text) {
    uint8_t bytes[8];
    struct gdb_register found;
    uint64_t number;
    bool ok = gdb_parse_hex(&text, &number) && *text == '=' && find_register(client->gdb, number, &found) &&
              gdb_parse_bytes(text + 1, bytes, sizeof(bytes)) >= 4 * found.words;
    gdb_reply(client, ok && set_words(client, &found, bytes) ? "OK" : "E16");
}

void gdb_registers_write_all(struct gdb_client *client, const char *text) {
    uint8_t bytes[2 * 4 * REGISTERS];
    size_t size = gdb_parse_bytes(text, bytes, sizeof(bytes)), at = 0;
    struct gdb_register each;
    bool ok = size >= 4 * FIRST_SYSTEM;
    for (unsigned i = 0; i < REGISTERS && ok; i++) {
        if (find_register(client->gdb, i, &each) && at + 4 * each.words <= size) {
            ok = set_words(client, &each, bytes + at);
            at += 4 * each.words;
        }
    }
    gdb_reply(client, ok ? "OK" : "E16");
}
