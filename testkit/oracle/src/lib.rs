//! The judge: cases that Kafka Streams has run, run again on our engine and compared (`FORMAT.md` describes them).
//!
//! Start at [`Corpus::check`] for a folder, or at [`run`] for one [`Case`].
#![deny(unsafe_code, missing_docs)]

mod case;
mod compare;
mod corpus;
mod error;
mod functions;
mod interpret;
mod observed;
mod op;
mod processors;
mod run;
mod stores;
mod val;

pub use case::Case;
pub use compare::differences;
pub use corpus::{Corpus, Verdicts};
pub use error::OracleError;
pub use observed::{Entry, ErrorAt, Observed, OutputRecord, StoreContent};
pub use run::run;
pub use val::{Type, Val};
