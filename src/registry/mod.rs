//! The distribution protocol: one verb for each endpoint, over [`transport`](crate::transport).
//!
//! A [`Client`] talks to one registry under one base URL. Each verb sends what the specification says and judges the
//! response: which statuses are good, whether digest and length are right. Challenges are answered and redirects
//! followed here; each leg is an exchange of its own that is reported to the [`Observer`]. A failed request is sent
//! again only where the client's habits ([`Retry`](crate::profile::Retry)) say so.
//!
//! Refused: building upload URLs by hand (they are followed as given), a fallback to another way of pushing, and
//! credentials for any address but the registry's own and the token service that its challenge names. `client`,
//! above, decides in which order a pull or push uses the verbs.

mod attempt;
mod auth;
mod authorize;
mod blobs;
mod broken_upload;
mod byteranges;
mod call;
mod challenge;
mod check;
mod client;
mod connections;
mod decoding;
mod deliberate;
mod deliberate_body;
mod deliberate_connection;
mod digest_header;
mod download;
mod error;
mod headers;
mod link;
mod lists;
mod location;
mod manifests;
mod manners;
mod pace;
mod parts;
mod ranges;
mod recorded;
mod redirect;
mod request_id;
mod response;
mod retry;
mod seen;
mod sending;
mod settings;
mod success;
mod token;
mod token_cache;
mod upload;
mod upload_session;
mod verified;

pub use attempt::{Begun, End, Exchange, Observer, Pause};
pub use blobs::{BlobSink, Received, Restart};
pub use check::{Check, Wanted};
pub use client::Client;
pub use connections::pool_settings;
pub use decoding::EncodingError;
pub use download::Download;
pub use error::{Error, Kind, Redirect, Withheld};
pub use link::{LinkError, Walk};
pub use lists::{MAX_LIST, Page, Paging, referrers_tag};
pub use location::{Base, BaseError};
pub use manifests::{MAX_MANIFEST, ManifestHead, Stored};
pub use manners::Manners;
pub use parts::Part;
pub use ranges::{FoundBlob, Ranged, Ranges};
pub use settings::Settings;
pub use token_cache::TokenCache;
pub use upload::{Left, Mounted, Posted};
pub use upload_session::UploadSession;
pub use verified::VerifiedCopies;
