// Header-only target: SwiftPM wants one translation unit, and this one checks that the header
// stands alone.
#include "c_linux.h"
#include "c_linux_warm_up.h"
