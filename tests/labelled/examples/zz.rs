#![allow(missing_docs, clippy::unwrap_used)]
use tidegate_labelled::wire::Embedding;
use tidegate_labelled::Subject;
fn main() {
    let s = Subject::new("{}").unwrap();
    for t in ["password=\"A7E5w2c39V@rHcxD\"\nhost", "password=\"A7E5w2c39VzrHcxD\"\nhost"] {
        for e in [Embedding::Depth3, Embedding::Depth3Marks, Embedding::Depth2] {
            let w = e.wrap(t);
            println!("{w}\n -> {}\n -> {}", String::from_utf8(s.whole(w.as_bytes())).unwrap(), String::from_utf8(s.streamed(w.as_bytes().chunks(1))).unwrap());
        }
    }
}
