/// A register of floats, as the bounds of boxes and of cells fill it.
extension SIMD8<Float> {
    /// Eight floats from memory of any alignment.
    @inline(__always)
    static func load(_ place: UnsafePointer<Float>) -> SIMD8<Float> {
        UnsafeRawPointer(place).loadUnaligned(as: SIMD8<Float>.self)
    }

    /// `number` in the lanes whose bits are all set in `mask`, zero where none is.
    @inline(__always)
    static func masked(_ number: Float, _ mask: SIMD8<UInt32>) -> SIMD8<Float> {
        unsafeBitCast(SIMD8<UInt32>(repeating: number.bitPattern) & mask, to: SIMD8<Float>.self)
    }
}

extension SIMD8<Float> {
    /// Writes the numbers to `place`, which need not be aligned.
    @inline(__always)
    func store(to place: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(place).storeBytes(of: self, as: SIMD8<Float>.self)
    }

    /// Lane by lane the larger number, its own where the other is not a number.
    @inline(__always)
    func larger(_ other: SIMD8<Float>) -> SIMD8<Float> {
        replacing(with: other, where: other .> self)
    }

    /// Lane by lane the smaller number, its own where the other is not a number.
    @inline(__always)
    func smaller(_ other: SIMD8<Float>) -> SIMD8<Float> {
        replacing(with: other, where: other .< self)
    }

    /// The sizes of the numbers.
    @inline(__always)
    var sizes: SIMD8<Float> {
        unsafeBitCast(
            unsafeBitCast(self, to: SIMD8<UInt32>.self) & SIMD8<UInt32>(repeating: 0x7fff_ffff),
            to: SIMD8<Float>.self)
    }

    /// The largest of the numbers.
    @inline(__always)
    var largest: Float {
        var four = lowHalf
        four.replace(with: highHalf, where: highHalf .> four)
        var two = four.lowHalf
        two.replace(with: four.highHalf, where: four.highHalf .> two)
        return two[0] < two[1] ? two[1] : two[0]
    }
}
