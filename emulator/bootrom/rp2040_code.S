@ The part of our RP2040 boot ROM that is real Thumb code: what runs often (memory and bit functions), what waits
@ (core 1's launch handshake), what is entered by the hardware (vectors) and what must act on the stack or on the
@ link register. Everything else traps into C by a supervisor call (rp2040.c).
@
@ scripts/gen-bootrom assembles this file into rp2040_code.h, which is committed. Behaviour: RP2040 datasheet 2.8.
@ Overlapping memcpy is undefined there; here, as on the chip, blocks that are not aligned to each other are copied
@ from the last byte to the first.

    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .org 0x1c

    .equ SERVICE_BEGIN, 0
    .equ SERVICE_BOOT, 1
    .equ SERVICE_USB_BOOT, 2
    .equ SERVICE_USB_ENTRY, 3

    .equ SIO, 0xd0000000
    .equ FIFO_ST, 0x50 @ bit 0: a word can be read; bit 1: a word can be written
    .equ FIFO_WR, 0x54
    .equ FIFO_RD, 0x58
    .equ SCB, 0xe000ed00
    .equ SCB_VTOR, 0x08
    .equ SCB_SCR, 0x10
    .equ SYSCFG, 0x40004000

@ r0 = table of halfword pairs (code, value), r1 = code; gives the value or 0.
    .global LOOKUP
    .thumb_func
LOOKUP:
    ldrh r2, [r0]
    ldrh r3, [r0, #2]
    adds r0, #4
    cmp r2, #0
    beq lookup_failed
    cmp r2, r1
    bne LOOKUP
    mov r0, r3
    bx lr
lookup_failed:
    movs r0, #0
    bx lr

    .global HALT
    .thumb_func
HALT:
    wfi
    b HALT

@ An NMI while the ROM runs means that a mask has survived a reset: take it away on both cores.
    .balign 4
    .global NMI
    .thumb_func
NMI:
    ldr r0, =SYSCFG
    movs r1, #0
    str r1, [r0]
    str r1, [r0, #4]
    bx lr

@ Both cores come here out of reset.
    .global RESET
    .thumb_func
RESET:
    ldr r0, =SIO
    ldr r0, [r0]
    cmp r0, #0
    bne WAIT_FOR_VECTOR
    svc #SERVICE_BEGIN          @ r0 = entry prepared in the watchdog's scratch registers or 0, r1 = its stack
    cmp r0, #0
    beq boot
    msr msp, r1
    blx r0                      @ when it returns, the normal boot goes on
boot:
    svc #SERVICE_BOOT           @ r0 = the second stage, or 0: no valid one, or BOOTSEL is held
    cmp r0, #0
    beq HALT
    movs r1, #0
    mov lr, r1                  @ tells the second stage that it was entered from the ROM
    bx r0

@ reset_to_usb_boot(r0 = activity pins, r1 = disabled interfaces): the watchdog resets a little later, and the boot
@ that follows enters at USB_ENTRY.
    .global USB_BOOT
    .thumb_func
USB_BOOT:
    svc #SERVICE_USB_BOOT
    b HALT
    .global USB_ENTRY
    .thumb_func
USB_ENTRY:
    svc #SERVICE_USB_ENTRY
    b HALT

    .include "emulator/bootrom/launch_code.S"

@ ---- For debuggers: call the function in r7 and stop ----
    .balign 4
    .global DEBUG_TRAMPOLINE
    .thumb_func
DEBUG_TRAMPOLINE:
    movs r6, #1
    orrs r7, r6
    blx r7
    .global DEBUG_TRAMPOLINE_END
    .thumb_func
DEBUG_TRAMPOLINE_END:
    bkpt #0
    b DEBUG_TRAMPOLINE

@ ---- Memory: r0 = to, r1 = from or value, r2 = bytes; r0 is returned as it came ----
    .balign 4
    .global MEMCPY44
    .thumb_func
MEMCPY44:                       @ both addresses are multiples of 4
    mov r12, r0
copy_words:
    subs r2, #16
    blo 2f
    push {r4-r6}
1:  ldmia r1!, {r3-r6}
    stmia r0!, {r3-r6}
    subs r2, #16
    bhs 1b
    pop {r4-r6}
2:  adds r2, #12
    blt 4f
3:  ldmia r1!, {r3}
    stmia r0!, {r3}
    subs r2, #4
    bge 3b
4:  adds r2, #4
    beq copied
copy_bytes:
    subs r2, #1
    ldrb r3, [r1, r2]
    strb r3, [r0, r2]
    bne copy_bytes
copied:
    mov r0, r12
    bx lr

    .balign 4
    .global MEMCPY
    .thumb_func
MEMCPY:
    mov r12, r0
    cmp r2, #8
    blo 3f
    movs r3, r0
    eors r3, r1
    lsls r3, #30
    bne copy_bytes
1:  lsls r3, r0, #30            @ go on to a word boundary
    beq copy_words
    ldrb r3, [r1]
    strb r3, [r0]
    adds r0, #1
    adds r1, #1
    subs r2, #1
    b 1b
3:  cmp r2, #0
    bne copy_bytes
    bx lr

    .balign 4
    .global MEMSET
    .thumb_func
MEMSET:
    mov r12, r0
    cmp r2, #8
    blo set_rest
1:  lsls r3, r0, #30
    beq set_words
    strb r1, [r0]
    adds r0, #1
    subs r2, #1
    b 1b
    .balign 4
    .global MEMSET4
    .thumb_func
MEMSET4:                        @ the address is a multiple of 4
    mov r12, r0
set_words:
    uxtb r1, r1
    lsls r3, r1, #8
    orrs r1, r3
    lsls r3, r1, #16
    orrs r1, r3
    subs r2, #16
    blo 2f
    push {r4, r5}
    mov r3, r1
    mov r4, r1
    mov r5, r1
1:  stmia r0!, {r1, r3, r4, r5}
    subs r2, #16
    bhs 1b
    pop {r4, r5}
2:  adds r2, #12
    blt 4f
3:  stmia r0!, {r1}
    subs r2, #4
    bge 3b
4:  adds r2, #4
set_rest:
    cmp r2, #0
    beq 2f
1:  subs r2, #1
    strb r1, [r0, r2]
    bne 1b
2:  mov r0, r12
    bx lr

@ ---- Bits: r0 to r0 ----
    .balign 4
    .global POPCOUNT
    .thumb_func
POPCOUNT:
    ldr r2, =0x55555555
    lsrs r1, r0, #1
    ands r1, r2
    subs r0, r1
    ldr r2, =0x33333333
    lsrs r1, r0, #2
    ands r1, r2
    ands r0, r2
    adds r0, r1
    ldr r2, =0x0f0f0f0f
    lsrs r1, r0, #4
    adds r0, r1
    ands r0, r2
    ldr r2, =0x01010101
    muls r0, r2
    lsrs r0, #24
    bx lr

    .balign 4
    .global REVERSE
    .thumb_func
REVERSE:
    ldr r2, =0x55555555
    lsrs r1, r0, #1
    ands r1, r2
    ands r0, r2
    lsls r0, #1
    orrs r0, r1
    ldr r2, =0x33333333
    lsrs r1, r0, #2
    ands r1, r2
    ands r0, r2
    lsls r0, #2
    orrs r0, r1
    ldr r2, =0x0f0f0f0f
    lsrs r1, r0, #4
    ands r1, r2
    ands r0, r2
    lsls r0, #4
    orrs r0, r1
    rev r0, r0
    bx lr

    .balign 4
    .global CTZ
    .thumb_func
CTZ:                            @ 32 for 0
    movs r1, #32
    rsbs r2, r0, #0
    ands r0, r2                 @ the lowest set bit alone
    beq 5f
    subs r1, #1
    lsls r2, r0, #16
    beq 1f
    mov r0, r2
    subs r1, #16
1:  lsls r2, r0, #8
    beq 2f
    mov r0, r2
    subs r1, #8
2:  lsls r2, r0, #4
    beq 3f
    mov r0, r2
    subs r1, #4
3:  lsls r2, r0, #2
    beq 4f
    mov r0, r2
    subs r1, #2
4:  lsls r2, r0, #1
    beq 5f
    subs r1, #1
5:  mov r0, r1
    bx lr

    .balign 4
    .global CLZ
    .thumb_func
CLZ:                            @ 32 for 0
    movs r1, #32
    lsrs r2, r0, #16
    beq 1f
    mov r0, r2
    subs r1, #16
1:  lsrs r2, r0, #8
    beq 2f
    mov r0, r2
    subs r1, #8
2:  lsrs r2, r0, #4
    beq 3f
    mov r0, r2
    subs r1, #4
3:  adr r2, clz_nibble
    ldrb r2, [r2, r0]
    subs r0, r1, r2
    bx lr
    .balign 4
clz_nibble:                     @ bits in use
    .byte 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4

    .balign 4
    .ltorg
    .global END
    .balign 4
    .thumb_set END, .
