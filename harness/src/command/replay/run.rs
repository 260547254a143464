//! A replay from the command line.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use miette::miette;
use tidegate_filter::policy::{Configuration, Identity};
use time::OffsetDateTime;

use super::against::{self, Pair};
use super::line::{self, Row};
use super::summary::Totals;
use super::{Chunks, FailOn, Format, HostMode, Replay};
use crate::capture::{self, Exchange, Exchanges, HarWriter, Truncated};
use crate::command::{Outcome, input, simulation};
use crate::host::Module;
use crate::output::PendingFile;
use crate::replay::{Caller, ReplayError, Replayed, Replayer, Settings, cut_finely, tokens};
use crate::report::html::Report;
use crate::report::progress::Bytes;
use crate::report::style::Style;
use crate::report::tally::{Change, Changes, Verdict};

/// The header modes by the words of `--host`.
const MODES: [(&str, bool); 2] = [("hold", true), ("no-hold", false)];

/// Captures that a report names.
const NAMED: usize = 10;

/// The policy in its header modes, and the one that it is compared with.
struct Judges<'a> {
    replayers: Vec<(&'static str, Replayer)>,
    other: Option<(Replayer, &'a str)>,
    policy: &'a str,
}

impl Replay {
    pub(in crate::command) fn run(&self) -> miette::Result<Outcome> {
        self.contradictions()?;
        let policy = input::policy(&self.policy)?;
        let other = self.against.as_deref().map(input::policy).transpose()?;
        let configuration = &policy.compiled.configuration;
        let settings = self.settings(self.caller(&configuration.policy.identity)?)?;
        let truncated = if self.allow_truncated { Truncated::Accept } else { Truncated::Refuse };
        // What is no capture at all is noticed before anything is built.
        let captures: Vec<(&Path, Exchanges)> = self
            .captures
            .iter()
            .map(|path| {
                Ok((
                    path.as_path(),
                    capture::open_with_url(path, truncated, self.url.as_deref())
                        .map_err(|error| input::unusable(&error))?,
                ))
            })
            .collect::<miette::Result<_>>()?;
        let mut out = self.create("--out", self.out.as_deref(), HarWriter::create)?;
        let html = self.create("--html", self.html.as_deref(), PendingFile::create)?;
        let other_settings = match &other {
            Some(other) => {
                let identity = &other.compiled.configuration.policy.identity;
                Some(Settings { caller: self.caller(identity)?, ..settings.clone() })
            }
            None => None,
        };

        let module = self.module.load()?;
        let mut judges = self.judges(&module, &policy, &settings)?;
        if let (Some(other), Some(settings)) = (&other, other_settings) {
            let hold_headers = self.host != HostMode::NoHold;
            let replayer = start(&module, other, Settings { hold_headers, ..settings })?;
            judges.other = Some((replayer, &other.compiled.configuration.policy.name));
        }

        let changes = judges.other.as_ref().map(|(_, name)| Changes::new(name));
        let mut totals = Totals::new(configuration, changes);
        let style = Style::for_stdout();
        if self.format == Format::Text {
            print(&if self.against.is_some() { against::heading(style) } else { line::heading(style) })?;
        }
        let bytes = captures.iter().map(|(_, exchanges)| exchanges.size()).sum::<Option<u64>>();
        let progress = Bytes::for_stderr(bytes);
        let mut done = 0;
        for (path, mut exchanges) in captures {
            if self.format == Format::Text && self.captures.len() > 1 {
                progress.beside(|| print(&line::capture(path, style)))?;
            }
            while let Some(exchange) = exchanges.next() {
                let mut exchange = exchange.map_err(|error| input::unusable(&error))?;
                progress.reach(done + exchanges.position());
                let is_cut = self.chunks == Chunks::Auto && cut_finely(&mut exchange);
                let mut replayed = judges.replay(path, &exchange)?;
                progress.beside(|| {
                    self.show(path, &exchange, &replayed, &mut totals)?;
                    judges.compare(self, path, &exchange, &replayed, &mut totals)
                })?;
                if let (Some(out), Some((_, replayed))) = (&mut out, replayed.first_mut()) {
                    if is_cut {
                        join_pieces(&mut replayed.result);
                    }
                    let note = line::annotation(replayed);
                    out.add(&replayed.result, settings.started, &note)
                        .map_err(|error| unwritable(self.out.as_deref(), &error))?;
                }
            }
            done += exchanges.position();
        }
        drop(progress);
        if let Some(out) = out {
            out.finish().map_err(|error| unwritable(self.out.as_deref(), &error))?;
        }
        if let Some(file) = html {
            let page = self.report(&totals, configuration, settings.started).render();
            write_whole(file, &page).map_err(|error| unwritable(self.html.as_deref(), &error))?;
        }
        self.conclude(&totals, configuration)
    }

    /// What cannot be meant together.
    fn contradictions(&self) -> miette::Result<()> {
        if self.host == HostMode::Both {
            let help = "choose --host hold or --host no-hold: the traffic may come out differently";
            if self.out.is_some() {
                return Err(miette!(help = help, "--out can only be written for one header mode"));
            }
            if self.against.is_some() {
                return Err(miette!(help = help, "--against compares in one header mode"));
            }
        }
        let compares = [FailOn::Change, FailOn::NewlyDenied, FailOn::NewlyAllowed];
        if self.against.is_none() && self.fail_on.iter().any(|it| compares.contains(it)) {
            let help = "give the policy that is in force now with --against";
            return Err(miette!(help = help, "--fail-on names a change, and there is no other policy to compare with"));
        }
        if self.out.is_some() && self.out == self.html {
            return Err(miette!(help = "choose another file for one of them", "--out and --html are the same file"));
        }
        Ok(())
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

    fn judges<'a>(
        &self,
        module: &Module,
        policy: &'a input::PolicyFile,
        settings: &Settings,
    ) -> miette::Result<Judges<'a>> {
        let modes = MODES.iter().filter(|(name, _)| match self.host {
            HostMode::Hold => *name == "hold",
            HostMode::NoHold => *name == "no-hold",
            HostMode::Both => true,
        });
        let replayers = modes
            .map(|(name, hold_headers)| {
                let settings = Settings { hold_headers: *hold_headers, ..settings.clone() };
                Ok((*name, start(module, policy, settings)?))
            })
            .collect::<miette::Result<_>>()?;
        Ok(Judges { replayers, other: None, policy: &policy.compiled.configuration.policy.name })
    }

    fn create<T>(
        &self,
        option: &str,
        path: Option<&Path>,
        create: impl Fn(&Path) -> io::Result<T>,
    ) -> miette::Result<Option<T>> {
        let Some(path) = path else { return Ok(None) };
        let same = |other: &PathBuf| {
            fs::canonicalize(other).ok().zip(fs::canonicalize(path).ok()).is_some_and(|(a, b)| a == b)
        };
        let inputs = [("a capture", &self.captures[..]), ("a policy", std::slice::from_ref(&self.policy))];
        let other = [("a policy", self.against.as_slice())];
        for (what, paths) in inputs.into_iter().chain(other) {
            if paths.iter().any(same) {
                return Err(miette!(
                    help = "choose another file",
                    "{option} {} would overwrite {what}",
                    path.display()
                ));
            }
        }
        create(path).map(Some).map_err(|error| unwritable(Some(path), &error))
    }

    fn show(
        &self,
        path: &Path,
        exchange: &Exchange,
        replayed: &[(&'static str, Replayed)],
        totals: &mut Totals,
    ) -> miette::Result<()> {
        if let Some((_, first)) = replayed.first() {
            totals.tally.add(path, exchange, first);
            if let Some(fault) = first.token {
                *totals.tokens.entry(fault).or_default() += 1;
            }
        }
        totals.hung += replayed.iter().filter(|(_, replayed)| replayed.hung).count();
        let number = usize::try_from(totals.tally.exchanges).unwrap_or(usize::MAX);
        let rows: Vec<Vec<Row<'_>>> =
            replayed.iter().map(|(mode, replayed)| line::rows(number, mode, exchange, replayed)).collect();
        let unlike = rows.windows(2).any(|pair| matches!(pair, [a, b] if !line::alike(a, b)));
        totals.unlike += usize::from(unlike);
        for (at, row) in rows.iter().enumerate().flat_map(|(at, rows)| rows.iter().map(move |row| (at, row))) {
            totals.seen.insert(row.verdict());
            match self.format {
                _ if self.against.is_some() => {}
                Format::Json => print(&row.json(path).to_string())?,
                Format::Text if at == 0 || unlike => print(&row.text(unlike, Style::for_stdout()))?,
                Format::Text => {}
            }
        }
        Ok(())
    }

    fn report<'a>(&self, totals: &'a Totals, configuration: &'a Configuration, made: OffsetDateTime) -> Report<'a> {
        let policy = &configuration.policy;
        let revision = policy.revision.map(|it| format!(", revision {it}")).unwrap_or_default();
        let mut facts = vec![
            (
                "Policy",
                format!("{}{revision}, mode {}, from {}", policy.name, policy.mode.as_str(), self.policy.display()),
            ),
            ("Policy digest", policy.digest.clone()),
        ];
        if let Some(version) = &totals.tally.filter_version {
            facts.push(("Filter", format!("version {version}")));
        }
        if let (Some(path), Some(changes)) = (&self.against, &totals.changes) {
            facts.push(("Compared with", format!("{}, from {}", changes.against, path.display())));
        }
        let mut captures: Vec<String> = self.captures.iter().take(NAMED).map(|it| it.display().to_string()).collect();
        if self.captures.len() > NAMED {
            captures.push(format!("and {} more", self.captures.len() - NAMED));
        }
        facts.push(("Captures", captures.join(", ")));
        let mode = match self.host {
            HostMode::Hold => "hold: request headers wait for the verdict on the body",
            HostMode::NoHold => "no-hold: request headers do not wait for the verdict on the body",
            HostMode::Both => "hold; the replay ran without holding headers too, which is not in this report",
        };
        facts.push(("Header mode", mode.to_owned()));
        let callers = match (self.trust_capture_tokens, self.caller.is_empty()) {
            (true, _) => "as the recorded tokens name them; nobody has verified these tokens",
            (false, true) => "nobody is known",
            (false, false) => "the same caller in every exchange, given on the command line",
        };
        facts.push(("Callers", callers.to_owned()));
        facts.push(("Command", command_line()));
        Report { policy, facts, tally: &totals.tally, changes: totals.changes.as_ref(), made }
    }

    fn conclude(&self, totals: &Totals, configuration: &Configuration) -> miette::Result<Outcome> {
        match self.format {
            Format::Text => print(&totals.text(self, Style::for_stdout()))?,
            Format::Json => print(&totals.json(self, configuration).to_string())?,
        }
        totals.warn(self, configuration);
        let changed = |change| totals.changes.as_ref().is_some_and(|changes| changes.count(change) > 0);
        let found = |wanted: &FailOn| match wanted {
            FailOn::Deny => totals.seen.contains(&Verdict::Deny),
            FailOn::WouldDeny => totals.seen.contains(&Verdict::WouldDeny),
            FailOn::Change => totals.changes.as_ref().is_some_and(|changes| changes.changed() > 0),
            FailOn::NewlyDenied => changed(Change::NewlyDenied),
            FailOn::NewlyAllowed => changed(Change::NewlyAllowed),
        };
        Ok(if self.fail_on.iter().any(found) { Outcome::Findings } else { Outcome::Fine })
    }
}

impl Judges<'_> {
    fn replay(&self, path: &Path, exchange: &Exchange) -> miette::Result<Vec<(&'static str, Replayed)>> {
        let replay = |(mode, replayer): &(&'static str, Replayer)| {
            Ok((*mode, replayer.replay(exchange).map_err(|error| fault(path, exchange, &error))?))
        };
        self.replayers.iter().map(replay).collect()
    }

    fn compare(
        &self,
        replay: &Replay,
        path: &Path,
        exchange: &Exchange,
        replayed: &[(&'static str, Replayed)],
        totals: &mut Totals,
    ) -> miette::Result<()> {
        let (Some((other, name)), Some((mode, after)), Some(changes)) =
            (&self.other, replayed.first(), &mut totals.changes)
        else {
            return Ok(());
        };
        let before = other.replay(exchange).map_err(|error| fault(path, exchange, &error))?;
        let pair = Pair { exchange, before: &before, after, names: [name, self.policy] };
        let number = usize::try_from(totals.tally.exchanges).unwrap_or(usize::MAX);
        let [rows_before, rows_after] = against::rows(&pair, number, mode);
        let (compared, changed) = against::changes(&pair, number, &rows_before, &rows_after);
        changes.compared += compared;
        for it in changed {
            it.count(changes, totals.tally.exchanges);
            print(&match replay.format {
                Format::Json => it.json(path).to_string(),
                Format::Text => it.text(Style::for_stdout()),
            })?;
        }
        Ok(())
    }
}

fn start(module: &Module, policy: &input::PolicyFile, settings: Settings) -> miette::Result<Replayer> {
    let replayer = Replayer::start(module, &policy.text, &policy.compiled.configuration, settings);
    replayer.map_err(|error| miette!("{error}"))
}

/// Pieces that were not recorded are none to write down.
fn join_pieces(exchange: &mut Exchange) {
    if let Some(response) = &mut exchange.response {
        let body = response.body();
        response.chunks = if body.is_empty() { Vec::new() } else { vec![body] };
    }
}

fn write_whole(mut file: PendingFile, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.finish()
}

/// The command as it can be typed into a shell again.
fn command_line() -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=./,:@%+".contains(letter);
    let quoted = |word: String| match !word.is_empty() && word.chars().all(plain) {
        true => word,
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    let words = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("tidegate".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn unwritable(path: Option<&Path>, error: &io::Error) -> miette::Report {
    miette!("cannot write {}: {error}", path.unwrap_or(Path::new("-")).display())
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
