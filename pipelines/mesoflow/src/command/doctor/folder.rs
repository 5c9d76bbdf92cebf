//! The job's folder: local, writable, with room, and without leftovers.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::{Duration, Instant, SystemTime};

use runtime::config::Job;
use runtime::folder::JobFolder;

use super::finding::{Findings, bytes_text, with_causes};

/// File systems on which several machines may write: put-if-absent and rename may be seen late.
const SHARED: [&str; 9] = [
    "9p",
    "afs",
    "ceph",
    "cifs",
    "fuse",
    "glusterfs",
    "nfs",
    "smb",
    "virtiofs",
];
/// File systems that do not survive the machine.
const PASSING: [&str; 2] = ["ramfs", "tmpfs"];
/// A sync that takes longer makes itself felt in every epoch.
const SLOW_SYNC: Duration = Duration::from_millis(20);
/// Room below which a job is soon held.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// A temporary file of this age belongs to no write that is under way.
const LEFTOVER: Duration = Duration::from_secs(60);

pub(super) fn examine(job: &Job, findings: &mut Findings) {
    let subject = format!("folder {}", job.folder.display());
    let exists = job.folder.is_dir();
    let Some(there) = nearest(&job.folder) else {
        findings.wrong(
            &subject,
            "no part of its path is there",
            "name another `folder`",
        );
        return;
    };
    file_system(&there, &subject, findings);
    free_space(&there, &subject, findings);
    writable(&there, exists, &subject, findings);
    if exists {
        generations(job, &subject, findings);
        leftovers(&job.folder, &subject, findings);
    }
}

/// The folder itself, or the nearest one above it that is there.
fn nearest(folder: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(folder).ok()?;
    let mut parts = whole.ancestors();
    parts.find(|part| part.is_dir())?.canonicalize().ok()
}

fn file_system(folder: &Path, subject: &str, findings: &mut Findings) {
    let Ok(mounts) = fs::read_to_string("/proc/self/mounts") else {
        let to_do = "make sure that it is a local disk";
        findings.odd(subject, "its file system is not known", to_do);
        return;
    };
    let Some(kind) = kind_of(&mounts, folder) else {
        let to_do = "make sure that it is a local disk";
        findings.odd(subject, "its file system is not known", to_do);
        return;
    };
    let base = kind.split('.').next().unwrap_or_default();
    if SHARED.iter().any(|shared| base.starts_with(shared)) {
        findings.wrong(
            subject,
            format!("file system {kind} is shared between machines"),
            "choose a folder on a local disk: two starts could take one generation",
        );
    } else if PASSING.contains(&base) {
        findings.odd(
            subject,
            format!("file system {kind} is in memory"),
            "choose a folder on a disk, unless what the job holds may be lost with the machine",
        );
    } else {
        findings.fine(subject, format!("file system {kind} is local"));
    }
}

/// The kind of file system that a path is on: of the mounts above it the deepest, the last of equals.
fn kind_of(mounts: &str, path: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let point = words.next()?.replace("\\040", " ");
        path.starts_with(&point)
            .then(|| (point.len(), words.next()))
    });
    let deepest = mounts.max_by_key(|(length, _)| *length)?;
    deepest.1.map(str::to_owned)
}

fn free_space(folder: &Path, subject: &str, findings: &mut Findings) {
    let asked = Command::new("df").arg("-Pk").arg(folder).output();
    let free = asked.ok().and_then(|answer| {
        let text = String::from_utf8(answer.stdout).ok()?;
        let kibibytes: u64 = text
            .lines()
            .nth(1)?
            .split_whitespace()
            .nth(3)?
            .parse()
            .ok()?;
        Some(kibibytes << 10)
    });
    match free {
        None => findings.odd(
            subject,
            "its free space is not known",
            "look at it with `df`",
        ),
        Some(free) if free < FREE_BYTES_MIN => findings.odd(
            subject,
            format!("{} are free", bytes_text(free)),
            "make room: a full disk holds the job",
        ),
        Some(free) => findings.fine(subject, format!("{} are free", bytes_text(free))),
    }
}

