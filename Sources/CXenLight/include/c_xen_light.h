// libxenlight as `ddctl` uses it: only what has structures of many unions, or macros, is wrapped.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <libxl.h>
#include <libxl_utils.h>

// Opens the toolstack; its errors and warnings go to standard error. NULL on failure. What it holds
// lives as long as the process.
static inline libxl_ctx *c_xen_light_open(void) {
  libxl_ctx *context = NULL;
  xentoollog_logger_stdiostream *logger = xtl_createlogger_stdiostream(stderr, XTL_WARN, 0);
  if (logger == NULL) { return NULL; }
  if (libxl_ctx_alloc(&context, LIBXL_VERSION, 0, (xentoollog_logger *)logger) != 0) {
    return NULL;
  }
  return context;
}

// Creates a domain from `xl`'s own JSON, paused, with the number `domain`. libxl refuses a number
// that was in use in the last minute, unless its history is cleared. 0, or libxl's error.
static inline int c_xen_light_create(libxl_ctx *context, const char *json, uint32_t domain) {
  libxl_domain_config configuration;
  libxl_domain_config_init(&configuration);
  int result = libxl_domain_config_from_json(context, &configuration, json);
  if (result == 0) {
    uint32_t created = 0;
    configuration.c_info.domid = domain;
    libxl_clear_domid_history(context);
    result = libxl_domain_create_new(context, &configuration, &created, NULL, NULL);
  }
  libxl_domain_config_dispose(&configuration);
  return result;
}

// What Xen knows of a domain (`libxl_dominfo`).
struct c_xen_light_domain {
  int isDying, isShutDown, isPaused;
  int shutdownReason;
  uint8_t identity[16];
};

// 0; 1 when there is no such domain; or libxl's error, which is negative.
static inline int c_xen_light_look_up(libxl_ctx *context, uint32_t domain,
                                      struct c_xen_light_domain *found) {
  libxl_dominfo information;
  libxl_dominfo_init(&information);
  int result = libxl_domain_info(context, &information, domain);
  if (result == 0) {
    found->isDying = information.dying;
    found->isShutDown = information.shutdown;
    found->isPaused = information.paused;
    found->shutdownReason = (int)information.shutdown_reason;
    memcpy(found->identity, libxl_uuid_bytearray(&information.uuid), 16);
  }
  libxl_dominfo_dispose(&information);
  return result == ERROR_DOMAIN_NOTFOUND ? 1 : result;
}

// libxl_shutdown_reason
static const int c_xen_light_power_off = LIBXL_SHUTDOWN_REASON_POWEROFF;
static const int c_xen_light_reboot = LIBXL_SHUTDOWN_REASON_REBOOT;
static const int c_xen_light_crash = LIBXL_SHUTDOWN_REASON_CRASH;
static const int c_xen_light_watchdog = LIBXL_SHUTDOWN_REASON_WATCHDOG;
