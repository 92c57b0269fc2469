//! Where operations are kept.

mod location;

pub use location::{LocationError, StoreLocation};
