-- The board. Numbers in `state`, `kind` and the like are those of `sqlite/codes.rs`; times are
-- milliseconds since 1970; `run` is the run's number on this board, in order of creation.
CREATE TABLE head (
    run        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    pipeline   TEXT NOT NULL,
    plan       BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    asked_by   TEXT NOT NULL,
    clean      INTEGER NOT NULL,
    rest       TEXT NOT NULL               -- JSON: source, parent, expected_ms
);

CREATE TABLE run (
    run         INTEGER PRIMARY KEY,
    version     INTEGER NOT NULL,
    fence       INTEGER NOT NULL,          -- of the owner; 0: nobody had it yet
    state       INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    running     INTEGER NOT NULL,
    blocked     INTEGER NOT NULL,
    succeeded   INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    skipped     INTEGER NOT NULL,
    canceled    INTEGER NOT NULL,
    inbox       INTEGER NOT NULL,
    started_at  INTEGER,
    ended_at    INTEGER,
    finally_at  INTEGER,
    cancel      TEXT                       -- JSON
);

CREATE TABLE fragment (
    run    INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    task   INTEGER NOT NULL,
    digest BLOB NOT NULL,
    scope  INTEGER NOT NULL,
    PRIMARY KEY (run, place)
) WITHOUT ROWID;

CREATE TABLE task (
    run          INTEGER NOT NULL,
    task         INTEGER NOT NULL,
    def          INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    flags        INTEGER NOT NULL,         -- 1: tolerated, 2: released
    attempts     INTEGER NOT NULL,
    retries      INTEGER NOT NULL,
    free_retries INTEGER NOT NULL,
    name         TEXT NOT NULL,            -- the task's key
    parent       INTEGER,
    ready_at     INTEGER,
    timer_at     INTEGER,
    started_at   INTEGER,
    ended_at     INTEGER,
    cell         TEXT,                     -- JSON
    outputs      TEXT,                     -- JSON
    artifacts    TEXT,                     -- JSON
    reused_from  TEXT,
    note         TEXT,
    inputs       TEXT,                     -- JSON: of a call its inputs, of others what they ask of their worker
    grp          TEXT,                     -- its concurrency group
    PRIMARY KEY (run, task)
) WITHOUT ROWID;

CREATE TABLE attempt (
    run         INTEGER NOT NULL,
    task        INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    token       INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    leased_at   INTEGER NOT NULL,
    started     INTEGER NOT NULL,
    stop        INTEGER,
    deadline_at INTEGER,
    ended_at    INTEGER,
    result      INTEGER,                   -- NULL: not ended
    exit_code   INTEGER,
    cpu_us      INTEGER,
    memory_peak_bytes INTEGER,
    steps       TEXT,                      -- JSON: [[name, status, [how, code], duration_ms], …]
    segment     TEXT,                      -- the log: NULL if there is none
    log_from    INTEGER,
    log_to      INTEGER,
    log_bytes   INTEGER,
    log_missing INTEGER,
    rest        TEXT,                      -- JSON: message, outputs, artifacts, generated, summary
    PRIMARY KEY (run, task, attempt)
) WITHOUT ROWID;

CREATE TABLE lease (
    run    INTEGER NOT NULL,
    worker TEXT NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (run, worker)
) WITHOUT ROWID;

CREATE TABLE event (
    run  INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    task INTEGER,
    what INTEGER,                          -- a state, an attempt, a count: see codes.rs
    who  TEXT,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE effect (
    run    INTEGER NOT NULL,
    name   TEXT NOT NULL,
    effect TEXT NOT NULL,                  -- JSON
    PRIMARY KEY (run, name)
) WITHOUT ROWID;

CREATE TABLE inbox (
    run     INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    command TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE owner (
    run   INTEGER PRIMARY KEY,
    until INTEGER NOT NULL,
    who   TEXT NOT NULL                    -- JSON
);

CREATE TABLE place (
    grp      TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    run      INTEGER NOT NULL,
    task     INTEGER NOT NULL,             -- -1: the run as a whole
    standing INTEGER NOT NULL,
    PRIMARY KEY (grp, seq),
    UNIQUE (run, task, grp)
) WITHOUT ROWID;

CREATE TABLE duration (
    pipeline    TEXT NOT NULL,
    path        TEXT NOT NULL,
    expected_ms INTEGER NOT NULL,
    measured_at INTEGER NOT NULL,
    PRIMARY KEY (pipeline, path)
) WITHOUT ROWID;
