#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int negative_errno(int result) { return result < 0 ? -errno : result; }

// Files ------------------------------------------------------------------------------------

int csystem_open(const char *path, int flags, unsigned int mode) {
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    return negative_errno(fd);
}

int csystem_lock_exclusive(int fd) { return negative_errno(flock(fd, LOCK_EX | LOCK_NB)); }

int csystem_sync_directory(const char *path) {
    int fd = csystem_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) return fd;
    int result = negative_errno(fsync(fd));
    close(fd);
    // Some file systems cannot sync a directory and say EINVAL: nothing more can be done there.
    return result == -EINVAL ? 0 : result;
}

int csystem_disk_free(const char *path, uint64_t *free_bytes, uint64_t *total_bytes) {
    struct statvfs info;
    if (statvfs(path, &info) < 0) return -errno;
    *free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    *total_bytes = (uint64_t)info.f_blocks * info.f_frsize;
    return 0;
}

// Waiting ----------------------------------------------------------------------------------

const short csystem_pollin = POLLIN, csystem_pollout = POLLOUT, csystem_pollhup = POLLHUP,
            csystem_pollerr = POLLERR, csystem_pollnval = POLLNVAL;

_Static_assert(sizeof(struct csystem_poll) == sizeof(struct pollfd), "same layout as pollfd");
_Static_assert(offsetof(struct csystem_poll, events) == offsetof(struct pollfd, events), "events");
_Static_assert(offsetof(struct csystem_poll, revents) == offsetof(struct pollfd, revents),
               "revents");

int csystem_poll(struct csystem_poll *fds, size_t count, int64_t timeout_ns) {
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    return negative_errno(
        ppoll((struct pollfd *)fds, count, timeout_ns < 0 ? NULL : &timeout, NULL));
}

int csystem_poll_until(struct csystem_poll *fds, size_t count, int64_t deadline_ns) {
    if (deadline_ns == INT64_MAX) return csystem_poll(fds, count, -1);
    // The kernel turns the span into a point of the same clock at once. Only what comes between
    // these two lines is lost, and it does not add up: the next deadline does not rest on it.
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t left = deadline_ns - ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    return csystem_poll(fds, count, left > 0 ? left : 0);
}

int csystem_eventfd(void) { return negative_errno(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

int csystem_eventfd_signal(int fd) {
    uint64_t one = 1;
    ssize_t result;
    do {
        result = write(fd, &one, sizeof one);
    } while (result < 0 && errno == EINTR);
    // EAGAIN means the counter is full: the reader will wake all the same.
    return result < 0 && errno != EAGAIN ? -errno : 0;
}

int csystem_eventfd_drain(int fd) {
    uint64_t count;
    return read(fd, &count, sizeof count) == sizeof count ? 1 : 0;
}

// Terminals --------------------------------------------------------------------------------

int csystem_terminal_exclusive(int fd) { return negative_errno(ioctl(fd, TIOCEXCL)); }

int csystem_terminal_raw(int fd) {
    struct termios settings;
    if (tcgetattr(fd, &settings) < 0) return -errno;
    cfmakeraw(&settings);
    settings.c_cflag &= ~(CSTOPB | CRTSCTS | PARENB | CSIZE);
    settings.c_cflag |= CLOCAL | CREAD | CS8;
    // With VMIN 1 an empty line answers EAGAIN, so a read of 0 bytes can only mean hang-up.
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return negative_errno(tcsetattr(fd, TCSANOW, &settings));
}

int csystem_terminal_columns(int fd) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    return size.ws_col;
}

int csystem_terminal_size(int fd, int *rows, int *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}

static struct termios settings_before;

int csystem_terminal_watch(int fd) {
    if (tcgetattr(fd, &settings_before) < 0) return -errno;
    struct termios settings = settings_before;
    settings.c_lflag &= ~(ICANON | ECHO);
    settings.c_iflag &= ~IXON;
    settings.c_cc[VSUSP] = _POSIX_VDISABLE;
    settings.c_cc[VQUIT] = _POSIX_VDISABLE;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return negative_errno(tcsetattr(fd, TCSADRAIN, &settings));
}

int csystem_terminal_restore(int fd) {
    return negative_errno(tcsetattr(fd, TCSANOW, &settings_before));
}

int csystem_pseudo_terminal(char *name, size_t capacity) {
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return -errno;
    int failure = 0;
    if (grantpt(fd) < 0 || unlockpt(fd) < 0) {
        failure = errno;
    } else {
        failure = ptsname_r(fd, name, capacity);
    }
    if (failure) {
        close(fd);
        return -failure;
    }
    return fd;
}

int csystem_terminal_queued_output(int fd) {
    int queued = 0;
    if (ioctl(fd, TIOCOUTQ, &queued) < 0) return -errno;
    return queued;
}

// Threads and memory -----------------------------------------------------------------------

int csystem_thread_start(pthread_t *thread, size_t stack_bytes, void *(*body)(void *),
                         void *context) {
    pthread_attr_t attributes;
    int failure = pthread_attr_init(&attributes);
    if (failure) return -failure;
    failure = pthread_attr_setstacksize(&attributes, stack_bytes);
    if (!failure) failure = pthread_create(thread, &attributes, body, context);
    pthread_attr_destroy(&attributes);
    return -failure;
}

int csystem_thread_join(pthread_t thread) { return -pthread_join(thread, NULL); }

int csystem_thread_name(const char *name) {
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    return -pthread_setname_np(pthread_self(), cut);
}

int csystem_thread_fifo(int priority) {
    struct sched_param parameters = {.sched_priority = priority};
    return -pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters);
}

