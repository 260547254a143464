//! What `POLICY` names: files, directories, and standard input.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// What a report calls standard input.
const STDIN: &str = "<stdin>";

/// What lies beside policies and is none, by the end of its name.
const OTHERS: [&str; 3] = [".test.json", ".schema.json", ".lock.json"];

/// One document, or why there is none.
pub(super) struct Document {
    /// What a report calls it.
    pub(super) name: String,
    /// Its bytes; else what is wrong, for a person.
    pub(super) source: Result<Vec<u8>, String>,
}

impl Document {
    fn fault(path: &Path, what: &str) -> Self {
        Self { name: path.display().to_string(), source: Err(what.to_owned()) }
    }

    fn of_file(path: &Path) -> Self {
        let source = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
        Self { name: path.display().to_string(), source }
    }
}

/// Reads all documents, in the order in which they are named; those of a directory by name.
pub(super) fn read(paths: &[PathBuf]) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut is_stdin_read = false;
    for path in paths {
        if path.as_os_str() == "-" {
            if !std::mem::replace(&mut is_stdin_read, true) {
                documents.push(of_stdin());
            }
        } else if path.is_dir() {
            let before = documents.len();
            of_directory(path, &mut documents);
            if documents.len() == before {
                let what =
                    format!("{} holds no policy: no `*.json` that is not a test, a schema or a lock", path.display());
                documents.push(Document::fault(path, &what));
            }
        } else {
            documents.push(Document::of_file(path));
        }
    }
    documents
}

fn of_stdin() -> Document {
    let mut source = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut source);
    let source = read.map(|_| source).map_err(|error| format!("cannot read standard input: {error}"));
    Document { name: STDIN.to_owned(), source }
}

/// The policies of a directory and of those in it. Hidden ones are left out, and links to directories, which may lead
/// back.
fn of_directory(folder: &Path, documents: &mut Vec<Document>) {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            documents.push(Document::fault(folder, &format!("cannot read {}: {error}", folder.display())));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            of_directory(&entry.path(), documents);
        } else if name.ends_with(".json") && !OTHERS.iter().any(|end| name.ends_with(end)) && !entry.path().is_dir() {
            documents.push(Document::of_file(&entry.path()));
        }
    }
}
