//! How bad the world of one seed is: what is lost, how slow the disk is, who dies when.

use crate::plans::Company;
use crate::random::Random;
use model::reason::CancelMode;

/// What happens to messages and disks all the time, until the calm.
#[derive(Debug, Clone)]
pub struct Weather {
    /// Messages lost, in a thousand.
    pub loss_permille: u64,
    /// Messages doubled, in a thousand.
    pub double_permille: u64,
    /// Messages that take seconds, in a thousand.
    pub late_permille: u64,
    /// The most that a commit takes.
    pub disk_ms: u64,
    /// Places and commands may fail for reasons of the platform.
    pub moody: bool,
    /// Workers die with the process that they belong to.
    pub embedded: bool,
    /// Nothing bad happens at all.
    pub quiet: bool,
    /// When nothing bad happens any more.
    pub calm_ms: u64,
    /// How many workers there are.
    pub seats: usize,
    /// Tasks at once at each.
    pub slots: u32,
    /// What happens when.
    pub strokes: Vec<(u64, Stroke)>,
    /// How many runs there are.
    pub runs: usize,
    /// With whom the runs share what they may do at once.
    pub company: Company,
}

/// Something that happens once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// A process dies: at once, or at a command to the store from now on.
    ProcessDies {
        /// So many looks at the disk later.
        touches: Option<u64>,
    },
    /// A process stands still for so long, and others may take it for dead.
    ProcessStalls(u64),
    /// A worker and all its commands die.
    WorkerDies(usize),
    /// A worker stands still for so long; its commands go on.
    WorkerStalls(usize, u64),
    /// Nothing gets through to and from a worker for so long.
    CutOff(usize, u64),
    /// Answers do not get through to a worker for so long; what it says does.
    Deaf(usize, u64),
    /// The process that starts a worker's commands dies.
    SpawnerDies(usize),
    /// A worker is told to go.
    WorkerLeaves(usize),
    /// Somebody cancels a run, through the board or through its process.
    Cancel {
        /// Which run.
        run: usize,
        /// How.
        mode: CancelMode,
        /// Through the board.
        by_board: bool,
    },
    /// Somebody tries to take over a run whose owner lives.
    Rival,
}

impl Weather {
    /// The weather of a seed.
    #[must_use]
    pub fn draw(random: &mut Random) -> Self {
        let seats = usize::try_from(random.range(1, 3)).expect("small");
        let runs = if random.chance(350) { 2 } else { 1 };
        let quiet = random.chance(200);
        let mut weather = Self {
            loss_permille: 0,
            double_permille: 0,
            late_permille: 0,
            disk_ms: 3,
            moody: false,
            embedded: random.chance(400),
            quiet,
            calm_ms: 1_000,
            seats,
            slots: u32::try_from(random.range(1, 4)).expect("small"),
            strokes: Vec::new(),
            runs,
            company: if runs > 1 && random.chance(700) {
                Company::Group
            } else {
                Company::None
            },
        };
        if !quiet {
            weather.storm(random);
        }
        weather.strokes.sort_by_key(|(at, _)| *at);
        weather
    }

    fn storm(&mut self, random: &mut Random) {
        self.calm_ms = random.range(2_000, 45_000);
        self.loss_permille = *random.pick(&[0, 0, 20, 200]);
        self.double_permille = *random.pick(&[0, 50, 300]);
        self.late_permille = *random.pick(&[0, 20, 150]);
        self.disk_ms = *random.pick(&[2, 20, 400]);
        self.moody = random.chance(250);
        let seat = |random: &mut Random, seats: usize| {
            usize::try_from(random.below(seats as u64)).expect("small")
        };
        for _ in 0..random.below(4) {
            // Most runs are short: half of the strokes come early.
            let end = if random.chance(500) {
                self.calm_ms.min(4_000)
            } else {
                self.calm_ms
            };
            let at = random.range(1, end);
            let pause_ms = random.range(100, 30_000);
            let seat = seat(random, self.seats);
            let stroke = match random.below(14) {
                0..4 => Stroke::ProcessDies {
                    touches: random.chance(600).then(|| random.below(12)),
                },
                4 | 5 => Stroke::ProcessStalls(pause_ms),
                6 | 7 => Stroke::WorkerDies(seat),
                8 => Stroke::WorkerStalls(seat, pause_ms),
                9 => Stroke::CutOff(seat, pause_ms),
                10 => Stroke::Deaf(seat, pause_ms),
                11 => Stroke::SpawnerDies(seat),
                12 => Stroke::WorkerLeaves(seat),
                _ => Stroke::Rival,
            };
            self.strokes.push((at, stroke));
        }
        if random.chance(350) {
            let modes = [CancelMode::Now, CancelMode::Finally, CancelMode::Drain];
            let run = usize::try_from(random.below(self.runs as u64)).expect("small");
            let stroke = Stroke::Cancel {
                run,
                mode: *random.pick(&modes),
                by_board: random.chance(700),
            };
            let end = *random.pick(&[500, 3_000, self.calm_ms]);
            self.strokes.push((random.range(1, end), stroke));
        }
    }
}
