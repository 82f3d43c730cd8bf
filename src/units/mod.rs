//! Numbers with their unit and secrets that are never shown: how scenarios write them and how reports show them.

mod byte_size;
mod clock;
mod display;
mod endpoint;
mod foreign;
mod nesting;
mod proxy;
mod quantile;
mod rate;
mod ratio;
mod secret;
mod words;
mod written;

pub use byte_size::{ByteSize, ByteSizeError};
pub use clock::is_clock_set;
pub use display::{
    DurationError, amount, bytes, count, duration, factor, number, number_of, parse_duration,
    per_second, seconds, share,
};
pub use endpoint::Endpoint;
pub use foreign::{foreign_words, is_unseen};
pub use nesting::too_deep;
pub use proxy::Proxy;
pub use quantile::{Quantile, QuantileError};
pub use rate::{Rate, RateError};
pub use ratio::{Ratio, RatioError};
pub use secret::{Credentials, Secret};
pub(crate) use words::words;
pub(crate) use written::stored_as_written;
