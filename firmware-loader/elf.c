/* ELF32 for Arm: System V ABI, "Program Loading". Segments of type PT_LOAD go to their physical addresses, which
 * is where a linker script of these chips puts initialised data (flash); the part beyond the file's bytes (.bss)
 * is left to the program's own start-up code. Sections and symbols are not read. */
#include "firmware-loader/image_builder.h"

#define HEADER_SIZE 52
#define PROGRAM_HEADER_SIZE 32
#define CLASS_32 1
#define DATA_LITTLE_ENDIAN 1
#define TYPE_EXECUTABLE 2
#define MACHINE_ARM 40
#define MACHINE_RISCV 243
#define SEGMENT_LOAD 1

static bool check_identification(const struct image_builder *b, const uint8_t *header, struct error *error) {
    if (b->source->size < HEADER_SIZE) {
        return image_error(b, b->source->size, error, "ends inside the header of %u bytes", HEADER_SIZE);
    }
    if (get32(header) != 0x464c457f) {
        return image_error(b, 0, error, "magic number is 0x%08x, not 0x464c457f", get32(header));
    }
    if (header[4] != CLASS_32) {
        return image_error(b, 4, error, "not a 32-bit file (class %u)", header[4]);
    }
    if (header[5] != DATA_LITTLE_ENDIAN) {
        return image_error(b, 5, error, "not little-endian (data encoding %u)", header[5]);
    }
    return true;
}

static bool check_header(const struct image_builder *b, const uint8_t *header, struct error *error) {
    if (!check_identification(b, header, error)) {
        return false;
    }
    if (get16(header + 16) != TYPE_EXECUTABLE) {
        return image_error(b, 16, error, "not an executable (type %u): link it first", get16(header + 16));
    }
    if (get16(header + 18) == MACHINE_RISCV) {
        return image_error(b, 18, error, "for RISC-V cores, which are not modelled");
    }
    if (get16(header + 18) != MACHINE_ARM) {
        return image_error(b, 18, error, "for another processor (machine %u), not Arm", get16(header + 18));
    }
    if (get16(header + 42) != PROGRAM_HEADER_SIZE) {
        return image_error(b, 42, error, "program headers of %u bytes, not %u", get16(header + 42),
                           PROGRAM_HEADER_SIZE);
    }
    return true;
}

static bool read_segment(struct image_builder *b, size_t where, struct error *error) {
    const uint8_t *p = b->source->bytes + where;
    uint32_t offset = get32(p + 4);
    uint32_t address = get32(p + 12);
    uint32_t size = get32(p + 16);
    uint32_t memory_size = get32(p + 20);
    if (get32(p) != SEGMENT_LOAD || !size) {
        return true;
    }
    if (offset > b->source->size || size > b->source->size - offset) {
        return image_error(b, where, error, "segment of %u bytes at 0x%x lies beyond the file's end", size, offset);
    }
    if (memory_size < size) {
        return image_error(b, where + 20, error, "segment of %u bytes in the file and %u in memory", size, memory_size);
    }
    return image_builder_add(b, address, b->source->bytes + offset, size, where, error);
}

bool elf_read(struct image *image, struct image_builder *b, struct error *error) {
    const uint8_t *header = b->source->bytes;
    if (!check_header(b, header, error)) {
        return false;
    }
    uint32_t table = get32(header + 28);
    uint32_t count = get16(header + 44);
    if (table > b->source->size || count * PROGRAM_HEADER_SIZE > b->source->size - table) {
        return image_error(b, 28, error, "%u program headers at 0x%x lie beyond the file's end", count, table);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!read_segment(b, table + (size_t)i * PROGRAM_HEADER_SIZE, error)) {
            return false;
        }
    }
    image->has_entry = true;
    image->entry = get32(header + 24);
    return true;
}
