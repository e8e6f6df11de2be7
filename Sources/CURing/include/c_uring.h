// liburing, whole: its static inline helpers import as they are.
#pragma once
#include <liburing.h>
