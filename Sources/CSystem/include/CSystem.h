#pragma once
// What Swift cannot call by itself: variadic calls, macros, and calls whose types differ between
// C library versions. Every function returns a result >= 0, or a negative errno.

#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/types.h>

// Files.
int csystem_open(const char *path, int flags, unsigned int mode);
int csystem_lock_exclusive(int fd);               // flock(2), LOCK_EX | LOCK_NB
int csystem_sync_directory(const char *path);     // open, fsync, close
int csystem_disk_free(const char *path, uint64_t *free_bytes, uint64_t *total_bytes);

// Waiting.
struct csystem_poll {
    int fd;
    short events;
    short revents;
};
// ppoll(2); timeout_ns < 0 waits for ever. EINTR is returned as -EINTR.
int csystem_poll(struct csystem_poll *fds, size_t count, int64_t timeout_ns);
extern const short csystem_pollin, csystem_pollout, csystem_pollhup, csystem_pollerr,
    csystem_pollnval;
// ppoll(2) until CLOCK_MONOTONIC shows deadline_ns; INT64_MAX waits for ever.
int csystem_poll_until(struct csystem_poll *fds, size_t count, int64_t deadline_ns);
int csystem_eventfd(void);                        // non-blocking, close-on-exec
int csystem_eventfd_signal(int fd);
int csystem_eventfd_drain(int fd);

// Terminals.
int csystem_terminal_exclusive(int fd);           // TIOCEXCL
int csystem_terminal_raw(int fd);                 // cfmakeraw, 8N1, VMIN 1, local, no flow control
int csystem_terminal_columns(int fd);             // TIOCGWINSZ
int csystem_terminal_size(int fd, int *rows, int *columns);  // TIOCGWINSZ
// Keys come one by one and unseen, and neither stop output nor the process; ^C still interrupts.
// What was set before is kept for csystem_terminal_restore, once per process.
int csystem_terminal_watch(int fd);
int csystem_terminal_restore(int fd);
int csystem_pseudo_terminal(char *name, size_t capacity);  // master; name of the slave
int csystem_terminal_queued_output(int fd);       // TIOCOUTQ

// Threads and memory.
int csystem_thread_start(pthread_t *thread, size_t stack_bytes, void *(*body)(void *),
                         void *context);
int csystem_thread_join(pthread_t thread);
int csystem_thread_name(const char *name);        // of the calling thread, cut to 15 bytes
int csystem_thread_fifo(int priority);            // SCHED_FIFO for the calling thread
int csystem_thread_nice(int increment);           // of the calling thread
int csystem_lock_memory(void);                    // mlockall(MCL_CURRENT | MCL_FUTURE)
int csystem_thread_pin(int cpu);                  // keeps the calling thread on one processor
// Keeps the calling thread off one processor, where there is another it may use.
int csystem_thread_avoid(int cpu);
// Keeps all processors out of sleep states that take long to leave (/dev/cpu_dma_latency), for as
// long as the returned descriptor is open.
int csystem_stay_awake(void);
int csystem_thread_exact_timers(void);            // timer slack 1 ns instead of 50 us
void csystem_touch_stack(void);                   // touches 256 KiB of stack below the caller
// Blocks of this size and more lie outside the heap, and go back to the kernel when freed: by
// default the limit grows with what was freed. Less than 512 MB (mallopt(3)).
int csystem_return_blocks(size_t bytes);
// The heap never shrinks from here on, and has bytes touched beforehand (mallopt(3)).
int csystem_keep_heap(size_t bytes);
// Page faults of the calling thread so far: without and with a disk (getrusage(2)).
int csystem_thread_faults(int64_t *minor_faults, int64_t *major_faults);

// SIGTERM, SIGINT and SIGHUP set a flag and write to an eventfd; SIGPIPE is ignored.
int csystem_stop_install(const int *wake_fds, size_t count);
int csystem_stop_signal(void);                    // last stop signal, 0 for none
void csystem_stop_clear(void);
// After that: SIGHUP is counted instead, and writes to the same eventfds.
int csystem_reload_install(void);
int csystem_reload_count(void);                   // SIGHUPs so far; another value: another came

// Unix-domain stream sockets.
int csystem_unix_listen(const char *path, unsigned int mode, const char *group, int backlog);
int csystem_unix_connect(const char *path);
int csystem_unix_accept(int fd);
int csystem_unix_peer_user(int fd, unsigned int *user);
ssize_t csystem_send(int fd, const void *bytes, size_t count);
// One datagram to the socket at `path` ('@…': abstract), never waiting for room.
int csystem_datagram(const char *path, const void *bytes, size_t count);

// TCP stream sockets, always non-blocking, with keepalive and without Nagle's delay.
enum { CSYSTEM_ADDRESS_LIMIT = 64 };              // of an address as text
// Resolves `host` (waits for the resolver) and listens, or begins to connect to its address
// number `choice`, from 0 on; -ENOENT where it has no such host or not so many addresses.
int csystem_tcp_listen(const char *host, const char *port, int backlog);
int csystem_tcp_connect(const char *host, const char *port, int choice);
int csystem_tcp_accept(int fd, char address[CSYSTEM_ADDRESS_LIMIT]);
int csystem_tcp_port(int fd);                     // the local one
int csystem_socket_error(int fd);                 // SO_ERROR: 0 once a connection is made
