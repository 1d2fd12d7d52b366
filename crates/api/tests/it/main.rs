//! The documents against what others say about them.

mod sarif;
