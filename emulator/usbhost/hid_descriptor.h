/* Report descriptors: Device Class Definition for HID 1.11, chapter 6.2.2. */
#ifndef USBHOST_HID_DESCRIPTOR_H
#define USBHOST_HID_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#define HID_FIELDS 48
#define HID_USAGE_RANGES 12
#define HID_REPORTS 16
#define HID_REPORT_BYTES 64

#define HID_PAGE_GENERIC_DESKTOP 0x01
#define HID_PAGE_KEYBOARD 0x07
#define HID_PAGE_LED 0x08
#define HID_PAGE_BUTTON 0x09
#define HID_PAGE_CONSUMER 0x0c

/* Usages are page << 16 | usage. */
struct hid_usage_range {
    uint32_t first, last;
};

/* What one Input or Output item describes: `count` values of `size` bits. */
struct hid_field {
    bool output;
    bool array; /* values are indices of usages that are on; else each value belongs to one usage */
    bool relative;
    uint8_t report; /* index into hid_descriptor.report */
    uint16_t bit;   /* offset in the report, after the id */
    uint8_t size;   /* bits of a value, 1 to 32 */
    uint16_t count;
    int32_t logical_min, logical_max;
    uint32_t application; /* usage of the top-level collection: keyboard, mouse, ... */
    unsigned range_count;
    struct hid_usage_range range[HID_USAGE_RANGES];
};

struct hid_report {
    uint8_t id;                       /* 0 when the device has none */
    uint16_t input_bits, output_bits; /* without the id */
};

struct hid_descriptor {
    bool has_ids;
    unsigned report_count;
    struct hid_report report[HID_REPORTS];
    unsigned field_count;
    struct hid_field field[HID_FIELDS];
};

/* False when the bytes are no report descriptor, or one with more in it than fits here. */
bool hid_parse(const uint8_t *bytes, unsigned length, struct hid_descriptor *ret);
/* Usage of the n-th value of a variable field, or of the n-th selector of an array; 0 when it has none. */
uint32_t hid_field_usage(const struct hid_field *field, uint32_t n);
/* Value `index` of a field in the `length` bytes of a report (without id); 0 beyond them. */
int32_t hid_field_get(const struct hid_field *field, unsigned index, const uint8_t *bytes, unsigned length);
/* Set it. */
void hid_field_set(const struct hid_field *field, unsigned index, int32_t value, uint8_t *bytes, unsigned length);
/* Index of the report with an id, or -1. */
int hid_find_report(const struct hid_descriptor *descriptor, uint8_t id);

#endif
