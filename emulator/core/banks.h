/* A second view of striped memory, in which its banks stand one behind the other: SRAM of the RP2040 at 0x21000000
 * (datasheet 2.6.2). The host holds the bytes as the striped view shows them. Loads and stores of the other view are
 * served word by word; for code there is a copy as the engine can execute it, kept up to date page by page from the
 * first fetch on. */
#ifndef CORE_BANKS_H
#define CORE_BANKS_H

#include <stdbool.h>
#include <stdint.h>

#define BANKS 4u
#define BANKS_PAGE 1024u /* as the engine's */
#define BANKS_PAGES_MOST 256u

struct banks {
    uint32_t base;          /* of the view */
    uint32_t size;          /* of all banks: a multiple of BANKS * BANKS_PAGE, at most BANKS_PAGES_MOST pages */
    const uint8_t *striped; /* borrowed */
    bool fetched[BANKS_PAGES_MOST];
    uint8_t code[BANKS_PAGES_MOST * BANKS_PAGE]; /* the copy */
    /* Code is fetched from a page for the first time: stores to its words have to be told from now on. */
    void (*page_fetched)(void *context);
    void *context;
};

/* Where the byte at an offset of the view stands in striped memory. */
uint32_t banks_striped(const struct banks *banks, uint32_t offset);
static inline bool banks_hold(const struct banks *banks, uint32_t address) {
    return address - banks->base < banks->size;
}
/* The page of an address that banks_hold() is executed from now on. */
void banks_fetch(struct banks *banks, uint32_t address);
/* Code at an address of the view, NULL when not all of it is in pages that have been fetched. */
const uint8_t *banks_code_at(const struct banks *banks, uint32_t address, uint32_t size);
/* Is there a word in these bytes of striped memory that belongs to a page that has been fetched? */
bool banks_had_code(const struct banks *banks, const uint8_t *host, uint32_t size);
/* Bytes of striped memory have been written: the copy follows. Of bank `bank`, `*ret_address` and `*ret_size` say
 * which part of the view it was; false: none. */
bool banks_follow(struct banks *banks, unsigned bank, const uint8_t *host, uint32_t size, uint32_t *ret_address,
                  uint32_t *ret_size);

#endif
