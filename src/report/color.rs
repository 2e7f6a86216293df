//! Whether the console report may be coloured. Pure.

use crate::environment::Environment;
use crate::report::text::Colour;

/// The variable by which each CI that renders colours makes itself known. Jenkins is not among them: it renders them
/// only with a plugin.
const RENDERED_BY: [&str; 9] = [
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "BITBUCKET_BUILD_NUMBER",
    "BUILDKITE",
    "CIRCLECI",
    "DRONE",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "TRAVIS",
];

/// `NO_COLOR` comes first (no-color.org), then `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors), then what the
/// stream is.
pub(crate) fn choose(environment: &Environment, is_terminal: bool) -> Colour {
    let set = |name: &str| environment.get(name);
    let on = if set("NO_COLOR").is_some() {
        false
    } else if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        true
    } else if set("CLICOLOR") == Some("0") {
        false
    } else {
        (is_terminal && renders(environment)) || RENDERED_BY.iter().any(|name| set(name).is_some())
    };
    if on { Colour::On } else { Colour::Off }
}

/// A console of Windows shows escape sequences as they are unless somebody switched them on; the terminals that did
/// so say it.
fn renders(environment: &Environment) -> bool {
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
    fn is(expected: Colour, variables: &[(&str, &str)], terminal: bool) {
        assert_eq!(choose(&variables.iter().copied().collect(), terminal), expected, "{variables:?}");
    }

    #[test]
    fn colours_are_for_those_who_render_them() {
        is(Colour::Off, &[("TERM", "xterm")], false);
        is(Colour::On, &[("TERM", "xterm")], true);
        is(Colour::Off, &[("TERM", "dumb")], true);
        is(Colour::On, &[("GITLAB_CI", "true")], false);
        is(Colour::Off, &[("JENKINS_URL", "http://x")], false);
    }

    #[test]
    fn the_user_decides_before_that() {
        is(Colour::Off, &[("TERM", "xterm"), ("NO_COLOR", "1")], true);
        is(Colour::Off, &[("GITHUB_ACTIONS", "true"), ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true);
        is(Colour::On, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], false);
        is(Colour::Off, &[("CLICOLOR_FORCE", "0")], false);
        is(Colour::Off, &[("CLICOLOR", "0"), ("TERM", "xterm")], true);
        is(Colour::On, &[("NO_COLOR", ""), ("TERM", "xterm")], true);
    }
}
