//! Where hostile files are kept: each is made only when it is asked for, so that the others take no memory.

/// Bytes of the largest file.
pub(crate) const BYTES: usize = model::limits::PIPELINE_FILE_BYTES;

/// A file with those that it uses.
#[derive(Debug, Default)]
pub(crate) struct Hostile {
    pub text: String,
    /// Path and text of each.
    pub used: Vec<(&'static str, String)>,
}

/// The names of all files, and the one that is wanted.
#[derive(Debug)]
pub(crate) struct Shelf {
    wanted: String,
    pub names: Vec<String>,
    pub found: Option<Hostile>,
}

impl Shelf {
    /// An empty one, to be asked for `wanted`.
    pub(crate) fn new(wanted: &str) -> Self {
        Self {
            wanted: wanted.to_owned(),
            names: Vec::new(),
            found: None,
        }
    }

    /// A file that uses no others.
    pub(crate) fn add(&mut self, name: &str, make: impl FnOnce() -> String) {
        self.add_with(name, || Hostile {
            text: make(),
            used: Vec::new(),
        });
    }

    /// A file that uses others.
    pub(crate) fn add_with(&mut self, name: &str, make: impl FnOnce() -> Hostile) {
        self.names.push(name.to_owned());
        if self.wanted == name {
            let mut made = make();
            cut(&mut made.text);
            self.found = Some(made);
        }
    }
}

/// As often as fits into a file with something around it.
pub(crate) fn many(piece: &str) -> String {
    piece.repeat((BYTES - 200) / piece.len())
}

/// `head` and as many lines as fit behind it.
pub(crate) fn lines(head: &str, line: &dyn Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    for n in 0.. {
        let next = line(n);
        if text.len() + next.len() > BYTES - 200 {
            return text;
        }
        text.push_str(&next);
    }
    text
}

/// The numbers below `count`, as the inside of a list.
pub(crate) fn numbers(count: usize) -> String {
    let numbers: Vec<String> = (0..count).map(|n| n.to_string()).collect();
    numbers.join(", ")
}

fn cut(text: &mut String) {
    let mut end = text.len().min(BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}
