/*
 * A PKCS#11 module that behaves as its script says: for what a well-behaved
 * token cannot show. One token, RSA keys, and every fault of the field.
 *
 * The script stands beside the module, as MODULE.script; the module writes each
 * call with its result to MODULE.log, and obeys MODULE.now, once, before the
 * next call. A copy of the file is a module of its own. Lines of the script:
 *
 *   label TEXT | serial TEXT | slot N | absent
 *   pin TEXT | tries N            the counter and its flags; a right PIN fills it up; "*" is any
 *   flag pad | expired | change | quiet     quiet: no flag before the PIN is locked
 *   mechanism N                   one that the token has, in C notation
 *   key ID LABEL | n HEX | d HEX | always | secretive      a private key; what follows is of it
 *   cert ID HEX LABEL             a certificate
 *   host                          initialized by somebody else already
 *   cant-lock                     refuses locks of the operating system
 *   crash-twice                   dies when initialized a second time
 *   one-thread                    fails for any thread but that of C_Initialize
 *   one-at-a-time                 fails when two threads are inside
 *   sessions N                    so many at most
 *   at FUNCTION N ACTION          at its N-th call (0: at every one), one of:
 *      return RV | delay MS | remove | insert SLOT | forget | close
 *
 * A number sign begins a comment. Values in ID and HEX are hexadecimal, "-" is empty.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
typedef unsigned char octet;

/* Numbers of the standard, version 2.40. */
enum {
    OK = 0x0, SLOT_ID_INVALID = 0x3, FUNCTION_FAILED = 0x6, ARGUMENTS_BAD = 0x7, CANT_LOCK = 0xA,
    ATTRIBUTE_TYPE_INVALID = 0x12, DEVICE_REMOVED = 0x32, NOT_SUPPORTED = 0x54, KEY_HANDLE_INVALID = 0x60,
    MECHANISM_INVALID = 0x70, OPERATION_ACTIVE = 0x90, OPERATION_NOT_INITIALIZED = 0x91, PIN_INCORRECT = 0xA0,
    PIN_EXPIRED = 0xA3, PIN_LOCKED = 0xA4, SESSION_COUNT = 0xB1, SESSION_HANDLE_INVALID = 0xB3,
    TOKEN_NOT_PRESENT = 0xE0, USER_ALREADY_LOGGED_IN = 0x100, USER_NOT_LOGGED_IN = 0x101,
    BUFFER_TOO_SMALL = 0x150, NOT_INITIALIZED = 0x190, ALREADY_INITIALIZED = 0x191
};
enum { F_WRITE = 0x2, F_LOGIN = 0x4, F_PIN_SET = 0x8, F_PAD = 0x100, F_TOKEN = 0x400,
       F_LOW = 0x10000, F_FINAL = 0x20000, F_LOCKED = 0x40000, F_CHANGE = 0x80000 };
enum { A_CLASS = 0x0, A_TOKEN = 0x1, A_LABEL = 0x3, A_VALUE = 0x11, A_CERT_TYPE = 0x80, A_KEY_TYPE = 0x100, A_ID = 0x102,
       A_SIGN = 0x108, A_MODULUS = 0x120, A_ALWAYS = 0x202 };
enum { RSA_PKCS = 0x1, SHA256_RSA_PKCS = 0x40 };

typedef struct { octet major, minor; } version_t;
typedef struct { version_t cryptoki; octet maker[32]; ulong_t flags; octet text[32]; version_t library; } info_t;
typedef struct { octet text[64], maker[32]; ulong_t flags; version_t hard, firm; } slot_info_t;
typedef struct {
    octet label[32], maker[32], model[16], serial[16];
    ulong_t flags, counts[10];
    version_t hard, firm;
    octet clock[16];
} token_info_t;
typedef struct { ulong_t slot, state, flags, error; } session_info_t;
typedef struct { ulong_t type; void *value; ulong_t len; } attribute_t;
typedef struct { ulong_t type; void *parameter; ulong_t len; } mechanism_t;
typedef struct { void *create, *destroy, *lock, *unlock; ulong_t flags; void *reserved; } init_args_t;

