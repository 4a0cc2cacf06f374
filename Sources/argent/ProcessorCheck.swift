import CSimd

/// Whether this processor can run what the compiler made of the program. Without the check an old
/// processor ends it with an illegal instruction, which tells nobody what to do.
enum ProcessorCheck {
    /// What to tell a person whose processor cannot; nil when it can.
    static var complaint: String? {
        argent_cpu_runs_this_build()
            ? nil
            : "this build needs a processor with AVX2 and FMA, which this one is not; "
                + "build Argent again with ARGENT_CPU set to what this machine has "
                + "(for instance ARGENT_CPU=x86-64-v2)"
    }
}
