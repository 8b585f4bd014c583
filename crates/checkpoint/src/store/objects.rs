//! Directories and buckets, through `object_store`.
//!
//! Input: a path or a URL, and the options of `object_store` (credentials, region, endpoint). Output: a [`Store`] whose calls
//! take bounded time. They must not be made from async code.
//!
//! An upload is published under its name at its end, in one step: a local file is written beside it as `name#1`, flushed
//! and renamed, a bucket shows a multipart upload once it is completed. What a killed process left of a local one is
//! removed by [`Store::clear_leftovers`]; of a bucket's, by its own lifecycle rules.
//!
//! Absent: what objects hold; retries beyond those of `object_store`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt as _, WriteMultipart, parse_url_opts};
use tokio::runtime::{Builder, Runtime};

use super::{Found, Store, StoreError, Upload};

/// How long the store may take to answer a question or to remove an object.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to receive a part, or to flush a whole object.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// Bytes of a part. S3 takes 10,000 parts of an object, so that one may have 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts under way at once.
const PARTS_UNDER_WAY_MAX: usize = 2;
/// Bytes asked for at a time.
const READ_BYTES: u64 = 8 << 20;

/// A directory or a bucket.
pub(super) struct Objects {
    objects: Arc<dyn ObjectStore>,
    root: Path,
    place: String,
    /// Of a place that is a directory.
    dir: Option<PathBuf>,
    runtime: Runtime,
}

impl Objects {
    /// What [`super::open`] opens.
    pub(super) fn open(
        place: &str,
        options: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Objects, StoreError> {
        let refused = |reason: String| StoreError::Place { place: place.to_owned(), reason };
        if !place.contains("://") {
            return Objects::directory(FilePath::new(place)).map_err(|error| refused(error.to_string()));
        }
        let url = url::Url::parse(place).map_err(|error| refused(error.to_string()))?;
        if let Some(dir) = (url.scheme() == "file").then(|| url.to_file_path().ok()).flatten() {
            return Objects::directory(&dir).map_err(|error| refused(error.to_string()));
        }
        let (objects, root) = parse_url_opts(&url, options).map_err(|error| refused(error.to_string()))?;
        Objects::over(objects.into(), root.as_ref(), place).map_err(|error| refused(error.to_string()))
    }

    fn directory(dir: &FilePath) -> io::Result<Objects> {
        let dir = std::path::absolute(dir)?;
        let root = Path::from_absolute_path(&dir).map_err(io::Error::other)?;
        let files = LocalFileSystem::new().with_fsync(true);
        let store = Objects::over(Arc::new(files), root.as_ref(), &dir.display().to_string())?;
        Ok(Objects { dir: Some(dir), ..store })
    }

    fn over(objects: Arc<dyn ObjectStore>, root: &str, place: &str) -> io::Result<Objects> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("kilat-objects").enable_all().build()?;
        Ok(Objects { objects, root: Path::from(root), place: place.to_owned(), dir: None, runtime })
    }

    fn path(&self, parts: &[&str]) -> Path {
        parts.iter().fold(self.root.clone(), |path, part| path.join(*part))
    }

    fn wait<T>(
        &self,
        doing: &'static str,
        object: &[impl AsRef<str>],
        timeout: Duration,
        future: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, StoreError> {
        let answer = self.runtime.block_on(async { tokio::time::timeout(timeout, future).await });
        let object = || object.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("/");
        let place = || self.place.clone();
        match answer {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => {
                Err(StoreError::Failed { doing, object: object(), place: place(), source: Box::new(source) })
            }
            Err(_) => Err(StoreError::Slow { doing, object: object(), place: place(), seconds: timeout.as_secs() }),
        }
    }
}

impl Store for Objects {
    fn place(&self) -> &str {
        &self.place
    }