/* ---- The script ---- */

#define MOST 32
typedef struct { octet data[4096]; ulong_t len; } blob_t;
typedef struct { int key, always, secretive; blob_t id, label, value, d; } object_t;
typedef struct { char function[32], action[16]; long at, argument; } rule_t;
typedef struct { ulong_t handle; int open, write, searching, signing, approved; ulong_t mechanism, key, found, wanted; blob_t data; } session_t;

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char base[1024], pin[64], label[64], serial[64];
static int present = 1, host, cant_lock, crash_twice, one_thread, one_at_a_time, quiet, change, expired, pad;
static int initialized, ever, logged_in, inside, met;
static ulong_t slot = 1, most_sessions = 1000, next_handle = 100, flags;
static long tries = 3, left = 3;
static ulong_t mechanisms[MOST], n_mechanisms;
static object_t objects[MOST];
static ulong_t n_objects;
static rule_t rules[MOST];
static ulong_t n_rules;
static struct { char function[32]; long calls; } counts[MOST];
static session_t sessions[64];
static pthread_t home;

static void hex(blob_t *out, const char *text) {
    out->len = 0;
    for (; text[0] && text[1] && text[0] != '-'; text += 2) {
        unsigned value = 0;
        sscanf(text, "%2x", &value);
        out->data[out->len++] = (octet)value;
    }
}

static void obey(char *line) {
    char word[32] = "", a[64] = "";
    static char b[10000], rest[10000];
    int used = 0;
    line[strcspn(line, "\n")] = 0;
    if (line[0] == '#' || sscanf(line, "%31s %n", word, &used) != 1) return;
    char *value = line + used;
    object_t *last = n_objects ? &objects[n_objects - 1] : NULL;
    if (!strcmp(word, "label")) snprintf(label, sizeof label, "%s", value);
    else if (!strcmp(word, "serial")) snprintf(serial, sizeof serial, "%s", value);
    else if (!strcmp(word, "slot")) slot = strtoul(value, NULL, 0);
    else if (!strcmp(word, "absent")) present = 0;
    else if (!strcmp(word, "pin")) snprintf(pin, sizeof pin, "%s", value);
    else if (!strcmp(word, "tries")) left = strtol(value, NULL, 0);
    else if (!strcmp(word, "flag")) {
        if (!strcmp(value, "pad")) pad = 1;
        if (!strcmp(value, "expired")) expired = 1;
        if (!strcmp(value, "change")) change = 1;
        if (!strcmp(value, "quiet")) quiet = 1;
    } else if (!strcmp(word, "mechanism") && n_mechanisms < MOST) mechanisms[n_mechanisms++] = strtoul(value, NULL, 0);
    else if (!strcmp(word, "key") && n_objects < MOST) {
        object_t *o = &objects[n_objects++];
        memset(o, 0, sizeof *o);
        o->key = 1;
        rest[0] = 0;
        sscanf(value, "%63s %9999[^\n]", a, rest);
        hex(&o->id, a);
        o->label.len = strlen(rest);
        memcpy(o->label.data, rest, o->label.len);
    } else if (!strcmp(word, "cert") && n_objects < MOST) {
        object_t *o = &objects[n_objects++];
        memset(o, 0, sizeof *o);
        rest[0] = 0;
        sscanf(value, "%63s %9999s %9999[^\n]", a, b, rest);
        hex(&o->id, a);
        hex(&o->value, b);
        o->label.len = strlen(rest);
        memcpy(o->label.data, rest, o->label.len);
    } else if (!strcmp(word, "n") && last) hex(&last->value, value);
    else if (!strcmp(word, "d") && last) hex(&last->d, value);
    else if (!strcmp(word, "always") && last) last->always = 1;
    else if (!strcmp(word, "secretive") && last) last->secretive = 1;
    else if (!strcmp(word, "host")) host = 1;
    else if (!strcmp(word, "cant-lock")) cant_lock = 1;
    else if (!strcmp(word, "crash-twice")) crash_twice = 1;
    else if (!strcmp(word, "one-thread")) one_thread = 1;
    else if (!strcmp(word, "one-at-a-time")) one_at_a_time = 1;
    else if (!strcmp(word, "sessions")) most_sessions = strtoul(value, NULL, 0);
    else if (!strcmp(word, "insert")) { present = 1; slot = strtoul(value, NULL, 0); }
    else if (!strcmp(word, "at") && n_rules < MOST) {
        rule_t *r = &rules[n_rules++];
        char argument[32] = "0";
        sscanf(value, "%31s %ld %15s %31s", r->function, &r->at, r->action, argument);
        r->argument = (long)strtoul(argument, NULL, 0);
    } else {
        fprintf(stderr, "mock: no such line: %s\n", line);
        abort();
    }
}

