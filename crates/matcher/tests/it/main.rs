//! The crate against independent implementations and foreign data, through its public API only.

mod casefold_oracle;
mod fold;
