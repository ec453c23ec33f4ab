// paywarden-loadgen: an open-loop load generator for a running server. See --help and
// load_generator.h.
#include <iostream>

#include "command.h"

int main(int argc, char** argv) {
  return paywarden::run_loadgen({argv + 1, argv + argc}, std::cout, std::cerr);
}
