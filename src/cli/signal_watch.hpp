#pragma once

// Ctrl-C and its kin, for as long as a run lasts: each is told, and the third ends the process.

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>

namespace hoist::cli {

class signal_watch {
 public:
  /// `tell`: which signal, and the how manieth it is; on the context's thread.
  signal_watch(boost::asio::io_context& context, std::function<void(int number, int nth)> tell);

  void begin();
  /// Nothing more is told, and the context is not kept busy any longer, whatever was on its way.
  void end();
  int seen() const { return seen_; }

 private:
  boost::asio::signal_set signals_;
  std::function<void(int, int)> tell_;
  int seen_ = 0;
  bool ended_ = false;
};

} // namespace hoist::cli
