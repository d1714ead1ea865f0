/* A guest that does anything to the flash chip: register accesses of SSI and QMI, lines clocked by hand, time. */
#include "peripherals/onchip/qmi.h"
#include "peripherals/onchip/ssi.h"
#include "peripherals/parts/w25q.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/stage.h"

#define SIZE 0x100000u

struct bench {
    struct stage stage;
    struct net select;
    struct net_driver driver;
    struct w25q chip;
    struct ssi *ssi;
    struct qmi *qmi;
    struct xip_ctrl *xip;
};

/* What is told to have changed must lie in the chip. */
static void changed(void *context, uint32_t offset, uint32_t size, enum w25q_change what) {
    if (!size || offset >= SIZE || size > SIZE - offset) {
        __builtin_trap();
    }
}

static void open_bench(struct bench *bench) {
    stage_init(&bench->stage);
    struct environment *env = &bench->stage.env;
    struct w25q_desc desc = { .env = env, .size = SIZE, .quad_selectable = true, .changed = changed };
    if (!w25q_init(&bench->chip, &desc)) {
        __builtin_trap();
    }
    net_init(&bench->select, "CS", env);
    bench->driver = (struct net_driver){ .name = "guest" };
    net_attach(&bench->select, &bench->driver);
    w25q_connect_select(&bench->chip, &bench->select);
    bench->ssi = (struct ssi *)block_create(&ssi_class, "SSI", env, &rp2040_ssi_registers);
    bench->ssi->flash = &bench->chip.target;
    bench->ssi->clock = &bench->stage.clock;
    block_start(&bench->ssi->block);
    bench->qmi = (struct qmi *)block_create(&qmi_class, "QMI", env, &rp2350_qmi_registers);
    bench->qmi->clock = &bench->stage.clock;
    bench->qmi->devices[0] = &bench->chip.target;
    block_start(&bench->qmi->block);
    bench->xip = (struct xip_ctrl *)block_create(&xip_ctrl_class, "XIP_CTRL", env, &rp2350_xip_ctrl_registers);
    bench->xip->fetch = qmi_fetch;
    bench->xip->context = bench->qmi;
    block_start(&bench->xip->block);
}

static void step(struct bench *bench, const uint8_t *op) {
    struct block *blocks[] = { &bench->ssi->block, &bench->qmi->block, &bench->xip->block };
    uint32_t value = op[2] | op[3] << 8 | op[4] << 16 | (uint32_t)op[5] << 24;
    uint32_t offset = op[1] & ~3u;
    switch (op[0] % 8) {
    case 0:
        w25q_select(&bench->chip, op[1] & 1);
        break;
    case 1:
        qspi_shift(&bench->chip.target, value, op[1] % 32 + 1, 1u << op[1] / 32 % 3, op[1] & 0x80);
        break;
    case 2:
        stage_run(&bench->stage, (uint64_t)value << op[1] % 8);
        break;
    case 3:
        bench->stage.scheduler.now_ps += value; /* a core runs ahead of its events */
        break;
    case 4:
        w25q_erase(&bench->chip, value, (uint32_t)op[1] << 10);
        w25q_program(&bench->chip, value ^ 0x1234, op, 6);
        break;
    case 5:
        net_drive(&bench->driver, op[1] & 1 ? NET_HIGH : op[1] & 2 ? NET_LOW : NET_Z);
        break;
    case 6:
        block_write(blocks[op[5] % 3], offset, value, (enum bus_alias)(op[1] % 4));
        break;
    default:
        block_read(blocks[op[5] % 3], offset);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct bench bench;
    open_bench(&bench);
    for (size_t at = 0; at + 6 <= size && at < 6 * 500; at += 6) {
        step(&bench, bytes + at);
    }
    block_destroy(&bench.xip->block);
    block_destroy(&bench.qmi->block);
    block_destroy(&bench.ssi->block);
    w25q_finish(&bench.chip);
    return 0;
}
