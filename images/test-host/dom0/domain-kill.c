// domain-kill DOMID: destroys a domain in the hypervisor, and tells nobody: what Dom0 made for it
// stays. The end that a toolstack leaves behind which dies at the wrong moment.
#include <stdlib.h>
#include <xenctrl.h>

int main(int count, char **words) {
  xc_interface *xen = xc_interface_open(NULL, NULL, 0);
  if (count != 2 || xen == NULL) { return 2; }
  return xc_domain_destroy(xen, (uint32_t)atoi(words[1])) == 0 ? 0 : 1;
}
