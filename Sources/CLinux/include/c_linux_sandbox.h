// What a backend process needs to give its rights away: identity, capabilities, limits, system call
// filters. As c_linux.h: macros and variadic calls only. Structures that glibc and the kernel both
// define are written out.
#pragma once
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// unshare(2) and clone(2): hidden without _GNU_SOURCE.
static const unsigned int c_clone_new_network = 0x40000000;
static const unsigned int c_clone_of_parent = 0x00008000;
static const unsigned int c_clone_of_thread = 0x00000100 | 0x00000800 | 0x00010000;
static inline int c_unshare(unsigned int flags) { return (int)syscall(SYS_unshare, flags); }

static inline int c_enter_network(int descriptor) {
  return (int)syscall(SYS_setns, descriptor, c_clone_new_network);
}

// Changes the root directory of this process (chroot(2)).
static inline int c_change_root(const char *path) { return (int)syscall(SYS_chroot, path); }

// A child process with a copy of everything. Swift hides fork(2), for in a process with threads
// the child can do next to nothing.
static inline pid_t c_fork(void) { return fork(); }

// A child of this process's parent with a copy of everything (clone(2), CLONE_PARENT). For a
// process with one thread: the C library goes on with the number of the one that was copied, which
// matters to what waits for threads by their number.
static inline pid_t c_copy_process(void) {
  return (pid_t)syscall(SYS_clone, c_clone_of_parent | SIGCHLD, 0, 0, 0, 0);
}

// Has the kernel kill this process when the thread that made it ends.
static inline int c_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

// Closes all descriptors from first to last.
static inline int c_close_range(unsigned int first, unsigned int last) {
  return (int)syscall(SYS_close_range, first, last, 0);
}

// Takes a capability out of what this process could ever get. EINVAL behind the last one.
static inline int c_drop_from_bounding_set(int capability) {
  return prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

// Gives all capabilities away.
static inline int c_drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  return (int)syscall(SYS_capset, &header, data);
}

// Becomes another user and group, for ever and without further groups. The calling thread only:
// there is no other yet.
static inline int c_become_user(uint32_t user) {
  if (syscall(SYS_setgroups, 0, NULL) != 0) { return -1; }
  if (syscall(SYS_setresgid, user, user, user) != 0) { return -1; }
  return (int)syscall(SYS_setresuid, user, user, user);
}

static inline int c_forbid_new_privileges(void) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// Nobody but root looks into this process (ptrace(2), /proc), and it leaves no core file.
static inline int c_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

static const int c_limit_process_count = RLIMIT_NPROC;

// Installs a filter of system calls, for good.
static inline int c_install_filter(const struct sock_filter *code, unsigned short count) {
  struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)code};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

// The words of such a filter (linux/bpf_common.h), and where it finds what it judges
// (struct seccomp_data; the lower half of an argument, which is all of an int).
static const uint16_t c_filter_load = BPF_LD | BPF_W | BPF_ABS;
static const uint16_t c_filter_and = BPF_ALU | BPF_AND | BPF_K;
static const uint16_t c_filter_if_equal = BPF_JMP | BPF_JEQ | BPF_K;
static const uint16_t c_filter_if_at_least = BPF_JMP | BPF_JGE | BPF_K;
static const uint16_t c_filter_return = BPF_RET | BPF_K;
static const uint32_t c_filter_allow = SECCOMP_RET_ALLOW;
static const uint32_t c_filter_kill = SECCOMP_RET_KILL_PROCESS;
static inline uint32_t c_filter_fail(int error) {
  return SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
}
static const uint32_t c_filter_number_offset = offsetof(struct seccomp_data, nr);
static const uint32_t c_filter_machine_offset = offsetof(struct seccomp_data, arch);
static const uint32_t c_filter_arguments_offset = offsetof(struct seccomp_data, args);
static const uint32_t c_filter_machine = AUDIT_ARCH_X86_64;
// Numbers from here on are those of the x32 calls, which do the same under other names.
static const uint32_t c_filter_foreign_numbers = 0x40000000;
static const uint32_t c_protection_execute = PROT_EXEC;

// Numbers of system calls.
static const uint32_t c_call_access = SYS_access;
static const uint32_t c_call_brk = SYS_brk;
static const uint32_t c_call_clock_gettime = SYS_clock_gettime;
static const uint32_t c_call_clone = SYS_clone;
static const uint32_t c_call_clone3 = SYS_clone3;
static const uint32_t c_call_close = SYS_close;
static const uint32_t c_call_eventfd2 = SYS_eventfd2;
static const uint32_t c_call_exit = SYS_exit;
static const uint32_t c_call_exit_group = SYS_exit_group;
static const uint32_t c_call_fcntl = SYS_fcntl;
static const uint32_t c_call_fstat = SYS_fstat;
static const uint32_t c_call_futex = SYS_futex;
static const uint32_t c_call_getpid = SYS_getpid;
static const uint32_t c_call_getrandom = SYS_getrandom;
static const uint32_t c_call_getrusage = SYS_getrusage;
static const uint32_t c_call_gettid = SYS_gettid;
static const uint32_t c_call_io_uring_enter = SYS_io_uring_enter;
static const uint32_t c_call_io_uring_register = SYS_io_uring_register;
static const uint32_t c_call_io_uring_setup = SYS_io_uring_setup;
static const uint32_t c_call_ioctl = SYS_ioctl;
static const uint32_t c_call_madvise = SYS_madvise;
static const uint32_t c_call_mmap = SYS_mmap;
static const uint32_t c_call_mprotect = SYS_mprotect;
static const uint32_t c_call_mremap = SYS_mremap;
static const uint32_t c_call_munmap = SYS_munmap;
static const uint32_t c_call_newfstatat = SYS_newfstatat;
static const uint32_t c_call_open = SYS_open;
static const uint32_t c_call_openat = SYS_openat;
static const uint32_t c_call_poll = SYS_poll;
static const uint32_t c_call_read = SYS_read;
static const uint32_t c_call_readlink = SYS_readlink;
static const uint32_t c_call_recvmsg = SYS_recvmsg;
static const uint32_t c_call_restart_syscall = SYS_restart_syscall;
static const uint32_t c_call_rseq = 334;
static const uint32_t c_call_rt_sigaction = SYS_rt_sigaction;
static const uint32_t c_call_rt_sigprocmask = SYS_rt_sigprocmask;
static const uint32_t c_call_rt_sigreturn = SYS_rt_sigreturn;
static const uint32_t c_call_sched_getaffinity = SYS_sched_getaffinity;
static const uint32_t c_call_sched_yield = SYS_sched_yield;
static const uint32_t c_call_sendmsg = SYS_sendmsg;
static const uint32_t c_call_sendto = SYS_sendto;
static const uint32_t c_call_set_robust_list = SYS_set_robust_list;
static const uint32_t c_call_socket = SYS_socket;
static const uint32_t c_call_tgkill = SYS_tgkill;
static const uint32_t c_call_uname = SYS_uname;
static const uint32_t c_call_setpriority = SYS_setpriority;
static const uint32_t c_call_write = SYS_write;

// For tests: calls that no backend makes.
static inline long c_probe_trace(void) { return syscall(SYS_ptrace, 16, getppid(), 0, 0); }
static inline long c_probe_make_ring(void) {
  uint32_t parameters[30] = {0};
  return syscall(SYS_io_uring_setup, 1, parameters);
}
