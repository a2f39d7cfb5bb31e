//! Names what is wrong with a log, from the hashes its records give of one another.
//!
//! A record is vouched for by the next one, which holds its hash. Records that continue each other
//! form fragments; an intact log is one fragment from record 0 on. Where two fragments meet, the
//! later one, if it is vouched for, tells that the end of the earlier was altered; where numbers
//! lack between them, lines that are no records or are misnumbered stand for altered records, and
//! the rest is missing. Order is looked at last, so that moving a record is not taken for loss.
//!
//! An altered record cannot tell whether the one before it was altered too: the first is named.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::lines::{Line, Link};
use super::report::Fault;
use crate::digest::Sha256;
use crate::record::Head;

/// The faults of `lines`, which should be a whole log that contains the record of `head`.
pub(super) fn diagnose(lines: &[Line], head: Option<&Head>) -> Vec<Fault> {
    if is_intact(lines, head) {
        return Vec::new();
    }
    let (copies, mut faults) = repeated(lines);
    let (fragments, strays) = fragments(lines, &copies);
    let mut walk = Walk { lines, head, strays, blamed: BTreeSet::new(), faults: Vec::new() };
    let placed = walk.place(fragments);
    walk.follow(&placed);
    faults.append(&mut walk.faults);
    faults.extend(walk.strays.keys().map(|&index| Fault::Foreign { line: line_number(index) }));
    faults.extend(out_of_order(&placed));
    faults
}

fn is_intact(lines: &[Line], head: Option<&Head>) -> bool {
    let mut expected = (0, Sha256::ZERO);
    let is_chain = lines.iter().all(|line| {
        let is_next = line.link.is_some_and(|link| (link.seq, link.prev) == expected);
        expected = (expected.0 + 1, line.hash);
        is_next
    });
    let has_head = head.is_none_or(|head| {
        let index = usize::try_from(head.seq).ok();
        index.and_then(|index| lines.get(index)).is_some_and(|line| line.hash == head.hash)
    });
    is_chain && has_head
}

/// Lines whose record stands elsewhere too. The one that follows its predecessor is the original.
fn repeated(lines: &[Line]) -> (HashSet<usize>, Vec<Fault>) {
    let mut originals: HashMap<Sha256, usize> = HashMap::new();
    let (mut copies, mut faults) = (HashSet::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let Some(link) = line.link else { continue };
        let Some(&earlier) = originals.get(&line.hash) else {
            originals.insert(line.hash, index);
            continue;
        };
        let copy = if follows(lines, earlier, link) || !follows(lines, index, link) {
            index
        } else {
            originals.insert(line.hash, index);
            earlier
        };
        copies.insert(copy);
        faults.push(Fault::Repeated { seq: link.seq, line: line_number(copy) });
    }
    (copies, faults)
}

fn follows(lines: &[Line], index: usize, link: Link) -> bool {
    match index.checked_sub(1) {
        None => link.seq == 0,
        Some(before) => lines[before].hash == link.prev,
    }
}

/// Records that continue each other, in their order.
struct Fragment {
    first: u64,
    indexes: Vec<usize>,
}

impl Fragment {
    fn last(&self) -> u64 {
        self.first + self.indexes.len() as u64 - 1
    }

    fn first_index(&self) -> usize {
        self.indexes[0]
    }

    fn last_index(&self) -> usize {
        self.indexes[self.indexes.len() - 1]
    }

    fn records(&self) -> impl Iterator<Item = (usize, u64)> {
        self.indexes.iter().copied().zip(self.first..)
    }
}

/// Lines that are no record of the chain, with the number they should have where that is known.
type Strays = BTreeMap<usize, Option<u64>>;

fn fragments(lines: &[Line], copies: &HashSet<usize>) -> (Vec<Fragment>, Strays) {
    let mut strays = Strays::new();
    let mut by_hash = HashMap::new();
    let originals = || lines.iter().enumerate().filter(|(index, _)| !copies.contains(index));
    for (index, line) in originals() {
        match line.link {
            Some(link) => drop(by_hash.insert(line.hash, (index, link.seq))),
            None => drop(strays.insert(index, None)),
        }
    }
    let mut next = HashMap::new();
    let mut starts = Vec::new();
    for (index, line) in originals() {
        let Some(link) = line.link else { continue };
        match by_hash.get(&link.prev) {
            Some(&(_, seq)) if seq + 1 != link.seq => drop(strays.insert(index, Some(seq + 1))),
            Some(&(before, _)) if !next.contains_key(&before) => drop(next.insert(before, index)),
            _ => starts.push((link.seq, index)),
        }
    }
    // What continues a misnumbered record is a fragment of its own.
    for &stray in strays.keys() {
        if let Some(index) = next.remove(&stray) {
            starts.extend(lines[index].link.map(|link| (link.seq, index)));
        }
    }
    let fragments = starts.into_iter().map(|(first, start)| {
        let indexes = std::iter::successors(Some(start), |index| next.get(index).copied());
        Fragment { first, indexes: indexes.collect() }
    });
    (fragments.collect(), strays)
}

/// The fragments that are taken for the log, by the number of their first record.
type Placed = BTreeMap<u64, Fragment>;

