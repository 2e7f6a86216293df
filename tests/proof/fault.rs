//! What can go wrong with a request, and the exit codes that are then correct.

use std::time::Duration;

use clearml_gate::Limits;
use clearml_sandbox::{At, Effect, Sandbox};

/// A fault in one request, or in this request and all later ones.
#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    lasts: bool,
    /// The correct exit codes besides the one without the fault. Code 3 is for a valid response with no usable value.
    pub(crate) codes: &'static [u8],
    /// Makes the fault from the address of another host and the limits of the gate.
    effect: fn(&str, &Limits) -> Effect,
}

impl Fault {
    /// Puts the fault on the nth request.
    pub(crate) fn set(&self, sandbox: &Sandbox, n: usize, elsewhere: &str, limits: &Limits) {
        let at = if self.lasts { At::From(n) } else { At::Request(n) };
        sandbox.fault(at, (self.effect)(elsewhere, limits));
    }
}

const fn once(name: &'static str, codes: &'static [u8], effect: fn(&str, &Limits) -> Effect) -> Fault {
    Fault { name, lasts: false, codes, effect }
}

const fn always(name: &'static str, codes: &'static [u8], effect: fn(&str, &Limits) -> Effect) -> Fault {
    Fault { name, lasts: true, codes, effect }
}

/// An error response from ClearML.
fn refused(code: u16) -> Effect {
    let body = format!(r#"{{"meta":{{"result_code":{code},"result_subcode":1,"result_msg":"no"}},"data":{{}}}}"#);
    Effect::Status { code, headers: Vec::new(), body }
}

/// A page from a proxy.
fn page(code: u16, headers: &[(&str, &str)]) -> Effect {
    let mut headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    headers.push(("Content-Type".to_owned(), "text/html".to_owned()));
    Effect::Status { code, headers, body: "<html><title>busy</title></html>".to_owned() }
}

fn json(body: &str) -> Effect {
    Effect::json(body)
}

/// Longer than the limit for one request.
fn late(limits: &Limits) -> Duration {
    limits.request * 3 / 2
}

pub(crate) const FAULTS: [Fault; 28] = [
    always("refused", &[5], |_, _| Effect::Gone),
    once("reset before", &[], |_, _| Effect::CutBefore),
    always("reset before, always", &[5], |_, _| Effect::CutBefore),
    once("reset after", &[], |_, _| Effect::CutAfter),
    once("reset in the body", &[], |_, _| Effect::CutInBody),
    always("reset in the body, always", &[5], |_, _| Effect::CutInBody),
    once("time-out", &[], |_, limits| Effect::Delay(late(limits))),
    always("time-out, always", &[5], |_, limits| Effect::Delay(late(limits))),
    once("400", &[4], |_, _| refused(400)),
    once("401 once", &[4], |_, _| refused(401)),
    always("401 always", &[4], |_, _| refused(401)),
    once("403", &[4], |_, _| refused(403)),
    once("404", &[4], |_, _| refused(404)),
    once("429", &[], |_, _| page(429, &[])),
    once("429 with Retry-After: 0", &[], |_, _| page(429, &[("Retry-After", "0")])),
    once("429 with Retry-After: 3600", &[5], |_, _| page(429, &[("Retry-After", "3600")])),
    once("500", &[4], |_, _| refused(500)),
    once("502 with a web page", &[], |_, _| page(502, &[])),
    once("503 once", &[], |_, _| page(503, &[])),
    always("503 always", &[5], |_, _| page(503, &[])),
    once("504", &[], |_, _| page(504, &[])),
    once("truncated JSON", &[4], |_, _| Effect::Truncated),
    once("JSON of another shape", &[4], |_, _| json(r#"{"meta":{"result_code":200},"data":[]}"#)),
    once("JSON without data", &[4], |_, _| json(r#"{"meta":{"result_code":200}}"#)),
    once("bare NaN", &[3, 4], |_, _| Effect::BareNan),
    once("a huge body", &[4], |_, limits| Effect::Huge(usize::try_from(limits.body * 3 + 100).unwrap_or(0))),
    once("a redirect to another host", &[4], |elsewhere, _| Effect::Redirect(format!("{elsewhere}/auth.login"))),
    once("a slow drip", &[], |_, limits| Effect::Drip { every: limits.request / 20 }),
];
