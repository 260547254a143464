//! A replay from the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use miette::miette;
use tidegate_filter::policy::Identity;
use time::OffsetDateTime;

use super::line::{self, Row};
use super::{Chunks, FailOn, Format, HostMode, Replay};
use crate::capture::{self, CaptureError, Exchange, Exchanges, HarWriter, Truncated};
use crate::command::{Outcome, input, simulation};
use crate::replay::{Caller, ReplayError, Replayed, Replayer, Settings, TokenFault, tokens};
use crate::report::progress::Bytes;
use crate::report::style::Style;

/// The header modes by the words of `--host`.
const MODES: [(&str, bool); 2] = [("hold", true), ("no-hold", false)];

/// What a whole run has come to.
#[derive(Debug, Default)]
struct Totals {
    exchanges: usize,
    messages: usize,
    /// Of the first header mode; two modes do not make two messages of one.
    verdicts: BTreeMap<&'static str, usize>,
    /// In any header mode.
    seen: BTreeSet<&'static str>,
    reasons: BTreeMap<String, usize>,
    /// Secrets by detector: taken out, in what was refused, and passed in shadow mode.
    redacted: BTreeMap<String, u64>,
    blocked: BTreeMap<String, u64>,
    would_redact: BTreeMap<String, u64>,
    rewritten: usize,
    unlike: usize,
    hung: usize,
    tokens: BTreeMap<TokenFault, usize>,
}

impl Replay {
    pub(in crate::command) fn run(&self) -> miette::Result<Outcome> {
        let policy = input::policy(&self.policy)?;
        let configuration = &policy.compiled.configuration;
        let settings = self.settings(self.caller(&configuration.policy.identity)?)?;
        if self.out.is_some() && self.host == HostMode::Both {
            let help = "choose --host hold or --host no-hold: the traffic may come out differently";
            return Err(miette!(help = help, "--out can only be written for one header mode"));
        }
        let truncated = if self.allow_truncated { Truncated::Accept } else { Truncated::Refuse };
        // What is no capture at all is noticed before anything is built.
        let captures: Vec<(&Path, Exchanges)> = self
            .captures
            .iter()
            .map(|path| {
                Ok((
                    path.as_path(),
                    capture::open_with_url(path, truncated, self.url.as_deref()).map_err(|error| refusal(&error))?,
                ))
            })
            .collect::<miette::Result<_>>()?;
        let mut out = self.out.as_deref().map(|path| self.create(path)).transpose()?;

        let module = self.module.load()?;
        let modes = MODES.iter().filter(|(name, _)| match self.host {
            HostMode::Hold => *name == "hold",
            HostMode::NoHold => *name == "no-hold",
            HostMode::Both => true,
        });
        let replayers: Vec<(&str, Replayer)> = modes
            .map(|(name, hold_headers)| {
                let settings = Settings { hold_headers: *hold_headers, ..settings.clone() };
                let replayer = Replayer::start(&module, &policy.text, configuration, settings);
                Ok((*name, replayer.map_err(|error| miette!("{error}"))?))
            })
            .collect::<miette::Result<_>>()?;

        let mut totals = Totals::default();
        let style = Style::for_stdout();
        if self.format == Format::Text {
            print(&line::heading(style))?;
        }
        let bytes = captures.iter().map(|(_, exchanges)| exchanges.size()).sum::<Option<u64>>();
        let progress = Bytes::for_stderr(bytes);
        let mut done = 0;
        for (path, mut exchanges) in captures {
            if self.format == Format::Text && self.captures.len() > 1 {
                progress.beside(|| print(&line::capture(path, style)))?;
            }
            while let Some(exchange) = exchanges.next() {
                let exchange = exchange.map_err(|error| refusal(&error))?;
                progress.reach(done + exchanges.position());
                totals.exchanges += 1;
                let replayed = replayers
                    .iter()
                    .map(|(mode, replayer)| {
                        Ok((*mode, replayer.replay(&exchange).map_err(|e| fault(path, &exchange, &e))?))
                    })
                    .collect::<miette::Result<Vec<_>>>()?;
                progress.beside(|| self.show(path, &exchange, &replayed, &mut totals))?;
                if let (Some(out), Some((_, replayed))) = (&mut out, replayed.first()) {
                    let note = line::annotation(replayed);
                    out.add(&replayed.result, settings.started, &note).map_err(|error| self.unwritable(&error))?;
                }
            }
            done += exchanges.position();
        }
        drop(progress);
        if let Some(out) = out {
            out.finish().map_err(|error| self.unwritable(&error))?;
        }
        self.conclude(&totals, configuration)
    }

    fn settings(&self, caller: Caller) -> miette::Result<Settings> {
        Ok(Settings {
            hold_headers: true,
            caller,
            now: self.now.as_deref().map(simulation::time).transpose()?,
            started: OffsetDateTime::now_utc(),
            route: self.route.clone(),
            cluster: self.cluster.clone(),
            byte_by_byte: self.chunks == Chunks::Adversarial,
        })
    }

    fn caller(&self, identity: &Identity) -> miette::Result<Caller> {
        if self.trust_capture_tokens {
            return tokens(identity).map_err(|error| simulation::unsupplied(&error));
        }
        self.caller.supplied(identity)
    }

    fn create(&self, out: &Path) -> miette::Result<HarWriter> {
        let same =
            |path: &Path| fs::canonicalize(path).ok().zip(fs::canonicalize(out).ok()).is_some_and(|(a, b)| a == b);
        if self.captures.iter().any(|path| same(path)) {
            return Err(miette!(help = "choose another file", "--out {} would overwrite a capture", out.display()));
        }
        HarWriter::create(out).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &io::Error) -> miette::Report {
        let out = self.out.as_deref().unwrap_or(Path::new("-"));
        miette!("cannot write {}: {error}", out.display())
    }