static void obey_file(const char *suffix, int once) {
    char path[1100];
    static char line[20000];
    snprintf(path, sizeof path, "%s%s", base, suffix);
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) obey(line);
    fclose(file);
    if (once) unlink(path);
}

__attribute__((constructor)) static void begin(void) {
    Dl_info where;
    if (!dladdr((void *)begin, &where)) abort();
    snprintf(base, sizeof base, "%s", where.dli_fname);
    obey_file(".script", 0);
}

static void note(const char *text) {
    char path[1100];
    snprintf(path, sizeof path, "%s.log", base);
    FILE *file = fopen(path, "a");
    if (!file) return;
    fprintf(file, "%s\n", text);
    fclose(file);
}

/* ---- Every call begins and ends here ---- */

static void drop_sessions(void) {
    memset(sessions, 0, sizeof sessions);
    logged_in = 0;
}

/* What the rules say of this call: a return value, or -1. */
static long rule(const char *function) {
    ulong_t i = 0;
    while (i < MOST - 1 && counts[i].function[0] && strcmp(counts[i].function, function)) i++;
    snprintf(counts[i].function, sizeof counts[i].function, "%s", function);
    long n = ++counts[i].calls, result = -1;
    for (i = 0; i < n_rules; i++) {
        rule_t *r = &rules[i];
        if (strcmp(r->function, function) || (r->at && r->at != n)) continue;
        if (!strcmp(r->action, "return")) result = r->argument;
        else if (!strcmp(r->action, "delay")) {
            pthread_mutex_unlock(&guard);
            usleep((useconds_t)r->argument * 1000);
            pthread_mutex_lock(&guard);
        } else if (!strcmp(r->action, "remove")) { present = 0; drop_sessions(); result = DEVICE_REMOVED; }
        else if (!strcmp(r->action, "insert")) { present = 1; slot = (ulong_t)r->argument; }
        else if (!strcmp(r->action, "forget")) logged_in = 0;
        else if (!strcmp(r->action, "close")) drop_sessions();
    }
    return result;
}

static long enter(const char *function) {
    if (__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) > 1) met = 1;
    pthread_mutex_lock(&guard);
    obey_file(".now", 1);
    if (one_at_a_time && met) { note("two threads are inside"); return FUNCTION_FAILED; }
    if (one_thread && initialized && !pthread_equal(home, pthread_self())) {
        note("a foreign thread is inside");
        return FUNCTION_FAILED;
    }
    if (strcmp(function, "C_Initialize") && strcmp(function, "C_GetFunctionList") && !initialized && !host) return NOT_INITIALIZED;
    return rule(function);
}

static ulong_t leave(const char *function, ulong_t result) {
    char text[128];
    snprintf(text, sizeof text, "%s %#lx", function, result);
    note(text);
    pthread_mutex_unlock(&guard);
    __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    return result;
}

#define ENTER long forced = enter(__func__); if (forced >= 0) return leave(__func__, (ulong_t)forced)
#define LEAVE(result) return leave(__func__, (result))

static session_t *session_of(ulong_t handle) {
    for (int i = 0; i < 64; i++)
        if (sessions[i].open && sessions[i].handle == handle) return &sessions[i];
    return NULL;
}

