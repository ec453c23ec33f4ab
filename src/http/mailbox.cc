#include "http/mailbox.h"

namespace paywarden::http {

void Mailbox::push(RefPtr<Deliverable> item) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  items_.push_back(std::move(item));
  if (items_.size() == 1) wake_();
}

void Mailbox::drain() {
  {
    std::lock_guard lock(mutex_);
    items_.swap(draining_);
  }
  for (RefPtr<Deliverable>& item : draining_) item->deliver();
  draining_.clear();
}

void Mailbox::close() {
  std::vector<RefPtr<Deliverable>> dropped;  // their destructors run without the lock
  std::lock_guard lock(mutex_);
  closed_ = true;
  items_.swap(dropped);
}

}  // namespace paywarden::http
