#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "c_net_reference.h"

#include <stddef.h>
#include <string.h>
#include <xen/xen.h>
#define XEN_NETIF_DEFINE_TOEPLITZ
#include <xen/io/netif.h>

uint32_t net_reference_transmit_slot_bytes(void) { return sizeof(union netif_tx_sring_entry); }
uint32_t net_reference_receive_slot_bytes(void) { return sizeof(union netif_rx_sring_entry); }
uint32_t net_reference_control_slot_bytes(void) {
  return sizeof(union xen_netif_ctrl_sring_entry);
}
uint32_t net_reference_extra_bytes(void) { return sizeof(struct netif_extra_info); }

uint32_t net_reference_transmit_slots(void) {
  return __CONST_RING_SIZE(netif_tx, 4096);
}
uint32_t net_reference_receive_slots(void) {
  return __CONST_RING_SIZE(netif_rx, 4096);
}
uint32_t net_reference_control_slots(void) {
  return __CONST_RING_SIZE(xen_netif_ctrl, 4096);
}

void net_reference_encode_transmit(void *slot, uint32_t reference, uint16_t offset, uint16_t flags,
                                   uint16_t identifier, uint16_t size) {
  struct netif_tx_request request = {
      .gref = reference, .offset = offset, .flags = flags, .id = identifier, .size = size};
  memcpy(slot, &request, sizeof request);
}

void net_reference_encode_receive(void *slot, uint16_t identifier, uint32_t reference) {
  struct netif_rx_request request;
  memcpy(&request, slot, sizeof request);
  request.id = identifier;
  request.gref = reference;
  memcpy(slot, &request, sizeof request);
}

void net_reference_encode_control(void *slot, uint16_t identifier, uint16_t type, uint32_t first,
                                  uint32_t second, uint32_t third) {
  struct xen_netif_ctrl_request request = {
      .id = identifier, .type = type, .data = {first, second, third}};
  memcpy(slot, &request, sizeof request);
}

uint16_t net_reference_transmit_response_identifier(const void *slot) {
  struct netif_tx_response response;
  memcpy(&response, slot, sizeof response);
  return response.id;
}

int16_t net_reference_transmit_response_status(const void *slot) {
  struct netif_tx_response response;
  memcpy(&response, slot, sizeof response);
  return response.status;
}

net_reference_receive_response net_reference_decode_receive(const void *slot) {
  struct netif_rx_response in;
  memcpy(&in, slot, sizeof in);
  return (net_reference_receive_response){in.id, in.offset, in.flags, in.status};
}

net_reference_control_response net_reference_decode_control(const void *slot) {
  struct xen_netif_ctrl_response in;
  memcpy(&in, slot, sizeof in);
  return (net_reference_control_response){in.id, in.type, in.status, in.data};
}

void net_reference_encode_gso(void *slot, uint8_t flags, uint16_t size, uint8_t type,
                              uint16_t features) {
  struct netif_extra_info extra;
  memcpy(&extra, slot, sizeof extra);
  extra.type = XEN_NETIF_EXTRA_TYPE_GSO;
  extra.flags = flags;
  extra.u.gso.size = size;
  extra.u.gso.type = type;
  extra.u.gso.features = features;
  memcpy(slot, &extra, sizeof extra);
}

void net_reference_encode_multicast(void *slot, uint8_t flags, int is_addition,
                                    const uint8_t *address) {
  struct netif_extra_info extra;
  extra.type = is_addition ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD : XEN_NETIF_EXTRA_TYPE_MCAST_DEL;
  extra.flags = flags;
  memcpy(extra.u.mcast.addr, address, sizeof extra.u.mcast.addr);
  memcpy(slot, &extra, sizeof extra);
}

