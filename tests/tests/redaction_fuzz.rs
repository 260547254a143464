//! Redaction keeps its promises on a fixed number of made-up messages; `tests/fuzz` goes on for as long as it is let.

use tidegate_fuzz::{Case, KINDS, Redact, Subject, check, kinds, smallest};

#[test]
fn redaction_keeps_its_promises() {
    let subject = Subject::new("{}").unwrap();
    let kinds = kinds(&subject);
    assert_eq!(kinds.len(), KINDS.len(), "not found in plain text already");
    for number in 0..3000 {
        let case = Case::new(4, number, &kinds, false);
        if let Err(failure) = check(&subject, &case) {
            let (case, failure) = smallest(&subject, case, failure);
            panic!(
                "`cargo run -p tidegate-fuzz -- --seed 4 --case {number}` fails\nmessage: {}\nchunks: {:?}\n{failure}",
                case.message().escape_ascii(),
                case.chunks
            );
        }
    }
}

/// Redaction that is wrong in some way.
enum Wrong {
    Nothing,
    FirstAlone,
    ByChunk,
    Cuts,
    Empties,
    Id,
    Again,
}

impl Redact for Wrong {
    fn whole(&self, message: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(message).into_owned();
        match self {
            Self::Nothing | Self::ByChunk => message.to_owned(),
            Self::FirstAlone => text.replacen("AKIA", "[redacted:x:1]", 1).into_bytes(),
            Self::Cuts => message.iter().take(message.len() / 2).copied().collect(),
            Self::Empties => text.replace("fox", "").into_bytes(),
            Self::Id => text.replacen("\"id\":8", "\"id\":9", 1).into_bytes(),
            Self::Again if text.contains("[redacted:") => text.replace("[redacted:", "[again:").into_bytes(),
            Self::Again => text.replacen("2.0", "[redacted:x:1]", 1).into_bytes(),
        }
    }

    fn streamed(&self, pieces: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::ByChunk => pieces
                .iter()
                .flat_map(|piece| String::from_utf8_lossy(piece).replace("result", "").into_bytes())
                .collect(),
            Self::Again => pieces.concat(),
            _ => self.whole(&pieces.concat()),
        }
    }
}

#[test]
fn broken_promises_are_noticed_and_shown_small() {
    for (wrong, what) in [
        (Wrong::Nothing, "survives"),
        (Wrong::FirstAlone, "survives"),
        (Wrong::ByChunk, "chunks make a difference"),
        (Wrong::Cuts, "no JSON any more"),
        (Wrong::Empties, "text was lost"),
        (Wrong::Id, "/id, which is never touched"),
        (Wrong::Again, "placeholders are redacted"),
    ] {
        let failing = (0..3000).find_map(|number| {
            let case = Case::new(1, number, &KINDS[..1], false);
            check(&wrong, &case).err().filter(|failure| failure.contains(what)).map(|failure| (case, failure))
        });
        let (case, failure) = failing.unwrap_or_else(|| panic!("nobody noticed: {what}"));
        let length = case.message().len();
        let (small, _) = smallest(&wrong, case, failure);
        assert!(check(&wrong, &small).is_err());
        assert!(small.message().len() <= length.min(120), "{what}: {}", small.message().escape_ascii());
    }
}
