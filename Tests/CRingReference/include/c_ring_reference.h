// The frontend's and the backend's ends of a block ring as C programs build them: the RING_* macros
// of xen/io/ring.h and the structures of xen/io/blkif.h, in the three layouts that guests use. What
// the Swift code is compared with; shares nothing with it.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A layout of requests and responses.
typedef enum { reference_native64, reference_x86_64, reference_x86_32 } reference_abi;

// One segment of a direct request or of an indirect page.
typedef struct {
  uint32_t reference;
  uint8_t first;
  uint8_t last;
} reference_segment;

// The fields of any request; which of them count depends on the operation.
typedef struct {
  uint8_t operation;
  // nr_segments of a direct request, the flag of a discard, indirect_op of an indirect request.
  uint8_t second;
  // nr_segments of an indirect request.
  uint16_t indirect_segments;
  uint16_t handle;
  uint64_t identifier;
  uint64_t sector;
  // nr_sectors of a discard.
  uint64_t sector_count;
  reference_segment segments[11];
  uint32_t pages[8];
} reference_request;

typedef struct {
  uint64_t identifier;
  uint8_t operation;
  int16_t status;
} reference_response;

static inline void reference_set_segment(reference_request *request, size_t index,
                                         reference_segment segment) {
  request->segments[index] = segment;
}
static inline void reference_set_page(reference_request *request, size_t index, uint32_t page) {
  request->pages[index] = page;
}

size_t reference_request_bytes(reference_abi abi);
size_t reference_slot_bytes(reference_abi abi);
size_t reference_response_bytes(reference_abi abi);
// Stores the fields of `request` into a slot; bytes that belong to no field stay as they are.
void reference_encode(reference_abi abi, const reference_request *request, void *slot);
void reference_decode_response(reference_abi abi, const void *slot, reference_response *response);
// Whether a byte of a response belongs to a field.
int reference_response_has_field_at(reference_abi abi, size_t offset);
// Stores segment `index` into an indirect page.
void reference_encode_segment(void *page, size_t index, reference_segment segment);

// One end's private variables, and the page that it shares.
typedef struct {
  reference_abi abi;
  void *page;
  size_t byte_count;
  uint32_t produced;
  uint32_t consumed;
} reference_end;

uint32_t reference_ring_size(reference_abi abi, size_t byte_count);
size_t reference_slot_offset(reference_abi abi, size_t byte_count, uint32_t index);
void reference_shared_init(void *page);

// Backend: BACK_RING_ATTACH and what follows it.
reference_end reference_back_attach(reference_abi abi, void *page, size_t byte_count,
                                    uint32_t index);
uint32_t reference_back_unconsumed(const reference_end *back);
int reference_back_producer_overflows(const reference_end *back, uint32_t producer);
int reference_back_push_and_check(reference_end *back);
int reference_back_final_check(reference_end *back);

// Frontend: FRONT_RING_ATTACH and what follows it.
reference_end reference_front_attach(reference_abi abi, void *page, size_t byte_count,
                                     uint32_t index);
uint32_t reference_front_free(const reference_end *front);
uint32_t reference_front_unconsumed(const reference_end *front);
int reference_front_push_and_check(reference_end *front);
int reference_front_final_check(reference_end *front);
