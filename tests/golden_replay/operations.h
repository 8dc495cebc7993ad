// What the steps of a case can ask for: tables by the name of the operation, so that a new one is a
// new entry.
//
//   golden::draws().at("normal")(generator, step);           // a tensor
//   golden::changes().at("skip")(generator, step);           // moves or sets the state
//   golden::stateless_functions().at("stateless_shuffle")(step);
//
// Thread-safety: the tables are constant.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "counterpoint/runtime/generator.h"
#include "golden_replay/case_file.h"
#include "golden_replay/compare.h"

namespace golden {

using Draw = std::function<counterpoint::Tensor(counterpoint::Generator&, const json& step)>;
using Change = std::function<void(counterpoint::Generator&, const json& step)>;
using Make = std::function<counterpoint::Generator(const json& step)>;
using Stateless = std::function<counterpoint::Tensor(const json& step)>;

const std::map<std::string, Make>& makers();
const std::map<std::string, Draw>& draws();
const std::map<std::string, Change>& changes();
const std::map<std::string, Stateless>& stateless_functions();

// For a step that may be 2 ULP off (f64 normals), its standard normals, drawn from `generator`, and
// its parameters, broadcast; none for every other step.
std::optional<NormalParts> normal_parts(const counterpoint::Generator& generator, const json& step);
bool has_slack(const json& step);

// The same for a stateless step with slack (f64 normals and gamma), of which `got` is the result.
std::optional<NormalParts> stateless_parts(const json& step, const counterpoint::Tensor& got);

}  // namespace golden
