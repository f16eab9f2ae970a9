//! What can go wrong: only reading a file.

/// Why an evening cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum CityError {
    /// The file of an evening cannot be read.
    #[error("cannot read the evening {path}: {source}")]
    EveningUnreadable {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line of it is broken.
    #[error("{path}, line {line}: {problem}")]
    EveningLine {
        /// Which file.
        path: String,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// There is nothing to play.
    #[error("{path} has no order_placed line: nothing to play")]
    EveningEmpty {
        /// Which file.
        path: String,
    },
}
