//! Cursors of lists: what a client sends back. The first byte chooses the list.

#![no_main]

use http_api::fuzzing::{self, Listed};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

const PARENT: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);

const LISTS: [Listed; 6] = [
    Listed::Connections,
    Listed::Runs(PARENT),
    Listed::Changes(PARENT),
    Listed::Users,
    Listed::Ignored(PARENT),
    Listed::Audit,
];

fuzz_target!(|bytes: &[u8]| {
    let Some((list, text)) = bytes.split_first() else { return };
    let list = LISTS[usize::from(*list) % LISTS.len()];
    let text = String::from_utf8_lossy(text);
    let Some(again) = fuzzing::cursor(list, &text) else { return };
    // One place, one cursor: nothing else stands for it.
    assert_eq!(again, text, "{list:?}");
    // And it is no cursor of another list.
    for other in LISTS.into_iter().filter(|other| *other != list) {
        assert_eq!(fuzzing::cursor(other, &text), None, "{list:?} {other:?}");
    }
    assert_eq!(fuzzing::cursor(Listed::Runs(Uuid::nil()), &text), None);
});
