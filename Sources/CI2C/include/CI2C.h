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
/// One plain message each.
int ci2c_write(int fd, const uint8_t *bytes, size_t count);
int ci2c_read(int fd, uint8_t *bytes, size_t count);
