//! Reads Rust text roughly: enough to measure it, not to understand it.
//!
//! [`blank`] replaces comments and literals by spaces, line for line; [`functions`] finds bodies by their braces. Macros that
//! write functions are not expanded. Nothing here judges; the aims are in the report.

/// One function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
    /// Parameters without `self`.
    pub parameters: usize,
    /// How deep `if`, `match` and loops are nested.
    pub nesting: usize,
}

/// The text with comments and literals blanked; lines keep their numbers.
pub fn blank(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = literal_end(&letters, at);
        if end == at {
            out.push(letters[at]);
            at += 1;
        } else {
            out.extend(
                letters[at..end]
                    .iter()
                    .map(|letter| if *letter == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    out
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn literal_end(letters: &[char], at: usize) -> usize {
    let next = letters.get(at + 1).copied();
    match (letters[at], next) {
        ('/', Some('/')) => find(letters, at, '\n'),
        ('/', Some('*')) => block_comment_end(letters, at),
        ('"', _) => string_end(letters, at),
        ('r', Some('"' | '#')) if !in_word(letters, at) => raw_string_end(letters, at),
        ('\'', Some('\\')) => find(letters, at + 3, '\'') + 1,
        ('\'', Some(_)) if letters.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
    .min(letters.len())
}

/// A raw string after a `b` or `c` begins at its `r`; one inside an identifier does not begin.
fn in_word(letters: &[char], at: usize) -> bool {
    let is_word = |index: usize| letters[index].is_alphanumeric() || letters[index] == '_';
    match at {
        0 => false,
        1 => is_word(0) && !matches!(letters[0], 'b' | 'c'),
        _ => is_word(at - 1) && (!matches!(letters[at - 1], 'b' | 'c') || is_word(at - 2)),
    }
}

fn find(letters: &[char], from: usize, wanted: char) -> usize {
    letters
        .iter()
        .skip(from)
        .position(|letter| *letter == wanted)
        .map_or(letters.len(), |offset| from + offset)
}

fn block_comment_end(letters: &[char], at: usize) -> usize {
    let (mut depth, mut index) = (0, at);
    while index + 1 < letters.len() {
        match (letters[index], letters[index + 1]) {
            ('/', '*') => (depth, index) = (depth + 1, index + 2),
            ('*', '/') => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            return index;
        }
    }
    letters.len()
}

fn string_end(letters: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while index < letters.len() {
        match letters[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    letters.len()
}

fn raw_string_end(letters: &[char], at: usize) -> usize {
    let hashes = letters[at + 1..]
        .iter()
        .take_while(|letter| **letter == '#')
        .count();
    let open = at + 1 + hashes;
    if letters.get(open) != Some(&'"') {
        return at;
    }
    let mut quote = find(letters, open + 1, '"');
    while quote < letters.len() {
        let closing = letters[quote + 1..]
            .iter()
            .take(hashes)
            .filter(|letter| **letter == '#')
            .count();
        if closing == hashes {
            return quote + 1 + hashes;
        }
        quote = find(letters, quote + 1, '"');
    }
    letters.len()
}

/// The functions with bodies in a blanked text, in order of their end.
pub fn functions(blanked: &str) -> Vec<Function> {
    let mut found = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    // What stands before the next brace: a function's head, a condition, a type.
    let mut head = String::new();
    let mut head_line = 1;
    let mut line = 1;
    let mut parentheses = 0_usize;
    for letter in blanked.chars() {
        match letter {
            '{' if parentheses == 0 => {
                blocks.push(Block::open(&head, head_line));
                head.clear();
            }
            '}' if parentheses == 0 => {
                let block = blocks.pop();
                found.extend(block.and_then(|block| block.close(&mut blocks, line)));
                head.clear();
            }
            ';' | ',' if parentheses == 0 => head.clear(),
            _ => {
                parentheses = match letter {
                    '(' | '[' => parentheses + 1,
                    ')' | ']' => parentheses.saturating_sub(1),
                    _ => parentheses,
                };
                if head.trim().is_empty() {
                    head.clear();
                    head_line = line;
                }
                head.push(letter);
            }
        }
        line += usize::from(letter == '\n');
    }
    found
}

/// One pair of braces that is still open.
struct Block {
    function: Option<(String, usize, usize)>,
    is_control: bool,
    deepest_inside: usize,
}

impl Block {
    fn open(head: &str, head_line: usize) -> Self {
        let function = function_head(head).map(|(name, offset)| {
            let line = head_line + head[..offset].matches('\n').count();
            (name, line, parameter_count(&head[offset..]))
        });
        let mut words = head.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        let is_control = function.is_none()
            && words.any(|word| matches!(word, "if" | "match" | "for" | "while" | "loop"));
        Self {
            function,
            is_control: is_control && !head.contains("impl"),
            deepest_inside: 0,
        }
    }

    /// Hands its depth to the block around it; a function keeps its depth for itself.
    fn close(self, around: &mut [Self], line: usize) -> Option<Function> {
        let depth = self.deepest_inside + usize::from(self.is_control);
        let Some((name, first, parameters)) = self.function else {
            if let Some(parent) = around.last_mut() {
                parent.deepest_inside = parent.deepest_inside.max(depth);
            }
            return None;
        };
        Some(Function {
            name,
            line: first,
            lines: line + 1 - first,
            parameters,
            nesting: depth,
        })
    }
}

/// Name of the function that a head declares, and where its `fn` stands.
fn function_head(head: &str) -> Option<(String, usize)> {
    let offset = head
        .match_indices("fn ")
        .find(|(at, _)| *at == 0 || head[..*at].ends_with([' ', '\n', '(']))?
        .0;
    let rest = head[offset + 3..].trim_start();
    let name: String = rest
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    (!name.is_empty()).then_some((name, offset))
}

/// Counts the parameters between the outer parentheses; commas inside types separate nothing.
fn parameter_count(signature: &str) -> usize {
    let mut depth = 0_usize;
    let mut angles = 0_usize;
    let mut before = ' ';
    let mut parameters = vec![String::new()];
    for letter in signature.chars() {
        match letter {
            '(' | '[' if depth > 0 || angles == 0 => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '<' => angles += 1,
            '>' if !matches!(before, '-' | '=') => angles = angles.saturating_sub(1),
            _ => {}
        }
        match (letter, depth, angles) {
            (')', 0, 0) => break,
            ('(', 1, 0) | (_, 0, _) => {}
            (',', 1, 0) => parameters.push(String::new()),
            (_, _, _) => {
                if let Some(last) = parameters.last_mut() {
                    last.push(letter);
                }
            }
        }
        before = letter;
    }
    let is_self = |text: &str| text.split([':', ' ', '&']).any(|word| word == "self");
    let named = parameters.iter().map(|text| text.trim());
    named
        .filter(|text| !text.is_empty() && !is_self(text))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> Vec<(String, usize, usize, usize, usize)> {
        let function = |f: Function| (f.name, f.line, f.lines, f.parameters, f.nesting);
        functions(&blank(text)).into_iter().map(function).collect()
    }

    #[test]
    fn comments_and_literals_are_blanked_line_for_line() {
        let text = "a /* x /* y */ { */ \"}\\\"\" b // {\nr#\"{\"}\"# '{' '\\'' 'life";
        let blanked = blank(text);
        assert_eq!(
            blanked.split_whitespace().collect::<Vec<_>>(),
            ["a", "b", "'life"]
        );
        assert_eq!(blanked.lines().count(), 2);
    }

    #[test]
    fn a_function_is_measured_from_fn_to_its_brace() {
        assert_eq!(
            measured("\npub fn a(x: u8) -> u8 {\n    x\n}\n"),
            [("a".into(), 2, 3, 1, 0)]
        );
    }

    #[test]
    fn attributes_above_do_not_count() {
        assert_eq!(measured("#[test]\nfn a() {}\n"), [("a".into(), 2, 1, 0, 0)]);
    }

    #[test]
    fn commas_inside_types_do_not_count() {
        let text = "fn a<F: Fn(u8) -> u8>(&self, m: HashMap<u8, u8>, f: impl Fn(u8, u8) -> u8, p: (u8, u8)) {}";
        assert_eq!(measured(text), [("a".into(), 1, 1, 3, 0)]);
    }

    #[test]
    fn control_flow_counts_and_matches_on_values_do_too() {
        let text = "fn a() {\n  for x in y {\n    match x {\n      1 => { if z { w() } }\n      _ => S { b: 1 },\n    }\n  }\n}";
        assert_eq!(measured(text), [("a".into(), 1, 8, 0, 3)]);
    }

    #[test]
    fn a_function_without_a_body_is_not_one() {
        assert_eq!(
            measured("trait T { fn a(&self); fn b(&self) {} }"),
            [("b".into(), 1, 1, 0, 0)]
        );
    }
}
