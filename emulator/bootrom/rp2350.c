/* The RP2350 boot ROM's calls (datasheet 5.4.8), for the Arm cores in Secure state.
 *
 * Not modelled: calls from the Non-secure state, of which secure_call is a stub line; no buffer is valid there. A
 * second chip select. Erasing and programming leave the XIP cache as it is.
 */
#include "emulator/bootrom/rp2350_private.h"

#include <string.h>

#define RESETS 0x40020000u
#define RESET_IO_QSPI (1u << 7)
#define RESET_PADS_QSPI (1u << 10)
#define IO_QSPI_SCLK_CTRL 0x40030014u
#define PADS_QSPI_SCLK 0x40040004u
#define PADS_QSPI_SD2 0x40040010u
#define PADS_QSPI_SD3 0x40040014u
#define PAD_ISOLATION 0x100u
#define PAD_PULL_UP 8u
#define PAD_PULL_DOWN 4u
#define QMI_DIRECT_CSR RP2350_QMI
#define QMI_DIRECT_CSR_CLKDIV(divider) ((divider) << 22)
#define QMI_WINDOW(n) (RP2350_QMI + 0x0c + 0x14 * (n))          /* TIMING, RFMT, RCMD, ... */
#define TIMING_FIXED (1u << 30 | 2u << 28 | 7u << 12 | 2u << 8) /* cooldown, page break, deselect, receive delay */
#define DEFAULT_DIVIDER 12u
#define SYSINFO_PACKAGE_SEL 0x40000004u
#define OTP_CRITICAL 0x40120148u
#define OTP_SW_LOCK(page) (0x40120000u + 4 * (page))
#define OTP_ROWS 4096u
#define OTP_PAGE_ROWS 64u
#define NS_FUNCTIONS 8u
#define ROM_FALSE 0x00c300c3u
#define XIP_END 0x12000000u
#define SECTOR 4096u
#define PAGE 256u

#define CYCLES_EXIT_XIP 4000
#define CYCLES_FLUSH 4200
#define CYCLES_OTP_WRITE 10000

/* ---- Locks and state ---- */

int32_t rp2350_check_lock(struct bootrom *rom, unsigned lock) {
    uint32_t free = rom_load(rom, BOOTRAM_BOOTLOCK_STAT); /* 1: not claimed */
    if (free & 1u << LOCK_ENABLE) {
        return RP2350_OK; /* locks are not in use */
    }
    return free & 1u << lock ? RP2350_LOCK_REQUIRED : RP2350_OK;
}

void rp2350_reset_state(struct bootrom *rom, uint32_t what) {
    if (!(what & 4)) {
        return; /* nothing is kept per core on Arm */
    }
    for (uint32_t lock = 0; lock < 8; lock++) {
        rom_store(rom, BOOTRAM_BOOTLOCK0 + 4 * lock, 0);
    }
    rom_store(rom, BOOTRAM_NS_PERMISSIONS, 0xc3c3c3c3);
    rom_store(rom, BOOTRAM_NS_PERMISSIONS + 4, 0xc3c3c3c3);
    rom_store(rom, BOOTRAM_CALLBACK, 0);
}

static int32_t set_callback(struct bootrom *rom, uint32_t number, uint32_t function) {
    if (number) {
        return RP2350_INVALID_ARG;
    }
    int32_t old = (int32_t)rom_load(rom, BOOTRAM_CALLBACK);
    if (!(function >> 31)) {
        rom_store(rom, BOOTRAM_CALLBACK, function);
    }
    return old;
}

/* ---- get_sys_info() ---- */

enum sys_info { INFO_CHIP = 1, INFO_CRITICAL = 2, INFO_CPU = 4, INFO_FLASH = 8, INFO_RANDOM = 16, INFO_BOOT = 64 };
#define INFO_ALL (INFO_CHIP | INFO_CRITICAL | INFO_CPU | INFO_FLASH | INFO_RANDOM | INFO_BOOT)

static unsigned append(struct bootrom *rom, uint32_t *words, unsigned count, uint32_t address, unsigned more) {
    for (unsigned i = 0; i < more; i++) {
        words[count++] = rom_load(rom, address + 4 * i);
    }
    return count;
}

