//! Bounds, each with its reason. Nothing in Formic grows without one.

/// Tasks in one run, generated ones included. A hundred thousand is the largest graph that is
/// measured (memory, cost per task); twice that leaves room for generated tasks.
pub const TASKS_PER_RUN: usize = 200_000;
/// Cells of one matrix. Equal to the largest measured run: one matrix may be the whole run.
pub const MATRIX_CELLS: usize = 100_000;
/// Comparisons of cells with entries of `include` and `exclude`: ten thousand cells and a thousand entries take under a second.
pub const MATRIX_COMPARISONS: usize = 10_000_000;
/// Values of one cell of a matrix.
pub const MATRIX_NAMES: usize = 100;
/// The values of all cells of one matrix. A hundred thousand cells with ten short values fit.
pub const MATRIX_BYTES: usize = 128 * 1024 * 1024;
/// Tasks that one task may generate; the fragment must still compile within a second.
pub const GENERATED_TASKS: usize = 10_000;
/// Depth of tasks that generate tasks and of scopes in scopes. Deeper nesting was never met in
/// real pipelines (GitHub allows 10 levels of reuse) and would only be a loop.
pub const SCOPE_DEPTH: usize = 10;
/// Steps in one task.
pub const STEPS_PER_TASK: usize = 1_000;
/// Edges into one task.
pub const NEEDS_PER_TASK: usize = 10_000;
/// Retries that a task may ask for.
pub const RETRIES: u32 = 100;
/// Free attempts after trouble of the platform before a task started. Trouble that lasts longer
/// than five backoffs is not passing and must be seen.
pub const FREE_RETRIES: u32 = 5;
/// One output value, written inline on the board. Larger values are artifacts.
pub const OUTPUT_BYTES: usize = 256 * 1024;
/// All outputs of one task together; the file that a step writes may not be larger.
pub const OUTPUTS_BYTES: usize = 1024 * 1024;
/// Log of one attempt.
pub const LOG_BYTES_PER_ATTEMPT: u64 = 4 * 1024 * 1024 * 1024;
/// One frame of a log; longer output is split into several frames.
pub const LOG_FRAME_BYTES: usize = 64 * 1024;
/// The environment changes that one step may make for the next ones.
pub const STEP_ENV_BYTES: usize = 1024 * 1024;
/// Texts that one attempt may hide from its log. A file of secrets has some tens of lines.
pub const MASKS: usize = 1_000;
/// All of them together: whatever is printed is compared with them.
pub const MASKS_BYTES: usize = 256 * 1024;
/// A step summary kept with its attempt.
pub const SUMMARY_BYTES: usize = 1024 * 1024;
/// The difference between commit and working tree that a run keeps.
pub const SOURCE_DIFF_BYTES: usize = 50 * 1024 * 1024;
/// Longest pause between two attempts: one day.
pub const BACKOFF_MS: u64 = 24 * 60 * 60 * 1000;
/// Time limit of anything: 30 days, the time that a board keeps runs.
pub const TIMEOUT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Approval deadline where the pipeline names none: 24 hours.
pub const APPROVAL_DEADLINE_MS: u64 = 24 * 60 * 60 * 1000;
/// Time that all `finally` tasks of a run have after its end or cancel, where none is named.
pub const FINALLY_TIMEOUT_MS: u64 = 10 * 60 * 1000;
/// Files that one pipeline refers to, directly and indirectly. The largest shared collections that were met
/// have under fifty.
pub const REFERENCED_FILES: usize = 256;
/// All of them together: checking them has to end within the second that a single file may take.
pub const REFERENCED_BYTES: usize = 4 * 1024 * 1024;
/// Params, outputs, secrets and artifacts of files, counted for each task that uses the file: each such task has all of
/// them. Ten thousand tasks that use a file with twenty fit.
pub const HANDED_OVER: usize = 200_000;
/// Characters of a step's label; what is longer is cut. It stands in one line of a screen and in every document.
pub const LABEL_CHARS: usize = 200;
/// A reference to an image: registries take names of up to 255, tags of 128 and digests of 71.
pub const IMAGE_NAME_BYTES: usize = 512;
/// Patterns of one filter of `on`. The longest lists that were met have some tens.
pub const PATTERNS: usize = 200;
/// Comparisons of letters of changed files with letters of the patterns of a filter, about a second. Twenty thousand paths
/// of sixty letters and forty patterns of twenty fit; beyond it the filter is not asked, and that is said.
pub const PATTERN_COMPARISONS: usize = 1_000_000_000;
/// Looks at files that tasks use for text from outside: one for each file and set of params that get such text. Each
/// takes well under a millisecond; beyond it the text is not followed and the pipeline is refused.
pub const TAINT_LOOKS: usize = 2_000;
/// A lock file: a thousand references with their digests.
pub const LOCK_FILE_BYTES: usize = 1024 * 1024;
/// A pipeline file.
pub const PIPELINE_FILE_BYTES: usize = 1024 * 1024;
/// Time between SIGTERM and SIGKILL where nothing else is said.
pub const GRACE_MS: u64 = 10_000;
/// Time that a service may take until it is ready, where its pipeline names none. Databases that make their files
/// first need some ten seconds.
pub const SERVICE_START_MS: u64 = 60 * 1000;
/// Services of one task; each is a process with a probe.
pub const SERVICES_PER_TASK: usize = 100;
/// One call of Git that makes the place of a task. The largest checkouts that were met take some minutes; a filter or
/// a network disk that hangs takes for ever.
pub const GIT_MS: u64 = 10 * 60 * 1000;
/// Files that one `hash` or `glob` may find. More is a mistake in a pattern, and the task waits until they are found.
pub const LISTED_FILES: usize = 50_000;
/// Files and folders that one `hash` or `glob` may look at: the same tree with what was made from it.
pub const LOOKED_AT: usize = 500_000;
/// Content that one `hash` may read: about a second, for which the task waits.
pub const HASHED_BYTES: u64 = 512 * 1024 * 1024;
/// The payload of a signal. It becomes a part of the plan; what a forge sends is seldom a tenth of it.
pub const SIGNAL_BYTES: usize = 1024 * 1024;
/// Changed files of a signal. They become a part of the plan and are compared with every pattern.
pub const CHANGED_FILES: usize = 20_000;
/// A plan, or what a task generated, as JSON. A plan of the largest run takes a few hundred bytes for each of its tasks.
pub const PLAN_BYTES: usize = 512 * 1024 * 1024;
/// What the preview of a plan lists, as the bytes of its document. What would make it longer, the members of a matrix or the
/// tasks of a call, is one line that says so. Ninety thousand members with a long condition fit.
pub const PREVIEW_BYTES: usize = 96 * 1024 * 1024;
/// Letters of a condition that the preview of a plan lists; `…` stands for the rest. Each member of a matrix repeats them.
pub const CONDITION_LETTERS: usize = 500;
