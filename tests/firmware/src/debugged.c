/* What tests/firmware/gdb looks into: both cores count, SysTick interrupts core 0, a variable is broken by a store
 * through a stray pointer, a call by semihosting, a BKPT, and in the end a fault. */
#ifdef DEBUGGED_RP2350
#include "rp2350.h"
#else
#include "rp2040.h"
#endif

#define SIO_FIFO_ST 0xd0000050
#define SIO_FIFO_WR 0xd0000054
#define SIO_FIFO_RD 0xd0000058
#define FIFO_VALID 1u
#define FIFO_READY 2u
#define SYST_CSR 0xe000e010
#define SYST_RVR 0xe000e014
#define SYST_CVR 0xe000e018
#define VTOR 0xe000ed08
#define BREAK_AT 25

volatile uint32_t ticks, count0, count1, guarded, neighbours[4];
volatile uint32_t *stray;
static uint32_t stack1[128];
uint32_t vectors[16 + 52] __attribute__((aligned(512)));

void tick(void);
void fault(void);
void work0(void);
void work1(void);
void corrupt(uint32_t value);

__attribute__((noinline)) void tick(void) {
    ticks++;
}

__attribute__((noinline)) void fault(void) {
    for (;;) {
    }
}

__attribute__((noinline)) void work0(void) {
    count0++;
    neighbours[count0 & 3] = count0;
}

__attribute__((noinline)) void work1(void) {
    count1++;
}

__attribute__((noinline)) void corrupt(uint32_t value) {
    *stray = value;
}

static void main1(void) {
    for (;;) {
        work1();
        __asm__ volatile("nop\nnop\nnop\nnop");
    }
}

/* The handshake of the boot ROM's wait for core 1 (RP2040 datasheet 2.8.2, RP2350 datasheet 5.3). */
static void launch_core1(void) {
    const uint32_t words[] = { 0, 0, 1, (uint32_t)vectors, (uint32_t)(stack1 + 128), (uint32_t)main1 };
    for (unsigned i = 0; i < 6;) {
        if (!words[i]) {
            while (REGISTER(SIO_FIFO_ST) & FIFO_VALID) {
                (void)REGISTER(SIO_FIFO_RD);
            }
            __asm__ volatile("sev");
        }
        while (!(REGISTER(SIO_FIFO_ST) & FIFO_READY)) {
        }
        REGISTER(SIO_FIFO_WR) = words[i];
        __asm__ volatile("sev");
        while (!(REGISTER(SIO_FIFO_ST) & FIFO_VALID)) {
            __asm__ volatile("wfe");
        }
        i = REGISTER(SIO_FIFO_RD) == words[i] ? i + 1 : 0;
    }
}

static void start_ticks(void) {
    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        vectors[i] = (uint32_t)(i == 3 ? fault : tick);
    }
    REGISTER(VTOR) = (uint32_t)vectors;
    REGISTER(SYST_RVR) = 1999;
    REGISTER(SYST_CVR) = 0;
    REGISTER(SYST_CSR) = 7;
}

static void say(const char *text) {
    register uint32_t operation __asm__("r0") = 4;
    register const char *argument __asm__("r1") = text;
    __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
}

int main(void) {
    guarded = 1234;
    stray = neighbours;
    launch_core1();
    start_ticks();
    for (unsigned i = 0; i < 50; i++) {
        work0();
        if (i == BREAK_AT) {
            stray = &guarded;
        }
        corrupt(i);
        __asm__ volatile("wfi");
    }
    say("said by semihosting\n");
    __asm__ volatile("bkpt 1");
    count0 = REGISTER(0x90000000);
    return 0;
}