    fn show(
        &self,
        path: &Path,
        exchange: &Exchange,
        replayed: &[(&'static str, Replayed)],
        totals: &mut Totals,
    ) -> miette::Result<()> {
        let rows: Vec<Vec<Row<'_>>> =
            replayed.iter().map(|(mode, replayed)| line::rows(totals.exchanges, mode, exchange, replayed)).collect();
        for (at, (rows, (_, replayed))) in rows.iter().zip(replayed).enumerate() {
            totals.hung += usize::from(replayed.hung);
            if at > 0 {
                continue;
            }
            totals.messages += rows.len();
            totals.rewritten += usize::from(replayed.request_rewritten) + usize::from(replayed.response_rewritten);
            if let Some(fault) = replayed.token {
                *totals.tokens.entry(fault).or_default() += 1;
            }
        }
        let unlike = rows.windows(2).any(|pair| matches!(pair, [a, b] if !line::alike(a, b)));
        totals.unlike += usize::from(unlike);
        for (at, row) in rows.iter().enumerate().flat_map(|(at, rows)| rows.iter().map(move |row| (at, row))) {
            totals.seen.insert(row.verdict());
            if at == 0 {
                *totals.verdicts.entry(row.verdict()).or_default() += 1;
                if let Some(reason) = row.reason() {
                    *totals.reasons.entry(reason.to_owned()).or_default() += 1;
                }
                totals.count_secrets(row);
            }
            match self.format {
                Format::Json => print(&row.json(path).to_string())?,
                Format::Text if at == 0 || unlike => print(&row.text(unlike, Style::for_stdout()))?,
                Format::Text => {}
            }
        }
        Ok(())
    }

    fn conclude(
        &self,
        totals: &Totals,
        configuration: &tidegate_filter::policy::Configuration,
    ) -> miette::Result<Outcome> {
        if self.format == Format::Text {
            print(&totals.summary(self))?;
        }
        for (fault, count) in &totals.tokens {
            eprintln!("tidegate: {count} of {} requests have {fault}; their callers are anonymous", totals.exchanges);
        }
        if self.trust_capture_tokens {
            eprintln!("tidegate: callers are those that the recorded tokens name; nobody has verified these tokens");
        }
        let only = |reason: &str| totals.reasons.get(reason).is_some_and(|count| *count == totals.messages);
        if only("server_unknown") {
            let paths: Vec<&str> =
                configuration.policy.servers.iter().filter_map(|server| server.matcher.path.as_deref()).collect();
            eprintln!(
                "tidegate: nothing here is for a server of the policy, which has the paths {}; where servers are matched \
                 by route or cluster, give --route or --cluster",
                paths.join(", ")
            );
        }
        if self.caller.is_empty() && !self.trust_capture_tokens && totals.reasons.contains_key("principal_missing") {
            eprintln!(
                "tidegate: nobody is known to the policy here; say who calls with --as or --trust-capture-tokens"
            );
        }
        if totals.hung > 0 {
            eprintln!("tidegate: warning: {} exchanges would not end in Envoy; please report this", totals.hung);
        }
        let found = |wanted: &FailOn| match wanted {
            FailOn::Deny => totals.seen.contains("deny"),
            FailOn::WouldDeny => totals.seen.contains("would deny"),
        };
        Ok(if self.fail_on.iter().any(found) { Outcome::Findings } else { Outcome::Fine })
    }
}

impl Totals {
    fn count_secrets(&mut self, row: &Row<'_>) {
        let is_denied = row.verdict() == "deny";
        for redaction in row.redactions() {
            let counts = match (redaction.passed, is_denied) {
                (true, _) => &mut self.would_redact,
                (false, true) => &mut self.blocked,
                (false, false) => &mut self.redacted,
            };
            *counts.entry(redaction.detector).or_default() += redaction.count;
        }
    }

    fn summary(&self, replay: &Replay) -> String {
        let verdicts: Vec<String> = self.verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        let mut text = format!(
            "\n{}, {}: {}; {} rewritten",
            counted(self.exchanges, "exchange", "exchanges"),
            counted(self.messages, "message", "messages"),
            verdicts.join(", "),
            counted(self.rewritten, "body", "bodies"),
        );
        if replay.host == HostMode::Both {
            text += &match self.unlike {
                0 => "; the same in both header modes".to_owned(),
                number => {
                    format!("; {} not alike in both header modes", counted(number, "exchange is", "exchanges are"))
                }
            };
        }
        if replay.chunks == Chunks::Adversarial {
            text += "; byte by byte the same";
        }
        for (what, counts) in
            [("redacted", &self.redacted), ("refused for", &self.blocked), ("would redact", &self.would_redact)]
        {
            if !counts.is_empty() {
                let counts: Vec<String> =
                    counts.iter().map(|(detector, count)| format!("{detector} {count}")).collect();
                text += &format!("\n{what}: {}", counts.join(", "));
            }
        }
        text
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn refusal(error: &CaptureError) -> miette::Report {
    match error.help() {
        Some(help) => miette!(help = help, "{error}"),
        None => miette!("{error}"),
    }
}

fn fault(path: &Path, exchange: &Exchange, error: &ReplayError) -> miette::Report {
    let help = "this is a fault of Tidegate, whatever the traffic is: please report it, with the exchange if you may";
    miette!(help = help, "internal error at {}, {}: {error}", path.display(), exchange.place)
}

/// Prints a line; a reader that has gone is no fault of ours, and ends the program as it ends others.
fn print(text: &str) -> miette::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Ok(()) => Ok(()),
        Err(error) => Err(miette!("cannot write to standard output: {error}")),
    }
}
