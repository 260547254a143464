#![allow(missing_docs, clippy::unwrap_used)]
use tidegate_labelled::wire::Embedding;
use tidegate_labelled::{Subject, generate};
fn main() {
    let s = Subject::new("{}").unwrap();
    for sample in generate(1).iter().filter(|it| it.template == "gcp-service-account") {
        let w = Embedding::Letters.wrap(&sample.text);
        let whole = s.whole(w.as_bytes());
        for c in [1, 7, 64, 1000, 5000, 16384, 1000000] {
            let out = s.streamed(w.as_bytes().chunks(c));
            println!("{c} {} {} {}", w.len(), out == whole, out.len());
        }
    }
}
