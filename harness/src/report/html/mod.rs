//! A replay as one HTML file that loads nothing and runs nothing: it can be mailed, attached to a review, or kept.

mod chart;
mod markup;
mod sections;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tidegate_filter::policy::Policy;
use time::OffsetDateTime;

use super::tally::{Changes, Tally, Verdict};
use markup::{Text, counted, dollars, grouped};

const STYLE: &str = include_str!("style.css");

/// What a report is about, apart from the numbers.
#[derive(Debug)]
pub struct Report<'a> {
    /// The policy of the replay.
    pub policy: &'a Policy,
    /// How the replay was made, as names and values.
    pub facts: Vec<(&'static str, String)>,
    /// What it has come to.
    pub tally: &'a Tally,
    /// What differs from another policy, if it was compared with one.
    pub changes: Option<&'a Changes>,
    /// When the report was made.
    pub made: OffsetDateTime,
}

impl Report<'_> {
    /// The whole document. It is well-formed XML too.
    pub fn render(&self) -> String {
        let title = format!("Replay of policy {}", self.policy.name);
        // No style but this one, and nothing else at all.
        let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta \
             http-equiv=\"Content-Security-Policy\" content=\"{policy}\"/>\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n\
             <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<div class=\"wrap\">\n",
            Text(&title)
        );
        let sections = sections::all(self);
        let _ = write!(
            page,
            "<header><p class=\"eyebrow\">Tidegate replay report</p>\n<h1>{}</h1>\n<p class=\"lede\">{}</p>\n\
             <nav aria-label=\"Sections of this report\"><ul>",
            Text(&title),
            self.lede()
        );
        for section in &sections {
            let _ = write!(page, "<li><a href=\"#{}\">{}</a></li>", section.id, Text(section.title));
        }
        page.push_str("</ul></nav></header>\n<main>\n");
        page.push_str(&self.totals());
        for section in &sections {
            let _ = write!(
                page,
                "<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{}</h2>\n{}</section>\n",
                Text(section.title),
                section.body,
                id = section.id,
            );
        }
        let _ = write!(
            page,
            "</main>\n<footer>Made by tidegate {} at {} UTC. Nothing in it is loaded from elsewhere; names come from the \
             traffic and are shown as they were, secrets are counted and never shown.</footer>\n</div>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION"),
            moment(self.made),
        );
        page
    }

    fn lede(&self) -> String {
        let tally = self.tally;
        let what = format!(
            "What this policy makes of {} in {}",
            counted(tally.messages, "message", "messages"),
            counted(tally.exchanges, "HTTP exchange", "HTTP exchanges"),
        );
        match tally.range {
            Some((first, last)) if first == last => format!("{what}, recorded at {} UTC.", stamped(first)),
            Some((first, last)) => format!("{what}, recorded from {} to {} UTC.", stamped(first), stamped(last)),
            None => format!("{what}; the capture does not say when they were recorded."),
        }
    }

    /// The numbers on top.
    fn totals(&self) -> String {
        let tally = self.tally;
        let mut cards = vec![("messages", "messages", grouped(tally.messages))];
        for verdict in Verdict::ALL {
            let always = matches!(verdict, Verdict::Allow | Verdict::Deny);
            if always || tally.count(verdict) > 0 {
                let words = match verdict {
                    Verdict::Allow => "allowed",
                    Verdict::Deny => "denied",
                    Verdict::WouldAllow => "denied, would be allowed",
                    Verdict::WouldDeny => "allowed, would be denied",
                    Verdict::Ungoverned => "not governed",
                    Verdict::Passed => "not judged",
                };
                cards.push((verdict.key(), words, grouped(tally.count(verdict))));
            }
        }
        let secrets: u64 = tally.fates.values().sum();
        cards.push(("rewritten", "bodies rewritten", grouped(tally.rewritten())));
        cards.push(("secrets", "secrets found", grouped(secrets)));
        let spent = tally.spent();
        if spent.calls > 0 {
            cards.push(("spend", "spent on priced calls", dollars(spent.micro_usd)));
        }
        if let Some(changes) = self.changes {
            cards.push(("changed", "change from the other policy", grouped(changes.changed())));
        }
        let mut out = String::from("<dl class=\"totals\">");
        for (key, words, number) in cards {
            let _ = write!(out, "<div class=\"{key}\"><dt>{words}</dt><dd>{}</dd></div>", Text(&number));
        }
        out + "</dl>\n"
    }
}

/// A time that is never broken over two lines.
fn stamped(at: OffsetDateTime) -> String {
    format!("<time>{}</time>", moment(at))
}

/// A time as it is read, to the second and in UTC.
fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
}

#[cfg(test)]
mod tests;
