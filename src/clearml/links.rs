//! Addresses in the ClearML web app, derived as the SDK derives them. Pure.

use crate::net::url::Host;

/// The API version since which the path of a task's page contains `tasks`; before it contains `experiments`.
const TASKS_IN_PATH: (u32, u32) = (2, 31);

/// The web app of an API server; `None` when the address follows none of the known conventions. The order of the rules is
/// the SDK's: `://demoapi.`, then `://api.`, then port 8008.
pub(crate) fn web_host(api: &Host) -> Option<Host> {
    let api = api.as_str();
    let derived = [("://demoapi.", "://demoapp."), ("://api.", "://app.")]
        .iter()
        .find(|(from, _)| api.contains(from))
        .map(|(from, to)| api.replacen(from, to, 1))
        .or_else(|| api.contains(":8008").then(|| api.replacen(":8008", ":8080", 1)))?;
    Host::parse(&derived).ok()
}

/// The page of a task.
pub(crate) fn task(web: &Host, api_version: (u32, u32), project: &str, task: &str) -> String {
    let kind = if api_version >= TASKS_IN_PATH { "tasks" } else { "experiments" };
    format!("{web}/projects/{}/{kind}/{}/output/log", segment(project), segment(task))
}

/// Ids are hex digits. Anything else must not lead to a different address.
fn segment(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(api: &str) -> Option<String> {
        web_host(&Host::parse(api).unwrap()).map(|host| host.to_string())
    }

    #[test]
    fn derives_the_web_app_as_the_sdk_does() {
        assert_eq!(derived("api.clear.ml").as_deref(), Some("https://app.clear.ml"));
        assert_eq!(derived("http://api.host:8008").as_deref(), Some("http://app.host:8008"));
        assert_eq!(derived("https://demoapi.trains.ai").as_deref(), Some("https://demoapp.trains.ai"));
        assert_eq!(derived("http://localhost:8008").as_deref(), Some("http://localhost:8080"));
        assert_eq!(derived("https://clearml.example.org").as_deref(), None);
    }

    #[test]
    fn the_path_depends_on_the_server_version() {
        let web = Host::parse("app.clear.ml").unwrap();
        assert_eq!(task(&web, (2, 34), "p", "t"), "https://app.clear.ml/projects/p/tasks/t/output/log");
        assert_eq!(task(&web, (2, 30), "p", "t"), "https://app.clear.ml/projects/p/experiments/t/output/log");
        assert_eq!(task(&web, (2, 31), "../x", "a b\n"), "https://app.clear.ml/projects/x/tasks/ab/output/log");
    }
}