/// Writes, syncs, renames and removes a file, as the job does.
fn writable(there: &Path, exists: bool, subject: &str, findings: &mut Findings) {
    let probe = || -> io::Result<Duration> {
        let temporary = there.join(format!(".doctor.{}", process::id()));
        let renamed = there.join(format!(".doctor.{}.renamed", process::id()));
        let mut file = File::create_new(&temporary)?;
        let begin = Instant::now();
        let written = file.write_all(b"doctor").and_then(|()| file.sync_all());
        let taken = begin.elapsed();
        let renamed_too = written.and_then(|()| fs::rename(&temporary, &renamed));
        let left = if renamed_too.is_ok() {
            &renamed
        } else {
            &temporary
        };
        fs::remove_file(left)?;
        renamed_too?;
        File::open(there)?.sync_all()?;
        Ok(taken)
    };
    let what = if exists {
        "it is writable".to_owned()
    } else {
        format!("it will be made in {}, which is writable", there.display())
    };
    match probe() {
        Ok(taken) if taken > SLOW_SYNC => findings.odd(
            subject,
            format!("{what}; a sync took {} ms", taken.as_millis()),
            "choose a faster disk: no epoch is shown before its sync",
        ),
        Ok(taken) => {
            let millis = taken.as_secs_f64() * 1e3;
            findings.fine(subject, format!("{what}; a sync took {millis:.1} ms"));
        }
        Err(error) => {
            let to_do = "give this user the right to write there, or name another `folder`";
            findings.failed(subject, &error, to_do);
        }
    }
}

fn generations(job: &Job, subject: &str, findings: &mut Findings) {
    // Opening makes what is missing, and nothing is to be changed here.
    if !job.folder.join("generations").is_dir() {
        findings.fine(subject, "no generation has been started");
        return;
    }
    let newest = JobFolder::open(&job.folder).and_then(|folder| folder.newest_generation());
    match newest {
        Ok(Some(newest)) => findings.fine(subject, format!("generation {newest} is the newest")),
        Ok(None) => findings.fine(subject, "no generation has been started"),
        Err(error) => {
            let to_do = "move foreign files out of the folder, and see that it can be read";
            findings.failed(subject, &error, to_do);
        }
    }
}

fn leftovers(folder: &Path, subject: &str, findings: &mut Findings) {
    let mut left = Vec::new();
    for part in ["generations", "bindings", "rulesets", "acts", "prices"] {
        if let Err(error) = temporary_files(&folder.join(part), &mut left) {
            let found = format!("{part} cannot be listed: {}", with_causes(&error));
            findings.wrong(subject, found, "give this user the right to read it");
        }
    }
    match left.as_slice() {
        [] => findings.fine(subject, "no temporary files are left over"),
        [first, ..] => findings.odd(
            subject,
            format!(
                "{} temporary files are left over, such as {}",
                left.len(),
                first.display()
            ),
            "delete them: a start or a command that was cut off wrote them, and nothing reads them",
        ),
    }
}

fn temporary_files(folder: &Path, left: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let changed = entry.metadata()?.modified()?;
        let age = SystemTime::now()
            .duration_since(changed)
            .unwrap_or_default();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if is_hidden && age > LEFTOVER {
            left.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_tells_the_file_system() {
        let mounts = "overlay / overlay rw 0 0\nserver:/x /data nfs4 rw 0 0\n/dev/sda1 /data/local ext4 rw 0 0\n";
        let kind = |path| kind_of(mounts, Path::new(path)).unwrap();
        assert_eq!(kind("/home/job"), "overlay");
        assert_eq!(kind("/data/job"), "nfs4");
        assert_eq!(kind("/data/local/job"), "ext4");
        assert_eq!(kind("/database"), "overlay");
    }
}
