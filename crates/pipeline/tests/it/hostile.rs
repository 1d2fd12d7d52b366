//! Hostile files: whatever the bytes, there is an answer and never a panic.

use crate::samples;
use pipeline::{Around, Diagnostic, Request, SourceFile, check, compile, compile_fragment};
use proptest::prelude::*;

/// The answer to any bytes has places inside the file.
fn answered(bytes: &[u8]) {
    let file = SourceFile::new("f.yaml", bytes);
    let compiled = compile(&file, &Request::default());
    let refused = compiled.diagnostics.iter().any(Diagnostic::is_error);
    assert_eq!(compiled.plan.is_none(), refused);
    for each in compiled.diagnostics.iter().chain(&check(&file)) {
        assert!(
            each.span.start <= each.span.end && each.span.end <= bytes.len(),
            "{each:?}"
        );
        assert!(each.line > 0 && each.column > 0);
    }
    drop(compile_fragment(&file, &Around::default()));
}

const PIECES: [&str; 40] = [
    "\n",
    " ",
    "  ",
    "\t",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "|\n",
    ">\n",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "${{ ",
    " }}",
    "${{ params.x }}",
    "tasks",
    "run: x",
    "needs",
    "when: ",
    "matrix: {a: [1, 2]}",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "\r\n",
    "\\",
    "? ",
    "null",
    "\0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_good_file_with_pieces_put_in_or_taken_out_gets_an_answer(
        sample in 0..samples::GOOD.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..PIECES.len(), 0_usize..12), 1..6),
    ) {
        let mut bytes = samples::GOOD[sample].1.as_bytes().to_vec();
        for (at, piece, taken) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + taken).min(bytes.len());
            bytes.splice(at..end, PIECES[piece].bytes());
        }
        answered(&bytes);
    }

    #[test]
    fn pieces_in_any_order_get_an_answer(pieces in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        answered(text.as_bytes());
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        answered(&bytes);
    }
}

#[test]
fn a_quoted_key_that_never_ends_may_hold_letters_of_several_bytes() {
    answered(": {a: {'wn: H\u{feff}\"m}\n..<\nal.reso: x}}\n".as_bytes());
}

#[test]
fn large_files_of_one_kind_get_an_answer() {
    let many = |piece: &str| piece.repeat(400_000 / piece.len());
    for text in [
        many("["),
        many("{"),
        many("- "),
        many("a: "),
        many("x\n"),
        many("&a "),
        many("*a "),
        many("a,"),
        many("\"\\"),
        many("${{"),
        many("? "),
        many("<<: "),
        many("\n- a: &a"),
        many("#"),
        many("[a, "),
        many("'"),
        many("\n"),
        format!("tasks: {{t: {{run: \"{}\"}}}}", many("${{ a }}")),
        format!("tasks: {{t: {{when: \"{}\", run: x}}}}", many("!")),
        format!(
            "tasks: {{t: {{run: \"{}\"}}}}",
            "${{ 1 + 'a' }}".repeat(15_000)
        ),
        format!(
            "tasks: {{t: {{run: \"{}\"}}}}",
            "${{ f(1) }}".repeat(20_000)
        ),
        format!(
            "tasks: {{t: {{run: \"{}\"}}}}",
            "${{ signal.tag }}".repeat(14_000)
        ),
        format!(
            "tasks: {{t: {{run: \"{}${{{{ signal.branch }}}}\"}}}}",
            "& ".repeat(125_000)
        ),
        format!("tasks: {{t: {{run: x, needs: [{}]}}}}", many("a, ")),
        format!("tasks: [{}]", many("{run: x}, ")),
        format!(
            "tasks:\n{}",
            (0..20_000)
                .map(|n| format!("  t{n}: {{rum: x}}\n"))
                .collect::<String>()
        ),
        format!(
            "tasks:\n{}",
            (0..20_000)
                .map(|n| format!("  t{n}: {{needs: u{n}}}\n"))
                .collect::<String>()
        ),
    ] {
        answered(text.as_bytes());
    }
}

/// Text for each of `0..count`.
fn each(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn many_of_one_thing_beside_many_of_another_get_an_answer() {
    let task = |keys: &str| format!("tasks:\n  t:\n    run: x\n{keys}");
    for text in [
        // Each step may write every output of its task.
        format!(
            "tasks:\n  t:\n    outputs:\n{}    steps:\n{}",
            each(8_000, |n| format!("      o{n}: string\n")),
            "      - run: x\n".repeat(1_000)
        ),
        // Each task may read every output of what it needs.
        format!(
            "tasks:\n  t:\n    run: x\n    outputs:\n{}{}",
            each(6_000, |n| format!("      o{n}: {{default: x}}\n")),
            each(3_000, |n| format!(
                "  t{n}: {{needs: t, run: x, when: signal.draft}}\n"
            ))
        ),
        // Every output is looked for in the script.
        format!(
            "tasks:\n  t:\n    outputs:\n{}    run: |\n{}",
            each(10_000, |n| format!("      o{n}: string\n")),
            "      o o o o o o o o\n".repeat(10_000)
        ),
        // Every wrong name is compared with every right one.
        task(&format!(
            "    matrix:\n{}      exclude:\n{}",
            each(8_000, |n| format!("      a{n:05}: [1]\n")),
            each(8_000, |n| format!("      - {{far_from_all_{n}: 1}}\n"))
        )),
        format!(
            "params:\n{}on:\n  schedule:\n    - cron: 0 3 * * *\n      params:\n{}{}",
            each(8_000, |n| format!("  a{n:05}: 1\n")),
            each(8_000, |n| format!("        far_from_all_{n}: 1\n")),
            task("")
        ),
        format!(
            "secrets:\n{}tasks:\n  t:\n    run: x\n    secrets:\n{}",
            each(8_000, |n| format!("  - a{n:05}\n")),
            each(8_000, |n| format!("    - far_from_all_{n}\n"))
        ),
        task(&format!(
            "    outputs:\n{}    artifacts:\n      out:\n{}",
            each(8_000, |n| format!("      far_from_all_{n}: artifact\n")),
            each(8_000, |n| format!("        a{n:05}: p{n}\n"))
        )),
        format!(
            "on:\n  schedule:\n{}{}",
            each(3_000, |n| format!(
                "    - {{cron: 0 3 * * *, timezone: X{n}}}\n"
            )),
            task("")
        ),
        // The last task closes a circle with every other.
        format!(
            "tasks:\n{}  t5999: {{run: x, needs: [{}]}}\n",
            each(5_999, |n| format!(
                "  t{n}: {{run: x, needs: t{}}}\n",
                n + 1
            )),
            each(5_999, |n| format!("t{n},"))
        ),
    ] {
        answered(text.as_bytes());
    }
}
