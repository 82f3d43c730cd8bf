//! The parts of a line that is redrawn, as many as fit a terminal: such a line must never wrap.

/// Between two parts.
const GAP: &str = "   ";

/// A line of parts in the order in which they are added.
#[derive(Debug, Default)]
pub(crate) struct LiveLine {
    parts: Vec<(u8, String)>,
}

impl LiveLine {
    /// Adds a part. Parts of a lower rank are kept longer when there is no room for all.
    pub(crate) fn add(&mut self, rank: u8, text: String) {
        self.parts.push((rank, text));
    }

    /// Returns the line without the parts that do not fit into that many columns; all of them without a width.
    pub(crate) fn fitted(&self, width: Option<usize>) -> String {
        let mut ranks: Vec<usize> = (0..self.parts.len()).collect();
        ranks.sort_by_key(|it| self.parts.get(*it).map(|(rank, _)| *rank));
        let mut kept = vec![false; self.parts.len()];
        let mut used = 0;
        for index in ranks {
            let Some((_, text)) = self.parts.get(index) else {
                continue;
            };
            let gap = if used == 0 { 0 } else { GAP.len() };
            let wider = used + gap + text.chars().count();
            if width.is_some_and(|width| wider > width) {
                // What is less important does not take the place of what is more.
                break;
            }
            used = wider;
            if let Some(it) = kept.get_mut(index) {
                *it = true;
            }
        }
        let parts = self.parts.iter().zip(kept).filter(|(_, kept)| *kept);
        let parts: Vec<&str> = parts.map(|((_, text), _)| text.as_str()).collect();
        parts.join(GAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_parts_go_first() {
        let mut line = LiveLine::default();
        for (rank, text) in [
            (0, "0:03"),
            (2, "vus 3/8 busy"),
            (3, "p50 µ"),
            (1, "errors 6"),
        ] {
            line.add(rank, text.to_owned());
        }
        let all = "0:03   vus 3/8 busy   p50 µ   errors 6";
        assert_eq!(line.fitted(None), all);
        assert_eq!(line.fitted(Some(38)), all);
        assert_eq!(line.fitted(Some(37)), "0:03   vus 3/8 busy   errors 6");
        assert_eq!(line.fitted(Some(29)), "0:03   errors 6");
        assert_eq!(line.fitted(Some(4)), "0:03");
        assert_eq!(line.fitted(Some(3)), "");
    }
}
