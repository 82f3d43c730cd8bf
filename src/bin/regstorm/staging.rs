//! Where `pull --unpack` works until a root filesystem is complete.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use regstorm::files::{Directory, ResolvedPath};

/// The name of the staging directory inside one that exists.
const INSIDE: &str = ".regstorm-pull";

/// A directory of ours in which a root filesystem is made: in DIR if that exists, so that it may be a mount point or the
/// current directory, or else beside it. Its name can be guessed, so that the next command finds what an interrupted one
/// has left; so it is used only if this user owns it and nobody else may write to it.
pub(crate) struct Staging {
    directory: PathBuf, // as the user wrote it
    opened: OnceCell<Opened>,
}

struct Opened {
    spot: Spot,
    place: Directory,
    _lock: File,
}

/// Where the staging directory is.
struct Spot {
    /// What it is in.
    parent: Directory,
    /// Its name there.
    name: OsString,
    /// The name of the directory beside it that is to be made; none where the staging directory is in it.
    new: Option<OsString>,
}

impl Staging {
    /// Returns the staging directory for a directory, which must be new or empty. Changes nothing.
    pub(crate) fn of(directory: &Path) -> anyhow::Result<Self> {
        let shown = || format!("cannot use {}", directory.display());
        let spot = match Spot::find(directory) {
            // The directories above it are made when there is something to put into it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => Some(found.with_context(shown)?),
        };
        if let Some(spot) = spot {
            if spot.new.is_none() && !spot.is_free().with_context(shown)? {
                return Err(anyhow!(
                    "{} is not empty; give a new or an empty directory",
                    directory.display()
                ));
            }
            let own = spot.parent.path_of(&spot.name);
            let shown = || format!("cannot use {}", own.display());
            if spot.parent.look(&spot.name).with_context(shown)?.is_some() {
                spot.parent.ours(&spot.name).with_context(shown)?;
            } else {
                spot.parent
                    .check_writable()
                    .with_context(|| format!("cannot write to {}", spot.parent.path().display()))?;
            }
        }
        Ok(Self {
            directory: directory.to_owned(),
            opened: OnceCell::new(),
        })
    }

    /// What the user asked for.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory of the blobs.
    pub(crate) fn image(&self) -> io::Result<Directory> {
        let place = &self.open()?.place;
        named(place, "image", place.ours("image"))
    }

    /// An empty directory, which becomes the root filesystem.
    pub(crate) fn root(&self) -> io::Result<Directory> {
        let place = &self.open()?.place;
        // Half of what an interrupted command has unpacked.
        let made = place.remove_all("root");
        named(place, "root", made.and_then(|()| place.make("root", 0o777)))
    }

    /// Removes what was unpacked in vain.
    pub(crate) fn give_up(&self) -> io::Result<()> {
        let place = &self.open()?.place;
        named(place, "root", place.remove_all("root"))
    }

    /// Puts the finished filesystem where the user wants it, and takes the rest away.
    pub(crate) fn publish(&self) -> anyhow::Result<()> {
        let opened = self.open()?;
        let Spot { parent, name, new } = &opened.spot;
        let moved = match new {
            // An empty directory is replaced; one that is no longer empty is not.
            Some(new) => opened.place.rename("root", parent, new),
            None => move_all(&opened.place, parent),
        };
        moved.with_context(|| {
            format!(
                "cannot move the finished {} to {}",
                opened.place.path_of("root").display(),
                self.directory.display()
            )
        })?;
        // By its handle, whatever has its name by now; by the name only what is empty is removed.
        let emptied = opened.place.clear();
        emptied
            .and_then(|()| parent.remove_directory(name))
            .with_context(|| format!("cannot remove {}", opened.place.path().display()))
    }

    fn open(&self) -> io::Result<&Opened> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let spot = match Spot::find(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(above) = self.directory.parent() {
                    Directory::create_all(above)?;
                }
                Spot::find(&self.directory)?
            }
            found => found?,
        };
        let place = named(&spot.parent, &spot.name, spot.parent.ours(&spot.name))?;
        let busy = || {
            io::Error::other(format!(
                "another command works in {}",
                place.path().display()
            ))
        };
        let lock = place.lock()?.ok_or_else(busy)?;
        Ok(self.opened.get_or_init(|| Opened {
            spot,
            place,
            _lock: lock,
        }))
    }
}

impl Spot {
    fn find(directory: &Path) -> io::Result<Self> {
        match Directory::open(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => {
                return Ok(Self {
                    parent: opened?,
                    name: INSIDE.into(),
                    new: None,
                });
            }
        }
        let place = ResolvedPath::find(directory)?;
        let mut name = OsString::from(".");
        name.push(place.name());
        name.push(".regstorm");
        Ok(Self {
            new: Some(place.name().to_owned()),
            parent: place.into_directory(),
            name,
        })
    }

    /// Returns `true` if nothing but the staging directory is in the directory.
    fn is_free(&self) -> io::Result<bool> {
        let names = self.parent.names(2)?;
        Ok(names.iter().all(|it| *it == self.name))
    }
}

/// What came of a name, with an error that says which one it was.
fn named<T>(directory: &Directory, name: impl AsRef<OsStr>, came: io::Result<T>) -> io::Result<T> {
    came.map_err(|error| {
        let path = directory.path_of(name);
        io::Error::other(format!("cannot use {}: {error}", path.display()))
    })
}

/// Moves everything that was unpacked. What has appeared there meanwhile is not replaced.
fn move_all(place: &Directory, to: &Directory) -> io::Result<()> {
    let root = place.child("root")?;
    let names = root.names(usize::MAX)?;
    let is_taken = |name: &OsString| name == OsStr::new(INSIDE);
    if names.iter().any(is_taken) {
        return Err(io::Error::other(format!(
            "the image has `/{INSIDE}`, the name of the directory in which it was unpacked; give a directory that is not there"
        )));
    }
    for name in names {
        root.move_to(&name, to, &name)?;
    }
    Ok(())
}
