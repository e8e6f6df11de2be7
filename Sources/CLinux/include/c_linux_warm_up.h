// Page faults ahead of time. As c_linux.h: what needs C, here the text of /proc/self/maps and flags
// that glibc's headers do not all have.
#pragma once
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// madvise(2): linux/mman.h has these, and repeats what glibc has.
static const int c_populate_read = 22;
static const int c_populate_write = 23;

// Has the kernel provide all pages of the process's own memory now, rather than at their first use:
// the program's, which are shared, and its heap and stack, as copies where another process has them
// too. Of the program's data, pages that are not written yet stay shared: nearly all of them, since
// lld puts a megabyte of Swift's constants there. Mappings of more than `byteCountMax`, which
// hold buffers, and those shared with others are left out. What fails is provided at its first use,
// as ever.
static inline void c_populate_own_memory(size_t byteCountMax) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) { return; }
  char line[512];
  while (fgets(line, sizeof line, maps) != NULL) {
    uintptr_t start = 0, end = 0;
    unsigned long file = 0;
    char rights[5] = "";
    if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, rights, &file) != 4) { continue; }
    if (rights[0] != 'r' || rights[3] != 'p' || end - start > byteCountMax) { continue; }
    int advice = rights[1] == 'w' && file == 0 ? c_populate_write : c_populate_read;
    madvise((void *)start, end - start, advice);
  }
  fclose(maps);
}

// Has copies of this process (clone(2)) begin with its page tables of the program, code and
// constants. Linux copies those of mappings in which the process has a page of its own, and leaves
// others to page faults; a guest of Xen needs the hypervisor for each entry that a fault fills,
// and once for a whole copy. So one page of each mapping becomes the process's own: a byte is
// written over itself, as a debugger would (proc(5), /proc/self/mem).
static inline void c_pass_on_own_memory(void) {
  FILE *maps = fopen("/proc/self/maps", "re");
  if (maps == NULL) { return; }
  int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  char line[512];
  while (memory >= 0 && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start = 0, file = 0;
    char rights[5] = "", byte = 0;
    if (sscanf(line, "%lx-%*x %4s %*s %*s %lu", &start, rights, &file) != 3) { continue; }
    if (rights[0] != 'r' || rights[1] == 'w' || rights[3] != 'p' || file == 0) { continue; }
    if (pread(memory, &byte, 1, (off_t)start) == 1) {
      ssize_t written = pwrite(memory, &byte, 1, (off_t)start);
      (void)written;
    }
  }
  if (memory >= 0) { close(memory); }
  fclose(maps);
}
