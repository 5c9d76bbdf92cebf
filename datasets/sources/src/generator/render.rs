//! The bytes of records: envelopes, payloads and snapshots as compact JSON.

use std::io::Write;

use jiff::Timestamp;
use model::Millis;
use valuation::Item;

use super::fact::{Body, Fact};
use super::outfit::Wardrobe;

/// An envelope's members, so that a broken one can differ in just one of them.
pub(super) struct Envelope {
    pub(super) event_id: Vec<u8>,
    pub(super) event_type: &'static str,
    pub(super) occurred_at: Vec<u8>,
    pub(super) aggregate_id: Vec<u8>,
    pub(super) schema_version: u32,
    pub(super) version: Option<u64>,
    pub(super) payload: Vec<u8>,
}

impl Envelope {
    /// What a fact says, at the time it occurred.
    ///
    /// # Panics
    /// For a broken fact, which says nothing.
    pub(super) fn of(fact: &Fact, occurred_at: Millis, wardrobe: &Wardrobe) -> Self {
        let names = wardrobe.names;
        let (event, event_type, version) = match *fact {
            Fact::Equipment { event, version, .. } => (event, "EquipmentUpdated", version),
            Fact::Enrich { event, version, .. } => (event, "CharacterEnriched", version),
            Fact::Like { event, version, .. } => (event, "LikeToggled", version),
            Fact::Donation { event, .. } => (event, "DonationReceived", None),
            Fact::Broken { .. } => unreachable!("a broken record is made from a whole one"),
        };
        let mut envelope = Self {
            event_id: Vec::with_capacity(36),
            event_type,
            occurred_at: Vec::with_capacity(24),
            aggregate_id: Vec::with_capacity(32),
            schema_version: 1,
            version,
            payload: Vec::with_capacity(256),
        };
        names.push_event_id(&mut envelope.event_id, event);
        push_time(&mut envelope.occurred_at, occurred_at);
        names.push_ocid(&mut envelope.aggregate_id, key_character(fact));
        push_payload(&mut envelope.payload, fact, wardrobe);
        envelope
    }

    /// Appends the envelope.
    pub(super) fn render(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"eventId\":\"");
        out.extend_from_slice(&self.event_id);
        out.extend_from_slice(b"\",\"eventType\":\"");
        out.extend_from_slice(self.event_type.as_bytes());
        out.extend_from_slice(b"\",\"occurredAt\":\"");
        out.extend_from_slice(&self.occurred_at);
        out.extend_from_slice(b"\",\"aggregateId\":\"");
        out.extend_from_slice(&self.aggregate_id);
        out.extend_from_slice(b"\",\"schemaVersion\":");
        push_number(out, self.schema_version.into());
        if let Some(version) = self.version {
            out.extend_from_slice(b",\"version\":");
            push_number(out, version);
        }
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(&self.payload);
        out.push(b'}');
    }
}

/// The character whose ocid is the key.
fn key_character(fact: &Fact) -> u32 {
    match *fact {
        Fact::Equipment { character, .. } | Fact::Enrich { character, .. } => character,
        Fact::Like { target, .. } => target,
        Fact::Donation { receiver, .. } => receiver,
        Fact::Broken { .. } => unreachable!("a broken record is made from a whole one"),
    }
}

fn push_payload(out: &mut Vec<u8>, fact: &Fact, wardrobe: &Wardrobe) {
    let names = wardrobe.names;
    match *fact {
        Fact::Equipment {
            character,
            revision,
            body,
            ..
        } => {
            out.extend_from_slice(b"{\"ocid\":\"");
            names.push_ocid(out, character);
            out.extend_from_slice(b"\",\"equipmentHash\":\"");
            names.push_hash(out, character, revision);
            out.push(b'"');
            match body {
                Body::Confirmation => {}
                Body::Document => {
                    out.extend_from_slice(b",\"equipment\":");
                    push_document(out, character, revision, wardrobe);
                }
                Body::Snapshot => {
                    out.extend_from_slice(b",\"snapshot\":");
                    push_snapshot(out, character, revision, wardrobe);
                }
            }
        }
        Fact::Enrich {
            character, renames, ..
        } => {
            out.extend_from_slice(b"{\"ocid\":\"");
            names.push_ocid(out, character);
            let class = wardrobe.class(character);
            let world = names.world(character);
            let level = 200 + character % 100;
            push_text(
                out,
                format_args!(
                    "\",\"name\":\"용사{character}의{renames}\",\"world\":\"{world}\",\
                     \"class\":\"{class}\",\"level\":{level},\"guild\":"
                ),
            );
            match character % 3 {
                0 => out.extend_from_slice(b"null"),
                _ => push_text(out, format_args!("\"길드{}\"", character % 1_000)),
            }
        }
        Fact::Like {
            account,
            target,
            wanted,
            ..
        } => {
            out.extend_from_slice(b"{\"likerAccountId\":\"");
            names.push_account(out, account);
            out.extend_from_slice(b"\",\"targetOcid\":\"");
            names.push_ocid(out, target);
            out.extend_from_slice(match wanted {
                None => b"\"",
                Some(true) => b"\",\"liked\":true",
                Some(false) => b"\",\"liked\":false",
            });
        }
        Fact::Donation {
            sender,
            request,
            receiver,
            amount,
            ..
        } => {
            push_text(
                out,
                format_args!("{{\"requestId\":\"r-{request}\",\"senderId\":\""),
            );
            names.push_account(out, sender);
            out.extend_from_slice(b"\",\"receiverId\":\"");
            names.push_ocid(out, receiver);
            push_text(out, format_args!("\",\"amount\":{amount}"));
        }
        Fact::Broken { .. } => unreachable!("a broken record is made from a whole one"),
    }
    out.push(b'}');
}

