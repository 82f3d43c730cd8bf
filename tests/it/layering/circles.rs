//! No files of one room import each other in a circle, except those that ARCHITECTURE.md allows with a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::source::{Import, Source};
use super::{ARCHITECTURE, rooms, sources, src, table};

/// A file by its path from the room: `[]` is `mod.rs`, `[a, b]` is `a/b.rs`.
type Module = Vec<String>;

/// The files of one room.
struct Room {
    name: String,
    files: BTreeMap<Module, Source>,
}

impl Room {
    fn read(name: &str) -> Self {
        let root = src().join(name);
        let files = sources(&root).into_iter().map(|path| {
            let inside = path.strip_prefix(&root).expect("a file of the room");
            let mut module: Module = inside
                .with_extension("")
                .iter()
                .map(|it| it.to_string_lossy().into_owned())
                .collect();
            module.pop_if(|it| it == "mod");
            (
                module,
                Source::read(&fs::read_to_string(path).expect("a source file")),
            )
        });
        let mut files: BTreeMap<Module, Source> = files.collect();
        let tests: BTreeSet<Module> = files
            .iter()
            .flat_map(|(parent, source)| {
                let names = source.test_modules.iter().map(String::as_str);
                names.chain(["tests"]).map(|it| child(parent, it))
            })
            .collect();
        files.retain(|module, _| !(0..=module.len()).any(|it| tests.contains(&module[..it])));
        Self {
            name: name.to_owned(),
            files,
        }
    }

    /// The files that define what a file names.
    fn imports(&self, module: &Module) -> BTreeSet<Module> {
        let source = &self.files[module];
        let imports = source.imports.iter().map(|(path, _)| path);
        let mut found: BTreeSet<Module> = imports
            .chain(&source.paths)
            .filter_map(|path| self.definer(module, path, 0))
            .collect();
        found.remove(module);
        found
    }

    /// The file of this room that defines what a path names, seen from a file; `None` outside of the room.
    fn definer(&self, from: &Module, path: &[String], depth: u32) -> Option<Module> {
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" if path.get(1)? == &self.name => (Module::new(), &path[2..]),
            "self" => (from.clone(), &path[1..]),
            "super" => (from.clone(), path),
            first if self.files.contains_key(&child(from, first)) => (from.clone(), path),
            _ => return None,
        };
        while let Some((first, others)) = rest.split_first() {
            if first == "super" {
                at.pop()?;
            } else if self.files.contains_key(&child(&at, first)) {
                at.push(first.clone());
            } else {
                return Some(self.follow(&at, first, depth).unwrap_or(at));
            }
            rest = others;
        }
        Some(at)
    }

    /// The file from which another one has a name that it does not define itself.
    fn follow(&self, at: &Module, name: &str, depth: u32) -> Option<Module> {
        let source = &self.files[at];
        if source.items.contains(name) || depth > 8 {
            return None;
        }
        let brings = |(_, as_name): &&Import| as_name == name;
        let (path, _) = source.exports.iter().chain(&source.imports).find(brings)?;
        self.definer(at, path, depth + 1)
    }

    /// The largest sets of files in which each imports each other, over others or not.
    fn circles(&self) -> Vec<BTreeSet<String>> {
        let mut reached: BTreeMap<&Module, BTreeSet<Module>> = self
            .files
            .keys()
            .map(|module| (module, self.imports(module)))
            .collect();
        loop {
            let before: usize = reached.values().map(BTreeSet::len).sum();
            for module in self.files.keys() {
                let further: Vec<Module> = reached[module]
                    .iter()
                    .flat_map(|it| reached[it].clone())
                    .collect();
                reached.entry(module).or_default().extend(further);
            }
            if reached.values().map(BTreeSet::len).sum::<usize>() == before {
                break;
            }
        }
        let circle = |module: &Module| -> BTreeSet<String> {
            let both =
                |it: &&Module| reached[module].contains(*it) && reached[*it].contains(module);
            reached[module].iter().filter(both).map(name).collect()
        };
        let circles: BTreeSet<BTreeSet<String>> = self.files.keys().map(circle).collect();
        circles.into_iter().filter(|it| it.len() > 1).collect()
    }
}

fn child(module: &[String], name: &str) -> Module {
    [module, &[name.to_owned()]].concat()
}

fn name(module: &Module) -> String {
    if module.is_empty() {
        "mod".to_owned()
    } else {
        module.join("::")
    }
}

/// The circles that ARCHITECTURE.md allows: the room and the files.
fn allowed() -> BTreeSet<(String, BTreeSet<String>)> {
    table(ARCHITECTURE, "circles")
        .filter(|cells| rooms().contains_key(cells[0]))
        .map(|cells| {
            assert!(!cells[2].is_empty(), "a reason for {}", cells[1]);
            let files = cells[1].split_whitespace().map(str::to_owned).collect();
            (cells[0].to_owned(), files)
        })
        .collect()
}

/// The lines of the table for these circles.
fn lines<'a>(circles: impl Iterator<Item = &'a (String, BTreeSet<String>)>) -> String {
    let lines = circles.map(|(room, files)| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        format!("\n| {room} | {} |", files.join(" "))
    });
    lines.collect::<Vec<_>>().concat()
}

/// The imports that make a circle, a line for each file.
fn arrows((room, circle): &(String, BTreeSet<String>)) -> String {
    let room = Room::read(room);
    let inside = |module: &&Module| circle.contains(&name(module));
    let files = room.files.keys().filter(inside);
    let arrows = files.map(|module| {
        let imports = room.imports(module);
        let imports: Vec<String> = imports.iter().filter(inside).map(name).collect();
        format!("\n  {} -> {}", name(module), imports.join(" "))
    });
    arrows.collect::<Vec<_>>().concat()
}

#[test]
fn files_of_a_room_import_each_other_in_no_circle_but_those_allowed() {
    let found: BTreeSet<(String, BTreeSet<String>)> = rooms()
        .into_keys()
        .flat_map(|name| {
            let circles = Room::read(&name).circles();
            circles.into_iter().map(move |files| (name.clone(), files))
        })
        .collect();
    let allowed = allowed();
    assert!(
        found == allowed,
        "circles that the table of ARCHITECTURE.md lacks:{}{}\nlines of the table without such a circle:{}",
        lines(found.difference(&allowed)),
        found.difference(&allowed).map(arrows).collect::<String>(),
        lines(allowed.difference(&found)),
    );
}
