//! Decisions over time as SVG. Words stand beside the picture, not in it: they keep their size on a narrow screen.

use std::fmt::Write as _;

use time::OffsetDateTime;

use super::markup::{Cell, Table, Text, grouped};
use crate::report::tally::{Counts, Timeline, Verdict};

/// Steps that are drawn at least, so that a short capture is no wall of one colour.
const STEPS: usize = 24;
/// Width of a step, and of the bar in it.
const STEP: usize = 10;
const BAR: usize = 8;
/// Height of the picture.
const HEIGHT: u64 = 1000;

/// From the bottom of a bar to its top.
const STACK: [Verdict; 6] =
    [Verdict::Allow, Verdict::WouldDeny, Verdict::WouldAllow, Verdict::Deny, Verdict::Ungoverned, Verdict::Passed];

fn of(counts: &Counts, verdict: Verdict) -> u64 {
    counts.get(verdict as usize).copied().unwrap_or_default()
}

/// The picture, its legend and its figures as a table; nothing if no time is known.
pub(super) fn decisions(timeline: &Timeline) -> Option<String> {
    let steps = timeline.steps();
    let (first, _) = *steps.first()?;
    let (last, _) = *steps.last()?;
    let width = timeline.width();
    let slots = steps.len().max(STEPS);
    let end = first.saturating_add(width.saturating_mul(i64::try_from(slots).unwrap_or(i64::MAX)));
    let highest = steps.iter().map(|(_, counts)| counts.iter().sum::<u64>()).max().unwrap_or(0);
    let top = round_up(highest);
    let present: Vec<Verdict> =
        STACK.into_iter().filter(|verdict| steps.iter().any(|(_, counts)| of(counts, *verdict) > 0)).collect();
    let format = TimeFormat::between(first, end);

    let mut bars = String::new();
    for (at, (start, counts)) in steps.iter().enumerate() {
        let sum: u64 = counts.iter().sum();
        if sum == 0 {
            continue;
        }
        let told: Vec<String> = present
            .iter()
            .filter(|verdict| of(counts, **verdict) > 0)
            .map(|verdict| format!("{} {}", grouped(of(counts, *verdict)), verdict.words()))
            .collect();
        let _ = write!(bars, "<g><title>{}: {}</title>", Text(&format.time(*start)), told.join(", "));
        let mut below = 0;
        for verdict in &present {
            let count = of(counts, *verdict);
            if count == 0 {
                continue;
            }
            let (low, high) = (scaled(below, top), scaled(below + count, top));
            // What is there can be seen, however rare it is.
            let height = (high - low).max(6);
            let y = HEIGHT.saturating_sub(low + height);
            let (x, class) = (at * STEP + (STEP - BAR) / 2, verdict.key());
            let _ = write!(bars, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{BAR}\" height=\"{height}\"/>");
            below += count;
        }
        bars.push_str("</g>\n");
    }
    let mut legend = String::new();
    for verdict in &present {
        let count: u64 = steps.iter().map(|(_, counts)| of(counts, *verdict)).sum();
        let _ = write!(
            legend,
            "<li><svg class=\"swatch\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{}\" width=\"10\" \
             height=\"10\" rx=\"2\"/></svg>{} <b>{}</b></li>",
            verdict.key(),
            verdict.words(),
            grouped(count)
        );
    }
    let middle = first / 2 + end / 2;
    let half = if top.is_multiple_of(2) { grouped(top / 2) } else { String::new() };
    let caption =
        format!("Messages by verdict, {} to {} UTC. One bar is {}.", full(first), full(last + width), duration(width));
    let columns = "0 0 ".to_owned() + &(slots * STEP).to_string();
    let grid = slots * STEP;
    let table = figures(&steps, &format);
    Some(format!(
        "<figure><figcaption>{}</figcaption><ul class=\"legend\">{legend}</ul>\n<div class=\"chart\"><div class=\"y\" \
         aria-hidden=\"true\"><span>{}</span><span>{half}</span><span>0</span></div>\n<svg viewBox=\"{columns} {HEIGHT}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">\n<path class=\"grid\" d=\"M0 1H{grid}M0 \
         500H{grid}M0 999H{grid}\"/>\n{bars}</svg>\n<div class=\"x\" aria-hidden=\"true\"><span>{}</span>\
         <span>{}</span><span>{}</span></div></div>\n<details><summary>The same as a table</summary>{table}</details>\
         </figure>\n",
        Text(&caption),
        grouped(top),
        Text(&caption),
        format.time(first),
        format.time(middle),
        format.time(end),
    ))
}