#define SESSION session_t *s = session_of(handle); if (!s) LEAVE(SESSION_HANDLE_INVALID)

static void padded(octet *out, size_t len, const char *text) {
    memset(out, ' ', len);
    memcpy(out, text, strlen(text) < len ? strlen(text) : len);
}

/* ---- Module, slots, token ---- */

ulong_t C_Initialize(void *args) {
    ENTER;
    if (host) LEAVE(ALREADY_INITIALIZED);
    if (initialized || ever) {
        if (crash_twice) abort();
        if (initialized) LEAVE(ALREADY_INITIALIZED);
    }
    init_args_t *a = args;
    if (cant_lock && a && a->flags & 2) LEAVE(CANT_LOCK);
    initialized = ever = 1;
    home = pthread_self();
    LEAVE(OK);
}

ulong_t C_Finalize(void *reserved) {
    (void)reserved;
    ENTER;
    drop_sessions();
    initialized = 0;
    LEAVE(OK);
}

ulong_t C_GetInfo(info_t *out) {
    ENTER;
    memset(out, 0, sizeof *out);
    out->cryptoki.major = 2;
    out->cryptoki.minor = 40;
    padded(out->maker, 32, "mock");
    padded(out->text, 32, "mock");
    LEAVE(OK);
}

ulong_t C_GetSlotList(octet with_token, ulong_t *list, ulong_t *count) {
    ENTER;
    ulong_t n = present || !with_token ? 1 : 0;
    if (list && *count < n) { *count = n; LEAVE(BUFFER_TOO_SMALL); }
    if (list && n) list[0] = slot;
    *count = n;
    LEAVE(OK);
}

ulong_t C_GetSlotInfo(ulong_t id, slot_info_t *out) {
    ENTER;
    if (id != slot) LEAVE(SLOT_ID_INVALID);
    memset(out, 0, sizeof *out);
    padded(out->text, 64, "Reader of the mock");
    padded(out->maker, 32, "mock");
    out->flags = 2 | 4 | (present ? 1 : 0);
    LEAVE(OK);
}

ulong_t C_GetTokenInfo(ulong_t id, token_info_t *out) {
    ENTER;
    if (id != slot) LEAVE(SLOT_ID_INVALID);
    if (!present) LEAVE(TOKEN_NOT_PRESENT);
    memset(out, 0, sizeof *out);
    padded(out->label, 32, label);
    padded(out->maker, 32, "mock");
    padded(out->model, 16, "m");
    padded(out->serial, 16, serial);
    flags = F_LOGIN | F_PIN_SET | F_TOKEN | (pad ? F_PAD : 0) | (change ? F_CHANGE : 0);
    if (left <= 0) flags |= F_LOCKED;
    else if (!quiet && left == 1) flags |= F_FINAL;
    else if (!quiet && left < tries) flags |= F_LOW;
    out->flags = flags;
    for (int i = 0; i < 10; i++) out->counts[i] = ~0UL;
    out->counts[4] = 32;
    out->counts[5] = 4;
    LEAVE(OK);
}

ulong_t C_GetMechanismList(ulong_t id, ulong_t *list, ulong_t *count) {
    ENTER;
    if (id != slot) LEAVE(SLOT_ID_INVALID);
    if (list && *count < n_mechanisms) LEAVE(BUFFER_TOO_SMALL);
    if (list) memcpy(list, mechanisms, n_mechanisms * sizeof *list);
    *count = n_mechanisms;
    LEAVE(OK);
}

/* ---- Sessions ---- */

ulong_t C_OpenSession(ulong_t id, ulong_t how, void *application, void *notify, ulong_t *handle) {
    (void)application;
    (void)notify;
    ENTER;
    if (id != slot) LEAVE(SLOT_ID_INVALID);
    if (!present) LEAVE(TOKEN_NOT_PRESENT);
    ulong_t open = 0;
    session_t *free_one = NULL;
    for (int i = 0; i < 64; i++) {
        open += (ulong_t)sessions[i].open;
        if (!sessions[i].open && !free_one) free_one = &sessions[i];
    }
    if (!free_one || open >= most_sessions) LEAVE(SESSION_COUNT);
    memset(free_one, 0, sizeof *free_one);
    free_one->open = 1;
    free_one->write = (how & 2) != 0;
    free_one->handle = *handle = next_handle++;
    LEAVE(OK);
}

