// Texts and the entities in them. Everything is counted in code points, as Rasa counts: an emoji is one, or several.
export const pointsOf = (text) => Array.from(text);
export const cut = (text, { start, end }) => pointsOf(text).slice(start, end).join("");

const SPACE = /^\s$/u;
const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });

export function trimmed(text, { start, end }) {
  const points = pointsOf(text);
  let [from, to] = [start, end];
  while (from < to && SPACE.test(points[from])) from += 1;
  while (from < to && SPACE.test(points[to - 1])) to -= 1;
  return from < to ? { start: from, end: to } : null;
}

// The word that holds this place, or ends at it.
export function wordAt(text, at) {
  let start = 0;
  let before = null;
  for (const { segment, isWordLike } of segmenter.segment(text)) {
    const end = start + pointsOf(segment).length;
    const here = isWordLike ? { start, end } : null;
    if (start > at) break;
    if (at < end) return here ?? (at === start ? before : null);
    before = here;
    start = end;
  }
  return before?.end === at ? before : null;
}

const overlap = (one, other) => one.start < other.end && other.start < one.end;

// With one more, in place of those that it overlaps.
export function including(entities, added) {
  return [...entities.filter((each) => !overlap(each, added)), added].sort((one, other) => one.start - other.start);
}

// What can be shown: inside the text, and of those that overlap the first.
export function sound(entities, text) {
  const { length } = pointsOf(text);
  const inside = entities.filter(({ start, end }) => Number.isInteger(start) && start >= 0 && start < end && end <= length);
  return inside.reduce((kept, each) => (kept.some((other) => overlap(each, other)) ? kept : including(kept, each)), []);
}

// Where they are after the text was changed in one place. A letter typed at the end of one belongs to it, a space does
// not; one whose words are all gone goes, too.
export function following(entities, before, after) {
  const [old, now] = [pointsOf(before), pointsOf(after)];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  const [oldEnd, newEnd] = [old.length - tail, now.length - tail];
  const grows = head === oldEnd && !now.slice(head, newEnd).some((point) => SPACE.test(point));
  const startOf = (at) => {
    if (at < head || (at === head && head < oldEnd)) return at;
    return at >= oldEnd ? at + newEnd - oldEnd : newEnd;
  };
  const endOf = (at) => {
    if (at < head || (at === head && !grows)) return at;
    return at >= oldEnd ? at + newEnd - oldEnd : head;
  };
  const moved = entities.map((each) => ({ ...each, start: startOf(each.start), end: endOf(each.end) }));
  return moved.filter((each) => each.start < each.end);
}
