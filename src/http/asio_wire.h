// The Wire over Asio, and its TLS side. Costs seconds to compile: included by asio_wire.cc and
// server.cc alone.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "base/result.h"
#include "http/server.h"
#include "http/wire.h"

namespace paywarden::http {

using Tcp = boost::asio::ip::tcp;
using Socket = Tcp::socket::rebind_executor<boost::asio::io_context::executor_type>::other;
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// `tls` is null for plain HTTP.
std::unique_ptr<Wire> make_wire(Socket socket, TlsContext tls);

Result<TlsContext> load_tls(const TlsFiles& files);

}  // namespace paywarden::http
