/* Intel HEX: Intel's "Hexadecimal Object File Format Specification", revision A, record types 00 to 05.
 *
 * Lines may end in LF, CR LF or CR; empty lines are skipped. Refused: bad checksums, an end record missing or
 * followed by more, data that wraps around its segment (the specification's modulo is a mistake in practice). */
#include "firmware-loader/image_builder.h"

enum record_type {
    RECORD_DATA,
    RECORD_END,
    RECORD_SEGMENT_BASE,
    RECORD_SEGMENT_START,
    RECORD_LINEAR_BASE,
    RECORD_LINEAR_START,
};

#define OVERHEAD 5 /* length, address (2), type, checksum */

struct record {
    uint8_t length;
    uint16_t offset;
    uint8_t type;
    uint8_t bytes[255 + OVERHEAD];
    const uint8_t *data; /* inside bytes */
};

struct ihex_reader {
    struct image *image;
    struct image_builder *builder;
    struct error *error;
    size_t line; /* from 1 */
    uint32_t base;
    bool segmented; /* base came from record type 02 */
    bool ended;
};

static int digit(uint8_t character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* The bytes after the colon. -1 and a message when they are not pairs of digits. */
static int decode(struct ihex_reader *r, const uint8_t *text, size_t length, uint8_t *bytes, size_t capacity) {
    size_t count = 0;
    for (size_t i = 0; i < length; i += 2) {
        int high = digit(text[i]);
        int low = i + 1 < length ? digit(text[i + 1]) : -1;
        if (high < 0 || low < 0) {
            image_error(r->builder, r->line, r->error, "not a pair of hexadecimal digits at column %zu", i + 2);
            return -1;
        }
        if (count == capacity) {
            image_error(r->builder, r->line, r->error, "record is too long");
            return -1;
        }
        bytes[count++] = (uint8_t)(high << 4 | low);
    }
    return (int)count;
}

static bool parse_record(struct ihex_reader *r, const uint8_t *text, size_t length, struct record *record) {
    if (text[0] != ':') {
        return image_error(r->builder, r->line, r->error, "does not begin with a colon");
    }
    int count = decode(r, text + 1, length - 1, record->bytes, sizeof(record->bytes));
    if (count < 0) {
        return false;
    }
    if (count < OVERHEAD || count != record->bytes[0] + OVERHEAD) {
        return image_error(r->builder, r->line, r->error, "%d bytes in a record that should have %d", count,
                           (count ? record->bytes[0] : 0) + OVERHEAD);
    }
    uint8_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum = (uint8_t)(sum + record->bytes[i]);
    }
    if (sum) {
        uint8_t stated = record->bytes[count - 1];
        return image_error(r->builder, r->line, r->error, "checksum is %02X, should be %02X", stated,
                           (uint8_t)(stated - sum));
    }
    record->length = record->bytes[0];
    record->offset = (uint16_t)(record->bytes[1] << 8 | record->bytes[2]);
    record->type = record->bytes[3];
    record->data = record->bytes + 4;
    return true;
}

static uint32_t big_endian(const uint8_t *p, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

static bool take_data(struct ihex_reader *r, const struct record *record) {
    if (r->segmented && record->offset + record->length > 0x10000) {
        return image_error(r->builder, r->line, r->error, "data crosses the end of its 64 KB segment");
    }
    if (record->offset > UINT32_MAX - r->base) {
        return image_error(r->builder, r->line, r->error, "address beyond 32 bits");
    }
    return image_builder_add(r->builder, r->base + record->offset, record->data, record->length, r->line, r->error);
}

static bool take_base(struct ihex_reader *r, const struct record *record) {
    r->segmented = record->type == RECORD_SEGMENT_BASE;
    r->base = big_endian(record->data, 2) << (r->segmented ? 4 : 16);
    return true;
}

/* Where execution begins; CS:IP means nothing on an Arm core. */
static bool take_start(struct ihex_reader *r, const struct record *record) {
    if (record->type == RECORD_LINEAR_START) {
        r->image->has_entry = true;
        r->image->entry = big_endian(record->data, 4);
    }
    return true;
}

static bool take_end(struct ihex_reader *r, const struct record *record) {
    r->ended = true;
    return true;
}

static bool take_record(struct ihex_reader *r, const struct record *record) {
    static const struct {
        bool (*take)(struct ihex_reader *, const struct record *);
        int length; /* -1: any */
    } kinds[] = {
        [RECORD_DATA] = { take_data, -1 },        [RECORD_END] = { take_end, 0 },
        [RECORD_SEGMENT_BASE] = { take_base, 2 }, [RECORD_SEGMENT_START] = { take_start, 4 },
        [RECORD_LINEAR_BASE] = { take_base, 2 },  [RECORD_LINEAR_START] = { take_start, 4 },
    };
    if (record->type >= sizeof(kinds) / sizeof(kinds[0])) {
        return image_error(r->builder, r->line, r->error, "unknown record type %02X", record->type);
    }
    int wanted = kinds[record->type].length;
    if (wanted >= 0 && record->length != wanted) {
        return image_error(r->builder, r->line, r->error, "record type %02X with %u bytes of data, should be %d",
                           record->type, record->length, wanted);
    }
    return kinds[record->type].take(r, record);
}

static bool read_line(struct ihex_reader *r, const uint8_t *text, size_t length) {
    struct record record;
    if (!length) {
        return true;
    }
    if (r->ended) {
        return image_error(r->builder, r->line, r->error, "text after the end record");
    }
    return parse_record(r, text, length, &record) && take_record(r, &record);
}

/* Characters up to the end of line, and how many end it. */
static size_t line_length(const uint8_t *text, size_t size, size_t *ret_with_end) {
    size_t length = 0;
    while (length < size && text[length] != '\n' && text[length] != '\r') {
        length++;
    }
    size_t end = length;
    if (end < size && text[end] == '\r') {
        end++;
    }
    if (end < size && text[end] == '\n') {
        end++;
    }
    *ret_with_end = end;
    return length;
}

bool ihex_read(struct image *image, struct image_builder *b, struct error *error) {
    struct ihex_reader reader = { .image = image, .builder = b, .error = error };
    size_t next;
    for (size_t at = 0; at < b->source->size; at += next) {
        reader.line++;
        size_t length = line_length(b->source->bytes + at, b->source->size - at, &next);
        if (!read_line(&reader, b->source->bytes + at, length)) {
            return false;
        }
    }
    return reader.ended || image_error(b, reader.line, error, "ends without an end record (cut short?)");
}
