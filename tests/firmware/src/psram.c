/* The PSRAM of a Pimoroni Pico Plus 2 (chip select at GPIO47) as firmware brings it up: found by its id in direct mode,
 * put into QPI, then memory in both translated windows, whose stores are faults until WRITABLE_M1 lets them through. */
#include "rp2350.h"

#define CS_PIN 47
#define FUNCTION_XIP_CS1 9
#define XIP_CTRL 0x400c8000
#define WRITABLE_M1 (1u << 11)
#define QMI_DIRECT_CSR 0x400d0000
#define QMI_DIRECT_TX 0x400d0004
#define QMI_DIRECT_RX 0x400d0008
#define CSR_EN 1u
#define CSR_BUSY 2u
#define CSR_ASSERT_CS1N (1u << 3)
#define CSR_CLKDIV(n) ((uint32_t)(n) << 22)
#define TX_QUAD (2u << 16)
#define TX_OE (1u << 19)
#define CACHED 0x11000000u
#define UNCACHED 0x15000000u
#define SIZE 0x800000u
#define CFSR 0xe000ed28
#define SHCSR 0xe000ed24
#define BFAR 0xe000ed38
#define VTOR 0xe000ed08

static uint32_t vectors[16] __attribute__((aligned(256)));
static volatile uint32_t faults, fault_status, fault_address;

static void wait_idle(void) {
    while (REGISTER(QMI_DIRECT_CSR) & CSR_BUSY) {
    }
}

static uint32_t transfer(uint32_t record) {
    REGISTER(QMI_DIRECT_TX) = record;
    wait_idle();
    return REGISTER(QMI_DIRECT_RX);
}

static void select(int on) {
    REGISTER(QMI_DIRECT_CSR) = CSR_CLKDIV(30) | CSR_EN | (on ? CSR_ASSERT_CS1N : 0);
}

static void command(uint32_t record) {
    select(1);
    transfer(record);
    select(0);
}

static void read_id(uint8_t *id) {
    select(1);
    for (unsigned i = 0; i < 7; i++) {
        uint32_t byte = transfer(i ? 0xff : 0x9f);
        if (i >= 4) {
            id[i - 4] = (uint8_t)byte;
        }
    }
    select(0);
}

/* The store that faults is left out. */
__attribute__((naked)) static void on_bus_fault(void) {
    __asm__ volatile("ldr r0, [sp, #24]\n"
                     "adds r0, #2\n"
                     "str r0, [sp, #24]\n"
                     "ldr r0, =note_fault\n"
                     "bx r0\n");
}

__attribute__((used)) void note_fault(void);
void note_fault(void) {
    faults++;
    fault_status = REGISTER(CFSR);
    fault_address = REGISTER(BFAR);
    REGISTER(CFSR) = fault_status;
}

static void store_16_bit_encoded(uint32_t address, uint32_t value) {
    register uint32_t r0 __asm__("r0") = address;
    register uint32_t r1 __asm__("r1") = value;
    __asm__ volatile("str r1, [r0]\n" : : "r"(r0), "r"(r1) : "memory");
}

static void check_id(void) {
    uint8_t id[3] = { 0, 0, 0 };
    CLR(PADS_BANK0(CS_PIN)) = PAD_ISO;
    REGISTER(IO_BANK0_CTRL(CS_PIN)) = FUNCTION_XIP_CS1;
    REGISTER(QMI_DIRECT_CSR) = CSR_CLKDIV(30) | CSR_EN;
    command(TX_OE | TX_QUAD | 0xf5);
    read_id(id);
    expect("manufacturer", id[0], 0x0d);
    expect("KGD", id[1], 0x5d);
    expect("density", id[2] >> 5, 2);
    command(0x66);
    command(0x99);
    command(0x35);
    read_id(id);
    expect("KGD in QPI", id[1], 0xff);
    REGISTER(QMI_DIRECT_CSR) = CSR_CLKDIV(30);
}

static void check_refusal(void) {
    vectors[5] = (uint32_t)on_bus_fault | 1;
    REGISTER(VTOR) = (uint32_t)vectors;
    REGISTER(SHCSR) |= 1u << 17; /* BUSFAULTENA */
    store_16_bit_encoded(CACHED + 0x100, 1);
    expect("faults", faults, 1);
    expect("BFSR", fault_status, 0x8200); /* BFARVALID, PRECISERR */
    expect("BFAR", fault_address, CACHED + 0x100);
    expect("memory", REGISTER(CACHED + 0x100), 0);
}

static void check_memory(void) {
    SET(XIP_CTRL) = WRITABLE_M1;
    store_16_bit_encoded(CACHED + 0x100, 0x12345678);
    expect("faults when writable", faults, 1);
    expect("both windows", REGISTER(UNCACHED + 0x100), 0x12345678);
    for (uint32_t at = 0; at < SIZE; at += 4096) {
        REGISTER(CACHED + at) = at ^ 0xa5a5a5a5;
    }
    for (uint32_t at = 0; at < SIZE; at += 4096) {
        expect("word", REGISTER(UNCACHED + at), at ^ 0xa5a5a5a5);
    }
    expect("above its size", REGISTER(CACHED + SIZE), 0xa5a5a5a5);
    *(volatile uint8_t *)(CACHED + 0x101) = 0xee;
    expect("a byte", REGISTER(CACHED + 0x100), 0x1234ee78);
}

int main(void) {
    check_id();
    check_refusal();
    check_memory();
    print(failures ? "Not all is right.\r\n" : "All is right.\r\n");
    return 0;
}
