// Limits of the notification center's store.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace paywarden {

struct StoreOptions {
  std::string path;  // the SQLite file
  int readers = 3;   // reading connections: the page's requests that may run side by side
  Duration busy_timeout =
      seconds(5);  // wait for another process's write lock (the command line beside `serve`)
  Duration delivered_age_max =
      days(30);  // delivered outbox rows are kept so long, for questions afterwards
};

}  // namespace paywarden
