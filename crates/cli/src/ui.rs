//! The one way out: data to standard output, everything else to standard error.
//!
//! A reader that goes away silences its stream and changes nothing else; any other trouble with standard output is
//! remembered, and the program does not end as a success. Colour is an addition: every
//! state is also a word.

use std::cell::{Cell, RefCell};
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On terminals, unless `NO_COLOR` says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Progress {
    /// As suits the place.
    #[default]
    Auto,
    /// One line for each thing that happens.
    Plain,
    /// Nothing but the end.
    None,
}

/// What is being said, as a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Somebody should look.
    Attention,
    /// Less important.
    Dim,
    /// More important.
    Strong,
}

impl Paint {
    /// The colour of a status word.
    pub(crate) fn of_status(status: &str) -> Self {
        match status {
            "succeeded" => Self::Good,
            "failed" => Self::Bad,
            "blocked" | "interrupted" | "canceled" => Self::Attention,
            "running" => Self::Strong,
            _ => Self::Dim,
        }
    }
}

/// What the user wants to see.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// One document on standard output.
    pub json: bool,
    /// Only the verdict.
    pub quiet: bool,
    /// More detail.
    pub verbose: u8,
    /// See [`Color`].
    pub color: Color,
    /// See [`Progress`].
    pub progress: Progress,
}

/// What is gathered before it is written: a document of a hundred thousand tasks has some tens of megabytes.
const OUT_BYTES: usize = 64 * 1024;

/// Where a command speaks.
pub(crate) struct Ui {
    /// What the user wants to see.
    pub wish: Wish,
    out: RefCell<BufWriter<io::Stdout>>,
    out_gone: Cell<bool>,
    /// Why data was not written, if its reader did not just go away.
    out_lost: RefCell<Option<io::Error>>,
    out_color: bool,
    err_color: bool,
}

impl Ui {
    /// Looks at the streams and the environment once.
    pub(crate) fn new(wish: Wish) -> Self {
        Self {
            wish,
            out: RefCell::new(BufWriter::with_capacity(OUT_BYTES, io::stdout())),
            out_gone: Cell::new(false),
            out_lost: RefCell::new(None),
            out_color: wants_color(wish.color, io::stdout().is_terminal()),
            err_color: wants_color(wish.color, io::stderr().is_terminal()),
        }
    }

    /// Writes data.
    pub(crate) fn data(&self, bytes: impl AsRef<[u8]>) {
        if self.out_gone.get() {
            return;
        }
        let written = self.out.borrow_mut().write_all(bytes.as_ref());
        self.see(written);
    }

    /// Writes one document and a line break.
    pub(crate) fn document(&self, document: &impl serde::Serialize) {
        if self.out_gone.get() {
            return;
        }
        // As a stream: it may be larger than what the program should hold.
        let written = serde_json::to_writer(&mut *self.out.borrow_mut(), document);
        // Documents have text keys and no other failing values, so only the stream can fail.
        self.see(written.map_err(io::Error::from));
        self.data("\n");
        self.flush();
    }

    /// Hands everything written so far to the reader.
    pub(crate) fn flush(&self) {
        if !self.out_gone.get() {
            let flushed = self.out.borrow_mut().flush();
            self.see(flushed);
        }
    }

    fn see(&self, written: io::Result<()>) {
        let Err(error) = written else { return };
        self.out_gone.set(true);
        if error.kind() != io::ErrorKind::BrokenPipe {
            self.out_lost.replace(Some(error));
        }
    }

    /// Why data was not written, told once.
    pub(crate) fn lost(&self) -> Option<io::Error> {
        self.out_lost.take()
    }

    /// Whether nobody reads the data any more.
    pub(crate) fn is_unread(&self) -> bool {
        self.out_gone.get()
    }

    /// Says a line to people, unless they asked for quiet.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        if !self.wish.quiet {
            self.tell(line);
        }
    }

    /// Says a line to people in any case.
    pub(crate) fn tell(&self, line: impl AsRef<str>) {
        self.raw(format!("{}\n", line.as_ref()));
    }

    /// Says something with its own line breaks, or none, to people.
    pub(crate) fn raw(&self, text: impl AsRef<[u8]>) {
        // Data goes first, so that both streams read in order on one terminal.
        self.flush();
        // Nobody to tell: neither about this text nor about the trouble of telling it.
        drop(io::stderr().write_all(text.as_ref()));
    }

    /// Warns about something that is not as the user may think.
    pub(crate) fn warn(&self, message: impl AsRef<str>) {
        let word = self.paint(Paint::Attention, "warning:");
        self.tell(format!("{word} {}", message.as_ref()));
    }

    /// `text` for standard error.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        painted(self.err_color, paint, text)
    }

    /// `text` for standard output.
    pub(crate) fn paint_data(&self, paint: Paint, text: &str) -> String {
        painted(self.out_color, paint, text)
    }

    /// Whether standard error shows colours.
    pub(crate) const fn has_color(&self) -> bool {
        self.err_color
    }

    /// Whether a person sits here who can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

/// Says a line to people from a thread that has no [`Ui`].
pub(crate) fn aside(line: &str) {
    // Nobody to tell about the trouble of telling.
    drop(io::stderr().write_all(format!("{line}\n").as_bytes()));
}

fn painted(color: bool, paint: Paint, text: &str) -> String {
    let code = match paint {
        Paint::Good => "32",
        Paint::Bad => "1;31",
        Paint::Attention => "33",
        Paint::Dim => "2",
        Paint::Strong => "1",
    };
    if color {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn wants_color(color: Color, is_terminal: bool) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if is_set("CLICOLOR_FORCE") => true,
        Color::Auto => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}
