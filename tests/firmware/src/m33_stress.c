/* Exception stress test for a Cortex-M33 of the RP2350: interrupts of four priorities, SysTick, SVC and PendSV, nested,
 * with floating-point contexts, arrive at a thread that checks every register it has. Runs on a bare machine: a core,
 * SRAM, SIO's CPUID, coprocessor 0, and somebody who pulses interrupts 0 to 3 at random moments. Both cores can run it
 * at once. The host reads `stress_states`. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CPUID REGISTER(0xd0000000)
#define SYST_CSR REGISTER(0xe000e010)
#define SYST_RVR REGISTER(0xe000e014)
#define SYST_CVR REGISTER(0xe000e018)
#define NVIC_ISER0 REGISTER(0xe000e100)
#define NVIC_IPR0 REGISTER(0xe000e400)
#define NVIC_IPR1 REGISTER(0xe000e404)
#define ICSR 0xe000ed04
#define VTOR REGISTER(0xe000ed08)
#define SHPR1 REGISTER(0xe000ed18)
#define SHPR2 REGISTER(0xe000ed1c)
#define SHPR3 REGISTER(0xe000ed20)
#define SHCSR REGISTER(0xe000ed24)
#define CPACR REGISTER(0xe000ed88)
#define STIR REGISTER(0xe000ef00)
#define PENDSVSET (1u << 28)

enum { THREAD_STACK = 512, MAIN_STACK = 1024, VECTORS = 16 + 52 };

struct patterns {
    uint32_t s[32], fpscr, apsr, r[14];
};

struct state {
    uint32_t exceptions[VECTORS]; /* by number */
    uint32_t depth, deepest;
    uint32_t passes;
    uint32_t failures;
    uint32_t failed_at; /* what: a word of struct patterns, or 1000 + n */
    uint32_t expected, got;
    uint32_t wanted; /* exceptions until it ends */
    uint32_t done;
    uint32_t random;
};

struct state stress_states[2];
static uint32_t thread_stacks[2][THREAD_STACK] __attribute__((aligned(8)));
static uint32_t main_stacks[2][MAIN_STACK] __attribute__((aligned(8)));

int stress_pass(const struct patterns *in, struct patterns *out);
void spoil(uint32_t pattern);

void *memcpy(void *to, const void *from, __SIZE_TYPE__ size);

