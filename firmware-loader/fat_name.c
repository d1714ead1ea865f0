/* Names: UTF-8 outside, UTF-16 in long entries, code page 437 in short ones (what CircuitPython is built with).
 * Short names are made as FatFs makes them: a name that is 8.3 but for a lower-case base or extension has no long
 * entry, only the two case flags of Windows NT.
 *
 * Not modelled: letters outside ASCII become '_' in a short name that we make (FatFs would use code page 437 for some
 * of them; the long name says it all). Case is folded for Latin, Greek and Cyrillic letters, not for the rest of
 * Unicode. */
#include "firmware-loader/fat_private.h"

#include <stdio.h>
#include <string.h>

#define NOT_A_CHARACTER UINT32_MAX

static const uint16_t code_page_437[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee,
    0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6,
    0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa,
    0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514,
    0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c,
    0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4,
    0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* One code point of UTF-8, NOT_A_CHARACTER for what is none (overlong, surrogate, cut short). */
static uint32_t utf8_next(const char **text) {
    const uint8_t *p = (const uint8_t *)*text;
    unsigned more = p[0] < 0x80 ? 0 : p[0] < 0xc2 ? 9 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : p[0] < 0xf5 ? 3 : 9;
    if (more == 9) {
        *text += 1;
        return NOT_A_CHARACTER;
    }
    uint32_t point = more == 0 ? p[0] : p[0] & (0x3f >> more);
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            *text += i;
            return NOT_A_CHARACTER;
        }
        point = point << 6 | (p[i] & 0x3f);
    }
    *text += more + 1;
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    bool bad = point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
    return bad ? NOT_A_CHARACTER : point;
}

static char *utf8_put(char *text, uint32_t point) {
    if (point < 0x80) {
        *text++ = (char)point;
    } else if (point < 0x800) {
        *text++ = (char)(0xc0 | point >> 6);
        *text++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *text++ = (char)(0xe0 | point >> 12);
        *text++ = (char)(0x80 | (point >> 6 & 0x3f));
        *text++ = (char)(0x80 | (point & 0x3f));
    } else {
        *text++ = (char)(0xf0 | point >> 18);
        *text++ = (char)(0x80 | (point >> 12 & 0x3f));
        *text++ = (char)(0x80 | (point >> 6 & 0x3f));
        *text++ = (char)(0x80 | (point & 0x3f));
    }
    return text;
}

unsigned fat_name_to_utf16(const char *name, uint16_t units[255]) {
    unsigned count = 0;
    while (*name) {
        uint32_t point = utf8_next(&name);
        unsigned need = point < 0x10000 ? 1 : 2;
        if (point == NOT_A_CHARACTER || count + need > 255) {
            return 0;
        }
        if (need == 2) {
            units[count++] = (uint16_t)(0xd800 + ((point - 0x10000) >> 10));
            point = 0xdc00 + (point & 0x3ff);
        }
        units[count++] = (uint16_t)point;
    }
    return count;
}

bool fat_name_from_utf16(const uint16_t *units, unsigned count, char ret_name[FAT_NAME_SIZE]) {
    char *p = ret_name;
    for (unsigned i = 0; i < count; i++) {
        uint32_t point = units[i];
        if (point >= 0xd800 && point < 0xe000) {
            bool pair = point < 0xdc00 && i + 1 < count && units[i + 1] >= 0xdc00 && units[i + 1] < 0xe000;
            if (!pair) {
                return false;
            }
            point = 0x10000 + ((point & 0x3ff) << 10) + (units[++i] & 0x3ff);
        }
        p = utf8_put(p, point);
    }
    *p = 0;
    return true;
}

bool fat_name_valid(const char *name) {
    uint16_t units[255];
    unsigned count = fat_name_to_utf16(name, units);
    if (!count || units[count - 1] == ' ' || units[count - 1] == '.') {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (units[i] < 0x20 || (units[i] < 0x80 && strchr("\"*/:<>?\\|\x7f", units[i]))) {
            return false;
        }
    }
    return true;
}

/* Latin Extended-A: pairs of upper and lower case, the lower one even in two stretches. */
static uint32_t upper_latin_a(uint32_t point) {
    if (point == 0x131 || point == 0x138 || point == 0x149 || point == 0x17f) {
        return point;
    }
    bool even = (point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17e);
    bool lower = even ? !(point & 1) : point & 1;
    return lower ? point - 1 : point;
}

static uint32_t upper_greek(uint32_t point) {
    if (point >= 0x3b1 && point <= 0x3cb && point != 0x3c2) {
        return point - 0x20;
    }
    if (point >= 0x3ad && point <= 0x3af) {
        return point - 0x25;
    }
    return point == 0x3ac ? 0x386 : point == 0x3cc ? 0x38c : point == 0x3cd || point == 0x3ce ? point - 0x3f : point;
}