static int32_t sys_info(struct bootrom *rom, const struct bootrom_call *call) {
    uint32_t flags = call->r[2] & INFO_ALL, words[16] = { flags };
    unsigned count = 1;
    if (call->r[0] & 3) {
        return RP2350_BAD_ALIGNMENT;
    }
    if (flags & INFO_CHIP) {
        count = append(rom, words, count, SYSINFO_PACKAGE_SEL, 1);
        count = append(rom, words, count, BOOTRAM_CHIP_ID, 2);
    }
    if (flags & INFO_CRITICAL) {
        count = append(rom, words, count, OTP_CRITICAL, 1);
    }
    if (flags & INFO_CPU) {
        words[count++] = 0; /* Arm */
    }
    if (flags & INFO_FLASH) {
        words[count++] = rom_load(rom, BOOTRAM_FLASH_DEVINFO) & 0xffff;
    }
    if (flags & INFO_RANDOM) {
        count = append(rom, words, count, BOOTRAM_RANDOM, 4);
    }
    if (flags & INFO_BOOT) {
        count = append(rom, words, count, BOOTRAM_BOOT_WORD, 2);
        count = append(rom, words, count, BOOTRAM_REBOOT_PARAMETERS, 2);
    }
    if (count > call->r[1]) {
        return RP2350_BUFFER_TOO_SMALL;
    }
    for (unsigned i = 0; i < count; i++) {
        rom_store(rom, call->r[0] + 4 * i, words[i]);
    }
    return (int32_t)count;
}

/* ---- Flash ---- */

void rp2350_connect_flash(struct bootrom *rom) {
    rom_store(rom, RESETS + ROM_ALIAS_SET, RESET_IO_QSPI | RESET_PADS_QSPI);
    rom_store(rom, RESETS + ROM_ALIAS_CLR, RESET_IO_QSPI | RESET_PADS_QSPI);
    for (uint32_t pin = 0; pin < 6; pin++) {
        rom_store(rom, IO_QSPI_SCLK_CTRL + 8 * pin, 0);
        rom_store(rom, PADS_QSPI_SCLK + 4 * pin + ROM_ALIAS_CLR, PAD_ISOLATION);
    }
}

void rp2350_select_xip(struct bootrom *rom, unsigned mode, uint32_t divider, bool remember) {
    static const struct {
        uint32_t format, command;
    } modes[] = {
        { 1u << 12, 0x03 },                                                               /* serial */
        { 1u << 12 | 2u << 16, 0x0b },                                                    /* serial, 8 dummy cycles */
        { 1u << 12 | 2u << 14 | 1u << 2 | 1u << 4 | 1u << 6 | 1u << 8, 0xbb },            /* dual from the address on */
        { 1u << 12 | 2u << 14 | 4u << 16 | 2u << 2 | 2u << 4 | 2u << 6 | 2u << 8, 0xeb }, /* quad */
    };
    if (mode >= sizeof(modes) / sizeof(modes[0])) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "flash_select_xip_read_mode(%u): there is no such mode", mode);
        return;
    }
    uint32_t timing = TIMING_FIXED | (divider & 0xff);
    rom_store(rom, QMI_DIRECT_CSR, QMI_DIRECT_CSR_CLKDIV(divider & 0xff));
    for (uint32_t n = 0; n < 2; n++) {
        rom_store(rom, QMI_WINDOW(n), timing);
        rom_store(rom, QMI_WINDOW(n) + 4, modes[mode].format);
        rom_store(rom, QMI_WINDOW(n) + 8, modes[mode].command);
    }
    if (remember) {
        rp2350_write_xip_setup(rom, timing, modes[mode].format, modes[mode].command);
    }
}

void rp2350_exit_xip(struct bootrom *rom) {
    rp2350_select_xip(rom, 0, DEFAULT_DIVIDER, false);
    rom_store(rom, PADS_QSPI_SD2, (rom_load(rom, PADS_QSPI_SD2) & ~PAD_PULL_DOWN) | PAD_PULL_UP);
    rom_store(rom, PADS_QSPI_SD3, (rom_load(rom, PADS_QSPI_SD3) & ~PAD_PULL_DOWN) | PAD_PULL_UP);
    if (rom->flash.exit_continuous_read) {
        rom->flash.exit_continuous_read(rom->flash.context);
    }
}

void rp2350_reset_translation(struct bootrom *rom) {
    for (uint32_t i = 0; i < 8; i++) {
        rom_store(rom, RP2350_QMI_ATRANS0 + 4 * i, 0x400u << 16 | (i & 3) << 10);
    }
}

