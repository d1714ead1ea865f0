/* Report descriptors: HID 1.11, 5.3 (items), 6.2.2.4 to 6.2.2.8.
 *
 * Not kept: feature reports, physical ranges, units, strings, designators, delimiters. The bytes come from the guest;
 * a descriptor that asks for more than the limits of the header is refused. */
#include "emulator/usbhost/hid_descriptor.h"

#include <string.h>

/* Tag and type of a short item, without its size. */
#define ITEM_INPUT 0x80
#define ITEM_OUTPUT 0x90
#define ITEM_FEATURE 0xb0
#define ITEM_COLLECTION 0xa0
#define ITEM_END_COLLECTION 0xc0
#define ITEM_USAGE_PAGE 0x04
#define ITEM_LOGICAL_MIN 0x14
#define ITEM_LOGICAL_MAX 0x24
#define ITEM_REPORT_SIZE 0x74
#define ITEM_REPORT_ID 0x84
#define ITEM_REPORT_COUNT 0x94
#define ITEM_PUSH 0xa4
#define ITEM_POP 0xb4
#define ITEM_USAGE 0x08
#define ITEM_USAGE_MIN 0x18
#define ITEM_USAGE_MAX 0x28
#define ITEM_LONG 0xfe

#define FLAG_CONSTANT 1u
#define FLAG_VARIABLE 2u
#define FLAG_RELATIVE 4u

#define STACK 4
#define DEPTH_MAX 32
#define REPORT_BITS (HID_REPORT_BYTES * 8)

struct globals {
    uint32_t page;
    int32_t logical_min, logical_max;
    uint32_t size, count;
    unsigned report;
};

struct parser {
    struct hid_descriptor *descriptor;
    struct globals global, stack[STACK];
    unsigned stacked, depth;
    uint32_t application;
    unsigned range_count;
    struct hid_usage_range range[HID_USAGE_RANGES];
    uint32_t usage_min;
    bool full; /* something did not fit */
};

static int32_t sign_extend(uint32_t value, unsigned bits) {
    return bits >= 32 ? (int32_t)value : (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static uint32_t with_page(const struct parser *parser, uint32_t usage, unsigned bytes) {
    return bytes == 4 ? usage : parser->global.page << 16 | (usage & 0xffff);
}

static void add_range(struct parser *parser, uint32_t first, uint32_t last) {
    if (parser->range_count == HID_USAGE_RANGES) {
        parser->full = true;
        return;
    }
    parser->range[parser->range_count++] = (struct hid_usage_range){ first, last < first ? first : last };
}

static unsigned find_or_add_report(struct parser *parser, uint8_t id) {
    struct hid_descriptor *descriptor = parser->descriptor;
    int found = hid_find_report(descriptor, id);
    if (found >= 0) {
        return (unsigned)found;
    }
    if (descriptor->report_count == HID_REPORTS) {
        parser->full = true;
        return 0;
    }
    descriptor->report[descriptor->report_count] = (struct hid_report){ .id = id };
    return descriptor->report_count++;
}

static void set_report_id(struct parser *parser, uint8_t id) {
    struct hid_descriptor *descriptor = parser->descriptor;
    if (!descriptor->has_ids && descriptor->field_count == 0) {
        descriptor->report_count = 0; /* the one without an id is not used */
    }
    descriptor->has_ids = true;
    parser->global.report = find_or_add_report(parser, id);
}

static void add_field(struct parser *parser, uint32_t flags, bool output) {
    struct hid_descriptor *descriptor = parser->descriptor;
    const struct globals *global = &parser->global;
    struct hid_report *report = &descriptor->report[global->report];
    uint16_t *bits = output ? &report->output_bits : &report->input_bits;
    uint16_t bit = *bits;
    uint64_t total = (uint64_t)global->size * global->count;
    if (bit + total > REPORT_BITS) {
        parser->full = true;
        return;
    }
    *bits = (uint16_t)(bit + total);
    if ((flags & FLAG_CONSTANT) || total == 0 || global->size > 32) {
        return;
    }
    if (descriptor->field_count == HID_FIELDS) {
        parser->full = true;
        return;
    }
    struct hid_field *field = &descriptor->field[descriptor->field_count++];
    *field = (struct hid_field){
        .output = output,
        .array = !(flags & FLAG_VARIABLE),
        .relative = flags & FLAG_RELATIVE,
        .report = (uint8_t)global->report,
        .bit = bit,
        .size = (uint8_t)global->size,
        .count = (uint16_t)global->count,
        .logical_min = global->logical_min,
        .logical_max = global->logical_max,
        .application = parser->application,
        .range_count = parser->range_count,
    };
    memcpy(field->range, parser->range, sizeof(parser->range));
}

static void take_main(struct parser *parser, uint8_t tag, uint32_t value) {
    switch (tag) {
    case ITEM_INPUT:
    case ITEM_OUTPUT:
        add_field(parser, value, tag == ITEM_OUTPUT);
        break;
    case ITEM_COLLECTION:
        if (parser->depth++ == 0) {
            parser->application = parser->range_count ? parser->range[0].first : 0;
        }
        parser->full |= parser->depth > DEPTH_MAX;
        break;
    case ITEM_END_COLLECTION:
        parser->depth -= parser->depth > 0;
        break;
    default:
        break;
    }
    parser->range_count = 0; /* local items end with a main item */
    parser->usage_min = 0;
}

static void push(struct parser *parser) {
    if (parser->stacked == STACK) {
        parser->full = true;
        return;
    }
    parser->stack[parser->stacked++] = parser->global;
}

static void take_global(struct parser *parser, uint8_t tag, uint32_t value, unsigned bytes) {
    struct globals *global = &parser->global;
    switch (tag) {
    case ITEM_USAGE_PAGE:
        global->page = value & 0xffff;
        break;
    case ITEM_LOGICAL_MIN:
        global->logical_min = sign_extend(value, bytes * 8);
        break;
    case ITEM_LOGICAL_MAX: /* many descriptors write 255 in one byte and mean it unsigned */
        global->logical_max = global->logical_min < 0 ? sign_extend(value, bytes * 8) : (int32_t)value;
        break;
    case ITEM_REPORT_SIZE:
        global->size = value;
        break;
    case ITEM_REPORT_COUNT:
        global->count = value;
        break;
    case ITEM_REPORT_ID:
        set_report_id(parser, (uint8_t)value);
        break;
    case ITEM_PUSH:
        push(parser);
        break;
    case ITEM_POP:
        if (parser->stacked) {
            *global = parser->stack[--parser->stacked];
        }
        break;
    default:
        break;
    }
}

static void take_local(struct parser *parser, uint8_t tag, uint32_t value, unsigned bytes) {
    switch (tag) {
    case ITEM_USAGE:
        add_range(parser, with_page(parser, value, bytes), 0);
        break;
    case ITEM_USAGE_MIN:
        parser->usage_min = with_page(parser, value, bytes);
        break;
    case ITEM_USAGE_MAX:
        add_range(parser, parser->usage_min, with_page(parser, value, bytes));
        break;
    default:
        break;
    }
}

static void take(struct parser *parser, uint8_t prefix, const uint8_t *data, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint32_t)data[i] << 8 * i;
    }
    uint8_t tag = prefix & 0xfc;
    switch (prefix >> 2 & 3) {
    case 0:
        take_main(parser, tag, value);
        break;
    case 1:
        take_global(parser, tag, value, bytes ? bytes : 1);
        break;
    case 2:
        take_local(parser, tag, value, bytes);
        break;
    default:
        break;
    }
}

