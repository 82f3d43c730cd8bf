//! The trace of an exchange, by which the peer's own traces of it are found.

use std::fmt;
use std::num::NonZeroU128;

/// The id of a trace. Shown as 32 hexadecimal digits.
///
/// # Spec
/// W3C Trace Context, 3.2.2.3: never all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(NonZeroU128);

impl TraceId {
    /// Makes an id; `None` of zero.
    pub fn new(id: u128) -> Option<Self> {
        NonZeroU128::new(id).map(Self)
    }

    /// Returns the value of the header `traceparent`: this exchange is the root of its trace, which the peer is asked to
    /// record. The id of the root follows from that of the trace.
    ///
    /// # Spec
    /// W3C Trace Context, 3.2.2: version 00, trace id, parent id, flags.
    pub fn traceparent(self) -> String {
        let id = self.0.get();
        let low = u128::from(u64::MAX);
        let parent = ((id >> 64) ^ id.rotate_left(17)) & low | 1;
        format!("00-{self}-{parent:016x}-01")
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W3C Trace Context, 3.2.2: `00-` 32 digits `-` 16 digits `-` 2 digits, all lower case.
    #[test]
    fn the_header_has_the_form_of_the_specification() {
        for id in [1, u128::MAX, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736] {
            let header = TraceId::new(id).unwrap().traceparent();
            let parts: Vec<&str> = header.split('-').collect();
            let lengths: Vec<_> = parts.iter().map(|it| it.len()).collect();
            assert_eq!(lengths, [2, 32, 16, 2], "{header}");
            assert_eq!((parts[0], parts[3]), ("00", "01"));
            assert_eq!(u128::from_str_radix(parts[1], 16), Ok(id));
            assert_ne!(u64::from_str_radix(parts[2], 16), Ok(0));
            assert_eq!(header, header.to_lowercase());
        }
        assert_eq!(TraceId::new(0), None);
    }
}
