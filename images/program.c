// The one program of an image: init and the backends in one file, which saves a third of the image
// and nine megabytes of the domain's memory, since most of each is Swift's runtime. Which of them it
// is to be, the name says by which it was called. build.sh links it with those that an image has.
#include <string.h>

// What SwiftPM calls the entry points of the executable targets.
int DriverDomainInit_main(int count, char **arguments);
__attribute__((weak)) int BlockBackend_main(int count, char **arguments);
__attribute__((weak)) int NetBackend_main(int count, char **arguments);

// Whether the name begins with that of a program: an update tries "block-backend.new".
static int names(const char *name, const char *program) {
  return strncmp(name, program, strlen(program)) == 0;
}

int main(int count, char **arguments) {
  const char *path = count > 0 ? arguments[0] : "";
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  if (BlockBackend_main && names(name, "block-backend")) {
    return BlockBackend_main(count, arguments);
  }
  if (NetBackend_main && names(name, "net-backend")) {
    return NetBackend_main(count, arguments);
  }
  return DriverDomainInit_main(count, arguments);
}
