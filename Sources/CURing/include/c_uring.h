// liburing behind an opaque type: its own header redefines parts of libc and of the kernel's
// io_uring.h, which Swift cannot see together with swift-system's copy. One call here is one call
// there; no logic.
#pragma once
#include <stdint.h>

typedef struct c_uring c_uring;

// A completion: the number given with the request, and what the kernel answered.
typedef struct {
  uint64_t data;
  int32_t result;
} c_uring_completion;

// Start the next request only when this one succeeded, and complete silently in that case.
static const uint32_t c_uring_then = 1;
// Complete silently when this one succeeded.
static const uint32_t c_uring_silent = 2;

// A ring of `entries` submissions, or NULL and a positive errno in `error`.
c_uring *c_uring_open(uint32_t entries, int *error);
void c_uring_close(c_uring *ring);

// Makes room for so many requests, which are then submitted together, as a chain has to be.
void c_uring_reserve(c_uring *ring, uint32_t count);

// Requests. A full submission queue is submitted first. `flags` is 0 or one of the above.
void c_uring_read(c_uring *ring, int descriptor, void *buffer, uint32_t byteCount,
                  uint64_t offset, uint64_t data, uint32_t flags);
// Reads what is there, and answers EAGAIN when nothing is.
void c_uring_read_waiting(c_uring *ring, int descriptor, void *buffer, uint32_t byteCount,
                          uint64_t data);
void c_uring_write(c_uring *ring, int descriptor, const void *buffer, uint32_t byteCount,
                   uint64_t offset, uint64_t data, uint32_t flags);
void c_uring_flush(c_uring *ring, int descriptor, uint64_t data);
void c_uring_punch_hole(c_uring *ring, int descriptor, uint64_t offset, uint64_t byteCount,
                        uint64_t data);
void c_uring_poll(c_uring *ring, int descriptor, uint32_t events, uint64_t data, uint32_t flags);
// A completion after so many nanoseconds. At most one is new at a time.
void c_uring_timeout(c_uring *ring, uint64_t nanoseconds, uint64_t data);

// Commands to the devices of Xen, as those of ioctl: IOCTL_EVTCHN_NOTIFY, IOCTL_GNTDEV_GRANT_COPY. A
// kernel without them answers EOPNOTSUPP.
void c_uring_notify(c_uring *ring, int descriptor, uint32_t port, uint64_t data, uint32_t flags);
void c_uring_grant_copy(c_uring *ring, int descriptor, void *segments, uint32_t count,
                        uint64_t data, uint32_t flags);

// Submits all that is new. Waits for a completion for ever (-1), not at all (0), or for so many
// nanoseconds. A negative errno on failure.
int c_uring_wait(c_uring *ring, int64_t nanoseconds);

// Submits all that is new, and waits for so many completions. A negative errno on failure.
int c_uring_run(c_uring *ring, uint32_t count);

// Whether a completion has arrived, or waits for the thread to ask for it; no system call.
int c_uring_ready(const c_uring *ring);

// Takes the next completion that has arrived; 0 when there is none.
int c_uring_next(c_uring *ring, c_uring_completion *completion);

// For tests: has the kernel do a request that a ring does not take; what it answers.
int c_uring_try_foreign(c_uring *ring);
