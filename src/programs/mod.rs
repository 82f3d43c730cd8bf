//! Programs of the user that run on this machine: hooks, credential helpers, commands that print numbers.
//!
//! Each has a process group of its own, so that it ends with all that it has started, and all end with this process, however
//! that ends: [`end_all`].

mod group;

pub use group::{ProcessGroup, end_all};
