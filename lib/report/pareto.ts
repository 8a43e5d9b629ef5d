/** A method as a point: `cost` is to be small, `gain` large. */
export interface Point {
  readonly cost: number;
  readonly gain: number;
}

/** Those that no other beats: none is at most as costly and at least as good, and better in one of both. Cheapest first. */
export function paretoFront<P extends Point>(points: readonly P[]): P[] {
  const order = [...points].sort((a, b) => a.cost - b.cost || b.gain - a.gain);
  const front: P[] = [];
  for (const point of order) {
    const last = front.at(-1);
    const isEqual = last !== undefined && last.cost === point.cost && last.gain === point.gain;
    if (last === undefined || point.gain > last.gain || isEqual) front.push(point);
  }
  return front;
}
