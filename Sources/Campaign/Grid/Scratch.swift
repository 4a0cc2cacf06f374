import Glibc

/// Memory that only grows; kernels work in it without allocating.
///
/// Zeros come from calloc(3): large rooms are not touched before they are used, and most of what
/// a network might need never is. What is used from end to end may have large pages instead, for
/// a fault for every 4 kB takes longer than what is then done there.
final class Scratch<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    private let filler: Element
    private let isUsedWhole: Bool
    /// The large pages; nil where `base` comes from calloc(3).
    private var pages: LargePages?

    /// Room for `capacity` elements, all `filler`.
    init(_ capacity: Int = 0, filler: Element, isUsedWhole: Bool = false) {
        self.capacity = max(capacity, 8)
        self.filler = filler
        self.isUsedWhole = isUsedWhole
        (base, pages) = Self.room(self.capacity, filler, isUsedWhole)
    }

    /// At least `count` elements; what was in them is lost when it grows.
    func ensure(_ count: Int) {
        guard count > capacity else { return }
        release()
        capacity = max(count, capacity + capacity / 2)
        (base, pages) = Self.room(capacity, filler, isUsedWhole)
    }

    private static func room(
        _ count: Int, _ filler: Element, _ isUsedWhole: Bool
    ) -> (UnsafeMutablePointer<Element>, LargePages?) {
        let size = MemoryLayout<Element>.stride
        var pages: LargePages?
        var memory: UnsafeMutableRawPointer?
        if isUsedWhole, count >= LargePages.least / size {
            pages = LargePages(bytes: count * size)
            memory = pages?.base
        }
        guard let memory = memory ?? calloc(count, size) else {
            preconditionFailure("no memory for \(count) numbers of \(size) bytes")
        }
        let base = memory.bindMemory(to: Element.self, capacity: count)
        let isZero = withUnsafeBytes(of: filler) { $0.allSatisfy { $0 == 0 } }
        if !isZero { base.initialize(repeating: filler, count: count) }
        return (base, pages)
    }

    private func release() {
        if let pages { pages.release() } else { free(base) }
    }

    deinit { release() }
}

/// Zeros in pages of 2 MB, where the system has such.
struct LargePages {
    /// Bytes for which a page of this size is worth its clearing.
    static let least = size / 4
    private static let size = 1 << 21

    let base: UnsafeMutableRawPointer
    private let length: Int

    /// Room for `bytes`; nil when there is none.
    init?(bytes: Int) {
        length = (bytes + Self.size - 1) / Self.size * Self.size
        // One page more, for the first must begin where a page does.
        let all = mmap(
            nil, length + Self.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let all, all != MAP_FAILED else { return nil }
        let before = -Int(bitPattern: all) & (Self.size - 1)
        base = all + before
        if before > 0 { munmap(all, before) }
        if before < Self.size { munmap(base + length, Self.size - before) }
        madvise(base, length, MADV_HUGEPAGE)
    }

    func release() { munmap(base, length) }
}
