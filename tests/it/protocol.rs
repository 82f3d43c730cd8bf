//! The protocol client against a registry that scripts its faults, and against a peer that sends given bytes.

/// Credentials where a token service, a redirect or a `Location` leads away from TLS or from the host.
mod astray;
/// Challenges, tokens, and where credentials go and do not go.
mod auth;
/// Connections: reuse, limits, closing, and the clocks of an exchange.
mod connections;
/// Answers in an encoding that was asked for, or that was not.
mod encodings;
/// Entries of documents that say too little.
mod entries;
/// Answers that no honest registry gives.
mod hostile;
/// An image to be pulled, and where it comes from and goes to.
mod image;
/// Upload addresses, followed as they are given.
mod locations;
/// Blobs fetched in parts.
mod parts;
/// Manifests and blobs on their way in.
mod pulls;
/// Single requests of crane and oras as they were recorded.
mod recorded;
/// Redirects: followed, bounded, and without anything that is not the other host's business.
mod redirects;
/// What is sent again, when, and how often.
mod retries;
/// Heads as registries and proxies send them.
mod sloppy;
/// Which statuses each client takes for a success.
mod successes;
/// Tokens: fetched in every form, kept, shared, expired, refused.
mod tokens;
/// A client and the journal of its exchanges.
mod unwanted;
/// Uploads in every form, and the sessions that are given up.
mod uploads;

pub(crate) mod user;
/// A peer made of a plain socket.
pub(crate) mod wire;
