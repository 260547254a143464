//! Prints texts of the set, secrets marked: `cargo run -p tidegate-labelled --example show -- [SEED [TEMPLATE]]`.

use tidegate_labelled::{Sample, generate};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seed = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(1);
    let template = arguments.next().unwrap_or_default();
    for sample in generate(seed).iter().filter(|it| it.template.contains(&template)) {
        let kinds: Vec<&str> = sample.labels.iter().map(|it| it.kind).collect();
        println!("=== {} {}\n{}", sample.template, kinds.join(", "), marked(sample));
    }
}

fn marked(sample: &Sample) -> String {
    let mut text = sample.text.clone();
    for label in sample.labels.iter().rev() {
        text.insert(label.place.end, '»');
        text.insert(label.place.start, '«');
    }
    text
}
