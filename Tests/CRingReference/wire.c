#include "c_ring_reference.h"
#include "layouts.h"

#define OF_ABI(abi, native, bits64, bits32) \
  ((abi) == reference_native64 ? (native) : (abi) == reference_x86_64 ? (bits64) : (bits32))

size_t reference_request_bytes(reference_abi abi) {
  return OF_ABI(abi, sizeof(struct blkif_request), sizeof(struct x86_64_direct),
                sizeof(struct x86_32_direct));
}

size_t reference_slot_bytes(reference_abi abi) {
  return OF_ABI(abi, sizeof(union blkif_sring_entry), sizeof(union x86_64_sring_entry),
                sizeof(union x86_32_sring_entry));
}

size_t reference_response_bytes(reference_abi abi) {
  return OF_ABI(abi, sizeof(struct blkif_response), sizeof(struct x86_64_response),
                sizeof(struct x86_32_response));
}

#define ENCODE(direct_type, discard_type, indirect_type)            \
  if (request->operation == BLKIF_OP_DISCARD) {                     \
    discard_type *out = slot;                                       \
    out->operation = request->operation;                            \
    out->flag = request->second;                                    \
    out->handle = request->handle;                                  \
    out->id = request->identifier;                                  \
    out->sector_number = request->sector;                           \
    out->nr_sectors = request->sector_count;                        \
  } else if (request->operation == BLKIF_OP_INDIRECT) {             \
    indirect_type *out = slot;                                      \
    out->operation = request->operation;                            \
    out->indirect_op = request->second;                             \
    out->nr_segments = request->indirect_segments;                  \
    out->handle = request->handle;                                  \
    out->id = request->identifier;                                  \
    out->sector_number = request->sector;                           \
    for (size_t i = 0; i < PAGES; i++) {                            \
      out->indirect_grefs[i] = request->pages[i];                   \
    }                                                               \
  } else {                                                          \
    direct_type *out = slot;                                        \
    out->operation = request->operation;                            \
    out->nr_segments = request->second;                             \
    out->handle = request->handle;                                  \
    out->id = request->identifier;                                  \
    out->sector_number = request->sector;                           \
    for (size_t i = 0; i < SEGMENTS && i < request->second; i++) {  \
      out->seg[i].gref = request->segments[i].reference;            \
      out->seg[i].first_sect = request->segments[i].first;          \
      out->seg[i].last_sect = request->segments[i].last;            \
    }                                                               \
  }

// The native structures are aligned to eight bytes, and a slot is wherever its owner copies it.
static void encode_native(const reference_request *request, void *unaligned) {
  union {
    struct blkif_request direct;
    struct blkif_request_discard discard;
    struct blkif_request_indirect indirect;
  } storage, *slot = &storage;
  memcpy(slot, unaligned, sizeof(struct blkif_request));
  ENCODE(struct blkif_request, struct blkif_request_discard, struct blkif_request_indirect)
  memcpy(unaligned, slot, sizeof(struct blkif_request));
}

void reference_encode(reference_abi abi, const reference_request *request, void *slot) {
  if (abi == reference_native64) {
    encode_native(request, slot);
  } else if (abi == reference_x86_64) {
    ENCODE(struct x86_64_direct, struct x86_64_discard, struct x86_64_indirect)
  } else {
    ENCODE(struct x86_32_direct, struct x86_32_discard, struct x86_32_indirect)
  }
}

void reference_decode_response(reference_abi abi, const void *slot, reference_response *response) {
  memset(response, 0, sizeof *response);
  if (abi == reference_native64) {
    struct blkif_response in;
    memcpy(&in, slot, sizeof in);
    *response = (reference_response){in.id, in.operation, in.status};
  } else if (abi == reference_x86_64) {
    const struct x86_64_response *in = slot;
    *response = (reference_response){in->id, in->operation, in->status};
  } else {
    const struct x86_32_response *in = slot;
    *response = (reference_response){in->id, in->operation, in->status};
  }
}

int reference_response_has_field_at(reference_abi abi, size_t offset) {
  (void)abi;
  return offset < offsetof(struct x86_64_response, pad1) ||
         (offset >= offsetof(struct x86_64_response, status) &&
          offset < offsetof(struct x86_64_response, pad2));
}

void reference_encode_segment(void *page, size_t index, reference_segment segment) {
  struct blkif_request_segment *segments = page;
  segments[index].gref = segment.reference;
  segments[index].first_sect = segment.first;
  segments[index].last_sect = segment.last;
}
