@ ---- Core 1 waits for 0, 0, 1, VTOR, SP, PC, echoes each word and goes there: RP2040 datasheet 2.8.2, RP2350
@ datasheet 5.3. Included by both ROMs ----
@ r4 = SIO, r5 = SCB, r6 = SP
    .balign 4
    .global WAIT_FOR_VECTOR
    .thumb_func
WAIT_FOR_VECTOR:
    ldr r4, =SIO
    ldr r5, =SCB
    movs r0, #4                 @ SLEEPDEEP
    str r0, [r5, #SCB_SCR]
restart:
    ldr r0, [r4, #FIFO_RD]
    ldr r0, [r4, #FIFO_ST]
    lsrs r0, #1
    bcs restart
    movs r0, #0
    bl exchange
    cmp r0, #1
    bne restart
    bl exchange
    beq restart
    str r0, [r5, #SCB_VTOR]
    bl exchange
    beq restart
    mov r6, r0
    bl exchange
    beq restart
    bl send
    msr msp, r6
    movs r1, #0
    str r1, [r5, #SCB_SCR]
    blx r0
    b HALT

@ Send r0, receive into r0; Z is set when the word is 0.
exchange:
    mov r7, lr
    bl send
1:  ldr r0, [r4, #FIFO_ST]
    lsrs r0, #1
    bcs 2f
    wfe
    b 1b
2:  mov lr, r7
    ldr r0, [r4, #FIFO_RD]
    cmp r0, #0
    bx lr

@ Send r0.
1:  wfe
send:
    ldr r1, [r4, #FIFO_ST]
    lsrs r1, #2
    bcc 1b
    str r0, [r4, #FIFO_WR]
    sev
    bx lr
