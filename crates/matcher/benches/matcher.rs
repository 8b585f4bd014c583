//! TBD
fn main(){}
