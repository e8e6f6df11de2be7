// A statically linked Swift program aborts before main when /proc/self/exe cannot be read: a
// constructor of its runtime looks up its own path. As PID 1 nobody has mounted /proc yet, so a
// constructor of an earlier priority (101 is the first that is not reserved) does it here.
#include "c_early_boot.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int first_errno;

static void mount_one(const char *type, const char *directory, unsigned long flags,
                      const char *options) {
  if (mkdir(directory, 0755) != 0 && errno != EEXIST && first_errno == 0) {
    first_errno = errno;
  }
  if (mount(type, directory, type, flags, options) != 0 && errno != EBUSY && first_errno == 0) {
    first_errno = errno;
  }
}

__attribute__((constructor(101))) static void early_boot(void) {
  // In a container PID 1 finds everything mounted, and must not mount over it. The image's own
  // /proc/self/exe is a symbolic link in a plain directory, so /proc/self/stat tells them apart.
  if (getpid() != 1 || access("/proc/self/stat", F_OK) == 0) {
    return;
  }
  mount_one("proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
  mount_one("sysfs", "/sys", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL);
  mount_one("devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755");
}

int c_early_boot_errno(void) { return first_errno; }
