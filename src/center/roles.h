// Who may do what. A role stands on a user or an API key; a route names the role that it needs.
//
//   allows(Role::admin, Role::analyst)   // true
//   *role_of("analyst")
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace paywarden {

enum class Role : uint8_t {
  intake,    // sends payments and labels; keys only
  observer,  // reads metrics; keys only
  reader,    // reads decisions too; keys only
  analyst,   // works with alerts
  admin,     // everything
};
inline constexpr std::array<std::string_view, 5> kRoleNames = {"intake", "observer", "reader",
                                                               "analyst", "admin"};

constexpr std::string_view name_of(Role role) {
  return kRoleNames[static_cast<size_t>(role)];
}

constexpr std::optional<Role> role_of(std::string_view name) {
  for (size_t i = 0; i < kRoleNames.size(); ++i)
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  return std::nullopt;
}

// Sending payments is a matter of its own: neither does an intake key read, nor does an analyst
// send.
constexpr bool allows(Role have, Role need) {
  if (have == Role::admin || have == need) return true;
  return have != Role::intake && need != Role::intake && have > need;
}

// People sign in as analyst or admin; the other roles are for programs.
constexpr bool is_for_people(Role role) {
  return role == Role::analyst || role == Role::admin;
}

}  // namespace paywarden
