#include "c_uring.h"

#include <errno.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xen/xen.h>
// Behind the types that they need.
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

struct c_uring {
  struct io_uring ring;
  struct __kernel_timespec timeout; // of a request that is not submitted yet
};

// The kernel takes nothing else through a ring, whoever may have got hold of it: filters of system
// calls do not see what goes through rings.
static int restrict_ring(struct io_uring *ring) {
  struct io_uring_restriction allowed[] = {
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READ},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITE},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FSYNC},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_FALLOCATE},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_POLL_ADD},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_TIMEOUT},
    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_URING_CMD},
    {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED,
     .sqe_flags = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS},
  };
  // Debian's liburing 2.3 announces functions for both calls and does not export them.
  if (syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_RESTRICTIONS, allowed,
              sizeof allowed / sizeof allowed[0]) < 0 ||
      syscall(SYS_io_uring_register, ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0) {
    return -errno;
  }
  return 0;
}

c_uring *c_uring_open(uint32_t entries, int *error) {
  c_uring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) {
    *error = ENOMEM;
    return NULL;
  }
  // What waits is gone on with when the thread waits, and at no other moment. The ring belongs to
  // the thread that enables it, which is this one too.
  int result = io_uring_queue_init(
      entries, &ring->ring,
      IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SINGLE_ISSUER |
          IORING_SETUP_R_DISABLED);
  if (result < 0) {
    *error = -result;
    free(ring);
    return NULL;
  }
  // A child that kept it mapped would keep it alive, with all that its requests hold.
  result = io_uring_ring_dontfork(&ring->ring);
  if (result == 0) { result = restrict_ring(&ring->ring); }
  if (result < 0) {
    *error = -result;
    c_uring_close(ring);
    return NULL;
  }
  return ring;
}

void c_uring_close(c_uring *ring) {
  io_uring_queue_exit(&ring->ring);
  free(ring);
}

static struct io_uring_sqe *next_entry(c_uring *ring) {
  struct io_uring_sqe *entry;
  while ((entry = io_uring_get_sqe(&ring->ring)) == NULL) { io_uring_submit(&ring->ring); }
  return entry;
}

static void finish_entry(struct io_uring_sqe *entry, uint64_t data, uint32_t flags) {
  io_uring_sqe_set_data64(entry, data);
  if (flags == c_uring_then) { entry->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS; }
  if (flags == c_uring_silent) { entry->flags |= IOSQE_CQE_SKIP_SUCCESS; }
}

void c_uring_reserve(c_uring *ring, uint32_t count) {
  while (io_uring_sq_space_left(&ring->ring) < count) { io_uring_submit(&ring->ring); }
}

void c_uring_read(c_uring *ring, int descriptor, void *buffer, uint32_t byteCount,
                  uint64_t offset, uint64_t data, uint32_t flags) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_read(entry, descriptor, buffer, byteCount, offset);
  finish_entry(entry, data, flags);
}

void c_uring_read_waiting(c_uring *ring, int descriptor, void *buffer, uint32_t byteCount,
                          uint64_t data) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_read(entry, descriptor, buffer, byteCount, 0);
  entry->rw_flags = RWF_NOWAIT;
  finish_entry(entry, data, 0);
}

void c_uring_write(c_uring *ring, int descriptor, const void *buffer, uint32_t byteCount,
                   uint64_t offset, uint64_t data, uint32_t flags) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_write(entry, descriptor, buffer, byteCount, offset);
  finish_entry(entry, data, flags);
}

void c_uring_flush(c_uring *ring, int descriptor, uint64_t data) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_fsync(entry, descriptor, IORING_FSYNC_DATASYNC);
  finish_entry(entry, data, 0);
}

void c_uring_punch_hole(c_uring *ring, int descriptor, uint64_t offset, uint64_t byteCount,
                        uint64_t data) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_fallocate(entry, descriptor, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE,
                          (off_t)offset, (off_t)byteCount);
  finish_entry(entry, data, 0);
}

void c_uring_poll(c_uring *ring, int descriptor, uint32_t events, uint64_t data, uint32_t flags) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_poll_add(entry, descriptor, events);
  finish_entry(entry, data, flags);
}

static struct __kernel_timespec timespec_of(uint64_t nanoseconds) {
  return (struct __kernel_timespec){.tv_sec = (int64_t)(nanoseconds / 1000000000),
                                    .tv_nsec = (int64_t)(nanoseconds % 1000000000)};
}

void c_uring_timeout(c_uring *ring, uint64_t nanoseconds, uint64_t data) {
  struct io_uring_sqe *entry = next_entry(ring);
  ring->timeout = timespec_of(nanoseconds);
  io_uring_prep_timeout(entry, &ring->timeout, 0, 0);
  finish_entry(entry, data, 0);
}

// `arguments` is what ioctl takes a pointer to: 16 bytes at most, which lie in the request itself.
static void command(c_uring *ring, int descriptor, uint32_t number, const void *arguments,
                    size_t byteCount, uint64_t data, uint32_t flags) {
  struct io_uring_sqe *entry = next_entry(ring);
  io_uring_prep_rw(IORING_OP_URING_CMD, entry, descriptor, NULL, 0, 0);
  entry->cmd_op = number;
  memcpy(entry->cmd, arguments, byteCount);
  finish_entry(entry, data, flags);
}

void c_uring_notify(c_uring *ring, int descriptor, uint32_t port, uint64_t data, uint32_t flags) {
  struct ioctl_evtchn_notify notify = {.port = port};
  command(ring, descriptor, IOCTL_EVTCHN_NOTIFY, &notify, sizeof notify, data, flags);
}

void c_uring_grant_copy(c_uring *ring, int descriptor, void *segments, uint32_t count,
                        uint64_t data, uint32_t flags) {
  struct ioctl_gntdev_grant_copy copy = {.count = count, .segments = segments};
  command(ring, descriptor, IOCTL_GNTDEV_GRANT_COPY, &copy, sizeof copy, data, flags);
}

int c_uring_wait(c_uring *ring, int64_t nanoseconds) {
  if (nanoseconds <= 0) { return io_uring_submit_and_wait(&ring->ring, nanoseconds < 0); }
  struct io_uring_cqe *completion;
  struct __kernel_timespec time = timespec_of((uint64_t)nanoseconds);
  return io_uring_submit_and_wait_timeout(&ring->ring, &completion, 1, &time, NULL);
}

int c_uring_run(c_uring *ring, uint32_t count) {
  return io_uring_submit_and_wait(&ring->ring, count);
}

int c_uring_ready(const c_uring *ring) {
  unsigned flags = __atomic_load_n(ring->ring.sq.kflags, __ATOMIC_RELAXED);
  return io_uring_cq_ready(&ring->ring) != 0 ||
         (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

int c_uring_next(c_uring *ring, c_uring_completion *completion) {
  struct io_uring_cqe *found;
  if (io_uring_peek_cqe(&ring->ring, &found) != 0) { return 0; }
  completion->data = found->user_data;
  completion->result = found->res;
  io_uring_cqe_seen(&ring->ring, found);
  return 1;
}

int c_uring_try_foreign(c_uring *ring) {
  io_uring_prep_nop(next_entry(ring));
  struct io_uring_cqe *completion;
  int result = io_uring_submit_and_wait(&ring->ring, 1);
  if (result < 0) { return result; }
  if (io_uring_peek_cqe(&ring->ring, &completion) != 0) { return 0; }
  result = completion->res;
  io_uring_cqe_seen(&ring->ring, completion);
  return result;
}
