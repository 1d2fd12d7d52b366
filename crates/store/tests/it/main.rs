//! The board from outside: one suite for both adapters, and what only files can go through.

mod blobs;
mod child;
mod conformance;
mod files;
mod logs;
mod places;
mod rows;
mod speed;
mod sweeping;
