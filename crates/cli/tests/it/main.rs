//! The program from outside: real binary, real processes, an environment of its own for each test.

mod answer;
mod cancel;
mod check;
mod docs;
mod eval;
mod groups;
mod hardship;
mod init;
mod json_docs;
mod kill;
mod killed;
mod listing;
mod lock;
mod logs;
mod ls_show;
mod places;
mod plan;
mod replay;
mod resume;
mod retry;
mod run;
mod run_json;
mod select;
mod services;
mod small;
mod world;
