#include "wire/head_request.hpp"

#include <hoist/version.hpp>

namespace hoist::wire {

void append_head_request(std::string& out, const url& what) {
  out.append("HEAD ").append(what.target).append(" HTTP/1.1\r\nHost: ").append(what.where.authority());
  out.append("\r\nUser-Agent: hoist/").append(version()).append("\r\n\r\n");
}

} // namespace hoist::wire
