//! Hyperscan 5.4 through the few C functions a block scan needs, looked up when the program starts.
//!
//! In: literals or patterns, then texts. Out: the ids that match. Where the library is not installed, [`Library::open`]
//! says how to install it. Block mode; a pattern is reported once a text (`HS_FLAG_SINGLEMATCH`) where asked for.
//! Source: `hs_compile.h` and `hs_runtime.h` of Hyperscan 5.4.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_ulonglong, c_void};
use std::ptr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use libloading::{Library as Shared, Symbol};

/// Case does not count.
pub(crate) const CASELESS: c_uint = 1;
/// Each pattern is reported once a text.
pub(crate) const SINGLEMATCH: c_uint = 8;
/// Patterns and texts are UTF-8.
pub(crate) const UTF8: c_uint = 32;
/// Classes such as `\s` are Unicode's.
pub(crate) const UCP: c_uint = 64;

const MODE_BLOCK: c_uint = 1;

type OnMatch = unsafe extern "C" fn(c_uint, c_ulonglong, c_ulonglong, c_uint, *mut c_void) -> c_int;
type CompileMulti = unsafe extern "C" fn(
    *const *const c_char,
    *const c_uint,
    *const c_uint,
    c_uint,
    c_uint,
    *const c_void,
    *mut *mut c_void,
    *mut *mut CompileError,
) -> c_int;
type CompileLiterals = unsafe extern "C" fn(
    *const *const c_char,
    *const c_uint,
    *const c_uint,
    *const usize,
    c_uint,
    c_uint,
    *const c_void,
    *mut *mut c_void,
    *mut *mut CompileError,
) -> c_int;
type AllocScratch = unsafe extern "C" fn(*const c_void, *mut *mut c_void) -> c_int;
type Scan = unsafe extern "C" fn(*const c_void, *const u8, c_uint, c_uint, *mut c_void, OnMatch, *mut c_void) -> c_int;
type Free = unsafe extern "C" fn(*mut c_void) -> c_int;

#[repr(C)]
struct CompileError {
    message: *mut c_char,
    expression: c_int,
}

/// The shared library.
#[derive(Clone)]
pub(crate) struct Library(Arc<Shared>);

/// A compiled set of patterns with the scratch space to scan for them.
pub(crate) struct Database {
    library: Library,
    scan: Scan,
    database: *mut c_void,
    scratch: *mut c_void,
}

impl Library {
    /// Finds the library.
    pub(crate) fn open() -> Result<Library> {
        // SAFETY: Hyperscan's initialisers only look at the processor.
        let shared = unsafe { Shared::new("libhs.so.5") }.or_else(|_| unsafe { Shared::new("libhs.so") });
        let shared = shared.context("Hyperscan is not installed. help: apt-get install libhyperscan-dev (5.4)")?;
        Ok(Library(Arc::new(shared)))
    }

    /// What `hs_version` says.
    pub(crate) fn version(&self) -> Result<String> {
        // SAFETY: the function takes nothing and returns a static string.
        unsafe {
            let version: Symbol<'_, unsafe extern "C" fn() -> *const c_char> = self.0.get(b"hs_version")?;
            Ok(CStr::from_ptr(version()).to_string_lossy().into_owned())
        }
    }

    /// Compiles patterns; ids are their places.
    pub(crate) fn patterns(&self, patterns: &[String], flags: c_uint) -> Result<Database> {
        let texts = patterns.iter().map(|text| CString::new(&**text)).collect::<Result<Vec<_>, _>>()?;
        let (pointers, flags, ids) = arguments(&texts, flags);
        self.compiled(|database, error| {
            // SAFETY: the arrays live through the call and have the length that is said; null is the present platform.
            unsafe {
                let compile: Symbol<'_, CompileMulti> = self.0.get(b"hs_compile_multi")?;
                let len = texts.len() as c_uint;
                let (pointers, flags, ids) = (pointers.as_ptr(), flags.as_ptr(), ids.as_ptr());
                Ok(compile(pointers, flags, ids, len, MODE_BLOCK, ptr::null(), database, error))
            }
        })
    }

    /// Compiles literals; ids are their places.
    pub(crate) fn literals(&self, literals: &[String], flags: c_uint) -> Result<Database> {
        let lengths: Vec<usize> = literals.iter().map(String::len).collect();
        let texts = literals.iter().map(|text| CString::new(&**text)).collect::<Result<Vec<_>, _>>()?;
        let (pointers, flags, ids) = arguments(&texts, flags);
        self.compiled(|database, error| {
            // SAFETY: as above; the lengths are those of the texts without their final zero.
            unsafe {
                let compile: Symbol<'_, CompileLiterals> = self.0.get(b"hs_compile_lit_multi")?;
                let len = texts.len() as c_uint;
                let (pointers, flags, ids) = (pointers.as_ptr(), flags.as_ptr(), ids.as_ptr());
                Ok(compile(pointers, flags, ids, lengths.as_ptr(), len, MODE_BLOCK, ptr::null(), database, error))
            }
        })
    }

    fn compiled(
        &self,
        compile: impl FnOnce(*mut *mut c_void, *mut *mut CompileError) -> Result<c_int>,
    ) -> Result<Database> {
        let (mut database, mut error, mut scratch) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        if compile(&raw mut database, &raw mut error)? != 0 {
            // SAFETY: a failed compilation has set the error; it is leaked, as the program ends.
            let (message, at) = unsafe { (CStr::from_ptr((*error).message).to_string_lossy(), (*error).expression) };
            bail!("Hyperscan refuses pattern {at}: {message}");
        }
        // SAFETY: the database was compiled above; the scratch is freed with it.
        unsafe {
            let alloc: Symbol<'_, AllocScratch> = self.0.get(b"hs_alloc_scratch")?;
            if alloc(database, &raw mut scratch) != 0 {
                bail!("Hyperscan has no scratch space");
            }
            let scan = *self.0.get::<Scan>(b"hs_scan")?;
            Ok(Database { library: self.clone(), scan, database, scratch })
        }
    }
}

fn arguments(texts: &[CString], flags: c_uint) -> (Vec<*const c_char>, Vec<c_uint>, Vec<c_uint>) {
    let pointers = texts.iter().map(|text| text.as_ptr()).collect();
    (pointers, vec![flags; texts.len()], (0..texts.len() as c_uint).collect())
}

impl Database {
    /// Calls `found` with the id of every match.
    #[inline]
    pub(crate) fn scan<F: FnMut(u32)>(&mut self, text: &str, found: &mut F) {
        unsafe extern "C" fn on_match<F: FnMut(u32)>(
            id: c_uint,
            _from: c_ulonglong,
            _to: c_ulonglong,
            _flags: c_uint,
            found: *mut c_void,
        ) -> c_int {
            // SAFETY: `scan` below passes its own `found`, which outlives the call.
            unsafe { (*found.cast::<F>())(id) };
            0
        }
        let context = ptr::from_mut(found).cast();
        // SAFETY: database and scratch are alive and belong together; the text has the length that is said.
        let failed = unsafe {
            (self.scan)(self.database, text.as_ptr(), text.len() as c_uint, 0, self.scratch, on_match::<F>, context)
        };
        assert_eq!(failed, 0, "hs_scan");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: both were made by the library, which is still open, and nobody else has them.
        unsafe {
            if let Ok(free) = self.library.0.get::<Free>(b"hs_free_scratch") {
                free(self.scratch);
            }
            if let Ok(free) = self.library.0.get::<Free>(b"hs_free_database") {
                free(self.database);
            }
        }
    }
}
