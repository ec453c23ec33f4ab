// The instruction sets that the forest has code for. All give the same bits; they differ in speed
// alone.
//
//   Isa isa = best_isa();                       // of this processor
//   auto forest = CompiledForest::compile(model, isa);
//   auto slow = CompiledForest::compile(model, Isa::scalar);   // for tests: equal bit by bit
#pragma once

namespace paywarden {

enum class Isa { scalar, avx2, avx512 };

// Whether this processor (and its operating system) runs it. scalar: always. avx512: needs F, BW, VL,
// VBMI and GFNI (Intel since Ice Lake, AMD since Zen 4).
bool is_supported(Isa isa);
Isa best_isa();
const char* name_of(Isa isa);

}  // namespace paywarden
