/*
 * Faults of the disk, injected into one process by LD_PRELOAD (Linux, glibc).
 *
 * Counts the operations on files whose absolute path contains FAULT_PATH, and at the chosen one kills the process or
 * fails. A file is recognised by the path behind its descriptor at the time of the operation, so it does not matter
 * how it was opened, and a directory's fsync counts if its path matches.
 *
 *   FAULT_PATH   part of the path; without it nothing is counted
 *   FAULT_OPS    which operations count: write,fsync,truncate,unlink,rename,open,read
 *                (default: write,fsync,truncate,unlink,rename; fdatasync counts as fsync)
 *   FAULT_MODE   none        only count
 *                kill        SIGKILL before the operation
 *                kill_after  SIGKILL after it
 *                torn        write the first half, then SIGKILL; other operations as kill
 *                eio, enospc             fail this one operation
 *                eio_from, enospc_from   fail this one and every later one
 *   FAULT_AT     which operation, from 1
 *   FAULT_RECORD a file that gets every counted change with its bytes, and what the process says on standard output, in
 *                the order in which they happen: "kind offset count path\n" and then count bytes. The offset is -1 for
 *                a write at the end of the file; a truncation's is the new length, a renaming's bytes are the old path.
 *                Enough to tell what a disk may hold after a power failure at any moment
 *   FAULT_TRACE  a file that gets one line per counted operation, "write /path", before it happens; so the number
 *                of lines is the count, and after a kill the last line says where
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define PATH_BYTES 4096

enum moment { PASS, BEFORE, AFTER, TORN, FAIL };

/* The next definition of a symbol: the C library's own. */
#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t raw_write(int fd, const void *bytes, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    return real(fd, bytes, count);
}

static int raw_open(const char *path, int flags, mode_t mode) {
    REAL(int, "open64", const char *, int, ...);
    return real(path, flags, mode);
}

/* SIGKILL: no handler, no destructor, no flush, as in a crash of the process. */
static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int listed(const char *operation) {
    const char *list = getenv("FAULT_OPS");
    size_t length = strlen(operation);
    if (!list) list = "write,fsync,truncate,unlink,rename";
    for (const char *at = list; (at = strstr(at, operation)); at += length) {
        int begins = at == list || at[-1] == ',';
        int ends = at[length] == '\0' || at[length] == ',';
        if (begins && ends) return 1;
    }
    return 0;
}

static void trace(const char *operation, const char *path) {
    static int trace_fd = -1;
    const char *name = getenv("FAULT_TRACE");
    char line[PATH_BYTES + 32];
    if (!name) return;
    if (trace_fd < 0) trace_fd = raw_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int length = snprintf(line, sizeof line, "%s %s\n", operation, path);
    if (raw_write(trace_fd, line, (size_t)length) != length) {
        static const char message[] = "fault shim: cannot write FAULT_TRACE\n";
        raw_write(2, message, sizeof message - 1);
        abort();
    }
}

/* Appends a change with its bytes to FAULT_RECORD. */
static void record(const char *kind, const char *path, long long offset, const void *bytes, size_t count) {
    static int record_fd = -1;
    const char *name = getenv("FAULT_RECORD");
    char line[PATH_BYTES + 64];
    if (!name) return;
    if (record_fd < 0) record_fd = raw_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int length = snprintf(line, sizeof line, "%s %lld %zu %s\n", kind, offset, count, path);
    if (raw_write(record_fd, line, (size_t)length) != length) abort();
    if (count && raw_write(record_fd, bytes, count) != (ssize_t)count) abort();
}

static int recorded(const char *path) {
    const char *wanted = getenv("FAULT_PATH");
    return getenv("FAULT_RECORD") && wanted && *wanted && strstr(path, wanted);
}

/* What is to happen to this operation; sets the error for FAIL. */
static enum moment decide(const char *operation, const char *path) {
    static unsigned long counted;
    const char *wanted = getenv("FAULT_PATH");
    const char *mode = getenv("FAULT_MODE");
    const char *chosen = getenv("FAULT_AT");
    if (!wanted || !*wanted || !strstr(path, wanted) || !listed(operation)) return PASS;
    unsigned long number = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    unsigned long at = chosen ? strtoul(chosen, NULL, 10) : 0;
    trace(operation, path);
    if (!mode || at == 0 || number < at) return PASS;
    int is_the_one = number == at;
    if (!strcmp(mode, "kill")) return is_the_one ? BEFORE : PASS;
    if (!strcmp(mode, "kill_after")) return is_the_one ? AFTER : PASS;
    if (!strcmp(mode, "torn")) return is_the_one ? TORN : PASS;
    if (!strcmp(mode, "eio_from") || (is_the_one && !strcmp(mode, "eio"))) {
        errno = EIO;
        return FAIL;
    }
    if (!strcmp(mode, "enospc_from") || (is_the_one && !strcmp(mode, "enospc"))) {
        errno = ENOSPC;
        return FAIL;
    }
    return PASS;
}

