//! The measured window as the sampler sees it: opened once, closed once.

use super::course::Course;
use super::sample::Sample;

/// The readings of the measured window.
#[derive(Debug)]
pub(super) enum Window {
    /// Not open yet: readings are for the screen alone.
    Before,
    /// Readings count.
    Open(Box<Course>),
    /// They do not any more.
    Closed(Box<Course>),
}

impl Window {
    /// Opens with this reading; a second time, nothing happens.
    pub(super) fn open(&mut self, sample: Sample) {
        if matches!(self, Self::Before) {
            *self = Self::Open(Box::new(Course::begin(sample)));
        }
    }

    /// Takes in a reading, if it counts.
    pub(super) fn see(&mut self, sample: Sample) {
        if let Self::Open(course) = self {
            course.see(sample);
        }
    }

    /// Closes with this reading, if it is open.
    pub(super) fn close(self, sample: Sample) -> Self {
        match self {
            Self::Open(mut course) => {
                course.see(sample);
                Self::Closed(course)
            }
            it => it,
        }
    }

    /// Returns what was seen, unless it was never open.
    pub(super) fn into_course(self) -> Option<Box<Course>> {
        match self {
            Self::Before => None,
            Self::Open(course) | Self::Closed(course) => Some(course),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;
    use crate::health::sample::Fixed;

    #[test]
    fn readings_count_from_edge_to_edge() {
        let start = Instant::now();
        let at = |second| Sample::silent(start + Duration::from_secs(second));
        let mut window = Window::Before;
        window.see(at(1));
        window = window.close(at(2));
        window.open(at(3));
        window.open(at(4));
        window.see(at(5));
        window = window.close(at(7));
        window.see(at(8));
        window.open(at(9));
        window = window.close(at(10));
        let signals = window.into_course().unwrap().signals(Fixed::default());
        // At 3, 5 and 7 s.
        assert_eq!((signals.window_us, signals.readings), (4_000_000, 3));
        assert!(Window::Before.close(at(1)).into_course().is_none());
    }
}
