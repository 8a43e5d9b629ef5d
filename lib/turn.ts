/** How long a job may keep the event loop between two looks at its signal, in ms. */
const TURN_MS = 20;

/** Lets the event loop turn every TURN_MS, and looks at the signal. */
export class Turn {
  private last = performance.now();

  constructor(private readonly signal: AbortSignal | undefined) {}

  /** Rejects with `signal.reason`. */
  async yieldWhenDue(): Promise<void> {
    this.signal?.throwIfAborted();
    if (performance.now() - this.last < TURN_MS) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.last = performance.now();
    this.signal?.throwIfAborted();
  }
}
