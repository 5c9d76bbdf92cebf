//! Reading the members of an object that have a name here; the others are skipped.

use std::borrow::Cow;

use crate::reason::Reason;

use super::cursor::{Checked, Cursor, fault};
use super::value::{Text, Value};

/// The members of one object, found by name as they come. No name may stand twice.
///
/// ```text
/// let mut members = Members::of(&["ocid", "level"]);
/// cursor.enter_object()?;
/// while let Some(index) = members.next(cursor)? { … }   // the cursor stands at the value
/// ```
#[derive(Debug)]
pub(crate) struct Members<'a, 'n> {
    names: &'n [&'n str],
    /// One bit a name: whether it has come.
    seen: u32,
    /// The name that is tried first: producers keep an order.
    expected: usize,
    first: bool,
    others: Others<'a>,
}

/// What becomes of names that are not asked for.
#[derive(Debug)]
enum Others<'a> {
    /// They are remembered, and none may stand twice.
    Once(Vec<Cow<'a, str>>),
    /// They are not looked at.
    Ignored,
}

impl<'a, 'n> Members<'a, 'n> {
    /// At most 32 names. No other name may stand twice either.
    pub(crate) fn of(names: &'n [&'n str]) -> Self {
        debug_assert!(names.len() <= 32);
        Self {
            names,
            seen: 0,
            expected: 0,
            first: true,
            others: Others::Once(Vec::new()),
        }
    }

    /// At most 32 names. Other names may stand as often as they like.
    pub(crate) fn only(names: &'n [&'n str]) -> Self {
        Self {
            others: Others::Ignored,
            ..Self::of(names)
        }
    }

    /// Goes to the value of the next member that has one of the names, and says which: the index of
    /// its name. `None`: the object has ended.
    #[inline]
    pub(crate) fn next(&mut self, cursor: &mut Cursor<'a>) -> Checked<Option<usize>> {
        while let Some(name) = cursor.next_name(std::mem::take(&mut self.first))? {
            if let Some(index) = self.find(name) {
                let bit = 1 << index;
                if self.seen & bit != 0 {
                    return Err(twice().within(self.names[index]));
                }
                self.seen |= bit;
                self.expected = index + 1;
                return Ok(Some(index));
            }
            if let Others::Once(others) = &mut self.others {
                others.push(name.decode());
            }
            cursor
                .skip()
                .map_err(|fault| fault.within(&name.decode()))?;
        }
        self.check_others()?;
        Ok(None)
    }

    #[inline(always)]
    fn find(&self, name: Text<'a>) -> Option<usize> {
        if name.escaped {
            return self.find_escaped(name);
        }
        match self.names.get(self.expected) {
            Some(&expected) if expected == name.raw => Some(self.expected),
            _ => self.names.iter().position(|&known| known == name.raw),
        }
    }

    #[cold]
    fn find_escaped(&self, name: Text<'a>) -> Option<usize> {
        let name = name.decode();
        self.names.iter().position(|&known| known == name)
    }

    fn check_others(&mut self) -> Checked<()> {
        let Others::Once(others) = &mut self.others else {
            return Ok(());
        };
        check_once(others)
    }

    /// Reads all members: strictly those with a name, in the order of the names. Absent ones are
    /// [`Value::Absent`].
    pub(crate) fn values<const N: usize>(
        names: &'n [&'n str; N],
        cursor: &mut Cursor<'a>,
    ) -> Checked<[Value<'a>; N]> {
        let mut values = [Value::Absent; N];
        let mut members = Self::of(names);
        cursor.enter_object()?;
        while let Some(index) = members.next(cursor)? {
            values[index] = cursor.value().map_err(|fault| fault.within(names[index]))?;
        }
        Ok(values)
    }
}

/// Checks that no name stands twice, and sorts them.
pub(super) fn check_once(names: &mut [Cow<'_, str>]) -> Checked<()> {
    if names.len() < 2 {
        return Ok(());
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(twice().within(&pair[0])),
    }
}

fn twice() -> Box<crate::Rejection> {
    fault(Reason::Malformed, "the member once")
}
