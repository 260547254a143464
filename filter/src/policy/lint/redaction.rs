//! Lints about `redaction`: settings that look for less, or change more, than their author may think.

use super::{Lint, Step};
use crate::policy::document::Kind;
use crate::policy::{Allowance, Direction, Mode, Redaction, Strategy};
use crate::secret::KEY_NAME;
use crate::secret::detector::{Form, Personal, detectors};

const REDACTION: Step = Step::Key("redaction");

impl Lint<'_, '_, '_> {
    /// `check` says that redaction is off; Envoy does not, at each load.
    pub(super) fn redaction(&mut self, is_check: bool) {
        let policy = self.policy;
        let Some(redaction) = policy.redaction.as_deref() else {
            if is_check {
                let message = "nothing looks for secrets in arguments and results";
                self.warn("redaction_off", &[REDACTION], message, "add \"redaction\": {}, which has safe defaults");
            }
            return;
        };
        if redaction.mode == Mode::Shadow && policy.mode == Mode::Enforce {
            let message = "redaction is in shadow: secrets are counted, and pass";
            let help = "say \"enforce\" once the audit's `would_redact` shows what you expect";
            self.warn("shadow_redaction", &[REDACTION, Step::Key("mode")], message, help);
        }
        let looked_for = |number: usize| number != redaction.placeholder() && redaction.is_on(number);
        if !(0..redaction.placeholder()).any(looked_for) {
            let message = "no detector is on, and there are no `keys` and no `patterns`: no secret is found";
            let help = "say \"default\", or take `redaction` out";
            self.warn("no_detectors", &[REDACTION, Step::Key("detectors")], message, help);
        }
        self.directions(redaction);
        self.personal_data(redaction);
        self.strategies(redaction);
        for (at, allowance) in redaction.allow.iter().enumerate() {
            self.allowance(redaction, at, allowance);
        }
        self.sweep(redaction);
    }

    fn directions(&mut self, redaction: &Redaction) {
        let said = |key: &'static str| match &self.at(&[REDACTION]).member(key)?.kind {
            Kind::Text(word) => Some(&**word),
            _ => None,
        };
        let (requests, responses) = (said("requests"), said("responses"));
        let every = |direction| {
            let mut on = (0..redaction.placeholder()).filter(|number| redaction.is_on(*number));
            on.all(|number| redaction.strategy(direction, number) == Strategy::Allow)
        };
        if requests == Some("allow") && every(Direction::Request) {
            let message = "secrets in the arguments of calls go to the servers";
            let help = "say \"block\"; name what may pass in `strategies` or `allow`";
            self.warn("secrets_pass", &[REDACTION, Step::Key("requests")], message, help);
        }
        if responses == Some("allow") && every(Direction::Response) {
            let message = "secrets in what servers send reach the clients, and the models behind them";
            let help = "say \"replace\"; name what may pass in `strategies` or `allow`";
            self.warn("secrets_pass", &[REDACTION, Step::Key("responses")], message, help);
        }
        if matches!(requests, Some("replace" | "mask" | "hash")) {
            let message =
                "calls run with something else in the place of a secret, which a server may store for the secret";
            let help = "say \"block\": the agent is told which argument it is, and can call again without it";
            self.warn("requests_rewritten", &[REDACTION, Step::Key("requests")], message, help);
        }
    }

    /// Addresses and numbers of people are what many tools are called with.
    fn personal_data(&mut self, redaction: &Redaction) {
        let blocks = |direction| {
            detectors()
                .enumerate()
                .filter(|(_, it)| matches!(it.form, Form::Personal(Personal::Email | Personal::Phone)))
                .any(|(number, _)| redaction.is_on(number) && redaction.strategy(direction, number) == Strategy::Block)
        };
        let here = [REDACTION, Step::Key("detectors")];
        if blocks(Direction::Request) {
            let message = "calls whose arguments hold a mail address or a telephone number are refused";
            let help =
                "add \"strategies\": { \"personal\": { \"requests\": \"allow\" } }, or switch off those detectors";
            self.warn("personal_data_blocked", &here, message, help);
        }
        if blocks(Direction::Response) {
            let message = "results that hold a mail address or a telephone number are withheld";
            let help =
                "add \"strategies\": { \"personal\": { \"responses\": \"replace\" } }, or switch off those detectors";
            self.warn("personal_data_blocked", &here, message, help);
        }
    }

    fn strategies(&mut self, redaction: &Redaction) {
        let Some(value) = self.at(&[REDACTION]).member("strategies") else { return };
        let Kind::Object(members) = &value.kind else { return };
        if members.iter().any(|member| {
            let named = redaction.numbers(&member.key).any(|number| number == redaction.placeholder());
            named && redaction.strategy(Direction::Request, redaction.placeholder()) != Strategy::Block
        }) {
            let message =
                "a placeholder that an agent sends back reaches the server, which may store it for the secret";
            let help = "take `placeholder` out of `strategies`: such calls are then refused, and say why";
            self.report.warn("placeholders_pass", value, message, help);
        }
        for member in members {
            if !redaction.numbers(&member.key).any(|number| redaction.is_on(number)) {
                let message = format!("`{}` is not looked for, so this strategy never applies", member.key);
                self.report.warn("dead_strategy", &member.value, message, &switch_on(&member.key));
            }
        }
    }

    fn allowance(&mut self, redaction: &Redaction, at: usize, allowance: &Allowance) {
        let here = [REDACTION, Step::Key("allow"), Step::Element(at)];
        let entry = self.at(&here);
        if let Some(list) = entry.member("detectors") {
            let elements = (0..).map_while(|nth| list.element(nth));
            for element in elements {
                let Kind::Text(name) = &element.kind else { continue };
                if !redaction.numbers(name).any(|number| redaction.is_on(number)) {
                    let message = format!("`{name}` is not looked for, so it passes without this allowance");
                    self.report.warn("dead_allowance", element, message, "take it out, or switch the detector on");
                }
            }
        }
        let is_any = |pattern: &crate::pattern::Pattern| *pattern == crate::pattern::Pattern::Any;
        let all_tools = allowance
            .tools
            .as_ref()
            .is_none_or(|tools| tools.iter().any(|tool| tool.server.as_ref().is_none_or(is_any) && is_any(&tool.name)));
        let all_paths = allowance.paths.as_ref().is_none_or(|paths| paths.iter().any(is_any));
        if allowance.detectors.is_none() && all_tools && all_paths {
            let message = "every secret passes in every call";
            self.warn("broad_allowance", &here, message, "name the tools, the paths or the detectors that are meant");
        }
    }

    fn sweep(&mut self, redaction: &Redaction) {
        let most = self.policy.limits.buffered_bytes_per_principal;
        let is_said = self.at(&[REDACTION]).member("sweep_bytes").is_some();
        if is_said && redaction.sweep_bytes > most {
            let message = format!(
                "`sweep_bytes` ({}) can never be reached: `limits.buffered_bytes_per_principal` is {most}",
                redaction.sweep_bytes
            );
            let help = "make the smaller limit the smaller number";
            self.warn("limits_conflict", &[REDACTION, Step::Key("sweep_bytes")], &message, help);
        }
    }
}

fn switch_on(name: &str) -> String {
    if name == KEY_NAME {
        return "take it out, or list the names of members under `keys`".to_owned();
    }
    format!("take it out, or switch it on: \"detectors\": [\"default\", \"{name}\"]")
}
