//! What can be wrong with a value, each with a code that never changes its meaning.

use kilat_domain::Class;

use crate::Schema;
pub use crate::writer::WriteError;

/// Why bytes are not a record of the topic they came from. All of them are poison: no retry helps.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than any record may be.
    #[error("{bytes} bytes are more than the {max} a record may have")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest length allowed.
        max: usize,
    },
    /// Too short to hold the header of the Confluent wire format.
    #[error("{bytes} bytes are too few for the wire format's header of 5")]
    NoHeader {
        /// Its length.
        bytes: usize,
    },
    /// The first byte is not that of the Confluent wire format.
    #[error("the first byte is {found:#04x}, not the 0x00 of the Confluent wire format")]
    Magic {
        /// The first byte.
        found: u8,
    },
    /// Nobody knows this schema id.
    #[error("schema id {id} is unknown")]
    UnknownId {
        /// The id.
        id: u32,
    },
    /// The schema is known, and belongs to another kind of record.
    #[error("schema id {id} is of {found}, and this topic carries {expected}")]
    WrongSchema {
        /// The id.
        id: u32,
        /// What it is the schema of.
        found: Schema,
        /// What the topic carries.
        expected: Schema,
    },
    /// The bytes end before the record does.
    #[error("the bytes end before the record does")]
    Truncated,
    /// The bytes do not follow their schema, or hold a word or number that is not allowed.
    #[error("the bytes do not follow schema id {id}: {problem}")]
    Malformed {
        /// The id.
        id: u32,
        /// What the decoder found.
        problem: Box<str>,
    },
    /// The record is followed by bytes that belong to nothing.
    #[error("{bytes} bytes follow the end of the record")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// The record follows its schema, and says something that cannot be.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl DecodeError {
    /// The stable code, for dead letter headers and runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            DecodeError::TooLarge { .. } => "K2001",
            DecodeError::NoHeader { .. } => "K2002",
            DecodeError::Magic { .. } => "K2003",
            DecodeError::UnknownId { .. } => "K2004",
            DecodeError::WrongSchema { .. } => "K2005",
            DecodeError::Truncated => "K2006",
            DecodeError::Malformed { .. } => "K2007",
            DecodeError::Trailing { .. } => "K2008",
            DecodeError::Invalid { .. } => "K2009",
        }
    }

    /// Who must act: nobody, the record is dead-lettered.
    pub fn class(&self) -> Class {
        match self {
            DecodeError::TooLarge { .. }
            | DecodeError::NoHeader { .. }
            | DecodeError::Magic { .. }
            | DecodeError::UnknownId { .. }
            | DecodeError::WrongSchema { .. }
            | DecodeError::Truncated
            | DecodeError::Malformed { .. }
            | DecodeError::Trailing { .. }
            | DecodeError::Invalid { .. } => Class::Poison,
        }
    }
}

/// Why a structure cannot be written. Nothing is left in the buffer then.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Longer than any record may be; no reader would take it.
    #[error("{bytes} bytes of {schema} are more than the {max} a record may have")]
    TooLarge {
        /// What was written.
        schema: Schema,
        /// Its length.
        bytes: usize,
        /// The longest length allowed.
        max: usize,
    },
    /// The structure holds something no schema has; a fault of the program.
    #[error("{schema} cannot be written")]
    Unsupported {
        /// What was written.
        schema: Schema,
        /// What it holds.
        #[source]
        source: WriteError,
    },
}

impl EncodeError {
    /// The stable code, for logs and runbooks.
    pub fn code(&self) -> &'static str {
        match self {
            EncodeError::TooLarge { .. } => "K2051",
            EncodeError::Unsupported { .. } => "K2052",
        }
    }

    /// Who must act: what is too large can never succeed; a fault of the program stops the partition.
    pub fn class(&self) -> Class {
        match self {
            EncodeError::TooLarge { .. } => Class::Poison,
            EncodeError::Unsupported { .. } => Class::Fatal,
        }
    }
}