/* Runtime address to storage address by QMI's translation, as the hardware does it. */
static int32_t runtime_to_storage(struct bootrom *rom, uint32_t address) {
    if (address < ROM_XIP_BASE || address >= XIP_END) {
        return RP2350_INVALID_ADDRESS;
    }
    uint32_t translation = rom_load(rom, RP2350_QMI_ATRANS0 + 4 * (address >> 22 & 7));
    uint32_t offset = address & 0x003ff000u;
    if (offset >= (translation >> 16 & 0x7ff) << 12) {
        return RP2350_INVALID_ADDRESS;
    }
    uint32_t translated = ((translation & 0xfff) << 12) + offset;
    return (int32_t)((address & ~0x00fff000u) | (translated & 0x00fff000u));
}

enum flash_op { OP_ERASE, OP_PROGRAM, OP_READ };
#define OP_FLAGS 0x00070301u
#define OP_RUNTIME 1u
#define PERMISSION_SECURE_READ 0x04000000u

static int32_t read_flash(struct bootrom *rom, uint32_t offset, uint32_t size, uint32_t buffer) {
    struct rp2350_window flash = rp2350_flash(rom);
    if (!flash.data || offset > flash.size || size > flash.size - offset) {
        return RP2350_NOT_PERMITTED;
    }
    rom_write_memory(rom, buffer, flash.data + offset, size);
    return RP2350_OK;
}

static int32_t storage_op(struct bootrom *rom, uint32_t flags, uint32_t address, uint32_t size, uint32_t buffer,
                          uint64_t *cycles) {
    unsigned op = flags >> 16 & 7, level = flags >> 8 & 3;
    uint32_t offset = address - ROM_XIP_BASE;
    int32_t locked = rp2350_check_lock(rom, LOCK_FLASH);
    if (locked) {
        return locked;
    }
    if (flags & ~OP_FLAGS || !level || op > OP_READ) {
        return RP2350_INVALID_ARG;
    }
    if (!rp2350_span_has_permission(rom, offset, size, PERMISSION_SECURE_READ << ((op != OP_READ) + 2 * (level - 1)))) {
        return RP2350_NOT_PERMITTED;
    }
    uint32_t unit = op == OP_ERASE ? SECTOR : op == OP_PROGRAM ? PAGE : 1;
    if (address % unit || size % unit) {
        return RP2350_BAD_ALIGNMENT;
    }
    if (op == OP_ERASE) {
        *cycles += rom_range_erase(rom, offset, size, UINT32_MAX, 0xd8);
    } else if (op == OP_PROGRAM) {
        *cycles += rom_range_program(rom, offset, buffer, size);
    } else {
        *cycles += size / 2;
        return read_flash(rom, offset, size, buffer);
    }
    return RP2350_OK;
}

/* flash_op(flags, address, size, buffer): a runtime span is taken apart at the 4 MB windows of the translation. */
static uint32_t flash_op(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t flags = call->r[0], address = call->r[1], left = call->r[2], buffer = call->r[3];
    uint64_t cycles = ROM_CYCLES_TRAP;
    int32_t result = RP2350_OK;
    if (!(flags & OP_RUNTIME)) {
        result = storage_op(rom, flags, address, left, buffer, &cycles);
    } else if (address < ROM_XIP_BASE || address > XIP_END || left > XIP_END - address) {
        result = RP2350_INVALID_ADDRESS;
    }
    while (flags & OP_RUNTIME && result == RP2350_OK && left) {
        uint32_t room = 0x400000u - (address & 0x3fffff), size = left < room ? left : room;
        result = storage_op(rom, flags, (uint32_t)runtime_to_storage(rom, address), size, buffer, &cycles);
        address += size;
        buffer += size;
        left -= size;
    }
    call->r[0] = (uint32_t)result;
    return rom_charge(cycles);
}

/* ---- otp_access() ---- */

#define OTP_WRITE 0x10000u
#define OTP_ECC 0x20000u

