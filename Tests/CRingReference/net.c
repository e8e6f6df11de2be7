#include "c_net_reference.h"

#include <string.h>
#include <xen/xen.h>
#define XEN_NETIF_DEFINE_TOEPLITZ 1
#include <xen/io/netif.h>

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #theirs)
SAME(reference_tx_checksum_blank, NETTXF_csum_blank);
SAME(reference_tx_data_validated, NETTXF_data_validated);
SAME(reference_tx_more_data, NETTXF_more_data);
SAME(reference_tx_extra_info, NETTXF_extra_info);
SAME(reference_rx_data_validated, NETRXF_data_validated);
SAME(reference_rx_checksum_blank, NETRXF_csum_blank);
SAME(reference_rx_more_data, NETRXF_more_data);
SAME(reference_rx_extra_info, NETRXF_extra_info);
SAME(reference_extra_gso, XEN_NETIF_EXTRA_TYPE_GSO);
SAME(reference_extra_multicast_add, XEN_NETIF_EXTRA_TYPE_MCAST_ADD);
SAME(reference_extra_multicast_delete, XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
SAME(reference_extra_hash, XEN_NETIF_EXTRA_TYPE_HASH);
SAME(reference_extra_more, XEN_NETIF_EXTRA_FLAG_MORE);
SAME(reference_status_null, NETIF_RSP_NULL);
SAME(reference_status_okay, NETIF_RSP_OKAY);
SAME(reference_status_error, NETIF_RSP_ERROR);
SAME(reference_status_dropped, NETIF_RSP_DROPPED);

// What Linux puts into an extra of its own type (xen_netif_extra_info.u.xdp).
struct xdp_extra {
  uint8_t type;
  uint8_t flags;
  uint16_t headroom;
  uint16_t pad[2];
};

_Static_assert(sizeof(struct netif_extra_info) == 8, "extra");
_Static_assert(sizeof(struct xdp_extra) == sizeof(struct netif_extra_info), "XDP extra");
_Static_assert(sizeof(union netif_rx_sring_entry) == 8, "an extra fits into a slot");

size_t reference_tx_slot_bytes(void) { return sizeof(union netif_tx_sring_entry); }
size_t reference_tx_response_bytes(void) { return sizeof(struct netif_tx_response); }
size_t reference_rx_slot_bytes(void) { return sizeof(union netif_rx_sring_entry); }
size_t reference_control_slot_bytes(void) { return sizeof(union xen_netif_ctrl_sring_entry); }
size_t reference_control_response_bytes(void) { return sizeof(struct xen_netif_ctrl_response); }

// A slot is wherever its owner copies it, so structures go through aligned copies.
#define PUT(type, body)             \
  do {                              \
    type out;                       \
    memcpy(&out, slot, sizeof out); \
    body;                           \
    memcpy(slot, &out, sizeof out); \
  } while (0)

#define GET(type)  \
  type in;         \
  memcpy(&in, slot, sizeof in)

void reference_put_tx_request(const reference_tx_request *request, void *slot) {
  PUT(struct netif_tx_request, {
    out.gref = request->reference;
    out.offset = request->offset;
    out.flags = request->flags;
    out.id = request->identifier;
    out.size = request->size;
  });
}

void reference_put_tx_response(const reference_tx_response *response, void *slot) {
  PUT(struct netif_tx_response, {
    out.id = response->identifier;
    out.status = response->status;
  });
}

void reference_put_rx_request(const reference_rx_request *request, void *slot) {
  PUT(struct netif_rx_request, {
    out.id = request->identifier;
    out.gref = request->reference;
  });
}

void reference_put_rx_response(const reference_rx_response *response, void *slot) {
  PUT(struct netif_rx_response, {
    out.id = response->identifier;
    out.offset = response->offset;
    out.flags = response->flags;
    out.status = response->status;
  });
}

void reference_put_extra(const reference_extra *extra, void *slot) {
  if (extra->type == reference_extra_xdp) {
    PUT(struct xdp_extra, {
      out.type = extra->type;
      out.flags = extra->flags;
      out.headroom = extra->headroom;
    });
    return;
  }
  PUT(struct netif_extra_info, {
    out.type = extra->type;
    out.flags = extra->flags;
    switch (extra->type) {
      case XEN_NETIF_EXTRA_TYPE_GSO:
        out.u.gso.size = extra->gso_size;
        out.u.gso.type = extra->gso_type;
        out.u.gso.pad = extra->gso_padding;
        out.u.gso.features = extra->gso_features;
        break;
      case XEN_NETIF_EXTRA_TYPE_HASH:
        out.u.hash.type = extra->hash_type;
        out.u.hash.algorithm = extra->hash_algorithm;
        memcpy(out.u.hash.value, &extra->hash_value, sizeof out.u.hash.value);
        break;
      default:
        memcpy(out.u.mcast.addr, extra->address, sizeof out.u.mcast.addr);
    }
  });
}

void reference_put_control_request(const reference_control_request *request, void *slot) {
  PUT(struct xen_netif_ctrl_request, {
    out.id = request->identifier;
    out.type = request->type;
    memcpy(out.data, request->data, sizeof out.data);
  });
}

void reference_put_control_response(const reference_control_response *response, void *slot) {
  PUT(struct xen_netif_ctrl_response, {
    out.id = response->identifier;
    out.type = response->type;
    out.status = response->status;
    out.data = response->data;
  });
}

reference_tx_request reference_get_tx_request(const void *slot) {
  GET(struct netif_tx_request);
  return (reference_tx_request){in.gref, in.offset, in.flags, in.id, in.size};
}

reference_tx_response reference_get_tx_response(const void *slot) {
  GET(struct netif_tx_response);
  return (reference_tx_response){in.id, in.status};
}

reference_rx_request reference_get_rx_request(const void *slot) {
  GET(struct netif_rx_request);
  return (reference_rx_request){in.id, in.gref};
}

reference_rx_response reference_get_rx_response(const void *slot) {
  GET(struct netif_rx_response);
  return (reference_rx_response){in.id, in.offset, in.flags, in.status};
}

reference_extra reference_get_extra(const void *slot) {
  GET(struct netif_extra_info);
  struct xdp_extra xdp;
  memcpy(&xdp, slot, sizeof xdp);
  reference_extra extra = {
      .type = in.type,
      .flags = in.flags,
      .gso_size = in.u.gso.size,
      .gso_type = in.u.gso.type,
      .gso_padding = in.u.gso.pad,
      .gso_features = in.u.gso.features,
      .hash_type = in.u.hash.type,
      .hash_algorithm = in.u.hash.algorithm,
      .headroom = xdp.headroom,
  };
  memcpy(extra.address, in.u.mcast.addr, sizeof extra.address);
  memcpy(&extra.hash_value, in.u.hash.value, sizeof extra.hash_value);
  return extra;
}

reference_control_request reference_get_control_request(const void *slot) {
  GET(struct xen_netif_ctrl_request);
  return (reference_control_request){in.id, in.type, {in.data[0], in.data[1], in.data[2]}};
}

reference_control_response reference_get_control_response(const void *slot) {
  GET(struct xen_netif_ctrl_response);
  return (reference_control_response){in.id, in.type, in.status, in.data};
}

uint32_t reference_toeplitz(const uint8_t *key, unsigned int key_bytes, const uint8_t *data,
                            unsigned int data_bytes) {
  return xen_netif_toeplitz_hash(key, key_bytes, data, data_bytes);
}
