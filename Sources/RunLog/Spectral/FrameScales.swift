/// Which scale every pixel of one frame has: that of its level bin plus what its band and its
/// frame add.
struct FrameScales {
    /// Level bin of each pixel.
    let bins: UnsafePointer<UInt16>
    /// Scale of each level bin.
    let ofBin: UnsafePointer<Int32>
    /// What each band adds, the frame's share included: −128…255 together with a bin's scale.
    let ofBand: UnsafePointer<Int32>
}
