/* Any bytes as what an editor sends over the Debug Adapter Protocol, to a board that runs no Python. Lines are
 * messages; an input that begins with "Content" is taken as it is, headers included. */
#include "tests/fuzz/fuzz.h"

#include "emulator/dap/dap.h"
#include "tests/fuzz/fuzz_board.h"

static void check_message(void *context, const char *bytes, size_t size) {
    if (size < 16 || memcmp(bytes, "Content-Length: ", 16) != 0) {
        __builtin_trap();
    }
}

static bool give_message(struct dap *dap, const char *text, size_t size) {
    char header[40];
    struct error error;
    int length = snprintf(header, sizeof(header), "Content-Length: %zu\r\n\r\n", size);
    return dap_receive(dap, header, (size_t)length, &error) && dap_receive(dap, text, size, &error);
}

static void give_lines(struct dap *dap, const char *text, size_t size) {
    bool goes_on = true;
    while (size && goes_on) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        goes_on = give_message(dap, text, length);
        if (!dap_holds(dap)) {
            dap_ran(dap);
        }
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct session *session;
    struct error error;
    session = session ? session : open_board();
    struct dap *dap = dap_create(&(struct dap_desc){ .send = check_message });
    if (!dap) {
        return 0;
    }
    dap_use(dap, session, session_python(session));
    dap_connect(dap);
    if (size >= 7 && memcmp(bytes, "Content", 7) == 0) {
        dap_receive(dap, (const char *)bytes, size, &error);
    } else {
        give_lines(dap, (const char *)bytes, size);
    }
    dap_disconnect(dap);
    dap_destroy(dap);
    return 0;
}
