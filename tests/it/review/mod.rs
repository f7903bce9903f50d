//! Review: pairs compared field by field and decided by people, golden records taken apart, and what the lines of a merge
//! would do elsewhere.

mod calibration;
#[cfg(all(unix, feature = "cli"))]
mod clerk;
mod desk;
mod explain;
mod hapi;
#[cfg(unix)]
mod kills;
mod parted;
mod second_thoughts;
mod story;
