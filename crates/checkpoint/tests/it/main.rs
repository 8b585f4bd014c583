//! Checkpoints from the outside: what is written is read, and nothing else.

mod damage;
mod golden;
mod retention;
mod support;
