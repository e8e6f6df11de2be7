// libpcap for Swift: its header as it is, and the macros of it that Swift cannot import.
#pragma once
#include <stdint.h>
#include <pcap/pcap.h>

// The netmask of a network that is not known: only `ip broadcast` would need one.
static const uint32_t c_pcap_netmask_unknown = PCAP_NETMASK_UNKNOWN;
// What libpcap calls a failure (PCAP_ERROR).
static const int c_pcap_failure = PCAP_ERROR;

// Runs a program over `captured` bytes of a frame of `length` bytes. Not zero: the frame passes.
static inline uint32_t c_pcap_run(const struct bpf_program *program, const uint8_t *frame,
                                  uint32_t length, uint32_t captured) {
  return bpf_filter(program->bf_insns, frame, length, captured);
}
