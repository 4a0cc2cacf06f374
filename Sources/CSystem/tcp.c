#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A peer whose machine went away is noticed after idle + count × interval seconds, and one that
// takes nothing any more after `unanswered_ms`.
enum { keepalive_idle = 60, keepalive_interval = 15, keepalive_count = 4, unanswered_ms = 120000 };

static void tend(int fd) {
    int yes = 1, idle = keepalive_idle, interval = keepalive_interval, count = keepalive_count;
    unsigned int unanswered = unanswered_ms;
    // Refused settings leave a connection that works: nothing here is worth giving it up.
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered, sizeof unanswered);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static int resolve(const char *host, const char *port, int flags, struct addrinfo **found) {
    struct addrinfo wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    switch (getaddrinfo(host, port, &wanted, found)) {
    case 0: return 0;
    case EAI_MEMORY: return -ENOMEM;
    case EAI_SYSTEM: return errno ? -errno : -EIO;
    case EAI_AGAIN: return -EAGAIN;
    default: return -ENOENT;
    }
}

int csystem_tcp_listen(const char *host, const char *port, int backlog) {
    struct addrinfo *found;
    int result = resolve(host, port, AI_PASSIVE | AI_NUMERICSERV, &found);
    if (result < 0) return result;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;
    if (fd < 0) {
        result = -errno;
    } else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
               bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, backlog) < 0) {
        result = -errno;
        close(fd);
    } else {
        result = fd;
    }
    freeaddrinfo(found);
    return result;
}

int csystem_tcp_connect(const char *host, const char *port, int choice) {
    struct addrinfo *found;
    int result = resolve(host, port, AI_NUMERICSERV, &found);
    if (result < 0) return result;
    struct addrinfo *address = found;
    while (address && choice-- > 0) address = address->ai_next;
    if (!address) {
        result = -ENOENT;
    } else {
        int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            result = -errno;
        } else if (connect(fd, address->ai_addr, address->ai_addrlen) < 0 &&
                   errno != EINPROGRESS) {
            result = -errno;
            close(fd);
        } else {
            tend(fd);
            result = fd;
        }
    }
    freeaddrinfo(found);
    return result;
}

int csystem_tcp_accept(int fd, char address[CSYSTEM_ADDRESS_LIMIT]) {
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int connection;
    do {
        size = sizeof peer;
        connection =
            accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (connection < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (connection < 0) return -errno;
    tend(connection);
    if (getnameinfo((struct sockaddr *)&peer, size, address, CSYSTEM_ADDRESS_LIMIT, NULL, 0,
                    NI_NUMERICHOST) != 0)
        strcpy(address, "?");
    return connection;
}

int csystem_tcp_port(int fd) {
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &size) < 0) return -errno;
    if (own.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&own)->sin_port);
    if (own.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&own)->sin6_port);
    return -EAFNOSUPPORT;
}

int csystem_socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}
