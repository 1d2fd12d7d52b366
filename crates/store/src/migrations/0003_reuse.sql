-- Results that can be found again, by their key. A row goes with its run; of several runs the newest counts.

CREATE TABLE reuse (
    name BLOB NOT NULL,
    run INTEGER NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (name, run, task)
) WITHOUT ROWID;

CREATE INDEX reuse_run ON reuse (run);
