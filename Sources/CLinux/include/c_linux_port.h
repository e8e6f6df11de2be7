// What a network backend needs to reach the network: TAP offloads, packet sockets, wake-ups. As
// c_linux.h: macros, variadic calls and unions of socket addresses only.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// What the reader of a TAP takes unfinished (TUNSETOFFLOAD).
static const unsigned int c_tap_offload_checksum = TUN_F_CSUM;
static const unsigned int c_tap_offload_tcp_ipv4 = TUN_F_TSO4;
static const unsigned int c_tap_offload_tcp_ipv6 = TUN_F_TSO6;
static const uint32_t c_tap_request_offloads = TUNSETOFFLOAD;
static inline int c_tap_set_offloads(int descriptor, unsigned int offloads) {
  return ioctl(descriptor, TUNSETOFFLOAD, offloads);
}

// Whether the TAP gives frames to one of its queues. The descriptor stays that queue's.
static const uint32_t c_tap_request_queue = TUNSETQUEUE;
static inline int c_tap_set_attached(int descriptor, int isAttached) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = isAttached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
  return ioctl(descriptor, TUNSETQUEUE, &request);
}

// A packet socket on one interface, promiscuous, with the virtio header in front of every frame,
// which does not hear what it sends. -1 and errno on failure.
static inline int c_open_packet_port(const char *name) {
  unsigned int index = if_nametoindex(name);
  if (index == 0) { return -1; }
  int descriptor = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) { return -1; }
  int one = 1;
  struct packet_mreq membership = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
                                .sll_ifindex = (int)index};
  // The header before the binding: a frame in between would have none.
  if (setsockopt(descriptor, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) != 0 ||
      setsockopt(descriptor, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0 ||
      setsockopt(descriptor, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
                 sizeof membership) != 0 ||
      bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
    int error = errno;
    close(descriptor);
    errno = error;
    return -1;
  }
  return descriptor;
}

// eventfd(2), close-on-exec and non-blocking.
static inline int c_open_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
