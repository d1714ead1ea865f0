@ The part of our RP2350 boot ROM that is real Thumb code: table look-up, reset entry, core 1's launch handshake, and
@ the function that puts the flash back into its fast read mode after commands (the ROM copies it to BOOTRAM).
@ Everything else traps into C by a supervisor call (rp2350.c).
@
@ scripts/gen-bootrom assembles this file into rp2350_code.h, which is committed. Behaviour: RP2350 datasheet 5.2 to
@ 5.4.

    .syntax unified
    .cpu cortex-m33
    .thumb
    .org 0x1c

    .equ SERVICE_BEGIN, 0
    .equ SERVICE_BOOT, 1
    .equ SERVICE_REBOOT, 2
    .equ SERVICE_CHAIN_IMAGE, 3
    .equ SERVICE_UNKNOWN_CODE, 4
    .equ NO_RETURN, 0x100

    .equ SIO, 0xd0000000
    .equ FIFO_ST, 0x50 @ bit 0: a word can be read; bit 1: a word can be written
    .equ FIFO_WR, 0x54
    .equ FIFO_RD, 0x58
    .equ SCB, 0xe000ed00
    .equ SCB_VTOR, 0x08
    .equ SCB_SCR, 0x10
    .equ SCB_CPACR, 0x88
    .equ CPACR_CP7, 0xc000
    .equ QMI_M0_TIMING, 0x400d000c

@ r0 = code, r1 = flags that will do: gives the halfword found, or 0.
    .global LOOKUP
    .thumb_func
LOOKUP:
    mov r12, lr
    bl LOOKUP_ENTRY
    ldrh r0, [r0]               @ the halfword at address 0 is 0
    bx r12

@ Likewise, gives the address of the halfword. An entry is code, flags, and a halfword for each flag.
    .global LOOKUP_ENTRY
    .thumb_func
LOOKUP_ENTRY:
    movs r3, #0x14
    ldrh r3, [r3]
entry:
    ldrh r2, [r3]
    cbz r2, none
    cmp r2, r0
    ldrh r2, [r3, #2]
    add r3, r3, #4
    bne skip
    tst r2, r1
    beq skip
    ands r1, r2
1:  lsrs r1, #1                 @ the lowest flag that both have
    bcs found
    lsrs r2, #1
    bcc 1b
    adds r3, #2
    b 1b
skip:
    lsrs r2, #1
    bcc 2f
    adds r3, #2
2:  cmp r2, #0
    bne skip
    b entry
none:
    svc #SERVICE_UNKNOWN_CODE   @ says so; r0 = 0
    bx lr
found:
    mov r0, r3
    bx lr

    .global HALT
    .thumb_func
HALT:
    wfi
    b HALT

@ Both cores come here out of reset.
    .balign 4
    .global RESET
    .thumb_func
RESET:
    ldr r4, =SCB
    movw r0, #CPACR_CP7
    str r0, [r4, #SCB_CPACR]
    ldr r0, =SIO
    ldr r0, [r0]
    cmp r0, #0
    bne WAIT_FOR_VECTOR
    svc #SERVICE_BEGIN          @ r0 = entry prepared in scratch registers or 0, r1 = its stack
    cbz r0, boot
    msr msp, r1
    blx r0                      @ when it returns, the normal boot goes on
boot:
    svc #SERVICE_BOOT           @ r0 = entry or 0, r1 = stack, r2 = vector table, r3 = stack limit
    cmp r0, #0
    beq HALT
enter:
    ldr r4, =SCB
    str r2, [r4, #SCB_VTOR]
    movs r4, #0
    msr msplim, r4
    msr msp, r1
    msr msplim, r3
    bx r0

@ chain_image(r0 = workarea, r1 = its size, r2 = base of a window, r3 = its size): does not return when it succeeds.
    .global CHAIN_IMAGE
    .thumb_func
CHAIN_IMAGE:
    svc #SERVICE_CHAIN_IMAGE
    cmp r0, #0
    bgt enter
    bx lr

@ reboot(r0 = flags, ...)
    .global REBOOT
    .thumb_func
REBOOT:
    mov r12, r0
    svc #SERVICE_REBOOT
    cbnz r0, 1f
    mov r1, r12
    lsls r1, #23                @ NO_RETURN to the sign
    bmi HALT
1:  bx lr

    .include "emulator/bootrom/launch_code.S"
    .balign 4
    .ltorg

@ ---- Copied to BOOTRAM and by firmware into RAM, so it must run anywhere ----
    .balign 4
    .global XIP_SETUP
    .thumb_func
XIP_SETUP:
    adr r3, xip_setup_data
    ldr r0, [r3, #12]
    ldmia r3!, {r1, r2}
    stmia r0!, {r1, r2}
    ldr r1, [r3]
    str r1, [r0]
    bx lr
    .balign 4
    .global XIP_SETUP_DATA
    .thumb_func
XIP_SETUP_DATA:
xip_setup_data:
    .word 0, 0, 0               @ TIMING, RFMT and RCMD: filled in by the boot
    .word QMI_M0_TIMING

    .global END
    .balign 4
    .thumb_set END, .
