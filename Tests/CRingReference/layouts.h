// The structures of xen/io/blkif.h in the layouts of other compilers, as Linux's blkback states them
// (drivers/block/xen-blkback/common.h), and a ring type for each.
#pragma once
#include <stdint.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/io/blkif.h>

#define SEGMENTS BLKIF_MAX_SEGMENTS_PER_REQUEST
#define PAGES BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST

#pragma pack(push, 1)
struct x86_32_direct {
  uint8_t operation;
  uint8_t nr_segments;
  uint16_t handle;
  uint64_t id;
  uint64_t sector_number;
  struct blkif_request_segment seg[SEGMENTS];
};
struct x86_32_discard {
  uint8_t operation;
  uint8_t flag;
  uint16_t handle;
  uint64_t id;
  uint64_t sector_number;
  uint64_t nr_sectors;
};
struct x86_32_indirect {
  uint8_t operation;
  uint8_t indirect_op;
  uint16_t nr_segments;
  uint64_t id;
  uint64_t sector_number;
  uint16_t handle;
  uint16_t pad1;
  uint32_t indirect_grefs[PAGES];
  uint64_t pad2;
};
struct x86_32_response {
  uint64_t id;
  uint8_t operation;
  uint8_t pad;
  int16_t status;
};

struct x86_64_direct {
  uint8_t operation;
  uint8_t nr_segments;
  uint16_t handle;
  uint32_t pad1;
  uint64_t id;
  uint64_t sector_number;
  struct blkif_request_segment seg[SEGMENTS];
};
struct x86_64_discard {
  uint8_t operation;
  uint8_t flag;
  uint16_t handle;
  uint32_t pad1;
  uint64_t id;
  uint64_t sector_number;
  uint64_t nr_sectors;
};
struct x86_64_indirect {
  uint8_t operation;
  uint8_t indirect_op;
  uint16_t nr_segments;
  uint32_t pad1;
  uint64_t id;
  uint64_t sector_number;
  uint16_t handle;
  uint16_t pad2;
  uint32_t indirect_grefs[PAGES];
  uint32_t pad3;
};
struct x86_64_response {
  uint64_t id;
  uint8_t operation;
  uint8_t pad1;
  int16_t status;
  uint32_t pad2;
};
#pragma pack(pop)

_Static_assert(sizeof(struct blkif_request_segment) == 8, "segment");
_Static_assert(sizeof(struct x86_32_direct) == 108, "x86_32 request");
_Static_assert(sizeof(struct x86_32_discard) == 28, "x86_32 discard");
_Static_assert(sizeof(struct x86_32_indirect) == 64, "x86_32 indirect");
_Static_assert(sizeof(struct x86_32_response) == 12, "x86_32 response");
_Static_assert(sizeof(struct x86_64_direct) == 112, "x86_64 request");
_Static_assert(sizeof(struct x86_64_discard) == 32, "x86_64 discard");
_Static_assert(sizeof(struct x86_64_indirect) == 64, "x86_64 indirect");
_Static_assert(sizeof(struct x86_64_response) == 16, "x86_64 response");
#if defined(__LP64__)
_Static_assert(sizeof(struct blkif_request) == sizeof(struct x86_64_direct), "native request");
_Static_assert(sizeof(struct blkif_response) == sizeof(struct x86_64_response), "native response");
#endif

DEFINE_RING_TYPES(x86_32, struct x86_32_direct, struct x86_32_response);
DEFINE_RING_TYPES(x86_64, struct x86_64_direct, struct x86_64_response);