/* The code of OTP (datasheet 13.6): Hamming, 5 bits of parity over chosen data bits and one over all. */
static uint32_t with_ecc(uint16_t data) {
    static const uint32_t masks[] = { 0xad5b, 0x366d, 0xc78e, 0x07f0, 0xf800, 0x1fffff };
    uint32_t word = data;
    for (unsigned i = 0; i < 6; i++) {
        word |= (uint32_t)__builtin_parity(word & masks[i]) << (16 + i);
    }
    return word;
}

static uint32_t read_raw(struct bootrom *rom, uint32_t row) {
    return rom_load(rom, RP2350_OTP_RAW + 4 * row);
}

static int32_t write_row(struct bootrom *rom, uint32_t row, bool ecc, uint32_t data) {
    uint32_t current = read_raw(rom, row);
    if (ecc) {
        data = with_ecc((uint16_t)data);
        /* Inverted by its two top bits when that needs no bit to be cleared and the plain form does. */
        if (current & ~data && !(current & ~(data ^ 0xffffff))) {
            data ^= 0xffffff;
        }
    }
    if (current & ~data) {
        return RP2350_UNSUPPORTED_MODIFICATION;
    }
    if (!rom->otp_program || !rom->otp_program(rom->context, row, data & 0xffffff)) {
        log_write(rom->env->log, LOG_STUB, "bootrom", "otp_access(): row 0x%x cannot be programmed here", row);
        return RP2350_NOT_PERMITTED;
    }
    return RP2350_OK;
}

static int32_t access_row(struct bootrom *rom, uint32_t row, uint32_t flags, uint32_t buffer) {
    unsigned size = flags & OTP_ECC ? 2 : 4;
    uint8_t bytes[4] = { 0 };
    uint32_t locks = rom_load(rom, OTP_SW_LOCK(row / OTP_PAGE_ROWS)) & 3;
    if (locks & (flags & OTP_WRITE ? 3u : 2u)) {
        return RP2350_NOT_PERMITTED;
    }
    if (flags & OTP_WRITE) {
        rom_read_memory(rom, buffer, bytes, size);
        uint32_t data = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
        return write_row(rom, row, flags & OTP_ECC, data);
    }
    uint32_t pair = rom_load(rom, RP2350_OTP_DATA + 4 * (row / 2));
    uint32_t value = flags & OTP_ECC ? pair >> 16 * (row & 1) : read_raw(rom, row);
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
    rom_write_memory(rom, buffer, bytes, size);
    return RP2350_OK;
}

static uint32_t otp_access(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t buffer = call->r[0], length = call->r[1], flags = call->r[2], row = flags & 0xffff;
    uint32_t size = flags & OTP_ECC ? 2 : 4, rows = length / size;
    int32_t result = rp2350_check_lock(rom, LOCK_OTP);
    if (!result && (flags & ~(0xffffu | OTP_WRITE | OTP_ECC) || row > OTP_ROWS || rows > OTP_ROWS - row)) {
        result = RP2350_INVALID_ARG;
    } else if (!result && (buffer | length) & (size - 1)) {
        result = RP2350_BAD_ALIGNMENT;
    }
    for (uint32_t i = 0; result == RP2350_OK && i < rows; i++) {
        result = access_row(rom, row + i, flags, buffer + size * i);
    }
    call->r[0] = (uint32_t)result;
    return rom_charge(ROM_CYCLES_TRAP + (uint64_t)rows * (flags & OTP_WRITE ? CYCLES_OTP_WRITE : 40));
}

/* ---- The Non-secure state, which is not there ---- */

static int32_t permit_nonsecure(struct bootrom *rom, uint32_t number, uint32_t allowed) {
    uint32_t byte = allowed & 0xff ? 0xa5 : 0xc3, shift = 8 * (number & 3), at = BOOTRAM_NS_PERMISSIONS + (number & 4);
    if (number >= NS_FUNCTIONS) {
        return RP2350_INVALID_ARG;
    }
    rom_store(rom, at, (rom_load(rom, at) & ~(0xffu << shift)) | byte << shift);
    return RP2350_OK;
}

/* No buffer is the Non-secure state's. */
static int32_t refuse_buffer(struct bootrom *rom, uint32_t ok) {
    rom_store(rom, ok, ROM_FALSE);
    return RP2350_INVALID_ADDRESS;
}

/* ---- Dispatch ---- */

