//! The files of tables: each must be, byte by byte, what the log says; what is lost with one that is not is told.

use lake::{Bound, Checked, FileDamage, Lake, LakeError, LiveFile};
use model::Epoch;
use model::tables::{Kind, Relation, TableSpec};

use super::Finding;

/// What the scrub of tables is called in status, metrics and findings.
pub(crate) const OF: &str = "tables";

/// What came of a check of files.
#[derive(Debug, Default)]
pub struct FilesChecked {
    /// Files that were compared.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether the check was broken off.
    pub is_broken_off: bool,
}

/// Compares the files of a table with what its log says of them: size, hash, rows.
///
/// - `pace`: called with the number of bytes about to be read; it may wait, and breaks the check off by `false`.
pub fn check_files(
    lake: &Lake,
    relation: Relation,
    mut pace: impl FnMut(u64) -> bool,
) -> Result<FilesChecked, LakeError> {
    let mut checked = FilesChecked::default();
    let Some(view) = lake.view(relation)? else {
        return Ok(checked);
    };
    for file in view.files()? {
        let damage = match file.check(&mut pace) {
            Checked::Whole => None,
            Checked::Damaged(damage) => Some(damage),
            Checked::BrokenOff => {
                checked.is_broken_off = true;
                return Ok(checked);
            }
        };
        checked.files += 1;
        checked.bytes += file.bytes;
        if let Some(damage) = damage
            && is_live(lake, relation, &file)?
        {
            let as_of = view.committed().unwrap_or_default();
            checked
                .findings
                .push(finding(lake, view.spec(), &file, &damage, as_of));
        }
    }
    Ok(checked)
}

/// Whether a file is still part of the table: a compaction may have taken its place while it was read.
fn is_live(lake: &Lake, relation: Relation, file: &LiveFile) -> Result<bool, LakeError> {
    let files = match lake.view(relation)? {
        Some(view) => view.files()?,
        None => Vec::new(),
    };
    Ok(files.iter().any(|live| live.name == file.name))
}

fn finding(
    lake: &Lake,
    spec: &TableSpec,
    file: &LiveFile,
    damage: &FileDamage,
    as_of: Epoch,
) -> Finding {
    let table = spec.name();
    let folder = lake.folder_of(spec.relation).display().to_string();
    let key = format!("{table}/{}", file.name);
    let done = match spec.kind {
        Kind::Now => "the table is rewritten as a whole from its table of changes",
        Kind::Changes => {
            "nothing: restore the file from a backup. Without it the table cannot be read at all; views, other tables \
             and the running job go on"
        }
        Kind::Input => {
            "nothing: restore the file from a backup, and do not stop the job before: it holds what the file held, and \
             could not load it again. Where the topic still has these records, a new job in a new folder reads them \
             again"
        }
        Kind::Log => "nothing: restore the file from a backup; nothing else is made of it",
    };
    Finding {
        held: Some(damage.to_string()),
        wanted: Some(match (damage, file.hash()) {
            (FileDamage::Rows { .. }, _) => format!("{} rows", file.stats.rows),
            (_, Some(hash)) => hash.to_owned(),
            (_, None) => format!("{} bytes", file.bytes),
        }),
        lost: (spec.kind != Kind::Now).then(|| lost(spec, file)),
        repaired: spec.kind == Kind::Now,
        done: done.to_owned(),
        ..Finding::now(OF, &folder, key, damage.name(), as_of)
    }
}

/// Which rows a file held, as the log tells.
fn lost(spec: &TableSpec, file: &LiveFile) -> String {
    let mut text = format!("{} rows", file.stats.rows);
    let columns = std::iter::once(spec.epoch_column()).chain(spec.key.iter().copied());
    for column in columns {
        let bounds = match file.stats.bounds.get(column) {
            Some(Bound::Int { min, max }) => format!(", {column} {min} to {max}"),
            Some(Bound::Text { min, max }) => format!(", {column} {min:?} to {max:?}"),
            None => continue,
        };
        text.push_str(&bounds);
    }
    text
}
