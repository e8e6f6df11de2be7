// Counts this process's heap allocations by standing in front of malloc.
#pragma once
#include <stdint.h>

// Allocations of the calling thread since it started.
uint64_t c_allocation_count(void);
