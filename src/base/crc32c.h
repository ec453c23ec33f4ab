// CRC32C (Castagnoli, polynomial 0x1EDC6F41 reflected; RFC 3720 section 12.1): the checksum of
// journal records.
//
//   uint32_t crc = crc32c(bytes);                  // "123456789" -> 0xE3069283
//   crc = crc32c(more_bytes, crc);                 // the same as over both joined
//   uint32_t slow = crc32c_by_table(bytes);        // equal on every processor
//
// Takes the processor's crc32 instruction where it has one (asked once, at the first call). Any
// thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace paywarden {

uint32_t crc32c(std::string_view bytes, uint32_t before = 0);
uint32_t crc32c_by_table(std::string_view bytes, uint32_t before = 0);
// False: this processor has no crc32 instruction, crc32c() is crc32c_by_table().
bool crc32c_has_hardware();

}  // namespace paywarden
