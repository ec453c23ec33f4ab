// What a model's bundle says of the distribution that it was trained on (forest/reference.h).
//
//   bundle.reference = reference_of(data, slice);
//
// Features: over all rows. The score: over the later slice, whose payments the scoring model has not seen, as decisions will
// compare it. How far single days are from the whole, `day_psi_max`: of days with 200 rows or more (with fewer, chance alone
// gives 0.05 and more); for features of those in the later half of the rows, where the windows' state is warm.
//
// Cost: some 10 ns a value, and 100 bytes a feature and day.
#pragma once

#include <vector>

#include "forest/reference.h"
#include "training/dataset.h"
#include "training/thresholds.h"

namespace paywarden {

ModelReference reference_of(const Dataset& data, const std::vector<SlicePayment>& slice);

}  // namespace paywarden
