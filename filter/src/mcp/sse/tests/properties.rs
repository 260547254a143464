//! Random streams in random splits, read again by a client.

use proptest::prelude::*;

use super::reading::{Event, events, lines};
use super::*;

fn line() -> impl Strategy<Value = String> {
    let data = "[a-cRDSW{}:\" ]{0,12}";
    prop_oneof![
        8 => data.prop_map(|text| format!("data: {text}")),
        2 => data.prop_map(|text| format!("data:{text}")),
        1 => Just("data".to_owned()),
        2 => "[0-9]{0,3}".prop_map(|id| format!("id: {id}")),
        1 => "[0-9]{0,3}".prop_map(|delay| format!("retry:{delay}")),
        2 => prop::sample::select(vec!["event: message", "event", "event: other", ": c R", ":", "x: R", "Data: R", "unknown name", "\u{feff}data: R"])
            .prop_map(str::to_owned),
        1 => "[ -~\u{e9}\u{2028}\u{feff}]{1,8}",
    ]
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let ending = || prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 2 => Just("\r")];
    let event = (prop::collection::vec((line(), ending()), 0..6), ending());
    let event = event
        .prop_map(|(lines, blank)| lines.into_iter().map(|(line, ending)| line + ending).collect::<String>() + blank);
    (prop::option::weighted(0.1, Just("\u{feff}")), prop::collection::vec(event, 0..6), prop::option::of(line()))
        .prop_map(|(mark, events, tail)| {
            [mark.unwrap_or_default(), &events.concat(), &tail.unwrap_or_default()].concat().into_bytes()
        })
}

fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(bytes.len());
    let mut from = 0;
    cuts.into_iter().map(|cut| &bytes[std::mem::replace(&mut from, cut)..cut]).collect()
}

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The stream without its byte order marks but one at the start, if that is how it starts.
fn plainly_marked(stream: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(stream.to_vec()).unwrap().replace('\u{feff}', "");
    let mark = if stream.starts_with(MARK) { MARK } else { &[] };
    [mark, text.as_bytes()].concat()
}

/// What a client must receive of an event that came.
fn judged(event: Event) -> Event {
    let Some(data) = &event.data else { return event };
    if first_mark(data) == Some(b'W') {
        let unbroken = data.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte });
        Event { data: Some(unbroken.flat_map(rewritten).collect()), ..event }
    } else if data.contains(&b'S') {
        event
    } else if data.contains(&b'R') {
        let name = if event.name.is_empty() { Vec::new() } else { b"message".to_vec() };
        let text = REPLACEMENT.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte });
        Event { name, data: Some(text.collect()), ..event }
    } else if data.contains(&b'D') {
        Event { name: Vec::new(), data: None, ..event }
    } else {
        event
    }
}

/// Events that a client acts on, and the id and retry it ends with. The empty name means `message`.
fn received(events: Vec<Event>) -> (Vec<Event>, [Vec<u8>; 2]) {
    let last = events.last().map(|event| [event.id.clone(), event.retry.clone()]).unwrap_or_default();
    let named = |mut event: Event| {
        if event.name == b"message" {
            event.name.clear();
        }
        event
    };
    (events.into_iter().filter(|event| event.data.is_some()).map(named).collect(), last)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        limit in prop_oneof![Just(ROOMY), 0..60_usize],
    ) {
        let once = whole(&stream, limit);
        // How much of a chunk leaves before a cut does depend on the split; nothing else does.
        prop_assume!(once.result.is_ok());
        prop_assert_eq!(&run(split(&stream, &cuts), limit), &once);
        prop_assert_eq!(&run(stream.chunks(1), limit), &once);
    }

    #[test]
    fn a_client_receives_what_was_decided(stream in stream()) {
        let stream = plainly_marked(&stream);
        let ran = whole(&stream, ROOMY);
        prop_assert_eq!(ran.result, Ok(()));
        let sent = stream.strip_prefix(MARK).unwrap_or(&stream);
        let (expected_events, expected_last) = received(events(sent).into_iter().map(judged).collect());
        let (sent_events, sent_last) = received(events(&ran.out));
        prop_assert_eq!(sent_events, expected_events, "sent {:?}", String::from_utf8_lossy(&ran.out));
        prop_assert_eq!(sent_last, expected_last);
    }

    #[test]
    fn what_passes_leaves_as_it_came(stream in stream()) {
        let stream: Vec<u8> = stream.into_iter().filter(|byte| !matches!(byte, b'R' | b'D' | b'W')).collect();
        let stream = plainly_marked(&stream);
        let ran = whole(&stream, ROOMY);
        let sent = stream.strip_prefix(MARK).unwrap_or(&stream);
        prop_assert!(sent.starts_with(&ran.out));
        prop_assert_eq!(events(&ran.out), events(sent));
    }

    /// What is rewritten keeps every other line that clients know, in its order, whatever the line endings are.
    #[test]
    fn a_rewritten_event_keeps_its_other_lines(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = plainly_marked(&stream);
        let sent = stream.strip_prefix(MARK).unwrap_or(&stream);
        // Every event with data is rewritten, and none is cut short.
        let sent: Vec<u8> = sent.iter().map(|&byte| if matches!(byte, b'R' | b'D' | b'S') { b'W' } else { byte }).collect();
        let sent = [&sent, b"\n\n".as_slice()].concat();
        let ran = run(split(&sent, &cuts), ROOMY);
        prop_assert_eq!(ran.result, Ok(()));
        let is_known = |line: &&[u8]| {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            [b"".as_slice(), b"id", b"retry", b"event"].contains(&name)
        };
        let others = |text| lines(text).into_iter().filter(is_known).map(<[u8]>::to_vec).collect::<Vec<_>>();
        prop_assert_eq!(others(&ran.out), others(&sent), "sent {:?}", String::from_utf8_lossy(&ran.out));
    }

    /// Whether a client skips a byte order mark or not, it gets nothing that was not to pass.
    #[test]
    fn nothing_undecided_reaches_any_client(stream in stream()) {
        let ran = whole(&stream, ROOMY);
        for text in [&ran.out, ran.out.strip_prefix(MARK).unwrap_or(&ran.out)] {
            for event in events(text) {
                prop_assert_eq!(&judged(event.clone()), &event, "sent {:?}", String::from_utf8_lossy(&ran.out));
            }
        }
    }

    #[test]
    fn any_bytes_in_any_split(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n\n:: dateidSRDWXc\xef\xbb\xbf".to_vec())], 0..80), limit in 0..90_usize) {
        let once = whole(&bytes, limit);
        let bytewise = run(bytes.chunks(1), limit);
        prop_assert_eq!(bytewise.result, once.result);
        if once.result.is_ok() {
            prop_assert_eq!(&bytewise, &once);
        }
    }
}
