#define _GNU_SOURCE
#include "CI2C.h"

#include <errno.h>
#include <fcntl.h>
#include <i2c/smbus.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sys/ioctl.h>
#include <unistd.h>

// i2c-dev counts the transfer timeout in units of 10 ms (Documentation/i2c/dev-interface).
enum { timeout_centiseconds = 5, retries = 1 };

int ci2c_open(const char *bus, uint8_t address) {
    int fd = open(bus, O_RDWR | O_CLOEXEC);
    if (fd < 0) return -errno;
    if (ioctl(fd, I2C_SLAVE, (unsigned long)address) < 0) {
        int failure = errno;
        close(fd);
        return -failure;
    }
    // A stuck bus shall not hold the caller for the adapter's default of a second. Adapters that
    // do not know these calls keep their own bounds.
    ioctl(fd, I2C_TIMEOUT, (unsigned long)timeout_centiseconds);
    ioctl(fd, I2C_RETRIES, (unsigned long)retries);
    return fd;
}

int ci2c_write_byte(int fd, uint8_t reg, uint8_t value) {
    return i2c_smbus_write_byte_data(fd, reg, value);
}

int ci2c_read_byte(int fd, uint8_t reg) { return i2c_smbus_read_byte_data(fd, reg); }

int ci2c_read_block(int fd, uint8_t reg, uint8_t count, uint8_t *bytes) {
    if (count < 1 || count > I2C_SMBUS_BLOCK_MAX) return -EINVAL;
    return i2c_smbus_read_i2c_block_data(fd, reg, count, bytes);
}

int ci2c_read_word(int fd, uint8_t reg) { return i2c_smbus_read_word_data(fd, reg); }

int ci2c_write_word(int fd, uint8_t reg, uint16_t value) {
    return i2c_smbus_write_word_data(fd, reg, value);
}

int ci2c_write_block(int fd, uint8_t reg, uint8_t count, const uint8_t *bytes) {
    if (count < 1 || count > I2C_SMBUS_BLOCK_MAX) return -EINVAL;
    return i2c_smbus_write_i2c_block_data(fd, reg, count, bytes);
}

// i2c-dev refuses messages longer than this.
enum { message_limit = 8192 };

int ci2c_transfer(int fd, uint8_t address, const uint8_t *out, size_t out_count, uint8_t *in,
                  size_t in_count) {
    if (out_count < 1 || out_count > message_limit || in_count < 1 || in_count > message_limit)
        return -EINVAL;
    // The kernel only reads through the first pointer.
    struct i2c_msg messages[2] = {
        {.addr = address, .flags = 0, .len = (uint16_t)out_count, .buf = (uint8_t *)out},
        {.addr = address, .flags = I2C_M_RD, .len = (uint16_t)in_count, .buf = in},
    };
    struct i2c_rdwr_ioctl_data both = {.msgs = messages, .nmsgs = 2};
    int done = ioctl(fd, I2C_RDWR, &both);
    if (done < 0) return -errno;
    return done == 2 ? 0 : -EIO;
}

int ci2c_write(int fd, const uint8_t *bytes, size_t count) {
    ssize_t written = write(fd, bytes, count);
    if (written < 0) return -errno;
    return (size_t)written == count ? 0 : -EIO;
}

int ci2c_read(int fd, uint8_t *bytes, size_t count) {
    ssize_t got = read(fd, bytes, count);
    if (got < 0) return -errno;
    return (size_t)got == count ? 0 : -EIO;
}
