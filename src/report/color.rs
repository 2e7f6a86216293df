//! Decides whether the console report is colored. Pure.

use crate::ci;
use crate::environment::Environment;
use crate::report::text::Color;

/// `NO_COLOR` (no-color.org) comes first, then `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors), then the kind of
/// stream.
pub(crate) fn choose(environment: &Environment, is_terminal: bool) -> Color {
    let set = |name: &str| environment.get(name);
    let on = if set("NO_COLOR").is_some() {
        false
    } else if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        true
    } else if set("CLICOLOR") == Some("0") {
        false
    } else {
        (is_terminal && terminal_has_colors(environment)) || ci::shows_colors(environment)
    };
    if on { Color::On } else { Color::Off }
}

/// The Windows console prints escape sequences as text unless a program enables them; terminals that enable them set one
/// of these variables.
fn terminal_has_colors(environment: &Environment) -> bool {
    let set = |name: &str| environment.get(name);
    match set("TERM") {
        Some(term) => term != "dumb",
        None => !cfg!(windows) || set("WT_SESSION").is_some() || set("ConEmuANSI") == Some("ON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(expected: Color, variables: &[(&str, &str)], terminal: bool) {
        assert_eq!(choose(&variables.iter().copied().collect(), terminal), expected, "{variables:?}");
    }

    #[test]
    fn colors_only_where_they_are_displayed() {
        is(Color::Off, &[("TERM", "xterm")], false);
        is(Color::On, &[("TERM", "xterm")], true);
        is(Color::Off, &[("TERM", "dumb")], true);
        is(Color::On, &[("GITLAB_CI", "true")], false);
        is(Color::Off, &[("JENKINS_URL", "http://x")], false);
    }

    #[test]
    fn the_user_decides_first() {
        is(Color::Off, &[("TERM", "xterm"), ("NO_COLOR", "1")], true);
        is(Color::Off, &[("GITHUB_ACTIONS", "true"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true);
        is(Color::On, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false);
        is(Color::Off, &[("CLICOLOR_FORCE", "0")], false);
        is(Color::Off, &[("CLICOLOR", "0"), ("TERM", "xterm")], true);
        is(Color::On, &[("NO_COLOR", ""), ("TERM", "xterm")], true);
    }
}
