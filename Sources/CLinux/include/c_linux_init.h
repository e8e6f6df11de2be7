// What PID 1 needs beyond Swift's Glibc module, as c_linux.h.
#pragma once
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// posix_spawn closes all descriptors from this one on. glibc declares it for _GNU_SOURCE only.
extern int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int);
static inline int c_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

// Kernel modules: glibc has no wrapper.
static inline int c_finit_module(int descriptor, const char *parameters) {
  return (int)syscall(SYS_finit_module, descriptor, parameters, 0);
}

// reboot(2) commands; two of the macros are unsigned in C and signed in the call.
static const int c_reboot_power_off = (int)RB_POWER_OFF;
static const int c_reboot_halt = (int)RB_HALT_SYSTEM;
static const int c_reboot_restart = (int)RB_AUTOBOOT;

// wait(2) status macros.
static inline int c_wait_exited(int status) { return WIFEXITED(status); }
static inline int c_wait_exit_code(int status) { return WEXITSTATUS(status); }
static inline int c_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

// mount(2) flags: enumerators in C, plain integers for the call.
static const unsigned long c_mount_read_only = MS_RDONLY;
static const unsigned long c_mount_no_suid = MS_NOSUID;
static const unsigned long c_mount_no_device = MS_NODEV;
static const unsigned long c_mount_no_exec = MS_NOEXEC;
static const unsigned long c_mount_no_atime = MS_NOATIME;

// The kernel's own netlink multicast group for uevents.
static const unsigned int c_uevent_kernel_group = 1;

// setrlimit(2): glibc makes the resource an enumeration, and the C library wants it back.
static inline int c_set_limit(int resource, uint64_t soft, uint64_t hard) {
  struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
  return setrlimit((__rlimit_resource_t)resource, &limit);
}
static const int c_limit_open_files = RLIMIT_NOFILE;
static const int c_limit_locked_memory = RLIMIT_MEMLOCK;
static const int c_limit_core_size = RLIMIT_CORE;
static const uint64_t c_limit_infinity = RLIM_INFINITY;

// The process identifier of the netlink sender is in the address, and 0 for the kernel.
static inline ssize_t c_receive_uevent(int descriptor, void *buffer, size_t byteCount,
                                       uint32_t *sender) {
  struct sockaddr_nl address = {0};
  socklen_t addressByteCount = sizeof address;
  ssize_t received = recvfrom(descriptor, buffer, byteCount, MSG_DONTWAIT,
                              (struct sockaddr *)&address, &addressByteCount);
  *sender = address.nl_pid;
  return received;
}

// A socket that hears the kernel's uevents; -1 and errno on failure.
static inline int c_open_uevent_socket(void) {
  int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                          NETLINK_KOBJECT_UEVENT);
  if (descriptor < 0) { return -1; }
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = c_uevent_kernel_group};
  if (bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
    close(descriptor);
    return -1;
  }
  return descriptor;
}

// Sets the watchdog's time-out: WDIOC_SETTIMEOUT of linux/watchdog.h; 0, or -1 and errno.
static inline int c_set_watchdog_timeout(int descriptor, int seconds) {
  return ioctl(descriptor, _IOWR('W', 6, int), &seconds);
}

// The calling process runs as soon as it can, before all that share the processor in turns
// (SCHED_RR); its children do not (SCHED_RESET_ON_FORK, of linux/sched.h).
static inline int c_run_at_once(void) {
  struct sched_param parameters = {.sched_priority = 1};
  return sched_setscheduler(0, SCHED_RR | 0x40000000, &parameters);
}
