// The parts of libxen-dev that the suite uses: stable libraries and protocol headers, no logic.
#pragma once
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <xengnttab.h>
#include <xenevtchn.h>
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xen/event_channel.h>
#include <xen/io/blkif.h>
#include <xen/io/ring.h>
#include <xen/io/xenbus.h>
#include <xen/io/xs_wire.h>
#include <xen/io/protocols.h>
#include <sys/ioctl.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

// The requests of ioctl(2) that the libraries above make for what the suite asks of them.
static const uint32_t c_xen_map_grants = IOCTL_GNTDEV_MAP_GRANT_REF;
static const uint32_t c_xen_find_mapping = IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR;
static const uint32_t c_xen_unmap_grants = IOCTL_GNTDEV_UNMAP_GRANT_REF;
static const uint32_t c_xen_copy_grants = IOCTL_GNTDEV_GRANT_COPY;
static const uint32_t c_xen_bind_port = IOCTL_EVTCHN_BIND_INTERDOMAIN;
static const uint32_t c_xen_unbind_port = IOCTL_EVTCHN_UNBIND;
static const uint32_t c_xen_notify_port = IOCTL_EVTCHN_NOTIFY;

// xenevtchn_notify(3) for whoever has only the descriptor.
static inline int c_xen_notify(int descriptor, uint32_t port) {
  struct ioctl_evtchn_notify notify = {.port = port};
  return ioctl(descriptor, IOCTL_EVTCHN_NOTIFY, &notify);
}