int csystem_thread_nice(int increment) {
    // On Linux the nice value belongs to the thread, which setpriority addresses by its id.
    id_t self = (id_t)syscall(SYS_gettid);
    return negative_errno(setpriority(PRIO_PROCESS, self, increment));
}

int csystem_lock_memory(void) { return negative_errno(mlockall(MCL_CURRENT | MCL_FUTURE)); }

int csystem_thread_pin(int cpu) {
    if (cpu < 0 || cpu >= CPU_SETSIZE) return -EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int csystem_thread_avoid(int cpu) {
    if (cpu < 0 || cpu >= CPU_SETSIZE) return -EINVAL;
    cpu_set_t set;
    int result = -pthread_getaffinity_np(pthread_self(), sizeof set, &set);
    if (result < 0) return result;
    CPU_CLR(cpu, &set);
    // Where there is no other processor, the thread stays.
    if (CPU_COUNT(&set) == 0) return 0;
    return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int csystem_stay_awake(void) {
    int fd = csystem_open("/dev/cpu_dma_latency", O_WRONLY, 0);
    if (fd < 0) return fd;
    const int32_t microseconds = 0;
    if (write(fd, &microseconds, sizeof microseconds) == sizeof microseconds) return fd;
    int failure = errno;
    close(fd);
    return -failure;
}

int csystem_thread_exact_timers(void) { return negative_errno(prctl(PR_SET_TIMERSLACK, 1)); }

void csystem_touch_stack(void) {
    volatile char space[256 * 1024];
    for (size_t i = 0; i < sizeof space; i += 1024) space[i] = 0;
}

int csystem_return_blocks(size_t bytes) {
    return mallopt(M_MMAP_THRESHOLD, (int)bytes) && mallopt(M_TRIM_THRESHOLD, 4 * (int)bytes)
               ? 0
               : -EINVAL;
}

int csystem_keep_heap(size_t bytes) {
    if (!mallopt(M_TRIM_THRESHOLD, INT_MAX) || !mallopt(M_MMAP_MAX, 0)) return -EINVAL;
    if (bytes == 0) return 0;
    char *space = malloc(bytes);
    if (!space) return -ENOMEM;
    for (size_t i = 0; i < bytes; i += 1024) ((volatile char *)space)[i] = 0;
    free(space);
    return 0;
}

int csystem_thread_faults(int64_t *minor_faults, int64_t *major_faults) {
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) < 0) return -errno;
    *minor_faults = usage.ru_minflt;
    *major_faults = usage.ru_majflt;
    return 0;
}

// Stop signals -----------------------------------------------------------------------------

enum { stop_wake_limit = 4 };
static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t stop_wake_count;
static volatile int stop_wake_fds[stop_wake_limit];

static void note_stop(int number) {
    int saved = errno;
    stop_signal = number;
    for (int i = 0; i < stop_wake_count; i++) csystem_eventfd_signal(stop_wake_fds[i]);
    errno = saved;
}

