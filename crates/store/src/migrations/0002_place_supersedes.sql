-- Whether the member passed by those that waited before it. Until somebody like that is gone, who was
-- passed by waits to be canceled; afterwards for its turn.
ALTER TABLE place ADD COLUMN supersedes INTEGER NOT NULL DEFAULT 0;
