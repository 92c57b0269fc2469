//! The frames room.
