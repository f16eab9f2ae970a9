//! How files look: their first line, their length, their name, and what must not stand in them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Longer ones are read by nobody from top to bottom.
const MAX_LINES: usize = 500;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "misc", "helpers", "helper", "manager"];
/// Macros of unfinished work, assembled here so that this file passes.
const UNFINISHED: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("db", "g!(")];
/// Folders that exist on one machine only, assembled here so that this file passes.
const MACHINE_FOLDERS: &[&str] =
    &[concat!("/", "work/"), concat!("/", "root/"), concat!("/", "tmp/"), concat!("/", "home/")];
/// Files in which a machine's paths are looked for.
const TEXT_EXTENSIONS: &[&str] =
    &["rs", "toml", "sh", "py", "md", "yaml", "yml", "json", "xml", "properties", "java", "sql"];
/// The one room that may speak to C.
const UNSAFE_ROOM: &str = "connectors/kafka";
const UNSAFE_ALLOWED: &str = concat!("allow(", "unsafe_code)");

/// A file of the checkout.
pub struct SourceFile {
    /// From the root of the checkout.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Every text file under `root`, without hidden folders and build output.
///
/// # Errors
/// If a folder or file cannot be read.
pub fn source_files(root: &Path) -> io::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !is_skipped(&entry.file_name()) {
                    folders.push(path);
                }
            } else if extension(&path).is_some_and(|found| TEXT_EXTENSIONS.contains(&found)) {
                let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
                let path = path.strip_prefix(root).unwrap_or(&path).to_owned();
                files.push(SourceFile { path, text });
            }
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

fn is_skipped(folder: &OsStr) -> bool {
    let name = folder.to_string_lossy();
    name.starts_with('.') || name == "target" || name == "node_modules"
}

/// Everything untidy in these files.
pub fn violations(files: &[SourceFile]) -> Vec<String> {
    files.iter().flat_map(in_file).collect()
}

fn in_file(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    if extension(&file.path) == Some("rs") {
        found.extend(length(file));
        found.extend(first_line(file));
        found.extend(unfinished(file));
        found.extend(name(file));
        found.extend(unsafe_room(file));
    }
    if is_room_manifest(file) {
        found.extend(own_lints(file));
    }
    found.extend(machine_path(file));
    found
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(OsStr::to_str)
}

fn length(file: &SourceFile) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > MAX_LINES).then(|| format!("{}: {lines} lines, {MAX_LINES} at most: split it", file.path.display()))
}

fn first_line(file: &SourceFile) -> Option<String> {
    (!file.text.starts_with("//!")).then(|| format!("{}: opens without its one idea (//! …)", file.path.display()))
}

fn unfinished(file: &SourceFile) -> Option<String> {
    let (number, line) =
        file.text.lines().enumerate().find(|(_, line)| UNFINISHED.iter().any(|mark| line.contains(mark)))?;
    Some(format!("{}:{}: unfinished: {}", file.path.display(), number + 1, line.trim()))
}

fn name(file: &SourceFile) -> Option<String> {
    let stem = file.path.with_extension("");
    let empty = stem
        .iter()
        .filter_map(OsStr::to_str)
        .find(|part| part.split(['_', '-']).any(|word| EMPTY_NAMES.contains(&word)))?;
    Some(format!("{}: '{empty}' does not say what is inside", file.path.display()))
}

fn unsafe_room(file: &SourceFile) -> Option<String> {
    (file.text.contains(UNSAFE_ALLOWED) && !file.path.starts_with(UNSAFE_ROOM))
        .then(|| format!("{}: unsafe code belongs into {UNSAFE_ROOM}", file.path.display()))
}

fn is_room_manifest(file: &SourceFile) -> bool {
    file.path.file_name() == Some(OsStr::new("Cargo.toml")) && file.text.contains("[package]")
}

fn own_lints(file: &SourceFile) -> Option<String> {
    (!file.text.contains("[lints]\nworkspace = true"))
        .then(|| format!("{}: does not take the workspace's lints", file.path.display()))
}

/// A path counts where it begins: after a letter or a point it is the tail of another one.
fn machine_path(file: &SourceFile) -> Option<String> {
    let begins = |line: &str, folder: &str| {
        line.match_indices(folder).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || ".~_-})$/".contains(c))
        })
    };
    let (number, line) =
        file.text.lines().enumerate().find(|(_, line)| MACHINE_FOLDERS.iter().any(|folder| begins(line, folder)))?;
    Some(format!("{}:{}: a path of one machine: {}", file.path.display(), number + 1, line.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> usize {
        violations(&[SourceFile { path: PathBuf::from(path), text: text.to_owned() }]).len()
    }

    #[test]
    fn a_tidy_file_passes() {
        assert_eq!(check("edge/src/orders.rs", "//! Orders.\nfn take() {}\n"), 0);
    }

    #[test]
    fn a_file_without_its_idea_is_refused() {
        assert_eq!(check("edge/src/orders.rs", "fn take() {}\n"), 1);
    }

    #[test]
    fn a_file_of_501_lines_is_refused_and_one_of_500_is_not() {
        let lines = |count: usize| format!("//! Orders.\n{}", "\n".repeat(count - 1));
        assert_eq!(check("edge/src/orders.rs", &lines(500)), 0);
        assert_eq!(check("edge/src/orders.rs", &lines(501)), 1);
    }

    #[test]
    fn unfinished_work_is_refused() {
        for mark in UNFINISHED {
            assert_eq!(check("edge/src/orders.rs", &format!("//! Orders.\n{mark})\n")), 1);
        }
    }

    #[test]
    fn a_name_that_says_nothing_is_refused_in_file_and_folder() {
        for path in ["edge/src/utils.rs", "edge/tests/common/mod.rs", "edge/src/order_manager.rs"] {
            assert_eq!(check(path, "//! Things.\n"), 1, "{path}");
        }
        assert_eq!(check("edge/src/commons.rs", "//! Pastures.\n"), 0);
    }

    #[test]
    fn a_machine_s_path_is_refused_but_not_the_tail_of_another() {
        let folder = MACHINE_FOLDERS[0];
        assert_eq!(check("docs/start.md", &format!("cd {folder}main\n")), 1);
        assert_eq!(check("docs/start.md", &format!("cd ..{folder}main\n")), 0);
    }

    #[test]
    fn unsafe_code_is_refused_outside_its_room() {
        let text = format!("//! C.\n#![{UNSAFE_ALLOWED}]\n");
        assert_eq!(check("edge/src/lib.rs", &text), 1);
        assert_eq!(check("connectors/kafka/src/lib.rs", &text), 0);
    }

    #[test]
    fn a_crate_that_leaves_the_workspace_s_lints_is_refused() {
        assert_eq!(check("edge/Cargo.toml", "[package]\nname = \"edge\"\n"), 1);
    }
}