bool hid_parse(const uint8_t *bytes, unsigned length, struct hid_descriptor *ret) {
    static const uint8_t sizes[4] = { 0, 1, 2, 4 };
    memset(ret, 0, sizeof(*ret));
    struct parser parser = { .descriptor = ret };
    ret->report_count = 1;
    unsigned at = 0;
    while (at < length && !parser.full) {
        uint8_t prefix = bytes[at];
        unsigned size = prefix == ITEM_LONG ? (at + 1 < length ? bytes[at + 1] + 2u : 0) : sizes[prefix & 3];
        if (at + 1 + size > length) {
            return false;
        }
        if (prefix != ITEM_LONG) {
            take(&parser, prefix, bytes + at + 1, size);
        }
        at += 1 + size;
    }
    return !parser.full && ret->field_count > 0;
}

/* ---- Fields ---- */
uint32_t hid_field_usage(const struct hid_field *field, uint32_t n) {
    for (unsigned i = 0; i < field->range_count; i++) {
        const struct hid_usage_range *range = &field->range[i];
        uint32_t count = range->last - range->first + 1;
        if (n < count || count == 0) {
            return range->first + n;
        }
        n -= count;
    }
    /* more values than usages: the last usage applies to the rest */
    return field->range_count && !field->array ? field->range[field->range_count - 1].last : 0;
}

int32_t hid_field_get(const struct hid_field *field, unsigned index, const uint8_t *bytes, unsigned length) {
    uint32_t value = 0;
    unsigned start = field->bit + index * field->size;
    for (unsigned i = 0; i < field->size; i++) {
        unsigned bit = start + i;
        if (bit / 8 < length && (bytes[bit / 8] >> bit % 8 & 1)) {
            value |= 1u << i;
        }
    }
    return field->logical_min < 0 ? sign_extend(value, field->size) : (int32_t)value;
}

void hid_field_set(const struct hid_field *field, unsigned index, int32_t value, uint8_t *bytes, unsigned length) {
    unsigned start = field->bit + index * field->size;
    for (unsigned i = 0; i < field->size; i++) {
        unsigned bit = start + i;
        if (bit / 8 < length) {
            bytes[bit / 8] = (uint8_t)((bytes[bit / 8] & ~(1u << bit % 8)) | ((uint32_t)value >> i & 1) << bit % 8);
        }
    }
}

int hid_find_report(const struct hid_descriptor *descriptor, uint8_t id) {
    for (unsigned i = 0; i < descriptor->report_count; i++) {
        if (descriptor->report[i].id == id) {
            return (int)i;
        }
    }
    return -1;
}
