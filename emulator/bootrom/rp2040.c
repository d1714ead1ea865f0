/* The RP2040 boot ROM's calls that run outside the guest: boot path and flash (datasheet 2.8.1, 2.8.2, 2.8.3.1.3).
 *
 * Registers that the ROM changes are changed through the bus, in its order, so that firmware finds SSI, pads and
 * resets as it does on the chip. Time inside a call stands still and is charged at its end: flash commands by the
 * clocks they take at the ROM's SSI divider plus the chip's busy time, the rest by estimates from the ROM's loops.
 *
 * Not modelled: the USB boot mode itself (the machine is told, core 0 waits), the search for the right SPI mode
 * (CPOL, CPHA) when the second stage's checksum fails. */
#include "emulator/bootrom/private.h"
#include "emulator/bootrom/rp2040_services.h"
#include "emulator/bootrom/softfloat.h"

#include <string.h>

#define SSI_BASE 0x18000000u
#define SSI_CTRLR0 (SSI_BASE + 0x00)
#define SSI_SSIENR (SSI_BASE + 0x08)
#define SSI_SER (SSI_BASE + 0x10)
#define SSI_BAUDR (SSI_BASE + 0x14)
#define SSI_SR (SSI_BASE + 0x28)
#define SSI_ICR (SSI_BASE + 0x48)
#define SSI_SPI_CTRLR0 (SSI_BASE + 0xf4)
#define CTRLR0_8_BITS (7u << 16)
#define CTRLR0_32_BITS (31u << 16)
#define CTRLR0_EEPROM_READ (3u << 8)
#define SPI_CTRLR0_READ_03 (0x03u << 24 | 2u << 8 | 6u << 2)
#define ROM_BAUD 6u

#define XIP_CTRL 0x14000000u
#define XIP_FLUSH 0x14000004u
#define IO_QSPI_BASE 0x40018000u
#define IO_QSPI_SS_CTRL (IO_QSPI_BASE + 0x0c)
#define PADS_QSPI_SD2 0x40020010u
#define PADS_QSPI_SD3 0x40020014u
#define PAD_PULL_UP 8u
#define PAD_PULL_DOWN 4u
#define PADS_BANK0_GPIO26 0x4001c06cu
#define PAD_INPUT_ENABLE 0x40u
#define CLOCKS_REF_CTRL 0x40008030u
#define CLOCKS_WAKE_EN0 0x400080a0u
#define RESETS_RESET 0x4000c000u
#define RESET_IO_QSPI (1u << 6)
#define RESET_PADS_BANK0 (1u << 8)
#define RESET_PADS_QSPI (1u << 9)
#define RESET_TIMER (1u << 21)
#define PSM_WDSEL 0x40010008u
#define PSM_ALL_BUT_OSCILLATORS 0x1fffcu
#define WATCHDOG_CTRL 0x40058000u
#define WATCHDOG_LOAD 0x40058004u
#define WATCHDOG_SCRATCH(n) (0x4005800cu + 4 * (n))
#define WATCHDOG_TICK 0x4005802cu
#define WATCHDOG_ENABLE (1u << 30)
#define WATCHDOG_PAUSES (7u << 24)
#define TICK_12_MHZ (1u << 9 | 12)
#define CHIP_RESET 0x40064008u
#define CHIP_RESET_PSM_RESTART_FLAG (1u << 24)
#define SIO_GPIO_HI_IN 0xd0000008u
#define GPIO_HI_SS (1u << 1)

#define SRAM_END 0x20042000u
#define STAGE2_ADDRESS 0x20041f00u
#define STAGE2_SIZE 256u

/* Cycles, estimated from the loops of the ROM's sources. */
#define CYCLES_CONNECT 120
#define CYCLES_EXIT_XIP 14000 /* two waits for pulls and ten bytes */
#define CYCLES_BEGIN 100
#define CYCLES_BOOTSEL 1400 /* pull-ups charge, nine samples */
#define CYCLES_CRC 11500
#define ATTEMPTS 128u

static void leave_reset(struct bootrom *rom, uint32_t blocks) {
    rom_store(rom, RESETS_RESET + ROM_ALIAS_CLR, blocks);
}

static void cycle_reset(struct bootrom *rom, uint32_t blocks) {
    rom_store(rom, RESETS_RESET + ROM_ALIAS_SET, blocks);
    leave_reset(rom, blocks);
}

/* ---- Flash ---- */

static uint32_t connect_flash(struct bootrom *rom) {
    cycle_reset(rom, RESET_IO_QSPI | RESET_PADS_QSPI);
    for (unsigned pin = 0; pin < 6; pin++) {
        rom_store(rom, IO_QSPI_BASE + 8 * pin + 4, 0);
    }
    return CYCLES_CONNECT;
}

