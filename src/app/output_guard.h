// A command's output must not take the place of what it reads.
//
//   TRY(check_output(command.out, {{command.config, command.model}, command.data}));
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "base/result.h"

namespace paywarden {

// `inputs`: files and directories, empty names aside; an empty `out` is none. Refused is an output that is one of them, by whatever name or link, or a file that
// stands right in one of them, or a directory in which one of them stands. Bundles refuse other directories themselves (save_bundle).
Status check_output(const std::string& out, std::initializer_list<std::vector<std::string>> inputs);

}  // namespace paywarden
