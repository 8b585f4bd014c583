//! Where objects are, for threads that may wait.
//!
//! [`Store`] is the port: objects listed, read, written and removed, each in bounded time, or an error that names the place, the
//! object and the remedy. [`open`] gives a directory or a bucket; a simulation has its own.
//!
//! Absent: what objects hold; retries beyond those of the store.

mod error;
mod objects;

use std::io::Read;
use std::sync::Arc;

use kilat_domain::Timestamp;

pub use error::StoreError;

/// A place for objects. Names come in parts: folders, then the object's own.
pub trait Store: Send + Sync {
    /// What messages call it.
    fn place(&self) -> &str;

    /// The objects right below `folder`, and the names of the folders there.
    fn list(&self, folder: &[&str]) -> Result<(Vec<Found>, Vec<String>), StoreError>;

    /// Reads an object from its beginning.
    fn read<'s>(&'s self, object: &[&str]) -> Result<Box<dyn Read + 's>, StoreError>;

    /// Begins to write an object. Dropped before its end, nothing of it is ever seen.
    fn create(self: Arc<Self>, object: &[&str]) -> Result<Box<dyn Upload>, StoreError>;

    /// Removes an object; one that is not there is removed.
    fn delete(&self, object: &[&str]) -> Result<(), StoreError>;

    /// Removes what killed uploads left in `folder` of objects whose names are `ours`, where a store shows such.
    fn clear_leftovers(&self, folder: &[&str], ours: &dyn Fn(&str) -> bool);
}

/// An object being written.
pub trait Upload: Send {
    /// Appends bytes; waits while the store is behind.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Ends it: from now on it is there.
    fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// An object that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The last part of its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub modified: Timestamp,
}

/// The store at `place`: the path of a directory, which is made when it is first written to, or a URL: `s3://bucket/prefix`,
/// `gs://…`, `az://…`, `file:///…`, `memory:///`. `options` are those of `object_store`, such as `aws_region`; names it
/// does not know are passed over.
///
/// *Errors:* the place cannot be understood. That it can be reached is not looked at.
pub fn open(place: &str, options: impl IntoIterator<Item = (String, String)>) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(objects::Objects::open(place, options)?))
}

#[cfg(test)]
mod tests;
