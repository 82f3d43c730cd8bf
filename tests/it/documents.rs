/// Blocks of code: scenarios are read, commands are run.
mod blocks;
/// Links, anchors and names of files lead somewhere; no page is too long.
mod links;
/// A page of Markdown: its headings, links, code and blocks.
mod markdown;
/// Reference pages name what there is.
mod reference;
/// The words of documents and scenarios.
mod words;