ulong_t C_CloseSession(ulong_t handle) {
    ENTER;
    SESSION;
    s->open = 0;
    int open = 0;
    for (int i = 0; i < 64; i++) open += sessions[i].open;
    if (!open) logged_in = 0;
    LEAVE(OK);
}

ulong_t C_GetSessionInfo(ulong_t handle, session_info_t *out) {
    ENTER;
    SESSION;
    out->slot = slot;
    out->state = s->write ? (logged_in ? 3 : 2) : (logged_in ? 1 : 0);
    out->flags = 4 | (s->write ? 2 : 0);
    out->error = 0;
    LEAVE(OK);
}

ulong_t C_Login(ulong_t handle, ulong_t user, octet *text, ulong_t len) {
    ENTER;
    SESSION;
    if (user == 2 && !s->signing) LEAVE(OPERATION_NOT_INITIALIZED);
    if (user == 1 && logged_in) LEAVE(USER_ALREADY_LOGGED_IN);
    if (expired) LEAVE(PIN_EXPIRED);
    if (left <= 0) LEAVE(PIN_LOCKED);
    if (!text && !pad) LEAVE(ARGUMENTS_BAD);
    if (text && strcmp(pin, "*") && (len != strlen(pin) || memcmp(text, pin, len))) {
        left--;
        LEAVE(left <= 0 ? PIN_LOCKED : PIN_INCORRECT);
    }
    left = tries;
    if (user == 2) s->approved = 1;
    else logged_in = 1;
    LEAVE(OK);
}

ulong_t C_Logout(ulong_t handle) {
    ENTER;
    SESSION;
    if (!logged_in) LEAVE(USER_NOT_LOGGED_IN);
    logged_in = 0;
    LEAVE(OK);
}

/* ---- Objects ---- */

static int visible(const object_t *o) { return !o->key || logged_in; }

ulong_t C_FindObjectsInit(ulong_t handle, attribute_t *wanted, ulong_t count) {
    ENTER;
    SESSION;
    s->searching = 1;
    s->found = 0;
    s->wanted = ~0UL;
    for (ulong_t i = 0; i < count; i++)
        if (wanted[i].type == A_CLASS) memcpy(&s->wanted, wanted[i].value, sizeof s->wanted);
    LEAVE(OK);
}

ulong_t C_FindObjects(ulong_t handle, ulong_t *out, ulong_t room, ulong_t *count) {
    ENTER;
    SESSION;
    if (!s->searching) LEAVE(OPERATION_NOT_INITIALIZED);
    *count = 0;
    for (; s->found < n_objects && *count < room; s->found++) {
        ulong_t class = objects[s->found].key ? 3 : 1;
        if (visible(&objects[s->found]) && (s->wanted == ~0UL || s->wanted == class)) out[(*count)++] = s->found + 1;
    }
    LEAVE(OK);
}

ulong_t C_FindObjectsFinal(ulong_t handle) {
    ENTER;
    SESSION;
    s->searching = 0;
    LEAVE(OK);
}

