/* The parser behind picobin.h. Not modelled: signatures, rollback versions. A block is at most 0x280 bytes long, as in
 * the ROM. */
#include "emulator/bootrom/picobin.h"

#include <stddef.h>

#define MARKER_START 0xffffded3u
#define MARKER_END 0xab123579u
#define MAX_BLOCK_WORDS (0x280u / 4)
#define MAX_BLOCKS 256

enum item {
    ITEM_VECTOR_TABLE = 0x03,
    ITEM_ROLLING_WINDOW_DELTA = 0x05,
    ITEM_LOAD_MAP = 0x06,
    ITEM_PARTITION_TABLE = 0x0a,
    ITEM_IMAGE_TYPE = 0x42,
    ITEM_ENTRY_POINT = 0x44,
    ITEM_HASH_DEFINITION = 0x47,
    ITEM_VERSION = 0x48,
    ITEM_HASH_VALUE = 0x4b,
    ITEM_LAST = 0x7f,
};

#define SIZE_IN_TWO_BYTES 0x80u
#define TABLE_SINGLETON 0x80u
#define TYPE_EXECUTABLE 1u
#define SECURITY_NONSECURE 1u
#define CPU_ARM 0u
#define CHIP_RP2350 1u
#define HASH_SHA256 1u
#define PARTITION_HAS_ID 1u
#define PARTITION_HAS_NAME 0x1000u

struct window {
    const uint8_t *data;
    uint32_t words;
};

