// The command line of paywarden-loadgen, apart from main() so that tests can call it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace paywarden {

// 0: every payment was decided; 1: errors or default answers; 2: could not begin.
int run_loadgen(std::vector<std::string> arguments, std::ostream& out, std::ostream& err);

}  // namespace paywarden
