//! The engine on event lines and rule files, as a user writes both.

mod allocations;
mod blocks;
mod identity;
mod order;
mod scenarios;
mod support;
