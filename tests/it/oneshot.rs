//! The two commands as a person types them: the built program, a registry in this process, and files on disk.
#![expect(
    clippy::unwrap_used,
    reason = "what the tests share is no test, and a panic is how it fails"
)]

/// Images made by hand, the program, and a registry to aim it at.
mod bench;
/// Ctrl-C, and going on afterwards.
mod interrupted;
/// What a failure says, and of whom.
mod messages;
/// What others have put beside the directory of a pull, or into it.
mod planted;
/// HTTP proxies of the environment.
mod proxies;
/// An image into a directory.
mod pull;
/// An image out of every kind of source, in every way.
mod push;
/// What cannot be done, and how it is told.
mod refused;
/// The same within TLS.
mod secure;
/// Where root filesystems may be made, and what is left when they cannot be.
mod unpacked;
