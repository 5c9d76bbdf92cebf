//! Which release a broker is of: asked in Kafka's own protocol, since librdkafka does not tell.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// A release of Apache Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KafkaRelease {
    /// The first number.
    pub major: u16,
    /// The second number.
    pub minor: u16,
}

impl std::fmt::Display for KafkaRelease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The highest level of `metadata.version` of each release, as
/// `kafka-features.sh version-mapping` prints it.
const LEVELS: [(i16, KafkaRelease); 11] = [
    (7, release(3, 3)),
    (8, release(3, 4)),
    (11, release(3, 5)),
    (14, release(3, 6)),
    (19, release(3, 7)),
    (20, release(3, 8)),
    (21, release(3, 9)),
    (25, release(4, 0)),
    (27, release(4, 1)),
    (29, release(4, 2)),
    (30, release(4, 3)),
];

const fn release(major: u16, minor: u16) -> KafkaRelease {
    KafkaRelease { major, minor }
}

/// `ApiVersions` in version 3: length, key, version, correlation id, client, no tags; then name and
/// version of the client's software, no tags.
const REQUEST: &[u8] =
    b"\x00\x00\x00\x1f\x00\x12\x00\x03\x00\x00\x00\x01\x00\x08mesoflow\x00\x09mesoflow\x02\x30\x00";
/// The answer lists some 80 requests and 10 features.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The tag of the features that the broker's software has.
const SUPPORTED_FEATURES: u64 = 0;

/// Asks the first of `bootstrap_servers`, without encryption. `None`: it does not say.
pub(super) fn ask(bootstrap_servers: &str, timeout: Duration) -> io::Result<Option<KafkaRelease>> {
    let first = bootstrap_servers.split(',').next().unwrap_or_default();
    let place = first.rsplit("://").next().unwrap_or_default().trim();
    let address = place
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no address of that name"))?;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(REQUEST)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > ANSWER_BYTES_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "no Kafka broker",
        ));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(metadata_level(&answer).and_then(of_level))
}

/// The release with that level, or the newest known one for a higher level.
fn of_level(level: i16) -> Option<KafkaRelease> {
    let known = LEVELS.iter().find(|(highest, _)| level <= *highest);
    known.or(LEVELS.last()).map(|(_, release)| *release)
}

/// The highest `metadata.version` that an answer says the broker's software has.
fn metadata_level(answer: &[u8]) -> Option<i16> {
    let mut answer = Bytes(answer);
    // Correlation id and error code.
    answer.take(4 + 2)?;
    for _ in 1..answer.varint()? {
        // Key, lowest and highest version of a request.
        answer.take(6)?;
        answer.skip_tags()?;
    }
    // Throttle time.
    answer.take(4)?;
    for _ in 0..answer.varint()? {
        let tag = answer.varint()?;
        let length = answer.varint()?;
        let mut content = Bytes(answer.take(length)?);
        if tag == SUPPORTED_FEATURES {
            return highest_of(&mut content, b"metadata.version");
        }
    }
    None
}

fn highest_of(features: &mut Bytes<'_>, wanted: &[u8]) -> Option<i16> {
    for _ in 1..features.varint()? {
        let length = features.varint()?.checked_sub(1)?;
        let name = features.take(length)?;
        // Lowest and highest level.
        let levels = features.take(4)?;
        features.skip_tags()?;
        if name == wanted {
            return Some(i16::from_be_bytes([levels[2], levels[3]]));
        }
    }
    None
}

/// What of an answer has not been read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn skip_tags(&mut self) -> Option<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.take(length)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_its_own_length() {
        let length = u32::from_be_bytes(REQUEST[..4].try_into().unwrap());
        assert_eq!(length as usize, REQUEST.len() - 4);
    }

    #[test]
    fn a_level_belongs_to_the_release_that_brought_it() {
        assert_eq!(of_level(22), Some(release(4, 0)));
        assert_eq!(of_level(30), Some(release(4, 3)));
        assert_eq!(of_level(99), Some(release(4, 3)));
    }

    #[test]
    fn the_level_is_found_behind_requests_and_other_features() {
        let mut answer = vec![0, 0, 0, 1, 0, 0];
        answer.extend([2, 0, 18, 0, 0, 0, 4, 0]);
        answer.extend([0, 0, 0, 0]);
        let mut features = vec![3];
        for (name, highest) in [("group.version", 1), ("metadata.version", 30)] {
            features.push(name.len() as u8 + 1);
            features.extend(name.as_bytes());
            features.extend([0, 0, 0, highest, 0]);
        }
        answer.extend([1, 0, features.len() as u8]);
        answer.extend(&features);

        assert_eq!(metadata_level(&answer), Some(30));
        for end in 0..answer.len() {
            assert_eq!(metadata_level(&answer[..end]), None, "cut at {end}");
        }
    }
}
