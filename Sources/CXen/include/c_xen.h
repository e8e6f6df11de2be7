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
