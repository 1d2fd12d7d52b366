//! A worker that leaves, driven by its real loop.

use crate::bench::{FakeSite, one};
use api::protocol::{Chunk, Reply, ReplyBody, Request};
use engine::work::Work;
use model::ids::{AttemptId, WorkerId};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use worker::Options;
use worker::local::{Ears, Word, run};

struct Deaf;

impl Ears for Deaf {
    fn request(&mut self, _: Request) {}
    fn output(&mut self, _: AttemptId, _: &Work, _: &[Chunk]) {}
    fn broken(&mut self, _: &str) {}
}

#[tokio::test]
async fn a_place_that_is_being_made_when_the_worker_leaves_is_removed() {
    let site = Arc::new(FakeSite {
        slow: true,
        ..FakeSite::default()
    });
    let options = Options {
        id: WorkerId("w".to_owned()),
        slots: 1,
        capacity: None,
        labels: None,
        grace_ms: 1_000,
    };
    // Nothing is started: whoever ends when its input does is spawner enough.
    let executor = exec::ProcessExecutor::launch(exec::Options {
        spawner_program: "/bin/cat".into(),
        ..exec::Options::new("leaving")
    });
    let (say, words) = tokio::sync::mpsc::unbounded_channel();
    let granted = Reply {
        number: 1,
        body: ReplyBody::Leased(vec![one()]),
        stop: Vec::new(),
    };
    say.send(Word::Reply(granted)).unwrap();
    // Heard before any place is told to be ready.
    say.send(Word::Leave).unwrap();
    run(options, site.clone(), executor.unwrap(), words, &mut Deaf).await;
    assert_eq!(site.cleaned.load(Ordering::Relaxed), 1);
}