ulong_t C_GetAttributeValue(ulong_t handle, ulong_t object, attribute_t *list, ulong_t count) {
    ENTER;
    SESSION;
    if (!object || object > n_objects || !visible(&objects[object - 1])) LEAVE(0x82);
    object_t *o = &objects[object - 1];
    ulong_t result = OK, number;
    octet yes = 1, always = (octet)(o->always && !o->secretive);
    for (ulong_t i = 0; i < count; i++) {
        const void *value = NULL;
        ulong_t len = 0;
        switch (list[i].type) {
        case A_CLASS: number = o->key ? 3 : 1; value = &number; len = sizeof number; break;
        case A_TOKEN: value = &yes; len = 1; break;
        case A_LABEL: value = o->label.data; len = o->label.len; break;
        case A_ID: value = o->id.data; len = o->id.len; break;
        case A_VALUE: if (!o->key) { value = o->value.data; len = o->value.len; } break;
        case A_CERT_TYPE: if (!o->key) { number = 0; value = &number; len = sizeof number; } break;
        case A_KEY_TYPE: if (o->key) { number = 0; value = &number; len = sizeof number; } break;
        case A_SIGN: if (o->key) { value = &yes; len = 1; } break;
        case A_ALWAYS: if (o->key && !o->secretive) { value = &always; len = 1; } break;
        case A_MODULUS: if (o->key) { value = o->value.data; len = o->value.len; } break;
        default: break;
        }
        if (!value) { list[i].len = ~0UL; result = ATTRIBUTE_TYPE_INVALID; }
        else if (!list[i].value) list[i].len = len;
        else if (list[i].len < len) { list[i].len = ~0UL; result = BUFFER_TOO_SMALL; }
        else { memcpy(list[i].value, value, len); list[i].len = len; }
    }
    LEAVE(result);
}

/* ---- SHA-256 (FIPS 180-4) ---- */

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* The first 32 bits of the fraction of a prime's square or cube root. */
static uint32_t fraction(unsigned prime, int cube) {
    unsigned __int128 low = 0, high = (unsigned __int128)1 << 37;
    while (high - low > 1) {
        unsigned __int128 mid = (low + high) / 2;
        int below = cube ? mid < (unsigned __int128)1 << 36 && mid * mid * mid <= (unsigned __int128)prime << 96
                         : mid * mid <= (unsigned __int128)prime << 64;
        if (below) low = mid;
        else high = mid;
    }
    return (uint32_t)low;
}

static void sha256(const octet *data, ulong_t len, octet out[32]) {
    uint32_t k[64], h[8], w[64];
    unsigned n = 0;
    for (unsigned p = 2; n < 64; p++) {
        int prime = 1;
        for (unsigned q = 2; q * q <= p; q++) prime &= p % q != 0;
        if (!prime) continue;
        if (n < 8) h[n] = fraction(p, 0);
        k[n++] = fraction(p, 1);
    }
    ulong_t total = (len + 8) / 64 * 64 + 64;
    for (ulong_t at = 0; at < total; at += 64) {
        octet block[64];
        for (ulong_t i = 0; i < 64; i++) {
            ulong_t place = at + i;
            block[i] = place < len ? data[place] : place == len ? 0x80 : place < total - 8 ? 0
                     : (octet)((uint64_t)len * 8 >> (8 * (total - 1 - place)));
        }
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
        for (int i = 16; i < 64; i++)
            w[i] = w[i - 16] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7]
                 + (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
        uint32_t v[8];
        memcpy(v, h, sizeof v);
        for (int i = 0; i < 64; i++) {
            uint32_t one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
            uint32_t two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            memmove(v + 1, v, 7 * sizeof *v);
            v[4] += one;
            v[0] = one + two;
        }
        for (int i = 0; i < 8; i++) h[i] += v[i];
    }
    for (int i = 0; i < 32; i++) out[i] = (octet)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- RSA: value = padded ^ d mod n, by schoolbook on 32-bit digits ---- */

#define DIGITS 130
typedef struct { uint32_t d[DIGITS]; } number_t;

static void read_number(number_t *out, const octet *data, ulong_t len) {
    memset(out, 0, sizeof *out);
    for (ulong_t i = 0; i < len; i++) out->d[i / 4] |= (uint32_t)data[len - 1 - i] << (8 * (i % 4));
}

static int at_least(const number_t *a, const number_t *b, int digits) {
    for (int i = digits - 1; i >= 0; i--)
        if (a->d[i] != b->d[i]) return a->d[i] > b->d[i];
    return 1;
}

static void subtract(number_t *a, const number_t *b, int digits) {
    int64_t borrow = 0;
    for (int i = 0; i < digits; i++) {
        int64_t x = (int64_t)a->d[i] - b->d[i] + borrow;
        a->d[i] = (uint32_t)x;
        borrow = x >> 32;
    }
}

/* a * b / 2^(32 * digits) mod n (Montgomery). */
static void multiply(number_t *out, const number_t *a, const number_t *b, const number_t *n, uint32_t inverse, int digits) {
    number_t t;
    memset(&t, 0, sizeof t);
    for (int i = 0; i < digits; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < digits; j++) {
            carry += (uint64_t)a->d[i] * b->d[j] + t.d[j];
            t.d[j] = (uint32_t)carry;
            carry >>= 32;
        }
        uint64_t top = (uint64_t)t.d[digits] + carry;
        uint32_t m = t.d[0] * inverse;
        carry = ((uint64_t)m * n->d[0] + t.d[0]) >> 32;
        for (int j = 1; j < digits; j++) {
            carry += (uint64_t)m * n->d[j] + t.d[j];
            t.d[j - 1] = (uint32_t)carry;
            carry >>= 32;
        }
        top += carry;
        t.d[digits - 1] = (uint32_t)top;
        t.d[digits] = (uint32_t)(top >> 32);
    }
    if (t.d[digits] || at_least(&t, n, digits)) subtract(&t, n, digits + 1);
    *out = t;
}

