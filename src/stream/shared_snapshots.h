// Snapshots where every instance of a group finds them: copies of local ones in an object store, taken in the background.
//
//   SharedSnapshots shared(open_store, files, "paywarden", log);
//   shared.offer("payments-0", path_of_local_file, sequence, 2);     // never blocks; the newest offer of a partition counts
//   TRY(shared.fetch("payments-0", committed, newest_local, to_path));   // on a takeover
//
// Objects: snapshots/<group>/<topic>-<partition>/<20 digits>.pws. What is in them is the same whoever wrote it: the state is a
// function of the partition's records. A store that does not answer costs a takeover seconds, not minutes: then it is left out for
// a while, and more is replayed. offer() and finish() by one thread, fetch() by one at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/files.h"
#include "base/operator_log.h"
#include "base/time.h"
#include "objects/object_store.h"

namespace paywarden {

struct SharedSnapshotsOptions {
  // Of one look for a snapshot, and of reading it: what takes longer is made up by replay.
  Duration list_most = seconds(5), get_most = minutes(1);
  Duration leave_out = minutes(1);  // a store that did not answer in time
  Duration finish_most = seconds(10);
};

class SharedSnapshots {
 public:
  using OpenStore = std::function<Result<std::unique_ptr<ObjectStore>>()>;
  SharedSnapshots(OpenStore open, Files& files, std::string group, OperatorLog& log,
                  SharedSnapshotsOptions options = {});
  // What was offered is copied within `finish_most`, or given up.
  ~SharedSnapshots();
  // Waits until what was offered is copied, so long at most.
  void finish(Duration most);

  // The file may be gone by the time it is copied: then a newer one was offered, or will be.
  void offer(const std::string& partition, const std::string& path, uint64_t sequence, size_t keep);
  // The newest that is behind `newest_local` and not beyond `committed`, to `path_of` it; 0: there is none.
  Result<uint64_t> fetch(const std::string& partition, uint64_t committed, uint64_t newest_local,
                         const std::function<std::string(uint64_t)>& path_of);

 private:
  struct Offer {
    std::string path;
    uint64_t sequence;
    size_t keep;
  };
  std::string folder_of(const std::string& partition) const;
  void run();
  Status copy(const std::string& partition, const Offer& offer);

  // A call to the store that is ended when it takes longer.
  template <typename Call>
  auto within(Duration most, Call call);

  const OpenStore open_;
  Files& files_;
  const std::string group_;
  OperatorLog& log_;
  const SharedSnapshotsOptions options_;
  std::unique_ptr<ObjectStore> reading_;  // fetch() alone
  std::chrono::steady_clock::time_point left_out_until_{};
  std::mutex mutex_;  // the next four
  std::map<std::string, Offer> offers_;
  bool copying_ = false, stopping_ = false;
  std::unique_ptr<ObjectStore> writing_;  // used by the thread; made and cancelled under the lock
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace paywarden
