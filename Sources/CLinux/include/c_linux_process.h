// What passes between init and its backends: sealed memory, and messages that carry descriptors. As
// c_linux.h: macros, variadic calls and the unions of control messages only.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

// F_ADD_SEALS and its flags, which glibc hides without _GNU_SOURCE, and linux/fcntl.h repeats what
// glibc has.
static const int c_add_seals = 1024 + 9;
static const int c_seals_of_fixed_size = 0x1 | 0x2 | 0x4;

// Memory in a file without a name (memfd_create(2)), whose size nobody can change any more: who
// maps it cannot be hurt by somebody who cuts it. -1 and errno on failure.
static inline int c_make_fixed_memory(const char *name, size_t byteCount) {
  int descriptor = (int)syscall(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) { return -1; }
  if (ftruncate(descriptor, (off_t)byteCount) != 0 ||
      fcntl(descriptor, c_add_seals, c_seals_of_fixed_size) != 0) {
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
  }
  return descriptor;
}

// A pipe (pipe2(2)), whose wrapper glibc hides without _GNU_SOURCE. -1 and errno on failure.
static inline int c_make_pipe(int descriptors[2]) {
  return (int)syscall(SYS_pipe2, descriptors, O_CLOEXEC);
}

// Two connected sockets that keep messages apart; they block. -1 and errno on failure.
static inline int c_make_message_sockets(int descriptors[2]) {
  return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, descriptors);
}

// The most descriptors that a message carries: a status page and eight queues.
enum { c_passed_max = 9 };

// Sends one message with so many descriptors; never waits, and raises no signal.
static inline ssize_t c_send_with_descriptors(int socket, const void *bytes, size_t byteCount,
                                              const int *passed, int passedCount) {
  union { struct cmsghdr header; char room[CMSG_SPACE(c_passed_max * sizeof(int))]; } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = byteCount};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (passedCount > c_passed_max) {
    errno = EINVAL;
    return -1;
  }
  if (passedCount > 0) {
    size_t passedByteCount = (size_t)passedCount * sizeof(int);
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(passedByteCount);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(passedByteCount);
    memcpy(CMSG_DATA(header), passed, passedByteCount);
  }
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Waits for one message, with at most `c_passed_max` descriptors: -1 in `passed` for each that
// there was not. Of a message that is too long, or carries more, the rest is lost, and `isCut` says
// so.
static inline ssize_t c_receive_with_descriptors(int socket, void *bytes, size_t byteCount,
                                                 int *passed, int *isCut) {
  union { struct cmsghdr header; char room[CMSG_SPACE(c_passed_max * sizeof(int))]; } control;
  struct iovec part = {.iov_base = bytes, .iov_len = byteCount};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                           .msg_controllen = sizeof control};
  for (int index = 0; index < c_passed_max; index++) { passed[index] = -1; }
  *isCut = 0;
  ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  if (received < 0) { return received; }
  *isCut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    memcpy(passed, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
  }
  return received;
}

// Sets the calling thread's share of the processor, -20 (most) to 19; 0, or -1 and errno.
static inline int c_set_niceness(int niceness) { return setpriority(PRIO_PROCESS, 0, niceness); }
static inline int c_set_group_niceness(pid_t group, int niceness) {
  return setpriority(PRIO_PGRP, (id_t)group, niceness);
}
