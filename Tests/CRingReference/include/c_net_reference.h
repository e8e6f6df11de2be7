// The slots of a network device's rings as a C program has them: the structures of xen/io/netif.h.
// What the Swift code is compared with; shares nothing with it.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The values of the names in xen/io/netif.h; net.c lets the compiler compare them.
enum {
  reference_tx_checksum_blank = 1,
  reference_tx_data_validated = 2,
  reference_tx_more_data = 4,
  reference_tx_extra_info = 8,
  reference_rx_data_validated = 1,
  reference_rx_checksum_blank = 2,
  reference_rx_more_data = 4,
  reference_rx_extra_info = 8,
  reference_extra_gso = 1,
  reference_extra_multicast_add = 2,
  reference_extra_multicast_delete = 3,
  reference_extra_hash = 4,
  // Linux's own, not in Xen's header.
  reference_extra_xdp = 5,
  reference_extra_more = 1,
  reference_status_null = 1,
  reference_status_okay = 0,
  reference_status_error = -1,
  reference_status_dropped = -2,
};

typedef struct {
  uint32_t reference;
  uint16_t offset;
  uint16_t flags;
  uint16_t identifier;
  uint16_t size;
} reference_tx_request;

typedef struct {
  uint16_t identifier;
  int16_t status;
} reference_tx_response;

typedef struct {
  uint16_t identifier;
  uint32_t reference;
} reference_rx_request;

typedef struct {
  uint16_t identifier;
  uint16_t offset;
  uint16_t flags;
  int16_t status;
} reference_rx_response;

// All that an extra can say; its type decides what counts.
typedef struct {
  uint8_t type;
  uint8_t flags;
  uint16_t gso_size;
  uint8_t gso_type;
  // The byte after the type of a GSO extra.
  uint8_t gso_padding;
  uint16_t gso_features;
  uint8_t address[6];
  uint8_t hash_type;
  uint8_t hash_algorithm;
  uint32_t hash_value;
  uint16_t headroom;
} reference_extra;

typedef struct {
  uint16_t identifier;
  uint16_t type;
  uint32_t data[3];
} reference_control_request;

typedef struct {
  uint16_t identifier;
  uint16_t type;
  uint32_t status;
  uint32_t data;
} reference_control_response;

static inline void reference_set_address(reference_extra *extra, const uint8_t *address) {
  for (size_t i = 0; i < 6; i++) {
    extra->address[i] = address[i];
  }
}
static inline void reference_get_address(const reference_extra *extra, uint8_t *address) {
  for (size_t i = 0; i < 6; i++) {
    address[i] = extra->address[i];
  }
}

// Sizes of slots and of what stands in them.
size_t reference_tx_slot_bytes(void);
size_t reference_tx_response_bytes(void);
size_t reference_rx_slot_bytes(void);
size_t reference_control_slot_bytes(void);
size_t reference_control_response_bytes(void);

// Fields into a slot, at any address; bytes that belong to no field stay as they are.
void reference_put_tx_request(const reference_tx_request *request, void *slot);
void reference_put_tx_response(const reference_tx_response *response, void *slot);
void reference_put_rx_request(const reference_rx_request *request, void *slot);
void reference_put_rx_response(const reference_rx_response *response, void *slot);
void reference_put_extra(const reference_extra *extra, void *slot);
void reference_put_control_request(const reference_control_request *request, void *slot);
void reference_put_control_response(const reference_control_response *response, void *slot);

// Fields out of a slot.
reference_tx_request reference_get_tx_request(const void *slot);
reference_tx_response reference_get_tx_response(const void *slot);
reference_rx_request reference_get_rx_request(const void *slot);
reference_rx_response reference_get_rx_response(const void *slot);
reference_extra reference_get_extra(const void *slot);
reference_control_request reference_get_control_request(const void *slot);
reference_control_response reference_get_control_response(const void *slot);

// The Toeplitz hash as the header of Xen defines it.
uint32_t reference_toeplitz(const uint8_t *key, unsigned int key_bytes, const uint8_t *data,
                            unsigned int data_bytes);
