import Glibc

// How the frames of a block are foreseen. The format leaves these choices free.
extension SpectralEncoder {
    /// Noise of rounding alone, counts squared.
    private static let roundingNoise: Float = 1 / 12
    /// Excess of a frame's energy over the expected one that counts as a change of the light.
    private static let changeShare: Float = 0.12
    /// Energy, in units of the noise, from which it is asked whether a frame had better be coded
    /// without looking back.
    private static let strangeEnergy: Float = 16

    /// Decides how each of `frames` frames is coded and leaves residuals and scales.
    func plan(_ frames: Int) {
        let noise = noise(frames)
        // How uncertain the mean is, in units of the noise of one frame.
        var doubt: Float = 1
        for frame in 0..<frames {
            if frame == 0 || !planInter(frame, noise, &doubt) {
                planIntra(frame)
                doubt = 1
            }
        }
        let plans = plans
        fit.fit(
            ScaleFit.Evidence(
                shape: memory.shape, frames: frames, sums: sums, bins: middles,
                isIntra: { plans[$0].isIntra }))
    }

    /// The weighted square of a pixel from noise alone: a quarter of the frames differ less from
    /// the frame before.
    private func noise(_ frames: Int) -> Float {
        guard frames > 1 else { return 0 }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: frames) { all in
            for frame in 1..<frames {
                let energy = FrameKernels.difference(
                    memory.shape, memory.counts(frame), memory.counts(frame - 1))
                // Kept in order; there are few.
                var place = frame - 1
                while place > 0, all[place - 1] > energy {
                    all[place] = all[place - 1]
                    place -= 1
                }
                all[place] = energy
            }
            let looked = (pixels + 63) / 64 * 16
            return all[(frames - 1) / 4] / Float(2 * min(looked, pixels))
        }
    }

    private func planIntra(_ frame: Int) {
        let counts = UnsafePointer(memory.counts(frame))
        let residuals = memory.residuals + frame * memory.shape.padded
        let sums = sums + frame * memory.shape.bands
        var best = (way: 0, bits: Float.infinity)
        for way in 0..<IntraFrame.ways {
            IntraFrame.residuals(
                way, pixels: pixels, counts: counts, residuals: residuals, sums: sums)
            let bits = bits(sums)
            if bits < best.bits { best = (way, bits) }
        }
        IntraFrame.residuals(
            best.way, pixels: pixels, counts: counts, residuals: residuals, sums: sums)
        plans[frame] = FramePlan()
        plans[frame].way = best.way
        plans[frame].start = counts[0]
        memory.restart(frame)
    }

    /// Roughly what residuals cost whose sizes have these sums by band, up to a constant.
    private func bits(_ sums: UnsafePointer<UInt32>) -> Float {
        var bits: Float = 0
        for band in 0..<memory.shape.bands {
            let count = Float(min(FrameShape.band, pixels - band * FrameShape.band))
            bits += count * log2f(Float(sums[band]) / count + 0.3)
        }
        return bits
    }

    /// Foresees a frame from those before it; false when that is worse than not looking back.
    private func planInter(_ frame: Int, _ noise: Float, _ doubt: inout Float) -> Bool {
        let shape = memory.shape
        let counts = memory.counts(frame)
        FrameKernels.moments(
            shape, mean: memory.mean, counts: counts, into: workspace.moments)
        var weights: Float = 0
        for band in 0..<shape.bands { weights += workspace.moments[band].square0 }
        // Σ weight · mean² over the pixels is nearly their mean count.
        let floor = Self.roundingNoise / (weights / Float(pixels) + GainMoments.softening)
        let noise = max(noise, floor)
        let found = GainFit(pixels: pixels, bands: shape.bands, noise: noise, workspace)
        var plan = FramePlan()
        plan.isIntra = false
        plan.curve = curve(found, frame, noise)
        let energy = found.energy / noise
        let tolerance = Self.changeShare + 3 * sqrtf(2 / Float(pixels))
        if energy > (1 + doubt) * (1 + tolerance) { doubt = energy - 1 }
        let weight = doubt / (1 + doubt)
        doubt = weight
        plan.weightCode = min(max(Int((weight * 256).rounded()) - 1, 0), 255)
        let place = frame * shape.padded
        FrameKernels.predict(
            shape, mean: memory.mean, curve: memory.expanded(plan.curve),
            expected: memory.expected, bins: memory.bins + place)
        FrameKernels.residuals(
            shape, counts: counts, expected: memory.expected,
            residuals: memory.residuals + place, sums: sums + frame * shape.bands)
        if energy > Self.strangeEnergy, isWorse(frame) { return false }
        coarsen(frame, &plan)
        FrameKernels.update(
            shape, expected: memory.expected, counts: counts, weight: plan.weight,
            mean: memory.mean)
        let bins = memory.bins + place
        for band in 0..<shape.bands {
            let middle = min(band * FrameShape.band + FrameShape.band / 2, pixels - 1)
            middles[frame * shape.bands + band] = UInt8(truncatingIfNeeded: bins[middle])
        }
        plans[frame] = plan
        return true
    }

    /// Whether the residuals of a frame would be smaller without looking back.
    private func isWorse(_ frame: Int) -> Bool {
        let place = memory.shape.bands * frame
        let inter = bits(sums + place)
        let counts = UnsafePointer(memory.counts(frame))
        for way in 0..<IntraFrame.ways {
            // The scratch for residuals is that of the frame: they are made again if need be.
            IntraFrame.residuals(
                way, pixels: pixels, counts: counts,
                residuals: memory.residuals + frame * memory.shape.padded, sums: sums + place)
            let scales = Float(SideSection.scaleBits * memory.shape.bands)
            if bits(sums + place) + scales < inter { return true }
        }
        FrameKernels.residuals(
            memory.shape, counts: counts, expected: memory.expected,
            residuals: memory.residuals + frame * memory.shape.padded, sums: sums + place)
        return false
    }

    /// Takes the coarser steps that a near-lossless block allows.
    private func coarsen(_ frame: Int, _ plan: inout FramePlan) {
        guard let nearLossless, nearLossless.coarsen(memory, frame: frame) else { return }
        plan.isExact = false
        let sums = sums + frame * memory.shape.bands
        let residuals = memory.residuals + frame * memory.shape.padded
        for band in 0..<memory.shape.bands {
            sums[band] = 0
            let first = band * FrameShape.band
            for pixel in first..<min(first + FrameShape.band, pixels) {
                sums[band] += UInt32(Int16(bitPattern: residuals[pixel]).magnitude)
            }
        }
    }

    /// The curve that was found, in the coarsest steps that lose little: about twice the
    /// uncertainty of the knots. Leaves its codes and what a reader will have.
    private func curve(_ found: GainFit, _ frame: Int, _ noise: Float) -> GainCurve {
        var curve = GainCurve()
        guard found.level > 0 else { return curve }
        curve.level = found.level
        let knots = GainCurve.knots(found.level, pixels: pixels)
        var fineness: Float = 0
        for knot in 0..<knots {
            // Steps at fineness 20 are 1, and 2^(level of the counts) of them a like share.
            curve.fineness = GainCurve.finenessLimit
            let diagonal = max(workspace.diagonals[found.start + knot], 1e-12)
            let pixel = min(knot * max(GainCurve.spacing(found.level), 1), pixels - 1)
            let level = GainCurve.halfExponent(
                max(memory.mean[FrameShape.paired(found.level == 1 ? pixels / 2 : pixel)], 1))
            fineness += -log2f(2 * sqrtf(noise / diagonal)) - Float(level)
        }
        let mean = (fineness / Float(knots)).rounded()
        curve.fineness = Int(min(max(mean, 0), Float(GainCurve.finenessLimit)))
        for knot in 0..<knots {
            steps[knot] = curve.step(knot: knot, pixels: pixels, mean: memory.mean)
        }
        return cheapest(curve, knots, workspace.offsets + found.start, frame)
    }

    /// The way of foreseeing knots with the shortest codes.
    private func cheapest(
        _ curve: GainCurve, _ knots: Int, _ wanted: UnsafePointer<Float>, _ frame: Int
    ) -> GainCurve {
        let codes = knotCodes + frame * GainCurve.knotLimit
        var best = GainCurve()
        var least = Float.infinity
        for slopes in knots > 2 ? 0...2 : 0...0 {
            var tried = curve
            tried.slopes = slopes
            guard
                tried.quantize(
                    wanted, count: knots, steps: steps, codes: codes, offsets: memory.offsets)
            else { continue }
            var sum: Float = 0
            for knot in 0..<knots { sum += Float(codes[knot]) }
            guard sum < least else { continue }
            least = sum
            let order = Int(log2f(max(sum / Float(knots), 1)))
            tried.order = min(order, GainCurve.orderLimit)
            best = tried
        }
        if best.level > 0, best.slopes < 2 {
            _ = best.quantize(
                wanted, count: knots, steps: steps, codes: codes, offsets: memory.offsets)
        }
        return best
    }
}

extension GainFit.Workspace {
    func deallocate() {
        moments.deallocate()
        offsets.deallocate()
        diagonals.deallocate()
        scratch.deallocate()
    }
}
