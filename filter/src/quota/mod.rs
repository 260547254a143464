//! Limits as arithmetic: what has been used in a window, what is admitted, and when the next is.
//!
//! A counter's state is sixteen bytes, so that it fits a slot of the table in [`crate::state`]; time comes from the
//! caller, in nanoseconds since the Unix epoch, and may step.

/// How much is admitted in which window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// A rate with a burst: the generic cell rate algorithm (ITU-T I.371).
    Rate {
        /// How much in one window.
        limit: u64,
        /// The window in nanoseconds.
        window: u64,
        /// How much at once, from a counter that has rested.
        burst: u64,
    },
    /// A sum in a window of the calendar.
    Calendar {
        /// How much in one window.
        limit: u64,
        /// The window.
        period: Period,
        /// Seconds that local time is ahead of UTC.
        utc_offset: i32,
    },
    /// How many at a time.
    Concurrent {
        /// How many.
        limit: u64,
        /// Seconds after which one that was not given back is forgotten, at least; at most one and a half times that.
        lease: u32,
    },
}

/// A window of the calendar. Weeks begin on Monday (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// From the full hour.
    Hour,
    /// From midnight.
    Day,
    /// From Monday, midnight.
    Week,
    /// From the first of the month, midnight.
    Month,
}
