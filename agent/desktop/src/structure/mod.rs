//! What belongs together on a frame: the rows and columns of a table, and the things that can be
//! operated. By geometry alone, without a model: from the words that were read and from edges.

mod columns;
pub mod controls;
mod edges;
mod grey;
pub mod merge;
mod rules;
pub mod table;