    fn list(&self, folder: &[&str]) -> Result<(Vec<Found>, Vec<String>), StoreError> {
        let path = self.path(folder);
        let listed = self.wait("list", folder, ANSWER_TIMEOUT, self.objects.list_with_delimiter(Some(&path)))?;
        let objects = listed.objects.into_iter().filter_map(|object| {
            let name = object.location.filename()?.to_owned();
            Some(Found { name, bytes: object.size, modified: Timestamp(object.last_modified.timestamp_millis()) })
        });
        let folders = listed.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned));
        Ok((objects.collect(), folders.collect()))
    }

    fn read<'s>(&'s self, object: &[&str]) -> Result<Box<dyn Read + 's>, StoreError> {
        let path = self.path(object);
        let got = self.wait("read", object, ANSWER_TIMEOUT, self.objects.get(&path))?;
        let bytes = got.meta.size;
        let source = match got.payload {
            GetResultPayload::File(file, _) => Source::File(io::BufReader::with_capacity(1 << 20, file)),
            GetResultPayload::Stream(_) => Source::Parts { part: Vec::new(), taken: 0, at: 0, bytes },
        };
        let object = object.iter().map(|&part| part.to_owned()).collect();
        Ok(Box::new(Download { store: self, object, path, source }))
    }

    fn create(self: Arc<Self>, object: &[&str]) -> Result<Box<dyn Upload>, StoreError> {
        let path = self.path(object);
        let upload = self.wait("write", object, ANSWER_TIMEOUT, self.objects.put_multipart(&path))?;
        let parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let object = object.iter().map(|&part| part.to_owned()).collect();
        Ok(Box::new(MultipartUpload { store: self, object, parts: Some(parts) }))
    }

    fn delete(&self, object: &[&str]) -> Result<(), StoreError> {
        let path = self.path(object);
        match self.wait("remove", object, ANSWER_TIMEOUT, self.objects.delete(&path)) {
            Err(StoreError::Failed { source, .. }) if matches!(*source, object_store::Error::NotFound { .. }) => Ok(()),
            done => done,
        }
    }

    fn clear_leftovers(&self, folder: &[&str], ours: &dyn Fn(&str) -> bool) {
        let Some(dir) = &self.dir else { return };
        let dir = folder.iter().fold(dir.clone(), |dir, part| dir.join(part));
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let staged = name.to_str().and_then(|name| name.split_once('#'));
            if staged.is_some_and(|(name, turn)| ours(name) && turn.bytes().all(|byte| byte.is_ascii_digit())) {
                // One that cannot be removed takes space and does no harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// An object being read.
struct Download<'s> {
    store: &'s Objects,
    object: Vec<String>,
    path: Path,
    source: Source,
}

enum Source {
    File(io::BufReader<fs::File>),
    /// One part of it at a time, so that a failed request is repeated by itself.
    Parts {
        part: Vec<u8>,
        taken: usize,
        at: u64,
        bytes: u64,
    },
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (part, taken, at, bytes) = match &mut self.source {
            Source::File(file) => return file.read(buffer),
            Source::Parts { part, taken, at, bytes } => (part, taken, at, bytes),
        };
        if *taken == part.len() && *at < *bytes {
            let range = *at..(*at + READ_BYTES).min(*bytes);
            let next = self.store.objects.get_range(&self.path, range.clone());
            let next = self.store.wait("read", &self.object, ANSWER_TIMEOUT, next).map_err(io::Error::other)?;
            (*part, *taken, *at) = (next.into(), 0, range.end);
        }
        let read = buffer.len().min(part.len() - *taken);
        buffer[..read].copy_from_slice(&part[*taken..*taken + read]);
        *taken += read;
        Ok(read)
    }
}

/// An object being written.
struct MultipartUpload {
    store: Arc<Objects>,
    object: Vec<String>,
    parts: Option<WriteMultipart>,
}

impl Upload for MultipartUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let Some(parts) = &mut self.parts else { return Ok(()) };
        self.store.wait("write", &self.object, UPLOAD_TIMEOUT, async {
            parts.wait_for_capacity(PARTS_UNDER_WAY_MAX).await?;
            parts.write(bytes);
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        let Some(parts) = self.parts.take() else { return Ok(()) };
        self.store.wait("write", &self.object, UPLOAD_TIMEOUT, parts.finish()).map(drop)
    }
}

impl Drop for MultipartUpload {
    fn drop(&mut self) {
        if let Some(parts) = self.parts.take() {
            // What is left then is never seen as an object.
            let _ = self.store.wait("give up", &self.object, ANSWER_TIMEOUT, parts.abort());
        }
    }
}
