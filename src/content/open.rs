//! Opening an image of any source: a directory or an archive, of `docker save` or an OCI layout.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::archive::Archive;
use super::candidate::Candidate;
use super::compression::{Packing, unread_compression};
use super::docker_save;
use super::error::ContentError;
use super::image::Image;
use super::loader::{Loader, OpenOptions};
use super::oci_layout;
use super::root::Root;
use super::spool::{self, Spool};
use crate::units::ByteSize;

/// Opens one image of a file or directory, and verifies every digest and size of it.
///
/// A compressed archive (gzip or zstd) is uncompressed to an unnamed temporary file, because blobs are read at
/// offsets. So are layers that have to be compressed.
///
/// # Errors
/// Returns [`ContentError`], which names the entry that is wrong, missing or refused. Several images without a choice
/// are an error that lists them.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Image, ContentError> {
    let mut loader = Loader::new(path, options)?;
    let candidates = loader.candidates()?;
    let chosen = loader.choose(&candidates)?;
    loader.load(chosen)
}

/// Opens all images of a file or directory, in their order. Shared content is verified and compressed once.
///
/// The options' `reference` is ignored.
///
/// # Errors
/// As [`open`].
pub fn open_all(path: &Path, options: &OpenOptions) -> Result<Vec<Image>, ContentError> {
    let mut loader = Loader::new(path, options)?;
    let candidates = loader.candidates()?;
    let mut wanted: Vec<&Candidate> = candidates.iter().filter(|it| loader.fits(it)).collect();
    if wanted.is_empty() {
        // The first one's own error names the platforms.
        wanted.extend(candidates.first());
    }
    wanted.into_iter().map(|it| loader.load(it)).collect()
}

impl Loader {
    fn new(path: &Path, options: &OpenOptions) -> Result<Self, ContentError> {
        Ok(Self {
            root: open_root(path, options.max_unpacked)?,
            options: options.clone(),
            spool: Spool::default(),
            blobs: BTreeMap::new(),
            layers: BTreeMap::new(),
            images: BTreeMap::new(),
        })
    }

    /// Lists the images of the source. Docker 25 and later writes both layouts at once: a candidate then has both.
    fn candidates(&self) -> Result<Vec<Candidate>, ContentError> {
        let root = &self.root;
        let mut candidates = Vec::new();
        let index = match root.document("oci-layout")? {
            Some(_) => root.document("index.json")?,
            None => None,
        };
        if let Some(index) = &index {
            candidates = oci_layout::candidates(root, index)?;
        }
        let saved = root.document("manifest.json")?;
        if let Some(saved) = &saved {
            docker_save::add_candidates(root, saved, &mut candidates)?;
        }
        if !candidates.is_empty() {
            return Ok(candidates);
        }
        let name = root.name();
        if saved.is_none() && root.document("repositories")?.is_some() {
            return Err(ContentError::TooOld(name));
        }
        let listing = root.listing();
        let found = match (listing.is_empty(), index.is_some() || saved.is_some()) {
            (_, true) => "a list of no images".to_owned(),
            (true, false) => "nothing".to_owned(),
            (false, false) => listing.join(", "),
        };
        Err(ContentError::NotAnImage { name, found })
    }

    /// Returns `true` unless the descriptor names another platform than the wanted one. Many name none.
    fn fits(&self, candidate: &Candidate) -> bool {
        let offered = candidate.oci.as_ref().and_then(|it| it.entry.platform());
        match (&self.options.platform, offered) {
            (Some(wanted), Some(offered)) => wanted.rank(offered).is_some(),
            _ => true,
        }
    }

    fn choose<'a>(&self, candidates: &'a [Candidate]) -> Result<&'a Candidate, ContentError> {
        let wanted = self.options.reference.as_deref();
        let named: Vec<&Candidate> = candidates
            .iter()
            .filter(|it| wanted.is_none_or(|wanted| it.is_called(wanted)))
            .collect();
        let mut fitting: Vec<&Candidate> =
            named.iter().copied().filter(|it| self.fits(it)).collect();
        // An image that was not chosen by name is ignored if it cannot be loaded.
        if fitting.iter().any(|it| it.is_whole()) {
            fitting.retain(|it| it.is_whole());
        }
        let labels = |of: &[&Candidate]| of.iter().map(|it| it.label()).collect();
        match (&fitting[..], &named[..], wanted) {
            ([one], ..) => Ok(one),
            ([], [], Some(wanted)) => Err(ContentError::NoSuchImage {
                name: self.root.name(),
                wanted: wanted.to_owned(),
                images: labels(&candidates.iter().collect::<Vec<_>>()),
            }),
            // Nothing fits: the first one's own error names the platforms.
            ([], [first, ..], _) => Ok(first),
            _ => Err(ContentError::Ambiguous {
                name: self.root.name(),
                images: labels(&fitting),
            }),
        }
    }

    /// The OCI layout keeps the original digests, so it is preferred; but `docker save` of one platform leaves the
    /// manifests of the others out of it, and then only `manifest.json` describes a whole image.
    fn load(&mut self, candidate: &Candidate) -> Result<Image, ContentError> {
        let image = match (&candidate.oci, &candidate.docker) {
            (Some(listed), None) => oci_layout::load(self, listed)?,
            (Some(listed), Some(item)) => match oci_layout::load(self, listed) {
                Err(ContentError::Missing { .. } | ContentError::Entry { .. }) => {
                    docker_save::load(self, item)?
                }
                loaded => loaded?,
            },
            (None, Some(item)) => docker_save::load(self, item)?,
            (None, None) => {
                return Err(ContentError::NotAnImage {
                    name: self.root.name(),
                    found: "a list of no images".into(),
                });
            }
        };
        Ok(image.named(candidate.names.first().map(String::as_str)))
    }
}

fn open_root(path: &Path, max_unpacked: ByteSize) -> Result<Root, ContentError> {
    let name = path.display().to_string();
    let read = |source| ContentError::Read {
        name: name.clone(),
        source,
    };
    // The user chose this path: links in it are followed.
    let kind = fs::metadata(path).map_err(read)?;
    if kind.is_dir() {
        return Ok(Root::Directory(path.to_owned()));
    }
    if !kind.is_file() {
        return Err(ContentError::Special(name));
    }
    let file = File::open(path).map_err(read)?;
    let mut head = [0; 4];
    let file = match file.read_exact_at(&mut head, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(ContentError::NotAnImage {
                name,
                found: "fewer than four bytes".into(),
            });
        }
        Err(error) => return Err(read(error)),
        Ok(()) if let Some(compression) = unread_compression(head) => {
            return Err(ContentError::Compression { name, compression });
        }
        Ok(()) if Packing::sniff(head) == Packing::Plain => file,
        Ok(()) => spool::uncompress(BufReader::new(file), &name, max_unpacked)?,
    };
    Archive::index(file, &name).map(Root::Archive)
}

#[cfg(test)]
mod tests;
