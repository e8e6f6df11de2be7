internal import CLinux
internal import CXen
internal import Glibc

/// What a backend program goes on needing when it has begun to serve a guest.
public struct SandboxPolicy: Sendable {
  /// Requests of `ioctl(2)` beside those of Xen's devices.
  public var ioctlRequests: [UInt32]
  /// Whether threads are started, each with an event loop of its own.
  public var startsThreads: Bool

  /// A policy.
  public init(ioctlRequests: [UInt32], startsThreads: Bool) {
    self.ioctlRequests = ioctlRequests
    self.startsThreads = startsThreads
  }

  /// More open files than any backend has: about ten, and six for each of eight queues.
  static let openFileCountMax: UInt64 = 128
  /// Threads of one user. A backend has nine at most; the rest is for io_uring, whose own threads
  /// count too.
  static let threadCountMax: UInt64 = 64

  /// The table of system calls; those that are made most come first.
  package func rules(process: Int32) -> [FilterProgram.Rule] {
    // First, for it is judged each time: of the others the kernel remembers that they are allowed
    // whatever their arguments.
    var rules = [
      FilterProgram.Rule(
        c_call_ioctl, .values(argument: 1, Self.xenRequests + ioctlRequests))
    ]
    rules += Self.always
    // abort(3): a failed check of the C library should look like one.
    rules.append(
      .init(c_call_tgkill, .values(argument: 0, [UInt32(bitPattern: process)])))
    if startsThreads { rules += Self.ofThreads }
    return rules
  }

  /// Grants are mapped and copied, event channels bound and notified.
  private static let xenRequests = [
    c_xen_copy_grants, c_xen_notify_port, c_xen_map_grants, c_xen_find_mapping,
    c_xen_unmap_grants, c_xen_bind_port, c_xen_unbind_port,
  ]

  private static let always: [FilterProgram.Rule] = [
    // The event loop. What may go through a ring was laid down when it was made.
    .init(c_call_io_uring_enter, .allowed),
    // Open descriptors: frames, XenStore, signals, wake-ups, the log.
    .init(c_call_read, .allowed),
    .init(c_call_write, .allowed),
    .init(c_call_poll, .allowed),
    .init(c_call_close, .allowed),
    .init(c_call_fstat, .allowed),
    // The C library's fstat(3). With a path it tells a file's size and dates, and of files there is
    // none below the new root.
    .init(c_call_newfstatat, .allowed),
    .init(c_call_fcntl, .values(argument: 1, [UInt32(F_GETFL), UInt32(F_SETFL)])),
    // XenStore's socket; the opener.
    .init(c_call_sendto, .allowed),
    .init(c_call_sendmsg, .allowed),
    .init(c_call_recvmsg, .allowed),
    // Memory, but none that could hold new code.
    .init(c_call_mmap, .without(argument: 2, bits: c_protection_execute)),
    .init(c_call_mprotect, .without(argument: 2, bits: c_protection_execute)),
    .init(c_call_munmap, .allowed),
    .init(c_call_mremap, .allowed),
    .init(c_call_madvise, .allowed),
    .init(c_call_brk, .allowed),
    // Locks.
    .init(c_call_futex, .allowed),
    .init(c_call_gettid, .allowed),
    .init(c_call_sched_yield, .allowed),
    // Under Xen the clock may want a system call. The rest is what the log, the Swift runtime and
    // the memory allocator ask.
    .init(c_call_clock_gettime, .allowed),
    .init(c_call_getpid, .allowed),
    .init(c_call_getrandom, .allowed),
    .init(c_call_getrusage, .allowed),
    // The end; and going on after SIGSTOP.
    .init(c_call_exit_group, .allowed),
    .init(c_call_exit, .allowed),
    .init(c_call_restart_syscall, .allowed),
    .init(c_call_rt_sigprocmask, .allowed),
    .init(c_call_rt_sigreturn, .allowed),
    // libpcap, which reads an administrator's filter, has names of hosts and ports looked up. They
    // are not found, which is an error of the filter and not the end of its interface.
    .init(c_call_open, .fails(EACCES)),
    .init(c_call_openat, .fails(EACCES)),
    .init(c_call_socket, .fails(EACCES)),
    .init(c_call_access, .fails(EACCES)),
    .init(c_call_readlink, .fails(EACCES)),
    .init(c_call_uname, .allowed),
    // A thread gives its priority back when the device is taken over. It can take none.
    .init(c_call_setpriority, .values(argument: 1, [0])),
  ]

  private static let ofThreads: [FilterProgram.Rule] = [
    .init(c_call_clone, .with(argument: 0, bits: c_clone_of_thread)),
    // Its flags are in memory, where a filter sees nothing; the C library then does without.
    .init(c_call_clone3, .fails(ENOSYS)),
    // The C library takes a signal of its own when the first thread starts.
    .init(c_call_rt_sigaction, .allowed),
    .init(c_call_set_robust_list, .allowed),
    .init(c_call_rseq, .allowed),
    .init(c_call_sched_getaffinity, .allowed),
    // A thread's event loop and what wakes it up. A ring that somebody else makes with this has no
    // restrictions, which is why there is neither network nor file around the process.
    .init(c_call_io_uring_setup, .allowed),
    .init(c_call_io_uring_register, .allowed),
    .init(c_call_eventfd2, .allowed),
  ]
}
