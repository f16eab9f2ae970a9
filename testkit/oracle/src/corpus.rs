//! A folder of cases, judged.

use crate::case::Case;
use crate::compare::differences;
use crate::error::OracleError;
use crate::observed::Observed;
use crate::run::run;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

const EXPECTED: &str = ".expected.json";

/// The case files of a folder.
pub struct Corpus {
    files: Vec<PathBuf>,
}

impl Corpus {
    /// The cases below `path` in name order; a single file stands for itself.
    pub fn find(path: &Path) -> Result<Self, OracleError> {
        let mut files = vec![];
        collect(path, &mut files).map_err(|source| OracleError::Read { path: path.to_owned(), source })?;
        files.sort();
        Ok(Self { files })
    }

    /// The hand-made cases: one semantic each.
    pub fn hand_made() -> Result<Self, OracleError> {
        Self::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/hand"))
    }

    /// The generated ones.
    pub fn generated() -> Result<Self, OracleError> {
        Self::find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/gen"))
    }

    /// Runs and compares all of them.
    pub fn check(&self) -> Result<Verdicts, OracleError> {
        let mut verdicts = Verdicts::default();
        for file in &self.files {
            verdicts.add(file)?;
        }
        Ok(verdicts)
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
        return Ok(());
    }
    let name = path.to_string_lossy();
    if name.ends_with(".json") && !name.ends_with(EXPECTED) {
        files.push(path.to_owned());
    }
    Ok(())
}

/// What became of the cases of a corpus.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Names of cases that came out as in Kafka Streams.
    pub equal: Vec<String>,
    /// Cases that did not, with the differences.
    pub different: BTreeMap<String, Vec<String>>,
    /// Cases that were not run, with what the engine lacks.
    pub skipped: BTreeMap<String, Vec<&'static str>>,
    /// Equal cases whose number of dropped records differs, which is allowed.
    pub other_drops: Vec<String>,
}

impl Verdicts {
    fn add(&mut self, file: &Path) -> Result<(), OracleError> {
        let case = Case::read(file)?;
        let observed = match run(&case) {
            Ok(observed) => observed,
            Err(OracleError::Unsupported(lacking)) => {
                self.skipped.insert(case.name, lacking);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let expected = Observed::read(&expected_file(file))?;
        let found = differences(&expected, &observed);
        if !found.is_empty() {
            self.different.insert(case.name, found);
            return Ok(());
        }
        if expected.dropped_records != observed.dropped_records {
            self.other_drops.push(case.name.clone());
        }
        self.equal.push(case.name);
        Ok(())
    }

    /// How many cases lack what; a case may lack several things.
    fn lacking(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for lacking in self.skipped.values().flatten() {
            *counts.entry(*lacking).or_default() += 1;
        }
        counts
    }
}

fn expected_file(case: &Path) -> PathBuf {
    let name = case.to_string_lossy();
    PathBuf::from(format!("{}{EXPECTED}", name.strip_suffix(".json").unwrap_or(&name)))
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, differences) in &self.different {
            writeln!(f, "{name}:")?;
            for difference in differences {
                writeln!(f, "    {difference}")?;
            }
        }
        let (equal, different, skipped) = (self.equal.len(), self.different.len(), self.skipped.len());
        writeln!(f, "{equal} equal, {different} different, {skipped} skipped")?;
        writeln!(f, "{} of the equal ones count other drops", self.other_drops.len())?;
        for (lacking, cases) in self.lacking() {
            writeln!(f, "    {cases:4} use {lacking}")?;
        }
        Ok(())
    }
}
