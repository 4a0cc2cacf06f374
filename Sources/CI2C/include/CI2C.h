#pragma once
// One chip on an I2C bus, over i2c-dev. Every function returns a result >= 0, or a negative errno.

#include <stddef.h>
#include <stdint.h>

/// Opens `bus` (e.g. "/dev/i2c-1") for the 7-bit `address`. -EBUSY when a kernel driver owns it.
int ci2c_open(const char *bus, uint8_t address);
int ci2c_write_byte(int fd, uint8_t reg, uint8_t value);
int ci2c_read_byte(int fd, uint8_t reg);
/// SMBus I2C block read; returns how many bytes came (at most 32).
int ci2c_read_block(int fd, uint8_t reg, uint8_t count, uint8_t *bytes);
/// SMBus words: the first byte on the wire is the low one. A chip that sends its high byte first
/// needs the two swapped.
int ci2c_read_word(int fd, uint8_t reg);
int ci2c_write_word(int fd, uint8_t reg, uint16_t value);
/// SMBus I2C block write of 1 to 32 bytes.
int ci2c_write_block(int fd, uint8_t reg, uint8_t count, const uint8_t *bytes);
/// Writes, then reads after a repeated start, so that nobody gets in between (I2C_RDWR).
/// -EOPNOTSUPP on a bus that knows SMBus only.
int ci2c_transfer(int fd, uint8_t address, const uint8_t *out, size_t out_count, uint8_t *in,
                  size_t in_count);
/// One plain message each.
int ci2c_write(int fd, const uint8_t *bytes, size_t count);
int ci2c_read(int fd, uint8_t *bytes, size_t count);
