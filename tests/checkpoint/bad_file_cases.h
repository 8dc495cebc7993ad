// Files that cannot be restored, on any number of ranks.
#pragma once

#include <sys/stat.h>

#include <array>
#include <string>

#include "checkpoint/collective_case.h"
#include "counterpoint/checkpoint/checkpoint.h"

namespace checkpoint_tests {

// Every bad file gives its code, on every rank, and changes nothing.
inline void bad_files(const World& world, const std::string& folder) {
  auto noise = std::make_shared<FakeGenerator>();
  std::int64_t step = 1;
  const std::string good = folder + "/good.h5";
  cp::Checkpoint checkpoint(world, {{"noise", noise}, {"step", step}});
  checkpoint.save(good);
  const std::string bytes = read_file(good);

  if (world->rank() == 0) {
    write_file(folder + "/empty.h5", "");
    write_file(folder + "/one.h5", bytes.substr(0, 1));
    write_file(folder + "/header.h5", bytes.substr(0, 512));
    write_file(folder + "/truncated.h5", bytes.substr(0, bytes.size() - 1));
    write_file(folder + "/longer.h5", bytes + "x");
    write_file(folder + "/foreign.h5", "PK\3\4" + bytes.substr(4));
    std::string flipped = bytes;
    flipped[bytes.size() / 2] ^= 1;
    write_file(folder + "/flipped.h5", flipped);
    flipped = bytes;
    flipped[100] ^= 1;
    write_file(folder + "/flipped_header.h5", flipped);
    std::filesystem::create_directory(folder + "/folder.h5");
    std::filesystem::create_symlink(good, folder + "/link.h5");
    EXPECT_EQ(::mknod((folder + "/fifo.h5").c_str(), S_IFIFO | 0600, 0), 0);
    EXPECT_EQ(::mknod((folder + "/socket.h5").c_str(), S_IFSOCK | 0600, 0), 0);
  }
  world->barrier();
  // What is there and is no regular file is not replaced either.
  for (const char* name : {"/folder.h5", "/link.h5"}) {
    const std::string path = folder + name;
    const cp::Error error = error_of([&] { cp::Checkpoint(world, {{"step", step}}).save(path); });
    EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition) << error.what();
    EXPECT_NE(error.message().find("does not replace"), std::string::npos) << error.what();
  }
  double another = 0;
  cp::Tensor floats(cp::DType::f32, {3});
  cp::Checkpoint(world, {{"step", step}}).save(folder + "/absent_object.h5");
  cp::Checkpoint(world, {{"noise", another}, {"step", step}}).save(folder + "/other_type.h5");
  cp::Checkpoint(world, {{"noise", noise}, {"step", another}}).save(folder + "/other_element.h5");
  FakeObject threefry(noise->save());
  threefry.saved.attributes["algorithm"] = "threefry";
  cp::Checkpoint(world, {{"noise", std::make_shared<FakeObject>(threefry)}, {"step", step}})
      .save(folder + "/other_algorithm.h5");

  struct Row {
    const char* file;
    cp::ErrorCode code;
    const char* words;
  };
  const std::array rows = {
      Row{"missing.h5", cp::ErrorCode::not_found, "no such file"},
      Row{"empty.h5", cp::ErrorCode::data_loss, "empty"},
      Row{"one.h5", cp::ErrorCode::data_loss, "not a checkpoint"},
      Row{"header.h5", cp::ErrorCode::data_loss, "truncated to 512"},
      Row{"truncated.h5", cp::ErrorCode::data_loss, "truncated"},
      Row{"longer.h5", cp::ErrorCode::data_loss, "were written"},
      Row{"foreign.h5", cp::ErrorCode::data_loss, "not a checkpoint"},
      Row{"flipped.h5", cp::ErrorCode::data_loss, "damaged"},
      Row{"flipped_header.h5", cp::ErrorCode::data_loss, "damaged"},
      Row{"folder.h5", cp::ErrorCode::failed_precondition, "a directory"},
      Row{"link.h5", cp::ErrorCode::failed_precondition, "a symbolic link to '"},
      Row{"fifo.h5", cp::ErrorCode::failed_precondition, "a FIFO"},
      Row{"socket.h5", cp::ErrorCode::failed_precondition, "a socket"},
      Row{"absent_object.h5", cp::ErrorCode::not_found, "no object 'noise'"},
      Row{"other_type.h5", cp::ErrorCode::invalid_argument, "object 'noise' holds a number"},
      Row{"other_element.h5", cp::ErrorCode::invalid_argument, "object 'step'"},
      Row{"other_algorithm.h5", cp::ErrorCode::invalid_argument, "another algorithm"},
  };
  noise->state = {7, 7, 7};
  step = 5;
  world->barrier();
  for (const Row& row : rows) {
    const std::string path = folder + "/" + row.file;
    const cp::Error error = error_of([&] { checkpoint.restore(path); });
    EXPECT_EQ(error.code(), row.code) << error.what();
    EXPECT_NE(error.message().find(row.words), std::string::npos) << error.what();
    EXPECT_NE(error.message().find(path), std::string::npos) << error.what();
    expect_same_on_all_ranks(*world, error.what());
    EXPECT_EQ(noise->state, (std::vector<std::int64_t>{7, 7, 7})) << row.file;
    EXPECT_EQ(step, 5) << row.file;
  }
  checkpoint.restore(good);
  EXPECT_EQ(step, 1);
}

}  // namespace checkpoint_tests
