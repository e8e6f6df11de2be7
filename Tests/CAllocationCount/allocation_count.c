// The test executable's own malloc is found before libc's, by Swift's run-time library too. The
// sanitizers bring their own, and nothing is counted then.
#include "c_allocation_count.h"

#include <stddef.h>

static __thread uint64_t allocations;

uint64_t c_allocation_count(void) { return allocations; }

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

extern void *__libc_malloc(size_t byteCount);
extern void *__libc_calloc(size_t count, size_t byteCount);
extern void *__libc_realloc(void *old, size_t byteCount);
extern void *__libc_memalign(size_t alignment, size_t byteCount);

void *malloc(size_t byteCount) {
  allocations++;
  return __libc_malloc(byteCount);
}

void *calloc(size_t count, size_t byteCount) {
  allocations++;
  return __libc_calloc(count, byteCount);
}

void *realloc(void *old, size_t byteCount) {
  allocations++;
  return __libc_realloc(old, byteCount);
}

void *aligned_alloc(size_t alignment, size_t byteCount) {
  allocations++;
  return __libc_memalign(alignment, byteCount);
}

int posix_memalign(void **result, size_t alignment, size_t byteCount) {
  allocations++;
  *result = __libc_memalign(alignment, byteCount);
  return *result == NULL ? 12 : 0;
}

#endif
