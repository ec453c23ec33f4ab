#include "app/commands.h"
namespace paywarden {
Status run_evaluate(const EvaluateCommand&) { return fail("not there yet"); }
}  // namespace paywarden
