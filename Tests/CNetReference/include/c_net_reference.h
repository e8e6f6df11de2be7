// The structures and constants of xen/io/netif.h, as a C compiler sees them. What the Swift code is
// compared with; shares nothing with it.
#pragma once
#include <stdint.h>

// Sizes in bytes.
uint32_t net_reference_transmit_slot_bytes(void);
uint32_t net_reference_receive_slot_bytes(void);
uint32_t net_reference_control_slot_bytes(void);
uint32_t net_reference_extra_bytes(void);
// Slots of a ring of one page.
uint32_t net_reference_transmit_slots(void);
uint32_t net_reference_receive_slots(void);
uint32_t net_reference_control_slots(void);

// Stores a request of the transmit ring; nothing outside its fields.
void net_reference_encode_transmit(void *slot, uint32_t reference, uint16_t offset, uint16_t flags,
                                   uint16_t identifier, uint16_t size);
void net_reference_encode_receive(void *slot, uint16_t identifier, uint32_t reference);
void net_reference_encode_control(void *slot, uint16_t identifier, uint16_t type, uint32_t first,
                                  uint32_t second, uint32_t third);

// Reads responses.
uint16_t net_reference_transmit_response_identifier(const void *slot);
int16_t net_reference_transmit_response_status(const void *slot);
typedef struct {
  uint16_t identifier;
  uint16_t offset;
  uint16_t flags;
  int16_t status;
} net_reference_receive_response;
net_reference_receive_response net_reference_decode_receive(const void *slot);
typedef struct {
  uint16_t identifier;
  uint16_t type;
  uint32_t status;
  uint32_t data;
} net_reference_control_response;
net_reference_control_response net_reference_decode_control(const void *slot);

// Stores extras, flags included; nothing outside their fields.
void net_reference_encode_gso(void *slot, uint8_t flags, uint16_t size, uint8_t type,
                              uint16_t features);
void net_reference_encode_multicast(void *slot, uint8_t flags, int is_addition,
                                    const uint8_t *address);
void net_reference_encode_hash(void *slot, uint8_t flags, uint8_t type, uint8_t algorithm,
                               uint32_t value);
// Linux's own type, which Xen's header does not have.
void net_reference_encode_xdp(void *slot, uint8_t flags, uint16_t headroom);

// The header's constants, by what they are.
typedef enum {
  net_reference_tx_csum_blank,
  net_reference_tx_data_validated,
  net_reference_tx_more_data,
  net_reference_tx_extra_info,
  net_reference_rx_csum_blank,
  net_reference_rx_data_validated,
  net_reference_rx_more_data,
  net_reference_rx_extra_info,
  net_reference_extra_more,
  net_reference_okay,
  net_reference_null,
  net_reference_error,
  net_reference_dropped,
  net_reference_slots_min,
  net_reference_max_tx_size,
  net_reference_gso_none,
  net_reference_gso_tcpv4,
  net_reference_gso_tcpv6,
  net_reference_status_success,
  net_reference_status_not_supported,
  net_reference_status_invalid,
  net_reference_status_overflow,
  net_reference_hash_ipv4,
  net_reference_hash_ipv4_tcp,
  net_reference_hash_ipv6,
  net_reference_hash_ipv6_tcp,
  net_reference_algorithm_none,
  net_reference_algorithm_toeplitz,
} net_reference_constant;
int32_t net_reference_value(net_reference_constant constant);

// XEN_NETIF_CTRL_TYPE_*, in the order of the header, from GET_HASH_FLAGS on; 0 behind the last.
uint16_t net_reference_control_type(uint32_t position);

// The header's own Toeplitz hash.
uint32_t net_reference_toeplitz(const uint8_t *key, uint32_t key_bytes, const uint8_t *data,
                                uint32_t data_bytes);

// Brings a link up (SIOCSIFFLAGS); -1 and errno on failure.
int net_reference_bring_up(const char *interface);