fn figures(steps: &[(i64, Counts)], format: &TimeFormat) -> Table {
    let rows = steps.iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0));
    let row = |(start, counts): &(i64, Counts)| {
        let mut cells = vec![Cell::Text(format.time(*start))];
        cells.extend(Verdict::ALL.iter().map(|verdict| Cell::count(of(counts, *verdict))));
        cells
    };
    Table {
        caption: "Messages by the time of their exchange (UTC)".to_owned(),
        columns: &["from", "allow", "deny", "would allow", "would deny", "ungoverned", "passed"],
        rows: rows.map(row).collect(),
    }
}

fn scaled(count: u64, top: u64) -> u64 {
    let scaled = u128::from(count) * u128::from(HEIGHT) / u128::from(top.max(1));
    u64::try_from(scaled).unwrap_or(HEIGHT)
}

/// The next of 1, 2, 4, 5, 10, 20 and so on.
fn round_up(number: u64) -> u64 {
    let mut power = 1u64;
    loop {
        for step in [1, 2, 4, 5, 8] {
            let round = power.saturating_mul(step);
            if round >= number {
                return round;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// How times are written, by the time between the first and the last.
enum TimeFormat {
    Milliseconds,
    Seconds,
    Minutes,
    Days,
}

impl TimeFormat {
    fn between(first: i64, last: i64) -> Self {
        match last.saturating_sub(first) {
            ..=5_000 => Self::Milliseconds,
            5_001..=600_000 => Self::Seconds,
            600_001..=86_400_000 => Self::Minutes,
            _ => Self::Days,
        }
    }

    fn time(&self, at: i64) -> String {
        let Some(time) = moment(at) else { return String::new() };
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        match self {
            Self::Milliseconds => format!("{hour:02}:{minute:02}:{second:02}.{:03}", time.millisecond()),
            Self::Seconds => format!("{hour:02}:{minute:02}:{second:02}"),
            Self::Minutes => format!("{hour:02}:{minute:02}"),
            Self::Days => {
                format!("{:02}-{:02} {hour:02}:{minute:02}", u8::from(time.month()), time.day())
            }
        }
    }
}

fn moment(at: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000).ok()
}

fn full(at: i64) -> String {
    moment(at).map(super::moment).unwrap_or_default()
}

fn duration(milliseconds: i64) -> String {
    let units =
        [(604_800_000, "week"), (86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let unit = units.into_iter().find(|(length, _)| milliseconds % length == 0);
    let (length, name) = unit.unwrap_or((1, "millisecond"));
    let number = milliseconds / length;
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number() {
        assert_eq!([0, 1, 3, 6, 9, 11, 41, 81, 5_001].map(round_up), [1, 1, 4, 8, 10, 20, 50, 100, 8_000]);
        assert!(round_up(u64::MAX) > 0);
    }

    #[test]
    fn steps_have_lengths_in_words() {
        assert_eq!(
            [1, 500, 1_000, 15_000, 300_000, 86_400_000, 1_209_600_000].map(duration),
            ["1 millisecond", "500 milliseconds", "1 second", "15 seconds", "5 minutes", "1 day", "2 weeks"]
        );
    }

    #[test]
    fn every_count_is_drawn_and_told() {
        let mut timeline = Timeline::default();
        for at in 0..1_000 {
            timeline.count(1_795_000_000_000 + at * 60_000, Verdict::Allow);
        }
        timeline.count(1_795_000_000_000, Verdict::Deny);
        let drawn = decisions(&timeline).unwrap();
        assert_eq!(drawn.matches("<rect class=\"deny\" x=").count(), 1);
        assert!(drawn.contains("allow <b>1,000</b>") && drawn.contains("One bar is 15 minutes."), "{drawn}");
        assert_eq!(decisions(&Timeline::default()), None);
    }
}
