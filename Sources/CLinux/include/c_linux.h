// What Swift's Glibc module lacks: system calls, constants and ioctl numbers that are macros in C.
// Header only. No logic beyond making a macro a constant or a variadic call a plain function.
#pragma once
// No _GNU_SOURCE: it changes structures of libc (fd_set, enumerations of sys/resource.h), and
// Swift then refuses them, for its own Glibc module is built without.
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <signal.h>
#include <unistd.h>

// Copies bytes that another domain may change at the same moment, exactly once.
// The barrier keeps the compiler from re-reading the source (XSA-155).
static inline void c_copy_once(void *destination, const void *source, size_t byteCount) {
  // The sizes of most slots and responses, which are copied in place, without a call.
  switch (byteCount) {
  case 8: memcpy(destination, source, 8); break;
  case 12: memcpy(destination, source, 12); break;
  case 16: memcpy(destination, source, 16); break;
  case 112: memcpy(destination, source, 112); break;
  default: memcpy(destination, source, byteCount);
  }
  __asm__ volatile("" ::: "memory");
}

// open(2) is variadic, and O_DIRECT hidden without _GNU_SOURCE.
static inline int c_open(const char *path, int flags) { return open(path, flags, 0600); }
static const int c_open_direct = __O_DIRECT;

// Block device ioctls: numbers are macros, the calls variadic.
static inline int c_block_capacity_bytes(int descriptor, uint64_t *bytes) {
  return ioctl(descriptor, BLKGETSIZE64, bytes);
}
static const uint32_t c_block_request_capacity = BLKGETSIZE64;
static inline int c_block_logical_sector_bytes(int descriptor, int *bytes) {
  return ioctl(descriptor, BLKSSZGET, bytes);
}
static inline int c_block_physical_sector_bytes(int descriptor, unsigned int *bytes) {
  return ioctl(descriptor, BLKPBSZGET, bytes);
}
static inline int c_block_read_only(int descriptor, int *isReadOnly) {
  return ioctl(descriptor, BLKROGET, isReadOnly);
}

// What kind of file stat(2) found.
static inline int c_is_block_device(mode_t mode) { return S_ISBLK(mode); }
static inline int c_is_regular_file(mode_t mode) { return S_ISREG(mode); }
static inline unsigned int c_device_major(dev_t device) { return major(device); }
static inline unsigned int c_device_minor(dev_t device) { return minor(device); }

// A blocked set of SIGTERM and SIGINT, delivered through a descriptor instead; -1 on failure.
static inline int c_open_stop_signals(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0) { return -1; }
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// memfd_create(2), close-on-exec; glibc hides it without _GNU_SOURCE.
static inline int c_memfd_create(const char *name) {
  return (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC);
}

// How many bytes wait in a pipe (FIONREAD); 0 when that cannot be known.
static inline int c_waiting_byte_count(int descriptor) {
  int count = 0;
  return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

// A macro in C, or a builtin.
static inline uint64_t c_time_stamp(void) { return __builtin_ia32_rdtsc(); }
