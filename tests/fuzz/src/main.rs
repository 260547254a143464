//! Looks for messages that redaction gets wrong.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_fuzz::{Case, Subject, check, kinds, smallest};

const USAGE: &str = "usage: tidegate-fuzz [--seconds N] [--seed N] [--case N] [--redaction JSON] [--hostile yes|no]";

/// The case that is being run, for a panic to name.
static RUNNING: AtomicU64 = AtomicU64::new(0);

struct Options {
    seconds: u64,
    seed: u64,
    case: Option<u64>,
    redaction: String,
    hostile: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options { seconds: 60, seed: 1, case: None, redaction: "{}".to_owned(), hostile: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value; {USAGE}"))?;
        let number = || value.parse().map_err(|_| format!("{name} needs a number, not {value:?}"));
        match name.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--case" => options.case = Some(number()?),
            "--redaction" => options.redaction = value,
            "--hostile" => options.hostile = value == "yes",
            _ => return Err(format!("{name} is not known; {USAGE}")),
        }
    }
    Ok(options)
}

fn run() -> Result<(), String> {
    let options = options()?;
    let subject = Subject::new(&options.redaction)?;
    let kinds = kinds(&subject);
    let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    println!("planting {} kinds of secrets: {}", names.len(), names.join(", "));
    let (seed, hostile) = (options.seed, options.hostile);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        eprintln!(
            "run it again: --seed {seed} --case {} --hostile {}",
            RUNNING.load(Ordering::Relaxed),
            if hostile { "yes" } else { "no" }
        );
    }));
    let until = Instant::now() + Duration::from_secs(options.seconds);
    let mut told = Instant::now();
    for number in options.case.unwrap_or(0).. {
        RUNNING.store(number, Ordering::Relaxed);
        let case = Case::new(seed, number, &kinds, options.hostile);
        if let Err(failure) = check(&subject, &case) {
            let (case, failure) = smallest(&subject, case, failure);
            return Err(format!(
                "--seed {seed} --case {number} fails\nmessage: {}\nchunks: {:?}\n{failure}",
                case.message().escape_ascii(),
                case.chunks
            ));
        }
        if options.case.is_some() || Instant::now() >= until {
            println!("{} cases, no failure", number + 1);
            break;
        }
        if told.elapsed() >= Duration::from_secs(10) {
            println!("{} cases", number + 1);
            told = Instant::now();
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
