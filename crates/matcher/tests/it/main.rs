//! The crate against independent implementations and foreign data, through its public API only.

mod allocations;
mod casefold_oracle;
mod fold;
mod hostile;
mod unicode_test_files;
