//! Counts how often spans and their relations are read. With it, a test can show that work grows in proportion to its input
//! without measuring time. Only debug builds count: in a release build [`count_step`] is empty.

#[cfg(debug_assertions)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts one access to a span, or to an entry of an index of spans.
#[inline]
pub fn count_step() {
    #[cfg(debug_assertions)]
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// How many steps this thread took while `work` ran.
#[cfg(debug_assertions)]
pub fn steps_of<T>(work: impl FnOnce() -> T) -> u64 {
    let before = STEPS.with(std::cell::Cell::get);
    std::hint::black_box(work());
    STEPS.with(std::cell::Cell::get) - before
}
