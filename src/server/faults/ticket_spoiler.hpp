// Hostile and odd answers to a presign: each takes the honest JSON and changes one thing. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hoist::server {

[[nodiscard]] bool can_spoil_ticket(std::string_view name) noexcept;
[[nodiscard]] std::vector<std::string_view> ticket_spoiler_names();
// `json` is as presign_api writes it; `content_type` is what the request asked for.
void spoil_ticket(std::string_view name, std::string& json, std::string_view content_type);

} // namespace hoist::server
