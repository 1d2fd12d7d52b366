//! Tests of the whole: `tests/it` runs plans and programs the way people do. There is nothing to import.