/* SSI as a plain SPI master for bytes, both directions. */
static uint32_t exit_xip(struct bootrom *rom) {
    rom_store(rom, SSI_SSIENR, 0);
    rom_load(rom, SSI_SR);
    rom_load(rom, SSI_ICR);
    rom_store(rom, SSI_BAUDR, ROM_BAUD);
    rom_store(rom, SSI_CTRLR0, CTRLR0_8_BITS);
    rom_store(rom, SSI_SER, 1);
    rom_store(rom, SSI_SSIENR, 1);
    rom_store(rom, PADS_QSPI_SD2, (rom_load(rom, PADS_QSPI_SD2) & ~PAD_PULL_DOWN) | PAD_PULL_UP);
    rom_store(rom, PADS_QSPI_SD3, (rom_load(rom, PADS_QSPI_SD3) & ~PAD_PULL_DOWN) | PAD_PULL_UP);
    if (rom->flash.exit_continuous_read) {
        rom->flash.exit_continuous_read(rom->flash.context);
    }
    rom_store(rom, IO_QSPI_SS_CTRL, 0);
    return CYCLES_EXIT_XIP;
}

static uint32_t enter_xip(struct bootrom *rom) {
    rom_store(rom, SSI_SSIENR, 0);
    rom_store(rom, SSI_CTRLR0, CTRLR0_32_BITS | CTRLR0_EEPROM_READ);
    rom_store(rom, SSI_SPI_CTRLR0, SPI_CTRLR0_READ_03);
    rom_store(rom, SSI_SSIENR, 1);
    return 30;
}

static uint32_t flush_cache(struct bootrom *rom) {
    rom_store(rom, XIP_FLUSH, 1);
    rom_load(rom, XIP_FLUSH);
    rom_store(rom, XIP_CTRL + ROM_ALIAS_SET, 1);
    rom_store(rom, IO_QSPI_SS_CTRL, 0);
    return 30;
}

/* ---- Boot ---- */

static void clock_everything(struct bootrom *rom) {
    rom_store(rom, CLOCKS_WAKE_EN0, 0xffffffffu);
    rom_store(rom, CLOCKS_WAKE_EN0 + 4, 0xffffffffu);
}

static uint32_t begin(struct bootrom *rom, struct bootrom_call *call) {
    clock_everything(rom);
    uint32_t chip_reset = rom_load(rom, CHIP_RESET);
    call->r[0] = 0;
    if (chip_reset & CHIP_RESET_PSM_RESTART_FLAG) {
        rom_store(rom, CHIP_RESET, chip_reset); /* the flag is write-1-to-clear */
        log_write(rom->env->log, LOG_INFO, "bootrom", "rescue flag set by a debugger: the boot stops here");
        call->r[0] = bootrom_rp2040_halt() | 1;
        call->r[1] = STAGE2_ADDRESS;
        return CYCLES_BEGIN;
    }
    leave_reset(rom, RESET_PADS_BANK0);
    for (uint32_t pin = 0; pin < 4; pin++) {
        rom_store(rom, PADS_BANK0_GPIO26 + ROM_ALIAS_CLR + 4 * pin, PAD_INPUT_ENABLE);
    }
    uint32_t entry = rom_load(rom, WATCHDOG_SCRATCH(7));
    uint32_t check = (rom_load(rom, WATCHDOG_SCRATCH(5)) ^ entry) + rom_load(rom, WATCHDOG_SCRATCH(4));
    if (rom_load(rom, WATCHDOG_SCRATCH(4)) == ROM_VECTOR_MAGIC && check == 0) {
        rom_store(rom, WATCHDOG_SCRATCH(4), 0);
        call->r[0] = entry;
        call->r[1] = rom_load(rom, WATCHDOG_SCRATCH(6));
    }
    return CYCLES_BEGIN;
}

static bool load_stage2(struct bootrom *rom) {
    const uint8_t *flash = bus_memory_at(rom->bus, ROM_XIP_BASE, STAGE2_SIZE, false);
    uint8_t *ram = bus_memory_at(rom->bus, STAGE2_ADDRESS, STAGE2_SIZE, true);
    if (!flash || !ram) {
        return false;
    }
    memcpy(ram, flash, STAGE2_SIZE);
    if (rom->memory_written) {
        rom->memory_written(rom->context, STAGE2_ADDRESS, STAGE2_SIZE);
    }
    uint32_t stored = ram[252] | ram[253] << 8 | ram[254] << 16 | (uint32_t)ram[255] << 24;
    return bootrom_crc32(ram, STAGE2_SIZE - 4, 0xffffffffu) == stored;
}

