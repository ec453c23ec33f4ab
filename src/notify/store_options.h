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
  int64_t recent_per_card =
      50;  // payments of a card kept for its alerts' "recent" list: what the page shows
  int64_t recent_rows_max =
      5'000'000;  // all cards' together, about 1.2 GB: bounds the file; the oldest go first
  Duration recent_age_max =
      days(90);  // event time behind the newest: longer than a card's dispute is looked back
  Duration delivered_age_max =
      days(30);  // delivered outbox rows are kept so long, for questions afterwards
};

}  // namespace paywarden
