//! Logs: written by one worker, read by others, also while they grow and after crashes.

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::rows::id;
use model::ids::{AttemptId, AttemptNo, TaskNo, WorkerId};
use model::limits::LOG_FRAME_BYTES;
use model::time::Timestamp;
use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use store::{Frame, LogReader, LogSink, LogStore, LogWriter, MemoryLogs, Stream};

fn attempt(task: u32) -> AttemptId {
    AttemptId {
        run: id(1),
        task: TaskNo(task),
        attempt: AttemptNo(1),
    }
}

fn worker() -> WorkerId {
    WorkerId("anthill-7".into())
}

fn frame(task: u32, text: &str) -> Frame<'_> {
    Frame {
        attempt: attempt(task),
        stream: Stream::Stdout,
        step: 3,
        at: Timestamp(-5),
        bytes: Cow::Borrowed(text.as_bytes()),
    }
}

fn open() -> (tempfile::TempDir, LogStore, LogWriter) {
    let dir = tempfile::tempdir().unwrap();
    let logs = LogStore::open(dir.path()).unwrap();
    let writer = logs.writer(&worker());
    (dir, logs, writer)
}

fn text(reader: LogReader) -> String {
    let bytes: Vec<u8> = reader
        .flat_map(|frame| frame.unwrap().bytes.into_owned())
        .collect();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_part_of_a_frame_reads_back() {
    let (_dir, logs, mut writer) = open();
    let frames = [
        frame(0, "out"),
        Frame {
            stream: Stream::Stderr,
            bytes: Cow::Borrowed(&[0, 255, 10, 13]),
            ..frame(0, "")
        },
        Frame {
            stream: Stream::System,
            at: Timestamp(i64::MAX),
            step: u32::MAX,
            ..frame(0, "said")
        },
    ];
    writer.append(&frames).unwrap();
    let log = writer.finish(attempt(0), 9).unwrap();
    assert_eq!((log.size_bytes, log.missing_bytes), (11, 9));
    let read: Vec<_> = logs
        .read(&log, attempt(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(read, frames);
}

#[test]
fn attempts_side_by_side_keep_apart() {
    let (_dir, logs, mut writer) = open();
    writer.append(&[frame(0, "a"), frame(1, "1")]).unwrap();
    writer.append(&[frame(1, "2"), frame(0, "b")]).unwrap();
    let zero = writer.finish(attempt(0), 0).unwrap();
    writer.append(&[frame(1, "3")]).unwrap();
    let one = writer.finish(attempt(1), 0).unwrap();
    assert_eq!(text(logs.read(&zero, attempt(0)).unwrap()), "ab");
    assert_eq!(text(logs.read(&one, attempt(1)).unwrap()), "123");
}

#[test]
fn a_quiet_attempt_has_no_log_and_makes_no_file() {
    let (dir, _logs, mut writer) = open();
    writer.append(&[frame(0, "")]).unwrap();
    writer.sync().unwrap();
    assert_eq!(writer.finish(attempt(0), 0), None);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn output_that_was_all_lost_is_counted() {
    let (_dir, logs, mut writer) = open();
    let log = writer.finish(attempt(0), 77).unwrap();
    assert_eq!(log.missing_bytes, 77);
    assert_eq!(text(logs.read(&log, attempt(0)).unwrap()), "");
}

#[test]
fn long_output_is_split_and_reads_back_whole() {
    let (_dir, logs, mut writer) = open();
    let long = "0123456789".repeat(LOG_FRAME_BYTES / 4);
    writer.append(&[frame(0, &long)]).unwrap();
    assert_eq!(writer.written_bytes(attempt(0)), long.len() as u64);
    let log = writer.finish(attempt(0), 0).unwrap();
    let frames: Vec<_> = logs
        .read(&log, attempt(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        frames
            .iter()
            .all(|frame| frame.bytes.len() <= LOG_FRAME_BYTES)
    );
    assert_eq!(text(logs.read(&log, attempt(0)).unwrap()), long);
}

#[test]
fn a_reader_follows_a_log_that_grows() {
    let (_dir, logs, mut writer) = open();
    assert!(logs.follow(&worker(), attempt(0)).unwrap().is_none());
    writer
        .append(&[frame(1, "other"), frame(0, "one")])
        .unwrap();
    let mut reader = logs.follow(&worker(), attempt(0)).unwrap().unwrap();
    assert_eq!(&*reader.next_frame().unwrap().unwrap().bytes, b"one");
    assert_eq!(reader.next_frame().unwrap(), None);
    writer
        .append(&[frame(1, "other"), frame(0, "two")])
        .unwrap();
    assert_eq!(&*reader.next_frame().unwrap().unwrap().bytes, b"two");
    assert_eq!(reader.next_frame().unwrap(), None);
}

#[test]
fn what_a_crash_left_behind_the_last_good_frame_is_not_read() {
    for torn in [1, 8, 40, 44] {
        let (dir, logs, mut writer) = open();
        writer.append(&[frame(0, "whole")]).unwrap();
        writer.append(&[frame(0, "torn")]).unwrap();
        let path = dir.path().join(&logs.list().unwrap()[0].name);
        let length = fs::metadata(&path).unwrap().len();
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length - torn).unwrap();
        let reader = logs.follow(&worker(), attempt(0)).unwrap().unwrap();
        assert_eq!(text(reader), "whole");
    }
}

#[test]
fn rubbish_behind_the_last_good_frame_is_not_read() {
    let (dir, logs, mut writer) = open();
    writer.append(&[frame(0, "whole")]).unwrap();
    let path = dir.path().join(&logs.list().unwrap()[0].name);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&[7; 300]).unwrap();
    let reader = logs.follow(&worker(), attempt(0)).unwrap().unwrap();
    assert_eq!(text(reader), "whole");
}

#[test]
fn damage_in_a_finished_log_is_named_with_its_place() {
    let (dir, logs, mut writer) = open();
    writer.append(&[frame(0, "first")]).unwrap();
    let log = writer.finish(attempt(0), 0).unwrap();
    let path = dir.path().join(&log.segment);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = logs
        .read(&log, attempt(0))
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the log segment `{}` is damaged at offset 8",
            path.display()
        )
    );
}

#[test]
fn an_attempt_stays_in_its_segment_and_new_ones_begin_in_a_new_one() {
    let (_dir, logs, _) = open();
    let logs = logs.with_segments_of(4_000);
    let mut writer = logs.writer(&worker());
    let long = "x".repeat(1_000);
    writer.append(&[frame(0, "begin ")]).unwrap();
    for _ in 0..4 {
        writer.append(&[frame(1, &long)]).unwrap();
    }
    writer.append(&[frame(2, "new"), frame(0, "end")]).unwrap();
    writer.sync().unwrap();
    let logs_of = [0, 1, 2].map(|task| writer.finish(attempt(task), 0).unwrap());
    assert_eq!(logs_of[0].segment, logs_of[1].segment);
    assert_ne!(logs_of[1].segment, logs_of[2].segment);
    assert_eq!(
        text(logs.read(&logs_of[0], attempt(0)).unwrap()),
        "begin end"
    );
    assert_eq!(text(logs.read(&logs_of[2], attempt(2)).unwrap()), "new");
    assert_eq!(logs_of[1].size_bytes, 4 * long.len() as u64);
}

#[test]
fn an_attempt_whose_first_append_fills_a_segment_stays_in_it() {
    let (_dir, logs, _) = open();
    let logs = logs.with_segments_of(4_000);
    let mut writer = logs.writer(&worker());
    let (long, end) = ("x".repeat(5_000), "end");
    writer.append(&[frame(0, &long), frame(0, end)]).unwrap();
    writer.append(&[frame(0, end)]).unwrap();
    writer.sync().unwrap();
    let log = writer.finish(attempt(0), 0).unwrap();
    let read = text(logs.read(&log, attempt(0)).unwrap());
    assert_eq!(read, format!("{long}{end}{end}"));
}

#[test]
fn a_worker_of_the_same_name_writes_a_segment_of_its_own() {
    let (_dir, logs, mut writer) = open();
    writer.append(&[frame(0, "old")]).unwrap();
    drop(writer);
    let mut again = logs.writer(&worker());
    again.append(&[frame(0, "new")]).unwrap();
    assert_eq!(logs.list().unwrap().len(), 2);
    assert_eq!(logs.segments_of(&worker()).unwrap().len(), 2);
    let other = WorkerId("anthill-77".into());
    assert_eq!(logs.segments_of(&other).unwrap(), []);
}

#[test]
fn a_segment_is_removed_when_its_worker_is_gone() {
    let (_dir, logs, mut writer) = open();
    writer.append(&[frame(0, "text")]).unwrap();
    let log = writer.finish(attempt(0), 0).unwrap();
    assert!(!logs.remove(&log.segment).unwrap());
    drop(writer);
    assert!(logs.remove(&log.segment).unwrap());
    assert!(logs.remove(&log.segment).unwrap());
    let error = logs.read(&log, attempt(0)).unwrap_err().to_string();
    assert!(error.ends_with("is not there any more; logs go when their run does"));
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let (_dir, logs, mut writer) = open();
    let evil = WorkerId("../../evil".into());
    logs.writer(&evil).append(&[frame(0, "x")]).unwrap();
    assert!(logs.list().unwrap()[0].name.starts_with("worker-"));
    writer.append(&[frame(0, "x")]).unwrap();
    let mut log = writer.finish(attempt(0), 0).unwrap();
    log.segment = "../board.sqlite".into();
    assert!(logs.read(&log, attempt(0)).is_err());
    assert!(logs.remove("..").is_err());
}

#[test]
fn logs_in_memory_answer_alike() {
    let mut logs = MemoryLogs::new();
    logs.append(&[frame(0, "a"), frame(1, "b"), frame(0, "c")])
        .unwrap();
    assert_eq!(logs.written_bytes(attempt(0)), 2);
    let log = logs.finish(attempt(0), 0).unwrap();
    assert_eq!((log.from, log.to, log.size_bytes), (0, 3, 2));
    assert_eq!(logs.finish(attempt(5), 0), None);
    assert_eq!(logs.frames(attempt(0)), [frame(0, "a"), frame(0, "c")]);
}
