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
