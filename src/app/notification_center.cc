#include "app/notification_center.h"

#include "app/setup.h"
#include "center/page_assets.h"
#include "intake/pan.h"
#include "notify/email.h"
#include "notify/webhook.h"

namespace paywarden {
namespace {

Result<ChannelSetup> open_email(const EmailConfig& e) {
  EmailOptions options{.name = e.name,
                       .host = e.host,
                       .port = e.port,
                       .tls = static_cast<SmtpTls>(e.tls),
                       .user = e.user,
                       .from = e.from,
                       .to = e.to,
                       .ca_file = e.ca_file};
  if (!e.password_file.empty()) {
    TRY_ASSIGN(options.password, read_secret_file(e.password_file, "the mail password"));
  }
  TRY_ASSIGN(auto channel, Email::create(std::move(options)));
  return ChannelSetup{std::move(channel), {}};
}

Result<ChannelSetup> open_webhook(const WebhookConfig& w) {
  WebhookOptions options{.name = w.name,
                         .url = w.url,
                         .allow_private = w.allow_private,
                         .allowed_hosts = w.allowed_hosts,
                         .ca_file = w.ca_file};
  TRY_ASSIGN(options.secret, read_secret_file(w.secret_file, "the webhook secret"));
  TRY_ASSIGN(auto channel, Webhook::create(std::move(options)));
  return ChannelSetup{std::move(channel), {}};
}

void add_page(http::Router& router) {
  for (const PageAsset& asset : page_assets())
    router.add_static(asset.path, http::kOpenToAll,
                      {std::string(asset.content_type), asset.bytes, asset.gzip, asset.immutable});
  for (std::string_view path : {"/", "/docs"})
    if (const PageAsset* asset = find_page_asset(path))
      router.add_static(path, http::kOpenToAll,
                        {std::string(asset->content_type), asset->bytes, asset->gzip, false});
}

}  // namespace

Result<std::unique_ptr<NotificationCenter>> NotificationCenter::open(
    const Config& config, NotificationCenterPorts ports) {
  std::unique_ptr<NotificationCenter> center(new NotificationCenter(config, std::move(ports)));
  TRY(center->open_parts());
  return center;
}

Status NotificationCenter::open_parts() {
  TRY_ASSIGN(store_, Store::open({.path = config_.data_directory + "/center.db"}));
  TRY(open_channels());
  AlertingPorts alerting{ports_.clock, ports_.log,
                         [this](std::span<const int64_t> ids) {
                           if (center_) center_->alerts_changed(ids);
                           if (dispatcher_) dispatcher_->wake();
                         },
                         ports_.event_of_change};
  alerting_ = std::make_unique<Alerting>(*store_, config_.schema.fields, alerting_options(),
                                         std::move(alerting));
  follower_ =
      std::make_unique<LogFollower>(ports_.records, *alerting_, FollowerOptions{}, ports_.log);
  CenterPorts center{ports_.clock,
                     ports_.log,
                     ports_.labels,
                     ports_.stats,
                     ports_.status,
                     [](std::string_view text) { return mask_pans(text); },
                     [this] {
                       if (dispatcher_) dispatcher_->wake();
                     }};
  TRY_ASSIGN(center_, Center::create(*store_, {}, std::move(center)));
  return {};
}

AlertingOptions NotificationCenter::alerting_options() const {
  AlertingOptions options;
  options.group_within = config_.notify.group_within;
  options.page_url = config_.notify.page_url;
  for (const EmailConfig& e : config_.notify.emails)
    options.channels.push_back({e.name, Outcome::review, true});
  for (const WebhookConfig& w : config_.notify.webhooks)
    options.channels.push_back({w.name, Outcome::review, true});
  return options;
}

Status NotificationCenter::open_channels() {
  std::vector<ChannelSetup> channels;
  for (const EmailConfig& e : config_.notify.emails) {
    TRY_ASSIGN(auto channel, open_email(e));
    channels.push_back(std::move(channel));
  }
  for (const WebhookConfig& w : config_.notify.webhooks) {
    TRY_ASSIGN(auto channel, open_webhook(w));
    channels.push_back(std::move(channel));
  }
  if (channels.empty()) return {};
  dispatcher_ = std::make_unique<Dispatcher>(
      *store_, std::move(channels), DispatcherOptions{},
      DispatcherPorts{
          ports_.clock, ports_.log, static_cast<uint64_t>(ports_.clock.now().ms()),
          [this](const std::string& channel, const Delivery& row, const std::string& error) {
            notice(dead_delivery_event(channel, row, error, ports_.clock.now()));
          }});
  return {};
}

void NotificationCenter::notice(const SystemEvent& event) {
  if (auto told = alerting_->notice(event); !told)
    ports_.log.write(LogLevel::error, "alert_failed", {{"error", told.error().line()}});
}

Status NotificationCenter::start(uint64_t log_end) {
  TRY(follower_->start(log_end));
  if (dispatcher_) dispatcher_->start();
  center_->start();
  return {};
}

void NotificationCenter::stop_requests() {
  if (center_) center_->stop();
}

void NotificationCenter::stop() {
  stop_requests();
  if (follower_) follower_->stop();
  if (dispatcher_) dispatcher_->stop();
}

void NotificationCenter::add_routes(http::Router& router, ApiRoutes described) {
  center_->add_routes(router);
  add_page(router);
  router.add(http::Method::get, "/openapi.json", http::kOpenToAll,
             [description = openapi_json(described)](http::RequestPtr, http::Reply reply) {
               reply(http::Response::json(200, description));
             });
}

uint64_t NotificationCenter::alerts_open() const {
  auto counts = store_->counts();
  return counts ? static_cast<uint64_t>(counts->open) : 0;
}

void NotificationCenter::add_figures(Families& out) const {
  if (!dispatcher_) return;
  auto& delivered = out.family("paywarden_deliveries_total", "Messages delivered.",
                               prometheus::MetricType::Counter);
  for (const ChannelStats& s : dispatcher_->stats())
    Families::add(delivered, "channel", s.name, d(s.delivered));
  auto& failed = out.family("paywarden_delivery_failures_total", "Attempts that failed.",
                            prometheus::MetricType::Counter);
  for (const ChannelStats& s : dispatcher_->stats())
    Families::add(failed, "channel", s.name, d(s.failed));
  auto& dead = out.family("paywarden_deliveries_dead_total", "Messages given up.",
                          prometheus::MetricType::Counter);
  for (const ChannelStats& s : dispatcher_->stats())
    Families::add(dead, "channel", s.name, d(s.dead));
}

}  // namespace paywarden
