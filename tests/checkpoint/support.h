// What the checkpoint tests share: an object that refuses on demand, folders that clean up, ranks
// as threads, and errors as values.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/runtime/thread_communicator.h"

namespace checkpoint_tests {

namespace cp = counterpoint;
namespace internal = counterpoint::checkpoint_internal;

// A generator as a checkpoint sees it: three words and an algorithm.
class FakeGenerator final : public cp::Saveable {
 public:
  explicit FakeGenerator(std::vector<std::int64_t> words = {1, 2, 3}, std::int64_t replicas = 1)
      : state(std::move(words)), replicas_(replicas) {}

  cp::SavedObject save() const override {
    cp::SavedObject saved{.type = "generator",
                          .attributes = {{"algorithm", "philox"}, {"replicas", replicas_}},
                          .values = {},
                          .members = {}};
    saved.values.emplace(
        "state", cp::Tensor::from<std::int64_t>(state, {static_cast<std::int64_t>(state.size())}));
    return saved;
  }

  std::unique_ptr<cp::PendingRestore> prepare(const cp::SavedObject& saved) override {
    if (on_prepare) on_prepare();
    if (saved.type != "generator") {
      throw cp::Error(cp::ErrorCode::invalid_argument, "holds a " + saved.type + ", no generator");
    }
    if (std::get<std::string>(saved.attributes.at("algorithm")) != "philox") {
      throw cp::Error(cp::ErrorCode::invalid_argument, "has another algorithm than philox");
    }
    const auto words = saved.values.at("state").values<std::int64_t>();
    auto pending = std::make_unique<Pending>(*this);
    pending->words.assign(words.begin(), words.end());
    pending->derived = std::get<std::int64_t>(saved.attributes.at("replicas")) != replicas_;
    return pending;
  }

  void ensure_in_step(const std::source_location& /*location*/,
                      const cp::ValueReader& /*reader*/) override {
    if (on_ensure) on_ensure();
  }

  std::vector<std::int64_t> state;
  std::function<void()> on_prepare;
  std::function<void()> on_ensure;

 private:
  struct Pending final : cp::PendingRestore {
    explicit Pending(FakeGenerator& owner) : generator(owner) {}
    cp::RestoreOutcome outcome() const noexcept override {
      return derived ? cp::RestoreOutcome::derived : cp::RestoreOutcome::exact;
    }
    void commit() noexcept override { generator.state = std::move(words); }

    FakeGenerator& generator;
    std::vector<std::int64_t> words;
    bool derived = false;
  };

  std::int64_t replicas_;
};

// Anything at all, to write files that no object of ours would.
class FakeObject final : public cp::Saveable {
 public:
  explicit FakeObject(cp::SavedObject object) : saved(std::move(object)) {}
  cp::SavedObject save() const override { return saved; }
  std::unique_ptr<cp::PendingRestore> prepare(const cp::SavedObject& restored) override {
    struct Pending final : cp::PendingRestore {
      cp::RestoreOutcome outcome() const noexcept override { return cp::RestoreOutcome::exact; }
      void commit() noexcept override { *target = std::move(value); }
      cp::SavedObject* target = nullptr;
      cp::SavedObject value;
    };
    auto pending = std::make_unique<Pending>();
    pending->target = &saved;
    pending->value = restored;
    return pending;
  }

  cp::SavedObject saved;
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "counterpoint-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The error that `function` throws; a test failure if it throws none.
template <class Function>
cp::Error error_of(Function&& function) {
  try {
    function();
  } catch (const cp::Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return cp::Error(cp::ErrorCode::internal, "nothing was thrown");
}

// Calls `body` as each of `ranks` ranks, on threads.
inline void on_thread_ranks(int ranks,
                            const std::function<void(std::shared_ptr<cp::Communicator>)>& body) {
  std::vector<std::thread> threads;
  for (auto& communicator : cp::ThreadCommunicator::create(ranks)) {
    communicator->set_timeout_seconds(60);
    threads.emplace_back([&body, communicator] {
      const auto attempt = internal::attempting([&] { body(communicator); });
      if (attempt) ADD_FAILURE() << "rank " << communicator->rank() << ": " << attempt->what();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

inline std::shared_ptr<cp::Communicator> one_rank() { return cp::ThreadCommunicator::create(1)[0]; }

inline void expect_same_on_all_ranks(cp::Communicator& communicator, const std::string& text) {
  for (const std::string& other : internal::gather_texts(communicator, text))
    EXPECT_EQ(text, other);
}

}  // namespace checkpoint_tests