struct Walk<'a> {
    lines: &'a [Line],
    head: Option<&'a Head>,
    strays: Strays,
    blamed: BTreeSet<u64>,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    /// Gives each fragment its place, the longest first, as it has the most to vouch for it. One
    /// that has no place is a number of strays.
    fn place(&mut self, mut fragments: Vec<Fragment>) -> Placed {
        fragments.sort_by_key(|f| (std::cmp::Reverse(f.indexes.len()), f.first_index()));
        let mut placed = Placed::new();
        let mut seq_at = BTreeMap::new();
        for fragment in fragments {
            let is_free = placed
                .range(..=fragment.last())
                .next_back()
                .is_none_or(|(_, other): (_, &Fragment)| other.last() < fragment.first);
            if is_free && stands_in_order(&fragment, &seq_at) {
                seq_at.extend(fragment.records());
                placed.insert(fragment.first, fragment);
            } else {
                self.strays.extend(fragment.indexes.iter().map(|&index| (index, None)));
            }
        }
        placed
    }

    /// Goes through the fragments by their numbers and names what is wrong between them.
    fn follow(&mut self, placed: &Placed) {
        let mut expected = 0;
        let mut index = 0;
        let mut before: Option<&Fragment> = None;
        let mut fragments = placed.values().peekable();
        while let Some(fragment) = fragments.next() {
            if fragment.first > expected {
                self.gap(expected, fragment.first - 1, index..fragment.first_index());
            } else {
                let after = fragments.peek().is_some_and(|next| next.first == fragment.last() + 1);
                self.junction(before, fragment, after);
            }
            expected = fragment.last() + 1;
            index = fragment.last_index() + 1;
            before = Some(fragment);
        }
        self.end(expected, index, placed);
    }

    /// Numbers `first` to `last` lack. Strays that stand there are the altered records.
    fn gap(&mut self, first: u64, last: u64, indexes: Range<usize>) {
        // Where lines were moved the range may be upside down; then nothing stands in it.
        let range = indexes.start..indexes.end.max(indexes.start);
        let strays: Vec<_> = self.strays.range(range).map(|(&index, &seq)| (index, seq)).collect();
        let mut next = first;
        for (index, known) in strays {
            if next > last {
                break;
            }
            let seq = known.filter(|seq| (next..=last).contains(seq)).unwrap_or(next);
            if seq > next {
                self.faults.push(Fault::Missing { first: next, last: seq - 1 });
            }
            self.strays.remove(&index);
            self.blame(seq, index);
            next = seq + 1;
        }
        if next <= last {
            self.faults.push(Fault::Missing { first: next, last });
        }
    }

    /// `fragment` has the next number but does not continue `before`: one of the two was altered.
    fn junction(&mut self, before: Option<&Fragment>, fragment: &Fragment, after: bool) {
        let index = fragment.first_index();
        let Some(before) = before else {
            if self.lines[index].link.is_some_and(|link| link.prev != Sha256::ZERO) {
                self.blame(fragment.first, index);
            }
            return;
        };
        if self.blamed.contains(&before.last()) {
            return;
        }
        let head_says = self.head.filter(|head| head.seq == fragment.first);
        let is_vouched_for = fragment.indexes.len() > 1
            || head_says.is_some_and(|head| head.hash == self.lines[index].hash);
        if is_vouched_for {
            self.blame(before.last(), before.last_index());
        } else if after || head_says.is_some() {
            self.blame(fragment.first, index);
        } else {
            let (seq, line) = (fragment.first, line_number(index));
            self.faults.push(Fault::Unlinked { seq, line });
        }
    }

    /// After the last fragment: the numbers up to the head lack, or else as many as strays stand
    /// there. The record of the head must be the one the head names.
    fn end(&mut self, expected: u64, index: usize, placed: &Placed) {
        let strays = self.strays.range(index..).count() as u64;
        let end = match self.head {
            Some(head) if head.seq >= expected => head.seq.saturating_add(1),
            _ => expected + strays,
        };
        if end > expected {
            self.gap(expected, end - 1, index..self.lines.len());
        }
        let Some(head) = self.head else { return };
        let found = placed
            .range(..=head.seq)
            .next_back()
            .and_then(|(_, fragment)| fragment.records().find(|&(_, seq)| seq == head.seq));
        if let Some((index, seq)) = found
            && self.lines[index].hash != head.hash
        {
            self.blame(seq, index);
        }
    }

    fn blame(&mut self, seq: u64, index: usize) {
        if self.blamed.insert(seq) {
            self.faults.push(Fault::Altered { seq, line: line_number(index) });
        }
    }
}

/// A lone record that nothing vouches for is believed its number only where it fits its place.
fn stands_in_order(fragment: &Fragment, seq_at: &BTreeMap<usize, u64>) -> bool {
    let index = fragment.first_index();
    let before = seq_at.range(..index).next_back().is_none_or(|(_, &seq)| seq < fragment.first);
    let after = seq_at.range(index..).next().is_none_or(|(_, &seq)| seq > fragment.first);
    fragment.indexes.len() > 1 || (before && after)
}

/// Records that do not stand in the order of their numbers: the fewest whose removal leaves order,
/// found as what is not in a longest increasing subsequence (patience sorting; Fredman 1975).
fn out_of_order(placed: &Placed) -> Vec<Fault> {
    let records: BTreeMap<usize, u64> = placed.values().flat_map(Fragment::records).collect();
    let records: Vec<(usize, u64)> = records.into_iter().collect();
    let mut piles: Vec<usize> = Vec::new();
    let mut below = vec![None; records.len()];
    for (position, &(_, seq)) in records.iter().enumerate() {
        let pile = piles.partition_point(|&top| records[top].1 < seq);
        below[position] = pile.checked_sub(1).map(|under| piles[under]);
        match piles.get_mut(pile) {
            Some(top) => *top = position,
            None => piles.push(position),
        }
    }
    let ordered = std::iter::successors(piles.last().copied(), |&position| below[position]);
    let ordered: HashSet<usize> = ordered.collect();
    records
        .iter()
        .enumerate()
        .filter(|(position, _)| !ordered.contains(position))
        .map(|(_, &(index, seq))| Fault::Reordered { seq, line: line_number(index) })
        .collect()
}

/// Lines count from 1, as editors do.
fn line_number(index: usize) -> u64 {
    index as u64 + 1
}
