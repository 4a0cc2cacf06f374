import CSimd

/// The way one processor multiplies 8-bit weights by activations. Chosen once at start; every
/// kernel gives the same integers, bit by bit, as its scalar twin.
public struct Int8Kernel: Sendable {
    /// What it is made of: `avx512vnni`, `avxvnni`, `avx2`, `sdot`, `neon` or `plain`.
    public let name: String
    /// Whether codes of 14 bits go in as two planes of seven bits rather than as 16-bit words.
    let splitsCodes: Bool
    /// Multiplies codes of 14 bits.
    let fine: argent_int8_product
    /// Multiplies codes of seven bits, which always are planes.
    let coarse: argent_int8_product

    /// The fastest kernel of this processor.
    public static let current = runnable[0]

    /// Every kernel this processor can run, the fastest first, the plain ones last.
    public static let runnable: [Int8Kernel] = vectorKernels() + [plain, plainPlanes]

    /// Plain C, 16-bit words: the scalar twin of `avx2` and `neon`.
    public static let plain = Int8Kernel(
        name: "plain", splitsCodes: false, fine: argent_int8_plain_words,
        coarse: argent_int8_plain_low)

    /// Plain C on planes: the scalar twin of the dot-product kernels.
    public static let plainPlanes = Int8Kernel(
        name: "plain-planes", splitsCodes: true, fine: argent_int8_plain_planes,
        coarse: argent_int8_plain_low)

    /// The scalar twin of this kernel: the same form of codes, the same sums.
    public var twin: Int8Kernel { splitsCodes ? .plainPlanes : .plain }

    #if arch(x86_64)
        private static func vectorKernels() -> [Int8Kernel] {
            var kernels: [Int8Kernel] = []
            if argent_cpu_has_avx512vnni() {
                kernels.append(
                    Int8Kernel(
                        name: "avx512vnni", splitsCodes: true,
                        fine: argent_int8_avx512vnni_planes, coarse: argent_int8_avx512vnni_low))
            }
            if argent_cpu_has_avxvnni() {
                kernels.append(
                    Int8Kernel(
                        name: "avxvnni", splitsCodes: true, fine: argent_int8_avxvnni_planes,
                        coarse: argent_int8_avxvnni_low))
            }
            if argent_cpu_has_avx2() {
                kernels.append(
                    Int8Kernel(
                        name: "avx2", splitsCodes: false, fine: argent_int8_avx2_words,
                        coarse: argent_int8_avx2_low))
                // Slower than words here; it is the dot-product kernels' code on a processor
                // that lacks their instruction, and so lets it be tested.
                kernels.append(
                    Int8Kernel(
                        name: "avx2-planes", splitsCodes: true, fine: argent_int8_avx2_planes,
                        coarse: argent_int8_avx2_low))
            }
            return kernels
        }
    #elseif arch(arm64)
        private static func vectorKernels() -> [Int8Kernel] {
            var kernels: [Int8Kernel] = []
            if argent_cpu_has_sdot() {
                kernels.append(
                    Int8Kernel(
                        name: "sdot", splitsCodes: true, fine: argent_int8_sdot_planes,
                        coarse: argent_int8_sdot_low))
            }
            kernels.append(
                Int8Kernel(
                    name: "neon", splitsCodes: false, fine: argent_int8_neon_words,
                    coarse: argent_int8_neon_low))
            return kernels
        }
    #else
        private static func vectorKernels() -> [Int8Kernel] { [] }
    #endif
}
