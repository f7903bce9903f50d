//! Review: pairs compared field by field, and what the lines of a merge would do elsewhere.

mod calibration;
#[cfg(all(unix, feature = "cli"))]
mod clerk;
mod explain;
