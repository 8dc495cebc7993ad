// What a read that fails says of the file: that it is damaged, or nothing, so that restore_latest
// steps past the one and not past the other.
#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

struct Fault {
  int error;
  cp::ErrorCode code;
};

class ReadFault : public testing::TestWithParam<Fault> {
 protected:
  // Restores where the newest of two checkpoints cannot be read.
  std::int64_t restored_step() {
    const TemporaryFolder folder;
    std::int64_t value = 1;
    auto files = std::make_shared<FaultyFiles>();
    cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.files = files});
    manager.save(1);
    manager.save(2);
    files->decide = [&, once = false](const std::string& call, int) mutable {
      return call == "read" && !std::exchange(once, true) ? -GetParam().error : 0;
    };
    return manager.restore_latest();
  }
};

TEST_P(ReadFault, IsDamageWhereTheDiskSaysSo) {
  if (GetParam().code == cp::ErrorCode::data_loss) {
    EXPECT_EQ(restored_step(), 1);
    return;
  }
  const cp::Error error = error_of([&] { restored_step(); });
  EXPECT_EQ(error.code(), GetParam().code) << error.what();
  EXPECT_NE(error.message().find(std::strerror(GetParam().error)), std::string::npos)
      << error.what();
  EXPECT_EQ(error.message().find("another process"), std::string::npos) << error.what();
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, ReadFault,
                         testing::Values(Fault{EIO, cp::ErrorCode::data_loss},
                                         Fault{EBADMSG, cp::ErrorCode::data_loss},
                                         Fault{EUCLEAN, cp::ErrorCode::data_loss},
                                         Fault{ENOMEM, cp::ErrorCode::resource_exhausted},
                                         Fault{ENOBUFS, cp::ErrorCode::resource_exhausted},
                                         Fault{EAGAIN, cp::ErrorCode::unavailable},
                                         Fault{ESTALE, cp::ErrorCode::unavailable},
                                         Fault{EACCES, cp::ErrorCode::failed_precondition}));

}  // namespace
}  // namespace checkpoint_tests