/* The path behind a descriptor; errno stays as it was. */
static void path_of(int fd, char *path) {
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_BYTES - 1);
    path[length > 0 ? length : 0] = '\0';
    errno = saved;
}

static enum moment decide_fd(const char *operation, int fd) {
    char path[PATH_BYTES];
    path_of(fd, path);
    return decide(operation, path);
}

/* A name as an absolute path, as far as the directory it starts from is known. */
static enum moment decide_name(const char *operation, int directory, const char *name) {
    char path[2 * PATH_BYTES];
    path[0] = '\0';
    if (name[0] != '/') {
        if (directory == AT_FDCWD) {
            if (!getcwd(path, PATH_BYTES)) path[0] = '\0';
        } else {
            path_of(directory, path);
        }
        strcat(path, "/");
    }
    strncat(path, name, PATH_BYTES - 1);
    return decide(operation, path);
}

static void record_fd(const char *kind, int fd, long long offset, const void *bytes, size_t count) {
    char path[PATH_BYTES];
    path_of(fd, path);
    if (recorded(path)) record(kind, path, offset, bytes, count);
}

/* Runs `call` as the moment asks; `half` is what a torn write does instead. */
#define INJECT(moment_of_it, type, call, half) \
    do { \
        enum moment moment = (moment_of_it); \
        if (moment == FAIL) return -1; \
        if (moment == TORN) { half; } \
        if (moment == BEFORE || moment == TORN) die(); \
        type result = (call); \
        if (moment == AFTER) die(); \
        return result; \
    } while (0)

#define WRITTEN_HALF(call) if ((call) < 0) abort()

ssize_t write(int fd, const void *bytes, size_t count) {
    if (fd == 1 && getenv("FAULT_RECORD")) record("say", "-", 0, bytes, count);
    else record_fd("write", fd, -1, bytes, count);
    INJECT(decide_fd("write", fd), ssize_t, raw_write(fd, bytes, count), WRITTEN_HALF(raw_write(fd, bytes, count / 2)));
}

#define POSITIONED_WRITE(name, offset_type) \
    ssize_t name(int fd, const void *bytes, size_t count, offset_type at) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        record_fd("write", fd, (long long)at, bytes, count); \
        INJECT(decide_fd("write", fd), ssize_t, real(fd, bytes, count, at), WRITTEN_HALF(real(fd, bytes, count / 2, at))); \
    }
POSITIONED_WRITE(pwrite, off_t)
POSITIONED_WRITE(pwrite64, off64_t)

ssize_t read(int fd, void *bytes, size_t count) {
    REAL(ssize_t, "read", int, void *, size_t);
    INJECT(decide_fd("read", fd), ssize_t, real(fd, bytes, count), (void)0);
}

#define POSITIONED_READ(name, offset_type) \
    ssize_t name(int fd, void *bytes, size_t count, offset_type at) { \
        REAL(ssize_t, #name, int, void *, size_t, offset_type); \
        INJECT(decide_fd("read", fd), ssize_t, real(fd, bytes, count, at), (void)0); \
    }
POSITIONED_READ(pread, off_t)
POSITIONED_READ(pread64, off64_t)

#define SYNC(name) \
    int name(int fd) { \
        REAL(int, #name, int); \
        record_fd("fsync", fd, 0, NULL, 0); \
        INJECT(decide_fd("fsync", fd), int, real(fd), (void)0); \
    }
SYNC(fsync)
SYNC(fdatasync)

#define TRUNCATE(name, offset_type) \
    int name(int fd, offset_type length) { \
        REAL(int, #name, int, offset_type); \
        record_fd("truncate", fd, (long long)length, NULL, 0); \
        INJECT(decide_fd("truncate", fd), int, real(fd, length), (void)0); \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    if (recorded(path)) record("unlink", path, 0, NULL, 0);
    INJECT(decide_name("unlink", AT_FDCWD, path), int, real(path), (void)0);
}

int unlinkat(int directory, const char *path, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    INJECT(decide_name("unlink", directory, path), int, real(directory, path, flags), (void)0);
}

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    if (recorded(to)) record("rename", to, 0, from, strlen(from));
    INJECT(decide_name("rename", AT_FDCWD, to), int, real(from, to), (void)0);
}

/* The mode is there only when a file may be created. */
#define MODE_ARGUMENT(flags, mode) \
    mode_t mode = 0; \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list arguments; \
        va_start(arguments, flags); \
        mode = va_arg(arguments, mode_t); \
        va_end(arguments); \
    }

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        MODE_ARGUMENT(flags, mode) \
        INJECT(decide_name("open", AT_FDCWD, path), int, real(path, flags, mode), (void)0); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int directory, const char *path, int flags, ...) { \
        REAL(int, #name, int, const char *, int, ...); \
        MODE_ARGUMENT(flags, mode) \
        INJECT(decide_name("open", directory, path), int, real(directory, path, flags, mode), (void)0); \
    }
OPENAT(openat)
OPENAT(openat64)
