//! Every row natively: `cargo run --release -p tidegate-kernel --example rows`, with a part of their names to choose,
//! and the milliseconds of each.

use std::time::Instant;

use tidegate_kernel::{hostile, rows};

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    let milliseconds = std::env::args().nth(2).and_then(|it| it.parse().ok()).unwrap_or(100.0);
    let begin = Instant::now();
    let now = || begin.elapsed().as_nanos() as f64;
    for mut row in if ["count", "profile", "hostile"].contains(&only.as_str()) { Vec::new() } else { rows::all() } {
        if row.name.contains(&only) {
            let measured = rows::measure(&mut row, milliseconds, now);
            let nanoseconds = measured.nanoseconds;
            println!("{:<40} {:>9.0} MB/s {:>12.0} ns", row.name, row.bytes as f64 * 1e3 / nanoseconds, nanoseconds);
        }
    }
    if only == "profile" {
        let scanner = rows::scanner();
        let wanted = std::env::args().nth(2).unwrap_or_default();
        let hostile = hostile::known().into_iter().find(|it| it.name == wanted);
        let text = hostile.map_or_else(
            || tidegate_kernel::corpus::text(5, 4 << 20, 100_000).into_bytes(),
            |hostile| hostile.text(256 << 10),
        );
        let mut row = rows::row("profile", scanner, text, rows::scan);
        println!("{:?}", rows::measure(&mut row, 4000.0, now).speed());
        return;
    }
    if only == "hostile" {
        let wanted = std::env::args().nth(2).unwrap_or_default();
        for hostile in hostile::known().into_iter().filter(|it| it.name.contains(&wanted)) {
            let mut row = rows::row(&hostile.name, rows::scanner(), hostile.text(256 << 10), rows::scan);
            let nanoseconds = rows::measure(&mut row, if wanted.is_empty() { 150.0 } else { 2000.0 }, now).nanoseconds;
            println!("{:<40} {:>9.0} MB/s", hostile.name, row.bytes as f64 * 1e3 / nanoseconds);
        }
        return;
    }
    if only == "count" {
        let scanner = rows::scanner();
        let wanted = std::env::args().nth(2).unwrap_or_default();
        let hostile = hostile::known().into_iter().find(|it| it.name == wanted);
        let text = hostile.map_or_else(
            || tidegate_kernel::corpus::text(5, 4 << 20, 100_000).into_bytes(),
            |hostile| hostile.text(256 << 10),
        );
        let mut found: std::collections::BTreeMap<usize, usize> = Default::default();
        scanner.prefilter().find(&text, 0, |literal, _| {
            *found.entry(literal).or_default() += 1;
            true
        });
        let mut top: Vec<_> = found.iter().map(|(literal, count)| (*count, *literal)).collect();
        top.sort();
        for (count, literal) in top.iter().rev().take(25) {
            println!(
                "{:?} every {}",
                String::from_utf8_lossy(scanner.prefilter().literal(*literal)),
                text.len() / count
            );
        }
        let (fingerprints, words) = scanner.prefilter().marks(&text);
        println!("fingerprint every {} word every {}", text.len() / fingerprints.max(1), text.len() / words.max(1));
        println!(
            "lookup every {} found every {}",
            text.len() / scanner.prefilter().lookups(&text),
            text.len() / found.values().sum::<usize>()
        );
    }
    if only == "every" {
        let mut all: Vec<(f64, String)> = Vec::new();
        for hostile in hostile::of_every_literal() {
            let mut row = rows::row(&hostile.name, rows::scanner(), hostile.text(64 << 10), rows::scan);
            let nanoseconds = rows::measure(&mut row, 1.0, now).nanoseconds;
            all.push((row.bytes as f64 * 1e3 / nanoseconds, hostile.name));
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (speed, name) in all.iter().take(40) {
            println!("{name:<60} {speed:>9.0} MB/s");
        }
    }
}
