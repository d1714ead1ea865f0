/* Any text as a diagram.json: it is read, its parts are made and wired to nets, and a small picture is drawn. */
#include "tests/fuzz/fuzz.h"

#include "emulator/project/scene.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct findings findings = { 0 };
    struct project project;
    struct picture picture;
    struct error error;
    bool ok = project_read_text(&project, (const char *)bytes, size, NULL, &findings);
    if (ok != !findings.errors) {
        __builtin_trap();
    }
    if (ok && project_build(&project, NULL, &findings) && scene_draw(&project, 0.5, &picture, &error)) {
        picture_finish(&picture);
    }
    project_finish(&project);
    return 0;
}
