/* Any text as a scenario: it is read, and every step can be told. */
#include "tests/fuzz/fuzz.h"

#include "emulator/scenario/scenario.h"

static void tell_steps(const struct scenario_list *list) {
    char title[100];
    for (unsigned i = 0; i < list->count; i++) {
        scenario_step_title(&list->steps[i], title, sizeof(title));
        for (unsigned j = 0; j < list->steps[i].branch_count; j++) {
            tell_steps(&list->steps[i].branches[j]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct findings findings = { 0 };
    struct scenario scenario;
    bool ok = scenario_read_text(&scenario, "fuzz.yaml", (const char *)bytes, size, &findings);
    if (ok != !findings.errors) {
        __builtin_trap();
    }
    tell_steps(&scenario.before);
    for (unsigned i = 0; i < scenario.case_count; i++) {
        tell_steps(&scenario.cases[i].list);
    }
    scenario_finish(&scenario);
    return 0;
}