static void rsa(const object_t *key, const octet *input, ulong_t input_len, octet *out) {
    ulong_t len = key->value.len;
    octet padded_input[512];
    memset(padded_input, 0xFF, len);
    padded_input[0] = 0;
    padded_input[1] = 1;
    padded_input[len - input_len - 1] = 0;
    memcpy(padded_input + len - input_len, input, input_len);
    int digits = (int)(len / 4);
    number_t n, x, one, result;
    read_number(&n, key->value.data, len);
    read_number(&x, padded_input, len);
    uint32_t inverse = 1;
    for (int i = 0; i < 5; i++) inverse *= 2 - n.d[0] * inverse;
    inverse = -inverse;
    /* 2^(64 * digits) mod n takes a number into Montgomery's form. */
    memset(&one, 0, sizeof one);
    one.d[0] = 1;
    number_t r = one;
    for (int i = 0; i < 64 * digits; i++) {
        uint32_t carry = 0;
        for (int j = 0; j <= digits; j++) {
            uint32_t next = r.d[j] >> 31;
            r.d[j] = r.d[j] << 1 | carry;
            carry = next;
        }
        if (r.d[digits] || at_least(&r, &n, digits)) subtract(&r, &n, digits + 1);
    }
    multiply(&x, &x, &r, &n, inverse, digits);
    multiply(&result, &one, &r, &n, inverse, digits);
    for (ulong_t i = 0; i < key->d.len * 8; i++) {
        multiply(&result, &result, &result, &n, inverse, digits);
        if (key->d.data[i / 8] >> (7 - i % 8) & 1) multiply(&result, &result, &x, &n, inverse, digits);
    }
    multiply(&result, &result, &one, &n, inverse, digits);
    for (ulong_t i = 0; i < len; i++) out[len - 1 - i] = (octet)(result.d[i / 4] >> (8 * (i % 4)));
}

/* ---- Signing ---- */

ulong_t C_SignInit(ulong_t handle, mechanism_t *mechanism, ulong_t key) {
    ENTER;
    SESSION;
    if (s->signing) LEAVE(OPERATION_ACTIVE);
    if (!logged_in) LEAVE(USER_NOT_LOGGED_IN);
    if (!key || key > n_objects || !objects[key - 1].key) LEAVE(KEY_HANDLE_INVALID);
    int there = 0;
    for (ulong_t i = 0; i < n_mechanisms; i++) there |= mechanisms[i] == mechanism->type;
    if (!there || (mechanism->type != RSA_PKCS && mechanism->type != SHA256_RSA_PKCS)) LEAVE(MECHANISM_INVALID);
    s->signing = 1;
    s->approved = !objects[key - 1].always;
    s->mechanism = mechanism->type;
    s->key = key;
    s->data.len = 0;
    LEAVE(OK);
}

