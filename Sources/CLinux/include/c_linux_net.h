// What init needs to set up links: netlink sockets, TAP devices and the packet socket of DHCP.
// As c_linux.h: macros, variadic calls and unions of socket addresses only.
#pragma once
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

// The speed of a card in Mbit/s, through any socket; -1 where it has none. Not the file in /sys,
// which does not sleep for the lock of all networks (RTNL) but tries again and again
// (`restart_syscall`), and so keeps the processor from a holder of low priority, which cannot give
// the lock back.
static inline int64_t c_link_speed_megabits(int socket, const char *name) {
  struct ethtool_cmd settings = {.cmd = ETHTOOL_GSET};
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_data = (void *)&settings;
  if (ioctl(socket, SIOCETHTOOL, &request) < 0) { return -1; }
  uint32_t speed = ethtool_cmd_speed(&settings);
  return speed == 0 || speed == (uint32_t)SPEED_UNKNOWN ? -1 : (int64_t)speed;
}

static inline int c_close_keeping_errno(int descriptor) {
  int error = errno;
  close(descriptor);
  errno = error;
  return -1;
}

// A socket of rtnetlink, in the given multicast groups; -1 and errno on failure. Errors come with
// the kernel's own text (extended acknowledgement), and no receive waits longer than the time.
static inline int c_open_route_socket(uint32_t groups, int isNonBlocking, int timeoutSeconds) {
  int kind = SOCK_RAW | SOCK_CLOEXEC | (isNonBlocking ? SOCK_NONBLOCK : 0);
  int descriptor = socket(AF_NETLINK, kind, NETLINK_ROUTE);
  if (descriptor < 0) { return -1; }
  int one = 1;
  setsockopt(descriptor, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  struct timeval timeout = {.tv_sec = timeoutSeconds};
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
      bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
    return c_close_keeping_errno(descriptor);
  }
  return descriptor;
}

// Receives one datagram. The result is its whole length, also where the buffer is shorter; the
// sender is 0 for the kernel.
static inline ssize_t c_receive_netlink(int descriptor, void *buffer, size_t byteCount,
                                        uint32_t *sender) {
  struct sockaddr_nl address = {0};
  socklen_t addressByteCount = sizeof address;
  ssize_t received = recvfrom(descriptor, buffer, byteCount, MSG_TRUNC,
                              (struct sockaddr *)&address, &addressByteCount);
  *sender = address.nl_pid;
  return received;
}

static const uint32_t c_route_group_link = RTMGRP_LINK;
static const uint32_t c_link_flag_up = IFF_UP;
// IFF_LOWER_UP of linux/if.h, which cannot be included beside net/if.h.
static const uint32_t c_link_flag_carrier = 1u << 16;

// Opens a TAP device by name, made where there is none: frames without the packet information
// header, with the virtio header, several queues. -1 and errno on failure.
static inline int c_open_tap(const char *name) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (strlen(name) >= sizeof request.ifr_name) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(request.ifr_name, name, strlen(name));
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
  int descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) { return -1; }
  if (ioctl(descriptor, TUNSETIFF, &request) != 0) { return c_close_keeping_errno(descriptor); }
  return descriptor;
}

// Whether the TAP outlives its descriptors.
static inline int c_tap_set_persistent(int descriptor, int isPersistent) {
  return ioctl(descriptor, TUNSETPERSIST, isPersistent);
}

// A packet socket on one interface that hears DHCP answers only: IPv4, UDP, to port 68, the first
// fragment. Packets begin with the IP header. -1 and errno on failure.
static inline int c_open_dhcp_socket(int interfaceIndex) {
  int descriptor = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) { return -1; }
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1FFF, 4, 0),
    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
    BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 68, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 0xFFFF),
    BPF_STMT(BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
                                .sll_ifindex = interfaceIndex};
  // The filter comes first: the socket hears nothing before it is bound.
  if (setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 ||
      bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
    return c_close_keeping_errno(descriptor);
  }
  return descriptor;
}

// Sends an IPv4 packet to a hardware address of six bytes.
static inline ssize_t c_send_packet(int descriptor, int interfaceIndex,
                                    const uint8_t *hardwareAddress, const void *bytes,
                                    size_t byteCount) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
                                .sll_ifindex = interfaceIndex, .sll_halen = 6};
  memcpy(address.sll_addr, hardwareAddress, 6);
  return sendto(descriptor, bytes, byteCount, 0, (struct sockaddr *)&address, sizeof address);
}

// Receives an IPv4 packet, and the six bytes of the hardware address that it came from.
static inline ssize_t c_receive_packet(int descriptor, void *buffer, size_t byteCount,
                                       uint8_t *hardwareAddress) {
  struct sockaddr_ll address = {0};
  socklen_t addressByteCount = sizeof address;
  ssize_t received = recvfrom(descriptor, buffer, byteCount, MSG_TRUNC,
                              (struct sockaddr *)&address, &addressByteCount);
  memcpy(hardwareAddress, address.sll_addr, 6);
  return received;
}

// Gives the calling thread a network of its own (unshare(2) with CLONE_NEWNET), which ends with it:
// where tests make links.
static inline int c_leave_network(void) { return (int)syscall(SYS_unshare, 0x40000000); }
