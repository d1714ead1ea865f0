/* RFC 854 (telnet), RFC 856 (binary), RFC 858 (suppress go-ahead), RFC 2217 (COM port control).
 * Settings are answered with the value asked for: the emulated USB port has no line to set. CD, DSR and CTS are on;
 * that is reported once and when asked for. Not modelled: flow-control suspend. */
#include "emulator/cli/telnet.h"

#include <string.h>

enum { SE = 240, SB = 250, WILL = 251, WONT = 252, DO = 253, DONT = 254, IAC = 255 };
enum { OPTION_BINARY = 0, OPTION_ECHO = 1, OPTION_SGA = 3, OPTION_COM_PORT = 44 };
enum { COM_SIGNATURE = 0, COM_SET_BAUDRATE = 1, COM_NOTIFY_MODEMSTATE = 7, COM_PURGE_DATA = 12, COM_SERVER = 100 };
enum { MODEM_ON = 0x80 /* CD */ | 0x20 /* DSR */ | 0x10 /* CTS */ };
enum { STATE_DATA, STATE_IAC, STATE_OPTION, STATE_SUB, STATE_SUB_IAC };

static void reply(struct telnet *telnet, const uint8_t *bytes, size_t size) {
    if (telnet->reply_length + size <= sizeof(telnet->reply)) {
        memcpy(telnet->reply + telnet->reply_length, bytes, size);
        telnet->reply_length += size;
    }
}

static void reply_option(struct telnet *telnet, uint8_t command, uint8_t option) {
    reply(telnet, (uint8_t[]){ IAC, command, option }, 3);
}

void telnet_init(struct telnet *telnet) {
    *telnet = (struct telnet){ .state = STATE_DATA };
    reply_option(telnet, WILL, OPTION_ECHO);
    reply_option(telnet, WILL, OPTION_SGA);
    reply_option(telnet, DO, OPTION_SGA);
    reply_option(telnet, WILL, OPTION_BINARY);
    reply_option(telnet, DO, OPTION_BINARY);
}

static bool is_ours(uint8_t option) {
    return option == OPTION_BINARY || option == OPTION_SGA || option == OPTION_ECHO || option == OPTION_COM_PORT;
}

static void report_modem(struct telnet *telnet) {
    reply(telnet, (uint8_t[]){ IAC, SB, OPTION_COM_PORT, COM_NOTIFY_MODEMSTATE + COM_SERVER, MODEM_ON, IAC, SE }, 7);
}

/* Options announced in telnet_init() need no second answer; the COM port option is the client's to ask for. */
static void negotiate(struct telnet *telnet, uint8_t command, uint8_t option) {
    if (command == WILL && !is_ours(option)) {
        reply_option(telnet, DONT, option);
    } else if (command == DO && !is_ours(option)) {
        reply_option(telnet, WONT, option);
    } else if (option == OPTION_COM_PORT && !telnet->negotiated && (command == WILL || command == DO)) {
        telnet->negotiated = true;
        reply_option(telnet, DO, option);
        reply_option(telnet, WILL, option);
        report_modem(telnet);
    }
}

static void com_port(struct telnet *telnet) {
    if (telnet->sub_length < 2 || telnet->sub[0] != OPTION_COM_PORT) {
        return;
    }
    uint8_t command = telnet->sub[1];
    if (command == COM_NOTIFY_MODEMSTATE) {
        report_modem(telnet);
    }
    if (command > COM_PURGE_DATA || command == COM_NOTIFY_MODEMSTATE) {
        return;
    }
    reply(telnet, (uint8_t[]){ IAC, SB, OPTION_COM_PORT, (uint8_t)(command + COM_SERVER) }, 4);
    if (command == COM_SIGNATURE) {
        reply(telnet, (const uint8_t *)"ouroboard", 9);
    }
    for (size_t i = 2; i < telnet->sub_length; i++) {
        reply(telnet, &telnet->sub[i], 1);
        if (telnet->sub[i] == IAC) {
            reply(telnet, &telnet->sub[i], 1);
        }
    }
    reply(telnet, (uint8_t[]){ IAC, SE }, 2);
}

static void sub_byte(struct telnet *telnet, uint8_t byte) {
    if (telnet->sub_length < sizeof(telnet->sub)) {
        telnet->sub[telnet->sub_length++] = byte;
    }
}

/* One byte; true when it is data. */
static bool receive(struct telnet *telnet, uint8_t byte) {
    switch (telnet->state) {
    case STATE_DATA:
        telnet->state = byte == IAC ? STATE_IAC : STATE_DATA;
        return byte != IAC;
    case STATE_IAC:
        telnet->command = byte;
        telnet->sub_length = 0;
        telnet->state = byte >= WILL && byte <= DONT ? STATE_OPTION : byte == SB ? STATE_SUB : STATE_DATA;
        return byte == IAC;
    case STATE_OPTION:
        negotiate(telnet, telnet->command, byte);
        telnet->state = STATE_DATA;
        return false;
    case STATE_SUB:
        if (byte == IAC) {
            telnet->state = STATE_SUB_IAC;
        } else {
            sub_byte(telnet, byte);
        }
        return false;
    default: /* STATE_SUB_IAC */
        telnet->state = byte == IAC ? STATE_SUB : STATE_DATA;
        if (byte == IAC) {
            sub_byte(telnet, byte);
        } else if (byte == SE) {
            com_port(telnet);
        }
        return false;
    }
}

size_t telnet_receive(struct telnet *telnet, uint8_t *data, size_t size) {
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        if (receive(telnet, data[i])) {
            data[kept++] = data[i];
        }
    }
    return kept;
}

size_t telnet_encode(const uint8_t *data, size_t size, uint8_t *out) {
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        out[length++] = data[i];
        if (data[i] == IAC) {
            out[length++] = IAC;
        }
    }
    return length;
}
