// What Swift's Glibc module lacks: system calls, constants and ioctl numbers that are macros in C.
// Header only. No logic beyond making a macro a constant or a variadic call a plain function.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <linux/fs.h>

// Copies bytes that another domain may change at the same moment, exactly once.
// The barrier keeps the compiler from re-reading the source (XSA-155).
static inline void c_copy_once(void *destination, const void *source, size_t byteCount) {
  memcpy(destination, source, byteCount);
  __asm__ volatile("" ::: "memory");
}
