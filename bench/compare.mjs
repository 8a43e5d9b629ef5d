// Two runs against each other. Machines differ from hour to hour, so a change is only what all agree on: the ratios to
// each peer of the same run, and (on the same kind of CPU) our own time. Where the machine was slower, the ratios stay;
// where a peer was disturbed, our time does.

/** Medians that differ by less are no change, whatever the quartiles say. */
const MIN_CHANGE = 0.1;

/** Our contenders, and the ratios that would tell. Not those between our own: what slows both would not show. */
const WATCHED = {
  int8: ['int8VsOrtInt8', 'int8VsOrtFloat32', 'int8VsTfjs', 'int8VsJavascript'],
  int8Codes: ['codesVsOrtInt8Codes', 'codesVsOrtFloat32', 'codesVsJavascript'],
  float32: ['float32VsOrtFloat32', 'float32VsJavascript'],
};

const keyOf = ({ model, batch, threads }) => `${model}, batch ${batch}, threads ${threads}`;

/** Speeds with quartiles, larger is faster, and what they are measured by. */
function speeds(before, after, name, sameCpu) {
  const ratios = WATCHED[name]
    .filter((ratio) => before.ratios[ratio] && after.ratios[ratio])
    .map((ratio) => ({ by: ratio, old: before.ratios[ratio], now: after.ratios[ratio] }));
  const callsPerSecond = ({ p50, q1, q3 }) => ({ median: 1e6 / p50, q1: 1e6 / q3, q3: 1e6 / q1 });
  const [old, now] = [before.contenders[name], after.contenders[name]];
  const hasTimes = sameCpu && old !== undefined && now !== undefined;
  return hasTimes ? [...ratios, { by: 'time', old: callsPerSecond(old), now: callsPerSecond(now) }] : ratios;
}

const changeOf = ({ old, now }) => now.median / old.median - 1;

/** 'slower' and 'faster' only where the quartiles do not overlap. */
export function verdict(old, now) {
  const change = changeOf({ old, now });
  if (change < -MIN_CHANGE && now.q3 < old.q1) return 'slower';
  if (change > MIN_CHANGE && now.q1 > old.q3) return 'faster';
  return 'same';
}

/** One entry for each contender of ours in each cell that both runs have; `change` and `by` are the mildest. */
export function compare(before, after) {
  const old = new Map(before.cells.map((cell) => [keyOf(cell), cell]));
  return after.cells.flatMap((cell) => {
    const other = old.get(keyOf(cell));
    if (other === undefined) return [];
    return Object.keys(WATCHED).flatMap((name) => {
      const pairs = speeds(other, cell, name, before.cpu === after.cpu);
      if (pairs.length === 0) return [];
      const [mildest] = pairs.toSorted((a, b) => Math.abs(changeOf(a)) - Math.abs(changeOf(b)));
      const verdicts = new Set(pairs.map((pair) => verdict(pair.old, pair.now)));
      return [
        {
          cell: keyOf(cell),
          name,
          by: mildest.by,
          change: changeOf(mildest),
          verdict: verdicts.size === 1 ? [...verdicts][0] : 'same',
        },
      ];
    });
  });
}

/** Things that make two runs hard to compare. */
export function differences(before, after) {
  return ['cpu', 'kernel', 'node', 'quick'].flatMap((key) =>
    before[key] === after[key] ? [] : [`${key}: ${before[key]} then, ${after[key]} now`],
  );
}