static uint32_t word_at(const struct window *window, uint32_t index) {
    if (index >= window->words) {
        return 0;
    }
    const uint8_t *at = window->data + 4 * (size_t)index;
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t item_words(uint32_t header) {
    return header & SIZE_IN_TWO_BYTES ? header >> 8 & 0xffff : header >> 8 & 0xff;
}

/* The index of a block's last item; 0 when there is no whole block at `start`. */
static uint32_t block_end(const struct window *window, uint32_t start) {
    if (word_at(window, start) != MARKER_START) {
        return 0;
    }
    uint32_t at = start + 1;
    while (at - start < MAX_BLOCK_WORDS && at + 2 < window->words) {
        uint32_t header = word_at(window, at), size = item_words(header);
        if ((header & 0xff) == (ITEM_LAST | SIZE_IN_TWO_BYTES)) {
            return size == at - start - 1 && word_at(window, at + 2) == MARKER_END ? at : 0;
        }
        if (!size) {
            return 0;
        }
        at += size;
    }
    return 0;
}

static enum picobin_fit fit_of(uint16_t type) {
    if ((type & 0xf) != TYPE_EXECUTABLE) {
        return PICOBIN_NOT_EXECUTABLE;
    }
    if ((type >> 12 & 7) != CHIP_RP2350) {
        return PICOBIN_OTHER_CHIP;
    }
    if ((type >> 8 & 7) != CPU_ARM) {
        return PICOBIN_RISCV;
    }
    return (type >> 4 & 3) == SECURITY_NONSECURE ? PICOBIN_NONSECURE : PICOBIN_FITS;
}

static void take_entry_point(const struct window *window, uint32_t at, uint32_t size, struct picobin_image *image) {
    image->has_entry = true;
    image->entry = word_at(window, at + 1);
    image->stack = word_at(window, at + 2);
    image->stack_limit = size > 3 ? word_at(window, at + 3) : 0;
}

static void take_hash_item(const struct window *window, uint32_t at, struct picobin_hash *hash) {
    uint32_t header = word_at(window, at);
    if ((header & 0x7f) == ITEM_HASH_DEFINITION) {
        hash->sha256 = header >> 24 == HASH_SHA256;
        hash->words = word_at(window, at + 1) & 0xff;
    } else if ((header & 0x7f) == ITEM_HASH_VALUE) {
        hash->value = 4 * (at + 1);
        hash->value_words = item_words(header) - 1;
    }
}

static void take_image_item(const struct window *window, uint32_t at, struct picobin_image *image) {
    uint32_t header = word_at(window, at), size = item_words(header);
    switch (header & 0x7f) {
    case ITEM_VECTOR_TABLE:
        image->has_vector_table = true;
        image->vector_table = word_at(window, at + 1);
        break;
    case ITEM_ENTRY_POINT:
        take_entry_point(window, at, size, image);
        break;
    case ITEM_ROLLING_WINDOW_DELTA:
        image->window_delta = (int32_t)word_at(window, at + 1);
        break;
    case ITEM_LOAD_MAP:
        image->load_map = 4 * at;
        image->load_entries = header >> 24 & 0x7f;
        break;
    case ITEM_VERSION:
        image->version = word_at(window, at + 1);
        break;
    default:
        break;
    }
}

static void take_image(const struct window *window, uint32_t start, uint32_t end, struct picobin_image *ret_image) {
    struct picobin_image image = {
        .present = true,
        .type = (uint16_t)(word_at(window, start + 1) >> 16),
        .block = 4 * start,
    };
    image.fit = fit_of(image.type);
    for (uint32_t at = start + 2; at < end; at += item_words(word_at(window, at))) {
        take_image_item(window, at, &image);
        take_hash_item(window, at, &image.hash);
    }
    if (image.fit == PICOBIN_FITS || !ret_image->present || ret_image->fit != PICOBIN_FITS) {
        *ret_image = image;
    }
}

/* Words that a partition takes after its first two. */
static uint32_t partition_extra(const struct window *window, uint32_t at, uint32_t flags) {
    uint32_t words = (flags & PARTITION_HAS_ID ? 2 : 0) + (flags >> 7 & 3);
    if (flags & PARTITION_HAS_NAME) {
        words += ((word_at(window, at + words) & 0x7f) + 4) / 4;
    }
    return words;
}

static void take_table(const struct window *window, uint32_t start, uint32_t end, struct picobin_table *ret_table) {
    uint32_t header = word_at(window, start + 1), size = item_words(header);
    struct picobin_table table = {
        .present = true,
        .singleton = header >> 24 & TABLE_SINGLETON,
        .count = header >> 24 & 0x7f,
        .block = 4 * start,
        .item = 4 * (start + 1),
        .unpartitioned = word_at(window, start + 2),
    };
    uint32_t at = start + 3;
    for (unsigned i = 0; i < table.count && i < PICOBIN_PARTITIONS; i++) {
        table.partition[i].location = word_at(window, at);
        table.partition[i].flags = word_at(window, at + 1);
        table.partition[i].extra = 4 * (at + 2);
        at += 2 + partition_extra(window, at + 2, table.partition[i].flags);
    }
    if (table.count > PICOBIN_PARTITIONS || at != start + 1 + size) {
        return; /* sizes do not add up */
    }
    for (at = start + 1 + size; at < end; at += item_words(word_at(window, at))) {
        if ((word_at(window, at) & 0x7f) == ITEM_VERSION) {
            table.version = word_at(window, at + 1);
        }
        take_hash_item(window, at, &table.hash);
    }
    *ret_table = table;
}

static void take_block(const struct window *window, uint32_t start, uint32_t end, struct picobin *picobin) {
    uint32_t type = word_at(window, start + 1) & 0x7f;
    if (type == ITEM_IMAGE_TYPE) {
        take_image(window, start, end, &picobin->image);
    } else if (type == ITEM_PARTITION_TABLE) {
        take_table(window, start, end, &picobin->table);
    }
}

/* Follow the links from the block at `first`. */
static void follow(const struct window *window, uint32_t first, struct picobin *picobin) {
    uint32_t start = first, end = block_end(window, first);
    for (unsigned blocks = 0; end && blocks < MAX_BLOCKS; blocks++) {
        take_block(window, start, end, picobin);
        start += (uint32_t)((int32_t)word_at(window, end + 1) / 4);
        if (start == first) {
            picobin->closed = true;
            return;
        }
        if (start < first) {
            return;
        }
        end = block_end(window, start);
    }
}

bool picobin_scan(const uint8_t *data, uint32_t size, uint32_t search, struct picobin *ret_picobin) {
    struct window window = { data, size / 4 };
    *ret_picobin = (struct picobin){ 0 };
    for (uint32_t at = 0; at < search / 4 && at < window.words; at++) {
        if (block_end(&window, at)) {
            ret_picobin->found = true;
            follow(&window, at, ret_picobin);
            break;
        }
    }
    if (!ret_picobin->closed) {
        ret_picobin->image.present = ret_picobin->table.present = false;
    }
    return ret_picobin->closed;
}
