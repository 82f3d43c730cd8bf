//! Metrics as text: Prometheus 0.0.4 and OpenMetrics 1.0, read as they come and within bounds.

mod line;
mod sample;

use memchr::memchr;

pub use self::line::LineProblem;
pub use self::sample::{Dialect, Kind, Line, Sample};

/// The longest line: the help of a metric may be long, its labels may be many.
const LONGEST_LINE: usize = 64 << 10;

/// How much of a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimits {
    /// The most bytes.
    pub bytes: usize,
    /// The most samples.
    pub samples: usize,
    /// The most lines.
    pub lines: usize,
}

impl Default for TextLimits {
    /// 16 MiB, 50,000 samples and 200,000 lines: a registry has some hundreds of samples, a whole cluster some thousands.
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            samples: 50_000,
            lines: 200_000,
        }
    }
}

/// Why a text was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// A line is none of the format.
    #[error("line {number} is not a metric: {problem}")]
    Line {
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// A line is too long.
    #[error("line {0} has more than 64 KiB")]
    LongLine(usize),
    /// It has too many samples.
    #[error("it has more than {0} series")]
    TooMany(usize),
    /// It has too many lines.
    #[error("it has more than {0} lines")]
    ManyLines(usize),
    /// It has too many bytes.
    #[error("it has more than {} MiB", .0 >> 20)]
    TooLong(usize),
    /// OpenMetrics without its end.
    #[error("it ends without `# EOF`")]
    NoEnd,
}

impl TextError {
    /// Returns `true` if it is too large: there is no sense in asking again.
    pub const fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::TooMany(_) | Self::ManyLines(_) | Self::TooLong(_)
        )
    }
}

/// Reads a text part by part. It holds one line at the most.
#[derive(Debug)]
pub struct Parser {
    dialect: Dialect,
    limits: TextLimits,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
    lines: usize,
    bytes: usize,
    samples: usize,
    /// Whether `# EOF` was there.
    is_over: bool,
}

impl Parser {
    /// Makes a parser of a text of which nothing has come.
    pub const fn new(dialect: Dialect, limits: TextLimits) -> Self {
        Self {
            dialect,
            limits,
            begun: Vec::new(),
            lines: 0,
            bytes: 0,
            samples: 0,
            is_over: false,
        }
    }

    /// Returns how many samples there were.
    pub const fn samples(&self) -> usize {
        self.samples
    }

    /// Reads the next part, and gives `see` each line that ends in it.
    ///
    /// # Errors
    /// Returns the first thing that is wrong; nothing after it was read.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        see: &mut dyn FnMut(Line<'_>),
    ) -> Result<(), TextError> {
        self.bytes += bytes.len();
        if self.bytes > self.limits.bytes {
            return Err(TextError::TooLong(self.limits.bytes));
        }
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            bytes = &rest[1..];
            if self.begun.is_empty() {
                self.line(line, see)?;
            } else {
                self.begin(line)?;
                let whole = std::mem::take(&mut self.begun);
                self.line(&whole, see)?;
                self.begun = whole;
                self.begun.clear();
            }
        }
        self.begin(bytes)
    }

    /// Ends the text. Its last line may lack its line feed, as that of Artifactory does: whether a response is whole, HTTP says.
    ///
    /// # Errors
    /// Returns an error if the end of it is missing.
    pub fn end(&mut self, see: &mut dyn FnMut(Line<'_>)) -> Result<(), TextError> {
        let rest = std::mem::take(&mut self.begun);
        if !rest.is_empty() {
            self.line(&rest, see)?;
        }
        let needs_end = self.dialect == Dialect::OpenMetrics;
        if needs_end && !self.is_over {
            return Err(TextError::NoEnd);
        }
        Ok(())
    }

    /// Keeps the beginning of a line.
    fn begin(&mut self, bytes: &[u8]) -> Result<(), TextError> {
        if self.begun.len() + bytes.len() > LONGEST_LINE {
            return Err(TextError::LongLine(self.lines + 1));
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8], see: &mut dyn FnMut(Line<'_>)) -> Result<(), TextError> {
        self.lines += 1;
        let number = self.lines;
        if number > self.limits.lines {
            return Err(TextError::ManyLines(self.limits.lines));
        }
        if line.len() > LONGEST_LINE {
            return Err(TextError::LongLine(number));
        }
        let wrong = |problem| TextError::Line { number, problem };
        if self.is_over {
            return Err(wrong(LineProblem::AfterEnd));
        }
        match line::read(line, self.dialect).map_err(wrong)? {
            line::Read::Nothing => {}
            line::Read::End => self.is_over = true,
            line::Read::Line(line) => {
                if let Line::Sample(_) = line {
                    self.samples += 1;
                    if self.samples > self.limits.samples {
                        return Err(TextError::TooMany(self.limits.samples));
                    }
                }
                see(line);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
