//! What other scanners of secrets find in the labelled set, and how fast, beside Tidegate.
//!
//! Each runs as its users run it, on one core: on the texts as files, on the MCP messages that carry them, and on
//! messages in which the text is JSON in JSON. Scanners read files and say what they found; nobody's credentials are
//! tried out.

mod score;
mod tools;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use tidegate::build::Workspace;
use tidegate::report::progress::{Lines, Progress as _};
use tidegate_labelled::score::compare;
use tidegate_labelled::wire::Embedding;
use tidegate_labelled::{Label, Sample, Subject, generate};

use score::Score;
use tools::Tool;

type Failure = Box<dyn Error>;

/// Bytes of the corpus for each secret in it.
const SPARSE: usize = 100_000;

/// The forms of a text, and how many times a JSON string is in a JSON string in each.
const FORMS: [(&str, usize); 3] = [("text", 0), ("message", 1), ("JSON in JSON", 2)];

/// Compares Tidegate with other scanners of secrets.
#[derive(Debug, Parser)]
#[command(name = "scanners")]
struct Arguments {
    /// The set's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only scanners whose name contains this
    #[arg(long, default_value = "", value_name = "TEXT")]
    only: String,
    /// Do not measure speed
    #[arg(long)]
    no_speed: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

struct Row {
    name: String,
    forms: Vec<Score>,
    /// Megabytes in a second of one core.
    speed: Option<f64>,
}

fn main() -> ExitCode {
    match compare_all(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare_all(arguments: &Arguments) -> Result<(), Failure> {
    let home = Workspace::locate()?.target.join("scanners");
    let samples = generate(arguments.seed);
    let forms = lay_out(&home, &samples)?;
    let mut rows = vec![tidegate(&samples, &arguments.only)?];
    for tool in tools::install()?.iter().filter(|it| it.name.contains(&arguments.only)) {
        Lines.stage(&format!("running {}", tool.name));
        let report = home.join("report.json");
        let scores = forms
            .iter()
            .zip(FORMS)
            .map(|(directory, (_, depth))| Ok(Score::of_findings(&samples, &tool.run(directory, &report)?, depth)));
        let forms = scores.collect::<Result<_, Failure>>()?;
        let speed = if arguments.no_speed { None } else { Some(speed_of(tool, &home)?) };
        rows.push(Row { name: tool.name.to_owned(), forms, speed });
    }
    print(&samples, &rows);
    Ok(())
}

/// The filter itself, in this process.
fn tidegate(samples: &[Sample], only: &str) -> Result<Row, Failure> {
    let subject = Subject::new("{}")?;
    let mut forms = Vec::new();
    for embedding in [Embedding::Text, Embedding::Text, Embedding::Depth2] {
        let mut score = Score::default();
        for sample in samples {
            let output =
                embedding.unwrap(&String::from_utf8_lossy(&subject.whole(embedding.wrap(&sample.text).as_bytes())))?;
            score.add(sample, &compare(sample, &output)?);
        }
        forms.push(score);
    }
    let corpus = corpus(if only.is_empty() { 10_000_000 } else { 1_000_000 });
    let started = Instant::now();
    for text in &corpus {
        std::hint::black_box(subject.text(text.as_bytes()));
    }
    let bytes: usize = corpus.iter().map(String::len).sum();
    let speed = bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
    Ok(Row { name: "Tidegate".to_owned(), forms, speed: Some(speed) })
}

/// Every text in every form, a file each: the directories, in the order of [`FORMS`].
fn lay_out(home: &Path, samples: &[Sample]) -> Result<Vec<PathBuf>, Failure> {
    fs::create_dir_all(home)?;
    fs::write(home.join("labels.json"), labels(samples).to_string())?;
    let mut directories = Vec::new();
    for (form, depth) in FORMS {
        let files = samples.iter().map(|sample| match depth {
            0 => sample.text.clone(),
            1 => Embedding::Text.wrap(&sample.text),
            _ => Embedding::Depth2.wrap(&sample.text),
        });
        directories.push(write(&home.join(form.replace(' ', "-")), files)?);
    }
    Ok(directories)
}

/// For whoever wants to look closer, or to try another scanner on the same files.
fn labels(samples: &[Sample]) -> Value {
    let label = |label: &Label| json!({ "kind": label.kind, "start": label.place.start, "end": label.place.end });
    let sample = |(index, sample): (usize, &Sample)| {
        let labels: Vec<Value> = sample.labels.iter().map(label).collect();
        json!({ "file": format!("{index:05}.txt"), "template": sample.template, "labels": labels })
    };
    samples.iter().enumerate().map(sample).collect()
}

fn write(directory: &Path, files: impl Iterator<Item = String>) -> Result<PathBuf, Failure> {
    let _ = fs::remove_dir_all(directory);
    fs::create_dir_all(directory)?;
    for (index, text) in files.enumerate() {
        fs::write(directory.join(format!("{index:05}.txt")), text)?;
    }
    Ok(directory.to_owned())
}

/// Texts without secrets of other seeds, and few with: `bytes` of them, in files of 64 kB.
fn corpus(bytes: usize) -> Vec<String> {
    let mut files = vec![String::new()];
    let (mut written, mut due, mut seed) = (0, SPARSE, 1000);
    while written < bytes {
        seed += 1;
        let (secret, clean): (Vec<_>, Vec<_>) = generate(seed).into_iter().partition(|it| !it.labels.is_empty());
        let mut secret = secret.into_iter();
        for sample in clean {
            let planted = if written >= due { secret.next() } else { None };
            for sample in planted.into_iter().chain([sample]) {
                due += SPARSE * sample.labels.len();
                written += sample.text.len();
                if files.last().is_some_and(|it| it.len() >= 64_000) {
                    files.push(String::new());
                }
                files.last_mut().into_iter().for_each(|it| it.push_str(&sample.text));
            }
        }
    }
    files
}

/// Megabytes in a second of CPU, start-up included.
fn speed_of(tool: &Tool, home: &Path) -> Result<f64, Failure> {
    let files = corpus(tool.timed);
    let bytes: usize = files.iter().map(String::len).sum();
    let directory = write(&home.join("corpus"), files.into_iter())?;
    let before = children()?;
    tool.run(&directory, &home.join("report.json"))?;
    Ok(bytes as f64 / 1e6 / (children()? - before))
}

/// CPU seconds of all processes that were started here and have ended (proc_pid_stat(5), fields 16 and 17).
fn children() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(13).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn print(samples: &[Sample], rows: &[Row]) {
    let secrets: usize = samples.iter().map(|it| it.labels.len()).sum();
    let clean = samples.iter().filter(|it| it.labels.is_empty()).count();
    println!("{} texts with {secrets} secrets, {clean} texts without\n", samples.len() - clean);
    println!(
        "| scanner | text: precision / recall / whole | message | JSON in JSON | texts without secrets flagged | MB/s |"
    );
    println!("|---|---|---|---|---|---|");
    for row in rows {
        let three = |score: &Score| format!("{:.3} / {:.3} / {:.3}", score.precision(), score.recall(), score.whole());
        let forms: Vec<String> = row.forms.iter().map(three).collect();
        let changed = row.forms.first().map_or(0.0, Score::changed) * 100.0;
        let speed = row.speed.map_or("-".to_owned(), |it| format!("{it:.1}"));
        println!("| {} | {} | {changed:.1} % | {speed} |", row.name, forms.join(" | "));
    }
}
