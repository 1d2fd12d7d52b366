//! CRC-32 (the polynomial of Ethernet and zip), eight bytes at a time.

const POLYNOMIAL: u32 = 0xedb8_8320;

/// `TABLES[k][b]` is the checksum of byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
            };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[table - 1][byte];
            tables[table][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// The checksum of `parts`, one behind the other.
pub(super) fn crc32(parts: [&[u8]; 2]) -> u32 {
    !parts.iter().fold(!0, |crc, part| update(crc, part))
}

fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let [low, high] = [0, 4]
            .map(|at| u32::from_le_bytes([eight[at], eight[at + 1], eight[at + 2], eight[at + 3]]));
        let low = low ^ crc;
        crc = 0;
        for (shift, table) in [0, 8, 16, 24].into_iter().zip([7, 6, 5, 4]) {
            crc ^= TABLES[table][(low >> shift & 0xff) as usize];
        }
        for (shift, table) in [0, 8, 16, 24].into_iter().zip([3, 2, 1, 0]) {
            crc ^= TABLES[table][(high >> shift & 0xff) as usize];
        }
    }
    rest.iter().fold(crc, |crc, &byte| {
        (crc >> 8) ^ TABLES[0][((crc ^ u32::from(byte)) & 0xff) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_check_value_of_the_standard_comes_out() {
        assert_eq!(crc32([b"123456789", b""]), 0xcbf4_3926);
        assert_eq!(crc32([b"12345", b"6789"]), 0xcbf4_3926);
    }

    #[test]
    fn long_content_has_the_checksum_of_its_parts() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1_003).collect();
        let (head, tail) = bytes.split_at(501);
        assert_eq!(crc32([&bytes, b""]), crc32([head, tail]));
    }
}