void net_reference_encode_hash(void *slot, uint8_t flags, uint8_t type, uint8_t algorithm,
                               uint32_t value) {
  struct netif_extra_info extra;
  extra.type = XEN_NETIF_EXTRA_TYPE_HASH;
  extra.flags = flags;
  extra.u.hash.type = type;
  extra.u.hash.algorithm = algorithm;
  // Lowest byte first, says the header.
  for (int i = 0; i < 4; i++) { extra.u.hash.value[i] = (uint8_t)(value >> (8 * i)); }
  memcpy(slot, &extra, sizeof extra);
}

void net_reference_encode_xdp(void *slot, uint8_t flags, uint16_t headroom) {
  struct netif_extra_info extra;
  memcpy(&extra, slot, sizeof extra);
  // Linux's include/xen/interface/io/netif.h: type 5, a u16 and padding in the union.
  extra.type = 5;
  extra.flags = flags;
  extra.u.pad[0] = headroom;
  memcpy(slot, &extra, sizeof extra);
}

int32_t net_reference_value(net_reference_constant constant) {
  switch (constant) {
  case net_reference_tx_csum_blank: return NETTXF_csum_blank;
  case net_reference_tx_data_validated: return NETTXF_data_validated;
  case net_reference_tx_more_data: return NETTXF_more_data;
  case net_reference_tx_extra_info: return NETTXF_extra_info;
  case net_reference_rx_csum_blank: return NETRXF_csum_blank;
  case net_reference_rx_data_validated: return NETRXF_data_validated;
  case net_reference_rx_more_data: return NETRXF_more_data;
  case net_reference_rx_extra_info: return NETRXF_extra_info;
  case net_reference_extra_more: return XEN_NETIF_EXTRA_FLAG_MORE;
  case net_reference_okay: return NETIF_RSP_OKAY;
  case net_reference_null: return NETIF_RSP_NULL;
  case net_reference_error: return NETIF_RSP_ERROR;
  case net_reference_dropped: return NETIF_RSP_DROPPED;
  case net_reference_slots_min: return XEN_NETIF_NR_SLOTS_MIN;
  case net_reference_max_tx_size: return XEN_NETIF_MAX_TX_SIZE;
  case net_reference_gso_none: return XEN_NETIF_GSO_TYPE_NONE;
  case net_reference_gso_tcpv4: return XEN_NETIF_GSO_TYPE_TCPV4;
  case net_reference_gso_tcpv6: return XEN_NETIF_GSO_TYPE_TCPV6;
  case net_reference_status_success: return XEN_NETIF_CTRL_STATUS_SUCCESS;
  case net_reference_status_not_supported: return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
  case net_reference_status_invalid: return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
  case net_reference_status_overflow: return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
  case net_reference_hash_ipv4: return XEN_NETIF_CTRL_HASH_TYPE_IPV4;
  case net_reference_hash_ipv4_tcp: return XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
  case net_reference_hash_ipv6: return XEN_NETIF_CTRL_HASH_TYPE_IPV6;
  case net_reference_hash_ipv6_tcp: return XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
  case net_reference_algorithm_none: return XEN_NETIF_CTRL_HASH_ALGORITHM_NONE;
  case net_reference_algorithm_toeplitz: return XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
  }
  return -1;
}

uint16_t net_reference_control_type(uint32_t position) {
  static const uint16_t types[] = {
      XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS,        XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS,
      XEN_NETIF_CTRL_TYPE_SET_HASH_KEY,          XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE,
      XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING,
      XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,    XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE,
      XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING,      XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING,
  };
  return position < sizeof types / sizeof *types ? types[position] : 0;
}

uint32_t net_reference_toeplitz(const uint8_t *key, uint32_t key_bytes, const uint8_t *data,
                                uint32_t data_bytes) {
  return xen_netif_toeplitz_hash(key, key_bytes, data, data_bytes);
}

int net_reference_bring_up(const char *interface) {
  int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) { return -1; }
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, interface, sizeof request.ifr_name - 1);
  int result = ioctl(descriptor, SIOCGIFFLAGS, &request);
  request.ifr_flags |= IFF_UP;
  if (result == 0) { result = ioctl(descriptor, SIOCSIFFLAGS, &request); }
  close(descriptor);
  return result;
}
