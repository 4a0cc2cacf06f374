/// A fixed stretch of floats, zero at first, aligned to a cache line. A kernel's working space:
/// made once, outside the loop, and handed in.
public final class FloatBuffer {
    /// The first element.
    public let base: UnsafeMutablePointer<Float>
    /// How many elements there are.
    public let count: Int

    /// `count` zeros.
    public init(count: Int) {
        precondition(count >= 0, "a buffer has no negative length")
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
        base = raw.bindMemory(to: Float.self, capacity: max(count, 1))
        base.initialize(repeating: 0, count: max(count, 1))
    }

    /// A copy of `values`.
    public convenience init(_ values: [Float]) {
        self.init(count: values.count)
        for (index, value) in values.enumerated() { base[index] = value }
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }

    /// What it holds.
    public var values: [Float] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Takes over the elements of a buffer of the same length.
    public func copy(_ other: FloatBuffer) {
        precondition(other.count == count, "buffers of one length")
        base.update(from: other.base, count: count)
    }
}