/* The compiler wants it for structures. */
void *memcpy(void *to, const void *from, __SIZE_TYPE__ size) {
    for (__SIZE_TYPE__ i = 0; i < size; i++) {
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

static struct state *state(void) {
    return &stress_states[CPUID & 1];
}

static uint32_t next_random(struct state *s) {
    s->random = s->random * 1664525u + 1013904223u;
    return s->random >> 8;
}

static void fail(struct state *s, uint32_t where, uint32_t expected, uint32_t got) {
    if (!s->failures++) {
        s->failed_at = where;
        s->expected = expected;
        s->got = got;
    }
}

/* ---- Handlers ---- */
static uint32_t exception_number(void) {
    uint32_t ipsr;
    __asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
    return ipsr;
}

/* All interrupts: count, compute, sometimes raise others, check, spoil. */
static void interrupted(void) {
    struct state *s = state();
    uint32_t number = exception_number();
    s->exceptions[number]++;
    uint32_t depth = ++s->depth;
    if (depth > s->deepest) {
        s->deepest = depth;
    }
    uint32_t choice = next_random(s);
    volatile float third = (float)(choice & 0xff) * 0.25f;
    float sum = third + (float)number;
    if ((choice & 7) == 0) {
        STIR = choice >> 4 & 3;
        __asm__ volatile("dsb\nisb");
    }
    if ((choice & 0x300) == 0) {
        REGISTER(ICSR) = PENDSVSET;
        __asm__ volatile("isb");
    }
    for (uint32_t i = 0; i < (choice >> 12 & 15); i++) {
        sum += 1.5f;
    }
    float expected = (float)(choice & 0xff) * 0.25f + (float)number + 1.5f * (float)(choice >> 12 & 15);
    if (sum != expected) {
        fail(s, 1000 + number, (uint32_t)expected, (uint32_t)sum);
    }
    if (s->depth != depth) {
        fail(s, 2000 + number, depth, s->depth);
    }
    s->depth--;
    if ((choice & 0xc0) != 0) { /* some return without a context of their own */
        spoil(choice << 7);
    }
}

/* Some handlers do not touch the FPU at all. */
static void counted(void) {
    struct state *s = state();
    s->exceptions[exception_number()]++;
    __asm__ volatile("mov r0, #0\nmov r1, r0\nmov r2, r0\nmov r3, r0\nmov r12, r0\ncmp r0, r0" ::
                         : "r0", "r1", "r2", "r3", "r12", "cc");
}

static void supervisor(uint32_t *frame) {
    state()->exceptions[11]++;
    frame[0] += 1;
    spoil(frame[1]);
}

__attribute__((naked)) static void supervisor_call(void) {
    __asm__ volatile("push {r4, lr}\n"
                     "mrs r0, psp\n"
                     "bl %c0\n"
                     "pop {r4, pc}\n" ::"i"(supervisor));
}

static void hung(void) {
    struct state *s = state();
    fail(s, 3000 + exception_number(), 0, REGISTER(0xe000ed28));
    s->done = 1;
    for (;;) {
        __asm__ volatile("wfi");
    }
}

/* ---- Thread ---- */
static void fill(struct state *s, struct patterns *p) {
    for (unsigned i = 0; i < 32; i++) {
        p->s[i] = next_random(s) << 8 ^ next_random(s);
    }
    p->s[1] = 0x3f800000; /* 1 += 2, 3 += 0.5: exact */
    p->s[2] = 0x40000000;
    p->s[3] = 0x40400000;
    p->s[4] = 0x3f000000;
    p->fpscr = (next_random(s) << 8 & 0xf0c00000) | (next_random(s) & 0x9f);
    p->apsr = next_random(s) << 8 & 0xf80f0000;
    for (unsigned i = 0; i < 14; i++) {
        p->r[i] = next_random(s) << 8 ^ next_random(s);
    }
    p->r[2] = ICSR;
    p->r[3] = PENDSVSET;
    p->r[4] = next_random(s) & 31;
    p->r[5] = next_random(s) % 24 + 24 * (CPUID & 1); /* each core has pins of its own */
}

static float as_float(uint32_t word) {
    float value;
    __builtin_memcpy(&value, &word, 4);
    return value;
}

static uint32_t as_word(float value) {
    uint32_t word;
    __builtin_memcpy(&word, &value, 4);
    return word;
}

/* What a pass makes of the patterns. */
static void expect(struct patterns *p) {
    for (;; p->r[4]--) {
        if (p->r[4] & 1) {
            p->r[0] += 1;
            p->s[1] = as_word(as_float(p->s[1]) + as_float(p->s[2]));
            p->r[6] += 1 + 2;
        } else {
            p->r[0] += 0x100 + 0x10000;
            p->s[3] = as_word(as_float(p->s[3]) + as_float(p->s[4]));
            p->r[6] += 0x100;
        }
        if (!p->r[4]) {
            break;
        }
    }
    p->apsr = (p->apsr & 0x080f0000) | 0x40000000; /* the last TST: zero */
}

static uint64_t pins(void) {
    uint32_t low, high;
    __asm__ volatile("mrrc p0, #0, %0, %1, c0" : "=r"(low), "=r"(high));
    return (uint64_t)high << 32 | low;
}

static void pass(struct state *s) {
    struct patterns in, out, expected;
    fill(s, &in);
    expected = in;
    expect(&expected);
    uint64_t before = pins() ^ (uint64_t)((in.r[4] + 1) / 2 & 1) << in.r[5];
    stress_pass(&in, &out);
    if ((pins() ^ before) >> in.r[5] & 1) {
        fail(s, 5000, (uint32_t)before, (uint32_t)pins());
    }
    for (unsigned i = 0; i < sizeof(out) / 4; i++) {
        uint32_t want = ((uint32_t *)&expected)[i], got = ((uint32_t *)&out)[i];
        uint32_t mask = i == 33 ? 0xc80f0000 : UINT32_MAX; /* TST leaves C and V */
        if ((want ^ got) & mask) {
            fail(s, i, want, got);
        }
    }
    register uint32_t r0 __asm__("r0") = s->passes, r1 __asm__("r1") = in.r[1];
    __asm__ volatile("svc #3" : "+r"(r0) : "r"(r1) : "memory");
    uint32_t called = r0;
    if (called != s->passes + 1) {
        fail(s, 4000, s->passes + 1, called);
    }
    s->passes++;
}

static uint32_t total(const struct state *s) {
    uint32_t sum = 0;
    for (unsigned i = 0; i < VECTORS; i++) {
        sum += s->exceptions[i];
    }
    return sum;
}

__attribute__((noreturn, used)) static void thread(void) {
    struct state *s = state();
    while (total(s) < s->wanted && !s->failures) {
        pass(s);
    }
    SYST_CSR = 0;
    s->done = 1;
    for (;;) {
        __asm__ volatile("wfi");
    }
}

/* ---- Start ---- */
extern void (*const vector_table[VECTORS])(void);

__attribute__((used)) static void start(void) {
    unsigned core = CPUID & 1;
    struct state *s = &stress_states[core];
    s->random = 12345 + core;
    VTOR = (uint32_t)vector_table;
    CPACR = 3u << 20 | 3u << 22 | 3u;
    SHPR1 = 0x00101010;
    SHPR2 = 0x90u << 24;
    SHPR3 = 0x40u << 24 | 0xf0u << 16;
    SHCSR = 7u << 16;
    NVIC_IPR0 = 0xa0 << 24 | 0x60 << 16 | 0x80 << 8 | 0x20;
    NVIC_ISER0 = 15;
    SYST_RVR = 997;
    SYST_CVR = 0;
    SYST_CSR = 7;
    __asm__ volatile("dsb\nisb\n"
                     "msr psp, %0\n"
                     "mov r0, #2\n"
                     "msr control, r0\n"
                     "isb\n"
                     "bl %c1\n" ::"r"(thread_stacks[core] + THREAD_STACK),
                     "i"(thread)
                     : "r0", "memory");
}

__attribute__((naked, section(".entry"))) void entry(void);
void entry(void) {
    __asm__ volatile("ldr r0, =0xd0000000\n"
                     "ldr r0, [r0]\n"
                     "and r0, #1\n"
                     "adds r0, #1\n"
                     "ldr r1, =%c1\n"
                     "ldr r2, =%c2\n"
                     "mla r1, r0, r2, r1\n"
                     "mov sp, r1\n"
                     "bl %c0\n" ::"i"(start),
                     "i"(main_stacks), "i"(sizeof(main_stacks[0])));
}

__attribute__((aligned(512), section(".vectors"), used)) void (*const vector_table[VECTORS])(void) = {
    [2] = hung,
    [3] = hung,
    [4] = hung,
    [5] = hung,
    [6] = hung,
    [7] = hung,
    [11] = supervisor_call,
    [12] = hung,
    [14] = interrupted,
    [15] = interrupted,
    [16] = interrupted,
    [17] = counted,
    [18] = interrupted,
    [19] = interrupted,
};