static uint32_t unmodelled(struct bootrom *rom, unsigned number, struct bootrom_call *call) {
    bool secure_call = number == RP2350_SECURE_CALL;
    log_write(rom->env->log, LOG_STUB, "bootrom", "%s is not modelled",
              secure_call ? "secure_call" : "a call into the boot ROM");
    if (secure_call) {
        call->r[0] = (uint32_t)RP2350_INVALID_STATE;
    }
    return ROM_CYCLES_TRAP;
}

static int32_t unknown_code(struct bootrom *rom, uint32_t code, uint32_t flags) {
    if (code != rom->unknown_code) {
        log_write(rom->env->log, LOG_STUB, "bootrom", "nothing has the code '%c%c' (0x%x) with the flags 0x%x",
                  code & 0x60 ? (int)(code & 0x7f) : '?', code & 0x6000 ? (int)(code >> 8 & 0x7f) : '?', code, flags);
    }
    rom->unknown_code = code;
    return 0;
}

/* Calls that give a result in r0 at a small price. */
static bool serve_query(struct bootrom *rom, unsigned number, struct bootrom_call *call) {
    int32_t result;
    switch (number) {
    case RP2350_STATE_RESET:
        rp2350_reset_state(rom, call->r[0]);
        return true;
    case RP2350_UNKNOWN_CODE:
        result = unknown_code(rom, call->r[0], call->r[1]);
        break;
    case RP2350_SYS_INFO:
        result = sys_info(rom, call);
        break;
    case RP2350_LOAD_PARTITION_TABLE:
        result = rp2350_load_partition_table(rom, call);
        break;
    case RP2350_PARTITION_TABLE_INFO:
        result = rp2350_table_info(rom, call);
        break;
    case RP2350_B_PARTITION:
        result = rp2350_b_partition(rom, call->r[0]);
        break;
    case RP2350_RUNTIME_TO_STORAGE:
        result = runtime_to_storage(rom, call->r[0]);
        break;
    case RP2350_SET_CALLBACK:
        result = set_callback(rom, call->r[0], call->r[1]);
        break;
    case RP2350_NS_PERMISSION:
        result = permit_nonsecure(rom, call->r[0], call->r[1]);
        break;
    case RP2350_VALIDATE_NS:
        result = refuse_buffer(rom, call->r[3]);
        break;
    case RP2350_PICK_AB:
        result = rp2350_pick_ab(rom, call);
        break;
    case RP2350_UF2_TARGET:
        result = rp2350_uf2_target(rom, call);
        break;
    default:
        return false;
    }
    call->r[0] = (uint32_t)result;
    return true;
}

uint32_t bootrom_rp2350_serve(struct bootrom *rom, unsigned number, struct bootrom_call *call) {
    if (serve_query(rom, number, call)) {
        return 300;
    }
    switch (number) {
    case RP2350_BEGIN:
        return rp2350_begin(rom, call);
    case RP2350_BOOT:
        return rp2350_boot(rom, call);
    case RP2350_REBOOT:
        return rp2350_reboot(rom, call);
    case RP2350_CHAIN_IMAGE:
        return rp2350_chain_image(rom, call);
    case RP2350_EXPLICIT_BUY:
        return rp2350_explicit_buy(rom, call);
    case RP2350_OTP_ACCESS:
        return otp_access(rom, call);
    case RP2350_CONNECT_FLASH:
        rp2350_connect_flash(rom);
        return 150;
    case RP2350_RESET_TRANSLATION:
        rp2350_reset_translation(rom);
        return 60;
    case RP2350_EXIT_XIP:
        rp2350_exit_xip(rom);
        return CYCLES_EXIT_XIP;
    case RP2350_ERASE:
        return rom_range_erase(rom, call->r[0], call->r[1], call->r[2], (uint8_t)call->r[3]);
    case RP2350_PROGRAM:
        return rom_range_program(rom, call->r[0], call->r[1], call->r[2]);
    case RP2350_FLUSH:
        if (rom->flash.flush_cache) {
            rom->flash.flush_cache(rom->flash.context);
        }
        return CYCLES_FLUSH;
    case RP2350_ENTER_XIP:
        rp2350_select_xip(rom, 0, DEFAULT_DIVIDER, false);
        return 60;
    case RP2350_XIP_MODE:
        rp2350_select_xip(rom, call->r[0], call->r[1], false);
        return 60;
    case RP2350_FLASH_OP:
        return flash_op(rom, call);
    default:
        return unmodelled(rom, number, call);
    }
}