static uint32_t boot(struct bootrom *rom, struct bootrom_call *call) {
    uint64_t attempt = CYCLES_CRC + (STAGE2_SIZE + 4) * ROM_CYCLES_BYTE;
    call->r[0] = 0;
    cycle_reset(rom, RESET_IO_QSPI | RESET_PADS_QSPI | RESET_TIMER);
    if (!(rom_load(rom, SIO_GPIO_HI_IN) & GPIO_HI_SS)) {
        rom_enter_usb_boot(rom, BOOTROM_USB_BUTTON, 0, 0);
        return CYCLES_BOOTSEL;
    }
    uint64_t cycles = CYCLES_BOOTSEL + connect_flash(rom) + exit_xip(rom);
    if (!load_stage2(rom)) {
        log_write(rom->env->log, LOG_WARN, "bootrom",
                  "no second stage with a right checksum at the start of the flash");
        rom_enter_usb_boot(rom, BOOTROM_USB_NO_IMAGE, 0, 0);
        return rom_charge(cycles + ATTEMPTS * attempt);
    }
    call->r[0] = STAGE2_ADDRESS | 1;
    return rom_charge(cycles + attempt + flush_cache(rom));
}

static void write_vector(struct bootrom *rom, uint32_t entry) {
    rom_store(rom, WATCHDOG_SCRATCH(4), ROM_VECTOR_MAGIC);
    rom_store(rom, WATCHDOG_SCRATCH(5), (entry | 1) ^ (0u - ROM_VECTOR_MAGIC));
    rom_store(rom, WATCHDOG_SCRATCH(6), SRAM_END);
    rom_store(rom, WATCHDOG_SCRATCH(7), entry | 1);
}

/* The USB mode, which loads such images, leaves the cache off: it is memory for them. */
void bootrom_rp2040_enter_ram(struct bootrom *rom, uint32_t entry) {
    rom_store(rom, XIP_CTRL + ROM_ALIAS_CLR, 1);
    write_vector(rom, entry);
}

/* reset_to_usb_boot(): arguments survive in scratch registers, the watchdog resets after 10 ms. */
static uint32_t request_usb_boot(struct bootrom *rom, const struct bootrom_call *call) {
    rom_store(rom, WATCHDOG_SCRATCH(0), call->r[0]);
    rom_store(rom, WATCHDOG_SCRATCH(1), call->r[1]);
    rom_store(rom, PSM_WDSEL, PSM_ALL_BUT_OSCILLATORS);
    rom_store(rom, WATCHDOG_CTRL + ROM_ALIAS_CLR, WATCHDOG_ENABLE | WATCHDOG_PAUSES);
    write_vector(rom, bootrom_rp2040_usb_entry());
    rom_store(rom, WATCHDOG_LOAD, 10000);
    rom_store(rom, CLOCKS_REF_CTRL, (rom_load(rom, CLOCKS_REF_CTRL) & ~3u) | 2u); /* from the crystal */
    rom_store(rom, WATCHDOG_TICK, TICK_12_MHZ);
    rom_store(rom, WATCHDOG_CTRL + ROM_ALIAS_SET, WATCHDOG_ENABLE);
    return 60;
}

/* ---- Dispatch ---- */

static uint32_t serve_soft(struct bootrom *rom, unsigned number, struct bootrom_call *call) {
    unsigned index = number % SERVICE_FLOAT;
    uint32_t cycles = number >= SERVICE_DOUBLE ? softdouble_call(index, call->r) : softfloat_call(index, call->r);
    if (!cycles) {
        log_write(rom->env->log, LOG_STUB, "bootrom", "%s routine %u of the ROM's table is not modelled",
                  number >= SERVICE_DOUBLE ? "double" : "float", index);
    }
    return cycles;
}

uint32_t bootrom_rp2040_serve(struct bootrom *rom, unsigned number, struct bootrom_call *call) {
    switch (number) {
    case SERVICE_BEGIN:
        return begin(rom, call);
    case SERVICE_BOOT:
        return boot(rom, call);
    case SERVICE_USB_BOOT:
        return request_usb_boot(rom, call);
    case SERVICE_USB_ENTRY:
        rom_enter_usb_boot(rom, BOOTROM_USB_REQUESTED, rom_load(rom, WATCHDOG_SCRATCH(0)),
                           rom_load(rom, WATCHDOG_SCRATCH(1)));
        return ROM_CYCLES_TRAP;
    case SERVICE_CONNECT_FLASH:
        return connect_flash(rom);
    case SERVICE_EXIT_XIP:
        return exit_xip(rom);
    case SERVICE_ERASE:
        return rom_range_erase(rom, call->r[0], call->r[1], call->r[2], (uint8_t)call->r[3]);
    case SERVICE_PROGRAM:
        return rom_range_program(rom, call->r[0], call->r[1], call->r[2]);
    case SERVICE_FLUSH:
        return flush_cache(rom);
    case SERVICE_ENTER_XIP:
        return enter_xip(rom);
    case SERVICE_ENABLE_CLOCKS:
        clock_everything(rom);
        return ROM_CYCLES_TRAP;
    default:
        break;
    }
    if (number >= SERVICE_FLOAT && number < SERVICE_DOUBLE + SERVICE_FLOAT) {
        return serve_soft(rom, number, call);
    }
    log_write(rom->env->log, LOG_STUB, "bootrom", "call into a part of the boot ROM that is not there");
    return ROM_CYCLES_TRAP;
}
