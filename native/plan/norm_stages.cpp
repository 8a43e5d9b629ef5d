#include "plan/norm_stages.h"

#include "arith/layer_norm.h"
#include "ops/layer_norm.h"

namespace requant::plan {
namespace {

class LayerNorm : public Stage {
 public:
  LayerNorm(ValueId input, ValueId output, ops::LayerNorm norm)
      : Stage({input}, output), norm_(std::move(norm)) {}
  void run(const Block& block) const noexcept override {
    const auto x = block.view<const float>(input());
    const auto y = block.view<float>(output());
    for (size_t r = 0; r < x.rows; ++r) norm().row(block.kernel.vector->norm, x.row(r), y.row(r));
  }
  size_t bytes() const noexcept override { return norm_.bytes(); }

 protected:
  const ops::LayerNorm& norm() const noexcept { return norm_; }

 private:
  ops::LayerNorm norm_;
};

class LayerNormOfCodes final : public LayerNorm {
 public:
  LayerNormOfCodes(ValueId input, ValueId output, ops::LayerNorm norm, float scale)
      : LayerNorm(input, output, std::move(norm)),
        epsilon_(arith::code_epsilon(this->norm().epsilon(), scale, this->norm().features())) {}
  void run(const Block& block) const noexcept override {
    const auto q = block.view<const uint8_t>(input());
    const auto y = block.view<float>(output());
    for (size_t r = 0; r < q.rows; ++r)
      norm().codes_row(block.kernel.vector->norm, q.row(r), epsilon_, y.row(r));
  }

 private:
  double epsilon_;
};

}  // namespace

Result<std::unique_ptr<Stage>> make_layer_norm(size_t features, const LayerNormSpec& spec) {
  auto norm = ops::LayerNorm::make(features, spec.epsilon, spec.weight, spec.bias);
  if (!norm.ok()) return norm.status;
  if (!spec.grid)
    return std::unique_ptr<Stage>(new LayerNorm(spec.input, spec.output, std::move(norm.value)));
  return std::unique_ptr<Stage>(
      new LayerNormOfCodes(spec.input, spec.output, std::move(norm.value), spec.grid->scale.front()));
}

}  // namespace requant::plan
