//! A gzip stream that grows: a megabyte of `a` out of a few kilobytes.

/// `repeats` × 258 + 1 bytes of `a` in one block with the fixed codes (RFC 1951 §3.2.6). The trailer is left wrong:
/// whoever gets that far has read too much.
pub(crate) fn bomb(repeats: usize) -> Vec<u8> {
    let mut stream = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut bits = Bits::default();
    bits.push(0b011, 3); // final block, fixed codes
    bits.push_code(0x30 + u32::from(b'a'), 8);
    for _ in 0..repeats {
        bits.push_code(0b1100_0101, 8); // length 258
        bits.push_code(0, 5); // distance 1
    }
    bits.push_code(0, 7); // end of block
    stream.extend(bits.finish());
    stream.extend([0; 8]);
    stream
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    current: u8,
    used: u8,
}

impl Bits {
    /// Least significant bit first.
    fn push(&mut self, value: u32, count: u8) {
        for index in 0..count {
            self.bit(value >> index & 1 == 1);
        }
    }

    /// Huffman codes go most significant bit first.
    fn push_code(&mut self, value: u32, count: u8) {
        for index in (0..count).rev() {
            self.bit(value >> index & 1 == 1);
        }
    }

    fn bit(&mut self, set: bool) {
        self.current |= u8::from(set) << self.used;
        self.used += 1;
        if self.used == 8 {
            self.bytes.push(self.current);
            (self.current, self.used) = (0, 0);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.push(self.current);
        self.bytes
    }
}
