//! A page as blocks: which fenced code of a Markdown text is run, checked, or only counted.
//!
//! Knows CommonMark's fences of backticks, also indented in lists, and nothing else of Markdown.

use std::fmt;

/// One fenced block that counts.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The page, as given.
    pub page: String,
    /// Line of the opening fence, from 1.
    pub line: usize,
    /// What is done with it.
    pub kind: BlockKind,
    /// Its text without the fences and without their indentation.
    pub text: String,
}

/// What is done with a block.
#[derive(Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Commands and their output.
    Console,
    /// A pipeline file.
    Yaml,
    /// A file of the page's own project, at this path.
    File(String),
    /// Left out, for a reason.
    NoRun(String),
}

/// A block that breaks the rules of the docs.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The page, as given.
    pub page: String,
    /// Line, from 1.
    pub line: usize,
    /// What was found and what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.page, self.line, self.what)
    }
}

const NO_RUN: &str = "no-run:";

/// Cuts a page into its blocks, and lists what breaks the rules.
pub fn collect(page: &str, text: &str) -> (Vec<Block>, Vec<Fault>) {
    let (mut blocks, mut faults) = (Vec::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some((fence, indent, info)) = opening(line) else {
            continue;
        };
        let inner: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| !closes(line, fence))
            .collect();
        let text: String = inner
            .iter()
            .map(|line| format!("{}\n", unindent(line, indent)))
            .collect();
        let fault = |offset: usize, what: &str| Fault {
            page: page.into(),
            line: index + 1 + offset,
            what: what.into(),
        };
        match kind(info) {
            Ok(Some(kind)) => blocks.push(Block {
                page: page.into(),
                line: index + 1,
                kind,
                text,
            }),
            Ok(None) => {
                let command = text.lines().position(is_formic);
                faults.extend(command.map(|at| fault(at + 1, "a `formic` command that nobody runs: make the block `console`, or add `no-run: REASON`")));
            }
            Err(what) => faults.push(fault(0, what)),
        }
    }
    (blocks, faults)
}

fn kind(info: &str) -> Result<Option<BlockKind>, &'static str> {
    if let Some((_, reason)) = info.split_once(NO_RUN) {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err("`no-run:` needs a reason");
        }
        return Ok(Some(BlockKind::NoRun(reason.to_owned())));
    }
    if let Some((_, path)) = info.split_once(' ')
        && !path.contains(' ')
    {
        let is_inside = path.split('/').all(|part| !part.is_empty() && part != "..");
        return if is_inside {
            Ok(Some(BlockKind::File(path.to_owned())))
        } else {
            Err("a path inside the project is expected behind the language")
        };
    }
    Ok(match info {
        "console" => Some(BlockKind::Console),
        "yaml" | "yml" => Some(BlockKind::Yaml),
        _ => None,
    })
}

fn is_formic(line: &str) -> bool {
    let line = line.trim_start();
    line.strip_prefix("$ ")
        .unwrap_or(line)
        .split_whitespace()
        .next()
        == Some("formic")
}

/// Length of the fence, its indentation, and the info string, trimmed.
fn opening(line: &str) -> Option<(usize, usize, &str)> {
    let rest = line.trim_start();
    let fence = rest.chars().take_while(|letter| *letter == '`').count();
    (fence >= 3 && !rest[fence..].contains('`'))
        .then(|| (fence, line.len() - rest.len(), rest[fence..].trim()))
}

fn closes(line: &str, fence: usize) -> bool {
    let line = line.trim();
    line.len() >= fence && line.chars().all(|letter| letter == '`')
}

fn unindent(line: &str, indent: usize) -> &str {
    let blanks = line.chars().take_while(|letter| *letter == ' ').count();
    &line[blanks.min(indent)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(usize, BlockKind)> {
        collect("p.md", text)
            .0
            .into_iter()
            .map(|block| (block.line, block.kind))
            .collect()
    }

    #[test]
    fn console_and_yaml_are_collected_with_their_lines() {
        let text =
            "# x\n```console\n$ formic ls\n```\n\n```yaml\nname: a\n```\n```rust\nfn a() {}\n```\n";
        assert_eq!(kinds(text), [(2, BlockKind::Console), (6, BlockKind::Yaml)]);
    }

    #[test]
    fn a_reason_leaves_a_block_out() {
        let text = "```console no-run: needs a server\n$ formic server\n```\n";
        assert_eq!(
            kinds(text),
            [(1, BlockKind::NoRun("needs a server".into()))]
        );
    }

    #[test]
    fn a_path_makes_a_block_a_file() {
        let (blocks, faults) = collect(
            "p.md",
            "```yaml .formic/ci.yaml\na: 1\n```\n```sh ../x\n```\n```yaml /etc/x\n```\n",
        );
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].kind, BlockKind::File(".formic/ci.yaml".into()));
        assert_eq!(faults.len(), 2);
    }

    #[test]
    fn leaving_out_without_a_reason_is_a_fault() {
        let (blocks, faults) = collect("p.md", "```console no-run:\n```\n");
        assert_eq!(blocks, []);
        assert_eq!(faults[0].to_string(), "p.md:1: `no-run:` needs a reason");
    }

    #[test]
    fn a_command_in_another_block_is_a_fault() {
        let (_, faults) = collect("p.md", "text\n```sh\ncd x\nformic run\n```\n");
        assert_eq!(
            faults[0].to_string(),
            "p.md:4: a `formic` command that nobody runs: make the block `console`, or add `no-run: REASON`"
        );
    }

    #[test]
    fn a_block_in_a_list_loses_its_indentation() {
        let (blocks, _) = collect("p.md", "1. x\n   ```yaml\n   a:\n     b: 1\n   ```\n");
        assert_eq!(blocks[0].text, "a:\n  b: 1\n");
    }

    #[test]
    fn a_longer_fence_may_hold_a_shorter_one() {
        assert_eq!(kinds("````md\n```console\n$ formic ls\n```\n````\n"), []);
    }
}
