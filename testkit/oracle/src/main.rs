//! `comanda-oracle`: runs cases from the command line.

use comanda_oracle::{Case, Corpus, OracleError, run};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: comanda-oracle run CASE.json | check CASE.json|FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["run", file] => print(Path::new(file)),
        ["check", path] => check(Path::new(path)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("comanda-oracle: {error}");
        ExitCode::from(2)
    })
}

/// Prints what the engine does, in the layout of the expected files.
fn print(file: &Path) -> Result<ExitCode, OracleError> {
    let observed = run(&Case::read(file)?)?;
    print!("{}", observed.render());
    Ok(ExitCode::SUCCESS)
}

/// Compares with what Kafka Streams did.
fn check(path: &Path) -> Result<ExitCode, OracleError> {
    let verdicts = Corpus::find(path)?.check()?;
    print!("{verdicts}");
    Ok(if verdicts.different.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