fn push_document(out: &mut Vec<u8>, character: u32, revision: u32, wardrobe: &Wardrobe) {
    let presets = wardrobe.presets(character, revision);
    let item = |preset: usize, place: usize| wardrobe.catalogue.item(presets[preset][place]);
    wardrobe
        .template
        .render(out, wardrobe.class(character), item);
}

fn push_snapshot(out: &mut Vec<u8>, character: u32, revision: u32, wardrobe: &Wardrobe) {
    push_text(
        out,
        format_args!(
            "{{\"class\":\"{}\",\"presets\":[",
            wardrobe.class(character)
        ),
    );
    for (number, preset) in wardrobe.presets(character, revision).iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"[" } else { b",[" });
        for (place, &index) in preset.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(wardrobe.catalogue.json(index));
        }
        out.push(b']');
    }
    out.extend_from_slice(b"]}");
}

/// An item as a snapshot has it: what is none, zero or false is absent.
pub(super) fn item(out: &mut Vec<u8>, item: &Item) {
    push_text(
        out,
        format_args!(
            "{{\"slot\":\"{}\",\"part\":\"{}\",\"name\":\"{}\",\"level\":{}",
            item.slot, item.part, item.name, item.level.0
        ),
    );
    potential(out, "grade", "lines", item.grade.as_deref(), &item.lines);
    let additional = item.additional_grade.as_deref();
    potential(
        out,
        "additionalGrade",
        "additionalLines",
        additional,
        &item.additional_lines,
    );
    if item.stars.0 > 0 {
        push_text(out, format_args!(",\"stars\":{}", item.stars.0));
    }
    if item.scroll {
        out.extend_from_slice(b",\"scroll\":true");
    }
    let flame = &item.flame;
    let options = [
        ("str", flame.str),
        ("dex", flame.dex),
        ("int", flame.int),
        ("luk", flame.luk),
        ("maxHp", flame.max_hp),
        ("allStat", flame.all_stat),
        ("attack", flame.attack),
        ("magic", flame.magic),
        ("bossDamage", flame.boss_damage),
        ("damage", flame.damage),
    ];
    let mut separator = ",\"flame\":{";
    for (name, points) in options.into_iter().filter(|&(_, points)| points != 0) {
        push_text(out, format_args!("{separator}\"{name}\":{points}"));
        separator = ",";
    }
    if separator == "," {
        out.push(b'}');
    }
    for (name, base) in [
        ("baseAttack", item.base_attack),
        ("baseMagic", item.base_magic),
    ] {
        if base != 0 {
            push_text(out, format_args!(",\"{name}\":{base}"));
        }
    }
    out.push(b'}');
}

fn potential(
    out: &mut Vec<u8>,
    grade_name: &str,
    lines_name: &str,
    grade: Option<&str>,
    lines: &[Option<String>; 3],
) {
    if let Some(grade) = grade {
        push_text(out, format_args!(",\"{grade_name}\":\"{grade}\""));
    }
    if lines.iter().all(Option::is_none) {
        return;
    }
    let mut separator = '[';
    push_text(out, format_args!(",\"{lines_name}\":"));
    for line in lines {
        match line {
            Some(line) => push_text(out, format_args!("{separator}\"{line}\"")),
            None => push_text(out, format_args!("{separator}null")),
        }
        separator = ',';
    }
    out.push(b']');
}

/// An instant as ISO 8601 in UTC with milliseconds.
fn push_time(out: &mut Vec<u8>, at: Millis) {
    let at = Timestamp::from_millisecond(at.0).unwrap_or_default();
    push_text(out, format_args!("{at:.3}"));
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    push_text(out, format_args!("{number}"));
}

fn push_text(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes all bytes");
}
