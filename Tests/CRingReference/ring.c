#include "c_ring_reference.h"
#include "layouts.h"

#define xen_mb() __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()

// Runs `body` with `ring` as the end's structure in its own layout, and keeps what it changed.
#define WITH_RING(end, side, producer, consumer, body)                                     \
  do {                                                                                     \
    if ((end)->abi == reference_native64) {                                                \
      WITH_TYPED_RING(end, blkif, side, producer, consumer, body);                         \
    } else if ((end)->abi == reference_x86_64) {                                           \
      WITH_TYPED_RING(end, x86_64, side, producer, consumer, body);                        \
    } else {                                                                               \
      WITH_TYPED_RING(end, x86_32, side, producer, consumer, body);                        \
    }                                                                                      \
  } while (0)

#define WITH_TYPED_RING(end, name, side, producer, consumer, body)                         \
  do {                                                                                     \
    struct name##_##side##_ring storage, *ring = &storage;                                 \
    struct name##_sring *shared = (end)->page;                                             \
    ring->nr_ents = __RING_SIZE(shared, (end)->byte_count);                                \
    ring->sring = shared;                                                                  \
    ring->producer = (end)->produced;                                                      \
    ring->consumer = (end)->consumed;                                                      \
    body;                                                                                  \
  } while (0)

#define WITH_BACK(end, body) WITH_RING(end, back, rsp_prod_pvt, req_cons, body)
#define WITH_FRONT(end, body) WITH_RING(end, front, req_prod_pvt, rsp_cons, body)

uint32_t reference_ring_size(reference_abi abi, size_t byte_count) {
  uint64_t page[8];
  reference_end end = {abi, page, byte_count, 0, 0};
  uint32_t size = 0;
  WITH_BACK(&end, size = RING_SIZE(ring));
  return size;
}

size_t reference_slot_offset(reference_abi abi, size_t byte_count, uint32_t index) {
  // Only an address is computed; nothing is read.
  uint64_t page[8];
  reference_end end = {abi, page, byte_count, 0, 0};
  size_t offset = 0;
  WITH_BACK(&end, offset = (size_t)((uintptr_t)RING_GET_REQUEST(ring, index) - (uintptr_t)page));
  return offset;
}

void reference_shared_init(void *page) {
  struct blkif_sring *shared = page;
  SHARED_RING_INIT(shared);
}

reference_end reference_back_attach(reference_abi abi, void *page, size_t byte_count,
                                    uint32_t index) {
  return (reference_end){abi, page, byte_count, index, index};
}

uint32_t reference_back_unconsumed(const reference_end *back) {
  uint32_t count = 0;
  WITH_BACK(back, count = XEN_RING_NR_UNCONSUMED_REQUESTS(ring));
  return count;
}

int reference_back_producer_overflows(const reference_end *back, uint32_t producer) {
  int overflows = 0;
  WITH_BACK(back, overflows = RING_REQUEST_PROD_OVERFLOW(ring, producer));
  return overflows;
}

int reference_back_push_and_check(reference_end *back) {
  int notify = 0;
  WITH_BACK(back, RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(ring, notify));
  return notify;
}

int reference_back_final_check(reference_end *back) {
  int work = 0;
  WITH_BACK(back, RING_FINAL_CHECK_FOR_REQUESTS(ring, work));
  return work != 0;
}

reference_end reference_front_attach(reference_abi abi, void *page, size_t byte_count,
                                     uint32_t index) {
  return (reference_end){abi, page, byte_count, index, index};
}

uint32_t reference_front_free(const reference_end *front) {
  uint32_t count = 0;
  WITH_FRONT(front, count = RING_FREE_REQUESTS(ring));
  return count;
}

uint32_t reference_front_unconsumed(const reference_end *front) {
  uint32_t count = 0;
  WITH_FRONT(front, count = XEN_RING_NR_UNCONSUMED_RESPONSES(ring));
  return count;
}

int reference_front_push_and_check(reference_end *front) {
  int notify = 0;
  WITH_FRONT(front, RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(ring, notify));
  return notify;
}

int reference_front_final_check(reference_end *front) {
  int work = 0;
  WITH_FRONT(front, RING_FINAL_CHECK_FOR_RESPONSES(ring, work));
  return work != 0;
}
