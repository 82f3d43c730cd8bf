use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A page of the repository.
pub(super) struct Page {
    /// Where it is, from the root of the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// A block of code between two fences.
pub(super) struct Block {
    /// The language, and the marks behind it.
    pub(super) info: Vec<String>,
    pub(super) text: String,
    /// `FILE:LINE` of its first line, for messages.
    pub(super) place: String,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page that users and contributors read.
pub(super) fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "benches/README.md",
    ]
    .map(PathBuf::from)
    .to_vec();
    collect(Path::new("docs"), &mut paths);
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

fn collect(under: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(under)).expect("a directory of documents") {
        let path = under.join(entry.expect("an entry of it").file_name());
        if root().join(&path).is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|it| it == "md") {
            paths.push(path);
        }
    }
}

impl Page {
    pub(super) fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(root().join(&path));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    /// Its lines outside blocks of code, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut fenced = false;
        let lines = self.text.lines().zip(1..);
        lines.filter_map(move |(line, number)| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            (!fence && !fenced).then_some((number, line))
        })
    }

    /// The anchors of its headings, as GitHub makes them.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for (_, line) in self.prose() {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
            let title: String = title.trim().chars().filter(kept).collect();
            let anchor = title.to_lowercase().replace(' ', "-");
            let repeats = (1..).map(|it| format!("{anchor}-{it}"));
            let free = std::iter::once(anchor.clone()).chain(repeats);
            let free = free.into_iter().find(|it| !anchors.contains(it));
            anchors.extend(free);
        }
        anchors
    }

    /// What it links to, with the number of the line.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            let parts: Vec<&str> = line.split('`').step_by(2).collect();
            let line = parts.join("");
            for rest in line.split("](").skip(1) {
                let target = rest.split(')').next().unwrap_or_default();
                links.push((number, target.to_owned()));
            }
        }
        links
    }

    /// The words of its code in the line, with the number of the line.
    pub(super) fn code(&self) -> Vec<(usize, String)> {
        let words = self.prose().flat_map(|(number, line)| {
            let spans = line.split('`').skip(1).step_by(2);
            let words = spans.flat_map(str::split_whitespace);
            words.map(move |word| (number, word.to_owned()))
        });
        words.collect()
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (line, number) in self.text.lines().zip(1..) {
            let fence = line.trim_start().strip_prefix("```");
            match (fence, &mut open) {
                (Some(info), None) => {
                    open = Some(Block {
                        info: info.split_whitespace().map(str::to_owned).collect(),
                        text: String::new(),
                        place: format!("{}:{}", self.path.display(), number + 1),
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(
            open.is_none(),
            "{}: a block has no end",
            self.path.display()
        );
        blocks
    }
}