static uint32_t upper_cyrillic(uint32_t point) {
    if (point >= 0x430 && point <= 0x44f) {
        return point - 0x20;
    }
    if (point >= 0x450 && point <= 0x45f) {
        return point - 0x50;
    }
    return point >= 0x460 && point <= 0x481 ? point & ~UINT32_C(1) : point;
}

static uint32_t upper(uint32_t point) {
    if (point < 0x80) {
        return point >= 'a' && point <= 'z' ? point - 0x20 : point;
    }
    if (point < 0x100) {
        return point == 0xff ? 0x178 : point >= 0xe0 && point != 0xf7 ? point - 0x20 : point;
    }
    return point < 0x180 ? upper_latin_a(point) : point < 0x400 ? upper_greek(point) : upper_cyrillic(point);
}

int fat_name_compare(const char *a, const char *b) {
    for (;;) {
        uint32_t x = upper(utf8_next(&a)), y = upper(utf8_next(&b));
        if (x != y) {
            return x < y ? -1 : 1;
        }
        if (!x || x == NOT_A_CHARACTER) {
            return 0;
        }
    }
}

static char *put_short_part(char *p, const uint8_t *part, unsigned size, bool lower) {
    while (size && part[size - 1] == ' ') {
        size--;
    }
    for (unsigned i = 0; i < size; i++) {
        uint32_t point = part[i] < 0x80 ? part[i] : code_page_437[part[i] - 0x80];
        p = utf8_put(p, lower && point >= 'A' && point <= 'Z' ? point + 0x20 : point);
    }
    return p;
}

void fat_short_to_name(const uint8_t *slot, char ret_name[FAT_NAME_SIZE]) {
    uint8_t name[11];
    memcpy(name, slot, 11);
    if (name[0] == 0x05) {
        name[0] = FAT_SLOT_FREE;
    }
    char *p = put_short_part(ret_name, name, 8, slot[12] & 0x08);
    char *extension = put_short_part(p + 1, name + 8, 3, slot[12] & 0x10);
    if (extension != p + 1) {
        *p = '.';
        p = extension;
    }
    *p = 0;
}

struct short_part {
    uint8_t *out;
    unsigned room;
    bool lower, upper;
};

static void add_short(struct fat_short_name *name, struct short_part *part, uint32_t point) {
    if (point == ' ' || point == '.') {
        name->lossy = true;
        return;
    }
    if (!part->room) {
        name->lossy = true;
        return;
    }
    part->lower |= point >= 'a' && point <= 'z';
    part->upper |= point >= 'A' && point <= 'Z';
    if (point >= 0x80 || strchr("+,;=[]", (int)point)) {
        name->lossy = true;
        point = '_';
    }
    *part->out++ = (uint8_t)(point >= 'a' && point <= 'z' ? point - 0x20 : point);
    part->room--;
}

void fat_short_from_name(const char *name, struct fat_short_name *ret_name) {
    *ret_name = (struct fat_short_name){ .lossy = name[0] == '.' };
    memset(ret_name->name, ' ', 11);
    struct short_part base = { .out = ret_name->name, .room = 8 }, extension = { .out = ret_name->name + 8, .room = 3 };
    const char *dot = strrchr(name, '.');
    if (dot == name) {
        dot = NULL;
    }
    while (*name) {
        if (name == dot) {
            name++;
            continue;
        }
        add_short(ret_name, dot && name > dot ? &extension : &base, utf8_next(&name));
    }
    bool mixed = (base.lower && base.upper) || (extension.lower && extension.upper);
    ret_name->needs_long = ret_name->lossy || mixed;
    if (!ret_name->needs_long) {
        ret_name->case_flags = (base.lower ? 0x08 : 0) | (extension.lower ? 0x10 : 0);
    }
}

void fat_short_tail(const struct fat_short_name *name, unsigned number, uint8_t ret_name[11]) {
    char tail[12];
    unsigned size = (unsigned)snprintf(tail, sizeof(tail), "~%u", number % 1000000);
    memcpy(ret_name, name->name, 11);
    unsigned base = 0;
    while (base < 8 - size && ret_name[base] != ' ') {
        base++;
    }
    memset(ret_name + base, ' ', 8 - base);
    memcpy(ret_name + base, tail, size);
}

uint8_t fat_short_checksum(const uint8_t name[11]) {
    uint8_t sum = 0;
    for (unsigned i = 0; i < 11; i++) {
        sum = (uint8_t)((sum << 7 | sum >> 1) + name[i]);
    }
    return sum;
}
