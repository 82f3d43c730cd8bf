//! The trace that a command writes, and the temporary files beside it. What was there stays until all of the new one is written.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use regstorm::files::ResolvedPath;
use regstorm::units;

use crate::apart;
use crate::exit::{self, Exit, Failure};

/// Where a trace is written.
pub(crate) struct TraceFile {
    shown: PathBuf,
    place: ResolvedPath,
    directory: PathBuf,
}

impl TraceFile {
    /// Checks `--out` before anything is read: that it can be written, and is none of the other outputs and of the inputs.
    pub(crate) fn prepare(
        out: &Path,
        others: &[(&str, &Path)],
        inputs: &[&Path],
    ) -> anyhow::Result<Self> {
        if out == Path::new("-") {
            return Err(anyhow!("--out -: a trace is a file: name one"));
        }
        let outputs = [&[("--out", out)], others].concat();
        apart::check(&outputs, inputs)?;
        for (option, path) in outputs {
            if let Some(link) = exit::check_writable(option, path)? {
                exit::note(&link);
            }
        }
        let place = ResolvedPath::find(out)?;
        Ok(Self {
            shown: out.to_owned(),
            directory: place.directory().path().to_owned(),
            place,
        })
    }

    /// Makes an empty file beside the trace, which goes when it is closed.
    pub(crate) fn spill(&self) -> io::Result<File> {
        tempfile::tempfile_in(&self.directory)
    }

    /// Writes the trace that `writer` writes to a file beside its place.
    pub(crate) fn write<T, E: From<io::Error>>(
        &self,
        writer: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, T), E>,
    ) -> Result<T, E> {
        let (to, made) = writer(BufWriter::new(self.spill()?))?;
        let mut whole = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        whole.rewind()?;
        self.place
            .write_with(|file| io::copy(&mut whole, file).map(drop))?;
        Ok(made)
    }

    /// Writes the trace that `writer` writes, without a copy of it on the disk meanwhile.
    pub(crate) fn write_at_once<T, E: From<io::Error>>(
        &self,
        writer: impl FnOnce(BufWriter<File>) -> Result<(BufWriter<File>, T), E>,
    ) -> Result<T, E> {
        let mut made = None;
        let written = self.place.write_with(|file| {
            let ended = writer(BufWriter::new(file.try_clone()?));
            let ended = ended.and_then(|(mut to, it)| {
                to.flush()?;
                Ok(it)
            });
            let is_whole = ended.is_ok();
            made = Some(ended);
            if is_whole {
                Ok(())
            } else {
                Err(io::ErrorKind::Other.into())
            }
        });
        match (made, written) {
            (Some(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Some(Ok(made)), Ok(())) => Ok(made),
            (None, Ok(())) => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        }
    }

    /// Says that the trace was not written.
    pub(crate) fn cannot_write(&self, error: &io::Error) -> Failure {
        let name = self.shown.display();
        Failure::new(
            Exit::Failed,
            anyhow!("cannot write the trace {name}: {error}"),
        )
    }

    /// Says the same, and how many requests were recorded for it.
    pub(crate) fn lost(&self, error: &io::Error, requests: u64) -> Failure {
        let failure = self.cannot_write(error);
        let requests = match requests {
            1 => "1 request is".to_owned(),
            _ => format!("{} requests are", units::count(requests)),
        };
        Failure::new(Exit::Failed, anyhow!("{failure}; {requests} lost"))
    }
}
