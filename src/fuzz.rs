//! Fuzz targets: one function for each kind of text from outside. Each panics if that text breaks a promise, and is defined
//! next to the code that it tests. Only fuzzing and the tests compile them; no released binary contains them.

pub use crate::ci::fuzz::event_file;
pub use crate::clearml::fuzz::api_answer;
pub use crate::git::fuzz::git_output;
pub use crate::github::fuzz::github_answer;
pub use crate::report::fuzz::report;
pub use crate::settings::clearml_conf::fuzz::clearml_conf;
pub use crate::settings::fuzz::{metrics_setting, setting_value};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Runs a target over its corpus in the repository, the named seeds and regressions.
    fn replay(target: &str, run: impl Fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 7, "{} holds {} files", folder.display(), files.len());
        for file in files {
            // Shown if it fails.
            println!("{}", file.display());
            run(&fs::read(&file).unwrap());
        }
    }

    #[test]
    fn every_input_of_the_corpus_passes() {
        replay("api_answer", api_answer);
        replay("clearml_conf", clearml_conf);
        replay("event_file", event_file);
        replay("git_output", git_output);
        replay("github_answer", github_answer);
        replay("metrics_setting", metrics_setting);
        replay("report", |data| report(data, |xml| roxmltree::Document::parse(xml).is_ok()));
        replay("setting_value", setting_value);
    }
}
