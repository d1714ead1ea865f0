@ One pass of the exception stress test (m33_stress.c): every register that a program can see is loaded with a pattern,
@ a loop with IT blocks runs while exceptions come in, and every register is stored for comparison.
@
@ int stress_pass(const struct patterns *in, struct seen *out)
    .syntax unified
    .cpu cortex-m33
    .fpu fpv5-sp-d16
    .thumb
    .text
    .global stress_pass
    .thumb_func
stress_pass:
    push {r1, r4-r11, lr}
    vpush {s16-s31}
    vldmia r0!, {s0-s31}
    ldmia r0!, {r1, r2}         @ FPSCR, APSR with Q and GE
    vmsr fpscr, r1
    msr apsr_nzcvqg, r2
    ldmia r0, {r0-r12, lr}      @ r2: ICSR, r3: PENDSVSET, r4: passes, r5: pin; the others: patterns
1:  tst r4, #1
    ittet ne
    strne r3, [r2]              @ PendSV is raised inside an IT block
    addne r0, #1
    addeq r0, #0x100
    vaddne.f32 s1, s1, s2
    itete eq
    addeq r0, #0x10000
    mcrne p0, #5, r5, c0, c0    @ toggles a pin: the host has to do it, inside an IT block
    vaddeq.f32 s3, s3, s4
    addne r6, #1
    ittte ne
    mcrne p0, #5, r5, c0, c0
    mcrrne p0, #5, r5, r4, c0
    addne r6, #2
    addeq r6, #0x100
    cbz r4, 2f
    subs r4, #1
    b 1b
2:  push {r0-r12, lr}
    mrs r1, apsr
    vmrs r0, fpscr
    ldr r2, [sp, #120]          @ out: above 14 registers and 16 floats
    vstmia r2!, {s0-s31}
    stmia r2!, {r0, r1}
    mov r3, sp
    ldmia r3!, {r4-r10}
    stmia r2!, {r4-r10}
    ldmia r3!, {r4-r10}
    stmia r2!, {r4-r10}
    add sp, #56
    vpop {s16-s31}
    pop {r1, r4-r11, pc}

@ Spoil everything that a handler may: uint32_t spoil(uint32_t pattern)
    .global spoil
    .thumb_func
spoil:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vmov s\n, r0
    .endr
    and r1, r0, #0xc00000
    orr r1, #0x9f
    vmsr fpscr, r1
    msr apsr_nzcvqg, r0
    mvn r2, r0
    mov r3, r2
    mov r12, r2
    ite mi
    movmi r1, #1
    movpl r1, #2
    bx lr