int csystem_stop_install(const int *wake_fds, size_t count) {
    if (count > stop_wake_limit) return -E2BIG;
    stop_wake_count = 0;
    for (size_t i = 0; i < count; i++) stop_wake_fds[i] = wake_fds[i];
    stop_wake_count = (sig_atomic_t)count;
    struct sigaction action = {.sa_handler = note_stop};
    sigemptyset(&action.sa_mask);
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (sigaction(numbers[i], &action, NULL) < 0) return -errno;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    return negative_errno(sigaction(SIGPIPE, &ignore, NULL));
}

int csystem_stop_signal(void) { return stop_signal; }

static volatile sig_atomic_t reload_count;

static void note_reload(int number) {
    (void)number;
    int saved = errno;
    // Only ever compared for being another: it may wrap.
    reload_count = (sig_atomic_t)((unsigned)reload_count + 1U);
    for (int i = 0; i < stop_wake_count; i++) csystem_eventfd_signal(stop_wake_fds[i]);
    errno = saved;
}

int csystem_reload_install(void) {
    struct sigaction action = {.sa_handler = note_reload, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return negative_errno(sigaction(SIGHUP, &action, NULL));
}

int csystem_reload_count(void) { return reload_count; }
void csystem_stop_clear(void) { stop_signal = 0; }

// Unix-domain sockets ----------------------------------------------------------------------

static int unix_address(const char *path, struct sockaddr_un *address) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) return -ENAMETOOLONG;
    strcpy(address->sun_path, path);
    return 0;
}

int csystem_unix_connect(const char *path) {
    struct sockaddr_un address;
    int result = unix_address(path, &address);
    if (result < 0) return result;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int failure = errno;
        close(fd);
        return -failure;
    }
    return fd;
}

// Removes a socket file nobody answers on. Anything else at that path stays.
static int remove_stale(const char *path) {
    struct stat info;
    if (lstat(path, &info) < 0) return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(info.st_mode)) return -EEXIST;
    int probe = csystem_unix_connect(path);
    if (probe >= 0) {
        close(probe);
        return -EADDRINUSE;
    }
    if (probe == -EAGAIN) return -EADDRINUSE;  // its backlog is full, so somebody listens
    if (probe != -ECONNREFUSED) return probe;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int group_number(const char *name, gid_t *group) {
    char buffer[16384];
    struct group entry, *found = NULL;
    int failure = getgrnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (failure) return -failure;
    if (!found) return -ESRCH;
    *group = entry.gr_gid;
    return 0;
}

int csystem_unix_listen(const char *path, unsigned int mode, const char *group, int backlog) {
    struct sockaddr_un address;
    int result = unix_address(path, &address);
    if (result < 0) return result;
    gid_t owner = (gid_t)-1;
    if (group && (result = group_number(group, &owner)) < 0) return result;
    if ((result = remove_stale(path)) < 0) return result;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        result = -errno;
        close(fd);
        return result;
    }
    // Rights are set before listen(): until then every connect is refused.
    if ((group && chown(path, (uid_t)-1, owner) < 0) || chmod(path, mode) < 0
        || listen(fd, backlog) < 0) {
        result = -errno;
        unlink(path);
        close(fd);
        return result;
    }
    return fd;
}

int csystem_unix_accept(int fd) {
    int connection;
    do {
        connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (connection < 0 && (errno == EINTR || errno == ECONNABORTED));
    return negative_errno(connection);
}

int csystem_unix_peer_user(int fd, unsigned int *user) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
    *user = credentials.uid;
    return 0;
}

ssize_t csystem_send(int fd, const void *bytes, size_t count) {
    ssize_t result;
    do {
        result = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

int csystem_datagram(const char *path, const void *bytes, size_t count) {
    struct sockaddr_un address;
    int result = unix_address(path, &address);
    if (result < 0) return result;
    // An abstract name is as long as it is written, and begins with a zero byte.
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    if (path[0] == '@') {
        address.sun_path[0] = 0;
    } else {
        length += 1;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    ssize_t sent;
    do {
        sent = sendto(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT,
            (struct sockaddr *)&address, length);
    } while (sent < 0 && errno == EINTR);
    result = sent < 0 ? -errno : 0;
    close(fd);
    return result;
}
