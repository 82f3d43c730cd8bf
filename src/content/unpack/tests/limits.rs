//! Holes, limits, and an end that somebody asks for.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::*;

/// 512-byte units that the file takes on the disk.
fn allocated(path: &Path) -> u64 {
    fs::metadata(path).unwrap().blocks()
}

/// A GNU sparse entry (GNU tar's manual, "Old GNU Format"): one run of data, with a hole before and behind it.
fn sparse(name: &str, data: (u64, &[u8]), size: u64) -> Tar {
    let mut header = header(tar::EntryType::GNUSparse, 0o644);
    header.set_path(name).unwrap();
    header.set_size(data.1.len() as u64);
    let gnu = header.as_gnu_mut().unwrap();
    let octal = |field: &mut [u8], number: u64| {
        field.copy_from_slice(format!("{number:0width$o}\0", width = field.len() - 1).as_bytes());
    };
    octal(&mut gnu.realsize, size);
    octal(&mut gnu.sparse[0].offset, data.0);
    octal(&mut gnu.sparse[0].numbytes, data.1.len() as u64);
    octal(&mut gnu.sparse[1].offset, size);
    octal(&mut gnu.sparse[1].numbytes, 0);
    header.set_cksum();
    Tar::new().raw(&header, data.1)
}

#[test]
fn holes_stay_holes() {
    let middle = 1 << 20;
    let mut zeros = vec![0; 3 << 20];
    zeros[4095] = 1;
    zeros[4096 * 2] = 2;
    let layer = sparse("sparse", (middle, &[7; 512]), 64 << 20)
        .file("zeros", &zeros)
        .file("short", &[0; 10]);
    let (place, report) = good(&[layer.finish()]);
    let root = place.path("root");
    let read = fs::read(root.join("sparse")).unwrap();
    assert_eq!(read.len(), 64 << 20);
    let middle = usize::try_from(middle).unwrap();
    assert_eq!(read[middle..middle + 512], [7; 512]);
    assert!(read[..middle].iter().all(|byte| *byte == 0));
    assert!(read[middle + 512..].iter().all(|byte| *byte == 0));
    assert_eq!(fs::read(root.join("zeros")).unwrap(), zeros);
    assert_eq!(fs::read(root.join("short")).unwrap(), [0; 10]);
    // A block, or what a file system keeps beside it; not 64 MiB, which are 131,072 units, and not 3 MiB.
    assert!(allocated(&root.join("sparse")) < 2048);
    assert!(allocated(&root.join("zeros")) < 2048);
    // Holes count: the bound is one of what readers will read.
    assert_eq!(report.bytes, (64 << 20) + (3 << 20) + 10);
}

#[test]
fn a_hole_that_is_too_large_is_not_begun() {
    let layer = sparse("sparse", (0, &[7; 512]), 7 << 30);
    let (place, image) = image(&[layer.finish()]);
    let options = UnpackOptions {
        max_bytes: ByteSize::from_bytes(1 << 20),
        ..UnpackOptions::default()
    };
    let root = place.path("root");
    let error = unpack(&image, &directory(&root), &options).unwrap_err();
    assert!(matches!(error, UnpackError::TooLarge(_)), "{error}");
    assert_eq!(names(&root), [""; 0]);
}

#[test]
fn whoever_stops_it_finds_nothing() {
    let (place, image) = image(&[Tar::new().file("a", b"x").finish()]);
    let options = UnpackOptions::default();
    options
        .stop
        .store(true, std::sync::atomic::Ordering::Relaxed);
    let root = place.path("root");
    let error = unpack(&image, &directory(&root), &options).unwrap_err();
    assert!(matches!(error, UnpackError::Stopped), "{error}");
    assert_eq!(names(&root), [""; 0]);
}

#[test]
fn the_default_bound_fits_the_free_space() {
    let place = Place::new();
    let root = directory(&place.path("root"));
    let free = root.free_space().unwrap();
    let bound = UnpackOptions::fitting(&root).max_bytes.get();
    // Something else may write meanwhile; a factor of two is no accident.
    assert!(bound <= free && bound >= free / 2, "{bound} of {free}");
}
