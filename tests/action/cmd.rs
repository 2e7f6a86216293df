//! Replaces Windows' `cmd` on other systems. It knows the few commands of `action.yml`; any other fails the test.

use std::process::Command;

use crate::action::shell::{Ended, Surroundings, start};
use crate::action::windows::from_windows;

pub(crate) fn run(script: &str, surroundings: &Surroundings<'_>) -> Ended {
    let mut ended = Ended { code: 0, log: String::new() };
    let mut lines = script.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("if \"%").and_then(|rest| rest.strip_suffix("%\"==\"\" (")) {
            if !value(name, surroundings).is_empty() {
                assert!(lines.any(|line| line == ")"), "the block of {line:?} has no end");
            }
        } else if let Some(text) = line.strip_prefix("echo ") {
            assert!(!text.contains(['%', '^', '&', '|', '<', '>', '(', ')', '!', '"']), "cmd would not print {text:?}");
            ended.log.extend([text, "\n"]);
        } else if let Some(code) = line.strip_prefix("exit ") {
            ended.code = if code == "%ERRORLEVEL%" { ended.code } else { code.parse().unwrap() };
            return ended;
        } else if let Some(name) = line.strip_prefix("\"%").and_then(|rest| rest.strip_suffix("%\"")) {
            let program = from_windows(value(name, surroundings));
            let Ended { code, log } = start(&mut Command::new(program), surroundings);
            ended = Ended { code, log: ended.log + &log };
        } else {
            panic!("the cmd of these tests does not know {line:?}");
        }
    }
    ended
}

/// In a cmd script, an unset variable is an empty text.
fn value<'a>(name: &str, surroundings: &Surroundings<'a>) -> &'a str {
    surroundings.environment.get(name).map(String::as_str).unwrap_or_default()
}
