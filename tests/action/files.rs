//! The files that a step and the runner exchange. They are new and empty for each step, and read when it ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of one step, and the variables that name them.
pub(crate) struct Files(BTreeMap<&'static str, PathBuf>);

const NAMES: [(&str, &str); 5] = [
    ("GITHUB_OUTPUT", "set_output"),
    ("GITHUB_ENV", "set_env"),
    ("GITHUB_PATH", "add_path"),
    ("GITHUB_STATE", "save_state"),
    ("GITHUB_STEP_SUMMARY", "step_summary"),
];

impl Files {
    pub(crate) fn new(folder: &Path, step: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let files = NAMES.map(|(variable, name)| (variable, folder.join(format!("{name}_{step}"))));
        for (_, path) in &files {
            fs::write(path, "").unwrap();
        }
        Self(files.into())
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().map(|(name, path)| ((*name).to_owned(), path.to_str().unwrap().to_owned()))
    }

    pub(crate) fn text(&self, variable: &str) -> String {
        fs::read_to_string(&self.0[variable]).unwrap()
    }

    pub(crate) fn pairs(&self, variable: &str) -> BTreeMap<String, String> {
        pairs(&self.text(variable)).unwrap()
    }
}

/// Reads lines of `name=value`, and `name<<end`, lines, `end`. The first sign in a line decides.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, here) = (line.find('='), line.find("<<"));
        let (name, value) = match (equals, here) {
            (Some(equals), here) if here.is_none_or(|here| equals < here) => {
                (&line[..equals], line[equals + 1..].into())
            }
            (_, Some(here)) if here + 2 < line.len() => (&line[..here], until(&line[here + 2..], &mut lines)?),
            _ => return Err(format!("{line:?} is neither name=value nor name<<end")),
        };
        if name.is_empty() {
            return Err(format!("{line:?} has no name"));
        }
        pairs.insert(name.to_owned(), value);
    }
    Ok(pairs)
}

fn until<'a>(end: &str, lines: &mut impl Iterator<Item = &'a str>) -> Result<String, String> {
    let mut value = Vec::new();
    for line in lines {
        if line == end {
            return Ok(value.join("\n"));
        }
        value.push(line);
    }
    Err(format!("there is no {end:?} at the end of a value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_everything_else_is_an_error() {
        let read = pairs("a=1=2\n\nb<<end\none\n\ntwo=3\nend\nc=<<x\nd<<e\ne\n").unwrap();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, [("a", "1=2"), ("b", "one\n\ntwo=3"), ("c", "<<x"), ("d", "")]);
        for text in ["a", "a<<", "a<<end\nb", "=1", "<<end\nend"] {
            assert!(pairs(text).is_err(), "{text:?}");
        }
    }
}
