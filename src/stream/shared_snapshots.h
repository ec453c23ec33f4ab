// Snapshots where every instance of a group finds them: copies of local ones in an object store, taken in the background.
//
//   SharedSnapshots shared(std::move(store), files, "paywarden", log);
//   shared.offer("payments-0", path_of_local_file, sequence, 2);     // never blocks; the newest offer of a partition counts
//   TRY(shared.fetch("payments-0", committed, newest_local, to_path));   // on a takeover
//
// Objects: snapshots/<group>/<topic>-<partition>/<20 digits>.pws. What is in them is the same whoever wrote it: the state is a
// function of the partition's records. offer() and fetch() by one thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/files.h"
#include "base/operator_log.h"
#include "objects/object_store.h"

namespace paywarden {

class SharedSnapshots {
 public:
  // Two stores of the same objects: one for the thread, one for fetch().
  SharedSnapshots(std::unique_ptr<ObjectStore> writing, std::unique_ptr<ObjectStore> reading,
                  Files& files, std::string group, OperatorLog& log);
  ~SharedSnapshots();

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

  std::unique_ptr<ObjectStore> writing_, reading_;
  Files& files_;
  const std::string group_;
  OperatorLog& log_;
  std::mutex mutex_;  // the next two
  std::map<std::string, Offer> offers_;
  bool stopping_ = false;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace paywarden