static ulong_t sign(session_t *s, const octet *data, ulong_t len, octet *out, ulong_t *out_len) {
    static const octet info[19] = { 0x30, 0x31, 0x30, 0x0D, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32 };
    const object_t *key = &objects[s->key - 1];
    octet hashed[19 + 32];
    if (!s->approved) { s->signing = 0; return USER_NOT_LOGGED_IN; }
    if (!out) { *out_len = key->value.len; return OK; }
    if (*out_len < key->value.len) { *out_len = key->value.len; return BUFFER_TOO_SMALL; }
    if (s->mechanism == SHA256_RSA_PKCS) {
        memcpy(hashed, info, 19);
        sha256(data, len, hashed + 19);
        data = hashed;
        len = sizeof hashed;
    }
    rsa(key, data, len, out);
    *out_len = key->value.len;
    s->signing = 0;
    return OK;
}

ulong_t C_Sign(ulong_t handle, octet *data, ulong_t len, octet *out, ulong_t *out_len) {
    ENTER;
    SESSION;
    if (!s->signing) LEAVE(OPERATION_NOT_INITIALIZED);
    LEAVE(sign(s, data, len, out, out_len));
}

ulong_t C_SignUpdate(ulong_t handle, octet *data, ulong_t len) {
    ENTER;
    SESSION;
    if (!s->signing || s->mechanism == RSA_PKCS) { s->signing = 0; LEAVE(OPERATION_NOT_INITIALIZED); }
    if (!s->approved) { s->signing = 0; LEAVE(USER_NOT_LOGGED_IN); }
    if (s->data.len + len > sizeof s->data.data) LEAVE(FUNCTION_FAILED);
    memcpy(s->data.data + s->data.len, data, len);
    s->data.len += len;
    LEAVE(OK);
}

ulong_t C_SignFinal(ulong_t handle, octet *out, ulong_t *out_len) {
    ENTER;
    SESSION;
    if (!s->signing) LEAVE(OPERATION_NOT_INITIALIZED);
    LEAVE(sign(s, s->data.data, s->data.len, out, out_len));
}

/* ---- The table of functions, in the order of the standard ---- */

static ulong_t absent(void) { return NOT_SUPPORTED; }

typedef void (*function_t)(void);
#define FN(f) (function_t)(f)
#define NO FN(absent)
ulong_t C_GetFunctionList(void *out);
static struct { version_t version; function_t functions[68]; } table = {
    { 2, 40 },
    {
        FN(C_Initialize), FN(C_Finalize), FN(C_GetInfo), FN(C_GetFunctionList), FN(C_GetSlotList), FN(C_GetSlotInfo),
        FN(C_GetTokenInfo), FN(C_GetMechanismList), NO /* GetMechanismInfo */, NO /* InitToken */, NO /* InitPIN */,
        NO /* SetPIN */, FN(C_OpenSession), FN(C_CloseSession), NO /* CloseAllSessions */, FN(C_GetSessionInfo),
        NO /* GetOperationState */, NO /* SetOperationState */, FN(C_Login), FN(C_Logout), NO /* CreateObject */,
        NO /* CopyObject */, NO /* DestroyObject */, NO /* GetObjectSize */, FN(C_GetAttributeValue),
        NO /* SetAttributeValue */, FN(C_FindObjectsInit), FN(C_FindObjects), FN(C_FindObjectsFinal),
        NO, NO, NO, NO /* Encrypt */, NO, NO, NO, NO /* Decrypt */, NO, NO, NO, NO, NO /* Digest */, FN(C_SignInit),
        FN(C_Sign), FN(C_SignUpdate), FN(C_SignFinal), NO, NO /* SignRecover */, NO, NO, NO, NO /* Verify */, NO,
        NO /* VerifyRecover */, NO, NO, NO, NO /* dual */, NO, NO, NO, NO, NO /* keys */, NO, NO /* random */, NO, NO, NO
    }
};

ulong_t C_GetFunctionList(void *out) {
    *(void **)out = &table;
    return OK;
}
