// What must happen before the Swift runtime starts. See early_boot.c.
#pragma once

// The constructor's result: 0, or the first errno of a mount that failed. Referring to it from
// Swift also keeps the linker from dropping the object file with the constructor.
int c_early_boot_errno(void);
