// The configuration: one TOML file, checked whole before anything starts. docs/CONFIGURATION.md is its reference.
//
//   TRY_ASSIGN(auto config, load_config("config/demo.toml"));
//   config->features.names(); config->data_directory;
//
// Relative paths in the file are relative to the file's own directory, but for `data.directory`, which is relative to where
// the program runs. Secrets never stand in it: they come from files or the environment.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/archiver.h"
#include "base/result.h"
#include "drift/drift_counts.h"
#include "engine/core.h"
#include "engine/engine.h"
#include "features/feature.h"
#include "http/server.h"
#include "intake/schema.h"
#include "log/journal.h"
#include "objects/s3_store.h"
#include "simulator/simulator.h"
#include "stream/worker.h"
#include "training/trainer.h"

namespace paywarden {

struct DecisionConfig {
  std::string rules_file;                    // empty: no rules
  std::map<std::string, std::string> lists;  // name -> file, one entry a line
  bool observe = false;                      // mode = "observe"
  std::optional<Thresholds> thresholds;      // instead of the model's own
};

struct ApiConfig {
  Duration deadline = milliseconds(
      500);  // a shop's checkout waits about a second; the default answer comes in time for it
  Outcome default_outcome = Outcome::
      approve;  // what is told at the deadline: a late decline is a lost sale, a late approval is seen by people
};

struct SimulateConfig {
  double rate = 0;  // live payments a second; 0: none
  uint64_t seed = 1;
  uint32_t customers = 5000;
  uint32_t merchants = 2000;
  SimulatorOptions world() const;
};

struct PollConfig {
  std::string name, url;
  Duration every = seconds(12);  // five a minute, as the first such API allows
  std::string time_column = "current_time";
};

struct EmailConfig {
  std::string name = "email", host, from, user, password_file, ca_file;
  std::vector<std::string> to;
  uint16_t port = 587;
  size_t tls = 1;  // none, starttls, tls
};

struct WebhookConfig {
  std::string name = "webhook", url, secret_file, ca_file;
  bool allow_private = false;
  std::vector<std::string> allowed_hosts;
};

struct NotifyConfig {
  Duration group_within = minutes(30);  // suspicious payments of one card this close are one alert
  std::string page_url;  // where people reach the page, without a slash at the end; empty: no links
  std::vector<EmailConfig> emails;
  std::vector<WebhookConfig> webhooks;
};

// Where what happened is kept.
enum class LogKind { journal, kafka };

struct KafkaConfig {
  std::string properties_file;
  std::string labels_topic;                       // empty: labels stand in the payments topic alone
  std::string groups_topic = "paywarden.groups";  // see stream/group_agreement.h
  std::string keyed_by;        // field of the input that its partitions keep together; empty: none
  bool http_payments = false;  // payments and labels are taken over HTTP, too
  bool center = false;         // the notification center runs here
  bool share_snapshots = false;   // through the archive's store
  std::vector<StageSpec> stages;  // that count, in order; empty: one that reads the payments topic
  std::vector<std::string> run;   // names of those that run here; empty: all
  DecideOptions decide;
  StreamOptions stream;  // its client is read from the file at the start
};

enum class ArchiveKind { none, folder, s3 };

struct ArchiveConfig {
  ArchiveKind kind = ArchiveKind::none;
  std::string directory;  // of a folder
  S3Options s3;
  std::string profile, ca_file;  // of an S3 store
  ArchiverOptions options;
};

struct Config {
  std::string file;
  Schema schema;
  FeatureSet features;
  Currency base_currency;
  std::string rates;             // "USD=0.92 JPY=0.0061"
  std::string model_directory;   // empty: none
  std::string shadow_directory;  // of a model that scores and does not act; empty: none
  DecisionConfig decision;
  GuardOptions guard;
  DriftLevels drift;
  std::string data_directory;
  uint64_t disk_free_min =
      uint64_t{1} << 30;  // below it intake answers 503: enough to stop in order and to make room
  std::string card_key_file;  // empty: PAYWARDEN_CARD_KEY, or a key made in the data directory
  Duration future_max = minutes(5);  // a payment dated later than this past its receipt is refused
  Duration idempotency_horizon = days(7);
  Duration label_horizon = days(180);
  EngineOptions engine;
  uint64_t segment_bytes = uint64_t{256} << 20;
  http::ServerOptions http;
  ApiConfig api;
  NotifyConfig notify;
  ArchiveConfig archive;
  SimulateConfig simulate;
  std::vector<PollConfig> polls;
  std::vector<std::string> follows;  // files that grow
  TrainingOptions training;
  LogKind log = LogKind::journal;
  KafkaConfig kafka;

  CoreOptions core_options() const;
};

Result<std::unique_ptr<Config>> load_config(const std::string& file);

}  // namespace paywarden
