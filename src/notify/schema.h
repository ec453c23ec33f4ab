// The store's tables and their versions. A version is a list of statements, run once, in order, in
// one transaction; a version that has been released is never changed: a change is a new version.
#pragma once

#include <soci/soci.h>

#include <string>

#include "base/result.h"

namespace paywarden {

// Brings the tables to the newest version; refuses a store that a newer program has written.
Status migrate(soci::session& sql, const std::string& path);

}  // namespace paywarden
