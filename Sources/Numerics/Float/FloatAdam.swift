/// One step of Adam (Kingma and Ba, 2015) with decoupled weight decay (Loshchilov and Hutter,
/// 2019) over all parameters at once:
///
///     m = β₁m + (1 − β₁)g,  v = β₂v + (1 − β₂)g²
///     w = w − rate·(m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε) + decay·w)
public enum FloatAdam {
    /// The numbers of one step, the corrections for its start folded in.
    public struct Step: Sendable {
        /// β₁.
        public let firstDecay: Float
        /// β₂.
        public let secondDecay: Float
        /// rate/(1 − β₁ᵗ).
        public let scale: Float
        /// 1/√(1 − β₂ᵗ).
        public let secondScale: Float
        /// ε.
        public let epsilon: Float
        /// rate·decay.
        public let shrink: Float

        /// Step `number` (from 1 on) at learning rate `rate`.
        public init(
            number: Int, rate: Double, decay: Double = 0, firstDecay: Double = 0.9,
            secondDecay: Double = 0.999, epsilon: Double = 1e-8
        ) {
            precondition(number >= 1, "steps count from 1")
            var first = 1.0
            var second = 1.0
            // Past this many steps both corrections are 1 in single precision.
            for _ in 0..<min(number, 20_000) {
                first *= firstDecay
                second *= secondDecay
            }
            self.firstDecay = Float(firstDecay)
            self.secondDecay = Float(secondDecay)
            scale = Float(rate / (1 - first))
            secondScale = Float(1 / (1 - second).squareRoot())
            self.epsilon = Float(epsilon)
            shrink = Float(rate * decay)
        }
    }

    /// Moves `parameters` against `gradients`; `first` and `second` are the moments m and v.
    public static func update(
        _ parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>,
        first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int,
        _ step: Step
    ) {
        let beta1 = SIMD8(repeating: step.firstDecay)
        let beta2 = SIMD8(repeating: step.secondDecay)
        let rest1 = SIMD8(repeating: 1 - step.firstDecay)
        let rest2 = SIMD8(repeating: 1 - step.secondDecay)
        let scale = SIMD8(repeating: step.scale)
        let secondScale = SIMD8(repeating: step.secondScale)
        let epsilon = SIMD8(repeating: step.epsilon)
        let keep = SIMD8(repeating: 1 - step.shrink)
        var place = 0
        while place &+ 8 <= count {
            let g = FloatVector.load(UnsafeRawPointer(gradients), place)
            var m = rest1 * g
            m.addProduct(beta1, FloatVector.load(UnsafeRawPointer(first), place))
            var v = rest2 * g * g
            v.addProduct(beta2, FloatVector.load(UnsafeRawPointer(second), place))
            let move = scale * m / (epsilon.addingProduct(v.squareRoot(), secondScale))
            let w = keep * FloatVector.load(UnsafeRawPointer(parameters), place) - move
            UnsafeMutableRawPointer(first + place).storeBytes(of: m, as: SIMD8<Float>.self)
            UnsafeMutableRawPointer(second + place).storeBytes(of: v, as: SIMD8<Float>.self)
            UnsafeMutableRawPointer(parameters + place).storeBytes(of: w, as: SIMD8<Float>.self)
            place &+= 8
        }
        let done = place
        FloatAdamScalar.update(
            parameters + done, gradients: gradients + done, first: first + done,
            second: second + done, count: count - done, step)
    }
}

/// The plain twin of `FloatAdam`.
public enum FloatAdamScalar {
    /// What `FloatAdam.update` does.
    public static func update(
        _ parameters: UnsafeMutablePointer<Float>, gradients: UnsafePointer<Float>,
        first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int,
        _ step: FloatAdam.Step
    ) {
        for place in 0..<count {
            let g = gradients[place]
            let m = step.firstDecay * first[place] + (1 - step.firstDecay) * g
            let v = step.secondDecay * second[place] + (1 - step.secondDecay) * g * g
            let move = step.scale * m / (v.squareRoot() * step.secondScale + step.epsilon)
            first[place] = m
            second[place] = v
            parameters[place] = (1 - step.shrink) * parameters[place] - move
        }
    }
}
